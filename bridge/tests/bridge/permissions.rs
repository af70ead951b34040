//! What users may do, with a real broker behind the bridge.

use hearth::server::Server;
use hearth_model::api::close;
use hearth_mqtt::{
    Ack, Disconnect, Packet, Properties, Property, ProtocolVersion, Qos, ReasonCode, TopicName, Will,
};

use tokio::time::{Duration, Instant};

use crate::{
    http,
    mosquitto::Mosquitto,
    mqtt::{Client, connect_as, publish, subscribe},
    running::bridge_to,
    websocket::{Browser, open_with},
};

const BOTH: [ProtocolVersion; 2] = [ProtocolVersion::V311, ProtocolVersion::V5];

const ROLES: &str = r##"
auth.mode = "proxy"
auth.role_header = "X-Forwarded-Role"
auth.metrics_from = ["127.0.0.1"]
access.trusted_proxies = ["127.0.0.1"]
auth.roles.viewer = { publish = ["presence/%u"], subscribe = ["home/#", "presence/#", "reply/%c/+"] }
auth.roles.operator = { publish = ["home/+/set", "presence/%u"], subscribe = ["home/#", "presence/#", "alarm"] }
"##;

struct House {
    bridge: Server,
    _mosquitto: Mosquitto,
}

impl House {
    async fn open() -> Self {
        let mosquitto = Mosquitto::start();
        Self {
            bridge: bridge_to(mosquitto.address(), ROLES).await,
            _mosquitto: mosquitto,
        }
    }

    async fn browser(&self, user: &str, role: &str) -> Browser {
        let headers = [("X-Forwarded-User", user), ("X-Forwarded-Role", role)];
        open_with(self.bridge.address(), "/mqtt", &headers).await
    }

    /// Connected, with an empty session.
    async fn client(&self, version: ProtocolVersion, user: &str, role: &str) -> Client {
        let mut client = Client::new(self.browser(user, role).await, version);
        client.send(&connect_as(version, user, None)).await;
        assert_eq!(client.connack().await, ReasonCode::SUCCESS);
        client
    }

    /// Connected with a client id that several people use, one after the other, and a session that outlives them.
    async fn resumed(&self, version: ProtocolVersion, user: &str, role: &str) -> Client {
        let Packet::Connect(mut connect) = connect_as(version, "shared-id", None) else {
            panic!("no CONNECT")
        };
        connect.clean_start = false;
        if version.is_v5() {
            let expiry = Property::SessionExpiryInterval(600);
            connect.properties.push(&expiry).unwrap();
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let mut client = Client::new(self.browser(user, role).await, version);
            client.send(&Packet::Connect(connect.clone())).await;
            match client.connack().await {
                ReasonCode::SUCCESS => return client,
                // The WebSocket of the one before is not over yet.
                ReasonCode::CLIENT_IDENTIFIER_NOT_VALID if Instant::now() < deadline => {}
                code => panic!("{user}: {code}"),
            }
        }
    }

    async fn refused(&self, kind: &str) -> u64 {
        let metrics = http::get(self.bridge.address(), "/metrics", &[]).await.text();
        let name = format!("hearth_relay_refused_total{{kind=\"{kind}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
        line.map_or(0, |count| count.parse().unwrap())
    }
}

#[tokio::test]
async fn messages_reach_the_broker_only_where_the_role_allows_it() {
    let house = House::open().await;
    let mut witness = house.client(ProtocolVersion::V5, "ada", "admin").await;
    witness.subscribe("#").await;
    for version in BOTH {
        for (role, allowed) in [
            ("viewer", &["presence/eve"][..]),
            ("operator", &["home/lamp/set", "presence/eve"]),
            (
                "admin",
                &[
                    "home/lamp/set",
                    "home/lamp",
                    "presence/eve",
                    "presence/ada",
                    "alarm",
                ],
            ),
        ] {
            let mut client = house.client(version, "eve", role).await;
            for topic in ["home/lamp/set", "home/lamp", "presence/ada", "alarm"] {
                for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
                    let is_allowed = allowed.contains(&topic);
                    client.send(&Packet::Publish(publish(topic, b"x", qos))).await;
                    check_answer(&mut client, version, qos, is_allowed).await;
                    // Everybody may say that they are there: what was let in before comes before it.
                    let marker = Packet::Publish(publish("presence/eve", b"here", Qos::AtMostOnce));
                    client.send(&marker).await;
                    let case = format!("{role} {version} {topic} {qos:?}");
                    if is_allowed {
                        assert_eq!(witness.message().await.0, topic, "{case}");
                    }
                    assert_eq!(
                        witness.message().await,
                        ("presence/eve".into(), b"here".to_vec()),
                        "{case}"
                    );
                }
            }
        }
    }
    // Viewer: 4 topics; operator: 3; 3 QoS; 2 versions.
    assert_eq!(house.refused("publish").await, (4 + 3) * 3 * 2);
}

#[tokio::test]
async fn what_belongs_to_the_home_is_asked_of_zigbee2mqtt_by_admins_only_unless_operators_may() {
    const USERS: &str = r##"
auth.mode = "proxy"
auth.role_header = "X-Forwarded-Role"
access.trusted_proxies = ["127.0.0.1"]
"##;
    let asked = [
        "zigbee2mqtt/bridge/request/permit_join",
        "upstairs/zigbee2mqtt/bridge/request/device/remove",
        "zigbee2mqtt/bridge/config/permit_join",
    ];
    for (more, is_allowed) in [("", false), ("auth.roles.operator = { deny_publish = [] }", true)] {
        let mosquitto = Mosquitto::start();
        let house = House {
            bridge: bridge_to(mosquitto.address(), &format!("{USERS}{more}\n")).await,
            _mosquitto: mosquitto,
        };
        let mut witness = house.client(ProtocolVersion::V5, "ada", "admin").await;
        witness.subscribe("#").await;
        for version in BOTH {
            let mut operator = house.client(version, "otto", "operator").await;
            let mut admin = house.client(version, "max", "admin").await;
            for topic in asked {
                let request = || Packet::Publish(publish(topic, b"{}", Qos::AtLeastOnce));
                operator.send(&request()).await;
                check_answer(&mut operator, version, Qos::AtLeastOnce, is_allowed).await;
                if is_allowed {
                    assert_eq!(witness.message().await.0, topic, "{version} {more}");
                }
                admin.send(&request()).await;
                check_answer(&mut admin, version, Qos::AtLeastOnce, true).await;
                assert_eq!(witness.message().await.0, topic, "{version} {more}");
            }
            // What goes on in the home is theirs.
            let lamp = publish("zigbee2mqtt/lamp/set", b"ON", Qos::AtLeastOnce);
            operator.send(&Packet::Publish(lamp)).await;
            check_answer(&mut operator, version, Qos::AtLeastOnce, true).await;
            assert_eq!(witness.message().await.0, "zigbee2mqtt/lamp/set");
        }
    }
}

async fn check_answer(client: &mut Client, version: ProtocolVersion, qos: Qos, allowed: bool) {
    let code = |packet_code: ReasonCode| {
        let refused = version.is_v5() && !allowed;
        assert_eq!(
            packet_code == ReasonCode::NOT_AUTHORIZED,
            refused,
            "{packet_code:?}"
        );
        refused
    };
    match qos {
        Qos::AtMostOnce => {}
        Qos::AtLeastOnce => match client.receive().await {
            Packet::Puback(ack) => {
                code(ack.reason_code);
            }
            other => panic!("{other:?}"),
        },
        Qos::ExactlyOnce => match client.receive().await {
            Packet::Pubrec(ack) if code(ack.reason_code) => {}
            Packet::Pubrec(ack) => {
                let pubrel = Ack {
                    packet_id: ack.packet_id,
                    reason_code: ReasonCode::SUCCESS,
                    properties: Properties::new(),
                };
                client.send(&Packet::Pubrel(pubrel)).await;
                assert!(matches!(client.receive().await, Packet::Pubcomp(_)));
            }
            other => panic!("{other:?}"),
        },
    }
}

#[tokio::test]
async fn filters_are_granted_one_by_one_and_however_the_packet_is_cut() {
    let house = House::open().await;
    for version in BOTH {
        let no = if version.is_v5() { 0x87 } else { 0x80 };
        let asked = [
            "#",
            "home/lamp",
            "alarm",
            "home/#",
            "$SYS/#",
            "+/lamp",
            "$share/g/#",
        ];
        for (role, expected) in [
            ("viewer", [no, 1, no, 1, no, no, no]),
            ("operator", [no, 1, 1, 1, no, no, no]),
            ("admin", [1, 1, 1, 1, 1, 1, 1]),
        ] {
            for pieces in [1, 7, 1_000] {
                let mut client = house.client(version, "eve", role).await;
                let bytes = client.encode(&subscribe(&asked, Qos::AtLeastOnce));
                for piece in bytes.chunks(pieces) {
                    client.send_bytes(piece).await;
                }
                let Packet::Suback(suback) = client.receive().await else {
                    panic!("no SUBACK")
                };
                let codes: Vec<_> = suback.reason_codes.iter().map(|code| code.0).collect();
                assert_eq!(codes, expected, "{role} {version} in pieces of {pieces}");
            }
        }
    }
}

#[tokio::test]
async fn what_a_resumed_session_brings_is_judged_and_does_not_come_again() {
    let house = House::open().await;
    for version in BOTH {
        let mut ada = house.resumed(version, "ada", "admin").await;
        ada.send(&subscribe(&["home/#", "secret/#"], Qos::ExactlyOnce))
            .await;
        assert!(matches!(ada.receive().await, Packet::Suback(_)));
        ada.send(&Packet::Disconnect(Disconnect::with_reason(ReasonCode::SUCCESS)))
            .await;
        ada.closed().await;
        drop(ada);

        let mut sender = house.client(version, "bob", "admin").await;
        for (topic, qos) in [
            ("secret/1", Qos::AtLeastOnce),
            ("home/1", Qos::AtLeastOnce),
            ("secret/2", Qos::ExactlyOnce),
            ("home/2", Qos::AtLeastOnce),
        ] {
            sender.send(&Packet::Publish(publish(topic, b"x", qos))).await;
            check_answer(&mut sender, version, qos, true).await;
        }

        let before = house.refused("receive").await;
        let mut vic = house.resumed(version, "vic", "viewer").await;
        for expected in ["home/1", "home/2"] {
            assert_eq!(vic.message().await.0, expected, "{version}");
        }
        assert_eq!(house.refused("receive").await - before, 2);
        vic.send(&Packet::Disconnect(Disconnect::with_reason(ReasonCode::SUCCESS)))
            .await;
        vic.closed().await;
        drop(vic);

        // Nothing of it waits for the next one who has the session.
        let mut ada = house.resumed(version, "ada", "admin").await;
        sender
            .send(&Packet::Publish(publish("secret/3", b"x", Qos::AtMostOnce)))
            .await;
        assert_eq!(ada.message().await.0, "secret/3", "{version}");
        // The session is ended for the other version.
        let mut clean = Client::new(house.browser("ada", "admin").await, version);
        clean.send(&connect_as(version, "shared-id", None)).await;
        assert_eq!(clean.connack().await, ReasonCode::SUCCESS);
    }
}

#[tokio::test]
async fn wills_and_client_ids_of_others_are_refused_in_connack() {
    let house = House::open().await;
    for version in BOTH {
        let Packet::Connect(mut connect) = connect_as(version, "vic", None) else {
            panic!("no CONNECT")
        };
        connect.will = Some(Will {
            topic: TopicName::parse("home/lamp/set").unwrap(),
            payload: "on".into(),
            qos: Qos::AtMostOnce,
            retain: false,
            properties: Properties::new(),
        });
        let mut vic = Client::new(house.browser("vic", "viewer").await, version);
        vic.send(&Packet::Connect(connect)).await;
        assert_eq!(vic.connack().await, ReasonCode::NOT_AUTHORIZED);
        let (code, reason) = vic.closed().await;
        assert_eq!(code, close::NOT_AUTHORIZED);
        assert_eq!(reason, "you may not leave a will on \"home/lamp/set\"");

        let ada = house.client(version, "ada", "admin").await;
        let mut vic = Client::new(house.browser("vic", "viewer").await, version);
        vic.send(&connect_as(version, "ada", None)).await;
        assert_eq!(vic.connack().await, ReasonCode::CLIENT_IDENTIFIER_NOT_VALID);
        assert_eq!(vic.closed().await.0, close::CLIENT_ID_IN_USE);
        drop(ada);
    }
    assert_eq!(
        (house.refused("will").await, house.refused("client_id").await),
        (2, 2)
    );
}

#[tokio::test]
async fn a_malformed_packet_ends_the_connection_and_no_other() {
    let house = House::open().await;
    let mut other = house.client(ProtocolVersion::V5, "bob", "viewer").await;
    let mut eve = house.client(ProtocolVersion::V5, "eve", "viewer").await;
    eve.send_bytes(&[0x36, 6, 0, 1, b'a', 0, 1, 0]).await;
    let last = eve.receive().await;
    assert!(
        matches!(&last, Packet::Disconnect(last) if last.reason_code == ReasonCode::MALFORMED_PACKET),
        "{last:?}"
    );
    assert_eq!(eve.closed().await.0, close::BAD_PACKET);
    assert_eq!(house.refused("bad_packet").await, 1);
    other.subscribe("home/#").await;
}
