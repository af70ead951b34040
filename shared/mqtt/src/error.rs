//! What can be wrong with a packet, each fault with the normative statement that decides.

use std::fmt;

use thiserror::Error;

use crate::{packet::ReasonCode, version::ProtocolVersion};

/// The two ways in which a received packet can be wrong, kept apart as the specification does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The packet cannot be parsed according to the specification.
    #[error("{0}")]
    Malformed(Malformed),
    /// The packet was parsed, but holds what the protocol does not allow here.
    #[error("{0}")]
    Protocol(ProtocolError),
}

impl DecodeError {
    /// The error for `rule` broken in `field`, in the class that the rule belongs to.
    #[must_use]
    #[cold]
    pub fn new(version: ProtocolVersion, rule: Rule, field: &'static str) -> Self {
        let violation = Violation { rule, field, version };
        match rule.class() {
            Class::Malformed => Self::Malformed(Malformed(violation)),
            Class::Protocol => Self::Protocol(ProtocolError(violation)),
        }
    }

    fn violation(&self) -> &Violation {
        match self {
            Self::Malformed(Malformed(violation)) | Self::Protocol(ProtocolError(violation)) => violation,
        }
    }

    /// The rule that is broken.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.violation().rule
    }

    /// The field it is broken in, in the words of the specification.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.violation().field
    }

    /// The id of the statement that decides, such as `MQTT5-1.5.5-1`; a section where no statement has an id.
    #[must_use]
    pub fn statement(&self) -> &'static str {
        self.violation().statement()
    }

    /// The reason code to answer with in DISCONNECT or CONNACK of 5.0.
    #[must_use]
    pub fn reason_code(&self) -> ReasonCode {
        self.violation().rule.reason_code()
    }
}

/// A Malformed Packet: it cannot be parsed according to the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("malformed packet: {0}")]
pub struct Malformed(Violation);

/// A Protocol Error: data that the protocol does not allow, or not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("protocol error: {0}")]
pub struct ProtocolError(Violation);

macro_rules! violation_accessors {
    ($($name:ident),+) => {$(
        impl $name {
            /// The rule that is broken.
            #[must_use]
            pub fn rule(&self) -> Rule {
                self.0.rule
            }

            /// The field it is broken in, in the words of the specification.
            #[must_use]
            pub fn field(&self) -> &'static str {
                self.0.field
            }

            /// The id of the statement that decides.
            #[must_use]
            pub fn statement(&self) -> &'static str {
                self.0.statement()
            }

            /// The reason code to answer with.
            #[must_use]
            pub fn reason_code(&self) -> ReasonCode {
                self.0.rule.reason_code()
            }
        }
    )+};
}
violation_accessors!(Malformed, ProtocolError);

/// One broken rule: which, where, and in which version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Violation {
    rule: Rule,
    field: &'static str,
    version: ProtocolVersion,
}

impl Violation {
    fn statement(&self) -> &'static str {
        match self.version {
            ProtocolVersion::V5 => self.rule.v5_statement(),
            ProtocolVersion::V311 => self.rule.v311_statement(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]", self.field, self.rule.text(), self.statement())
    }
}

/// Which of the two faults a rule's breach is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Malformed Packet.
    Malformed,
    /// Protocol Error.
    Protocol,
}

/// One row per rule: class, reason code, statement of 5.0, statement of 3.1.1, our one-line summary.
macro_rules! rules {
    ($($name:ident: $class:ident, $code:ident, $v5:literal, $v311:literal, $text:literal;)+) => {
        /// A rule that packets must keep, named by what its breach looks like.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = $text] $name,)+
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Malformed Packet or Protocol Error.
            #[must_use]
            pub const fn class(self) -> Class {
                match self { $(Self::$name => Class::$class,)+ }
            }

            /// The reason code that answers a breach.
            #[must_use]
            pub const fn reason_code(self) -> ReasonCode {
                match self { $(Self::$name => ReasonCode::$code,)+ }
            }

            /// The statement of MQTT 5.0 that decides; a section where no statement has an id.
            #[must_use]
            pub const fn v5_statement(self) -> &'static str {
                match self { $(Self::$name => $v5,)+ }
            }

            /// The statement of MQTT 3.1.1 that decides; a section where no statement has an id.
            #[must_use]
            pub const fn v311_statement(self) -> &'static str {
                match self { $(Self::$name => $v311,)+ }
            }

            /// One line about what is wrong.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

rules! {
    Truncated: Malformed, MALFORMED_PACKET, "MQTT5-1.2", "MQTT311-2.2.3", "ends before the field does";
    Nul: Malformed, MALFORMED_PACKET, "MQTT5-1.5.4-2", "MQTT311-1.5.3-2", "holds the character U+0000";
    PropertyValue: Protocol, PROTOCOL_ERROR, "MQTT5-2.2.2.2", "MQTT311-4.8.0-1", "has a value that the property may not have";
    DuplicateProperty: Protocol, PROTOCOL_ERROR, "MQTT5-2.2.2.2", "MQTT311-4.8.0-1", "is there more than once";
    TopicAliasZero: Protocol, TOPIC_ALIAS_INVALID, "MQTT5-3.3.2-8", "MQTT311-4.8.0-1", "a Topic Alias is not 0";
    ResponseTopic: Malformed, MALFORMED_PACKET, "MQTT5-3.3.2-14", "MQTT311-4.8.0-1", "a Response Topic is a topic name without wildcards";
    PacketTooLarge: Protocol, PACKET_TOO_LARGE, "MQTT5-3.1.2-24", "MQTT311-4.8.0-1", "the packet is larger than the receiver allows";
}

/// Why a packet cannot be written: the caller asks for what the protocol or its version cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The version has no word for it.
    #[error("MQTT {version} cannot say: {what}")]
    NotInVersion {
        /// The version asked for.
        version: ProtocolVersion,
        /// What it cannot say.
        what: &'static str,
    },
    /// Strings and binary data hold at most 65,535 bytes.
    #[error("{field} has {bytes} bytes, at most 65,535 are possible")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// The Remaining Length is at most 268,435,455.
    #[error("the packet's remaining length of {bytes} bytes is more than 268,435,455")]
    PacketTooLarge {
        /// What the remaining length would be.
        bytes: usize,
    },
    /// The packet would break this rule.
    #[error("{field}: {}", .rule.text())]
    Breaks {
        /// The rule.
        rule: Rule,
        /// The field it would be broken in.
        field: &'static str,
    },
}
