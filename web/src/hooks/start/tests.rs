//! What the page makes of its address and of the bridge's answer.

use hearth_model::api::{BridgeUser, Role};

use super::*;

fn params(query: &str) -> StartParams {
    let mut params = StartParams::default();
    params.read(query);
    params
}

fn bridge() -> BridgeConfig {
    let broker = |id: &str, name: &str, default| BridgeBroker {
        id: id.into(),
        name: name.into(),
        default,
        path: format!("mqtt/{id}"),
        injects_credentials: false,
    };
    BridgeConfig {
        version: "0.1.0".into(),
        brokers: vec![broker("a", "Attic", false), broker("b", "Barn", true)],
        simulated: true,
        auth: AuthMode::PassThrough,
        user: None,
        maximum_packet_size: 2_097_152,
    }
}

#[test]
fn only_the_embedded_broker_of_the_bridge_is_called_simulated() {
    let mut bridge = bridge();
    bridge.brokers.iter_mut().for_each(|broker| {
        if broker.default {
            "embedded".clone_into(&mut broker.id);
            "mqtt/embedded".clone_into(&mut broker.path);
        }
    });
    let start = Start {
        bridge: Some(bridge),
        ..Start::default()
    };
    let folder = "http://127.0.0.1:9001/";
    for (url, expected) in [
        ("", true),
        ("ws://127.0.0.1:9001/mqtt/embedded", true),
        ("ws://127.0.0.1:9001/mqtt", true),
        ("ws://127.0.0.1:9001/mqtt/a", false),
        ("ws://broker.example/mqtt/embedded", false),
    ] {
        assert_eq!(start.is_simulated(url, folder), expected, "{url}");
    }
    assert!(!Start::default().is_simulated("", folder));
}

#[test]
fn an_address_of_the_bridge_is_known_as_such_however_it_was_given() {
    let start = Start {
        bridge: Some(bridge()),
        ..Start::default()
    };
    let folder = "https://home.example/hearth/";
    for (url, expected) in [
        ("wss://home.example/hearth/mqtt", Some(2_097_152)),
        ("wss://home.example/hearth/mqtt/a", Some(2_097_152)),
        ("wss://Home.example/hearth/mqtt/b", Some(2_097_152)),
        ("wss://home.example/hearth/mqtt/c", None),
        ("ws://home.example/hearth/mqtt", None),
        ("wss://other.example/hearth/mqtt", None),
        ("", None),
    ] {
        assert_eq!(start.largest_packet(url, folder), expected, "{url}");
        assert_eq!(Start::default().largest_packet(url, folder), None);
    }
}

#[test]
fn an_address_that_may_be_the_bridges_waits_until_it_is_known() {
    for (query, expected) in [
        ("url=ws://broker:9001/mqtt&connect=1", true),
        ("url=ws://home:8080/mqtt&connect=1", true),
        ("url=ws://Home:9001/mqtt&connect=1", false),
        ("url=ws://broker:9001/mqtt", false),
        ("connect=1", false),
    ] {
        let start = Start {
            params: params(query),
            ..Start::default()
        };
        assert_eq!(start.needs_no_answer("http://home:9001/"), expected, "{query}");
    }
}

#[test]
fn who_may_publish_nothing_is_told_so_and_others_are_not() {
    let start = |may_publish| Start {
        bridge: Some(BridgeConfig {
            auth: AuthMode::Users,
            user: Some(BridgeUser {
                name: "vic".into(),
                role: Role::Viewer,
                may_publish,
                may_manage: false,
                form_token: String::new(),
            }),
            ..bridge()
        }),
        ..Start::default()
    };
    let told = start(false).look_only();
    assert_eq!(
        told.as_deref(),
        Some("Your role is viewer: it may look, not act.")
    );
    assert_eq!(start(true).look_only(), None);
    assert_eq!(Start::default().look_only(), None);
    assert!(start(true).has_login() && !Start::default().has_login());
}

#[test]
fn wildcards_of_filters_survive_the_address() {
    let read =
        params("subscribe=home/+/state@1&subscribe=%23&subscribe=a%40b&subscribe=x@0x6d&subscribe=y@0x03");
    assert_eq!(
        read.subscribe,
        [
            ("home/+/state".into(), 1),
            ("#".into(), 0),
            ("a@b".into(), 0),
            ("x".into(), 0x6d),
            ("y@0x03".into(), 0)
        ]
    );
}

#[test]
fn a_password_in_the_address_is_not_taken_and_the_user_is_told() {
    let start = Start {
        params: params("password=secret"),
        ..Start::default()
    };
    assert!(!format!("{start:?}").contains("=secret"));
    assert!(
        start
            .notice()
            .is_some_and(|notice| !notice.text.contains("secret"))
    );
}

#[test]
fn a_password_in_the_address_of_the_broker_is_not_taken_and_nothing_is_dialled() {
    let start = Start {
        params: params("url=wss%3A%2F%2Fanna%3Ahunter%25402%40h%3A8884%2Fmqtt%3Fa%40b&connect=1"),
        ..Start::default()
    };
    assert!(!format!("{start:?}").contains("hunter"));
    assert_eq!(start.options("http://page/"), None);
    assert_eq!(
        (start.params.url.as_deref(), start.params.username.as_deref()),
        (Some("wss://h:8884/mqtt?a@b"), Some("anna"))
    );
    let said = start.notice().unwrap().text;
    assert!(
        said.contains("before the @") && said.contains("under Connect"),
        "{said}"
    );
    // A name is no secret.
    let start = Start {
        params: params("connect=1&url=ws://ann%2561@h/"),
        ..Start::default()
    };
    assert_eq!(start.notice(), None);
    let options = start.options("http://page/").unwrap();
    assert_eq!(
        (options.url.as_str(), options.username.as_deref()),
        ("ws://h/", Some("anna"))
    );
    for (url, rest) in [
        ("u:p@h:9001", "h:9001"),
        ("ws://:p@h", "ws://h"),
        ("ws://h/a@b", "ws://h/a@b"),
    ] {
        let (left, _, held) = without_credentials(url);
        assert_eq!((left.as_str(), held), (rest, rest != url), "{url}");
    }
}

#[test]
fn a_broker_that_the_bridge_does_not_know_is_named() {
    let start = Start {
        params: params("broker=cellar"),
        bridge: Some(bridge()),
        ..Start::default()
    };
    assert!(
        start
            .notice()
            .is_some_and(|notice| notice.text.contains("cellar") && notice.text.contains("a, b"))
    );
    assert_eq!(start.options("http://page/"), None);
    let start = Start {
        params: params("broker=a"),
        bridge: Some(bridge()),
        ..Start::default()
    };
    assert_eq!(start.notice(), None);
}

#[test]
fn a_bridge_is_dialled_beside_the_page() {
    let start = Start {
        bridge: Some(bridge()),
        ..Start::default()
    };
    let options = start.options("https://home.example/hearth/").unwrap();
    assert_eq!(
        (options.url.as_str(), options.name.as_str()),
        ("wss://home.example/hearth/mqtt/b", "Barn")
    );
}

#[test]
fn the_broker_used_last_is_dialled_while_the_bridge_knows_it() {
    for (used_last, asked, expected) in [
        ("a", None, "Attic"),
        ("gone", None, "Barn"),
        ("a", Some("b".to_owned()), "Barn"),
    ] {
        let mut start = Start {
            bridge: Some(bridge()),
            used_last: Some(used_last.into()),
            ..Start::default()
        };
        start.params.broker = asked;
        assert_eq!(
            start.options("http://page/").unwrap().name,
            expected,
            "{used_last}"
        );
    }
}

#[test]
fn an_address_that_names_a_broker_is_not_dialled_without_connect() {
    let start = Start {
        params: params("url=ws://h:9001/mqtt"),
        ..Start::default()
    };
    assert_eq!(start.options("http://page/"), None);
    let start = Start {
        params: params("url=ws://h:9001/mqtt&connect=1"),
        ..Start::default()
    };
    assert_eq!(start.options("http://page/").unwrap().name, "h:9001");
}

#[test]
fn a_static_host_asks_for_the_broker() {
    assert_eq!(Start::default().options("http://page/"), None);
}
