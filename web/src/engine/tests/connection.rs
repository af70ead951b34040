//! How connections begin, end, and are explained.

use hearth_mqtt::{Disconnect, Property};

use super::*;

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
fn a_broker_that_names_another_one_is_quoted() {
    let other = || Properties::of(&[Property::ServerReference("other:8883")]).unwrap();
    for code in [ReasonCode::USE_ANOTHER_SERVER, ReasonCode::SERVER_MOVED] {
        for (properties, way) in [(other(), "other:8883"), (Properties::new(), "right one now")] {
            let mut refused = Bench::new();
            refused.command(Command::Connect(Box::new(options())));
            refused.input(Input::Opened);
            refused.sent();
            refused.send(&Packet::Connack(Connack {
                session_present: false,
                reason_code: code,
                properties: properties.clone(),
            }));
            let mut ended = Bench::connected();
            ended.send(&Packet::Disconnect(Disconnect {
                reason_code: code,
                properties,
            }));
            for bench in [refused, ended] {
                let view = bench.connection();
                assert_eq!(view.state, ConnectionState::Down);
                let to_do = view.problem.unwrap().what_to_do;
                assert!(to_do.contains(way), "{to_do}");
            }
        }
    }
}

#[test]
fn what_is_said_of_the_next_try_is_what_happens() {
    for (code, state, words) in [
        (
            ReasonCode::SERVER_SHUTTING_DOWN,
            ConnectionState::Waiting,
            "is tried again",
        ),
        (
            ReasonCode::NOT_AUTHORIZED,
            ConnectionState::Down,
            "not tried again",
        ),
    ] {
        let mut bench = Bench::connected();
        bench.send(&Packet::Disconnect(Disconnect::with_reason(code)));
        let view = bench.connection();
        let to_do = view.problem.unwrap().what_to_do;
        assert!(view.state == state && to_do.contains(words), "{code}: {to_do}");
    }
}

#[test]
fn a_last_will_that_the_broker_does_not_take_is_told_apart() {
    for code in [
        ReasonCode::QOS_NOT_SUPPORTED,
        ReasonCode::RETAIN_NOT_SUPPORTED,
        ReasonCode::TOPIC_NAME_INVALID,
    ] {
        let mut bench = Bench::new();
        bench.command(Command::Connect(Box::new(options())));
        bench.input(Input::Opened);
        bench.answer_connect(code);
        let problem = bench.connection().problem.unwrap();
        assert_eq!(problem.field.as_deref(), Some("will_topic"), "{code}");
    }
}

/// In 3.1.1 there is no other code for it, and Mosquitto uses this one.
#[test]
fn a_client_id_that_is_refused_may_be_a_keep_alive_that_is_too_long() {
    let mut bench = Bench::new();
    bench.command(Command::Connect(Box::new(options())));
    bench.input(Input::Opened);
    bench.answer_connect(ReasonCode::CLIENT_IDENTIFIER_NOT_VALID);
    let problem = bench.connection().problem.unwrap();
    assert_eq!(problem.field.as_deref(), Some("client_id"));
    assert!(
        problem.what_to_do.contains("keep-alive"),
        "{}",
        problem.what_to_do
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

/// RabbitMQ up to 3.12 says no word about a wrong password.
#[test]
fn a_broker_that_hangs_up_without_a_word_may_dislike_the_password() {
    let mut bench = Bench::new();
    bench.command(Command::Connect(Box::new(options())));
    bench.input(Input::Opened);
    bench.close(1000, "");
    assert_eq!(
        bench.problem(),
        (ConnectionState::Waiting, Some(ProblemKind::NotMqtt))
    );
    let to_do = bench.connection().problem.unwrap().what_to_do;
    assert!(to_do.contains("password"), "{to_do}");
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
    let disconnect = Disconnect {
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
    bench.engine = Engine::new(Environment {
        secure_page: true,
        ..Environment::default()
    });
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

/// [MQTT5-6.0.0-1] [MQTT311-6.0.0-1]
#[test]
fn a_text_frame_ends_the_connection() {
    let mut bench = Bench::connected();
    bench.input(Input::TextFrame);
    let (state, problem) = bench.problem();
    assert!(state != ConnectionState::Connected && problem.is_some());
}

#[test]
fn another_connection_says_goodbye_to_the_one_before() {
    let mut bench = Bench::connected();
    bench.sent();
    let other = ConnectionOptions {
        url: "ws://other/".into(),
        ..options()
    };
    bench.calls.clear();
    bench.command(Command::Connect(Box::new(other)));
    assert!(
        matches!(bench.sent().as_slice(), [Packet::Disconnect(_)]),
        "no Will Message may go out"
    );
    assert_eq!(bench.calls, [Call::HangUp, Call::Dial("ws://other/".into())]);
}
