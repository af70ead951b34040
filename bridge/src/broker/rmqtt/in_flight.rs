//! Messages on their way to a client, kept until it has acknowledged them [MQTT311-4.4.0-1], [MQTT5-4.4.0-1].
//!
//! The library keeps a message when it has been sent: a connection that breaks meanwhile would take it along.

use bytes::BytesMut;
use rmqtt::{
    codec::{
        error::{EncodeError, SendPacketError},
        v5::{Codec, Packet},
    },
    inflight::{MomentStatus, OutInflightMessage},
    net::MqttError,
    session::Session,
    types::{From, Publish, QoS, Reason},
};
use tokio_util::codec::Encoder;

/// Keeps a message that is about to be sent. When it has been, the library puts it in the same place.
pub(super) async fn keep(session: &Session, from: &From, publish: &Publish) {
    let status = match publish.qos {
        QoS::AtMostOnce => return,
        QoS::AtLeastOnce => MomentStatus::UnAck,
        QoS::ExactlyOnce => MomentStatus::UnReceived,
    };
    let message = OutInflightMessage::new(status, from.clone(), publish.clone());
    session.out_inflight().write().await.push_back(message);
}

/// When a connection has ended: forgets the message that ended it by being too large for the client. It would end every
/// connection that follows. Whether there was such a message.
pub(super) async fn forget_too_large(session: &Session, reason: &Reason) -> bool {
    let Some(max) = exceeded(reason) else {
        return false;
    };
    let mut in_flight = session.out_inflight().write().await;
    // It is the newest, unless it had QoS 0.
    let Some(newest) = in_flight.clone_inflight_messages().pop() else {
        return false;
    };
    let Some(packet_id) = newest.publish.packet_id else {
        return false;
    };
    let packet = Packet::Publish(newest.publish.take());
    let is_too_large = Codec::new(0, max).encode(packet, &mut BytesMut::new()).is_err();
    if is_too_large {
        in_flight.remove(&packet_id.get());
        tracing::warn!(
            client_id = &*session.id.client_id,
            limit = max,
            "disconnected, and a message dropped: it is larger than the Maximum Packet Size of the client"
        );
    }
    is_too_large
}

/// The limit of the client, in bytes of a packet without its fixed header, if a packet beyond it ended the connection.
fn exceeded(reason: &Reason) -> Option<u32> {
    match reason {
        Reason::MqttError(MqttError::SendPacket(SendPacketError::Encode(
            EncodeError::OverMaxPacketSize { max, .. },
        ))) => Some(*max),
        Reason::Reasons(reasons) => reasons.iter().find_map(exceeded),
        _ => None,
    }
}
