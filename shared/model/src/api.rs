//! What the bridge and the page say to each other over HTTP, and how the bridge ends a WebSocket.

use serde::{Deserialize, Serialize};

use crate::json::{Json, JsonLimits};

/// The answer to `GET api/config`: what a page needs to start. Paths are relative to the page, so that a bridge under a sub-path works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeConfig {
    /// The bridge's version, such as `0.1.0`.
    pub version: String,
    /// The brokers that the page may reach through the bridge; may be empty.
    pub brokers: Vec<BridgeBroker>,
    /// Do the messages come from the simulated home?
    pub simulated: bool,
    /// Who decides about access.
    pub auth: AuthMode,
    /// Who is logged in with this browser, in the modes that have users.
    pub user: Option<BridgeUser>,
    /// Bytes of the largest WebSocket message that the bridge passes on to a broker.
    pub maximum_packet_size: u32,
}

impl BridgeConfig {
    /// Reads the answer as the page does: by hand, because what serde derives for it is 5 KB of the page.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let json = Json::parse(text.as_bytes(), JsonLimits::SETTINGS).ok()?;
        let brokers = json.get("brokers")?.list().iter().map(|broker| {
            Some(BridgeBroker {
                id: text_of(broker, "id")?,
                name: text_of(broker, "name")?,
                default: broker.get("default")?.bool()?,
                path: text_of(broker, "path")?,
                injects_credentials: broker.get("injects_credentials")?.bool()?,
            })
        });
        let user = json.get("user").filter(|user| **user != Json::Null);
        Some(Self {
            version: text_of(&json, "version")?,
            brokers: brokers.collect::<Option<_>>()?,
            simulated: json.get("simulated")?.bool()?,
            auth: AuthMode::parse(json.get("auth")?.text()?)?,
            user: match user {
                Some(user) => Some(BridgeUser {
                    name: text_of(user, "name")?,
                    role: Role::parse(user.get("role")?.text()?)?,
                    may_publish: user.get("may_publish")?.bool()?,
                    may_manage: user.get("may_manage")?.bool()?,
                    form_token: text_of(user, "form_token")?,
                }),
                None => None,
            },
            maximum_packet_size: json.get("maximum_packet_size")?.number()? as u32,
        })
    }
}

fn text_of(json: &Json, name: &str) -> Option<String> {
    json.get(name)?.text().map(str::to_owned)
}

/// The user at the browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeUser {
    /// The account's name.
    pub name: String,
    /// What the account is for.
    pub role: Role,
    /// May it publish anything at all?
    pub may_publish: bool,
    /// May it ask for what belongs to the home and not what goes on in it: letting devices join, renaming them?
    pub may_manage: bool,
    /// Proves to `logout` that the request comes from the page; empty where nobody can log out.
    pub form_token: String,
}

/// A broker behind the bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeBroker {
    /// The id in addresses and start-up parameters.
    pub id: String,
    /// The name that people see.
    pub name: String,
    /// Is it the one behind `mqtt`?
    pub default: bool,
    /// The WebSocket's path, relative to the page: `mqtt/<id>`.
    pub path: String,
    /// Does the bridge put in the credentials, so that the page need not ask for any?
    pub injects_credentials: bool,
}

/// Who decides about access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthMode {
    /// The broker, by what the page sends in CONNECT.
    PassThrough,
    /// The bridge, by accounts of its own: people log in at `login`.
    Users,
    /// A reverse proxy in front of the bridge, which names the user.
    Proxy,
}

/// What an account of the bridge is for; what each role may do is set at the bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks, and does not act.
    Viewer,
    /// Looks and acts.
    Operator,
    /// May do everything.
    Admin,
}

impl Role {
    /// The role that is written so.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Viewer, Self::Operator, Self::Admin]
            .into_iter()
            .find(|role| role.word() == word)
    }

    /// As it is written everywhere.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl AuthMode {
    /// The mode that is written so.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::PassThrough, Self::Users, Self::Proxy]
            .into_iter()
            .find(|mode| mode.word() == word)
    }

    /// As it is written everywhere.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::PassThrough => "pass-through",
            Self::Users => "users",
            Self::Proxy => "proxy",
        }
    }
}

/// Derived, these would be a kilobyte of the page each.
macro_rules! as_word {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                Self::parse(&word).ok_or_else(|| serde::de::Error::custom("unknown word"))
            }
        }
    };
}

as_word!(AuthMode);
as_word!(Role);

/// The answer to a refused HTTP request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiErrorBody {
    /// Stable, for programs: `unknown_broker`, `origin_refused`, …
    pub code: String,
    /// For people; safe to show.
    pub message: String,
}

/// The codes with which the bridge closes a WebSocket; the close reason says more, in words that are safe to show.
///
/// Failures have codes of their own (4000 to 4999), because browsers refuse to pass on registered ones such as 1014 and
/// hide a refused upgrade behind 1006. They follow the HTTP status that would say the same.
pub mod close {
    /// The broker ended the network connection in good order.
    pub const BROKER_CLOSED: u16 = 1000;
    /// The bridge is shutting down: try again in a moment.
    pub const SHUTTING_DOWN: u16 = 1001;
    /// The browser broke the WebSocket protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// A text frame: MQTT travels in binary frames only [MQTT-6.0.0-1].
    pub const TEXT_FRAME: u16 = 1003;
    /// A WebSocket message above `maximum_packet_size`.
    pub const MESSAGE_TOO_BIG: u16 = 1009;
    /// The network connection to the broker broke.
    pub const BROKER_LOST: u16 = 1011;
    /// The first packet was not an MQTT CONNECT.
    pub const NOT_MQTT: u16 = 4400;
    /// Nobody is logged in with this browser, or no longer: log in again.
    pub const NOT_LOGGED_IN: u16 = 4401;
    /// The user may not do what CONNECT asked for, such as leave a will on that topic.
    pub const NOT_AUTHORIZED: u16 = 4403;
    /// No whole CONNECT arrived in time.
    pub const HANDSHAKE_TIMEOUT: u16 = 4408;
    /// The client id is in use by another user of the bridge.
    pub const CLIENT_ID_IN_USE: u16 = 4409;
    /// Nothing came from either side for the time that is set: `relay.idle_timeout_ms`.
    pub const IDLE_TIMEOUT: u16 = 4410;
    /// The browser took nothing, or began a packet and did not go on, for the time that is set: `relay.stalled_timeout_ms`.
    pub const STALLED: u16 = 4411;
    /// A packet that breaks MQTT: malformed, or not allowed at this point.
    pub const BAD_PACKET: u16 = 4422;
    /// The bridge signs in to this broker in a way that only MQTT 5.0 has.
    pub const MQTT_5_NEEDED: u16 = 4426;
    /// The bridge has as many WebSockets as it may.
    pub const TOO_MANY_CONNECTIONS: u16 = 4429;
    /// This address has as many WebSockets as it may.
    pub const TOO_MANY_FROM_ADDRESS: u16 = 4430;
    /// This user has as many WebSockets as it may.
    pub const TOO_MANY_FROM_USER: u16 = 4431;
    /// The bridge holds as many bytes of unfinished packets as it may: `relay.max_held_bytes`.
    pub const NO_ROOM: u16 = 4432;
    /// The bridge's own credentials for the broker cannot be read.
    pub const CREDENTIALS_UNAVAILABLE: u16 = 4500;
    /// The broker could not be reached: refused, no route, unknown name, or name servers that do not answer.
    pub const BROKER_UNREACHABLE: u16 = 4502;
    /// TLS to the broker failed: certificate, name or version.
    pub const BROKER_TLS_FAILED: u16 = 4503;
    /// The broker did not answer the dial in time: `relay.dial_timeout_ms`.
    pub const BROKER_TIMEOUT: u16 = 4504;
    /// The broker took nothing, or stopped within a packet, for the time that is set: `relay.stalled_timeout_ms`.
    pub const BROKER_STALLED: u16 = 4505;
    /// The broker took the connection and CONNECT, and said nothing for the time that is set: `relay.connack_timeout_ms`.
    pub const BROKER_SILENT: u16 = 4506;

    /// All of them.
    pub const ALL: [u16; 25] = [
        BROKER_CLOSED,
        SHUTTING_DOWN,
        PROTOCOL_ERROR,
        TEXT_FRAME,
        MESSAGE_TOO_BIG,
        BROKER_LOST,
        NOT_MQTT,
        NOT_LOGGED_IN,
        NOT_AUTHORIZED,
        HANDSHAKE_TIMEOUT,
        CLIENT_ID_IN_USE,
        IDLE_TIMEOUT,
        STALLED,
        BAD_PACKET,
        MQTT_5_NEEDED,
        TOO_MANY_CONNECTIONS,
        TOO_MANY_FROM_ADDRESS,
        TOO_MANY_FROM_USER,
        NO_ROOM,
        CREDENTIALS_UNAVAILABLE,
        BROKER_UNREACHABLE,
        BROKER_TLS_FAILED,
        BROKER_TIMEOUT,
        BROKER_STALLED,
        BROKER_SILENT,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_has_the_documented_shape() {
        let config = BridgeConfig {
            version: "0.1.0".into(),
            brokers: vec![BridgeBroker {
                id: "home".into(),
                name: "Home".into(),
                default: true,
                path: "mqtt/home".into(),
                injects_credentials: false,
            }],
            simulated: false,
            auth: AuthMode::Users,
            user: Some(BridgeUser {
                name: "ada".into(),
                role: Role::Viewer,
                may_publish: false,
                may_manage: false,
                form_token: "t".into(),
            }),
            maximum_packet_size: 2_097_152,
        };
        let json = serde_json::to_value(&config).unwrap();
        let expected = serde_json::json!({
            "version": "0.1.0",
            "brokers": [{"id": "home", "name": "Home", "default": true, "path": "mqtt/home", "injects_credentials": false}],
            "simulated": false,
            "auth": "users",
            "user": {"name": "ada", "role": "viewer", "may_publish": false, "may_manage": false, "form_token": "t"},
            "maximum_packet_size": 2_097_152,
        });
        assert_eq!(json, expected);
        assert_eq!(BridgeConfig::read(&json.to_string()), Some(config.clone()));
        let nobody = BridgeConfig {
            user: None,
            ..config.clone()
        };
        assert_eq!(
            BridgeConfig::read(&serde_json::to_string(&nobody).unwrap()),
            Some(nobody)
        );
        assert_eq!(BridgeConfig::read("<!doctype html>"), None);
        assert_eq!(serde_json::from_value::<BridgeConfig>(json).unwrap(), config);
    }
}
