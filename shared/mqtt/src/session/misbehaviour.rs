//! What a server can do wrong.

use std::fmt;

use crate::{DecodeError, ProtocolVersion, ReasonCode, error::rule_lookups};

/// How the server broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// A packet that cannot be right by itself.
    Packet(DecodeError),
    /// A right packet at the wrong time.
    Session(SessionRule, ProtocolVersion),
}

impl Misbehaviour {
    /// The id of the statement that decides, such as `MQTT5-3.2.2-4`.
    #[must_use]
    pub fn statement(&self) -> &'static str {
        match self {
            Self::Packet(error) => error.statement(),
            Self::Session(rule, ProtocolVersion::V5) => rule.v5_statement(),
            Self::Session(rule, ProtocolVersion::V311) => rule.v311_statement(),
        }
    }

    /// The reason code of our DISCONNECT.
    #[must_use]
    pub fn reason_code(&self) -> ReasonCode {
        match self {
            Self::Packet(error) => error.reason_code(),
            Self::Session(rule, _) => rule.reason_code(),
        }
    }
}

impl From<DecodeError> for Misbehaviour {
    fn from(error: DecodeError) -> Self {
        Self::Packet(error)
    }
}

impl fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet(error) => error.fmt(f),
            Self::Session(rule, _) => write!(f, "{} [{}]", rule.text(), self.statement()),
        }
    }
}

/// One row per rule: reason code, statement of 5.0, statement of 3.1.1, our one-line summary.
macro_rules! session_rules {
    ($($name:ident: $code:ident, $v5:literal, $v311:literal, $text:literal;)+) => {
        /// A rule between packets that the server must keep, named by what its breach looks like.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum SessionRule {
            $(#[doc = $text] $name,)+
        }

        rule_lookups! { SessionRule; $($name: $code, $v5, $v311, $text;)+ }
    };
}

session_rules! {
    PacketBeforeConnack: PROTOCOL_ERROR, "MQTT5-3.2.0-1", "MQTT311-3.2.0-1", "the first packet is not CONNACK";
    DisconnectBeforeConnack: PROTOCOL_ERROR, "MQTT5-3.14.0-1", "MQTT311-3.2.0-1", "DISCONNECT in place of CONNACK";
    SecondConnack: PROTOCOL_ERROR, "MQTT5-3.2.0-2", "MQTT311-3.2.0-1", "a second CONNACK on one network connection";
    SessionPresentWithoutState: PROTOCOL_ERROR, "MQTT5-3.2.2-4", "MQTT311-3.2.2-1", "Session Present is 1 but there was no session";
    SessionPresentAfterCleanStart: PROTOCOL_ERROR, "MQTT5-3.2.2-2", "MQTT311-3.2.2-1", "Session Present is 1 after a clean start";
    ReceiveMaximumExceeded: RECEIVE_MAXIMUM_EXCEEDED, "MQTT5-3.3.4-9", "MQTT311-4.4.0-1", "more unacknowledged messages than our Receive Maximum";
    TopicAliasInvalid: TOPIC_ALIAS_INVALID, "MQTT5-3.1.2-26", "MQTT311-3.3.2-1", "a topic alias above our Topic Alias Maximum";
    TopicAliasUnasked: TOPIC_ALIAS_INVALID, "MQTT5-3.1.2-27", "MQTT311-3.3.2-1", "a topic alias, and we allow none";
    TopicAliasUnknown: PROTOCOL_ERROR, "MQTT5-3.3.4", "MQTT311-3.3.2-1", "a topic alias that was not set on this network connection";
    TopicMissing: PROTOCOL_ERROR, "MQTT5-3.3.2-1", "MQTT311-3.3.2-1", "no topic name and no topic alias";
    PublishAnswer: PROTOCOL_ERROR, "MQTT5-3.3.4-1", "MQTT311-3.3.4-1", "a message was answered by another packet than its QoS asks for";
    PubrelAnswer: PROTOCOL_ERROR, "MQTT5-4.3.3-11", "MQTT311-4.3.3-2", "PUBREL was answered by another packet than PUBCOMP";
    SubscribeAnswer: PROTOCOL_ERROR, "MQTT5-3.8.4-1", "MQTT311-3.8.4-1", "SUBSCRIBE was answered by another packet than SUBACK";
    UnsubscribeAnswer: PROTOCOL_ERROR, "MQTT5-3.10.4-4", "MQTT311-3.10.4-4", "UNSUBSCRIBE was answered by another packet than UNSUBACK";
    ResultCount: PROTOCOL_ERROR, "MQTT5-3.8.4-6", "MQTT311-3.8.4-5", "SUBACK has not one reason code per topic filter";
    UnsubscribeResultCount: PROTOCOL_ERROR, "MQTT5-3.11.3-1", "MQTT311-3.10.4-4", "UNSUBACK has not one reason code per topic filter";
    AuthenticationUnasked: PROTOCOL_ERROR, "MQTT5-4.12.0-6", "MQTT311-2.2.1", "an authentication although CONNECT named no method";
    AuthOutOfTurn: PROTOCOL_ERROR, "MQTT5-4.12", "MQTT311-2.2.1", "AUTH without an authentication under way";
    AuthBeforeConnack: PROTOCOL_ERROR, "MQTT5-4.12.0-2", "MQTT311-2.2.1", "AUTH before CONNACK that does not continue the authentication";
    AuthenticationMethod: PROTOCOL_ERROR, "MQTT5-4.12.0-5", "MQTT311-2.2.1", "another authentication method than ours";
    PacketNotForClients: PROTOCOL_ERROR, "MQTT5-2.1.2", "MQTT311-2.2.1", "a packet that only clients send";
}
