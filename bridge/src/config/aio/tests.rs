use std::{collections::BTreeMap, fs};

use tempfile::TempDir;

use super::super::{Config, ConfigError, Overrides};
use super::*;

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment: BTreeMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Config::parse("hearth.toml", text, &environment, &Overrides::default())
}

fn files() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "secret").unwrap();
    let name = file.display().to_string();
    (folder, name)
}

#[test]
fn the_variables_of_the_sdks_are_a_broker() {
    let (_folder, file) = files();
    let config = load(
        "",
        &[
            ("AIO_BROKER_HOSTNAME", "aio-broker"),
            ("AIO_BROKER_TCP_PORT", "18883"),
            ("AIO_TLS_CA_FILE", &file),
            ("AIO_SAT_FILE", &file),
            ("AIO_MQTT_CLIENT_ID", "me"),
            ("AIO_TLS_CAFILE", "x"),
            ("AIO_BROKER_SERVICE_HOST", "10.0.0.1"),
        ],
    )
    .unwrap();
    let [broker] = config.brokers.as_slice() else {
        panic!("one broker, not {:?}", config.brokers);
    };
    assert_eq!(
        (broker.id.as_str(), broker.address.to_string()),
        ("aio", "aio-broker:18883".into())
    );
    assert_eq!(
        broker.tls.as_ref().unwrap().ca,
        Some(PemSource::File(file.clone().into()))
    );
    assert_eq!(
        broker.credentials,
        Some(CredentialsConfig::ServiceAccountToken {
            file: file.into(),
            as_password: false
        })
    );
    let warned: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warned.len(), 2, "{warned:?}");
    assert!(
        warned[0].contains("AIO_MQTT_CLIENT_ID: this has no meaning for a relay"),
        "{warned:?}"
    );
    assert!(warned[1].contains("did you mean AIO_TLS_CA_FILE?"), "{warned:?}");
}

#[test]
fn the_names_of_the_sample_pod_are_a_broker() {
    let (_folder, file) = files();
    let pod = [
        ("hostname", "aio-mq"),
        ("tcpPort", "1883"),
        ("useTls", "false"),
        ("satAuthFile", file.as_str()),
    ];
    let config = load("", &pod).unwrap();
    assert_eq!(config.brokers[0].address.to_string(), "aio-mq:1883");
    assert!(config.brokers[0].tls.is_none() && config.brokers[0].credentials.is_some());
    // A shell may set this one alone.
    assert!(load("", &[("hostname", "laptop")]).unwrap().brokers.is_empty());
    let defaults = load("", &[("AIO_BROKER_HOSTNAME", "aio-mq")]).unwrap();
    assert_eq!(defaults.brokers[0].address.to_string(), "aio-mq:8883");
}

#[test]
fn the_file_wins_and_its_brokers_stay_the_default() {
    let variables = [
        ("AIO_BROKER_HOSTNAME", "aio-mq"),
        ("AIO_BROKER_TCP_PORT", "nonsense"),
    ];
    let own = load("[broker.aio]\nurl = \"mqtt://home\"", &variables).unwrap();
    assert_eq!(own.brokers.len(), 1);
    assert_eq!(own.brokers[0].address.to_string(), "home:1883");
    let both = load("[broker.home]\nurl = \"mqtt://home\"", &variables[..1]).unwrap();
    assert_eq!(both.brokers.len(), 2);
    assert_eq!(both.default_broker.unwrap().as_str(), "home");
}

#[test]
fn mistakes_are_told_by_the_name_of_the_variable() {
    let (_folder, file) = files();
    for (name, value, part) in [
        ("AIO_BROKER_TCP_PORT", "0", "a port from 1 to 65535"),
        ("AIO_MQTT_USE_TLS", "maybe", "true or false"),
        (
            "AIO_TLS_CA_FILE",
            "/nowhere/ca.pem",
            "/nowhere/ca.pem cannot be read",
        ),
        ("AIO_TLS_CERT_FILE", file.as_str(), "come together"),
        ("AIO_TLS_KEY_PASSWORD_FILE", file.as_str(), "openssl pkey"),
        ("AIO_MQTT_PASSWORD_FILE", file.as_str(), "set AIO_MQTT_USERNAME"),
        ("AIO_SAT_FILE", "/nowhere/token", "cannot be read"),
    ] {
        let error = load("", &[("AIO_BROKER_HOSTNAME", "aio-mq"), (name, value)]).expect_err(name);
        let said = error.to_string();
        assert_eq!(error.problems.len(), 1, "{said}");
        assert!(
            said.contains(&format!("environment variable {name}: ")) && said.contains(part),
            "{said}"
        );
    }
    let error = load("", &[("AIO_BROKER_HOSTNAME", "a b")])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("AIO_BROKER_HOSTNAME") && error.contains("aio-broker"),
        "{error}"
    );
    let both = [
        ("AIO_BROKER_HOSTNAME", "aio-mq"),
        ("AIO_SAT_FILE", file.as_str()),
        ("AIO_MQTT_USERNAME", "ada"),
    ];
    assert!(
        load("", &both)
            .unwrap_err()
            .to_string()
            .contains("exclude each other")
    );
}

#[test]
fn variables_without_the_host_are_named() {
    let (_folder, file) = files();
    let config = load(
        "",
        &[
            ("AIO_BROKER_HOST", "aio-broker"),
            ("AIO_SAT_FILE", &file),
            ("AIO_BROKER_PORT", "tcp://10.0.0.1:1883"),
            ("AIO_BROKER_PORT_1883_TCP_ADDR", "10.0.0.1"),
            ("AIO_BROKER_FRONTEND_SERVICE_PORT", "1883"),
        ],
    )
    .unwrap();
    assert!(config.brokers.is_empty());
    let warned: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    let [host, typo] = warned.as_slice() else {
        panic!("two warnings, not {warned:?}");
    };
    assert!(
        host.contains("AIO_BROKER_HOSTNAME: this is not set, so these make no broker: AIO_SAT_FILE"),
        "{host}"
    );
    assert!(
        typo.contains("AIO_BROKER_HOST: ") && typo.contains("did you mean AIO_BROKER_HOSTNAME?"),
        "{typo}"
    );
    assert_eq!(load("", &[("tcpPort", "1"), ("AIO", "1")]).unwrap().warnings, []);
}

#[test]
fn a_port_that_kubernetes_did_not_set_is_named() {
    let variables = [("AIO_BROKER_HOSTNAME", "aio-mq"), ("AIO_BROKER_PORT", "1883")];
    let warned = load("", &variables).unwrap().warnings;
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(
        warned[0]
            .to_string()
            .contains("did you mean AIO_BROKER_TCP_PORT?"),
        "{warned:?}"
    );
}

#[test]
fn a_token_and_a_password_exclude_each_other() {
    let (_folder, file) = files();
    let said = load(
        "",
        &[
            ("hostname", "aio-mq"),
            ("satAuthFile", &file),
            ("passwordFile", &file),
        ],
    )
    .unwrap_err()
    .to_string();
    assert!(
        said.contains("passwordFile: the token stands in place of a password"),
        "{said}"
    );
}

#[test]
fn a_secret_in_place_of_its_file_is_not_repeated() {
    for (name, value, part) in [
        ("AIO_SAT_FILE", "hunter2", "the file cannot be read"),
        (
            "AIO_SAT_FILE",
            "-----BEGIN hunter2",
            "the text of a PEM file; expected a path",
        ),
        (
            "AIO_TLS_CA_FILE",
            "-----BEGIN hunter2",
            "the text of a PEM file; expected a path",
        ),
    ] {
        let said = load("", &[("AIO_BROKER_HOSTNAME", "aio-mq"), (name, value)])
            .unwrap_err()
            .to_string();
        assert!(said.contains(part) && !said.contains("hunter2"), "{said}");
    }
}
