//! Packets of every type, for both versions, as proptest makes them.

use hearth_mqtt::{
    Ack, Auth, ByteString, Bytes, Connack, Connect, Disconnect, Packet, PacketId, PacketType, Properties,
    Property, PropertyId, ProtocolVersion, Publish, PublishParts, Qos, ReasonCode, RetainHandling, Suback,
    Subscribe, SubscriptionOptions, TopicFilter, TopicName, Unsuback, Unsubscribe, Will,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

pub(crate) fn versions() -> impl Strategy<Value = ProtocolVersion> {
    select(vec![ProtocolVersion::V311, ProtocolVersion::V5])
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9 /]{0,20}", "[^\0]{0,8}", "[^\0]{60,140}"]
}

pub(crate) fn topic_names() -> impl Strategy<Value = TopicName> {
    prop_oneof!["[a-z/$]{1,12}", "[^\0+#]{1,8}", "[^\0+#]{60,140}"]
        .prop_map(|text| TopicName::parse(&text).expect("a topic name"))
}

pub(crate) fn topic_filters() -> impl Strategy<Value = TopicFilter> {
    let level = prop_oneof![Just("+".to_owned()), "[a-c]{0,2}", "[^\0+#/]{0,4}"];
    (
        prop_oneof![4 => Just(""), 1 => Just("$share/group/")],
        vec(level, 1..5),
        any::<bool>(),
    )
        .prop_map(|(start, mut levels, multi)| {
            if multi {
                levels.push("#".to_owned());
            }
            let filter = match levels.join("/") {
                empty if empty.is_empty() => "x".to_owned(),
                filter => filter,
            };
            TopicFilter::parse(&format!("{start}{filter}")).expect("a topic filter")
        })
}

fn payloads() -> impl Strategy<Value = Bytes> {
    prop_oneof![vec(any::<u8>(), 0..20), vec(any::<u8>(), 120..300)].prop_map(Bytes::from)
}

pub(crate) fn packet_ids() -> impl Strategy<Value = PacketId> {
    (1..=u16::MAX).prop_map(|number| PacketId::new(number).expect("not zero"))
}

pub(crate) fn qos() -> impl Strategy<Value = Qos> {
    select(vec![Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce])
}

/// The values that one property can have are derived from these.
type Seed = (u32, String, String, Vec<u8>, TopicName);

fn seeds() -> impl Strategy<Value = Seed> {
    (
        any::<u32>(),
        text(),
        text(),
        vec(any::<u8>(), 0..20),
        topic_names(),
    )
}

/// A value that the property may have.
fn property(id: PropertyId, (number, one, two, data, topic): &Seed) -> Property<'_> {
    let (number, yes, two_bytes) = (*number, number & 1 == 1, *number as u16);
    match id {
        PropertyId::PayloadFormatIndicator => Property::PayloadFormatIndicator(u8::from(yes)),
        PropertyId::MessageExpiryInterval => Property::MessageExpiryInterval(number),
        PropertyId::ContentType => Property::ContentType(one),
        PropertyId::ResponseTopic => Property::ResponseTopic(topic.as_str()),
        PropertyId::CorrelationData => Property::CorrelationData(data),
        PropertyId::SubscriptionIdentifier => {
            Property::SubscriptionIdentifier((number >> (number % 29)).clamp(1, 268_435_455))
        }
        PropertyId::SessionExpiryInterval => Property::SessionExpiryInterval(number),
        PropertyId::AssignedClientIdentifier => Property::AssignedClientIdentifier(one),
        PropertyId::ServerKeepAlive => Property::ServerKeepAlive(two_bytes),
        PropertyId::AuthenticationMethod => Property::AuthenticationMethod(one),
        PropertyId::AuthenticationData => Property::AuthenticationData(data),
        PropertyId::RequestProblemInformation => Property::RequestProblemInformation(yes),
        PropertyId::WillDelayInterval => Property::WillDelayInterval(number),
        PropertyId::RequestResponseInformation => Property::RequestResponseInformation(yes),
        PropertyId::ResponseInformation => Property::ResponseInformation(one),
        PropertyId::ServerReference => Property::ServerReference(one),
        PropertyId::ReasonString => Property::ReasonString(one),
        PropertyId::ReceiveMaximum => Property::ReceiveMaximum(two_bytes.max(1)),
        PropertyId::TopicAliasMaximum => Property::TopicAliasMaximum(two_bytes),
        PropertyId::TopicAlias => Property::TopicAlias(two_bytes.max(1)),
        PropertyId::MaximumQos => Property::MaximumQos(if yes { Qos::AtLeastOnce } else { Qos::AtMostOnce }),
        PropertyId::RetainAvailable => Property::RetainAvailable(yes),
        PropertyId::MaximumPacketSize => Property::MaximumPacketSize(number.max(1)),
        PropertyId::WildcardSubscriptionAvailable => Property::WildcardSubscriptionAvailable(yes),
        PropertyId::SubscriptionIdentifierAvailable => Property::SubscriptionIdentifierAvailable(yes),
        PropertyId::SharedSubscriptionAvailable => Property::SharedSubscriptionAvailable(yes),
        PropertyId::UserProperty => Property::UserProperty(one, two),
    }
}

/// Properties that may stand at the place, in any order; duplicates are left out where they must be.
fn properties_of(
    version: ProtocolVersion,
    may_stand: impl Fn(PropertyId) -> bool,
) -> impl Strategy<Value = Properties> {
    let ids: Vec<_> = PropertyId::ALL
        .iter()
        .copied()
        .filter(|id| may_stand(*id))
        .collect();
    let count = if version.is_v5() { 0..8 } else { 0..1 };
    vec((select(ids), seeds()), count).prop_map(|wanted| {
        let mut all = Properties::new();
        for (id, seed) in wanted {
            let repeats = id == PropertyId::UserProperty;
            if !all.contains(id) || repeats {
                all.push(&property(id, &seed)).expect("can be said");
            }
        }
        all
    })
}

fn properties_in(version: ProtocolVersion, packet: PacketType) -> impl Strategy<Value = Properties> {
    properties_of(version, move |id| id.is_allowed_in(packet))
}

fn codes(version: ProtocolVersion, packet: PacketType) -> impl Strategy<Value = ReasonCode> {
    let all: Vec<_> = ReasonCode::ALL
        .iter()
        .copied()
        .filter(|code| match (version, packet) {
            (ProtocolVersion::V5, _) => code.is_allowed_in(packet),
            (_, PacketType::Connack) => code.connect_return_code().is_some(),
            (_, PacketType::Suback) => matches!(code.0, 0..=2 | 0x80),
            _ => *code == ReasonCode::SUCCESS,
        })
        .collect();
    select(all)
}

fn connects(version: ProtocolVersion) -> impl Strategy<Value = Packet> {
    let will_properties = properties_of(version, PropertyId::is_allowed_in_will);
    let will = (topic_names(), payloads(), qos(), any::<bool>(), will_properties).prop_map(
        |(topic, payload, qos, retain, properties)| Will {
            topic,
            payload,
            qos,
            retain,
            properties,
        },
    );
    let names = (text(), option::of(text()), option::of(payloads()));
    (
        any::<bool>(),
        any::<u16>(),
        names,
        option::of(will),
        properties_in(version, PacketType::Connect),
    )
        .prop_map(
            move |(clean_start, keep_alive, (client_id, username, password), will, mut properties)| {
                if !properties.contains(PropertyId::AuthenticationMethod) {
                    properties.remove(PropertyId::AuthenticationData);
                }
                let lonely_password = !version.is_v5() && username.is_none();
                let connect = Connect {
                    version,
                    clean_start: clean_start || client_id.is_empty(),
                    keep_alive,
                    client_id: client_id.into(),
                    will,
                    username: username.map(ByteString::from),
                    password: password.filter(|_| !lonely_password),
                    properties,
                };
                Packet::Connect(connect.into())
            },
        )
}

fn connacks(version: ProtocolVersion) -> impl Strategy<Value = Packet> {
    let parts = (
        any::<bool>(),
        codes(version, PacketType::Connack),
        properties_in(version, PacketType::Connack),
    );
    parts.prop_map(|(session_present, reason_code, properties)| {
        let session_present = session_present && reason_code == ReasonCode::SUCCESS;
        Packet::Connack(Connack {
            session_present,
            reason_code,
            properties,
        })
    })
}

pub(crate) fn publishes(version: ProtocolVersion) -> impl Strategy<Value = Publish> {
    let flags = (any::<bool>(), qos(), any::<bool>());
    let properties = properties_in(version, PacketType::Publish);
    (
        flags,
        option::weighted(0.8, topic_names()),
        packet_ids(),
        properties,
        payloads(),
    )
        .prop_map(
            move |((dup, qos, retain), topic, packet_id, mut properties, payload)| {
                let topic = match topic {
                    None if !version.is_v5() => Some(TopicName::parse("t").expect("a topic name")),
                    None if !properties.contains(PropertyId::TopicAlias) => {
                        properties.push(&Property::TopicAlias(1)).expect("can be said");
                        None
                    }
                    topic => topic,
                };
                let acknowledged = qos != Qos::AtMostOnce;
                let packet_id = acknowledged.then_some(packet_id);
                PublishParts {
                    dup: dup && acknowledged,
                    qos,
                    retain,
                    topic,
                    packet_id,
                    properties,
                    payload,
                }
                .into()
            },
        )
}

fn acks(version: ProtocolVersion, packet: PacketType) -> impl Strategy<Value = Ack> {
    (
        packet_ids(),
        codes(version, packet),
        properties_in(version, packet),
    )
        .prop_map(|(packet_id, reason_code, properties)| Ack {
            packet_id,
            reason_code,
            properties,
        })
}

fn subscribes(version: ProtocolVersion) -> impl Strategy<Value = Packet> {
    let retain_handling = select(vec![
        RetainHandling::SendAtSubscribe,
        RetainHandling::SendAtSubscribeIfNew,
        RetainHandling::DoNotSend,
    ]);
    let one = (topic_filters(), qos(), any::<(bool, bool)>(), retain_handling).prop_map(
        move |(filter, maximum_qos, (no_local, retain_as_published), retain_handling)| {
            let options = if version.is_v5() {
                let no_local = no_local && !filter.is_shared();
                SubscriptionOptions {
                    maximum_qos,
                    no_local,
                    retain_as_published,
                    retain_handling,
                }
            } else {
                SubscriptionOptions::at_most(maximum_qos)
            };
            (filter, options)
        },
    );
    (
        packet_ids(),
        vec(one, 1..5),
        properties_in(version, PacketType::Subscribe),
    )
        .prop_map(|(packet_id, filters, properties)| {
            Packet::Subscribe(Subscribe {
                packet_id,
                filters: filters.into(),
                properties,
            })
        })
}

fn subacks(version: ProtocolVersion) -> impl Strategy<Value = Packet> {
    let properties = properties_in(version, PacketType::Suback);
    (
        packet_ids(),
        vec(codes(version, PacketType::Suback), 1..6),
        properties,
    )
        .prop_map(|(packet_id, reason_codes, properties)| {
            Packet::Suback(Suback {
                packet_id,
                reason_codes,
                properties,
            })
        })
}

fn unsubscribes(version: ProtocolVersion) -> impl Strategy<Value = Packet> {
    (
        packet_ids(),
        vec(topic_filters(), 1..5),
        properties_in(version, PacketType::Unsubscribe),
    )
        .prop_map(|(packet_id, filters, properties)| {
            Packet::Unsubscribe(Unsubscribe {
                packet_id,
                filters: filters.into(),
                properties,
            })
        })
}

fn unsubacks(version: ProtocolVersion) -> impl Strategy<Value = Packet> {
    let properties = properties_in(version, PacketType::Unsuback);
    (
        packet_ids(),
        vec(codes(version, PacketType::Unsuback), 1..6),
        properties,
    )
        .prop_map(move |(packet_id, mut reason_codes, properties)| {
            if !version.is_v5() {
                reason_codes.clear();
            }
            Packet::Unsuback(Unsuback {
                packet_id,
                reason_codes,
                properties,
            })
        })
}

fn disconnects(version: ProtocolVersion) -> impl Strategy<Value = Packet> {
    (
        codes(version, PacketType::Disconnect),
        properties_in(version, PacketType::Disconnect),
    )
        .prop_map(|(reason_code, properties)| {
            Packet::Disconnect(Disconnect {
                reason_code,
                properties,
            })
        })
}

fn auths() -> impl Strategy<Value = Packet> {
    let version = ProtocolVersion::V5;
    (
        codes(version, PacketType::Auth),
        properties_in(version, PacketType::Auth),
    )
        .prop_map(|(reason_code, mut properties)| {
            if !properties.contains(PropertyId::AuthenticationMethod) {
                properties
                    .push(&Property::AuthenticationMethod("m"))
                    .expect("can be said");
            }
            Packet::Auth(Auth {
                reason_code,
                properties,
            })
        })
}

/// A packet of any type.
pub(crate) fn packets(version: ProtocolVersion) -> BoxedStrategy<Packet> {
    let common = prop_oneof![
        connects(version),
        connacks(version),
        publishes(version).prop_map(Packet::Publish),
        acks(version, PacketType::Puback).prop_map(Packet::Puback),
        acks(version, PacketType::Pubrec).prop_map(Packet::Pubrec),
        acks(version, PacketType::Pubrel).prop_map(Packet::Pubrel),
        acks(version, PacketType::Pubcomp).prop_map(Packet::Pubcomp),
        subscribes(version),
        subacks(version),
        unsubscribes(version),
        unsubacks(version),
        Just(Packet::Pingreq),
        Just(Packet::Pingresp),
        disconnects(version),
    ];
    match version {
        ProtocolVersion::V311 => common.boxed(),
        ProtocolVersion::V5 => prop_oneof![14 => common, 1 => auths()].boxed(),
    }
}
