//! What a running `hearth` keeps of the system's memory.

#![cfg(target_os = "linux")]

use std::{fs, process::Stdio, time::Duration};

use hearth::auth::{
    Role,
    accounts::{Account, AccountsFile},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    time::timeout,
};

use crate::house::{PASSWORD, Visitor};

/// In KiB.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn logins_leave_no_memory_behind() {
    let folder = TempDir::new().unwrap();
    let accounts = AccountsFile::new(folder.path().join("accounts.toml"));
    let ada = Account::new(Role::Admin, PASSWORD).unwrap();
    accounts
        .edit(|all| {
            all.insert("ada".to_owned(), ada.clone());
            Ok(())
        })
        .unwrap();
    let mut bridge = Command::new(env!("CARGO_BIN_EXE_hearth"))
        .args(["--listen", "127.0.0.1:0"])
        .env_clear()
        .env("HEARTH_AUTH_MODE", "users")
        .env("HEARTH_AUTH_ACCOUNTS_FILE", accounts.path())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(bridge.stderr.take().unwrap()).lines();
    let address = timeout(Duration::from_secs(20), async {
        loop {
            let line = log.next_line().await.unwrap().expect("it starts");
            if let Some((_, address)) = line.split_once("listening on http://") {
                return address.parse().unwrap();
            }
        }
    })
    .await
    .unwrap();
    for _ in 0..12 {
        let mut visitor = Visitor {
            bridge: address,
            cookies: Vec::new(),
        };
        assert_eq!(visitor.log_in("ada", PASSWORD).await.status, 303);
    }
    let kept = resident(bridge.id().unwrap());
    // One check takes 19 MiB, and two may go on at a time.
    assert!(kept < 80 * 1024, "{kept} KiB");
    bridge.kill().await.unwrap();
}
