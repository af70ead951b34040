//! What can be wrong with a packet, each fault with the normative statement that decides.

use std::fmt;

use thiserror::Error;

use crate::{Role, packet::ReasonCode, version::ProtocolVersion};

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
        let violation = Violation {
            rule,
            field,
            version,
            section: None,
        };
        match rule.class() {
            Class::Malformed => Self::Malformed(Malformed(violation)),
            Class::Protocol => Self::Protocol(ProtocolError(violation)),
        }
    }

    /// The same fault, decided by a section of 5.0 that says more than the rule's own.
    pub(crate) fn in_section(mut self, section: &'static str) -> Self {
        let (Self::Malformed(Malformed(violation)) | Self::Protocol(ProtocolError(violation))) = &mut self;
        violation.section = Some(section);
        self
    }

    /// The same fault with the statement of `version`: a [`Framer`](crate::Framer) does not know the version.
    #[must_use]
    pub fn in_version(self, version: ProtocolVersion) -> Self {
        Self::new(version, self.rule(), self.field())
    }

    /// The same, where it is known who receives: a server announces its limit in CONNACK.
    pub(crate) fn received_by(self, version: ProtocolVersion, receiver: Role) -> Self {
        let error = self.in_version(version);
        if receiver == Role::Server && error.rule() == Rule::PacketTooLarge {
            return error.in_section("MQTT5-3.2.2-15");
        }
        error
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

    /// Malformed Packet or Protocol Error: which of the two this is.
    #[must_use]
    pub fn class(&self) -> Class {
        self.rule().class()
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
    /// The section of 5.0 that decides, where the rule serves many.
    section: Option<&'static str>,
}

impl Violation {
    fn statement(&self) -> &'static str {
        match self.version {
            ProtocolVersion::V5 => self.section.unwrap_or(self.rule.v5_statement()),
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

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "Malformed Packet",
            Self::Protocol => "Protocol Error",
        })
    }
}

/// What a row of a table of rules says, asked by rule.
macro_rules! rule_lookups {
    ($rule:ident; $($name:ident: $code:ident, $v5:literal, $v311:literal, $text:literal;)+) => {
        impl $rule {
            /// The reason code that answers a breach.
            #[must_use]
            pub const fn reason_code(self) -> $crate::ReasonCode {
                match self { $(Self::$name => $crate::ReasonCode::$code,)+ }
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
pub(crate) use rule_lookups;

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
        }

        rule_lookups! { Rule; $($name: $code, $v5, $v311, $text;)+ }
    };
}

rules! {
    // Bytes that cannot be parsed.
    Truncated: Malformed, MALFORMED_PACKET, "MQTT5-1.2", "MQTT311-2.2.3", "the packet ends before this field does";
    PropertyLengthMissing: Malformed, MALFORMED_PACKET, "MQTT5-2.2.2-1", "MQTT311-2.2.3", "no properties are said by a Property Length of 0";
    TrailingBytes: Malformed, MALFORMED_PACKET, "MQTT5-2.1.4", "MQTT311-2.2.3", "bytes follow the last field";
    VariableByteInteger: Malformed, MALFORMED_PACKET, "MQTT5-1.5.5", "MQTT311-2.2.3", "a Variable Byte Integer has at most four bytes";
    Overlong: Malformed, MALFORMED_PACKET, "MQTT5-1.5.5-1", "MQTT311-2.2.3", "a Variable Byte Integer is written in its shortest form";
    Utf8: Malformed, MALFORMED_PACKET, "MQTT5-1.5.4-1", "MQTT311-1.5.3-1", "not well-formed UTF-8";
    Nul: Malformed, MALFORMED_PACKET, "MQTT5-1.5.4-2", "MQTT311-1.5.3-2", "a string may not hold U+0000";
    // Fixed header.
    ReservedType: Malformed, MALFORMED_PACKET, "MQTT5-2.1.2", "MQTT311-2.2.1", "this packet type is reserved";
    Flags: Malformed, MALFORMED_PACKET, "MQTT5-2.1.3-1", "MQTT311-2.2.2-2", "reserved flags must have the value listed";
    FlagsPubrel: Malformed, MALFORMED_PACKET, "MQTT5-3.6.1-1", "MQTT311-3.6.1-1", "the flags of PUBREL are 0, 0, 1, 0";
    FlagsSubscribe: Malformed, MALFORMED_PACKET, "MQTT5-3.8.1-1", "MQTT311-3.8.1-1", "the flags of SUBSCRIBE are 0, 0, 1, 0";
    FlagsUnsubscribe: Malformed, MALFORMED_PACKET, "MQTT5-3.10.1-1", "MQTT311-3.10.1-1", "the flags of UNSUBSCRIBE are 0, 0, 1, 0";
    FlagsDisconnect: Malformed, MALFORMED_PACKET, "MQTT5-3.14.1-1", "MQTT311-3.14.1-1", "the flags of DISCONNECT are 0";
    FlagsAuth: Malformed, MALFORMED_PACKET, "MQTT5-3.15.1-1", "MQTT311-2.2.1", "the flags of AUTH are 0";
    QosBits: Malformed, MALFORMED_PACKET, "MQTT5-3.3.1-4", "MQTT311-3.3.1-4", "both QoS bits may not be set";
    DupWithQos0: Malformed, MALFORMED_PACKET, "MQTT5-3.3.1-2", "MQTT311-3.3.1-2", "DUP may not be set with QoS 0";
    Direction: Protocol, PROTOCOL_ERROR, "MQTT5-4.13.1", "MQTT311-4.8.0-1", "this packet is not sent to this receiver";
    PacketTooLarge: Protocol, PACKET_TOO_LARGE, "MQTT5-3.1.2-24", "MQTT311-4.8.0-1", "the packet is larger than the receiver allows";
    // Packet Identifier.
    PacketIdZero: Protocol, PROTOCOL_ERROR, "MQTT5-2.2.1-3", "MQTT311-2.3.1-1", "a Packet Identifier is not 0";
    PacketIdZeroFromServer: Protocol, PROTOCOL_ERROR, "MQTT5-2.2.1-4", "MQTT311-2.3.1-1", "a server's Packet Identifier is not 0";
    PacketIdZeroInAck: Protocol, PROTOCOL_ERROR, "MQTT5-2.2.1-5", "MQTT311-2.3.1-6", "the Packet Identifier of a PUBLISH is not 0";
    PacketIdZeroInSuback: Protocol, PROTOCOL_ERROR, "MQTT5-2.2.1-6", "MQTT311-2.3.1-7", "the Packet Identifier that is answered is not 0";
    // CONNECT.
    ProtocolName: Protocol, UNSUPPORTED_PROTOCOL_VERSION, "MQTT5-3.1.2-1", "MQTT311-3.1.2-1", "the Protocol Name is MQTT";
    ProtocolLevel: Protocol, UNSUPPORTED_PROTOCOL_VERSION, "MQTT5-3.1.2-2", "MQTT311-3.1.2-2", "this protocol version is not the one spoken here";
    ConnectReservedFlag: Malformed, MALFORMED_PACKET, "MQTT5-3.1.2-3", "MQTT311-3.1.2-3", "the reserved flag must be 0";
    WillQosWithoutWill: Malformed, MALFORMED_PACKET, "MQTT5-3.1.2-11", "MQTT311-3.1.2-13", "without Will Flag the Will QoS is 0";
    WillQos: Malformed, MALFORMED_PACKET, "MQTT5-3.1.2-12", "MQTT311-3.1.2-14", "the Will QoS is 0, 1 or 2";
    WillRetainWithoutWill: Malformed, MALFORMED_PACKET, "MQTT5-3.1.2-13", "MQTT311-3.1.2-15", "without Will Flag the Will Retain is 0";
    PasswordWithoutUserName: Malformed, MALFORMED_PACKET, "MQTT5-3.1.2-18", "MQTT311-3.1.2-22", "without User Name there is no Password in 3.1.1";
    ClientIdMissing: Malformed, MALFORMED_PACKET, "MQTT5-3.1.3-3", "MQTT311-3.1.3-3", "the Client Identifier must be there";
    WillMissing: Malformed, MALFORMED_PACKET, "MQTT5-3.1.2-9", "MQTT311-3.1.2-9", "with Will Flag the Will must be there";
    UserNameMissing: Malformed, MALFORMED_PACKET, "MQTT5-3.1.2-17", "MQTT311-3.1.2-19", "with User Name Flag the User Name must be there";
    PasswordMissing: Malformed, MALFORMED_PACKET, "MQTT5-3.1.2-19", "MQTT311-3.1.2-21", "with Password Flag the Password must be there";
    ClientIdEmpty: Protocol, CLIENT_IDENTIFIER_NOT_VALID, "MQTT5-3.1.3-6", "MQTT311-3.1.3-7", "an empty Client Identifier needs Clean Session";
    // CONNACK.
    ConnackFlags: Malformed, MALFORMED_PACKET, "MQTT5-3.2.2-1", "MQTT311-3.2.2.1", "bits 7 to 1 of the acknowledge flags are 0";
    SessionPresentWithError: Protocol, PROTOCOL_ERROR, "MQTT5-3.2.2-6", "MQTT311-3.2.2-4", "a refusal has no Session Present";
    // Topics.
    TopicEmpty: Malformed, MALFORMED_PACKET, "MQTT5-4.7.3-1", "MQTT311-4.7.3-1", "a topic has at least one character";
    TopicWildcard: Malformed, MALFORMED_PACKET, "MQTT5-3.3.2-2", "MQTT311-3.3.2-2", "a Topic Name has no wildcards";
    WillTopicWildcard: Malformed, MALFORMED_PACKET, "MQTT5-4.7.0-1", "MQTT311-4.7.1-1", "a Will Topic is a topic name without wildcards";
    TopicMissing: Protocol, PROTOCOL_ERROR, "MQTT5-3.3.2.1", "MQTT311-4.7.3-1", "a Topic Name or a Topic Alias must be there";
    ResponseTopic: Malformed, MALFORMED_PACKET, "MQTT5-3.3.2-14", "MQTT311-3.3.2-2", "a Response Topic is a topic name without wildcards";
    MultiLevelWildcard: Malformed, MALFORMED_PACKET, "MQTT5-4.7.1-1", "MQTT311-4.7.1-2", "`#` is a whole level and the last one";
    SingleLevelWildcard: Malformed, MALFORMED_PACKET, "MQTT5-4.7.1-2", "MQTT311-4.7.1-3", "`+` is a whole level";
    ShareName: Malformed, MALFORMED_PACKET, "MQTT5-4.8.2-1", "MQTT311-4.7", "a ShareName has at least one character";
    ShareNameWildcard: Malformed, MALFORMED_PACKET, "MQTT5-4.8.2-2", "MQTT311-4.7", "a ShareName has no wildcard";
    ShareFilter: Malformed, MALFORMED_PACKET, "MQTT5-4.8.2-2", "MQTT311-4.7", "a Topic Filter follows the ShareName";
    // Properties.
    UnknownProperty: Malformed, MALFORMED_PACKET, "MQTT5-2.2.2.2", "MQTT311-4.8.0-1", "no property has this identifier";
    ForeignProperty: Malformed, MALFORMED_PACKET, "MQTT5-2.2.2.2", "MQTT311-4.8.0-1", "this property may not stand in this packet";
    DuplicateProperty: Protocol, PROTOCOL_ERROR, "MQTT5-2.2.2.2", "MQTT311-4.8.0-1", "this property may stand once only";
    PropertyValue: Protocol, PROTOCOL_ERROR, "MQTT5-2.2.2.2", "MQTT311-4.8.0-1", "this property may not have this value";
    TopicAliasZero: Protocol, TOPIC_ALIAS_INVALID, "MQTT5-3.3.2-8", "MQTT311-4.8.0-1", "a Topic Alias is not 0";
    SubscriptionIdFromClient: Protocol, PROTOCOL_ERROR, "MQTT5-3.3.4-6", "MQTT311-4.8.0-1", "a client sends no Subscription Identifier in PUBLISH";
    SessionExpiryFromServer: Protocol, PROTOCOL_ERROR, "MQTT5-3.14.2-2", "MQTT311-4.8.0-1", "a server sends no Session Expiry Interval in DISCONNECT";
    AuthenticationMethodMissing: Protocol, PROTOCOL_ERROR, "MQTT5-3.15.2.2.2", "MQTT311-4.8.0-1", "the Authentication Method must be there";
    AuthenticationDataAlone: Protocol, PROTOCOL_ERROR, "MQTT5-3.1.2.11.10", "MQTT311-4.8.0-1", "Authentication Data needs an Authentication Method";
    // Reason codes.
    ConnackCode: Protocol, PROTOCOL_ERROR, "MQTT5-3.2.2-8", "MQTT311-3.2.2.3", "not a code for CONNACK";
    PubackCode: Protocol, PROTOCOL_ERROR, "MQTT5-3.4.2-1", "MQTT311-3.4.2", "not a reason code for PUBACK";
    PubrecCode: Protocol, PROTOCOL_ERROR, "MQTT5-3.5.2-1", "MQTT311-3.5.2", "not a reason code for PUBREC";
    PubrelCode: Protocol, PROTOCOL_ERROR, "MQTT5-3.6.2-1", "MQTT311-3.6.2", "not a reason code for PUBREL";
    PubcompCode: Protocol, PROTOCOL_ERROR, "MQTT5-3.7.2-1", "MQTT311-3.7.2", "not a reason code for PUBCOMP";
    SubackCode: Protocol, PROTOCOL_ERROR, "MQTT5-3.9.3-2", "MQTT311-3.9.3-2", "not a code for SUBACK";
    UnsubackCode: Protocol, PROTOCOL_ERROR, "MQTT5-3.11.3-2", "MQTT311-3.11", "not a reason code for UNSUBACK";
    DisconnectCode: Protocol, PROTOCOL_ERROR, "MQTT5-3.14.2-1", "MQTT311-3.14", "not a reason code for DISCONNECT from this sender";
    AuthCode: Protocol, PROTOCOL_ERROR, "MQTT5-3.15.2-1", "MQTT311-2.2.1", "not a reason code for AUTH from this sender";
    // SUBSCRIBE and UNSUBSCRIBE, and their answers.
    SubscribeEmpty: Protocol, PROTOCOL_ERROR, "MQTT5-3.8.3-2", "MQTT311-3.8.3-3", "SUBSCRIBE has at least one Topic Filter";
    SubscribeQos: Protocol, PROTOCOL_ERROR, "MQTT5-3.8.3.1", "MQTT311-3.8.3-4", "the Maximum QoS is 0, 1 or 2";
    SubscribeReservedBits: Malformed, MALFORMED_PACKET, "MQTT5-3.8.3-5", "MQTT311-3.8.3-4", "reserved bits must be 0, and in 3.1.1 the QoS 0, 1 or 2";
    RetainHandling: Protocol, PROTOCOL_ERROR, "MQTT5-3.8.3.1", "MQTT311-3.8.3-4", "Retain Handling is 0, 1 or 2";
    NoLocalShared: Protocol, PROTOCOL_ERROR, "MQTT5-3.8.3-4", "MQTT311-3.8.3-4", "a Shared Subscription has no No Local";
    SubackEmpty: Protocol, PROTOCOL_ERROR, "MQTT5-3.8.4-6", "MQTT311-3.8.4-5", "SUBACK has a code for each Topic Filter";
    UnsubscribeEmpty: Protocol, PROTOCOL_ERROR, "MQTT5-3.10.3-2", "MQTT311-3.10.3-2", "UNSUBSCRIBE has at least one Topic Filter";
    UnsubackEmpty: Protocol, PROTOCOL_ERROR, "MQTT5-3.11.3-2", "MQTT311-3.11", "UNSUBACK has a code for each Topic Filter";
    // What a packet to be written can lack.
    PacketIdAndQos: Protocol, PROTOCOL_ERROR, "MQTT5-2.2.1-2", "MQTT311-2.3.1-5", "a Packet Identifier is there exactly with QoS 1 and 2";
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
