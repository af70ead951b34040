//! Child processes that end with the test, and what they print.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};

use crate::wait::{PATIENCE, until_within};

/// A child process; dropping it ends it.
pub struct Process {
    name: &'static str,
    child: Child,
    output: Output,
}

/// The lines that a process has printed so far, on either stream.
#[derive(Clone, Default)]
pub struct Output(Arc<Mutex<Vec<String>>>);

impl Output {
    /// All lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn read(&self, stream: impl Read + Send + 'static) {
        let lines = self.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
                lines.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                line.clear();
            }
        });
    }
}

impl Process {
    /// Starts `command` and collects what it prints.
    pub fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("could not start {name}"))?;
        let output = Output::default();
        if let Some(stdout) = child.stdout.take() {
            output.read(stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            output.read(stderr);
        }
        Ok(Self { name, child, output })
    }

    /// The lines it has printed so far.
    #[must_use]
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Waits until a printed line gives an answer.
    ///
    /// # Errors
    /// If the process ends first, or the time is over; with what it printed.
    pub fn wait_for_line<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> Result<T> {
        self.wait_for_line_within(PATIENCE, what, find)
    }

    /// The same for what takes longer.
    ///
    /// # Errors
    /// If the process ends first, or the time is over; with what it printed.
    pub fn wait_for_line_within<T>(
        &mut self,
        patience: Duration,
        what: &str,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let found = until_within(patience, what, || {
            if let Some(answer) = self.output.lines().iter().find_map(|line| find(line)) {
                return Ok(Some(Ok(answer)));
            }
            Ok(self.child.try_wait()?.map(Err))
        });
        let printed = || self.output.lines().join("\n");
        match found.with_context(|| format!("{} printed:\n{}", self.name, printed()))? {
            Ok(answer) => Ok(answer),
            Err(status) => bail!("{} ended ({status}) before {what}:\n{}", self.name, printed()),
        }
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(&mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .context("no process id")?;
        rustix::process::kill_process(pid, Signal::TERM)?;
        until_within(Duration::from_secs(15), "the end of the process", || {
            Ok(self.child.try_wait()?)
        })
        .with_context(|| self.name)?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A TCP port of this machine that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
