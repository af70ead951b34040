//! How long a login lasts, and what it opens.

use std::time::Duration;

use hearth::auth::{
    Role,
    accounts::{Account, AccountsFile, new_password},
};
use tokio::time::Instant;

use crate::{
    house::{House, PASSWORD, Visitor, soon},
    http,
    mqtt::Client,
    running::bridge,
};

#[tokio::test]
async fn logging_out_ends_this_browser_and_everywhere_ends_all_of_the_user() {
    let house = House::open("").await;
    let (mut here, there, other) = (
        house.logged_in("vic").await,
        house.logged_in("vic").await,
        house.logged_in("olga").await,
    );
    let mut socket_here = here.websocket().await;
    let mut socket_there = there.websocket().await;
    let mut socket_other = other.websocket().await;
    // The form of another session, or none, is not taken.
    let foreign = there.config().await["user"]["form_token"]
        .as_str()
        .unwrap()
        .to_owned();
    for token in ["", foreign.as_str()] {
        let refused = here.post("/logout", &[("token", token)], &[]).await;
        assert_eq!(refused.status, 403, "{token}");
    }
    let evil = here
        .post(
            "/logout",
            &[("token", &foreign)],
            &[("Origin", "http://evil.example")],
        )
        .await;
    assert_eq!(evil.status, 403);
    assert!(here.is_logged_in().await);

    let answer = here.log_out(&[]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "login"));
    assert_eq!(socket_here.closed().await.0, 4401);
    assert!(!here.is_logged_in().await && there.is_logged_in().await);

    let mut again = house.logged_in("vic").await;
    let mut socket_again = again.websocket().await;
    again.log_out(&[("everywhere", "1")]).await;
    assert_eq!(socket_there.closed().await.0, 4401);
    assert_eq!(socket_again.closed().await.0, 4401);
    assert!(!there.is_logged_in().await && other.is_logged_in().await);
    socket_other.send(&[0x10, 0]).await;
    assert_eq!(socket_other.closed().await.0, 4400, "still open until it erred");
    let metrics = house.metrics().await;
    for line in [
        "hearth_sessions_ended_total{reason=\"logout\"} 1",
        "hearth_sessions_ended_total{reason=\"logout_everywhere\"} 2",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn a_changed_or_removed_account_ends_its_logins_and_websockets() {
    let house = House::open("").await;
    let users = ["vic", "olga", "ada"];
    let mut visitors = Vec::new();
    for user in users {
        let visitor = house.logged_in(user).await;
        let socket = visitor.websocket().await;
        visitors.push((visitor, socket));
    }
    let bystander = house.logged_in("ada").await;
    let password = new_password("another horse").unwrap();
    house
        .accounts
        .edit(|all| {
            all.remove("vic");
            all.get_mut("olga").unwrap().role = Role::Viewer;
            Ok(())
        })
        .unwrap();
    for (visitor, socket) in &mut visitors[..2] {
        assert_eq!(socket.closed().await.0, 4401);
        assert!(!visitor.is_logged_in().await);
    }
    assert!(bystander.is_logged_in().await);
    house
        .accounts
        .edit(|all| {
            all.get_mut("ada").unwrap().password = password;
            Ok(())
        })
        .unwrap();
    assert_eq!(visitors[2].1.closed().await.0, 4401);
    soon("ada is logged out", async || !bystander.is_logged_in().await).await;
    // The change counts at once, also for who logs in before anybody has looked at the file.
    assert_eq!(house.visitor().log_in("vic", PASSWORD).await.status, 401);
    assert_eq!(house.visitor().log_in("ada", PASSWORD).await.status, 401);
    assert_eq!(house.visitor().log_in("ada", "another horse").await.status, 303);
    let olga = house.logged_in("olga").await;
    assert_eq!(olga.config().await["user"]["may_publish"], false);
}

#[tokio::test]
async fn a_broken_file_of_accounts_changes_nobody_and_is_counted() {
    let house = House::open("").await;
    let ada = house.logged_in("ada").await;
    std::fs::write(house.accounts.path(), "[[account]]\nname = 3\n").unwrap();
    soon("it is counted", async || {
        let metrics = ada.get("/metrics").await.text();
        metrics.contains("hearth_accounts_reload_failures_total 1")
    })
    .await;
    house.logged_in("vic").await;
}

#[tokio::test]
async fn a_login_ends_in_time_and_an_open_websocket_is_not_idle() {
    let house = House::open("auth.session_idle_s = 1\nauth.session_lifetime_s = 6").await;
    let (idle, busy) = (house.logged_in("vic").await, house.logged_in("vic").await);
    let began = Instant::now();
    let mut socket = busy.websocket().await;
    soon("the silent browser is logged out", async || {
        let metrics = house.metrics().await;
        metrics.contains("reason=\"idle\"")
    })
    .await;
    assert!(!idle.is_logged_in().await);
    assert_eq!(socket.closed().await.0, 4401);
    assert!(began.elapsed() > Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test]
async fn metrics_are_for_admins_and_for_whom_the_settings_name() {
    let house = House::open("").await;
    for (user, status) in [("vic", 403), ("olga", 403), ("ada", 200)] {
        assert_eq!(
            house.logged_in(user).await.get("/metrics").await.status,
            status,
            "{user}"
        );
    }
    let house = House::open("auth.metrics_from = [\"127.0.0.0/8\"]").await;
    assert_eq!(house.visitor().get("/metrics").await.status, 200);
    let house = House::open("auth.metrics_from = [\"192.0.2.1\"]").await;
    assert_eq!(house.visitor().get("/metrics").await.status, 401);
}

#[tokio::test]
async fn without_users_there_is_no_login_and_all_is_as_it_was() {
    let bridge = bridge("").await;
    for (method, path) in [("GET", "/login"), ("POST", "/login"), ("POST", "/logout")] {
        let answer = http::request(bridge.address(), method, path, &[]).await;
        assert_eq!(answer.status, 404, "{method} {path}");
    }
    let answer = http::get(bridge.address(), "/api/config", &[("X-Forwarded-User", "ada")]).await;
    let config: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(config["auth"], "pass-through");
    assert_eq!(config["user"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_user_talks_to_the_embedded_broker() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = AccountsFile::new(folder.path().join("accounts.toml"));
    let olga = Account::new(Role::Operator, PASSWORD).unwrap();
    accounts
        .edit(|all| {
            all.insert("olga".to_owned(), olga);
            Ok(())
        })
        .unwrap();
    let settings = format!(
        "auth.mode = \"users\"\nauth.accounts_file = \"{}\"\n[broker.embedded]\nlisten = \"127.0.0.1:0\"\nstorage_dir = \"{}\"",
        accounts.path().display(),
        folder.path().join("broker").display()
    );
    let bridge = bridge(&settings).await;
    let mut visitor = Visitor {
        bridge: bridge.address(),
        cookies: Vec::new(),
    };
    assert_eq!(visitor.log_in("olga", PASSWORD).await.status, 303);
    let mut client = Client::connect(visitor.websocket().await).await;
    client.subscribe("home/#").await;
    bridge.stop().await.unwrap();
}
