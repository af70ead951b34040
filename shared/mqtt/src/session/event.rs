//! What a session tells its owner.

use std::fmt;

use bytes::Bytes;

use crate::{Properties, ProtocolVersion, PublishParts, Qos, ReasonCode, TopicFilter, TopicName};

use super::misbehaviour::Misbehaviour;

/// An Application Message, received or to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationMessage {
    /// Topic Name; a topic alias of the server is already resolved.
    pub topic: TopicName,
    /// The message itself.
    pub payload: Bytes,
    /// Quality of Service.
    pub qos: Qos,
    /// To be sent: keep this message for later subscribers. Received: it was kept.
    pub retain: bool,
    /// Received: an earlier attempt was made to deliver it. Ignored when sending.
    pub dup: bool,
    /// Properties; none in 3.1.1, where those of a message to be sent are left out.
    pub properties: Properties,
}

impl ApplicationMessage {
    /// A QoS 0 message without properties that is not to be kept.
    #[must_use]
    pub fn new(topic: TopicName, payload: impl Into<Bytes>) -> Self {
        Self {
            topic,
            payload: payload.into(),
            qos: Qos::AtMostOnce,
            retain: false,
            dup: false,
            properties: Properties::default(),
        }
    }

    /// The same message with this QoS.
    #[must_use]
    pub fn with_qos(mut self, qos: Qos) -> Self {
        self.qos = qos;
        self
    }

    /// The same message with this RETAIN flag.
    #[must_use]
    pub fn with_retain(mut self, retain: bool) -> Self {
        self.retain = retain;
        self
    }

    /// The same message with these properties.
    #[must_use]
    pub fn with_properties(mut self, properties: Properties) -> Self {
        self.properties = properties;
        self
    }

    /// What this message costs in a queue, in bytes.
    pub(crate) fn cost(&self) -> usize {
        self.topic.as_str().len() + self.payload.len() + self.properties.len_bytes()
    }

    pub(crate) fn received(publish: PublishParts, topic: TopicName) -> Self {
        Self {
            topic,
            payload: publish.payload,
            qos: publish.qos,
            retain: publish.retain,
            dup: publish.dup,
            properties: publish.properties,
        }
    }
}

/// Names one message that the owner published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublishId(pub u64);

/// Names one call of [`subscribe`](super::Session::subscribe) or [`unsubscribe`](super::Session::unsubscribe).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscribeId(pub u64);

/// Something the owner should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The server accepted us.
    Connected {
        /// The server still had the session.
        session_present: bool,
        /// The version spoken.
        version: ProtocolVersion,
        /// The Client Identifier that the server gave us, kept for later connections.
        assigned_client_id: Option<Box<str>>,
        /// The keep-alive that the server asks for instead of ours, in seconds.
        server_keep_alive: Option<u16>,
        /// How long the server keeps the session, in seconds.
        session_expiry_interval: u32,
        /// What the server says about itself.
        reason_string: Option<Box<str>>,
    },
    /// A message arrived. With QoS 2 it is reported once, whatever the network repeats.
    Message(ApplicationMessage),
    /// The message left for the network for the first time.
    PublishSent {
        /// Which one.
        id: PublishId,
    },
    /// The message is done: sent with QoS 0, acknowledged with QoS 1 and 2.
    Published {
        /// Which one.
        id: PublishId,
        /// What the server said; [`ReasonCode::SUCCESS`] for QoS 0. [`ReasonCode::GRANTED_QOS_1`] for a QoS 2 message
        /// that a server of 3.1.1 answered with PUBACK: it took the message as QoS 1, so it may come twice.
        reason_code: ReasonCode,
    },
    /// The message will not be sent, or the server refused it.
    PublishFailed {
        /// Which one.
        id: PublishId,
        /// Why.
        reason: PublishFailure,
    },
    /// The response to a [`request`](super::Session::request).
    Response {
        /// Which request.
        id: PublishId,
        /// What came.
        message: ApplicationMessage,
    },
    /// No response came in time.
    RequestTimedOut {
        /// Which request.
        id: PublishId,
    },
    /// Answer to [`subscribe`](super::Session::subscribe), one result per filter, in the order asked.
    Subscribed {
        /// Which call.
        id: SubscribeId,
        /// Granted QoS, or why not.
        results: Vec<(TopicFilter, ReasonCode)>,
    },
    /// The server had forgotten the session; the subscriptions were made again, with these results.
    Resubscribed {
        /// Granted QoS, or why not.
        results: Vec<(TopicFilter, ReasonCode)>,
    },
    /// Answer to [`unsubscribe`](super::Session::unsubscribe), one result per filter, in the order asked.
    Unsubscribed {
        /// Which call.
        id: SubscribeId,
        /// How it went; success without a word from the server in 3.1.1.
        results: Vec<(TopicFilter, ReasonCode)>,
    },
    /// The server does not speak 5.0; the next connection is tried with 3.1.1 (or the other way, when 3.1.1 was
    /// only a guess).
    VersionFellBack {
        /// The version that will be tried next.
        to: ProtocolVersion,
        /// What made us change.
        reason: FallBackReason,
    },
    /// The server had forgotten the session: what was published between the two connections did not reach us.
    MessagesMayBeMissed,
    /// The server asks for the next step of an authentication: answer with
    /// [`authenticate`](super::Session::authenticate).
    AuthenticationChallenge {
        /// Authentication Data of the server.
        data: Option<Bytes>,
        /// Reason String of the server.
        reason_string: Option<Box<str>>,
    },
    /// The server accepted a re-authentication.
    Reauthenticated,
    /// It is over: take what [`poll_transmit`](super::Session::poll_transmit) still has, then close the network
    /// connection.
    Closed(ClosedReason),
}

/// Why the version changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallBackReason {
    /// CONNACK 0x84, or return code 1 of 3.1.1.
    Refused,
    /// The server answered in 3.1.1.
    AnsweredInOlderVersion,
    /// Several connections in a row were closed, or timed out, without a byte after CONNECT: a guess.
    ClosedWithoutAnswer,
}

/// Why a message was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishFailure {
    /// The server refused it.
    Refused {
        /// Why.
        reason_code: ReasonCode,
        /// In the server's words.
        reason_string: Option<Box<str>>,
    },
    /// Its Message Expiry Interval passed while it waited.
    Expired,
    /// It is larger than the server's Maximum Packet Size ([MQTT5-3.2.2-15]).
    TooLarge,
    /// Its QoS is above the server's Maximum QoS ([MQTT5-3.2.2-11]).
    QosNotSupported,
    /// The server keeps no retained messages ([MQTT5-3.2.2-14]).
    RetainNotSupported,
    /// The server had it but forgot the session before the exchange ended: nobody knows whether it was delivered,
    /// and sending it again could deliver it twice.
    SessionLost,
    /// The owner discarded it.
    Discarded,
}

impl fmt::Display for PublishFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused {
                reason_code,
                reason_string: Some(text),
            } => write!(f, "refused: {reason_code}: {text}"),
            Self::Refused {
                reason_code,
                reason_string: None,
            } => write!(f, "refused: {reason_code}"),
            Self::Expired => f.write_str("expired before it could be sent"),
            Self::TooLarge => f.write_str("larger than the server accepts"),
            Self::QosNotSupported => f.write_str("the server does not support this QoS"),
            Self::RetainNotSupported => f.write_str("the server does not support retained messages"),
            Self::SessionLost => f.write_str("the server forgot the session in the middle of the exchange"),
            Self::Discarded => f.write_str("discarded"),
        }
    }
}

/// Why a network connection is over, and who must act.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClosedReason {
    /// The server ended it with a DISCONNECT and said why.
    Server {
        /// Why.
        code: ReasonCode,
        /// In its words.
        reason_string: Option<Box<str>>,
        /// Where to go instead (0x9C for now, 0x9D for good).
        server_reference: Option<Box<str>>,
    },
    /// The server refused us in CONNACK.
    ServerRefused {
        /// Why; return codes of 3.1.1 are mapped.
        code: ReasonCode,
        /// In its words.
        reason_string: Option<Box<str>>,
        /// Where to go instead (0x9C for now, 0x9D for good).
        server_reference: Option<Box<str>>,
    },
    /// The server broke the protocol; with 5.0 we answered with the reason code of the fault.
    ServerMisbehaved(Misbehaviour),
    /// The version was refused; the next try is made with another one, at once.
    VersionFellBack,
    /// The network connection ended without a DISCONNECT.
    NetworkClosed,
    /// The server did not answer a PINGREQ.
    KeepAliveTimeout,
    /// The server did not answer CONNECT, or the authentication before CONNACK got stuck.
    ConnackTimeout,
    /// A re-authentication got stuck.
    AuthenticationTimeout,
    /// The server takes nothing, and the acknowledgements that it waits for piled up beyond
    /// [`SessionOptions::transmit_bytes_maximum`](super::SessionOptions::transmit_bytes_maximum).
    TakesNothing,
    /// Another client took over with our Client Identifier (0x8E).
    TakenOver {
        /// In the server's words.
        reason_string: Option<Box<str>>,
    },
    /// What the options ask for cannot be said in CONNECT, such as a will topic of 65,536 bytes.
    CannotConnect {
        /// What is wrong.
        what: Box<str>,
    },
    /// We were asked to.
    Application,
}

/// What to do after a [`ClosedReason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReconnectAdvice {
    /// Try again at once.
    AtOnce,
    /// Try again after the backoff.
    AfterBackoff,
    /// Trying again is useless until somebody changed something: credentials, client id, address, options.
    AfterChange,
}

impl ClosedReason {
    /// Whether trying again can help.
    #[must_use]
    pub fn advice(&self) -> ReconnectAdvice {
        match self {
            Self::VersionFellBack => ReconnectAdvice::AtOnce,
            Self::Server { code, .. } | Self::ServerRefused { code, .. } => advice_for(*code),
            Self::TakenOver { .. } | Self::Application | Self::CannotConnect { .. } => {
                ReconnectAdvice::AfterChange
            }
            Self::ServerMisbehaved(_)
            | Self::NetworkClosed
            | Self::KeepAliveTimeout
            | Self::ConnackTimeout
            | Self::AuthenticationTimeout
            | Self::TakesNothing => ReconnectAdvice::AfterBackoff,
        }
    }
}

fn advice_for(code: ReasonCode) -> ReconnectAdvice {
    match code {
        ReasonCode::UNSUPPORTED_PROTOCOL_VERSION
        | ReasonCode::CLIENT_IDENTIFIER_NOT_VALID
        | ReasonCode::BAD_USER_NAME_OR_PASSWORD
        | ReasonCode::NOT_AUTHORIZED
        | ReasonCode::BANNED
        | ReasonCode::BAD_AUTHENTICATION_METHOD
        | ReasonCode::SESSION_TAKEN_OVER
        | ReasonCode::TOPIC_NAME_INVALID
        | ReasonCode::RETAIN_NOT_SUPPORTED
        | ReasonCode::QOS_NOT_SUPPORTED
        | ReasonCode::USE_ANOTHER_SERVER
        | ReasonCode::SERVER_MOVED
        // A request without an answer is asked again at the next connection.
        | ReasonCode::TOPIC_FILTER_INVALID
        | ReasonCode::SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        | ReasonCode::SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED
        | ReasonCode::WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED => ReconnectAdvice::AfterChange,
        _ => ReconnectAdvice::AfterBackoff,
    }
}

impl fmt::Display for ClosedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server {
                code,
                reason_string,
                server_reference,
            } => write_server(
                f,
                "the server ended the connection",
                *code,
                reason_string,
                server_reference,
            ),
            Self::ServerRefused {
                code,
                reason_string,
                server_reference,
            } => write_server(
                f,
                "the server refused the connection",
                *code,
                reason_string,
                server_reference,
            ),
            Self::ServerMisbehaved(fault) => write!(f, "the server broke the protocol: {fault}"),
            Self::VersionFellBack => f.write_str("the server does not speak this version of MQTT"),
            Self::NetworkClosed => f.write_str("the network connection ended"),
            Self::KeepAliveTimeout => f.write_str("the server stopped answering"),
            Self::ConnackTimeout => f.write_str("the server did not answer the connection request"),
            Self::TakesNothing => f.write_str("the server takes nothing"),
            Self::AuthenticationTimeout => f.write_str("the re-authentication did not end in time"),
            Self::TakenOver {
                reason_string: Some(text),
            } => {
                write!(f, "another client connected with the same client id: {text}")
            }
            Self::TakenOver { reason_string: None } => {
                f.write_str("another client connected with the same client id")
            }
            Self::CannotConnect { what } => write!(f, "the connection settings cannot be sent: {what}"),
            Self::Application => f.write_str("disconnected on request"),
        }
    }
}

fn write_server(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    code: ReasonCode,
    reason_string: &Option<Box<str>>,
    server_reference: &Option<Box<str>>,
) -> fmt::Result {
    write!(f, "{what}: {code}")?;
    if let Some(text) = reason_string {
        write!(f, ": {text}")?;
    }
    if let Some(reference) = server_reference {
        write!(f, " (it names {reference})")?;
    }
    Ok(())
}
