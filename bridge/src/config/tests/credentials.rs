use super::*;

#[test]
fn credentials_of_the_bridge_stay_on_this_machine_unless_told_otherwise() {
    let broker = "[broker.home]\nurl = \"mqtt://home\"\n";
    let credentials = format!("{broker}credentials.user_name = \"a\"\n");
    let open = "listen = \"[::]:9001\"\n";
    let told = "[access]\nopen_relay_with_own_credentials = true\n";
    assert!(parse(&credentials).is_ok());
    assert!(parse(&format!("{open}{broker}")).is_ok());
    assert!(parse(&format!("{open}{credentials}")).is_err());
    // A proxy in front brings strangers to the loopback address.
    let behind = |more: &str| {
        parse(&format!(
            "{credentials}[access]\ntrusted_proxies = [\"127.0.0.1\"]\n{more}"
        ))
    };
    let warnings = |config: Config| {
        config
            .warnings
            .into_iter()
            .map(|warning| warning.key)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        warnings(behind("").unwrap()),
        ["access.open_relay_with_own_credentials"]
    );
    assert_eq!(
        warnings(behind("open_relay_with_own_credentials = true").unwrap()),
        [""; 0]
    );
    assert_eq!(warnings(behind("[auth]\nmode = \"users\"").unwrap()), [""; 0]);
    // A client certificate lets people in just as well.
    let file = format!("\"{}/Cargo.toml\"", env!("CARGO_MANIFEST_DIR"));
    let certificate =
        format!("[broker.home]\nurl = \"mqtts://home\"\ntls.cert_file = {file}\ntls.key_file = {file}\n");
    assert!(parse(&certificate).is_ok());
    let refused = parse(&format!("{open}{certificate}")).unwrap_err().to_string();
    assert!(
        refused.contains("the bridge's certificate for broker \"home\""),
        "{refused}"
    );
    assert!(parse(&format!("{open}{certificate}{told}")).is_ok());
    let config = parse(&format!("{open}{credentials}{told}")).unwrap();
    assert!(
        config
            .brokers
            .iter()
            .all(|broker| config.injects_credentials(&broker.id))
    );
}

#[test]
fn credentials_without_tls_are_plain_on_the_way_to_another_machine() {
    for (url, credentials, expected) in [
        ("mqtt://home", "credentials.user_name = \"a\"", true),
        ("mqtt://192.168.1.10", "credentials.user_name = \"a\"", true),
        ("mqtts://home", "credentials.user_name = \"a\"", false),
        ("mqtt://localhost", "credentials.user_name = \"a\"", false),
        ("mqtt://127.0.0.1", "credentials.user_name = \"a\"", false),
        ("mqtt://[::1]", "credentials.user_name = \"a\"", false),
        ("ws://home/mqtt", "credentials.user_name = \"a\"", true),
        ("ws://127.0.0.1:9001", "credentials.user_name = \"a\"", false),
        ("wss://home/mqtt", "credentials.user_name = \"a\"", false),
        ("mqtt://home", "", false),
    ] {
        let config = parse(&format!("[broker.home]\nurl = \"{url}\"\n{credentials}")).unwrap();
        let plain = config
            .brokers
            .iter()
            .any(BrokerConfig::shows_credentials_in_plain);
        assert_eq!(plain, expected, "{url} {credentials}");
    }
}

#[test]
fn a_password_in_a_wrong_address_is_not_shown() {
    let told = |text: &str| parse(text).unwrap_err().to_string();
    let error = told("[broker.home]\nurl = \"mqtt://home\"\ncredentials = \"hunter2\"");
    assert!(
        error.contains("expected a section; found a text") && !error.contains("hunter2"),
        "{error}"
    );
    for address in [
        "mqtt://ada:hunter2@home:1883",
        "hunter2@home",
        "mqtt://ada:hunter2@@home",
        "ws://ada:p@hunter2@home",
        "mqtt://ada:hun://hunter2@home",
    ] {
        let error = told(&format!("[broker.home]\nurl = \"{address}\""));
        assert!(!error.contains("hunter2") && error.contains("@home"), "{error}");
    }
    for address in ["wss://home/mqtt?token=hunter2", "ws://ada:p@home/?hunter2"] {
        let error = told(&format!("[broker.home]\nurl = \"{address}\""));
        assert!(!error.contains("hunter2") && error.contains("home/"), "{error}");
    }
    for origins in [
        "[\"https://ada:hunter2@a.example\"]",
        "\"https://ada:hunter2@a.example\"",
    ] {
        let error = told(&format!("[access]\nallowed_origins = {origins}"));
        assert!(
            !error.contains("hunter2") && error.contains("a.example"),
            "{error}"
        );
    }
}

const USER: &str = "[broker.home]\nurl = \"mqtt://home\"\n[broker.home.credentials]\nuser_name = \"ada\"\n";

#[test]
fn a_secret_where_its_place_belongs_is_not_repeated() {
    let pem = "\"\"\"-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\"\"\"";
    let tls = "[broker.home]\nurl = \"mqtts://home\"\n[broker.home.tls]\nalpn = []\n";
    for (text, part) in [
        (
            format!("{tls}ca_file = {pem}"),
            "the text of a PEM file; expected a path",
        ),
        (
            format!("[http]\ntls.cert_file = {pem}\ntls.key_file = {pem}"),
            "the text of a PEM file",
        ),
        (format!("[broker.home]\nurl = {pem}"), "found \"…\""),
        (
            format!("{USER}password_file = {pem}"),
            "the text of a PEM file; expected a path",
        ),
        (
            format!("{USER}password_file = \"hunter2\""),
            "the file cannot be read",
        ),
        (
            format!("{USER}password_file = \"no-folder/hunter2\""),
            "the file cannot be read",
        ),
        (
            format!("{USER}password_env = \"hunter2\""),
            "the environment variable of this name is not set",
        ),
        (
            format!("{USER}password_env = \"hunter 2\""),
            "the environment variable of this name is not set",
        ),
        (
            "[broker.home]\nurl = \"mqtt://home\"\ncredentials.sat_file = \"hunter2\"".to_owned(),
            "the file cannot be read",
        ),
        (
            "[[broker.embedded.users]]\nname = \"ada\"\npassword_file = \"hunter2\"".to_owned(),
            "the file cannot be read",
        ),
    ] {
        let said = parse(&text).expect_err(&text).to_string();
        assert!(said.contains(part), "{text}: {said}");
        assert!(!said.contains("hunter"), "{said}");
        assert!(!said.contains("BEGIN"), "{said}");
    }
}

#[test]
fn a_number_where_the_place_of_a_secret_belongs_is_not_repeated() {
    for key in ["password", "password_file", "password_env"] {
        let said = parse(&format!("{USER}{key} = 123454321"))
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("expected a text") && !said.contains("12345"),
            "{said}"
        );
    }
}

#[test]
fn empty_credentials_are_refused() {
    check(
        "[broker.home]\nurl = \"mqtt://home\"\n[broker.home.credentials]\nuser_name = \"\"",
        &["hearth.toml:4:13", "the user name is empty"],
    );
    check(
        &format!("{USER}password = \"\""),
        &["hearth.toml:5:12", "the password is empty", "remove the key"],
    );
    let variables = environment(&[("EMPTY", "")]);
    let text = format!("{USER}password_env = \"EMPTY\"");
    let said = Config::parse("hearth.toml", &text, &variables, &Overrides::default())
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("hearth.toml:5:16") && said.contains("the environment variable EMPTY is empty"),
        "{said}"
    );
}
