//! What is written is read as the same packet, whatever the packet.

use hearth_mqtt::{
    Bytes, BytesMut, EncodeError, Framer, Packet, PacketId, Properties, Property, ProtocolVersion,
    PublishParts, Qos, Role, Rule, TopicName,
};
use proptest::prelude::*;

use crate::{
    arbitrary::{packet_ids, packets, publishes, qos, versions},
    support::{V5, V311, check_cuts, decode, encode},
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Writes and reads back; the role that may receive this packet.
fn reads_back(version: ProtocolVersion, packet: &Packet) -> Option<Role> {
    // A direction the packet does not take is the only reason to refuse it.
    const ONE_WAY: [Rule; 7] = [
        Rule::Direction,
        Rule::SubscriptionIdFromClient,
        Rule::SessionExpiryFromServer,
        Rule::DisconnectCode,
        Rule::AuthCode,
        Rule::PubackCode,
        Rule::PubrecCode,
    ];
    let wire = encode(version, packet);
    [Role::Client, Role::Server]
        .into_iter()
        .rfind(|role| match decode(version, *role, &wire) {
            Ok(found) => {
                assert_eq!(&found, packet);
                true
            }
            Err(error) => {
                assert!(ONE_WAY.contains(&error.rule()), "{error}: {packet:?}");
                false
            }
        })
}

/// Written from its fields: copies of constant size must not show, in a buffer of any room and after any packet.
#[test]
fn a_message_of_any_size_is_written_whole() {
    let letters: String = ('a'..='z').cycle().take(200).collect();
    for (topic_len, payload_len, version, packet_id) in (1..=100)
        .flat_map(|topic| [0, 1, 7, 8, 15, 16, 32, 33, 63, 64, 65, 128, 200].map(|payload| (topic, payload)))
        .flat_map(|(topic, payload)| [(topic, payload, V311), (topic, payload, V5)])
        .flat_map(|(topic, payload, version)| {
            [None, PacketId::new(0x0102)].map(|packet_id| (topic, payload, version, packet_id))
        })
    {
        let (topic, payload) = (&letters[..topic_len], &letters[..payload_len]);
        let publish = PublishParts {
            dup: false,
            qos: packet_id.map_or(Qos::AtMostOnce, |_| Qos::AtLeastOnce),
            retain: false,
            topic: Some(TopicName::parse(topic).expect("a topic name")),
            packet_id,
            properties: Properties::new(),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
        };
        for room in [0, 2 * topic_len, 256, 1024] {
            let mut out = BytesMut::with_capacity(room);
            for _ in 0..2 {
                publish.encode(version, &mut out).expect("can be written");
            }
            let first = out.split_to(out.len() / 2);
            assert_eq!(
                first, out,
                "{topic_len} and {payload_len} bytes into a buffer of {room}"
            );
            assert_eq!(
                decode(version, Role::Client, &first.freeze()),
                Ok(Packet::Publish(publish.clone().into()))
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_packet_of_both_versions_reads_back(
        (version, packet) in versions().prop_flat_map(|version| (Just(version), packets(version)))
    ) {
        let receiver = reads_back(version, &packet);
        let contradicts_itself = matches!(&packet, Packet::Disconnect(_));
        prop_assert!(receiver.is_some() || contradicts_itself, "nobody may receive {packet:?}");
    }

    /// A PUBLISH that was made or received keeps its bytes to be sent again; its fields may change in between.
    #[test]
    fn a_changed_publish_is_written_as_its_parts_are(
        (version, made) in versions().prop_flat_map(|version| (Just(version), publishes(version))),
        target in versions(),
        (qos, packet_id) in (qos(), prop::option::of(packet_ids())),
        (dup, retain, keep) in any::<(bool, bool, bool)>(),
        room in 0_usize..512,
    ) {
        let wire = encode(version, &Packet::Publish(made.clone()));
        let mut framer = Framer::new(u32::MAX);
        framer.push(wire.clone());
        let received = match framer.poll_packet(version, Role::Client) {
            Ok(Some(Packet::Publish(publish))) => publish,
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        for mut publish in [made, received] {
            publish.packet_id = packet_id.filter(|_| publish.packet_id.is_some() || !keep);
            if !keep {
                (publish.qos, publish.dup, publish.retain) = (qos, dup, retain);
            }
            let (mut whole, mut pieces) = (BytesMut::new(), BytesMut::with_capacity(room));
            let parts = publish.clone().into_parts();
            let len = Packet::Publish(publish.clone()).encoded_len(target);
            let written = Packet::Publish(publish).encode(target, &mut whole);
            prop_assert_eq!(written, parts.encode(target, &mut pieces));
            prop_assert!(whole == pieces, "{whole:?} {pieces:?}");
            let mut apart = BytesMut::with_capacity(room);
            let payload = parts.encode_head(target, &mut apart).map(|payload| payload.to_vec());
            prop_assert_eq!(payload.as_ref().err(), written.as_ref().err());
            apart.extend(payload.unwrap_or_default());
            prop_assert!(written.is_err() || whole == apart, "{whole:?} {apart:?}");
            prop_assert!(written.is_err() || whole.len() == len);
        }
    }

    #[test]
    fn any_bytes_give_a_packet_or_a_named_fault(
        version in versions(), first in any::<u8>(), body in prop::collection::vec(any::<u8>(), 0..60)
    ) {
        let wire = crate::support::framed(first, &body);
        for role in [Role::Client, Role::Server] {
            match decode(version, role, &wire) {
                Ok(packet) => prop_assert_eq!(decode(version, role, &encode(version, &packet)), Ok(packet)),
                Err(error) => prop_assert!(error.to_string().contains(error.field())),
            }
        }
    }

    #[test]
    fn a_changed_byte_gives_a_packet_or_a_named_fault(
        (version, packet) in versions().prop_flat_map(|version| (Just(version), packets(version))),
        at in any::<prop::sample::Index>(), to in any::<u8>()
    ) {
        let mut wire = encode(version, &packet).to_vec();
        *at.get_mut(&mut wire) = to;
        let wire = Bytes::from(wire);
        for role in [Role::Client, Role::Server] {
            if let Ok(packet) = decode(version, role, &wire) {
                prop_assert_eq!(decode(version, role, &encode(version, &packet)), Ok(packet));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_cut_is_noticed(
        (version, packet) in versions().prop_flat_map(|version| (Just(version), packets(version)))
    ) {
        if let Some(receiver) = reads_back(version, &packet) {
            check_cuts(version, receiver, &encode(version, &packet));
        }
    }

    #[test]
    fn properties_are_refused_in_311(publish in publishes(V5)) {
        let says_more = !publish.properties().is_empty() || publish.topic().is_none();
        let mut out = BytesMut::new();
        let written = Packet::Publish(publish).encode(V311, &mut out);
        prop_assert_eq!(written.is_err(), says_more);
        prop_assert_eq!(out.is_empty(), says_more);
    }
}

#[test]
fn a_property_that_may_not_repeat_is_pushed_once() {
    let mut all = Properties::new();
    all.push(&Property::TopicAlias(1)).expect("first");
    let again = all.push(&Property::TopicAlias(2));
    assert_eq!(
        again,
        Err(EncodeError::Breaks {
            rule: Rule::DuplicateProperty,
            field: "Topic Alias"
        })
    );
    assert_eq!(all.topic_alias(), Some(1));
    all.push(&Property::UserProperty("a", "1")).expect("first");
    all.push(&Property::UserProperty("a", "1")).expect("may repeat");
    assert_eq!(all.iter().count(), 3);
}

#[test]
fn values_that_no_receiver_takes_cannot_be_pushed() {
    let long = "x".repeat(65_536);
    let bad = [
        Property::PayloadFormatIndicator(2),
        Property::ReceiveMaximum(0),
        Property::MaximumPacketSize(0),
        Property::TopicAlias(0),
        Property::SubscriptionIdentifier(0),
        Property::SubscriptionIdentifier(268_435_456),
        Property::MaximumQos(Qos::ExactlyOnce),
        Property::ResponseTopic("a/#"),
        Property::ResponseTopic(""),
        Property::ReasonString("a\0"),
        Property::UserProperty("a", "\0"),
        Property::ContentType(&long),
        Property::CorrelationData(long.as_bytes()),
    ];
    for property in bad {
        assert!(Properties::of(&[property]).is_err(), "{property:?}");
    }
}

#[test]
fn removed_properties_are_gone() {
    let mut all = Properties::of(&[
        Property::UserProperty("a", "1"),
        Property::TopicAlias(7),
        Property::UserProperty("b", "2"),
    ])
    .expect("can be said");
    all.remove(hearth_mqtt::PropertyId::UserProperty);
    assert_eq!(
        all,
        Properties::of(&[Property::TopicAlias(7)]).expect("can be said")
    );
}
