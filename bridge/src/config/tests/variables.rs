use super::*;

fn with_variables(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::parse(
        "hearth.toml",
        text,
        &environment(variables),
        &Overrides::default(),
    )
}

#[test]
fn tls_of_a_variable_for_an_address_without_tls_is_refused_as_in_the_file() {
    let text = "[broker.home]\nurl = \"mqtt://home\"";
    for (name, value) in [
        (
            "HEARTH_BROKER_HOME_TLS_CA_FILE",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ),
        ("HEARTH_BROKER_HOME_TLS_SERVER_NAME", "home.example"),
    ] {
        let error = with_variables(text, &[(name, value)]).expect_err(name);
        let said = error.to_string();
        assert_eq!(error.problems.len(), 1, "{said}");
        for part in [
            format!("{name} is set, but the address does not ask for TLS").as_str(),
            "hearth.toml:2:7",
            "write mqtts://home",
        ] {
            assert!(said.contains(part), "no {part:?} in: {said}");
        }
    }
    // It says nothing, or it belongs to another broker.
    for (name, value) in [
        ("HEARTH_BROKER_HOME_TLS_FOO", "1"),
        ("HEARTH_BROKER_HOME_TLS_URL", "mqtt://home"),
    ] {
        assert!(with_variables(text, &[(name, value)]).is_ok(), "{name}");
    }
}

#[test]
fn only_variables_with_a_meaning_turn_a_part_on() {
    for name in [
        "HEARTH_BROKER_EMBEDDED_FOO",
        "HEARTH_BROKER_EMBEDDED_USERS",
        "HEARTH_BROKER_EMBEDDED_URL",
        "HEARTH_BROKER_EMBEDDED_SERVICE_HOST",
        "HEARTH_HTTP_TLS_SERVICE_HOST",
    ] {
        let config = with_variables("", &[(name, "1")]).unwrap();
        assert!(config.embedded.is_none() && config.http.tls.is_none(), "{name}");
        let unknown: Vec<&str> = config
            .unknown_variables
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(unknown, [name]);
    }
    for (name, value) in [
        ("HEARTH_BROKER_EMBEDDED_NAME", "Home"),
        ("HEARTH_BROKER_EMBEDDED_ANONYMOUS_PUBLISH", "home/#"),
    ] {
        let config = with_variables("", &[(name, value)]).unwrap();
        assert!(config.embedded.is_some(), "{name}");
        assert!(
            config.unknown_variables.is_empty(),
            "{:?}",
            config.unknown_variables
        );
    }
}

#[test]
fn roles_of_a_variable_are_named_where_they_have_no_effect() {
    let config = with_variables("", &[("HEARTH_AUTH_ROLES_VIEWER_PUBLISH", "home/#")]).unwrap();
    let [warning] = config.warnings.as_slice() else {
        panic!("one warning, not {:?}", config.warnings);
    };
    assert_eq!(warning.key, "auth.roles");
    let config = with_variables("", &[("HEARTH_AUTH_ROLES_FOO", "1")]).unwrap();
    assert_eq!(config.warnings, []);
}
