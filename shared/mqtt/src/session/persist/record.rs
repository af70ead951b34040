//! The bytes of one record: a format of our own, with a version, compact and without a framework.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;

use crate::{
    Framer, Packet, PacketId, ProtocolVersion, PublishParts, Qos, ReasonCode, RetainHandling, Role,
    SubscriptionOptions, TopicFilter,
    session::{ApplicationMessage, Subscription, SubscriptionStatus},
};

use super::log::{PersistKey, RecordKind};

/// The format that is written. A change that older code cannot read makes it one more.
const FORMAT: u8 = 1;

/// Why stored state cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// A newer program wrote it.
    #[error("the stored session has format {0}, this program reads {FORMAT}")]
    Format(u8),
    /// The record cannot be understood.
    #[error("the stored session is damaged: record {0:#x}")]
    Damaged(u64),
    /// There are records but not the one that says whose they are.
    #[error("the stored session has no header")]
    NoHeader,
    /// It belongs to another Client Identifier.
    #[error("the stored session belongs to another client id")]
    OtherClient,
}

/// What a session keeps about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderRecord {
    /// The Client Identifier in use.
    pub(crate) client_id: String,
    /// The server assigned it.
    pub(crate) assigned: bool,
    /// There is Session State.
    pub(crate) held: bool,
    /// A CONNECT got no answer since: the server may have said Session Present = 0 to nobody.
    pub(crate) doubtful: bool,
    /// QoS 2 messages are left over of which the server may know nothing.
    pub(crate) left_over: bool,
    /// Identifiers of messages given out so far; may lag behind.
    pub(crate) last_id: u64,
}

/// A message that waits for the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MessageRecord {
    pub(crate) message: ApplicationMessage,
    /// When it expires, in ms since 1970.
    pub(crate) expires_at_ms: Option<u64>,
}

/// What a message in flight waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlowRecord {
    /// PUBACK or PUBREC, by the QoS of its message.
    Acknowledgement(PacketId),
    /// PUBCOMP; the number orders the releases.
    Completion(PacketId, u64),
}

/// A subscription, or one that is being taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SubscriptionRecord {
    Wanted(Subscription, SubscriptionStatus),
    Leaving(TopicFilter),
}

/// Any record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    Header(HeaderRecord),
    Message(u64, MessageRecord),
    Flow(u64, FlowRecord),
    Received(PacketId),
    Subscription(u64, SubscriptionRecord),
}

impl Record {
    /// The bytes of this record, or none when it cannot be said: such a message cannot be sent either.
    pub(crate) fn encode(&self) -> Option<Bytes> {
        let mut out = BytesMut::new();
        out.put_u8(FORMAT);
        match self {
            Self::Header(header) => {
                out.put_u8(
                    u8::from(header.assigned)
                        | u8::from(header.held) << 1
                        | u8::from(header.doubtful) << 2
                        | u8::from(header.left_over) << 3,
                );
                out.put_u64(header.last_id);
                out.put_slice(header.client_id.as_bytes());
            }
            Self::Message(_, message) => {
                out.put_u64(message.expires_at_ms.unwrap_or(u64::MAX));
                publish(&message.message)
                    .encode(ProtocolVersion::V5, &mut out)
                    .ok()?;
            }
            Self::Flow(_, FlowRecord::Acknowledgement(id)) => {
                out.put_u8(0);
                out.put_u16(id.get());
            }
            Self::Flow(_, FlowRecord::Completion(id, order)) => {
                out.put_u8(1);
                out.put_u16(id.get());
                out.put_u64(*order);
            }
            Self::Received(_) => {}
            Self::Subscription(_, record) => encode_subscription(record, &mut out),
        }
        Some(out.freeze())
    }

    /// The record under this key.
    pub(crate) fn decode(key: PersistKey, bytes: &Bytes) -> Result<Self, RestoreError> {
        let mut rest = bytes.clone();
        let damaged = RestoreError::Damaged(key.as_u64());
        let format = rest.try_get_u8().map_err(|_| damaged)?;
        if format != FORMAT {
            return Err(RestoreError::Format(format));
        }
        let number = key.number();
        let record = match key.kind() {
            Some(RecordKind::Header) => decode_header(rest).map(Self::Header),
            Some(RecordKind::Message) => decode_message(rest).map(|it| Self::Message(number, it)),
            Some(RecordKind::Flow) => decode_flow(rest).map(|it| Self::Flow(number, it)),
            Some(RecordKind::Received) => u16::try_from(number)
                .ok()
                .and_then(PacketId::new)
                .map(Self::Received),
            Some(RecordKind::Subscription) => {
                decode_subscription(rest).map(|it| Self::Subscription(number, it))
            }
            None => None,
        };
        record.ok_or(damaged)
    }
}

/// A message is stored as the PUBLISH that will carry it; its packet identifier is in its flow record.
fn publish(message: &ApplicationMessage) -> PublishParts {
    PublishParts {
        dup: false,
        qos: message.qos,
        retain: message.retain,
        topic: Some(message.topic.clone()),
        packet_id: (message.qos > Qos::AtMostOnce).then_some(PacketId::FIRST),
        properties: message.properties.clone(),
        payload: message.payload.clone(),
    }
}

fn decode_header(mut rest: Bytes) -> Option<HeaderRecord> {
    let flags = rest.try_get_u8().ok()?;
    let last_id = rest.try_get_u64().ok()?;
    let client_id = String::from_utf8(rest.into()).ok()?;
    Some(HeaderRecord {
        client_id,
        assigned: flags & 1 != 0,
        held: flags & 2 != 0,
        doubtful: flags & 4 != 0,
        left_over: flags & 8 != 0,
        last_id,
    })
}

fn decode_message(mut rest: Bytes) -> Option<MessageRecord> {
    let expires_at_ms = rest.try_get_u64().ok()?;
    let mut framer = Framer::new(u32::MAX);
    framer.push(rest);
    // A server receives what a client stored to send.
    let Ok(Some(Packet::Publish(publish))) = framer.poll_packet(ProtocolVersion::V5, Role::Server) else {
        return None;
    };
    let mut publish = publish.into_parts();
    let topic = publish.topic.take()?;
    Some(MessageRecord {
        message: ApplicationMessage::received(publish, topic),
        expires_at_ms: (expires_at_ms != u64::MAX).then_some(expires_at_ms),
    })
}

fn decode_flow(mut rest: Bytes) -> Option<FlowRecord> {
    let kind = rest.try_get_u8().ok()?;
    let id = PacketId::new(rest.try_get_u16().ok()?)?;
    match kind {
        0 => Some(FlowRecord::Acknowledgement(id)),
        1 => Some(FlowRecord::Completion(id, rest.try_get_u64().ok()?)),
        _ => None,
    }
}

/// Status on disk: not answered, granted, refused, being taken back.
const REQUESTED: u8 = 0;
const GRANTED: u8 = 1;
const REFUSED: u8 = 2;
const LEAVING: u8 = 3;

fn encode_subscription(record: &SubscriptionRecord, out: &mut BytesMut) {
    let (subscription, status) = match record {
        SubscriptionRecord::Leaving(filter) => {
            out.put_u8(LEAVING);
            return out.put_slice(filter.as_str().as_bytes());
        }
        SubscriptionRecord::Wanted(subscription, status) => (subscription, status),
    };
    let (status, code) = match status {
        SubscriptionStatus::Requested => (REQUESTED, ReasonCode::SUCCESS),
        SubscriptionStatus::Granted(code) => (GRANTED, *code),
        SubscriptionStatus::Refused(code) => (REFUSED, *code),
    };
    let options = &subscription.options;
    out.put_u8(status);
    out.put_u8(code.0);
    out.put_u8(
        options.maximum_qos.bits()
            | u8::from(options.no_local) << 2
            | u8::from(options.retain_as_published) << 3
            | (options.retain_handling as u8) << 4,
    );
    out.put_u32(subscription.subscription_id.unwrap_or(0));
    out.put_slice(subscription.filter.as_str().as_bytes());
}

fn decode_subscription(mut rest: Bytes) -> Option<SubscriptionRecord> {
    let status = rest.try_get_u8().ok()?;
    if status == LEAVING {
        return Some(SubscriptionRecord::Leaving(filter(&rest)?));
    }
    let code = ReasonCode(rest.try_get_u8().ok()?);
    let status = match status {
        REQUESTED => SubscriptionStatus::Requested,
        GRANTED => SubscriptionStatus::Granted(code),
        REFUSED => SubscriptionStatus::Refused(code),
        _ => return None,
    };
    let bits = rest.try_get_u8().ok()?;
    let options = SubscriptionOptions {
        maximum_qos: Qos::from_bits(bits & 3)?,
        no_local: bits & 4 != 0,
        retain_as_published: bits & 8 != 0,
        retain_handling: match bits >> 4 {
            0 => RetainHandling::SendAtSubscribe,
            1 => RetainHandling::SendAtSubscribeIfNew,
            2 => RetainHandling::DoNotSend,
            _ => return None,
        },
    };
    let id = rest.try_get_u32().ok()?;
    let subscription = Subscription {
        filter: filter(&rest)?,
        options,
        subscription_id: (id > 0).then_some(id),
    };
    Some(SubscriptionRecord::Wanted(subscription, status))
}

fn filter(bytes: &[u8]) -> Option<TopicFilter> {
    TopicFilter::parse(std::str::from_utf8(bytes).ok()?).ok()
}
