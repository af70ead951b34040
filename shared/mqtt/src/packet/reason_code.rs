//! [`ReasonCode`]: how an operation went.

use std::fmt;

use super::PacketType;
use crate::{
    error::{EncodeError, Rule},
    version::Role,
};

/// The result of an operation: below 0x80 it went well, from 0x80 on it failed.
///
/// Values that this crate does not know survive and print as numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReasonCode(pub u8);

/// One row per code: name, value, what the specification calls it, packets it may stand in.
macro_rules! reason_codes {
    ($($name:ident = $value:literal, $text:literal, [$($packet:ident)*];)+) => {
        impl ReasonCode {
            $(#[doc = $text] pub const $name: Self = Self($value);)+

            /// All codes that the specification names.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What the specification calls this code; `None` for values it does not name.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 { $($value => Some($text),)+ _ => None }
            }

            /// One bit per [`PacketType`] that this code may stand in.
            const fn packets(self) -> u16 {
                match self.0 { $($value => 0 $(| 1 << PacketType::$packet as u8)*,)+ _ => 0 }
            }
        }
    };
}

reason_codes! {
    SUCCESS = 0x00, "Success", [Connack Puback Pubrec Pubrel Pubcomp Suback Unsuback Disconnect Auth];
    GRANTED_QOS_1 = 0x01, "Granted QoS 1", [Suback];
    GRANTED_QOS_2 = 0x02, "Granted QoS 2", [Suback];
    DISCONNECT_WITH_WILL = 0x04, "Disconnect with Will Message", [Disconnect];
    NO_MATCHING_SUBSCRIBERS = 0x10, "No matching subscribers", [Puback Pubrec];
    NO_SUBSCRIPTION_EXISTED = 0x11, "No subscription existed", [Unsuback];
    CONTINUE_AUTHENTICATION = 0x18, "Continue authentication", [Auth];
    REAUTHENTICATE = 0x19, "Re-authenticate", [Auth];
    UNSPECIFIED_ERROR = 0x80, "Unspecified error", [Connack Puback Pubrec Suback Unsuback Disconnect];
    MALFORMED_PACKET = 0x81, "Malformed Packet", [Connack Disconnect];
    PROTOCOL_ERROR = 0x82, "Protocol Error", [Connack Disconnect];
    IMPLEMENTATION_SPECIFIC_ERROR = 0x83, "Implementation specific error", [Connack Puback Pubrec Suback Unsuback Disconnect];
    UNSUPPORTED_PROTOCOL_VERSION = 0x84, "Unsupported Protocol Version", [Connack];
    CLIENT_IDENTIFIER_NOT_VALID = 0x85, "Client Identifier not valid", [Connack];
    BAD_USER_NAME_OR_PASSWORD = 0x86, "Bad User Name or Password", [Connack];
    NOT_AUTHORIZED = 0x87, "Not authorized", [Connack Puback Pubrec Suback Unsuback Disconnect];
    SERVER_UNAVAILABLE = 0x88, "Server unavailable", [Connack];
    SERVER_BUSY = 0x89, "Server busy", [Connack Disconnect];
    BANNED = 0x8A, "Banned", [Connack];
    SERVER_SHUTTING_DOWN = 0x8B, "Server shutting down", [Disconnect];
    BAD_AUTHENTICATION_METHOD = 0x8C, "Bad authentication method", [Connack Disconnect];
    KEEP_ALIVE_TIMEOUT = 0x8D, "Keep Alive timeout", [Disconnect];
    SESSION_TAKEN_OVER = 0x8E, "Session taken over", [Disconnect];
    TOPIC_FILTER_INVALID = 0x8F, "Topic Filter invalid", [Suback Unsuback Disconnect];
    TOPIC_NAME_INVALID = 0x90, "Topic Name invalid", [Connack Puback Pubrec Disconnect];
    PACKET_IDENTIFIER_IN_USE = 0x91, "Packet Identifier in use", [Puback Pubrec Suback Unsuback];
    PACKET_IDENTIFIER_NOT_FOUND = 0x92, "Packet Identifier not found", [Pubrel Pubcomp];
    RECEIVE_MAXIMUM_EXCEEDED = 0x93, "Receive Maximum exceeded", [Disconnect];
    TOPIC_ALIAS_INVALID = 0x94, "Topic Alias invalid", [Disconnect];
    PACKET_TOO_LARGE = 0x95, "Packet too large", [Connack Disconnect];
    MESSAGE_RATE_TOO_HIGH = 0x96, "Message rate too high", [Disconnect];
    QUOTA_EXCEEDED = 0x97, "Quota exceeded", [Connack Puback Pubrec Suback Disconnect];
    ADMINISTRATIVE_ACTION = 0x98, "Administrative action", [Disconnect];
    PAYLOAD_FORMAT_INVALID = 0x99, "Payload format invalid", [Connack Puback Pubrec Disconnect];
    RETAIN_NOT_SUPPORTED = 0x9A, "Retain not supported", [Connack Disconnect];
    QOS_NOT_SUPPORTED = 0x9B, "QoS not supported", [Connack Disconnect];
    USE_ANOTHER_SERVER = 0x9C, "Use another server", [Connack Disconnect];
    SERVER_MOVED = 0x9D, "Server moved", [Connack Disconnect];
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E, "Shared Subscriptions not supported", [Suback Disconnect];
    CONNECTION_RATE_EXCEEDED = 0x9F, "Connection rate exceeded", [Connack Disconnect];
    MAXIMUM_CONNECT_TIME = 0xA0, "Maximum connect time", [Disconnect];
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 0xA1, "Subscription Identifiers not supported", [Suback Disconnect];
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2, "Wildcard Subscriptions not supported", [Suback Disconnect];
}

impl ReasonCode {
    /// Whether the operation failed.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 >= 0x80
    }

    /// What the specification calls this code, or "Unknown reason code".
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self.name() {
            Some(name) => name,
            None => "Unknown reason code",
        }
    }

    /// Whether this code may stand in packets of this type.
    #[must_use]
    pub const fn is_allowed_in(self, packet: PacketType) -> bool {
        self.packets() & (1 << packet as u8) != 0
    }

    /// Whether `receiver` may find this code in packets of this type: some are for one direction only.
    #[must_use]
    pub const fn may_reach(self, packet: PacketType, receiver: Role) -> bool {
        self.is_allowed_in(packet)
            && match (packet, receiver) {
                (PacketType::Puback | PacketType::Pubrec, Role::Server) => {
                    self.0 != Self::NO_MATCHING_SUBSCRIBERS.0
                }
                (PacketType::Auth, Role::Server) => self.0 != Self::SUCCESS.0,
                (PacketType::Auth, Role::Client) => self.0 != Self::REAUTHENTICATE.0,
                (PacketType::Disconnect, Role::Client) => self.0 != Self::DISCONNECT_WITH_WILL.0,
                // "QoS not supported" is the server's in the table of 3.14.2.1, yet 3.3.4 tells clients to send it.
                (PacketType::Disconnect, Role::Server) => {
                    matches!(self.0, 0x00 | 0x04 | 0x80..=0x83 | 0x90 | 0x93..=0x99 | 0x9B)
                }
                _ => true,
            }
    }

    /// Fails unless this code may stand in packets of this type.
    pub(super) fn check(self, packet: PacketType, rule: Rule) -> Result<(), EncodeError> {
        if self.is_allowed_in(packet) {
            Ok(())
        } else {
            Err(EncodeError::Breaks {
                rule,
                field: "Reason Code",
            })
        }
    }

    /// The reason code for a CONNACK return code of 3.1.1; `None` for the reserved values.
    #[must_use]
    pub const fn from_connect_return_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::SUCCESS,
            1 => Self::UNSUPPORTED_PROTOCOL_VERSION,
            2 => Self::CLIENT_IDENTIFIER_NOT_VALID,
            3 => Self::SERVER_UNAVAILABLE,
            4 => Self::BAD_USER_NAME_OR_PASSWORD,
            5 => Self::NOT_AUTHORIZED,
            _ => return None,
        })
    }

    /// The CONNACK return code of 3.1.1 that means the same; `None` where it has no word for it.
    #[must_use]
    pub const fn connect_return_code(self) -> Option<u8> {
        Some(match self {
            Self::SUCCESS => 0,
            Self::UNSUPPORTED_PROTOCOL_VERSION => 1,
            Self::CLIENT_IDENTIFIER_NOT_VALID => 2,
            Self::SERVER_UNAVAILABLE => 3,
            Self::BAD_USER_NAME_OR_PASSWORD => 4,
            Self::NOT_AUTHORIZED => 5,
            _ => return None,
        })
    }
}

impl fmt::Debug for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "ReasonCode({:#04x} {name})", self.0),
            None => write!(f, "ReasonCode({:#04x})", self.0),
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:#04x})", self.description(), self.0)
    }
}
