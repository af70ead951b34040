//! One check for all bytes: a script of packets and garbage in both directions, under a policy, cut in two ways.
//!
//! Used by the property test beside it and by the fuzz target.

use std::{collections::HashMap, sync::Arc};

use hearth_mqtt::{
    Ack, Auth, Bytes, BytesMut, Connack, Connect, Framer, Packet, PacketId, PacketType, Properties, Property,
    PropertyId, ProtocolVersion, PublishParts, Qos, ReasonCode, Role, Suback, Subscribe, SubscriptionOptions,
    TopicFilter, TopicName, Will,
};

use crate::{
    auth::{Permissions, Who},
    config::SecretBytes,
    credentials::Credentials,
    relay::{
        gate::{Gate, Rules},
        held::HeldBytes,
    },
};

const TOPICS: [&str; 6] = ["home/a", "home/b/c", "secret", "user/ada", "reply/tab", "$SYS/x"];

const FILTERS: [&str; 8] = [
    "home/#",
    "#",
    "secret",
    "user/+",
    "$share/g/home/a",
    "$share/g/#",
    "reply/tab",
    "$SYS/#",
];

const MAX_PACKET_BYTES: u32 = 300;

/// Takes bytes as decisions.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn below(&mut self, count: u8) -> u8 {
        self.byte() % count.max(1)
    }

    fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        let at = usize::from(self.byte()) % of.len().max(1);
        of.get(at).copied().unwrap_or("home/a")
    }

    fn raw(&mut self) -> Vec<u8> {
        let len = usize::from(self.below(12));
        (0..len).map(|_| self.byte()).collect()
    }
}

#[derive(Debug)]
enum Step {
    Up(Vec<u8>),
    Down(Vec<u8>),
    Token(u8),
}

/// What both ends saw.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    at_broker: Vec<u8>,
    at_browser: Vec<u8>,
    close: Option<u16>,
    refused: Vec<(&'static str, u64)>,
}

/// Runs a script made from `data`, and checks what came of it.
pub(crate) fn gate(data: &[u8]) {
    let mut choices = Choices(data);
    let version = match choices.flag() {
        true => ProtocolVersion::V5,
        false => ProtocolVersion::V311,
    };
    let permissions = permissions(&mut choices);
    let injects = choices.below(3);
    let cuts: Vec<usize> = (0..4).map(|_| 1 + usize::from(choices.below(7))).collect();
    let steps = script(&mut choices, version);
    let rules = || Rules {
        max_packet_bytes: MAX_PACKET_BYTES,
        max_subscribe_bytes: MAX_PACKET_BYTES,
        user: permissions.is_some().then(|| "ada".to_owned()),
        permissions: permissions.clone(),
        credentials: match injects {
            0 => None,
            1 => Some(Credentials::UserNamePassword {
                user_name: "bridge".to_owned(),
                password: None,
            }),
            _ => Some(token(0)),
        },
        client_ids: None,
        share: Arc::new(HeldBytes::new(usize::MAX)).share(),
    };
    let whole = run(rules(), &steps, &[usize::MAX]);
    let cut = run(rules(), &steps, &cuts);
    assert_eq!(whole, cut, "the cuts {cuts:?} change the outcome");
    let said_disconnect = check_broker(&whole.at_broker, permissions.as_deref(), injects);
    check_browser(&whole.at_browser, version, permissions.as_deref(), injects);
    if !said_disconnect {
        check_untouched(&whole, &steps, injects);
    }
}

fn permissions(choices: &mut Choices<'_>) -> Option<Arc<Permissions>> {
    let lists: [&[&str]; 5] = [
        &[],
        &["#"],
        &["home/#"],
        &["user/%u", "reply/%c"],
        &["home/+", "$SYS/#"],
    ];
    let owned = |at: u8| {
        let list = lists.get(usize::from(at)).copied().unwrap_or_default();
        list.iter().map(|filter| (*filter).to_owned()).collect()
    };
    let (publish, subscribe) = (choices.below(6), choices.below(6));
    (publish < 5).then(|| {
        Arc::new(Permissions {
            publish: owned(publish),
            deny_publish: Vec::new(),
            subscribe: owned(subscribe),
        })
    })
}

fn token(number: u8) -> Credentials {
    Credentials::Enhanced {
        method: "K8S-SAT".to_owned(),
        data: SecretBytes::new([b't', number]),
    }
}

fn script(choices: &mut Choices<'_>, version: ProtocolVersion) -> Vec<Step> {
    let mut steps = Vec::new();
    if choices.below(8) != 0 {
        steps.push(Step::Up(encode(version, &connect(choices, version))));
        steps.push(Step::Down(encode(version, &connack(choices, version))));
    }
    while !choices.0.is_empty() && steps.len() < 64 {
        steps.push(match choices.below(9) {
            0..=3 => Step::Up(up(choices, version)),
            4..=6 => Step::Down(down(choices, version)),
            7 => Step::Token(choices.below(4)),
            _ if choices.flag() => Step::Up(choices.raw()),
            _ => Step::Down(choices.raw()),
        });
    }
    steps
}

fn up(choices: &mut Choices<'_>, version: ProtocolVersion) -> Vec<u8> {
    let id = id(choices);
    let packet = match choices.below(12) {
        0..=3 => publish(choices, version),
        4..=6 => {
            let filters = 1 + choices.below(4);
            Packet::Subscribe(Subscribe {
                packet_id: id,
                filters: (0..filters)
                    .filter_map(|_| TopicFilter::parse(choices.one(&FILTERS)).ok())
                    .map(|filter| (filter, SubscriptionOptions::default()))
                    .collect(),
                properties: Properties::new(),
            })
        }
        7 => Packet::Pubrel(ack(id)),
        8 => Packet::Pingreq,
        9 => Packet::Puback(ack(id)),
        10 => auth(choices),
        _ => connect(choices, version),
    };
    encode(version, &packet)
}

fn down(choices: &mut Choices<'_>, version: ProtocolVersion) -> Vec<u8> {
    let id = id(choices);
    let packet = match choices.below(10) {
        0..=4 => publish(choices, version),
        5 => {
            let codes = 1 + choices.below(4);
            Packet::Suback(Suback {
                packet_id: id,
                reason_codes: (0..codes).map(|_| ReasonCode(choices.below(3))).collect(),
                properties: Properties::new(),
            })
        }
        6 => Packet::Pubrel(ack(id)),
        7 => Packet::Pingresp,
        8 => auth(choices),
        _ => connack(choices, version),
    };
    encode(version, &packet)
}

fn encode(version: ProtocolVersion, packet: &Packet) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    // What the version cannot say is left out.
    let _encoded = packet.encode(version, &mut bytes);
    bytes.to_vec()
}

fn id(choices: &mut Choices<'_>) -> PacketId {
    PacketId::new(1 + u16::from(choices.below(3))).unwrap_or(PacketId::FIRST)
}

fn ack(packet_id: PacketId) -> Ack {
    Ack {
        packet_id,
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::new(),
    }
}

fn auth(choices: &mut Choices<'_>) -> Packet {
    let codes = [
        ReasonCode::SUCCESS,
        ReasonCode::CONTINUE_AUTHENTICATION,
        ReasonCode::REAUTHENTICATE,
    ];
    let at = usize::from(choices.below(3));
    let properties = [
        Property::AuthenticationMethod("K8S-SAT"),
        Property::AuthenticationData(b"foreign"),
    ];
    Packet::Auth(Auth {
        reason_code: codes.get(at).copied().unwrap_or(ReasonCode::SUCCESS),
        properties: Properties::of(&properties).unwrap_or_default(),
    })
}

fn connect(choices: &mut Choices<'_>, version: ProtocolVersion) -> Packet {
    let mut properties = Properties::new();
    if version.is_v5() {
        if choices.below(6) == 0 {
            let _added = properties.push(&Property::MaximumPacketSize(10 + u32::from(choices.byte())));
        }
        if choices.below(12) == 0 {
            let _added = properties.push(&Property::AuthenticationMethod("OTHER"));
        }
    }
    let will = (choices.below(3) == 0).then(|| choices.one(&TOPICS));
    Packet::Connect(Box::new(Connect {
        version,
        clean_start: true,
        keep_alive: u16::from(choices.below(2)),
        client_id: if choices.flag() { "tab".into() } else { "".into() },
        will: will
            .and_then(|topic| TopicName::parse(topic).ok())
            .map(|topic| Will {
                topic,
                payload: Bytes::from_static(b"w"),
                qos: Qos::AtMostOnce,
                retain: false,
                properties: Properties::new(),
            }),
        username: choices.flag().then(|| "mallory".into()),
        password: None,
        properties,
    }))
}

fn connack(choices: &mut Choices<'_>, version: ProtocolVersion) -> Packet {
    let mut properties = Properties::new();
    if version.is_v5() && choices.flag() {
        let _added = properties.extend(&[
            Property::AuthenticationMethod("K8S-SAT"),
            Property::AssignedClientIdentifier("tab"),
        ]);
    }
    Packet::Connack(Connack {
        session_present: false,
        reason_code: match choices.below(10) {
            0 => ReasonCode::NOT_AUTHORIZED,
            _ => ReasonCode::SUCCESS,
        },
        properties,
    })
}

fn publish(choices: &mut Choices<'_>, version: ProtocolVersion) -> Packet {
    let alias = (version.is_v5() && choices.flag()).then(|| 1 + u16::from(choices.below(3)));
    let named = alias.is_none() || choices.flag();
    let topic = choices.one(&TOPICS);
    let qos = match choices.below(3) {
        0 => Qos::AtMostOnce,
        1 => Qos::AtLeastOnce,
        _ => Qos::ExactlyOnce,
    };
    let id = id(choices);
    let payload = vec![b'p'; usize::from(choices.below(200))];
    let properties: Vec<_> = alias.map(Property::TopicAlias).into_iter().collect();
    Packet::Publish(
        PublishParts {
            dup: false,
            qos,
            retain: false,
            topic: named.then(|| TopicName::parse(topic).ok()).flatten(),
            packet_id: (qos != Qos::AtMostOnce).then_some(id),
            properties: Properties::of(&properties).unwrap_or_default(),
            payload: payload.into(),
        }
        .into(),
    )
}

fn run(rules: Rules, steps: &[Step], cuts: &[usize]) -> Seen {
    let mut gate = Gate::new(rules);
    let mut seen = Seen::default();
    let mut cuts = cuts.iter().cycle();
    'steps: for step in steps {
        let (bytes, is_up) = match step {
            Step::Up(bytes) => (bytes, true),
            Step::Down(bytes) => (bytes, false),
            Step::Token(number) => {
                gate.handle_credentials(token(*number));
                seen.at_broker.extend(gate.take_for_broker());
                continue;
            }
        };
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let cut = cuts.next().copied().unwrap_or(usize::MAX).min(rest.len());
            let (piece, tail) = rest.split_at(cut);
            rest = tail;
            let (passed, result) = match is_up {
                true => gate.handle_browser(piece),
                false => gate.handle_broker(piece),
            };
            let other = match is_up {
                true => &mut seen.at_broker,
                false => &mut seen.at_browser,
            };
            other.extend_from_slice(piece.get(..passed.unchanged).unwrap_or_default());
            other.extend(passed.rest);
            seen.at_browser.extend(gate.take_for_browser());
            seen.at_broker.extend(gate.take_for_broker());
            if let Err(close) = result {
                seen.close = Some(close.code);
                break 'steps;
            }
        }
    }
    seen.refused = gate
        .take_refusals()
        .map(|(refusal, count)| (refusal.label(), count))
        .collect();
    seen
}

/// Nothing reaches the broker but whole packets, no message or filter that is not allowed, and nothing behind DISCONNECT. Says whether
/// there was one.
fn check_broker(bytes: &[u8], permissions: Option<&Permissions>, injects: u8) -> bool {
    let mut framer = Framer::new(u32::MAX);
    framer.push(Bytes::copy_from_slice(bytes));
    let (mut who, mut version, mut topics) = (String::new(), None, HashMap::new());
    let mut said_disconnect = false;
    while let Ok(Some(frame)) = framer.poll_frame() {
        assert!(!said_disconnect, "a packet behind DISCONNECT");
        said_disconnect = frame.header.packet_type() == Some(PacketType::Disconnect);
        let version = *version.get_or_insert_with(|| {
            Connect::version_of(&frame).unwrap_or_else(|| panic!("CONNECT comes first, not {frame:?}"))
        });
        let Ok(packet) = Packet::decode(version, Role::Server, frame) else {
            assert!(permissions.is_none(), "a malformed packet was passed on");
            continue;
        };
        let allowed = |what: &str| {
            let client_ids = [who.as_str(), "tab"];
            permissions.is_none_or(|permissions| {
                client_ids.iter().any(|client_id| {
                    permissions.may_publish(
                        what,
                        Who {
                            user_name: Some("ada"),
                            client_id,
                        },
                    )
                })
            })
        };
        match packet {
            Packet::Connect(connect) => {
                if let Some(will) = &connect.will {
                    assert!(allowed(will.topic.as_str()), "a will on {}", will.topic);
                }
                if injects > 0 {
                    assert_ne!(connect.username.as_deref(), Some("mallory"));
                }
                who = connect.client_id.to_string();
            }
            Packet::Publish(publish) => {
                let alias = match publish.properties().find(PropertyId::TopicAlias) {
                    Some(Property::TopicAlias(alias)) => Some(alias),
                    _ => None,
                };
                let topic = match publish.topic() {
                    Some(topic) => topic.to_owned(),
                    None => match alias.and_then(|alias| topics.get(&alias)) {
                        Some(topic) => String::clone(topic),
                        None if permissions.is_none() => continue,
                        None => panic!("a PUBLISH without a topic"),
                    },
                };
                assert!(allowed(&topic), "a message on {topic}");
                if let Some(alias) = alias {
                    topics.insert(alias, topic);
                }
            }
            Packet::Subscribe(subscribe) => check_filters(&subscribe, permissions, &who),
            Packet::Auth(auth) if injects > 0 => {
                let data = auth.properties.find(PropertyId::AuthenticationData);
                assert_ne!(data, Some(Property::AuthenticationData(b"foreign")));
            }
            _ => {}
        }
    }
    assert!(framer.is_empty(), "half a packet at the broker");
    said_disconnect
}

fn check_filters(subscribe: &Subscribe, permissions: Option<&Permissions>, who: &str) {
    let Some(permissions) = permissions else {
        return;
    };
    for (filter, _) in subscribe.filters.iter() {
        let allowed = [who, "tab"].iter().any(|client_id| {
            let who = Who {
                user_name: Some("ada"),
                client_id,
            };
            permissions.may_subscribe(filter.matched_part(), who)
        });
        assert!(allowed, "a subscription to {filter}");
    }
}

/// Nothing reaches the browser that it may not read. A broker's stream may be garbage: it is checked as far as it can be read.
fn check_browser(bytes: &[u8], version: ProtocolVersion, permissions: Option<&Permissions>, injects: u8) {
    let mut framer = Framer::new(u32::MAX);
    framer.push(Bytes::copy_from_slice(bytes));
    let mut topics = HashMap::new();
    while let Ok(Some(packet)) = framer.poll_packet(version, Role::Client) {
        match packet {
            Packet::Publish(publish) => {
                let Some(permissions) = permissions else {
                    continue;
                };
                let alias = match publish.properties().find(PropertyId::TopicAlias) {
                    Some(Property::TopicAlias(alias)) => Some(alias),
                    _ => None,
                };
                let topic = match publish.topic() {
                    Some(topic) => topic.to_owned(),
                    None => alias
                        .and_then(|alias| topics.get(&alias))
                        .cloned()
                        .unwrap_or_else(|| panic!("an alias that the browser does not know")),
                };
                let allowed = ["", "tab"].iter().any(|client_id| {
                    permissions.may_receive(
                        &topic,
                        Who {
                            user_name: Some("ada"),
                            client_id,
                        },
                    )
                });
                assert!(allowed, "a message on {topic}");
                if let Some(alias) = alias {
                    topics.insert(alias, topic);
                }
            }
            Packet::Auth(_) => assert_eq!(injects, 0, "AUTH for a browser that named no method"),
            Packet::Connack(connack) => assert!(
                injects == 0 || !connack.properties.contains(PropertyId::AuthenticationMethod),
                "the bridge's method in CONNACK"
            ),
            _ => {}
        }
    }
}

/// Where nothing is refused and nothing injected, every byte arrives as it was sent.
fn check_untouched(seen: &Seen, steps: &[Step], injects: u8) {
    if injects > 0 || !seen.refused.is_empty() || seen.close.is_some() {
        return;
    }
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Up(bytes) => up.extend_from_slice(bytes),
            Step::Down(bytes) => down.extend_from_slice(bytes),
            Step::Token(_) => return,
        }
    }
    assert!(up.starts_with(&seen.at_broker));
    assert!(
        up.len() - seen.at_broker.len() <= MAX_PACKET_BYTES as usize,
        "too much is held"
    );
    assert!(down.starts_with(&seen.at_browser));
}
