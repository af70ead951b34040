//! A broker from the environment variables that clients of Azure IoT Operations already have: `AIO_…`, and the names of its sample pod.

use std::path::PathBuf;

use super::{
    BrokerConfig, BrokerId, CredentialsConfig, PasswordSource, PemSource, TlsConfig,
    broker::BrokerUrl,
    files::{self, Holds, path_of, unreadable},
    problem::{Origin, Problem, nearest},
    reader::{FromText, Source},
};

/// Each setting by its two names.
type Names = [&'static str; 2];

const HOST: Names = ["AIO_BROKER_HOSTNAME", "hostname"];
const PORT: Names = ["AIO_BROKER_TCP_PORT", "tcpPort"];
const USE_TLS: Names = ["AIO_MQTT_USE_TLS", "useTls"];
const CA_FILE: Names = ["AIO_TLS_CA_FILE", "caFile"];
const CERT_FILE: Names = ["AIO_TLS_CERT_FILE", "certFile"];
const KEY_FILE: Names = ["AIO_TLS_KEY_FILE", "keyFile"];
const SAT_FILE: Names = ["AIO_SAT_FILE", "satAuthFile"];
const USER_NAME: Names = ["AIO_MQTT_USERNAME", "username"];
const PASSWORD_FILE: Names = ["AIO_MQTT_PASSWORD_FILE", "passwordFile"];
const KEY_PASSWORD_FILE: Names = ["AIO_TLS_KEY_PASSWORD_FILE", "keyPasswordFile"];

const KNOWN: [Names; 10] = [
    HOST,
    PORT,
    USE_TLS,
    CA_FILE,
    CERT_FILE,
    KEY_FILE,
    SAT_FILE,
    USER_NAME,
    PASSWORD_FILE,
    KEY_PASSWORD_FILE,
];

/// Settings of a client that the bridge is not.
const WITHOUT_MEANING: [&str; 4] = [
    "AIO_MQTT_CLIENT_ID",
    "AIO_MQTT_CLEAN_START",
    "AIO_MQTT_KEEP_ALIVE",
    "AIO_MQTT_SESSION_EXPIRY",
];

/// The broker `aio`, if the variables are there. Without the host they may belong to somebody else, so they are named and not refused.
pub(super) fn read(source: &Source<'_>) -> Option<BrokerConfig> {
    let names = Variables { source };
    let Some((host_variable, host)) = names.value(HOST) else {
        names.name_what_lacks_a_host();
        return None;
    };
    let others = [PORT, USE_TLS, CA_FILE, SAT_FILE];
    if host_variable == "hostname" && !others.iter().any(|other| names.value(*other).is_some()) {
        // A shell may have set it for reasons of its own.
        return None;
    }
    names.name_the_rest();
    let use_tls = names.flag(USE_TLS, true);
    let port = names.port(PORT, if use_tls { 8883 } else { 1883 });
    let scheme = if use_tls { "mqtts" } else { "mqtt" };
    let bracketed = match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    let url = BrokerUrl::from_text(&format!("{scheme}://{bracketed}:{port}"))
        .map_err(|_| {
            names.mistake(
                host_variable,
                "this is not a host name".into(),
                "write a name or an IP address, such as \"aio-broker\"",
            );
        })
        .ok()?;
    let tls = names.tls(use_tls);
    Some(BrokerConfig {
        proxy_protocol: None,
        id: BrokerId::aio(),
        name: "IoT Operations".into(),
        websocket_path: None,
        tls: use_tls.then_some(tls),
        address: url.address,
        credentials: names.credentials(),
    })
}

struct Variables<'s> {
    source: &'s Source<'s>,
}

impl Variables<'_> {
    /// The name under which it is set, and the value; an empty one counts as not set.
    fn value(&self, names: Names) -> Option<(&'static str, &str)> {
        names.into_iter().find_map(|name| {
            let value = self.source.environment.get(name)?.trim();
            (!value.is_empty()).then_some((name, value))
        })
    }

    fn flag(&self, names: Names, default: bool) -> bool {
        let Some((name, value)) = self.value(names) else {
            return default;
        };
        match value.to_ascii_lowercase().as_str() {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => {
                self.mistake(
                    name,
                    format!("expected true or false; found \"{value}\""),
                    "write true or false",
                );
                default
            }
        }
    }

    fn port(&self, names: Names, default: u16) -> u16 {
        let Some((name, value)) = self.value(names) else {
            return default;
        };
        let port = value.parse().ok().filter(|port| *port != 0);
        if port.is_none() {
            let message = format!("expected a port from 1 to 65535; found \"{value}\"");
            self.mistake(
                name,
                message,
                &format!("write {default} (the default), or another port"),
            );
        }
        port.unwrap_or(default)
    }

    fn file(&self, names: Names, holds: Holds) -> Option<PathBuf> {
        let (name, value) = self.value(names)?;
        let (file, wrong) = match path_of(value) {
            Ok(file) => {
                let wrong = unreadable(&file, holds);
                (Some(file), wrong)
            }
            Err(message) => (None, Some(message)),
        };
        if let Some(message) = wrong {
            self.mistake(name, message, files::FIX);
        }
        file
    }

    fn tls(&self, use_tls: bool) -> TlsConfig {
        let file = |names| self.file(names, Holds::NoSecret).map(PemSource::File);
        let tls = TlsConfig {
            ca: file(CA_FILE),
            cert: file(CERT_FILE),
            key: file(KEY_FILE),
            ..TlsConfig::default()
        };
        if self.value(CERT_FILE).is_some() != self.value(KEY_FILE).is_some() {
            let name = self
                .value(CERT_FILE)
                .or(self.value(KEY_FILE))
                .map_or(CERT_FILE[0], |(name, _)| name);
            let message = "a client certificate and its key come together".to_owned();
            self.mistake(
                name,
                message,
                &format!("set {} and {}, or neither", CERT_FILE[0], KEY_FILE[0]),
            );
        }
        if let Some((name, _)) = self.value(KEY_PASSWORD_FILE) {
            let message = "keys with a password cannot be read".to_owned();
            self.mistake(
                name,
                message,
                "write the key without one: openssl pkey -in client.key -out plain.key",
            );
        }
        let unused = [CA_FILE, CERT_FILE, KEY_FILE]
            .into_iter()
            .filter_map(|names| self.value(names));
        for (name, _) in unused.filter(|_| !use_tls) {
            self.warn(
                name,
                "TLS is turned off, so this has no effect",
                &format!("set {} to true", USE_TLS[0]),
            );
        }
        tls
    }

    fn credentials(&self) -> Option<CredentialsConfig> {
        let token = self.file(SAT_FILE, Holds::Secret);
        let password = self.file(PASSWORD_FILE, Holds::Secret);
        if let (Some((token, _)), Some((name, _))) = (self.value(SAT_FILE), self.value(PASSWORD_FILE)) {
            let message = "the token stands in place of a password".to_owned();
            self.mistake(name, message, &format!("keep {name} or {token}"));
        }
        match (token, self.value(USER_NAME)) {
            (Some(_), Some((name, _))) => {
                let message = "a user name and a service account token exclude each other".to_owned();
                self.mistake(
                    name,
                    message,
                    &format!("keep {} or {}", USER_NAME[0], SAT_FILE[0]),
                );
                None
            }
            (Some(file), None) => Some(CredentialsConfig::ServiceAccountToken {
                file,
                as_password: false,
            }),
            (None, Some((_, user_name))) => Some(CredentialsConfig::UserName {
                user_name: user_name.to_owned(),
                password: password.map(PasswordSource::File),
            }),
            (None, None) => {
                if let Some((name, _)) = self.value(PASSWORD_FILE)
                    && self.value(SAT_FILE).is_none()
                {
                    self.mistake(
                        name,
                        "a password needs a user name".into(),
                        &format!("set {}", USER_NAME[0]),
                    );
                }
                None
            }
        }
    }

    /// Names what makes no broker because nothing says where it is, and what was perhaps meant to say it.
    fn name_what_lacks_a_host(&self) {
        let set: Vec<&str> = KNOWN
            .into_iter()
            .filter_map(|[name, _]| self.value([name, name]))
            .map(|(name, _)| name)
            .collect();
        if !set.is_empty() {
            let message = format!("this is not set, so these make no broker: {}", set.join(", "));
            self.warn(
                HOST[0],
                &message,
                "set it to the name of the broker, such as aio-broker",
            );
        }
        self.name_the_rest();
    }

    /// Names what has no meaning and what is not known.
    fn name_the_rest(&self) {
        let known = KNOWN.map(|[name, _]| name);
        let prefixes = ["AIO_BROKER_", "AIO_MQTT_", "AIO_TLS_", "AIO_SAT_"];
        let names = self
            .source
            .environment
            .iter()
            .filter(|(name, value)| {
                prefixes.iter().any(|prefix| name.starts_with(prefix)) && !is_of_kubernetes(name, value)
            })
            .map(|(name, _)| name);
        for name in names.filter(|name| !known.contains(&name.as_str())) {
            if WITHOUT_MEANING.contains(&name.as_str()) {
                self.warn(
                    name,
                    "this has no meaning for a relay, which is no client itself",
                    "each page says it when it connects",
                );
                continue;
            }
            let fix = match nearest(name, known.iter().copied()) {
                Some(meant) => format!("did you mean {meant}?"),
                None => format!("what is used: {}", known.join(", ")),
            };
            self.warn(name, "this variable is not understood and has no effect", &fix);
        }
    }

    fn mistake(&self, name: &str, message: String, fix: &str) {
        self.source.report(problem(name, message, fix));
    }

    fn warn(&self, name: &str, message: &str, fix: &str) {
        self.source.warn(problem(name, message.to_owned(), fix));
    }
}

/// What Kubernetes sets for a service named `aio-broker`: `…_SERVICE_HOST`, `…_SERVICE_PORT`, `…_PORT=tcp://…`, `…_PORT_1883_TCP…`.
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    let is_port_and_protocol = || {
        name.split_once("_PORT_")
            .is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    name.contains("_SERVICE_") || (name.ends_with("_PORT") && value.contains("://")) || is_port_and_protocol()
}

fn problem(name: &str, message: String, fix: &str) -> Problem {
    Problem {
        origin: Origin::Environment(name.to_owned()),
        key: String::new(),
        message,
        fix: fix.to_owned(),
    }
}

#[cfg(test)]
mod tests;
