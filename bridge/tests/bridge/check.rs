//! `hearth check` before a real Mosquitto: each way in, and each refusal.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::{
    certificates::{CERTIFICATES, authority_file},
    credentials::password_file,
    mosquitto::Mosquitto,
};

/// Runs `hearth check` on these settings.
pub(crate) fn check(settings: &str) -> (bool, String) {
    check_with(settings, &[("HEARTH_LISTEN", "127.0.0.1:0")])
}

pub(crate) fn check_with(settings: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("hearth.toml");
    fs::write(&file, settings).unwrap();
    let mut command = command(&["check", "--config", file.to_str().unwrap()], folder.path());
    let variables = variables.iter().copied();
    told(
        &command
            .env_remove("HEARTH_LISTEN")
            .envs(variables)
            .output()
            .unwrap(),
    )
}

pub(crate) fn run(arguments: &[&str], folder: &Path) -> Output {
    command(arguments, folder).output().unwrap()
}

fn command(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hearth"));
    command.args(arguments).env_clear().current_dir(folder);
    // Whoever has the usual port while tests run is no matter of theirs.
    command.env("HEARTH_LISTEN", "127.0.0.1:0");
    command
}

pub(crate) fn told(output: &Output) -> (bool, String) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

pub(crate) fn assert_says(settings: &str, is_well: bool, parts: &[&str]) {
    let (well, said) = check(settings);
    assert_eq!(well, is_well, "{said}");
    for part in parts {
        assert!(said.contains(part), "no {part:?} in: {said}");
    }
}

#[test]
fn a_mistake_in_the_configuration_is_told_and_fails() {
    assert_says(
        "[broker.home]\nurl = \"home\"",
        false,
        &["hearth.toml:2:7", "`broker.home.url`", "no scheme", "mqtt://"],
    );
}

#[test]
fn the_certificate_of_https_is_described_and_one_that_browsers_refuse_fails() {
    let settings = |name: &str, more: &str| {
        let (certificate, key) = (
            CERTIFICATES.file(&format!("{name}.pem")),
            CERTIFICATES.file(&format!("{name}.key")),
        );
        format!("{more}\n[http.tls]\ncert_file = \"{certificate}\"\nkey_file = \"{key}\"")
    };
    let hosts = "access.public_hosts = [\"localhost\", \"hearth.example\"]";
    assert_says(
        &settings("localhost", hosts),
        true,
        &[
            "HTTPS with ",
            "certificate CN=localhost for localhost, ",
            "it is not for hearth.example, which access.public_hosts names",
        ],
    );
    assert_says(
        &settings("expired", ""),
        false,
        &["FAILED: the certificate has expired"],
    );
    assert_says(
        &settings("early", ""),
        false,
        &["FAILED: the certificate is not valid yet"],
    );
    let redirect = "redirect_listen = \"0.0.0.0:9001\"\n[broker.embedded]\nlisten = \"127.0.0.1:9001\"";
    let (well, said) = check_with(&format!("{}\n{redirect}", settings("localhost", "")), &[]);
    assert!(!well, "{said}");
    for part in [
        "`http.tls.redirect_listen`: `listen` has this port already",
        "`broker.embedded.listen`: `listen` has this port already",
        "`broker.embedded.listen`: `http.tls.redirect_listen` has this port already",
    ] {
        assert!(said.contains(part), "no {part:?} in: {said}");
    }
}

#[test]
fn what_nobody_can_log_in_to_and_a_page_that_is_not_there_are_named() {
    assert_says(
        "dist = \"nowhere\"\n[auth]\nmode = \"users\"\naccounts_file = \"none.toml\"",
        true,
        &[
            "warning: there are no accounts in none.toml",
            "warning: there is no page to serve in nowhere",
        ],
    );
}

#[test]
fn a_key_that_wants_a_passphrase_is_told() {
    let folder = TempDir::new().unwrap();
    let key = folder.path().join("key");
    let text = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    fs::write(&key, text).unwrap();
    let settings = format!(
        "[http.tls]\ncert_file = \"{}\"\nkey_file = \"{}\"",
        CERTIFICATES.file("localhost.pem"),
        key.display()
    );
    assert_says(&settings, false, &["holds a key under a passphrase"]);
}

#[test]
fn a_broker_that_answers_is_described() {
    let mosquitto = Mosquitto::start();
    let address = mosquitto.address();
    assert_says(
        &format!("[broker.home]\nurl = \"mqtt://{address}\""),
        true,
        &[
            "the configuration is in order",
            &format!("broker 'home' at mqtt://{address}"),
            &format!("connected to {address}"),
            "MQTT 5.0    accepted",
            "MQTT 3.1.1  accepted",
        ],
    );
    assert_says(
        &format!("[broker.home]\nurl = \"mqtt://{address}\"\nproxy_protocol = \"v2\""),
        false,
        &["PROXY       header v2 first", "no version of MQTT is accepted"],
    );
}

#[test]
fn a_broker_behind_a_websocket_is_described_and_its_faults_told() {
    let mosquitto = Mosquitto::with_listeners("", &["", "protocol websockets\nallow_anonymous true"]);
    let (tcp, websocket) = (mosquitto.address_of(0), mosquitto.address_of(1));
    assert_says(
        &format!("[broker.home]\nurl = \"ws://{websocket}/mqtt\""),
        true,
        &[
            &format!("broker 'home' at ws://{websocket}/mqtt"),
            "WebSocket   open, subprotocol mqtt",
            "MQTT 5.0    accepted",
            "MQTT 3.1.1  accepted",
        ],
    );
    assert_says(
        &format!("[broker.home]\nurl = \"ws://{tcp}/mqtt\""),
        false,
        &["FAILED: no WebSocket opens: the answer is not HTTP (MQTT over TCP is mqtt:// or mqtts://)"],
    );
}

#[test]
fn a_broker_that_is_not_there_fails_beside_one_that_is() {
    let mosquitto = Mosquitto::start();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = format!(
        "[broker.a]\nurl = \"mqtt://{}\"\n[broker.b]\nurl = \"mqtt://{gone}\"",
        mosquitto.address()
    );
    assert_says(&settings, false, &["  ok", "FAILED: the connection was refused"]);
}

#[test]
fn the_certificate_of_a_broker_is_described_and_each_fault_of_tls_told() {
    let ca = format!("ca_file = \"{}\"\n", authority_file());
    let shown = |name: &str| {
        format!(
            "{ca}cert_file = \"{}\"\nkey_file = \"{}\"\n",
            CERTIFICATES.file(&format!("{name}.pem")),
            CERTIFICATES.file(&format!("{name}.key"))
        )
    };
    let listener = |name: &str, more: &str| {
        format!(
            "allow_anonymous true\ncertfile {}\nkeyfile {}\ncafile {}\n{more}",
            CERTIFICATES.file(&format!("{name}.pem")),
            CERTIFICATES.file(&format!("{name}.key")),
            authority_file()
        )
    };
    let mosquitto = Mosquitto::with_listeners(
        "per_listener_settings true",
        &[
            &listener("localhost", ""),
            &listener("expired", ""),
            &listener("localhost", "require_certificate true"),
            "allow_anonymous true",
        ],
    );
    let foreign = format!("ca_file = \"{}\"\n", CERTIFICATES.file("foreign-ca.pem"));
    for (place, host, tls, is_well, part) in [
        (
            0,
            "localhost",
            ca.clone(),
            true,
            "certificate CN=localhost for localhost, ",
        ),
        (
            0,
            "localhost",
            foreign,
            false,
            "signed by an authority that is not trusted",
        ),
        (0, "127.0.0.1", ca.clone(), false, "for other names: localhost"),
        (
            0,
            "localhost",
            format!("{ca}server_name = \"elsewhere\"\n"),
            false,
            "for other names: localhost",
        ),
        (1, "localhost", ca.clone(), false, "the certificate has expired"),
        (
            2,
            "localhost",
            ca.clone(),
            false,
            "wants a client certificate, and none was shown",
        ),
        (
            2,
            "localhost",
            shown("foreign"),
            false,
            "does not accept the client certificate (unknown_ca)",
        ),
        (2, "localhost", shown("bridge"), true, "TLS 1.3"),
        (
            2,
            "localhost",
            shown("bridge"),
            true,
            "shows       certificate CN=bridge for bridge, ",
        ),
        (
            2,
            "localhost",
            shown("expired"),
            false,
            "shows       certificate CN=expired for localhost, it has expired",
        ),
        (3, "localhost", ca.clone(), false, "does not speak TLS"),
    ] {
        let port = mosquitto.address_of(place).port();
        let settings = format!("[broker.home]\nurl = \"mqtts://{host}:{port}\"\n[broker.home.tls]\n{tls}");
        assert_says(&settings, is_well, &[part]);
    }
}

#[test]
fn credentials_of_the_bridge_are_tried_and_a_page_is_left_to_bring_its_own() {
    let folder = TempDir::new().unwrap();
    let mosquitto = Mosquitto::with(&format!(
        "password_file {}",
        password_file(&folder, "ada", "right")
    ));
    let broker = format!("[broker.home]\nurl = \"mqtt://{}\"\n", mosquitto.address());
    let secret = folder.path().join("secret");
    let credentials = format!(
        "{broker}credentials.user_name = \"ada\"\ncredentials.password_file = \"{}\"\n",
        secret.display()
    );
    fs::write(&secret, "right\n").unwrap();
    assert_says(
        &credentials,
        true,
        &["user name ada and a password", "MQTT 5.0    accepted"],
    );
    fs::write(&secret, "wrong-hunter2\n").unwrap();
    let (well, said) = check(&credentials);
    assert!(
        !well && said.contains("does not accept the bridge's credentials"),
        "{said}"
    );
    assert!(said.contains("refused: ") && !said.contains("hunter2"), "{said}");
    fs::write(&secret, "").unwrap();
    assert_says(&credentials, false, &["secret is empty"]);
    // Nobody's credentials: the broker asks, and the page will answer.
    assert_says(&broker, true, &["what the page sends is passed on", "refused: "]);
}

#[test]
fn a_dapr_component_is_checked_with_its_warnings() {
    let mosquitto = Mosquitto::start();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("pubsub.yaml");
    let component = format!(
        "metadata: {{name: shop}}\nspec:\n  type: pubsub.mqtt3\n  metadata:\n  - {{name: url, value: \"tcp://{}\"}}\n  - {{name: qos, value: 1}}\n",
        mosquitto.address()
    );
    fs::write(&file, component).unwrap();
    let output = run(&["check", "--dapr", file.to_str().unwrap()], folder.path());
    let (well, said) = told(&output);
    assert!(well && said.contains("broker 'shop' at mqtt://"), "{said}");
    assert!(
        said.contains("warning: ") && said.contains("pubsub.yaml:6:5: `spec.metadata.qos`"),
        "{said}"
    );
}

#[test]
fn a_service_account_token_is_shown_as_enhanced_authentication_and_to_5_0_alone() {
    let folder = TempDir::new().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "e30.hunter2.sig\n").unwrap();
    let broker = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = broker.local_addr().unwrap();
    let seen = std::thread::spawn(move || {
        let (mut tcp, _) = broker.accept().unwrap();
        let mut bytes = [0; 512];
        let len = tcp.read(&mut bytes).unwrap();
        // CONNACK, with Receive Maximum 20.
        tcp.write_all(&[0x20, 6, 0, 0, 3, 0x21, 0, 20]).unwrap();
        let _second = broker.accept();
        bytes[..len].to_vec()
    });
    let settings = format!(
        "[broker.aio]\nurl = \"mqtt://{address}\"\ncredentials.sat_file = \"{}\"",
        token.display()
    );
    let (well, said) = check(&settings);
    assert!(well && !said.contains("hunter2"), "{said}");
    for part in [
        "enhanced authentication, method K8S-SAT",
        "MQTT 5.0    accepted; 20 messages in flight",
        "MQTT 3.1.1  not tried: 3.1.1 has no enhanced authentication; see sat_as_password",
    ] {
        assert!(said.contains(part), "no {part:?} in: {said}");
    }
    let seen = seen.join().unwrap();
    let contains = |part: &[u8]| seen.windows(part.len()).any(|window| window == part);
    assert!(
        contains(b"\x15\x00\x07K8S-SAT") && contains(b"\x16\x00\x0fe30.hunter2.sig"),
        "{seen:?}"
    );
}

#[test]
fn a_greeting_that_is_no_mqtt_is_not_taken_for_silence() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let greeted = listener.incoming().map(|stream| {
            let mut stream = stream.unwrap();
            let _gone = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
            stream
        });
        // They stay open until the test has ended.
        let _open: Vec<_> = greeted.collect();
    });
    assert_says(
        &format!("[broker.home]\nurl = \"mqtt://{address}\""),
        false,
        &["the answer is not MQTT: it does not begin with CONNACK"],
    );
}

#[test]
fn variables_that_no_setting_has_are_named() {
    let folder = TempDir::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hearth"))
        .arg("check")
        .env_clear()
        .env("HEARTH_LISTEN", "127.0.0.1:0")
        .env("HEARTH_RELAY_MAX_CONECTIONS", "hunter2")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let (well, said) = told(&output);
    assert!(
        well && said.contains("did you mean HEARTH_RELAY_MAX_CONNECTIONS?"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn who_has_seen_enough_of_the_output_is_no_reason_to_panic() {
    let folder = TempDir::new().unwrap();
    for (arguments, code) in [
        (["example-config"].as_slice(), 0),
        (&["check"], 0),
        (&["doctor", "ws://127.0.0.1:1/"], 1),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(arguments, folder.path()).stdout(writer).output().unwrap();
        let (_, said) = told(&output);
        assert_eq!((output.status.code(), said.as_str()), (Some(code), ""));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_finds_no_room_is_an_error() {
    let folder = TempDir::new().unwrap();
    for arguments in [["example-config"], ["check"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command(&arguments, folder.path()).stdout(full).output().unwrap();
        let (_, said) = told(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.starts_with("hearth: standard output takes nothing: "),
            "{said}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_named() {
    use std::os::unix::ffi::OsStrExt as _;

    let folder = TempDir::new().unwrap();
    let text = std::ffi::OsStr::from_bytes(b"gr\xfc\xdfe");
    let output = Command::new(env!("CARGO_BIN_EXE_hearth"))
        .arg("check")
        .env_clear()
        .env("HEARTH_LISTEN", "127.0.0.1:0")
        .env("HEARTH_BROKER_HOME_CREDENTIALS_PASSWORD", text)
        .env("OTHER", text)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let (well, said) = told(&output);
    assert!(!well, "{said}");
    let part = "HEARTH_BROKER_HOME_CREDENTIALS_PASSWORD holds bytes that are not UTF-8";
    assert!(said.contains(part) && !said.contains("gr"), "{said}");
}

#[test]
fn what_a_broker_says_gives_the_terminal_no_orders() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let broker = std::thread::spawn(move || {
        // One for each version.
        for stream in listener.incoming().take(2) {
            let mut stream = stream.unwrap();
            let mut head = [0; 10];
            stream.read_exact(&mut head).unwrap();
            // CONNACK 0x87 with a Reason String.
            stream
                .write_all(b"\x20\x0f\x00\x87\x0c\x1f\x00\x09\x1b[31m\r\nok")
                .unwrap();
        }
    });
    let (_, said) = check(&format!("[broker.home]\nurl = \"mqtt://{address}\""));
    broker.join().unwrap();
    assert!(said.contains("Not authorized (0x87)"), "{said}");
    assert!(said.contains(r"\u{1b}[31m"), "{said}");
    assert!(!said.contains('\x1b') && !said.contains('\r'), "{said:?}");
}

#[test]
fn a_ca_file_with_a_certificate_that_is_none_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(
        &file,
        "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let file = file.display();
    assert_says(
        &format!("[broker.home]\nurl = \"mqtts://127.0.0.1:1\"\ntls.ca_file = \"{file}\""),
        false,
        &["ca.pem: holds a certificate that cannot be used"],
    );
}
