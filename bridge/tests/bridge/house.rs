//! A bridge with accounts, and browsers that come to it.

use std::{net::SocketAddr, time::Duration};

use hearth::{
    auth::{
        Role,
        accounts::{Account, AccountsFile},
    },
    server::Server,
};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    fake_broker::FakeBroker,
    http::{self, Answer},
    running::bridge_to,
    websocket::{self, Browser},
};

pub(crate) const PASSWORD: &str = "correct horse";

/// A bridge with accounts, in front of a broker.
pub(crate) struct House {
    pub(crate) bridge: Server,
    pub(crate) accounts: AccountsFile,
    _broker: FakeBroker,
    _folder: TempDir,
}

impl House {
    /// `ada` is an admin, `vic` a viewer, `olga` an operator; all have one password.
    pub(crate) async fn open(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let accounts = AccountsFile::new(folder.path().join("accounts.toml"));
        let ada = Account::new(Role::Admin, PASSWORD).unwrap();
        let others = [
            ("vic", Role::Viewer),
            ("olga", Role::Operator),
            ("ada", Role::Admin),
        ];
        accounts
            .edit(|all| {
                all.extend(others.map(|(name, role)| {
                    let account = Account { role, ..ada.clone() };
                    (name.to_owned(), account)
                }));
                Ok(())
            })
            .unwrap();
        let broker = FakeBroker::start().await;
        let file = accounts.path().display();
        let settings = format!("auth.mode = \"users\"\nauth.accounts_file = \"{file}\"\n{settings}");
        let bridge = bridge_to(broker.address(), &settings).await;
        Self {
            bridge,
            accounts,
            _broker: broker,
            _folder: folder,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.bridge.address()
    }

    pub(crate) fn visitor(&self) -> Visitor {
        Visitor {
            bridge: self.address(),
            cookies: Vec::new(),
        }
    }

    pub(crate) async fn logged_in(&self, user: &str) -> Visitor {
        let mut visitor = self.visitor();
        let answer = visitor.log_in(user, PASSWORD).await;
        assert_eq!(answer.status, 303, "{user}: {}", answer.text());
        visitor
    }

    pub(crate) async fn metrics(&self) -> String {
        let admin = self.logged_in("ada").await;
        admin.get("/metrics").await.text()
    }
}

/// A browser that keeps cookies, and sends forms as browsers do.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) bridge: SocketAddr,
    pub(crate) cookies: Vec<(String, String)>,
}

impl Visitor {
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let found = self.cookies.iter().find(|(found, _)| found == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    fn cookie_header(&self) -> String {
        let pairs = self.cookies.iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<_> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    pub(crate) fn take_cookies(&mut self, answer: &Answer) {
        for line in answer
            .header("set-cookie")
            .split('\n')
            .filter(|line| !line.is_empty())
        {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(kept, _)| kept != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        http::get(self.bridge, path, &[("Cookie", &self.cookie_header())]).await
    }

    /// Sends a form with these headers beside the usual ones.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let bridge = self.bridge;
        let body: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let body = body.join("&");
        let mut text = format!("POST {path} HTTP/1.1\r\nHost: {bridge}\r\nConnection: close\r\n");
        let own = format!("http://{bridge}");
        let length = body.len().to_string();
        let usual = [
            ("Origin", own.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Cookie", &self.cookie_header()),
            ("Content-Length", &length),
        ];
        let changed = |name: &str| headers.iter().any(|(other, _)| *other == name);
        for (name, value) in usual.iter().filter(|(name, _)| !changed(name)).chain(headers) {
            if !value.is_empty() {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        let answer = http::raw(bridge, &format!("{text}\r\n{body}")).await;
        self.take_cookies(&answer);
        answer
    }

    /// Opens the login page; what its hidden field holds.
    pub(crate) async fn form_token(&mut self) -> String {
        let answer = self.get("/login").await;
        self.take_cookies(&answer);
        hidden(&answer.text(), "token")
    }

    pub(crate) async fn log_in(&mut self, user: &str, password: &str) -> Answer {
        let token = self.form_token().await;
        let fields = [("user", user), ("password", password), ("token", token.as_str())];
        self.post("/login", &fields, &[]).await
    }

    pub(crate) async fn config(&self) -> serde_json::Value {
        let answer = self.get("/api/config").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    pub(crate) async fn is_logged_in(&self) -> bool {
        self.get("/api/config").await.status == 200
    }

    pub(crate) async fn log_out(&mut self, more: &[(&str, &str)]) -> Answer {
        let config = self.config().await;
        let token = config["user"]["form_token"].as_str().unwrap();
        self.post("/logout", &[&[("token", token)], more].concat(), &[])
            .await
    }

    pub(crate) async fn websocket(&self) -> Browser {
        websocket::open_with(self.bridge, "/mqtt", &[("Cookie", &self.cookie_header())]).await
    }
}

pub(crate) fn hidden(html: &str, name: &str) -> String {
    let (_, rest) = html
        .split_once(&format!("name=\"{name}\" value=\""))
        .expect("the field is there");
    rest.split('"').next().unwrap().to_owned()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Waits until it is so, for a second or two.
pub(crate) async fn soon(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so().await {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(20)).await;
    }
}
