//! Limits of 5.0 that each end sets the other.

use anyhow::{Context, Result, bail, ensure};
use hearth_mqtt::session::{ApiMisuse, SessionOptions};
use hearth_mqtt::{Bytes, Packet, PacketType, Qos};

use super::{Case, Chapter, v5};
use crate::client::{Client, Trap, count, message, texts};
use crate::rig::Finding::{self, Has};
use crate::rig::{Rig, lacks, or_lacks};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Limits",
    cases: CASES,
};

const CASES: &[Case] = &[
    v5("receive_maximum", "keeps our Receive Maximum", receive_maximum),
    v5(
        "maximum_packet_size",
        "keeps our Maximum Packet Size",
        maximum_packet_size,
    ),
    v5(
        "server_receive_maximum",
        "tells its Receive Maximum",
        server_receive_maximum,
    ),
    v5(
        "server_maximum_packet_size",
        "tells its Maximum Packet Size",
        server_maximum_packet_size,
    ),
    v5(
        "topic_alias_to_server",
        "takes topic aliases",
        topic_alias_to_server,
    ),
    v5(
        "topic_alias_to_client",
        "uses topic aliases",
        topic_alias_to_client,
    ),
];

fn limits(client: &Client) -> Result<&hearth_mqtt::session::Limits> {
    client.session.limits().context("not connected")
}

fn receive_maximum(rig: &Rig) -> Result<Finding> {
    const COUNT: usize = 10;
    let (mut subscriber, _) = rig.connected_with(SessionOptions {
        receive_maximum: 3,
        ..rig.options("sub")
    })?;
    subscriber.subscribe(&rig.topic("a"), Qos::ExactlyOnce)?;
    subscriber.trap(Trap::HoldAcknowledgements);
    let mut publisher = rig.connected("pub")?;
    for n in 0..COUNT {
        let qos = if n % 2 == 0 {
            Qos::AtLeastOnce
        } else {
            Qos::ExactlyOnce
        };
        publisher.publish(message(&rig.topic("a"), n.to_string(), qos)?)?;
    }
    subscriber.drive_until("the first messages", |client| {
        (count(&client.received, PacketType::Publish) >= 3).then_some(())
    })?;
    subscriber.ping()?;
    let before = count(&subscriber.received, PacketType::Publish);
    if before > 3 {
        return lacks(format!("{before} messages came"));
    }
    subscriber.release();
    publisher.publish(message(&rig.topic("a"), "last", Qos::ExactlyOnce)?)?;
    ensure!(subscriber.messages_before("last")?.len() == COUNT);
    Ok(Has)
}

fn maximum_packet_size(rig: &Rig) -> Result<Finding> {
    let (mut subscriber, _) = rig.connected_with(SessionOptions {
        maximum_packet_size: 2_000,
        ..rig.options("sub")
    })?;
    subscriber.subscribe(&rig.topic("a"), Qos::ExactlyOnce)?;
    let mut publisher = rig.connected("pub")?;
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
        publisher.publish(message(&rig.topic("a"), Bytes::from(vec![b'x'; 2_000]), qos)?)?;
        publisher.publish(message(&rig.topic("a"), "small", qos)?)?;
    }
    publisher.publish(message(&rig.topic("a"), "last", Qos::ExactlyOnce)?)?;
    let came = texts(&subscriber.messages_before("last")?);
    ensure!(came == ["small"; 3], "{came:?} came");
    Ok(Has)
}

fn server_receive_maximum(rig: &Rig) -> Result<Finding> {
    let (client, _) = rig.connected_with(SessionOptions {
        in_flight_maximum: u16::MAX,
        ..rig.options("a")
    })?;
    match limits(&client)?.receive_maximum {
        u16::MAX => lacks("takes 65,535"),
        _ => Ok(Has),
    }
}

fn server_maximum_packet_size(rig: &Rig) -> Result<Finding> {
    let mut client = rig.connected("a")?;
    let maximum = limits(&client)?.maximum_packet_size;
    if maximum == u32::MAX {
        return lacks("tells none");
    }
    let payload = Bytes::from(vec![0; usize::try_from(maximum)?]);
    match client
        .session
        .publish(client.now(), message(&rig.topic("a"), payload, Qos::AtLeastOnce)?)
    {
        Err(ApiMisuse::PacketTooLarge { .. }) => {}
        other => bail!("{other:?}"),
    }
    // The largest that is allowed: 2 bytes for the topic's length, 2 for the packet id, 1 without properties, 4 at the front.
    let topic = rig.topic("a");
    let largest = usize::try_from(maximum)? - topic.len() - 9;
    client.publish(message(&topic, Bytes::from(vec![0; largest]), Qos::AtLeastOnce)?)?;
    Ok(Has)
}

/// Whether a PUBLISH has an alias, and whether it has a topic.
fn alias(packet: &Packet) -> Option<(bool, bool)> {
    match packet {
        Packet::Publish(publish) => Some((
            publish.properties().topic_alias().is_some(),
            publish.topic().is_some(),
        )),
        _ => None,
    }
}

fn topic_alias_to_server(rig: &Rig) -> Result<Finding> {
    let mut client = or_lacks!(rig.subscribed("a", &rig.topic("#"), Qos::AtLeastOnce)?);
    let maximum = limits(&client)?.topic_alias_maximum;
    if maximum == 0 {
        return lacks("takes none");
    }
    // More topics than aliases, and all of them twice.
    let topics: Vec<_> = (0..u32::from(maximum) + 2)
        .map(|n| rig.topic(&n.to_string()))
        .collect();
    for topic in topics.iter().chain(&topics) {
        client.publish(message(topic, topic.clone(), Qos::AtLeastOnce)?)?;
        let came = client.message()?;
        ensure!(came.payload == came.topic.as_str(), "{came:?} went astray");
    }
    let without_topic = client
        .sent
        .iter()
        .filter_map(alias)
        .filter(|it| *it == (true, false))
        .count();
    ensure!(
        without_topic == usize::from(maximum),
        "{without_topic} without their topic"
    );
    Ok(Has)
}

fn topic_alias_to_client(rig: &Rig) -> Result<Finding> {
    let (mut subscriber, _) = rig.connected_with(SessionOptions {
        topic_alias_maximum: 2,
        ..rig.options("sub")
    })?;
    subscriber.subscribe(&rig.topic("#"), Qos::AtLeastOnce)?;
    let mut publisher = rig.connected("pub")?;
    for _ in 0..3 {
        for n in 0..4 {
            let topic = rig.topic(&n.to_string());
            publisher.publish(message(&topic, topic.clone(), Qos::AtLeastOnce)?)?;
            let came = subscriber.message()?;
            ensure!(came.payload == came.topic.as_str(), "{came:?} went astray");
        }
    }
    match subscriber
        .received
        .iter()
        .filter_map(alias)
        .any(|it| it == (true, false))
    {
        true => Ok(Has),
        false => lacks("sends every topic in full"),
    }
}
