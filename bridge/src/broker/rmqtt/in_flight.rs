//! Messages on their way to a client: those that fit what it takes are kept until it has acknowledged them [MQTT311-4.4.0-1],
//! [MQTT5-4.4.0-1].

use bytes::BytesMut;
use rmqtt::{
    codec::v5::{Codec, Packet},
    inflight::{MomentStatus, OutInflightMessage},
    session::Session,
    types::{ConnectInfo, From, Publish, QoS},
};
use std::num::NonZeroU16;
use tokio_util::codec::Encoder;

/// Keeps a message that is about to be sent. When it has been, the library puts it in the same place; a connection that breaks
/// meanwhile would take it along.
pub(super) async fn keep(session: &Session, from: &From, publish: &Publish) {
    let status = match publish.qos {
        QoS::AtMostOnce => return,
        QoS::AtLeastOnce => MomentStatus::UnAck,
        QoS::ExactlyOnce => MomentStatus::UnReceived,
    };
    let message = OutInflightMessage::new(status, from.clone(), publish.clone());
    session.out_inflight().write().await.push_back(message);
}

/// Whether a message is larger than the Maximum Packet Size of its client. It is left out, as if it had been sent
/// [MQTT5-3.1.2-25]; the library would close the connection instead.
pub(super) async fn is_too_large(session: &Session, publish: &Publish) -> bool {
    // One of QoS 2 that the client has received is asked for again, and is not sent.
    if publish.packet_id.is_some() && !publish.dup {
        return false;
    }
    let Ok(info) = session.connect_info().await else {
        return false;
    };
    let ConnectInfo::V5(_, connect) = &*info else {
        return false;
    };
    let Some(maximum) = connect.max_packet_size else {
        return false;
    };
    let mut packet = publish.clone().take();
    // It gets these when it is sent.
    if packet.qos != QoS::AtMostOnce {
        packet.packet_id = Some(NonZeroU16::MIN);
    }
    if let Some(properties) = packet.properties.as_mut().filter(|_| connect.topic_alias_max > 0) {
        properties.topic_alias = Some(NonZeroU16::MIN);
    }
    let mut codec = Codec::new(0, 0);
    codec.set_max_outbound_size(maximum.get());
    let is_too_large = codec
        .encode(Packet::Publish(packet), &mut BytesMut::new())
        .is_err();
    if is_too_large {
        tracing::warn!(
            client_id = &*session.id.client_id,
            maximum,
            "a message is left out: it is larger than the Maximum Packet Size of the client"
        );
    }
    is_too_large
}
