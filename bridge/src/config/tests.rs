use super::*;

mod brokers;
mod credentials;
mod embedded;
mod files;
mod variables;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse("hearth.toml", text, &BTreeMap::new(), &Overrides::default())
}

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The one mistake of `text` is told with all of these parts.
fn check(text: &str, parts: &[&str]) {
    let error = parse(text).expect_err(text);
    assert_eq!(error.problems.len(), 1, "{text}: {error}");
    let said = error.to_string();
    for part in parts {
        assert!(said.contains(part), "{text}: no {part:?} in: {said}");
    }
}

#[test]
fn mistakes_are_told_with_place_key_and_fix() {
    check(
        "\nlisen = \"127.0.0.1:1\"",
        &[
            "hearth.toml:2:1",
            "`lisen`",
            "unknown key",
            "did you mean `listen`?",
        ],
    );
    check(
        "[relay]\nmax_conections = 1",
        &[
            "hearth.toml:2:1",
            "`relay.max_conections`",
            "did you mean `max_connections`?",
        ],
    );
    check("[colours]", &["hearth.toml:1:2", "`colours`", "knows: ", "relay"]);
    check(
        "listen = 9001",
        &[
            "hearth.toml:1:10",
            "`listen`",
            "found the number 9001",
            "127.0.0.1:9001",
        ],
    );
    check(
        "listen = \"127.0.0.1\"",
        &["hearth.toml:1:10", "the port is missing"],
    );
    check(
        "listen = \"home:80\"",
        &[
            "not an address to listen on",
            "fix: write an IP address and a port",
        ],
    );
    check(
        "[relay]\nmax_connections = 0",
        &[
            "hearth.toml:2:19",
            "from 1 to 1000000",
            "max_connections = 10000 (the default)",
        ],
    );
    check(
        "[relay]\nmax_connections = \"many\"",
        &["found the text \"many\"", "a whole number"],
    );
    check(
        "relay = 3",
        &["hearth.toml:1:1", "expected a section", "under a line [relay]"],
    );
    check(
        "[demo]\nenabled = \"yes\"",
        &["hearth.toml:2:11", "expected true or false", "enabled = true"],
    );
    check(
        "[broker.home]",
        &[
            "hearth.toml:1:9",
            "`broker.home.url`",
            "a broker needs an address",
            "mqtt://",
        ],
    );
    check(
        "[broker.home]\nurl = \"http://home\"",
        &[
            "hearth.toml:2:7",
            "http:// is not known",
            "mqtts://broker.example:8883",
            "ws://192.168.1.10:9001/mqtt",
        ],
    );
    check(
        "[broker.home]\nurl = \"ws://home/mqtt\"\n[broker.home.tls]\nserver_name = \"x\"",
        &["hearth.toml:2:7", "does not ask for TLS", "write wss://home"],
    );
    check(
        "[broker.\"Top Floor\"]\nurl = \"mqtt://home\"",
        &["`broker.Top Floor`", "small letters"],
    );
    check(
        "[broker.home]\nurl = \"mqtt://home\"\n[broker.home.tls]",
        &["hearth.toml:2:7", "mqtts://home"],
    );
    check(
        "[broker.home]\nurl = \"mqtts://home\"\ntls.ca_file = \"/nowhere/ca.pem\"",
        &[
            "hearth.toml:3:15",
            "`broker.home.tls.ca_file`",
            "/nowhere/ca.pem cannot be read",
            "name a file",
        ],
    );
    let credentials =
        |keys: &str| format!("[broker.home]\nurl = \"mqtt://home\"\n[broker.home.credentials]\n{keys}");
    check(
        &credentials(""),
        &[
            "hearth.toml:3:14",
            "`broker.home.credentials.user_name`",
            "user_name = \"…\" or sat_file",
        ],
    );
    check(
        &credentials("password = \"a\""),
        &["hearth.toml:4:12", "a password needs a user name"],
    );
    check(
        &credentials("user_name = \"a\"\npassword = \"hunter2\"\npassword_env = \"B\""),
        &["hearth.toml:6:16", "password and password_env exclude each other"],
    );
    check(
        &credentials("user_name = \"a\"\npassword_env = \"MQTT_PASSWORD\""),
        &["hearth.toml:5:16", "MQTT_PASSWORD is not set", "password_file"],
    );
    check(
        &credentials("sat_file = \"/nowhere/token\""),
        &["hearth.toml:4:12", "/nowhere/token cannot be read: No such file"],
    );
    check(
        &credentials("user_name = \"a\"\nsat_as_password = true"),
        &["hearth.toml:5:19", "no token", "add sat_file"],
    );
    check(
        &credentials(concat!(
            "user_name = \"a\"\nsat_file = \"",
            env!("CARGO_MANIFEST_DIR"),
            "/Cargo.toml\""
        )),
        &[
            "hearth.toml:5:12",
            "exclude each other",
            "the user name is K8S-SAT",
        ],
    );
    check(
        &credentials("usr_name = \"a\"\nuser_name = \"b\""),
        &["hearth.toml:4:1", "did you mean `user_name`?"],
    );
    check(
        "[broker.home]\nurl = \"mqtts://home\"\ntls.alpn = [\"\"]",
        &[
            "hearth.toml:3:13",
            "`broker.home.tls.alpn`",
            "the name of a protocol",
        ],
    );
    check(
        &format!("listen = \"0.0.0.0:9001\"\n{}", credentials("user_name = \"a\"")),
        &[
            "hearth.toml:1:10",
            "use the bridge's credentials for broker \"home\"",
            "open_relay_with_own_credentials = true",
        ],
    );
    check(
        "default_broker = \"hme\"\n[broker.home]\nurl = \"mqtt://home\"",
        &["hearth.toml:1:18", "did you mean \"home\"?"],
    );
    check(
        "[broker.embedded]\nlisten = \"0.0.0.0:1883\"",
        &["beyond this machine", "allow_anonymous = true"],
    );
    check(
        "[broker.embedded.anonymous]\nsubscribe = [\"home/#\", \"a/#/b\"]",
        &[
            "hearth.toml:2:24",
            "`broker.embedded.anonymous.subscribe`",
            "# stands before the end",
        ],
    );
    check(
        "[[broker.embedded.users]]\nname = \"a\"\npassword = \"b\"\npublish = [\"home+\"]",
        &["hearth.toml:4:12", "not a topic filter"],
    );
    check(
        "[[broker.embedded.users]]\nname = \"a\"",
        &["a user needs a password", "password_file"],
    );
    check(
        "[access]\nallowed_origins = [\"*\"]",
        &["no wildcards", "https://home.example:8443"],
    );
    check(
        "[access]\nallowed_origins = [\n\"https://a.example\",\n\"https://b.example/\",\n]",
        &[
            "hearth.toml:4:1",
            "`access.allowed_origins`",
            "https://b.example/",
        ],
    );
    check(
        "[access]\nallowed_origins = [\"https://a.example\",\n  7]",
        &["hearth.toml:3:3", "found the number 7"],
    );
    check(
        "[auth.roles.viewer]\nsubscribe = [\"$share/g/home/#\"]",
        &["hearth.toml:2:14", "leave that out"],
    );
    check(
        "listen = \"0.0.0.0:9001\"\n[access]\ntrusted_proxies = [\"::/0\"]\n[auth]\nmode = \"proxy\"",
        &[
            "hearth.toml:3:19",
            "`access.trusted_proxies`",
            "::/0 is everybody",
            "name the addresses of the proxy alone",
        ],
    );
    check(
        "[access]\nallowed_origins = \"https://a.example\"",
        &["expected a list of texts", "allowed_origins = ["],
    );
    check(
        "[access]\npublic_hosts = [\"a.example:80\"]",
        &["the port does not belong here"],
    );
    check(
        "[log]\nfilter = \"hearth=loud\"",
        &["`log.filter`", "a level such as"],
    );
    check("listen = ", &["hearth.toml:1", "not TOML", "example-config"]);
    check(
        "listen = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:2\"",
        &["hearth.toml:2", "not TOML"],
    );
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let error = parse("[relay]\nmax_connections = true\n[log]\nformat = \"xml\"\ncolour = 1").unwrap_err();
    let keys: Vec<&str> = error
        .problems
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(keys, ["relay.max_connections", "log.format", "log.colour"]);
    assert!(error.to_string().starts_with("the configuration has 3 mistakes:"));
}

#[test]
fn a_missing_file_is_named_with_the_way_to_make_one() {
    let file = Path::new("/nowhere/hearth.toml");
    let said = Config::load(Some(file), &BTreeMap::new(), &Overrides::default())
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("/nowhere/hearth.toml: cannot be read") && said.contains("example-config"),
        "{said}"
    );
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let text = "listen = \"127.0.0.1:1\"\n[relay]\nmax_connections = 1";
    let variables = environment(&[
        ("HEARTH_LISTEN", "127.0.0.1:2"),
        ("HEARTH_RELAY_MAX_CONNECTIONS", "2"),
    ]);
    let flags = Overrides {
        listen: Some("127.0.0.1:3".into()),
        ..Overrides::default()
    };
    let config = Config::parse("hearth.toml", text, &variables, &flags).unwrap();
    assert_eq!((config.listen.port(), config.relay.max_connections), (3, 2));
}

#[test]
fn a_mistake_in_a_variable_or_flag_is_told_by_its_name() {
    let variables = environment(&[("HEARTH_RELAY_MAX_CONNECTIONS", "lots")]);
    let flags = Overrides {
        listen: Some("nonsense".into()),
        ..Overrides::default()
    };
    let said = Config::parse("hearth.toml", "", &variables, &flags)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("environment variable HEARTH_RELAY_MAX_CONNECTIONS: `relay.max_connections`"),
        "{said}"
    );
    assert!(
        said.contains("--listen: `listen`: this is not an address"),
        "{said}"
    );
}

#[test]
fn unknown_variables_are_named_with_the_one_that_was_meant_and_not_refused() {
    let variables = environment(&[
        ("HEARTH_LISTN", "127.0.0.1:2"),
        ("HEARTH_CONFIG", "x"),
        ("HOME", "/"),
    ]);
    let config = Config::parse("no file", "", &variables, &Overrides::default()).unwrap();
    assert_eq!(
        config.unknown_variables,
        [("HEARTH_LISTN".to_owned(), Some("HEARTH_LISTEN".to_owned()))]
    );
}

#[test]
fn variables_alone_can_name_a_broker() {
    let variables = environment(&[("HEARTH_BROKER_GARDEN_SHED_URL", "mqtts://shed")]);
    let config = Config::parse("no file", "", &variables, &Overrides::default()).unwrap();
    let broker = config.brokers.first().unwrap();
    assert_eq!(
        (broker.id.as_str(), broker.address.to_string().as_str()),
        ("garden-shed", "shed:8883")
    );
    assert!(broker.tls.is_some() && config.unknown_variables.is_empty());
    assert_eq!(config.default_broker, Some(broker.id.clone()));
}

#[test]
fn the_simulated_home_brings_the_embedded_broker_along() {
    let flags = Overrides {
        demo: true,
        ..Overrides::default()
    };
    let config = Config::parse("no file", "", &BTreeMap::new(), &flags).unwrap();
    assert_eq!(
        config
            .embedded
            .as_ref()
            .map(|broker| broker.options.listen.port()),
        Some(1883)
    );
    assert_eq!(
        config.embedded.map(|broker| broker.name).as_deref(),
        Some("Lindenweg 12")
    );
    assert_eq!(config.default_broker, Some(BrokerId::embedded()));
    let said = Config::parse(
        "hearth.toml",
        "[broker.home]\nurl = \"mqtt://home\"",
        &BTreeMap::new(),
        &flags,
    );
    assert!(
        said.unwrap_err()
            .to_string()
            .contains("lives in the embedded broker")
    );
}

#[test]
fn an_empty_file_is_the_defaults() {
    let config = parse("").unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:9001");
    assert!(config.brokers.is_empty() && config.embedded.is_none() && config.demo.is_none());
    assert_eq!(config.relay.max_message_bytes, 2_097_152);
}

/// The example as it stands, and with every `#key` line made real.
fn example_with_everything_set() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(key, _)| is_key(key)) => {
            rest.to_owned()
        }
        Some(_) | None => line.to_owned(),
    };
    EXAMPLE.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

#[test]
fn the_example_is_valid_and_changes_nothing() {
    assert_eq!(format!("{:?}", parse(EXAMPLE)), format!("{:?}", parse("")));
}

#[test]
fn the_example_names_existing_keys_with_their_real_defaults() {
    // The certificate files do not exist here; every other line must be right.
    let error = parse(&example_with_everything_set()).unwrap_err();
    for problem in &error.problems {
        assert!(problem.message.contains("/etc/hearth/"), "{problem}");
    }
    // HTTPS needs its files, whatever is in them.
    let https = example_with_everything_set().replace(
        "/etc/hearth/https",
        concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml\" #"),
    );
    let without_tls: String = https
        .lines()
        .filter(|line| !line.contains("/etc/hearth/"))
        .map(|line| format!("{line}\n"))
        .collect();
    let (mut set, default) = (parse(&without_tls).unwrap(), parse("[broker.embedded]").unwrap());
    let https = set.http.tls.take().unwrap();
    assert_eq!(
        (https.redirect_listen.unwrap().port(), https.hsts_max_age_s),
        (80, 31_536_000)
    );
    assert_eq!(
        (&set.http, &set.relay, &set.log, set.listen),
        (&default.http, &default.relay, &default.log, default.listen)
    );
    let (mut set, default) = (set.embedded.unwrap(), default.embedded.unwrap());
    assert_eq!(set.options.users.keys().collect::<Vec<_>>(), ["kitchen"]);
    set.options.users.clear();
    assert_eq!(format!("{set:?}"), format!("{default:?}"));
}

#[test]
fn the_example_names_every_key() {
    let (variables, flags) = (BTreeMap::new(), Overrides::default());
    let text = "[broker.embedded]\n[[broker.embedded.users]]\nname = \"a\"\npassword = \"b\"\n[broker.home]\nurl = \"mqtts://home\"";
    let source = Source::new("hearth.toml".into(), text, &variables, flags.flags());
    let table = DeTable::parse(text).unwrap();
    let _config = Config::read(&source, Section::top(&source, table.get_ref()));
    for key in source.known_keys() {
        let last = key.rsplit('.').next().unwrap_or_default();
        assert!(
            EXAMPLE.contains(&format!("{last} = ")),
            "{key} is not in the example"
        );
    }
}

#[test]
fn trust_in_everybody_is_named_where_it_gives_nobody_another_name() {
    for text in [
        "[access]\ntrusted_proxies = [\"10.0.0.0/8\", \"0.0.0.0/0\"]",
        "[access]\ntrusted_proxies = [\"0.0.0.0/0\"]\n[auth]\nmode = \"proxy\"",
    ] {
        let warnings = parse(text).unwrap().warnings;
        let [warning] = warnings.as_slice() else {
            panic!("one warning, not {warnings:?}");
        };
        assert_eq!(warning.key, "access.trusted_proxies");
        assert!(warning.message.contains("0.0.0.0/0 is everybody"), "{warning}");
    }
    let some = parse("[access]\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]").unwrap();
    assert_eq!(some.warnings, []);
}

/// Permissions that nobody has look like safety.
#[test]
fn what_only_another_mode_has_is_named() {
    for (text, expected) in [
        (
            "[auth.roles.viewer]\nsubscribe = [\"home/#\"]",
            &["auth.roles"][..],
        ),
        (
            "[auth]\naccounts_file = \"accounts.toml\"\nclient_id_prefix = \"hearth-\"",
            &["auth.accounts_file", "auth.client_id_prefix"],
        ),
        (
            "[auth]\nmode = \"users\"\ndefault_role = \"admin\"\naccounts_file = \"accounts.toml\"\n[auth.roles.admin]\npublish = []",
            &["auth.default_role"],
        ),
        (
            "[access]\ntrusted_proxies = [\"127.0.0.1\"]\n[auth]\nmode = \"proxy\"\ndefault_role = \"admin\"\ntries_per_account = 1",
            &["auth.tries_per_account"],
        ),
        (
            "[access]\nproxy_headers = \"forwarded\"",
            &["access.proxy_headers"],
        ),
        ("[auth]\nmetrics_from = [\"::1\"]", &[]),
    ] {
        let warnings = parse(text).unwrap().warnings;
        let named: Vec<_> = warnings.iter().map(|warning| warning.key.as_str()).collect();
        assert_eq!(named, expected, "{text}");
        assert!(
            warnings
                .iter()
                .all(|warning| warning.to_string().starts_with("hearth.toml:")),
            "{warnings:?}"
        );
    }
}
