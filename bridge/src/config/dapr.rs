//! Dapr component files (`pubsub.mqtt`, `pubsub.mqtt3`) as the definition of a broker.

mod secrets;
mod user_info;

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use self::user_info::without_user_info;
use super::{
    BrokerConfig, BrokerId, CredentialsConfig, PasswordSource, PemSource, Secret, SecretBytes, TlsConfig,
    broker::BrokerUrl,
    files::open_regular,
    problem::{Origin, Problem, nearest},
    reader::{FromText, Source},
    yaml::{Node, Place, Value},
};

/// Keys that say something to a relay.
const UNDERSTOOD: [&str; 4] = ["url", "caCert", "clientCert", "clientKey"];

/// Keys of a client that the bridge is not, with what is done instead.
const WITHOUT_MEANING: [(&str, &str); 7] = [
    ("consumerID", "each page has a client id of its own"),
    ("producerID", "each page has a client id of its own"),
    ("qos", "each subscription and each message says its own"),
    ("retain", "each message says it"),
    ("cleanSession", "each page says it when it connects"),
    (
        "backOffMaxRetries",
        "a page tries again for ever, with a growing pause",
    ),
    (
        "maxRetriableErrorsPerSec",
        "a page tries again for ever, with a growing pause",
    ),
];

/// What speaks to Dapr's runtime around these keys, with what is done instead.
const FOR_THE_RUNTIME: [(&str, &str); 4] = [
    ("scopes", "[auth] says who may come to the bridge"),
    (
        "auth",
        "secrets come from dapr_secrets_dir (--dapr-secrets) or the environment",
    ),
    (
        "spec.initTimeout",
        "relay.dial_timeout_ms says how long a broker may take",
    ),
    (
        "spec.ignoreErrors",
        "the bridge starts without a broker that it cannot reach",
    ),
];

/// One component file, and where its secrets are.
pub(super) struct Component<'s> {
    source: &'s Source<'s>,
    file: String,
    secrets_dir: Option<PathBuf>,
}

/// A value of the file, or what it refers to.
struct Found {
    place: Place,
    text: String,
    /// The file it was read from, if it was.
    file: Option<PathBuf>,
}

impl<'s> Component<'s> {
    /// Reads the broker of the file; `id` and `name` stand in the file itself when they are not given. Nothing when a mistake was found.
    pub(super) fn read(
        source: &'s Source<'s>,
        file: &Path,
        secrets_dir: Option<PathBuf>,
        named: Option<(BrokerId, Option<String>)>,
    ) -> Option<BrokerConfig> {
        let component = Self {
            source,
            file: file.display().to_string(),
            secrets_dir,
        };
        // That it cannot be opened was said where it is named.
        let opened = open_regular(file).ok()?;
        let document = component.document(&component.whole_text(opened)?)?;
        let own_name = document
            .get("metadata")
            .and_then(|metadata| metadata.get("name"))
            .and_then(Node::text);
        let (id, name) = match named {
            Some((id, name)) => (id, name),
            None => (id_of(own_name.unwrap_or_default()), None),
        };
        let name = name
            .or_else(|| own_name.map(str::to_owned))
            .unwrap_or_else(|| id.to_string());
        component.broker(&document, id, name)
    }

    fn whole_text(&self, opened: File) -> Option<String> {
        io::read_to_string(opened)
            .map_err(|error| {
                let (message, fix) = match error.kind() {
                    io::ErrorKind::InvalidData => (
                        "this is not text in UTF-8".to_owned(),
                        "save it as UTF-8, in PowerShell with Set-Content -Encoding utf8",
                    ),
                    _ => (
                        format!("cannot be read: {error}"),
                        "name a file that the bridge may read",
                    ),
                };
                self.mistake(None, "", message, fix);
            })
            .ok()
    }

    /// The one document of the file that is about MQTT; the others are named.
    fn document(&self, text: &str) -> Option<Node> {
        let documents = match Node::parse(text) {
            Ok(documents) => documents,
            Err((place, reason)) => {
                self.mistake(
                    Some(place),
                    "",
                    format!("this is not YAML: {reason}"),
                    "write the component as Dapr shows it, each key once",
                );
                return None;
            }
        };
        let kind = |document: &Node| Some(document.get("spec")?.get("type")?.text()?.to_owned());
        let is_mqtt = |document: &Node| {
            kind(document).is_some_and(|kind| matches!(kind.as_str(), "pubsub.mqtt" | "pubsub.mqtt3"))
        };
        let Some(used) = documents.iter().position(is_mqtt) else {
            let found: Vec<String> = documents.iter().filter_map(kind).collect();
            let message = match found.as_slice() {
                [] => "this is not a Dapr component: there is no spec.type".to_owned(),
                kinds => format!(
                    "expected a component of type pubsub.mqtt or pubsub.mqtt3; found {}",
                    kinds.join(", ")
                ),
            };
            let place = documents.first().map(|document| document.place);
            self.mistake(
                place,
                "spec.type",
                message,
                "name a file with type: pubsub.mqtt3 under spec",
            );
            return None;
        };
        for (at, other) in documents.iter().enumerate() {
            // Behind a last `---` stands an empty one.
            if at == used || other.text() == Some("") {
                continue;
            }
            let (message, fix) = match is_mqtt(other) {
                true => (
                    "only the first MQTT component of the file is used",
                    "put the others into files of their own",
                ),
                false => (
                    "this document is no MQTT component and has no effect",
                    "only type: pubsub.mqtt and type: pubsub.mqtt3 are read",
                ),
            };
            self.warn(other.place, "", message, fix);
        }
        documents.into_iter().nth(used)
    }

    fn broker(&self, document: &Node, id: BrokerId, name: String) -> Option<BrokerConfig> {
        let spec = document.get("spec")?;
        let values = self.values(spec);
        self.look_around(document, spec);
        let url = values.get("url").and_then(Option::as_ref);
        let url = url.and_then(|url| self.url(url));
        // Also when the address is wrong: all mistakes are told at once.
        let tls = self.tls(&values, url.as_ref().map(|(address, _)| address), spec.place);
        let (address, credentials) = url?;
        Some(BrokerConfig {
            proxy_protocol: None,
            id,
            name,
            websocket_path: address.websocket_path,
            tls: address.tls.then_some(tls),
            address: address.address,
            credentials,
        })
    }

    /// What stands around the metadata.
    fn look_around(&self, document: &Node, spec: &Node) {
        let known = ["apiVersion", "kind", "metadata", "spec", "scopes", "auth"];
        self.name_unknown(document, "", &known);
        let known = ["type", "version", "metadata", "initTimeout", "ignoreErrors"];
        self.name_unknown(spec, "spec.", &known);
        if let Some(metadata) = document.get("metadata") {
            let known = ["name", "namespace", "labels", "annotations"];
            self.name_unknown(metadata, "metadata.", &known);
        }
        for (key, node, known) in [
            ("apiVersion", document.get("apiVersion"), "dapr.io/v1alpha1"),
            ("spec.version", spec.get("version"), "v1"),
        ] {
            if let Some(node) = node.filter(|node| node.text() != Some(known)) {
                let message = format!("this version is not known; it is read as {known}");
                self.warn(node.place, key, &message, &format!("write {known}"));
            }
        }
        if let Some(kind) = document.get("kind")
            && kind.text() != Some("Component")
        {
            let found = kind.text().unwrap_or("something that is no text");
            let message = format!("expected Component; found {found}");
            self.mistake(Some(kind.place), "kind", message, "write kind: Component");
        }
    }

    /// The values that are understood, by their key as Dapr writes it, with nothing where a mistake was found; the rest is named.
    fn values(&self, spec: &Node) -> BTreeMap<&'static str, Option<Found>> {
        let mut values = BTreeMap::new();
        for (place, key, node) in self.entries(spec) {
            // Dapr does not tell capitals from small letters in these names.
            let known = UNDERSTOOD
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(key));
            let Some(known) = known else {
                self.name_key(place, key);
                continue;
            };
            if values.contains_key(known) {
                let whole = format!("spec.metadata.{known}");
                self.warn(
                    place,
                    &whole,
                    "this key stands twice; this one counts",
                    "keep one of them",
                );
            }
            if known != "url" && is_unset(node) {
                values.remove(known);
            } else {
                values.insert(known, self.value(place, known, node));
            }
        }
        values
    }

    /// Name and content of each entry. Without an address there is no broker.
    fn entries<'n>(&self, spec: &'n Node) -> Vec<(Place, &'n str, &'n Node)> {
        let mut entries = Vec::new();
        match spec.get("metadata").map(|metadata| &metadata.value) {
            Some(Value::List(items)) => {
                for item in items {
                    let Some(name) = item.get("name").and_then(Node::text) else {
                        let fix = "write - name: url, and under it value: \"tcp://…\"";
                        self.mistake(
                            Some(item.place),
                            "spec.metadata",
                            "an entry has no name".into(),
                            fix,
                        );
                        continue;
                    };
                    entries.push((item.place, name, item));
                }
            }
            Some(Value::Map(map)) => {
                entries.extend(
                    map.iter()
                        .map(|entry| (entry.place, entry.key.as_str(), &entry.node)),
                );
            }
            Some(Value::Text(_)) | None => {}
        }
        let has_url = entries.iter().any(|(_, key, _)| key.eq_ignore_ascii_case("url"));
        // It may be the entry that has no name.
        if !has_url && !self.source.has_problems_of(&self.file) {
            let fix = "add under spec.metadata: - name: url, value: \"tcp://broker.example:1883\"";
            self.mistake(
                Some(spec.place),
                "spec.metadata.url",
                "a broker needs an address".into(),
                fix,
            );
        }
        entries
    }

    fn name_key(&self, place: Place, key: &str) {
        let whole = format!("spec.metadata.{key}");
        let without = WITHOUT_MEANING
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(key));
        if let Some((_, instead)) = without {
            self.warn(
                place,
                &whole,
                "this has no meaning for a relay, which is no client itself",
                instead,
            );
            return;
        }
        let known = UNDERSTOOD
            .into_iter()
            .chain(WITHOUT_MEANING.map(|(known, _)| known));
        let fix = match nearest(key, known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("what is used: {}", UNDERSTOOD.join(", ")),
        };
        self.warn(
            place,
            &whole,
            "this key is not understood and has no effect",
            &fix,
        );
    }

    fn name_unknown(&self, node: &Node, prefix: &str, known: &[&'static str]) {
        for entry in node.entries() {
            let key = format!("{prefix}{}", entry.key);
            let for_the_runtime = FOR_THE_RUNTIME.iter().find(|(part, _)| *part == key);
            if let Some((_, instead)) = for_the_runtime {
                let message = "this speaks to Dapr's runtime and has no effect here";
                self.warn(entry.place, &key, message, instead);
                continue;
            }
            if known.contains(&entry.key.as_str()) {
                continue;
            }
            let fix = match nearest(&entry.key, known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("what is known here: {}", known.join(", ")),
            };
            self.warn(
                entry.place,
                &key,
                "this key is not understood and has no effect",
                &fix,
            );
        }
    }

    /// `value`, `secretKeyRef` or `envRef`, or in the form of a mapping the text itself.
    fn value(&self, place: Place, key: &str, node: &Node) -> Option<Found> {
        let whole = format!("spec.metadata.{key}");
        let ways = ["value", "secretKeyRef", "envRef"];
        let known = [ways.as_slice(), &["name"]].concat();
        self.name_unknown(node, &format!("{whole}."), &known);
        // An empty one is as good as none: programs that fill in such files leave it there.
        let is_given = |way: &&str| node.get(way).is_some_and(|node| node.text() != Some(""));
        let given: Vec<&str> = ways.into_iter().filter(is_given).collect();
        let text = match given.as_slice() {
            [first, second, ..] => {
                let message = format!("{first} and {second} exclude each other");
                self.mistake(Some(place), &whole, message, "keep one of them");
                return None;
            }
            ["secretKeyRef"] => return self.secret(node.get("secretKeyRef")?, &whole),
            ["envRef"] => node
                .get("envRef")
                .and_then(Node::text)
                .map(|name| self.variable(place, &whole, name)),
            _ => text_of(node).map(|text| self.filled_in(place, &whole, text)),
        };
        let Some(text) = text else {
            let fix = "write value: \"…\", or secretKeyRef with name and key";
            self.mistake(Some(place), &whole, "there is no value".into(), fix);
            return None;
        };
        Some(Found {
            place,
            text: text?,
            file: None,
        })
    }

    fn variable(&self, place: Place, key: &str, name: &str) -> Option<String> {
        let text = self.source.environment.get(name);
        if text.is_none() {
            let message = format!("the environment variable {name} is not set");
            self.mistake(Some(place), key, message, "start the bridge with it");
        }
        text.cloned()
    }

    /// Puts in what Dapr's templates stand for.
    fn filled_in(&self, place: Place, key: &str, text: &str) -> Option<String> {
        if text.contains("{uuid}") {
            let message = "{uuid} is something new at each start, and this must stay what it is".to_owned();
            let fix = "write what it is, if need be with {podName}, {namespace} or {appID}";
            self.mistake(Some(place), key, message, fix);
            return None;
        }
        let mut filled = text.to_owned();
        for (template, variables) in [
            ("{podName}", ["POD_NAME", "HOSTNAME"]),
            ("{namespace}", ["NAMESPACE", "POD_NAMESPACE"]),
            ("{appID}", ["APP_ID", "DAPR_APP_ID"]),
        ] {
            if !filled.contains(template) {
                continue;
            }
            let value = variables
                .iter()
                .find_map(|name| self.source.environment.get(*name));
            let Some(value) = value else {
                let message = format!("nothing says what {template} stands for");
                let fix = format!(
                    "set the environment variable {} or {}",
                    variables[0], variables[1]
                );
                self.mistake(Some(place), key, message, &fix);
                return None;
            };
            filled = filled.replace(template, value);
        }
        Some(filled)
    }

    fn url(&self, url: &Found) -> Option<(BrokerUrl, Option<CredentialsConfig>)> {
        let (bare, user_info) = without_user_info(&url.text);
        let address = BrokerUrl::from_text(&bare)
            .map_err(|reason| {
                let message = format!(
                    "{reason}; expected tcp://, ssl://, mqtt://, mqtts://, ws:// or wss:// with host and port"
                );
                self.mistake(
                    Some(url.place),
                    "spec.metadata.url",
                    message,
                    "write \"tcp://user:password@broker.example:1883\"",
                );
            })
            .ok()?;
        let credentials = user_info.map(|(user_name, password)| CredentialsConfig::UserName {
            user_name,
            password: password.map(|password| PasswordSource::Text(Secret::new(password))),
        });
        Some((address, credentials))
    }

    /// `place` is where a mistake stands that has no place of its own.
    fn tls(
        &self,
        values: &BTreeMap<&'static str, Option<Found>>,
        url: Option<&BrokerUrl>,
        place: Place,
    ) -> TlsConfig {
        let found = |key: &'static str| values.get(key).and_then(Option::as_ref);
        let pem = |key: &'static str| found(key).and_then(|found| self.pem(key, found));
        let tls = TlsConfig {
            ca: pem("caCert"),
            cert: pem("clientCert"),
            key: pem("clientKey"),
            ..TlsConfig::default()
        };
        if values.contains_key("clientCert") != values.contains_key("clientKey") {
            let given = found("clientCert").or(found("clientKey"));
            let message = "a client certificate and its key come together".to_owned();
            self.mistake(
                Some(given.map_or(place, |given| given.place)),
                "spec.metadata.clientCert",
                message,
                "give clientCert and clientKey, or neither",
            );
        }
        if url.is_some_and(|url| !url.tls) {
            for key in UNDERSTOOD.into_iter().filter(|key| *key != "url") {
                let Some(given) = found(key) else { continue };
                self.warn(
                    given.place,
                    &format!("spec.metadata.{key}"),
                    "the address asks for no TLS, so this has no effect",
                    "write ssl:// in the url",
                );
            }
        }
        tls
    }

    fn pem(&self, key: &str, found: &Found) -> Option<PemSource> {
        if !found.text.contains("-----BEGIN ") {
            let message = "expected the text of a PEM file".to_owned();
            let fix = "paste the file with its -----BEGIN … line under value: |, or use secretKeyRef";
            self.mistake(Some(found.place), &format!("spec.metadata.{key}"), message, fix);
            return None;
        }
        Some(match &found.file {
            Some(file) => PemSource::File(file.clone()),
            None => PemSource::Text {
                name: format!("{key} of {}", self.file),
                pem: SecretBytes::new(found.text.as_bytes()),
            },
        })
    }

    fn mistake(&self, place: Option<Place>, key: &str, message: String, fix: &str) {
        self.source.report(Problem {
            origin: self.origin(place),
            key: key.to_owned(),
            message,
            fix: fix.to_owned(),
        });
    }

    fn warn(&self, place: Place, key: &str, message: &str, fix: &str) {
        self.source.warn(Problem {
            origin: self.origin(Some(place)),
            key: key.to_owned(),
            message: message.to_owned(),
            fix: fix.to_owned(),
        });
    }

    fn origin(&self, place: Option<Place>) -> Origin {
        match place {
            Some(place) => Origin::File {
                file: self.file.clone(),
                line: place.line,
                column: place.column,
            },
            None => Origin::WholeFile(self.file.clone()),
        }
    }
}

/// The component's name, as far as it can be a broker id.
fn id_of(name: &str) -> BrokerId {
    let letters = name
        .to_ascii_lowercase()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let id: String = letters.chars().take(40).collect();
    BrokerId::from_text(&id).unwrap_or_else(|_| BrokerId::dapr())
}

/// The text of an entry, or in the form of a mapping the text itself.
fn text_of(node: &Node) -> Option<&str> {
    node.text().or_else(|| node.get("value").and_then(Node::text))
}

/// An empty text and nothing else.
fn is_unset(node: &Node) -> bool {
    let refers = ["secretKeyRef", "envRef"]
        .iter()
        .any(|key| node.get(key).is_some());
    !refers && text_of(node).is_some_and(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests;
