//! A real nginx.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::process::Process;

/// Starts nginx with these `server` blocks and what else stands in `http`. It runs as whoever runs the test, is its own worker, and
/// writes only to `folder`.
///
/// # Errors
/// It is not there, or does not take the configuration; with what it said.
pub fn start(folder: &Path, servers: &str) -> Result<Process> {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {};\n", folder.join(kind).display()))
        .concat();
    let configuration = folder.join("nginx.conf");
    let text = format!(
        "daemon off;\nmaster_process off;\npid {};\nerror_log stderr warn;\nevents {{ }}\n\
         http {{\naccess_log off;\n{temporary}{servers}\n}}\n",
        folder.join("pid").display()
    );
    std::fs::write(&configuration, text)?;
    let command = || {
        let mut nginx = Command::new("nginx");
        nginx.args(["-e", "stderr", "-p"]).arg(folder);
        nginx.arg("-c").arg(&configuration);
        nginx.env("PATH", crate::mosquitto::path());
        nginx
    };
    let test = command().arg("-t").stdin(Stdio::null()).output();
    let test = test.context("could not start nginx")?;
    let said = String::from_utf8_lossy(&test.stderr);
    ensure!(test.status.success(), "nginx -t: {said}");
    Process::start("nginx", &mut command())
}
