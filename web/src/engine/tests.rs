//! The core against a scripted server, in virtual time.

use bytes::{Bytes, BytesMut};
use hearth_mqtt::{
    Ack, Connack, Framer, MonoTime, Packet, Properties, ProtocolVersion, Publish, Qos, ReasonCode, Role,
    Suback, TopicName,
};

use super::{
    core::Engine,
    input::{Call, Environment, Findings, Input, Now},
};
use crate::wire::{
    Action, Command, ConnectionOptions, ConnectionState, ConnectionView, ControlState, DeviceCard,
    EntityValue, Frame, Outcome, Patch, ProblemKind, Publication, TreeWindow, Version, View,
};

const URL: &str = "ws://broker:9001/mqtt";
const WALL_AT_ZERO_MS: u64 = 1_700_000_000_000;

/// An engine, the page that paints all it gets, and a server that does what it is told.
struct Bench {
    engine: Engine,
    ms: u64,
    version: ProtocolVersion,
    framer: Framer,
    patches: Vec<Patch>,
    calls: Vec<Call>,
}

impl Bench {
    fn new() -> Self {
        let engine = Engine::new(Environment::default());
        let framer = Framer::new(1024 * 1024);
        let mut bench = Self {
            engine,
            ms: 0,
            version: ProtocolVersion::V5,
            framer,
            patches: vec![],
            calls: vec![],
        };
        bench.input(Input::Tick);
        bench
    }

    fn connected() -> Self {
        let mut bench = Self::new();
        bench.command(Command::Connect(Box::new(options())));
        bench.input(Input::Opened);
        bench.answer_connect(ReasonCode::SUCCESS);
        bench
    }

    fn now(&self) -> Now {
        Now {
            mono: MonoTime::from_ms(self.ms),
            wall_ms: WALL_AT_ZERO_MS + self.ms,
            random: u32::MAX,
        }
    }

    fn input(&mut self, input: Input) {
        self.engine.handle(self.now(), input);
        self.calls.extend(std::iter::from_fn(|| self.engine.poll_call()));
        self.paint();
    }

    fn paint(&mut self) {
        while let Some(frame) = self.engine.poll_frame(self.now()) {
            let frame: Frame = postcard::from_bytes(&frame).unwrap();
            self.patches.extend(frame.patches);
            self.engine
                .handle(self.now(), Input::Command(Box::new(Command::Painted)));
        }
    }

    fn command(&mut self, command: Command) {
        self.input(Input::Command(Box::new(command)));
    }

    /// Lets time pass, with every timer in its time.
    fn wait(&mut self, ms: u64) {
        let until = self.ms + ms;
        while let Some(at) = self.engine.poll_timeout().filter(|at| at.ms <= until) {
            self.ms = self.ms.max(at.ms);
            let before = self.engine.poll_timeout();
            self.input(Input::Tick);
            assert_ne!(
                (before, self.ms),
                (self.engine.poll_timeout(), at.ms.saturating_sub(1)),
                "the engine spins"
            );
        }
        self.ms = until;
        self.input(Input::Tick);
    }

    /// Everything the client sent since the last call.
    fn sent(&mut self) -> Vec<Packet> {
        while let Some(bytes) = self.engine.poll_transmit() {
            self.framer.push(bytes);
        }
        let mut packets = vec![];
        while let Some(frame) = self.framer.poll_frame().unwrap() {
            packets.push(Packet::decode(self.version, Role::Server, frame).unwrap());
        }
        packets
    }

    fn send(&mut self, packet: &Packet) {
        let mut bytes = BytesMut::new();
        packet.encode(self.version, &mut bytes).unwrap();
        self.input(Input::Bytes(bytes.freeze()));
    }

    fn answer_connect(&mut self, reason_code: ReasonCode) {
        let sent = self.sent();
        assert!(matches!(sent.as_slice(), [Packet::Connect(_)]), "{sent:?}");
        self.send(&Packet::Connack(Connack {
            session_present: false,
            reason_code,
            properties: Properties::new(),
        }));
    }

    fn publish(&mut self, topic: &str, payload: &str) {
        let publish = Publish {
            dup: false,
            qos: Qos::AtMostOnce,
            retain: false,
            topic: Some(TopicName::parse(topic).unwrap()),
            packet_id: None,
            properties: Properties::new(),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
        };
        self.send(&Packet::Publish(publish));
    }

    fn close(&mut self, code: u16, reason: &str) {
        self.input(Input::Closed {
            code,
            reason: reason.to_owned(),
        });
    }

    /// What is known of the connection from the patches.
    fn connection(&self) -> ConnectionView {
        let views = self.patches.iter().rev().filter_map(|patch| match patch {
            Patch::Connection(view) => Some(view.clone()),
            _ => None,
        });
        views.into_iter().next().unwrap()
    }

    fn problem(&self) -> (ConnectionState, Option<ProblemKind>) {
        let view = self.connection();
        (view.state, view.problem.map(|problem| problem.kind))
    }

    fn cards(&self) -> Vec<&DeviceCard> {
        self.patches
            .iter()
            .filter_map(|patch| {
                if let Patch::Card(card) = patch {
                    Some(&**card)
                } else {
                    None
                }
            })
            .collect()
    }
}

fn options() -> ConnectionOptions {
    ConnectionOptions {
        url: URL.into(),
        client_id: "hearth-test".into(),
        ..ConnectionOptions::default()
    }
}

fn publication(qos: u8) -> Command {
    let message = Publication {
        topic: "a".into(),
        payload: b"1".to_vec(),
        qos,
        ..Publication::default()
    };
    Command::Publish { request: 7, message }
}

#[test]
fn the_first_frame_says_that_there_is_no_connection() {
    let bench = Bench::new();
    assert_eq!(bench.connection().state, ConnectionState::None);
}

#[test]
fn a_connection_subscribes_to_everything_and_to_sys() {
    let mut bench = Bench::connected();
    assert_eq!(bench.connection().state, ConnectionState::Connected);
    let mut filters = vec![];
    for packet in bench.sent() {
        let Packet::Subscribe(subscribe) = packet else {
            panic!("{packet:?}")
        };
        filters.extend(
            subscribe
                .filters
                .iter()
                .map(|(filter, _)| filter.as_str().to_owned()),
        );
    }
    assert_eq!(filters, ["#", "$SYS/#"]);
}

#[test]
fn a_refused_filter_is_shown_on_that_filter() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Subscriptions));
    let ids: Vec<_> = bench
        .sent()
        .into_iter()
        .filter_map(|packet| {
            if let Packet::Subscribe(s) = packet {
                Some(s.packet_id)
            } else {
                None
            }
        })
        .collect();
    for (packet_id, code) in ids
        .into_iter()
        .zip([ReasonCode::SUCCESS, ReasonCode::NOT_AUTHORIZED])
    {
        bench.send(&Packet::Suback(Suback {
            packet_id,
            reason_codes: vec![code],
            properties: Properties::new(),
        }));
    }
    let Some(Patch::Subscriptions(views)) = bench
        .patches
        .iter()
        .rfind(|patch| matches!(patch, Patch::Subscriptions(_)))
    else {
        panic!("no subscriptions")
    };
    let results: Vec<_> = views
        .iter()
        .map(|view| (view.result.as_str(), view.refused))
        .collect();
    assert_eq!(
        results,
        [("granted QoS 0", false), ("refused: not authorized", true)]
    );
}

#[test]
fn wrong_credentials_stop_and_are_not_tried_again() {
    let mut bench = Bench::new();
    bench.command(Command::Connect(Box::new(options())));
    bench.input(Input::Opened);
    bench.answer_connect(ReasonCode::BAD_USER_NAME_OR_PASSWORD);
    assert_eq!(
        bench.problem(),
        (ConnectionState::Down, Some(ProblemKind::Credentials))
    );
    bench.wait(120_000);
    assert_eq!(bench.calls, [Call::Dial(URL.into()), Call::HangUp]);
}

#[test]
fn a_refusal_of_a_3_1_1_server_says_credentials_too() {
    let mut bench = Bench::new();
    bench.version = ProtocolVersion::V311;
    bench.command(Command::Connect(Box::new(ConnectionOptions {
        version: Version::V311,
        ..options()
    })));
    bench.input(Input::Opened);
    bench.answer_connect(ReasonCode::NOT_AUTHORIZED);
    assert_eq!(
        bench.problem(),
        (ConnectionState::Down, Some(ProblemKind::Credentials))
    );
}

#[test]
fn nobody_there_and_a_wrong_path_are_told_apart() {
    for (answers_http, works_at_path, kind) in [
        (false, None, ProblemKind::Unreachable),
        (true, None, ProblemKind::WrongPath),
        (true, Some("/ws".to_owned()), ProblemKind::WrongPath),
    ] {
        let mut bench = Bench::new();
        bench.command(Command::Connect(Box::new(options())));
        bench.close(1006, "");
        assert_eq!(
            bench.connection().state,
            ConnectionState::Connecting,
            "the reason is looked for first"
        );
        assert_eq!(bench.calls.last(), Some(&Call::Probe(URL.into())));
        let findings = Findings {
            url: URL.into(),
            answers_http,
            works_at_path: works_at_path.clone(),
            ..Findings::default()
        };
        bench.input(Input::Probed(findings));
        assert_eq!(bench.problem(), (ConnectionState::Waiting, Some(kind)));
        if let Some(path) = works_at_path {
            assert!(bench.connection().problem.unwrap().what_to_do.contains(&path));
        }
    }
}

#[test]
fn a_websocket_that_hangs_is_given_up_after_ten_seconds() {
    let mut bench = Bench::new();
    bench.command(Command::Connect(Box::new(options())));
    bench.wait(9_999);
    assert_eq!(bench.problem(), (ConnectionState::Connecting, None));
    bench.wait(1);
    assert_eq!(
        bench.problem(),
        (ConnectionState::Waiting, Some(ProblemKind::Unreachable))
    );
}

#[test]
fn a_silent_server_is_not_a_broker() {
    let mut bench = Bench::new();
    bench.command(Command::Connect(Box::new(options())));
    bench.input(Input::Opened);
    bench.wait(10_000);
    assert_eq!(
        bench.problem(),
        (ConnectionState::Waiting, Some(ProblemKind::NotMqtt))
    );
}

#[test]
fn the_bridge_says_why_it_closed() {
    let mut bench = Bench::new();
    bench.command(Command::Connect(Box::new(options())));
    bench.input(Input::Opened);
    bench.close(4502, "connection refused");
    let problem = bench.connection().problem.unwrap();
    assert_eq!(problem.kind, ProblemKind::BrokerUnreachable);
    assert!(problem.how_we_know.contains("connection refused"));
}

#[test]
fn a_lost_connection_is_tried_again_for_ever_with_a_countdown() {
    let mut bench = Bench::connected();
    bench.close(1006, "");
    assert_eq!(
        bench.problem(),
        (ConnectionState::Waiting, Some(ProblemKind::NetworkClosed))
    );
    assert_eq!(
        bench.connection().next_try_at,
        Some(WALL_AT_ZERO_MS + bench.ms + 1_000)
    );
    for _ in 0..50 {
        bench.calls.clear();
        bench.wait(30_000);
        assert!(bench.calls.contains(&Call::Dial(URL.into())));
        bench.close(1006, "");
    }
    assert!(bench.connection().failed_tries > 50);
}

#[test]
fn the_page_coming_back_does_not_wait_for_the_backoff() {
    let mut bench = Bench::connected();
    bench.close(1006, "");
    bench.calls.clear();
    bench.command(Command::Wake);
    assert_eq!(bench.calls, [Call::Dial(URL.into())]);
    assert_eq!(bench.connection().state, ConnectionState::Connecting);
}

#[test]
fn waking_does_not_undo_the_users_disconnect() {
    let mut bench = Bench::connected();
    bench.command(Command::Disconnect);
    assert!(matches!(bench.sent().last(), Some(Packet::Disconnect(_))));
    bench.command(Command::Wake);
    assert_eq!(bench.problem(), (ConnectionState::Down, None));
    assert_eq!(bench.calls.last(), Some(&Call::HangUp));
}

#[test]
fn a_taken_over_session_stops_and_explains() {
    let mut bench = Bench::connected();
    let disconnect = hearth_mqtt::Disconnect {
        reason_code: ReasonCode::SESSION_TAKEN_OVER,
        properties: Properties::new(),
    };
    bench.send(&Packet::Disconnect(disconnect));
    assert_eq!(
        bench.problem(),
        (ConnectionState::Down, Some(ProblemKind::TakenOver))
    );
}

#[test]
fn four_instant_losses_in_a_row_look_like_a_second_client_in_3_1_1() {
    let mut bench = Bench::new();
    bench.version = ProtocolVersion::V311;
    bench.command(Command::Connect(Box::new(ConnectionOptions {
        version: Version::V311,
        ..options()
    })));
    for _ in 0..4 {
        bench.input(Input::Opened);
        bench.answer_connect(ReasonCode::SUCCESS);
        bench.sent();
        bench.close(1006, "");
        bench.framer = Framer::new(1024 * 1024);
        bench.command(Command::Wake);
    }
    assert_eq!(
        bench.problem(),
        (ConnectionState::Down, Some(ProblemKind::TakenOver))
    );
}

#[test]
fn an_https_page_explains_mixed_content_without_dialling() {
    let mut bench = Bench::new();
    bench.engine = Engine::new(Environment { secure_page: true });
    bench.command(Command::Connect(Box::new(options())));
    assert_eq!(
        bench.problem(),
        (ConnectionState::Down, Some(ProblemKind::MixedContent))
    );
    assert_eq!(bench.calls, []);
}

#[test]
fn a_password_in_the_address_is_not_shown() {
    let mut bench = Bench::new();
    bench.command(Command::Connect(Box::new(ConnectionOptions {
        url: "ws://me:secret@broker/".into(),
        ..options()
    })));
    assert_eq!(
        bench.problem(),
        (ConnectionState::Down, Some(ProblemKind::BadAddress))
    );
    assert!(!format!("{:?}", bench.patches).contains("secret"));
}

#[test]
fn a_broken_packet_closes_the_connection_and_names_the_statement() {
    let mut bench = Bench::connected();
    bench.sent();
    // PUBLISH with QoS 3.
    bench.input(Input::Bytes(Bytes::from_static(&[
        0x36, 0x06, 0x00, 0x01, b'a', 0x00, 0x01, 0x00,
    ])));
    let problem = bench.connection().problem.unwrap();
    assert_eq!(problem.kind, ProblemKind::ServerMisbehaved);
    assert!(
        problem.how_we_know.contains("MQTT5-3.3.1-4"),
        "{}",
        problem.how_we_know
    );
    assert!(
        matches!(bench.sent().last(), Some(Packet::Disconnect(disconnect)) if disconnect.reason_code == ReasonCode::MALFORMED_PACKET)
    );
}

#[test]
fn every_qos_has_its_result() {
    let mut bench = Bench::connected();
    bench.sent();
    bench.command(publication(0));
    assert!(bench.patches.contains(&Patch::Outcome {
        request: 7,
        outcome: Outcome::Sent
    }));
    bench.command(publication(1));
    let sent = bench.sent();
    let Some(Packet::Publish(publish)) = sent.last() else {
        panic!("{sent:?}")
    };
    bench.send(&Packet::Puback(Ack {
        packet_id: publish.packet_id.unwrap(),
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::new(),
    }));
    assert!(bench.patches.contains(&Patch::Outcome {
        request: 7,
        outcome: Outcome::Acknowledged(String::new())
    }));
}

#[test]
fn qos_0_is_refused_while_the_broker_is_away_and_qos_1_waits() {
    let mut bench = Bench::connected();
    bench.close(1006, "");
    bench.command(publication(0));
    assert!(
        matches!(
            bench.patches.last(),
            Some(Patch::Outcome {
                outcome: Outcome::Failed(_),
                ..
            })
        ),
        "{:?}",
        bench.patches.last()
    );
    bench.command(publication(1));
    bench.wait(250);
    assert!(bench.patches.contains(&Patch::Outcome {
        request: 7,
        outcome: Outcome::Queued
    }));
    assert!(
        bench
            .patches
            .iter()
            .any(|patch| matches!(patch, Patch::Counters(counters) if counters.queued == 1))
    );
}

#[test]
fn a_thousand_messages_a_second_change_a_card_four_times_a_second() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    for n in 0..2_000 {
        bench.publish("home/kitchen/temperature", &format!("{}", f64::from(n) / 100.0));
        bench.wait(1);
    }
    bench.wait(1_000);
    let cards = bench.cards();
    assert!((8..=12).contains(&cards.len()), "{}", cards.len());
    let value = &cards.last().unwrap().entities[0].value;
    assert!(
        matches!(value, EntityValue::Number { value, .. } if *value == 19.99),
        "the newest is shown last: {value:?}"
    );
    let received = bench.patches.iter().rev().find_map(|patch| {
        if let Patch::Counters(counters) = patch {
            Some(counters.received)
        } else {
            None
        }
    });
    assert_eq!(received, Some(2_000));
}

#[test]
fn a_hidden_page_gets_nothing_and_the_present_at_once_when_it_comes_back() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    bench.command(Command::Visible(false));
    bench.patches.clear();
    bench.publish("home/kitchen/temperature", "20.5");
    bench.wait(10_000);
    assert_eq!(bench.patches, []);
    bench.command(Command::Visible(true));
    assert_eq!(bench.cards().len(), 1);
    assert!(
        bench
            .patches
            .iter()
            .any(|patch| matches!(patch, Patch::Counters(counters) if counters.received == 1))
    );
}

#[test]
fn a_page_that_does_not_paint_is_not_flooded() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Tree(TreeWindow {
        rows: 50,
        ..TreeWindow::default()
    })));
    bench.patches.clear();
    let mut frames = 0;
    for n in 0..100 {
        bench.ms += 1_000;
        let now = bench.now();
        bench.engine.handle(now, Input::Tick);
        let mut bytes = BytesMut::new();
        let topic = TopicName::parse(&format!("t/{n}")).unwrap();
        let publish = Publish {
            dup: false,
            qos: Qos::AtMostOnce,
            retain: false,
            topic: Some(topic),
            packet_id: None,
            properties: Properties::new(),
            payload: Bytes::new(),
        };
        Packet::Publish(publish)
            .encode(ProtocolVersion::V5, &mut bytes)
            .unwrap();
        bench.engine.handle(now, Input::Bytes(bytes.freeze()));
        frames += u32::from(bench.engine.poll_frame(now).is_some());
    }
    assert_eq!(frames, 1);
}

#[test]
fn a_switch_is_confirmed_by_the_device_and_not_by_the_click() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    bench.publish("zigbee2mqtt/Kitchen/Worktop", r#"{"state":"OFF"}"#);
    bench.wait(300);
    let device = bench.cards().last().unwrap().id.clone();
    let turn_on = Command::Control {
        request: 9,
        device,
        entity: "state".into(),
        action: Action::Turn(true),
    };
    bench.sent();
    bench.command(turn_on.clone());
    bench.wait(300);
    let sent = bench.sent();
    assert!(
        matches!(sent.as_slice(), [Packet::Publish(publish)] if publish.payload == r#"{"state":"ON"}"#.as_bytes() && !publish.retain),
        "{sent:?}"
    );
    let state = |bench: &Bench| {
        bench.cards().last().unwrap().entities[0]
            .control
            .as_ref()
            .unwrap()
            .state
            .clone()
    };
    assert_eq!(state(&bench), ControlState::Sent(Action::Turn(true)));
    bench.publish("zigbee2mqtt/Kitchen/Worktop", r#"{"state":"ON"}"#);
    bench.wait(300);
    assert_eq!(state(&bench), ControlState::Confirmed);
    bench.command(turn_on);
    bench.wait(5_300);
    assert_eq!(state(&bench), ControlState::Failed("No answer after 5 s".into()));
}

#[test]
fn a_command_without_a_connection_is_not_kept_for_later() {
    let mut bench = Bench::connected();
    bench.publish("zigbee2mqtt/Lamp", r#"{"state":"OFF"}"#);
    bench.close(1006, "");
    bench.command(Command::Control {
        request: 9,
        device: "zigbee2mqtt-Lamp".into(),
        entity: "state".into(),
        action: Action::Turn(true),
    });
    assert!(matches!(
        bench.patches.last(),
        Some(Patch::Outcome {
            request: 9,
            outcome: Outcome::Failed(_)
        })
    ));
    assert_eq!(bench.engine.poll_transmit(), None);
}

#[test]
fn ten_thousand_retained_messages_do_not_delay_the_keep_alive() {
    let mut bench = Bench::connected();
    bench.sent();
    let mut burst = BytesMut::new();
    for n in 0..10_000 {
        let topic = Some(TopicName::parse(&format!("home/{}/{n}/state", n % 100)).unwrap());
        let publish = Publish {
            dup: false,
            qos: Qos::AtMostOnce,
            retain: true,
            topic,
            packet_id: None,
            properties: Properties::new(),
            payload: Bytes::from_static(b"21.5"),
        };
        Packet::Publish(publish)
            .encode(ProtocolVersion::V5, &mut burst)
            .unwrap();
    }
    let mut rest = burst.freeze();
    // The burst takes longer than the keep-alive to come through, and no timer fires in between: it is always another slice's turn.
    while !rest.is_empty() {
        let slice = rest.split_to(rest.len().min(4_096));
        bench.ms += 700;
        let now = bench.now();
        bench.engine.handle(now, Input::Bytes(slice));
    }
    let pings = bench
        .sent()
        .iter()
        .filter(|packet| matches!(packet, Packet::Pingreq))
        .count();
    assert_eq!(pings, 1);
    bench.wait(300);
    assert_eq!(bench.connection().state, ConnectionState::Connected);
    assert!(
        bench
            .patches
            .iter()
            .any(|patch| matches!(patch, Patch::Counters(counters) if counters.topics == 10_000))
    );
}
