//! Dapr component files (`pubsub.mqtt`, `pubsub.mqtt3`) as the definition of a broker.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    BrokerConfig, BrokerId, CredentialsConfig, PasswordSource, PemSource, Secret, SecretBytes, TlsConfig,
    broker::BrokerUrl,
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
        // That it cannot be read was said where it is named.
        let text = std::fs::read_to_string(file).ok()?;
        let document = component.document(&text)?;
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

    /// The one document of the file that is about MQTT.
    fn document(&self, text: &str) -> Option<Node> {
        let documents = match Node::parse(text) {
            Ok(documents) => documents,
            Err((place, reason)) => {
                self.mistake(
                    Some(place),
                    "",
                    format!("this is not YAML: {reason}"),
                    "write the component as Dapr shows it",
                );
                return None;
            }
        };
        let kind = |document: &Node| Some(document.get("spec")?.get("type")?.text()?.to_owned());
        let is_mqtt = |document: &Node| {
            kind(document).is_some_and(|kind| matches!(kind.as_str(), "pubsub.mqtt" | "pubsub.mqtt3"))
        };
        let mut fitting = documents.iter().filter(|document| is_mqtt(document));
        if let Some(document) = fitting.next() {
            if let Some(other) = fitting.next() {
                self.warn(
                    other.place,
                    "",
                    "only the first MQTT component of the file is used",
                    "put the others into files of their own",
                );
            }
            return Some(document.clone());
        }
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
        None
    }

    fn broker(&self, document: &Node, id: BrokerId, name: String) -> Option<BrokerConfig> {
        self.name_unknown(
            document,
            "",
            &["apiVersion", "kind", "metadata", "spec", "scopes", "auth"],
        );
        let spec = document.get("spec")?;
        self.name_unknown(
            spec,
            "spec.",
            &["type", "version", "metadata", "initTimeout", "ignoreErrors"],
        );
        let values = self.values(spec);
        let Some(url) = values.get("url") else {
            if !self.source.has_problems_of(&self.file) {
                let fix = "add under spec.metadata: - name: url, value: \"tcp://broker.example:1883\"";
                self.mistake(
                    Some(spec.place),
                    "spec.metadata.url",
                    "a broker needs an address".into(),
                    fix,
                );
            }
            return None;
        };
        let (address, credentials) = self.url(url)?;
        let tls = self.tls(&values, &address, url.place);
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

    /// The values that are understood, by their key as Dapr writes it; the rest is named.
    fn values(&self, spec: &Node) -> BTreeMap<&'static str, Found> {
        let mut values = BTreeMap::new();
        let Some(metadata) = spec.get("metadata") else {
            return values;
        };
        let entries: Vec<(Place, String, &Node)> = match &metadata.value {
            Value::List(items) => items
                .iter()
                .filter_map(|item| match item.get("name").and_then(Node::text) {
                    Some(name) => Some((item.place, name.to_owned(), item)),
                    None => {
                        let fix = "write - name: url, and under it value: \"tcp://…\"";
                        self.mistake(
                            Some(item.place),
                            "spec.metadata",
                            "an entry has no name".into(),
                            fix,
                        );
                        None
                    }
                })
                .collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|entry| (entry.place, entry.key.clone(), &entry.node))
                .collect(),
            Value::Text(_) => Vec::new(),
        };
        for (place, key, node) in entries {
            // Dapr does not tell capitals from small letters in these names.
            let known = UNDERSTOOD
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(&key));
            match known {
                Some(known) => {
                    if values.contains_key(known) {
                        let whole = format!("spec.metadata.{known}");
                        self.warn(
                            place,
                            &whole,
                            "this key stands twice; this one counts",
                            "keep one of them",
                        );
                    }
                    values.extend(self.value(place, known, node).map(|found| (known, found)));
                }
                None => self.name_key(place, &key),
            }
        }
        values
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
        for entry in node
            .entries()
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            let fix = match nearest(&entry.key, known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("what is known here: {}", known.join(", ")),
            };
            let key = format!("{prefix}{}", entry.key);
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
        if let Some(text) = node.text().or_else(|| node.get("value").and_then(Node::text)) {
            let text = self.filled_in(place, &whole, text)?;
            return Some(Found {
                place,
                text,
                file: None,
            });
        }
        if let Some(reference) = node.get("secretKeyRef") {
            return self.secret(reference, &whole);
        }
        if let Some(name) = node.get("envRef").and_then(Node::text) {
            let text = self.source.environment.get(name);
            if text.is_none() {
                self.mistake(
                    Some(place),
                    &whole,
                    format!("the environment variable {name} is not set"),
                    "start the bridge with it",
                );
            }
            return Some(Found {
                place,
                text: text?.clone(),
                file: None,
            });
        }
        let fix = "write value: \"…\", or secretKeyRef with name and key";
        self.mistake(Some(place), &whole, "there is no value".into(), fix);
        None
    }

    /// Puts in what Dapr's templates stand for.
    fn filled_in(&self, place: Place, key: &str, text: &str) -> Option<String> {
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

    /// From the folder of secrets (`name/key`, then `key`), or from the environment (`NAME_KEY`, then the names as they are).
    fn secret(&self, reference: &Node, whole: &str) -> Option<Found> {
        let place = reference.place;
        let name = reference.get("name").and_then(Node::text).unwrap_or_default();
        let key = reference.get("key").and_then(Node::text).unwrap_or(name);
        if name.is_empty() {
            let fix = "write secretKeyRef: {name: …, key: …}";
            self.mistake(
                Some(place),
                whole,
                "the reference to a secret has no name".into(),
                fix,
            );
            return None;
        }
        let plain =
            |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['/', '\\', '\0']);
        let files = match &self.secrets_dir {
            Some(folder) if plain(name) && plain(key) => vec![folder.join(name).join(key), folder.join(key)],
            Some(_) | None => Vec::new(),
        };
        for file in &files {
            if let Ok(text) = std::fs::read_to_string(file) {
                let text = text.trim_end_matches(['\r', '\n']).to_owned();
                return Some(Found {
                    place,
                    text,
                    file: Some(file.clone()),
                });
            }
        }
        let capitals = |text: &str| {
            text.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
                .to_ascii_uppercase()
        };
        let variables = [
            format!("{}_{}", capitals(name), capitals(key)),
            key.to_owned(),
            name.to_owned(),
        ];
        if let Some(text) = variables
            .iter()
            .find_map(|name| self.source.environment.get(name))
        {
            return Some(Found {
                place,
                text: text.clone(),
                file: None,
            });
        }
        let mut tried: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        tried.extend(
            variables
                .iter()
                .take(2)
                .map(|name| format!("the environment variable {name}")),
        );
        let message = format!("the secret is in none of: {}", tried.join(", "));
        self.mistake(
            Some(place),
            whole,
            message,
            "set dapr_secrets_dir (--dapr-secrets) to the folder with the secrets, or the variable",
        );
        None
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

    fn tls(&self, values: &BTreeMap<&'static str, Found>, url: &BrokerUrl, place: Place) -> TlsConfig {
        let pem = |key: &'static str| values.get(key).and_then(|found| self.pem(key, found));
        let tls = TlsConfig {
            ca: pem("caCert"),
            cert: pem("clientCert"),
            key: pem("clientKey"),
            ..TlsConfig::default()
        };
        if values.contains_key("clientCert") != values.contains_key("clientKey") {
            let message = "a client certificate and its key come together".to_owned();
            self.mistake(
                Some(place),
                "spec.metadata.clientCert",
                message,
                "give clientCert and clientKey, or neither",
            );
        }
        let files = UNDERSTOOD
            .into_iter()
            .filter(|key| *key != "url" && values.contains_key(key));
        for key in files.filter(|_| !url.tls) {
            let place = values.get(key).map_or(place, |found| found.place);
            self.warn(
                place,
                &format!("spec.metadata.{key}"),
                "the address asks for no TLS, so this has no effect",
                "write ssl:// in the url",
            );
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

/// The address without, and `user:password` decoded.
fn without_user_info(url: &str) -> (String, Option<(String, Option<String>)>) {
    let parts = url
        .split_once("://")
        .and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)));
    let Some((scheme, (user_info, host))) = parts else {
        return (url.to_owned(), None);
    };
    let (user, password) = match user_info.split_once(':') {
        Some((user, password)) => (user, Some(percent_decoded(password))),
        None => (user_info, None),
    };
    let credentials = (!user_info.is_empty()).then(|| (percent_decoded(user), password));
    (format!("{scheme}://{host}"), credentials)
}

/// `%40` is an `@`; what is no such escape stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let escape = match (byte, after) {
            (b'%', [high, low, ..]) => std::str::from_utf8(&[*high, *low])
                .ok()
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        decoded.push(escape.unwrap_or(*byte));
        rest = after
            .get(if escape.is_some() { 2 } else { 0 }..)
            .unwrap_or_default();
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests;
