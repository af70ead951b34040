use std::fs;

use tempfile::TempDir;

use super::super::{Config, ConfigError, Overrides, ProxyProtocol};
use super::*;

const WHOLE: &str = r#"apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: Mqtt.PubSub
spec:
  type: pubsub.mqtt
  version: v1
  metadata:
  - name: url
    value: "ssl://ada:p%40ss@{namespace}.example:8884"
  - name: consumerID
    value: "{uuid}"
  - name: qos
    value: 1
  - name: caCert
    value: |
      -----BEGIN CERTIFICATE-----
      MIIB
      -----END CERTIFICATE-----
  - name: clientCert
    secretKeyRef: {name: mqtt-tls, key: client-cert}
  - name: clientKey
    secretKeyRef:
      name: mqtt-tls
      key: client-key
auth:
  secretStore: local
"#;

struct Files {
    folder: TempDir,
}

impl Files {
    fn with(component: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("pubsub.yaml"), component).unwrap();
        Self { folder }
    }

    fn secret(&self, path: &str, text: &str) {
        let file = self.folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let flags = Overrides {
            dapr: Some(self.folder.path().join("pubsub.yaml").display().to_string()),
            dapr_secrets: Some(self.folder.path().display().to_string()),
            ..Overrides::default()
        };
        Config::parse("hearth.toml", "", &environment, &flags)
    }
}

/// The one mistake of the component is told with all of these parts.
fn check(component: &str, parts: &[&str]) {
    let error = Files::with(component).load(&[]).expect_err(component);
    assert_eq!(error.problems.len(), 1, "{component}: {error}");
    let said = error.to_string();
    for part in parts {
        assert!(said.contains(part), "no {part:?} in: {said}");
    }
}

fn component(entries: &str) -> String {
    format!("spec:\n  type: pubsub.mqtt3\n  metadata:\n{entries}")
}

#[test]
fn a_component_is_a_broker_with_its_secrets_from_a_folder_or_the_environment() {
    let files = Files::with(WHOLE);
    let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    files.secret("mqtt-tls/client-cert", pem);
    let key = "-----BEGIN PRIVATE KEY-----\n…";
    let config = files
        .load(&[("MQTT_TLS_CLIENT_KEY", key), ("NAMESPACE", "edge")])
        .unwrap();
    let [broker] = config.brokers.as_slice() else {
        panic!("one broker, not {:?}", config.brokers);
    };
    assert_eq!(
        (
            broker.id.as_str(),
            broker.name.as_str(),
            broker.address.to_string()
        ),
        ("mqtt-pubsub", "Mqtt.PubSub", "edge.example:8884".into())
    );
    assert_eq!(
        broker.credentials,
        Some(CredentialsConfig::UserName {
            user_name: "ada".into(),
            password: Some(PasswordSource::Text(Secret::new("p@ss")))
        })
    );
    let tls = broker.tls.as_ref().unwrap();
    assert_eq!(
        tls.cert,
        Some(PemSource::File(files.folder.path().join("mqtt-tls/client-cert")))
    );
    assert!(matches!(&tls.key, Some(PemSource::Text { name, .. }) if name.starts_with("clientKey of ")));
    assert!(matches!(&tls.ca, Some(PemSource::Text { pem, .. }) if pem.expose().starts_with(b"-----BEGIN")));
    let warned: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warned.len(), 2, "{warned:?}");
    assert!(
        warned[0].contains("pubsub.yaml:11:5: `spec.metadata.consumerID`: this has no meaning for a relay")
    );
    assert!(warned[1].contains("pubsub.yaml:13:5: `spec.metadata.qos`"));
}

#[test]
fn metadata_may_be_a_mapping_and_names_may_have_any_capitals() {
    let files =
        Files::with(&component("    URL: tcp://home\n    cacert: x\n").replace("    cacert: x\n", ""));
    let config = files.load(&[]).unwrap();
    assert_eq!(config.brokers[0].address.to_string(), "home:1883");
    assert!(config.warnings.is_empty() && config.brokers[0].credentials.is_none());
}

#[test]
fn what_is_not_understood_is_named() {
    let text = component("  - {name: url, value: \"tcp://home\"}\n  - {name: cleenSession, value: true}\n  - {name: caCert, value: \"-----BEGIN CERTIFICATE-----\"}\n  retries: 3\n")
        .replace("  retries", "  retrys");
    // A key of spec beside metadata.
    let config = Files::with(&text).load(&[]).unwrap();
    let warned: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    let said = warned.join("\n");
    for part in [
        "`spec.retrys`: this key is not understood",
        "`spec.metadata.cleenSession`",
        "did you mean `cleanSession`?",
        "`spec.metadata.caCert`: the address asks for no TLS",
        "write ssl:// in the url",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
}

#[test]
fn mistakes_of_a_component_are_told_with_their_place() {
    let entry = |text: &str| component(&format!("  - {{name: url, value: \"ssl://home\"}}\n{text}"));
    check("a: [", &["pubsub.yaml:2:1", "not YAML"]);
    check(
        "a: 1",
        &["pubsub.yaml:1:1", "`spec.type`", "not a Dapr component"],
    );
    check(
        "spec: {type: state.redis}",
        &["pubsub.mqtt3; found state.redis", "type: pubsub.mqtt3"],
    );
    check(
        &component("  - {name: qos, value: 1}\n"),
        &["`spec.metadata.url`", "needs an address"],
    );
    check(
        &component("  - name: url\n    value: http://ada:hunter2@home\n"),
        &["pubsub.yaml:4:5", "the scheme http:// is not known"],
    );
    check(
        &entry("  - {name: caCert, value: /etc/ca.pem}\n"),
        &["pubsub.yaml:5:5", "`spec.metadata.caCert`", "text of a PEM file"],
    );
    check(
        &entry("  - {name: clientCert, value: \"-----BEGIN CERTIFICATE-----\"}\n"),
        &["a client certificate and its key come together"],
    );
    check(
        &entry("  - name: caCert\n    secretKeyRef: {name: store, key: ca}\n"),
        &[
            "pubsub.yaml:6:19",
            "store/ca",
            "variable STORE_CA",
            "--dapr-secrets",
        ],
    );
    check(
        &entry("  - name: caCert\n    envRef: CA_PEM\n"),
        &["the environment variable CA_PEM is not set"],
    );
    check(
        &component("  - {name: url, value: \"tcp://{podName}\"}\n"),
        &["what {podName} stands for", "POD_NAME"],
    );
    let said = Files::with(&component("  - name: url\n    value: http://ada:hunter2@home\n"))
        .load(&[])
        .unwrap_err()
        .to_string();
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_secret_cannot_be_read_from_outside_its_folder() {
    let files = Files::with(&component(
        "  - {name: url, value: \"ssl://home\"}\n  - {name: caCert, secretKeyRef: {name: .., key: pem}}\n",
    ));
    files.secret("inner/pem", "-----BEGIN CERTIFICATE-----");
    let flags = Overrides {
        dapr: Some(files.folder.path().join("pubsub.yaml").display().to_string()),
        dapr_secrets: Some(files.folder.path().join("inner/deep").display().to_string()),
        ..Overrides::default()
    };
    let said = Config::parse("hearth.toml", "", &BTreeMap::new(), &flags)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("the secret is in none of: the environment variable"),
        "{said}"
    );
}

#[test]
fn a_section_of_the_file_names_the_broker_and_says_nothing_twice() {
    let files = Files::with(&component("  - {name: url, value: \"tcp://home\"}\n"));
    let file = files.folder.path().join("pubsub.yaml");
    let text = format!(
        "[broker.shop]\nname = \"Shop\"\nproxy_protocol = \"v2\"\ndapr_component = \"{}\"\n",
        file.display()
    );
    let parse = |text: &str| Config::parse("hearth.toml", text, &BTreeMap::new(), &Overrides::default());
    let config = parse(&text).unwrap();
    assert_eq!(
        (config.brokers[0].id.as_str(), config.brokers[0].name.as_str()),
        ("shop", "Shop")
    );
    assert_eq!(config.brokers[0].proxy_protocol, Some(ProxyProtocol::V2));
    let said = parse(&format!("{text}url = \"mqtt://home\""))
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("hearth.toml:5:7") && said.contains("keep dapr_component or url"),
        "{said}"
    );
    let said = parse("dapr_component = \"/nowhere.yaml\"")
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("hearth.toml:1:18") && said.contains("/nowhere.yaml cannot be read"),
        "{said}"
    );
}

#[test]
fn escapes_of_an_address_are_decoded_and_half_ones_kept() {
    assert_eq!(percent_decoded("p%40ss%2"), "p@ss%2");
    assert_eq!(percent_decoded("%zz%+1%ff"), "%zz%+1%ff");
    assert_eq!(
        without_user_info("tcp://:@home"),
        ("tcp://home".into(), Some((String::new(), Some(String::new()))))
    );
    assert_eq!(without_user_info("tcp://@home"), ("tcp://home".into(), None));
}

#[test]
fn a_key_that_stands_twice_is_named() {
    let twice = "spec:\n  type: pubsub.mqtt\n  metadata:\n  - {name: url, value: \"tcp://first\"}\n  - {name: URL, value: \"tcp://second\"}\n";
    let config = Files::with(twice).load(&[]).unwrap();
    assert_eq!(config.brokers[0].address.host, "second");
    let [warning] = config.warnings.as_slice() else {
        panic!("one warning, not {:?}", config.warnings);
    };
    assert_eq!(warning.key, "spec.metadata.url");
    assert!(
        warning.to_string().contains("yaml:5:") && warning.message.contains("twice"),
        "{warning}"
    );
}
