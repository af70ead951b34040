use super::*;

fn listener(url: &str) -> Listener {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap());
    let (host, port) = authority.split_once(':').unwrap();
    Listener {
        secure: scheme == "wss",
        host: host.into(),
        port: port.parse().unwrap(),
        path: path.into(),
    }
}

fn facts(url: &str, reached: Reached, also: Also) -> Facts {
    Facts {
        listener: listener(url),
        origin: "http://page.example".into(),
        reached,
        also,
    }
}

/// The first finding has this kind, and what to do holds these words.
fn check(url: &str, reached: Reached, also: Also, kind: Kind, to_do: &str) {
    let facts = facts(url, reached, also);
    let findings = diagnose(&facts);
    let first = findings.first().unwrap();
    assert_eq!(first.kind, kind, "{facts:?}: {first:?}");
    assert!(first.what_to_do.contains(to_do), "no {to_do:?} in {first:?}");
    assert!(!first.title.is_empty() && !first.how_we_know.is_empty());
}

fn status(status: u16) -> Reached {
    Reached::Http(HttpAnswer {
        status,
        ..HttpAnswer::default()
    })
}

fn refused(code: u8) -> MqttAnswer {
    MqttAnswer::Refused {
        code,
        name: "No".into(),
        reason_string: None,
    }
}

fn accepted() -> MqttAnswer {
    MqttAnswer::Accepted { limits: vec![] }
}

fn closed(code: Option<u16>) -> MqttAnswer {
    MqttAnswer::Closed {
        code,
        reason: String::new(),
    }
}

fn opened(v5: MqttAnswer, v311: MqttAnswer) -> Reached {
    Reached::Opened(Opened {
        accept_fits: true,
        subprotocol: Some("mqtt".into()),
        v5,
        v311,
    })
}

#[test]
fn what_keeps_a_connection_from_opening_is_told_with_what_to_do() {
    let none = Also::default;
    let url = "ws://broker:9001/mqtt";
    check(url, Reached::UnknownName, none(), Kind::Unreachable, "spelling");
    check(
        url,
        Reached::Refused,
        none(),
        Kind::Unreachable,
        "9001, 8083 or 8080",
    );
    check(
        url,
        Reached::Silent { waited_s: 5 },
        none(),
        Kind::Unreachable,
        "firewall",
    );
    let no_route = Reached::NoRoute {
        reason: "no route to host".into(),
    };
    check(url, no_route, none(), Kind::Unreachable, "VPN");
}

#[test]
fn each_fault_of_tls_is_told_apart() {
    let url = "wss://broker:9001/mqtt";
    for (fault, to_do) in [
        (TlsFault::UnknownIssuer, "ca_file"),
        (TlsFault::Expired, "Renew"),
        (TlsFault::NotYetValid, "clocks"),
        (
            TlsFault::WrongName {
                names: vec!["other".into()],
            },
            "(other)",
        ),
        (TlsFault::NoNames, "-extfile FILE"),
        (TlsFault::Authority, "ca_file of a Hearth bridge"),
        (TlsFault::Version1, "of version 3 that holds broker"),
        (TlsFault::WrongPurpose, "extendedKeyUsage=serverAuth"),
        (TlsFault::Weak, "SHA-256"),
        (TlsFault::NoCommonGround, "old brokers"),
        (TlsFault::ClientCertificateWanted, "cert_file and key_file"),
        (TlsFault::Other("handshake_failure".into()), "log"),
    ] {
        check(url, Reached::Tls(fault), Also::default(), Kind::Tls, to_do);
    }
    let plain = Also {
        speaks_plain_http: true,
        ..Also::default()
    };
    check(
        url,
        Reached::Tls(TlsFault::NotTls),
        plain,
        Kind::Tls,
        "Use ws://broker:9001/mqtt",
    );
    let mqtt = Also {
        plain_mqtt: Some(false),
        ..Also::default()
    };
    check(
        "wss://broker:1883/",
        Reached::Tls(TlsFault::NotTls),
        mqtt,
        Kind::PlainMqtt,
        "mqtt://broker:1883",
    );
    check(
        url,
        Reached::Tls(TlsFault::NotTls),
        Also::default(),
        Kind::Tls,
        "Check the port",
    );
}

#[test]
fn a_certificate_that_is_no_good_for_a_server_is_told_with_the_line_that_makes_another() {
    for fault in [
        TlsFault::NoNames,
        TlsFault::Authority,
        TlsFault::Version1,
        TlsFault::WrongPurpose,
        TlsFault::Weak,
    ] {
        let remedy = fault.remedy("broker.lan").unwrap();
        assert!(
            remedy.contains("-addext subjectAltName=DNS:broker.lan"),
            "{remedy}"
        );
        assert!(remedy.contains("basicConstraints=critical,CA:FALSE"), "{remedy}");
        let remedy = fault.remedy("fd00::1").unwrap();
        assert!(remedy.contains("-addext subjectAltName=IP:fd00::1"), "{remedy}");
        // With "TLS with broker 'home' failed: " before it, it has to fit into the reason of a close frame.
        assert!(fault.to_string().len() <= 123 - 32, "{fault}");
    }
    assert_eq!(TlsFault::Expired.remedy("broker.lan"), None);
}

#[test]
fn a_port_that_speaks_something_else_is_told() {
    let mqtt = |under_tls| Also {
        plain_mqtt: Some(under_tls),
        ..Also::default()
    };
    check(
        "ws://broker:1883/",
        Reached::NoHttp,
        mqtt(false),
        Kind::PlainMqtt,
        "url = \"mqtt://broker:1883\"",
    );
    check(
        "wss://broker:8883/",
        Reached::NoHttp,
        mqtt(true),
        Kind::PlainMqtt,
        "url = \"mqtts://broker:8883\"",
    );
    let tls = Also {
        speaks_tls: true,
        ..Also::default()
    };
    check(
        "ws://broker:8084/mqtt",
        Reached::NoHttp,
        tls.clone(),
        Kind::Tls,
        "Use wss://broker:8084/mqtt",
    );
    check(
        "ws://broker:443/mqtt",
        status(400),
        tls,
        Kind::Tls,
        "Use wss://broker:443/mqtt",
    );
    check(
        "ws://broker:22/",
        Reached::NoHttp,
        Also::default(),
        Kind::NotMqtt,
        "Check the port",
    );
}

#[test]
fn an_answer_that_is_no_websocket_is_told_apart() {
    let url = "ws://broker:9001/chat";
    let works = Also {
        works_at_path: Some("/mqtt".into()),
        ..Also::default()
    };
    check(url, status(404), works, Kind::WrongPath, "Use /mqtt");
    check(
        url,
        status(404),
        Also::default(),
        Kind::WrongPath,
        "/mqtt, /ws or /",
    );
    check(
        url,
        status(200),
        Also::default(),
        Kind::WrongPath,
        "/mqtt, /ws or /",
    );
    check(url, status(403), Also::default(), Kind::Origin, "allowed_origins");
    let no_origin = Also {
        opens_without_origin: true,
        ..Also::default()
    };
    check(url, status(400), no_origin, Kind::Origin, "websockets_origin");
    let no_protocol = Also {
        opens_without_subprotocol: true,
        ..Also::default()
    };
    check(url, status(400), no_protocol, Kind::NotMqtt, "Check the path");
    check(
        "ws://rabbit:15672/ws",
        status(404),
        Also::default(),
        Kind::WrongPath,
        "ws://rabbit:15675/ws",
    );
    check(
        url,
        status(426),
        Also::default(),
        Kind::Proxy,
        "proxy_set_header Upgrade",
    );
    check(url, status(502), Also::default(), Kind::Proxy, "broker runs");
    check(url, status(421), Also::default(), Kind::Origin, "public_hosts");
    check(url, status(401), Also::default(), Kind::Origin, "Log in");
    let moved = Reached::Http(HttpAnswer {
        status: 301,
        location: Some("https://broker/chat".into()),
        ..HttpAnswer::default()
    });
    check(
        url,
        moved,
        Also::default(),
        Kind::WrongPath,
        "Use wss://broker:9001/chat",
    );
}

#[test]
fn what_the_broker_says_decides_once_the_websocket_is_open() {
    let url = "ws://broker:9001/mqtt";
    let none = Also::default;
    check(url, opened(accepted(), accepted()), none(), Kind::Works, "");
    check(
        url,
        opened(closed(None), accepted()),
        none(),
        Kind::Works,
        "version 3.1.1",
    );
    check(
        url,
        opened(refused(0x87), refused(0x87)),
        none(),
        Kind::NeedsCredentials,
        "page",
    );
    check(
        url,
        opened(refused(0x84), refused(0x86)),
        none(),
        Kind::NeedsCredentials,
        "page",
    );
    check(
        url,
        opened(refused(0x88), refused(0x88)),
        none(),
        Kind::Refused,
        "log",
    );
    check(
        url,
        opened(closed(Some(4502)), closed(Some(4502))),
        none(),
        Kind::Refused,
        "hearth check",
    );
    let login = opened(closed(Some(4401)), closed(Some(4401)));
    check(url, login, none(), Kind::NeedsCredentials, "Log in on its page");
    let silent = || MqttAnswer::Silent { waited_s: 5 };
    check(url, opened(silent(), silent()), none(), Kind::NotMqtt, "path");
    let other = || MqttAnswer::NotMqtt("a text frame, \"hi\"".to_owned());
    check(
        url,
        opened(other(), other()),
        none(),
        Kind::NotMqtt,
        "another program",
    );
    check(
        url,
        opened(closed(None), closed(None)),
        none(),
        Kind::NotMqtt,
        "path",
    );
}

#[test]
fn a_subprotocol_that_is_not_echoed_comes_before_what_the_broker_says() {
    for (subprotocol, words) in [
        (None, "does not name it"),
        (Some("mqttv3.1".to_owned()), "\"mqttv3.1\""),
    ] {
        let reached = Reached::Opened(Opened {
            accept_fits: true,
            subprotocol,
            v5: accepted(),
            v311: accepted(),
        });
        let findings = diagnose(&facts("ws://broker:9001/mqtt", reached, Also::default()));
        let [first, second] = findings.as_slice() else {
            panic!("two findings, not {findings:?}");
        };
        assert!(first.is_fault() && first.how_we_know.contains(words), "{first:?}");
        assert!(first.what_to_do.contains("loses the header"), "{first:?}");
        assert_eq!(second.kind, Kind::Works);
    }
}

#[test]
fn a_secure_page_and_a_plain_listener_are_told_first() {
    let mut facts = facts(
        "ws://broker:9001/mqtt",
        opened(accepted(), accepted()),
        Also::default(),
    );
    facts.origin = "https://page.example".into();
    let findings = diagnose(&facts);
    assert_eq!(findings.first().unwrap().kind, Kind::MixedContent);
    facts.listener.secure = true;
    assert_eq!(diagnose(&facts).first().unwrap().kind, Kind::Works);
}

#[test]
fn the_words_of_the_answer_are_passed_on() {
    let reached = Reached::Http(HttpAnswer {
        status: 404,
        server: Some("nginx/1.24".into()),
        body: "not here".into(),
        location: None,
    });
    let findings = diagnose(&facts(
        "ws://[::1]:9001/x".replace("[::1]", "host").as_str(),
        reached,
        Also::default(),
    ));
    assert!(
        findings[0]
            .how_we_know
            .starts_with("The upgrade to WebSocket was answered with 404 by nginx/1.24: not here.")
    );
}
