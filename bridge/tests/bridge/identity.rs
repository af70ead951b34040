//! A reverse proxy that says who asks.

use std::net::SocketAddr;

use hearth::server::Server;

use crate::{
    fake_broker::FakeBroker,
    http,
    running::{bridge_to, parse},
    websocket,
};

/// A bridge that believes proxies at these addresses.
async fn behind(proxies: &str, settings: &str) -> (Server, FakeBroker) {
    let broker = FakeBroker::start().await;
    let settings = format!(
        "auth.mode = \"proxy\"\naccess.trusted_proxies = {proxies}\nauth.metrics_from = [\"127.0.0.1\"]\n{settings}"
    );
    (bridge_to(broker.address(), &settings).await, broker)
}

/// The user's name and role as the page is told, or the status of the refusal.
async fn seen(bridge: SocketAddr, headers: &[(&str, &str)]) -> Result<(String, String), u16> {
    let answer = http::get(bridge, "/api/config", headers).await;
    if answer.status != 200 {
        return Err(answer.status);
    }
    let config: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(config["auth"], "proxy");
    assert_eq!(config["user"]["form_token"], "", "nobody can log out here");
    let text = |key: &str| config["user"][key].as_str().unwrap().to_owned();
    Ok((text("name"), text("role")))
}

#[tokio::test]
async fn a_trusted_proxy_names_the_user_and_perhaps_the_role() {
    let settings = "auth.role_header = \"X-Forwarded-Role\"\nauth.default_role = \"operator\"";
    let (bridge, _broker) = behind("[\"127.0.0.0/8\", \"::1\"]", settings).await;
    const USER: &str = "X-Forwarded-User";
    const ROLE: &str = "X-Forwarded-Role";
    let known = |user: &str, role: &str| Ok((user.to_owned(), role.to_owned()));
    let table = [
        (&[(USER, "ada")][..], known("ada", "operator")),
        (
            &[(USER, "ada@home.example"), (ROLE, "admin")],
            known("ada@home.example", "admin"),
        ),
        (&[(USER, "뽀로로"), (ROLE, "viewer")], known("뽀로로", "viewer")),
        (&[], Err(403)),
        (&[(ROLE, "admin")], Err(403)),
        (&[(USER, "")], Err(403)),
        (&[(USER, "ada"), (USER, "eve")], Err(403)),
        (&[(USER, "ada"), (ROLE, "viewer"), (ROLE, "admin")], Err(403)),
        (&[(USER, "ada"), (ROLE, "boss")], Err(403)),
        (&[(USER, "ada"), (ROLE, "")], Err(403)),
        (&[(USER, "#")], Err(403)),
        (&[(USER, "a/b")], Err(403)),
        (&[(USER, "ada, eve")], Err(403)),
        (&[("X-Remote-User", "ada")], Err(403)),
        (
            &[(
                "Cookie",
                "hearth-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            )],
            Err(403),
        ),
    ];
    for (headers, expected) in &table {
        assert_eq!(&seen(bridge.address(), headers).await, expected, "{headers:?}");
    }
    // Who looks for the mistake is told which one it is.
    for (headers, code) in [
        (&[(USER, "HOME\\ada")][..], "unclear_identity"),
        (&[(USER, "ada"), (ROLE, "boss")], "unclear_identity"),
        (&[], "no_identity"),
    ] {
        let answer = http::get(bridge.address(), "/api/config", headers).await.text();
        assert!(
            answer.contains(&format!("\"code\":\"{code}\"")),
            "{headers:?}: {answer}"
        );
        assert!(!answer.contains("ada") && !answer.contains("boss"), "{answer}");
    }
    assert_eq!(
        http::get(bridge.address(), "/login", &[(USER, "ada")])
            .await
            .status,
        404
    );
    let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
    for line in [
        "hearth_proxy_identities_refused_total{reason=\"untrusted\"} 0",
        "hearth_proxy_identities_refused_total{reason=\"unclear\"} 10",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn the_header_of_anybody_else_is_not_believed_and_counted() {
    let (bridge, _broker) = behind("[\"192.0.2.1\", \"2001:db8::/32\"]", "").await;
    let forged: &[&[(&str, &str)]] = &[
        &[("X-Forwarded-User", "ada")],
        &[("x-forwarded-user", "ada"), ("X-Forwarded-For", "192.0.2.1")],
        &[("X-Forwarded-User", "ada"), ("Forwarded", "for=192.0.2.1")],
    ];
    for headers in forged {
        assert_eq!(seen(bridge.address(), headers).await, Err(403), "{headers:?}");
    }
    let mut browser = websocket::open_with(bridge.address(), "/mqtt", &[("X-Forwarded-User", "ada")]).await;
    assert_eq!(browser.closed().await.0, 4401);
    let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
    let line = "hearth_proxy_identities_refused_total{reason=\"untrusted\"} 4";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn a_websocket_through_a_trusted_proxy_is_let_through_to_the_broker() {
    let (bridge, broker) = behind("[\"127.0.0.1\"]", "").await;
    let headers = [("X-Forwarded-User", "ada"), ("X-Forwarded-For", "203.0.113.9")];
    let _browser = websocket::open_with(bridge.address(), "/mqtt", &headers).await;
    let _dialled = broker.accept().await;
}

#[test]
fn a_bridge_that_would_believe_nobody_does_not_start() {
    let error = parse("auth.mode = \"proxy\"").unwrap_err().to_string();
    assert!(
        error.contains("`auth.mode`") && error.contains("trusted_proxies = ["),
        "{error}"
    );
}
