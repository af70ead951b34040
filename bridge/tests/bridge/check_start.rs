//! `hearth check` says what would keep the bridge from starting, and what to write instead.

use std::{
    fs,
    net::TcpListener,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tempfile::TempDir;

use crate::{
    certificates::{CERTIFICATES, authority_file},
    check::{assert_says, check, check_with},
    mosquitto::Mosquitto,
    running::bridge,
};

/// A start would fail, so the configuration is not in order.
#[test]
fn what_would_keep_the_bridge_from_starting_is_told() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("broken");
    fs::write(&file, "x = 1").unwrap();
    let file = file.display();
    for (settings, part) in [
        (
            format!("[http.tls]\ncert_file = \"{file}\"\nkey_file = \"{file}\""),
            "[http.tls]:",
        ),
        (
            format!("[auth]\nmode = \"users\"\naccounts_file = \"{file}\""),
            "`x`: unknown key",
        ),
    ] {
        let (well, said) = check(&settings);
        assert!(!well && !said.contains("in order"), "{said}");
        assert!(
            said.contains("FAILED: the bridge would not start") && said.contains(part),
            "{said}"
        );
    }
    // Accounts that nobody asks for keep nobody from starting.
    assert_says(
        &format!("[auth]\naccounts_file = \"{file}\""),
        true,
        &["in order"],
    );
}

/// Each of these keeps the bridge from starting.
#[test]
fn files_of_a_broker_that_cannot_be_used_keep_the_configuration_from_being_in_order() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "hello").unwrap();
    let text = text.display();
    let own = |certificate: &str, key: &str| {
        format!(
            "cert_file = \"{}\"\nkey_file = \"{}\"",
            CERTIFICATES.file(certificate),
            CERTIFICATES.file(key)
        )
    };
    for (tls, part) in [
        (
            format!("ca_file = \"{text}\""),
            "text: holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)",
        ),
        (
            own("bridge.pem", "localhost.key"),
            "localhost.key: holds the key of another certificate than ",
        ),
        (
            own("bridge.key", "bridge.key"),
            "bridge.key: holds no certificate in PEM form",
        ),
        (
            own("bridge.pem", "bridge.pem"),
            "bridge.pem: holds no private key in PEM form",
        ),
    ] {
        let settings = format!("[broker.home]\nurl = \"mqtts://127.0.0.1:1\"\n[broker.home.tls]\n{tls}");
        let (well, said) = check(&settings);
        assert!(!well && !said.contains("in order"), "{said}");
        assert!(
            said.contains("FAILED: the bridge would not start: [broker.home]: ") && said.contains(part),
            "{said}"
        );
    }
}

#[test]
fn a_name_that_no_certificate_can_hold_is_told_where_it_stands() {
    for name in ["", "https://foo", "two words"] {
        let settings = format!(
            "[broker.home]\nurl = \"mqtts://127.0.0.1:1\"\n[broker.home.tls]\nserver_name = \"{name}\""
        );
        let parts = [
            "hearth.toml:4:15",
            "`broker.home.tls.server_name`",
            "such as \"broker.example\"",
        ];
        assert_says(&settings, false, &parts);
    }
}

#[test]
fn a_folder_that_cannot_be_used_is_told_and_one_that_can_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let settings = |place: &str| {
        format!(
            "[broker.embedded]\nlisten = \"127.0.0.1:0\"\nstorage_dir = \"{}\"",
            file.with_file_name(place).display()
        )
    };
    assert_says(
        &settings("file/below"),
        false,
        &[
            "FAILED: the bridge would not start: the embedded broker cannot use ",
            "`storage_dir`",
        ],
    );
    assert_says(&settings("new/below"), true, &["in order"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_address_that_somebody_else_has_or_that_is_of_another_machine_is_told() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    // Whoever asks whether it is a Hearth is hung up on.
    let address = other.local_addr().unwrap();
    std::thread::spawn(move || other.incoming().for_each(drop));
    for (listen, part) in [
        (
            address.to_string(),
            "the port is taken; stop the program that has it",
        ),
        // Kept for documentation, so of no machine.
        ("192.0.2.1:9001".to_owned(), "cannot listen on 192.0.2.1:9001"),
    ] {
        let (well, said) = check_with(&format!("listen = \"{listen}\""), &[]);
        assert!(!well && !said.contains("in order"), "{said}");
        assert!(
            said.contains("FAILED: the bridge would not start") && said.contains(part),
            "{said}"
        );
    }
    let embedded = format!("[broker.embedded]\nlisten = \"{address}\"");
    assert_says(&embedded, false, &["the embedded broker cannot listen on "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_a_hearth_that_runs_is_no_mistake() {
    let running = bridge("").await;
    let address = running.address();
    let (well, said) = check_with(&format!("listen = \"{address}\""), &[]);
    assert!(well && said.contains("in order"), "{said}");
    assert!(
        said.contains(&format!("note: {address} is taken: by a running hearth?")),
        "{said}"
    );
}

#[test]
fn a_certificate_of_version_1_is_told_as_such_for_https() {
    let settings = format!(
        "[http.tls]\ncert_file = \"{}\"\nkey_file = \"{}\"",
        CERTIFICATES.file("version1.pem"),
        CERTIFICATES.file("version1.key")
    );
    assert_says(
        &settings,
        false,
        &[
            "[http.tls]: ",
            "holds a certificate of X.509 version 1",
            "-extfile FILE",
        ],
    );
    let (_, said) = check(&settings);
    assert!(!said.contains("Unsupported"), "{said}");
}

#[test]
fn a_home_made_certificate_of_a_broker_is_told_with_the_line_that_makes_a_better_one() {
    let listener = |name: &str| {
        format!(
            "allow_anonymous true\ncertfile {}\nkeyfile {}",
            CERTIFICATES.file(&format!("{name}.pem")),
            CERTIFICATES.file(&format!("{name}.key"))
        )
    };
    let mosquitto = Mosquitto::with_listeners(
        "per_listener_settings true",
        &["self", "version1", "clients", "nameless"]
            .map(listener)
            .each_ref()
            .map(String::as_str),
    );
    for (place, ca, is_well, part) in [
        (0, CERTIFICATES.file("self.pem"), true, "MQTT 5.0    accepted"),
        (0, authority_file(), false, "that of an authority (CA:TRUE)"),
        (1, authority_file(), false, "of X.509 version 1"),
        (2, authority_file(), false, "has no serverAuth"),
        (3, authority_file(), false, "its CN does not count"),
    ] {
        let port = mosquitto.address_of(place).port();
        let settings = format!("[broker.home]\nurl = \"mqtts://localhost:{port}\"\ntls.ca_file = \"{ca}\"");
        let (well, said) = check(&settings);
        assert!(well == is_well && said.contains(part), "{said}");
        let remedy = "what to do: Make one ";
        let line = "-addext subjectAltName=DNS:localhost";
        assert_eq!(said.contains(remedy) && said.contains(line), !is_well, "{said}");
        assert!(!said.contains("OtherError"), "{said}");
    }
}

#[test]
fn a_port_that_speaks_another_language_is_told_with_its_address() {
    let tls = format!(
        "certfile {}\nkeyfile {}",
        CERTIFICATES.file("localhost.pem"),
        CERTIFICATES.file("localhost.key")
    );
    let mosquitto = Mosquitto::with_listeners(
        "per_listener_settings true",
        &[
            "allow_anonymous true",
            &format!("allow_anonymous true\n{tls}"),
            "protocol websockets\nallow_anonymous true",
            &format!("protocol websockets\nallow_anonymous true\n{tls}"),
        ],
    );
    let [secure, websocket, secure_websocket] = [1, 2, 3].map(|place| mosquitto.address_of(place));
    for (url, part) in [
        (
            format!("mqtt://{secure}"),
            format!("This is a TLS port: write mqtts://{secure}."),
        ),
        (
            format!("mqtt://{websocket}"),
            format!("This looks like a WebSocket or HTTP listener: write ws://{websocket}/mqtt,"),
        ),
        (
            format!("ws://{secure_websocket}/mqtt"),
            format!("This is a TLS port: write wss://{secure_websocket}/mqtt."),
        ),
    ] {
        assert_says(&format!("[broker.home]\nurl = \"{url}\""), false, &[&part]);
    }
}

#[test]
fn until_when_a_token_holds_is_told_and_never_the_token() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (over_s, tomorrow_s) = (now_s - 60, now_s + 86_400);
    for (ends_at_s, part) in [
        (over_s, "token       it expired on "),
        (tomorrow_s, "token       it holds until "),
    ] {
        let claims = URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{ends_at_s}}}"));
        fs::write(&file, format!("e30.{claims}.hunter2\n")).unwrap();
        let settings = format!(
            "[broker.aio]\nurl = \"mqtt://127.0.0.1:1\"\ncredentials.sat_file = \"{}\"",
            file.display()
        );
        let (_, said) = check(&settings);
        assert!(said.contains(part) && said.contains("+0000"), "{said}");
        assert!(!said.contains("hunter2") && !said.contains(&claims), "{said}");
    }
}
