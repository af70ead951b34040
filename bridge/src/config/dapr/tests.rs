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

/// These mistakes and no others are told, each with all of its parts, in the order of the file.
fn check_all(files: &Files, mistakes: &[&[&str]]) {
    let error = files.load(&[]).unwrap_err();
    assert_eq!(error.problems.len(), mistakes.len(), "{error}");
    for (problem, parts) in error.problems.iter().zip(mistakes) {
        let said = problem.to_string();
        for part in *parts {
            assert!(said.contains(part), "no {part:?} in: {said}");
        }
    }
}

/// The one mistake of the component is told with all of these parts.
fn check(component: &str, parts: &[&str]) {
    check_all(&Files::with(component), &[parts]);
}

/// The component is a broker, and just these parts of it are named as having no effect.
fn check_named(component: &str, named: &[&[&str]]) -> BrokerConfig {
    let mut config = Files::with(component).load(&[]).unwrap();
    let warned: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warned.len(), named.len(), "{warned:?}");
    for (warning, parts) in warned.iter().zip(named) {
        for part in *parts {
            assert!(warning.contains(part), "no {part:?} in: {warning}");
        }
    }
    config.brokers.remove(0)
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
    assert_eq!(warned.len(), 3, "{warned:?}");
    assert!(
        warned[0].contains("pubsub.yaml:11:5: `spec.metadata.consumerID`: this has no meaning for a relay")
    );
    assert!(warned[1].contains("pubsub.yaml:13:5: `spec.metadata.qos`"));
    assert!(
        warned[2].contains("`auth`: this speaks to Dapr's runtime") && warned[2].contains("--dapr-secrets")
    );
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

#[test]
fn a_file_that_is_no_text_is_told_and_not_left_out() {
    let files = Files::with("");
    let file = files.folder.path().join("pubsub.yaml");
    // As PowerShell writes it with >.
    let utf16: Vec<u8> = "\u{feff}spec: {}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(&file, utf16).unwrap();
    check_all(
        &files,
        &[&["pubsub.yaml: this is not text in UTF-8", "Set-Content"]],
    );
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    check_all(&files, &[&["pubsub.yaml", "cannot be read: ", "name a file"]]);
    // One that cannot even be opened is told once.
    fs::remove_dir(&file).unwrap();
    check_all(&files, &[&["--dapr: ", "pubsub.yaml cannot be read: "]]);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let entry = |text: &str| component(&format!("  - name: url\n{text}"));
    check(
        &entry("    value: tcp://home\n    value: tcp://other\n"),
        &["pubsub.yaml:6:5", "the key `value` stands twice, first in line 5"],
    );
    check(
        &component("  - {name: url, value: \"tcp://home\"}\n  metadata:\n  - {name: qos, value: 1}\n"),
        &[
            "pubsub.yaml:5:3",
            "the key `metadata` stands twice, first in line 3",
        ],
    );
    check(
        &entry("    value: tcp://home\n    secretKeyRef: {name: a, key: b}\n"),
        &[
            "pubsub.yaml:4:5",
            "value and secretKeyRef exclude each other",
            "keep one of them",
        ],
    );
    check(
        &entry("    envRef: URL\n    secretKeyRef: {name: a, key: b}\n"),
        &["secretKeyRef and envRef exclude each other"],
    );
    check(
        &entry("    secretKeyRef: {name: a, key: [b]}\n"),
        &["needs a name, and a text as its key"],
    );
    check(
        &entry("    value: tcp://{uuid}:1883\n"),
        &[
            "pubsub.yaml:4:5",
            "`spec.metadata.url`",
            "{uuid} is something new at each start",
        ],
    );
    check(
        &WHOLE_DOCUMENT.replace("kind: Component", "kind: Configuration"),
        &[
            "pubsub.yaml:2:7",
            "`kind`: expected Component; found Configuration",
        ],
    );
}

const WHOLE_DOCUMENT: &str = "apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: shop
  namespace: edge
spec:
  type: pubsub.mqtt
  version: v1
  metadata:
  - name: url
    value: tcp://home
";

#[test]
fn what_speaks_to_daprs_runtime_is_named_and_keeps_nobody_from_starting() {
    check_named(WHOLE_DOCUMENT, &[]);
    let runtime = WHOLE_DOCUMENT.replace(
        "version: v1\n",
        "version: v1\n  initTimeout: 20s\n  ignoreErrors: true\n",
    );
    check_named(
        &format!("{runtime}scopes: [app1]\nauth:\n  secretStore: kubernetes\n"),
        &[
            &[
                "pubsub.yaml:14:1: `scopes`",
                "this speaks to Dapr's runtime",
                "[auth]",
            ],
            &["pubsub.yaml:15:1: `auth`", "dapr_secrets_dir"],
            &["pubsub.yaml:9:3: `spec.initTimeout`", "relay.dial_timeout_ms"],
            &["pubsub.yaml:10:3: `spec.ignoreErrors`"],
        ],
    );
    let other = WHOLE_DOCUMENT
        .replace("v1alpha1", "v2")
        .replace("version: v1", "version: v9");
    check_named(
        &other.replace("namespace", "namspace"),
        &[
            &[
                "pubsub.yaml:5:3: `metadata.namspace`",
                "did you mean `namespace`?",
            ],
            &[
                "`apiVersion`: this version is not known",
                "write dapr.io/v1alpha1",
            ],
            &["pubsub.yaml:8:12: `spec.version`", "it is read as v1"],
        ],
    );
    let reference = "    secretKeyRef: {name: store, kye: ca}\n    valeu: x\n";
    let text = WHOLE_DOCUMENT.replace("tcp:", "ssl:") + "  - name: caCert\n" + reference;
    let files = Files::with(&text);
    files.secret("store/store", "-----BEGIN CERTIFICATE-----");
    let said: Vec<String> = files
        .load(&[])
        .unwrap()
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("`spec.metadata.caCert.valeu`") && said[0].contains("did you mean `value`?"));
    assert!(said[1].contains("`spec.metadata.caCert.secretKeyRef.kye`"));
}

#[test]
fn the_other_documents_of_a_file_are_named() {
    let file = format!(
        "spec: {{type: state.redis}}\n---\n{WHOLE_DOCUMENT}---\nkind: Subscription\n---\n{}---\n",
        WHOLE_DOCUMENT.replace("home", "other")
    );
    let broker = check_named(
        &file,
        &[
            &[
                "pubsub.yaml:1:1: this document is no MQTT component",
                "pubsub.mqtt3",
            ],
            &["pubsub.yaml:15:1: this document is no MQTT component"],
            &["pubsub.yaml:17:1: only the first MQTT component of the file is used"],
        ],
    );
    assert_eq!(broker.address.host, "home");
}

#[test]
fn an_empty_value_is_none() {
    let empty = "  - {name: caCert, value: \"\"}\n  - {name: clientCert, value: \" \"}\n  - name: clientKey\n    value:\n";
    let address = "  - {name: url, value: \"ssl://home\"}\n";
    let broker = check_named(&component(&format!("{address}{empty}")), &[]);
    assert_eq!(broker.tls, Some(TlsConfig::default()));
    // A secret that is empty was not meant so.
    let files = Files::with(&component(&format!(
        "{address}  - {{name: caCert, value: \"\", secretKeyRef: {{name: store, key: ca}}}}\n"
    )));
    files.secret("store/ca", "\n");
    check_all(&files, &[&["`spec.metadata.caCert`", "the text of a PEM file"]]);
}

#[test]
fn a_mistake_in_the_address_hides_no_other() {
    let files = Files::with(&component(
        "  - {name: url, value: home}\n  - {name: caCert, value: x}\n  - {name: clientCert, secretKeyRef: {name: a, key: b}}\n  - {name: clientKey, value: y}\n",
    ));
    check_all(
        &files,
        &[
            &["`spec.metadata.url`", "no scheme"],
            &["`spec.metadata.caCert`", "the text of a PEM file"],
            &["`spec.metadata.clientCert`", "the secret is in none of"],
            &["`spec.metadata.clientKey`", "the text of a PEM file"],
        ],
    );
}

const WITH_SECRET: &str = "spec:
  type: pubsub.mqtt
  metadata:
  - {name: url, value: \"ssl://home\"}
  - {name: caCert, secretKeyRef: {name: store, key: ca}}
";

#[test]
fn a_secret_that_is_there_and_cannot_be_read_is_told() {
    // What would be found if the search went on.
    let files = Files::with(WITH_SECRET);
    files.secret("ca", "-----BEGIN CERTIFICATE-----");
    let secret = files.folder.path().join("store/ca");
    fs::create_dir_all(&secret).unwrap();
    let is_told = |why: &str| check_all(&files, &[&["pubsub.yaml:5:34", "store/ca cannot be read: ", why]]);
    is_told("not a regular file");
    fs::remove_dir(&secret).unwrap();
    fs::write(&secret, [0xFF, 0xFE, 0]).unwrap();
    is_told("UTF-8");
    #[cfg(unix)]
    {
        // As of a pipe, which nobody may ever write into.
        fs::remove_file(&secret).unwrap();
        std::os::unix::fs::symlink("/dev/null", &secret).unwrap();
        is_told("not a regular file");
        // As Kubernetes has them.
        fs::remove_file(&secret).unwrap();
        std::os::unix::fs::symlink("../ca", &secret).unwrap();
        assert!(files.load(&[]).is_ok());
    }
}

#[test]
fn a_secret_is_looked_for_in_each_place_that_is_told() {
    let files = Files::with(WITH_SECRET);
    let places = [
        "store/ca, ",
        "/ca, the environment variable STORE_CA, the environment variable ca, the environment variable store",
    ];
    check_all(&files, &[&places]);
    for name in ["STORE_CA", "ca", "store"] {
        assert!(
            files.load(&[(name, "-----BEGIN CERTIFICATE-----")]).is_ok(),
            "{name}"
        );
    }
    // A file where the folder of the same name could be.
    let files = Files::with(&WITH_SECRET.replace("key: ca", "key: store"));
    let once = "the environment variable STORE_STORE, the environment variable store\n";
    check_all(&files, &[&[once]]);
    files.secret("store", "-----BEGIN CERTIFICATE-----");
    assert!(files.load(&[]).is_ok());
}
