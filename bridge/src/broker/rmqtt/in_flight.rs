//! Messages on their way to a client: those that fit what it takes are kept until it has acknowledged them [MQTT311-4.4.0-1],
//! [MQTT5-4.4.0-1].

use super::caps::Caps;
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
pub(super) async fn is_too_large(session: &Session, publish: &Publish, caps: &Caps) -> bool {
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
    let maximum = maximum.get();
    if most_bytes(publish) <= maximum as usize {
        return false;
    }
    let mut packet = publish.clone().take();
    // It gets one when it is sent. This broker sends no topic aliases.
    if packet.qos != QoS::AtMostOnce {
        packet.packet_id = Some(NonZeroU16::MIN);
    }
    if let Some(properties) = packet.properties.as_mut() {
        properties.topic_alias = None;
    }
    let mut codec = Codec::new(0, 0);
    codec.set_max_outbound_size(maximum);
    let is_too_large = codec
        .encode(Packet::Publish(packet), &mut BytesMut::new())
        .is_err();
    if is_too_large {
        caps.left_out(&session.id.client_id, maximum);
    }
    is_too_large
}

/// So many bytes a packet has at most: nearly all are much smaller than what their client takes, and need not be encoded to see that.
fn most_bytes(publish: &Publish) -> usize {
    /// The fixed header, the lengths of topic and properties, the packet identifier, and the properties of a fixed size.
    const FIXED: usize = 64;
    /// The identifier of a property, and its lengths.
    const PROPERTY: usize = 5;
    let properties = publish.properties.as_ref().map_or(0, |properties| {
        let texts = [&properties.content_type, &properties.response_topic];
        let texts = texts.into_iter().flatten().map(|text| PROPERTY + text.len());
        let pairs = &properties.user_properties;
        let pairs = pairs
            .iter()
            .map(|(name, value)| PROPERTY + name.len() + value.len());
        let data = properties.correlation_data.as_ref();
        texts.chain(pairs).sum::<usize>()
            + data.map_or(0, |data| PROPERTY + data.len())
            + PROPERTY * properties.subscription_ids.len()
    });
    FIXED + publish.topic.len() + publish.payload.len() + properties
}
