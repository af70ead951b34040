//! What the connection form holds, and what it means. Pure.

use super::address::{self, Address, Pasted};
use crate::wire::{ConnectionOptions, DEFAULT_SESSION_EXPIRY_S, Version, WillOptions};

/// The fields of the form as typed. Kept without the password unless the user asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConnectionForm {
    /// What the user calls it; empty: the host.
    pub(crate) name: String,
    pub(crate) secure: bool,
    pub(crate) host: String,
    pub(crate) port: String,
    pub(crate) path: String,
    pub(crate) version: Version,
    pub(crate) client_id: String,
    pub(crate) username: String,
    pub(crate) password: Secret,
    pub(crate) remember: bool,
    pub(crate) keep_alive: String,
    pub(crate) session_expiry: String,
    pub(crate) receive_maximum: String,
    pub(crate) clean_start: bool,
    pub(crate) will: bool,
    pub(crate) will_topic: String,
    pub(crate) will_payload: String,
    pub(crate) will_qos: u8,
    pub(crate) will_retain: bool,
    pub(crate) will_delay: String,
    pub(crate) subscriptions: Vec<(String, u8)>,
}

/// A password: it never prints.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Secret(pub(crate) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A field and how to put it right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    /// Name of the field: `url`, `port`, `keep_alive`, …
    pub(crate) field: &'static str,
    pub(crate) fix: String,
}

impl Default for ConnectionForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            secure: false,
            host: String::new(),
            port: String::new(),
            path: "/mqtt".to_owned(),
            version: Version::Auto,
            client_id: String::new(),
            username: String::new(),
            password: Secret::default(),
            remember: false,
            keep_alive: "30".to_owned(),
            session_expiry: DEFAULT_SESSION_EXPIRY_S.to_string(),
            receive_maximum: "65535".to_owned(),
            clean_start: true,
            will: false,
            will_topic: String::new(),
            will_payload: String::new(),
            will_qos: 0,
            will_retain: false,
            will_delay: "0".to_owned(),
            subscriptions: Vec::new(),
        }
    }
}

impl ConnectionForm {
    /// The form that would have led to these options.
    pub(crate) fn from_options(options: &ConnectionOptions) -> Self {
        let mut form = Self {
            name: options.name.clone(),
            version: options.version,
            client_id: options.client_id.clone(),
            username: options.username.clone().unwrap_or_default(),
            password: Secret(options.password.clone().unwrap_or_default()),
            keep_alive: options.keep_alive.to_string(),
            session_expiry: options.session_expiry_interval.to_string(),
            receive_maximum: options.receive_maximum.to_string(),
            clean_start: options.clean_start,
            subscriptions: options.subscriptions.clone(),
            ..Self::default()
        };
        form.host.clone_from(&options.url);
        form.spread_address();
        form
    }

    /// Spreads a whole address in the host field over scheme, port and path.
    pub(crate) fn spread_address(&mut self) {
        let Ok(Pasted {
            secure,
            host,
            port,
            path,
            username,
            password,
        }) = address::parse(&self.host)
        else {
            return;
        };
        if let Some(secure) = secure {
            self.secure = secure;
            // A whole address replaces the parts it does not name.
            self.port = port.unwrap_or_default();
            self.path = path.unwrap_or_else(|| "/".to_owned());
        } else {
            if let Some(port) = port {
                self.port = port;
            }
            if let Some(path) = path {
                self.path = path;
            }
        }
        self.host = host;
        if let Some(username) = username {
            self.username = username;
        }
        if let Some(password) = password {
            self.password = Secret(password);
        }
    }

    /// Where it leads now, also while a whole address is still being typed.
    pub(crate) fn address(&self) -> Address {
        let mut whole = self.clone();
        whole.spread_address();
        Address {
            secure: whole.secure,
            host: whole.host,
            port: whole.port.trim().to_owned(),
            path: whole.path,
        }
    }

    /// Everything that is wrong, in the order of the fields.
    pub(crate) fn errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut say = |field, fix: String| errors.push(FieldError { field, fix });
        let parsed = if self.host.is_empty() {
            Ok(())
        } else {
            address::parse(&self.host).map(drop)
        };
        if let Err(error) = parsed.and_then(|()| self.address().check()) {
            let field = if matches!(error, address::AddressError::Port(_)) {
                "port"
            } else {
                "url"
            };
            say(field, error.fix());
        }
        if number::<u16>(&self.keep_alive).is_none() {
            say(
                "keep_alive",
                "Keep alive: enter seconds from 0 to 65535. 0 turns it off.".to_owned(),
            );
        }
        if number::<u32>(&self.session_expiry).is_none() {
            say(
                "session_expiry",
                "Session expiry: enter seconds from 0 to 4294967295.".to_owned(),
            );
        }
        if number::<u16>(&self.receive_maximum).is_none_or(|maximum| maximum == 0) {
            say(
                "receive_maximum",
                "Receive maximum: enter a number from 1 to 65535.".to_owned(),
            );
        }
        if self.will && self.will_topic.is_empty() {
            say(
                "will_topic",
                "Last will: enter a topic, or turn the last will off.".to_owned(),
            );
        }
        if self.will && self.will_topic.contains(['+', '#', '\0']) {
            say(
                "will_topic",
                "Last will: a topic has no + and no #. These belong into subscriptions.".to_owned(),
            );
        }
        if self.will && number::<u32>(&self.will_delay).is_none() {
            say(
                "will_delay",
                "Last will: enter the delay in seconds, or 0.".to_owned(),
            );
        }
        errors
    }

    /// The options it means; call only without [`Self::errors`].
    pub(crate) fn options(&self) -> ConnectionOptions {
        let mut whole = self.clone();
        whole.spread_address();
        let address = whole.address();
        let name = if whole.name.is_empty() {
            whole.host.clone()
        } else {
            whole.name.clone()
        };
        let will = whole.will.then(|| WillOptions {
            topic: whole.will_topic.clone(),
            payload: whole.will_payload.clone().into_bytes(),
            qos: whole.will_qos,
            retain: whole.will_retain,
            delay_interval: number(&whole.will_delay).unwrap_or(0),
        });
        let defaults = ConnectionOptions::default();
        ConnectionOptions {
            url: address.url(),
            name,
            version: whole.version,
            client_id: whole.client_id.trim().to_owned(),
            // A password without a user name is allowed in 5.0 [MQTT5-3.1.2.9].
            username: (!whole.username.is_empty()).then_some(whole.username),
            password: (!whole.password.0.is_empty()).then_some(whole.password.0),
            keep_alive: number(&whole.keep_alive).unwrap_or(defaults.keep_alive),
            clean_start: whole.clean_start,
            session_expiry_interval: number(&whole.session_expiry).unwrap_or(0),
            receive_maximum: number(&whole.receive_maximum).unwrap_or(defaults.receive_maximum),
            will,
            largest_packet: defaults.largest_packet,
            subscriptions: whole.subscriptions,
        }
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{super::kept, *};

    fn form(host: &str) -> ConnectionForm {
        ConnectionForm {
            host: host.into(),
            ..ConnectionForm::default()
        }
    }

    #[test]
    fn a_pasted_address_fills_scheme_port_and_path() {
        let mut pasted = form("wss://broker.home.lan:8884/ws");
        pasted.spread_address();
        assert_eq!(
            (
                pasted.secure,
                pasted.host.as_str(),
                pasted.port.as_str(),
                pasted.path.as_str()
            ),
            (true, "broker.home.lan", "8884", "/ws")
        );
        let mut again = pasted.clone();
        again.spread_address();
        assert_eq!(again, pasted, "spreading twice changes nothing");
    }

    #[test]
    fn a_bare_host_keeps_the_other_fields() {
        let mut bare = ConnectionForm {
            port: "9001".into(),
            path: "/x".into(),
            ..form("broker")
        };
        bare.spread_address();
        assert_eq!(bare.address().url(), "ws://broker:9001/x");
    }

    #[test]
    fn an_address_without_a_path_is_not_given_one_behind_the_users_back() {
        assert_eq!(form("ws://broker:9001").address().url(), "ws://broker:9001/");
    }

    #[test]
    fn every_wrong_field_is_named_with_its_fix() {
        let wrong = ConnectionForm {
            port: "x".into(),
            keep_alive: "70000".into(),
            session_expiry: "-1".into(),
            receive_maximum: "0".into(),
            will: true,
            will_topic: "a/#".into(),
            will_delay: String::new(),
            ..form("broker")
        };
        let fields: Vec<_> = wrong.errors().iter().map(|error| error.field).collect();
        assert_eq!(
            fields,
            [
                "port",
                "keep_alive",
                "session_expiry",
                "receive_maximum",
                "will_topic",
                "will_delay"
            ]
        );
        assert_eq!(form("").errors().first().map(|error| error.field), Some("url"));
        assert_eq!(form("mqtt://b").errors().len(), 1);
        assert!(form("broker").errors().is_empty());
    }

    #[test]
    fn options_and_form_say_the_same() {
        let mut filled = ConnectionForm {
            username: "hearth".into(),
            keep_alive: "10".into(),
            ..form("ws://b:9001/mqtt")
        };
        filled.spread_address();
        let options = filled.options();
        assert_eq!(
            (options.url.as_str(), options.name.as_str(), options.keep_alive),
            ("ws://b:9001/mqtt", "b", 10)
        );
        assert_eq!(options.username.as_deref(), Some("hearth"));
        assert_eq!(options.password, None);
        let again = ConnectionForm::from_options(&options).options();
        assert_eq!(again, options);
    }

    #[test]
    fn a_kept_form_has_no_password() {
        let secret = ConnectionForm {
            password: Secret("hunter2".into()),
            ..form("b")
        };
        let kept = kept::fields(&secret).concat();
        assert!(!kept.contains("hunter2") && !format!("{secret:?}").contains("hunter2"));
    }
}
