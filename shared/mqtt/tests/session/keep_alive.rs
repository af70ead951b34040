//! Keep-alive in virtual time: the timeouts are the assertion.

use hearth_mqtt::{
    MonoTime, Packet, Property, Qos,
    session::{ApiMisuse, ClosedReason, Event, SessionOptions},
};

use crate::support::{Pair, inbound, v5};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn connected(options: SessionOptions, properties: &[Property<'_>]) -> Pair {
    let mut pair = Pair::new(options);
    pair.now = 10;
    pair.open();
    pair.accept(false, properties);
    pair.events();
    pair
}

/// [MQTT5-3.1.2-20]
#[test]
fn silent_server_is_given_up_on_after_one_keep_alive() {
    let mut pair = connected(v5(), &[]);
    assert_eq!(pair.run_timers(), [30_010, 60_010]);
    assert_eq!(pair.brief(), ["pingreq"]);
    assert_eq!(pair.event(), Event::Closed(ClosedReason::KeepAliveTimeout));
}

#[test]
fn a_ping_timeout_of_its_own_is_kept() {
    let mut pair = connected(
        SessionOptions {
            ping_timeout_ms: Some(5_000),
            ..v5()
        },
        &[],
    );
    assert_eq!(pair.run_timers(), [30_010, 35_010]);
}

/// [MQTT5-3.1.2-21] [MQTT5-3.2.2-21]
#[test]
fn server_keep_alive_counts() {
    let mut pair = connected(v5(), &[Property::ServerKeepAlive(5)]);
    assert_eq!(pair.run_timers(), [5_010, 10_010]);
}

#[test]
fn zero_switches_it_off() {
    assert_eq!(
        connected(v5(), &[Property::ServerKeepAlive(0)]).run_timers(),
        [0_u64; 0]
    );
    assert_eq!(
        connected(
            SessionOptions {
                keep_alive: 0,
                ..v5()
            },
            &[]
        )
        .run_timers(),
        [0_u64; 0]
    );
}

#[test]
fn the_longest_keep_alive_works() {
    let mut pair = connected(
        SessionOptions {
            keep_alive: u16::MAX,
            ..v5()
        },
        &[],
    );
    assert_eq!(pair.run_timers(), [65_535_010, 131_070_010]);
}

#[test]
fn every_packet_of_ours_puts_the_ping_off() {
    let mut pair = connected(v5(), &[]);
    pair.now = 29_000;
    pair.publish(Qos::AtMostOnce, "a", "1");
    assert_eq!(pair.session.poll_timeout(), Some(MonoTime::from_ms(59_000)));
}

/// The CONNECT is the packet that the server's timer starts from, not our reading of CONNACK.
#[test]
fn a_late_connack_does_not_delay_the_ping() {
    let mut pair = Pair::new(v5());
    pair.open();
    pair.now = 9_000;
    pair.accept(false, &[]);
    assert_eq!(pair.session.poll_timeout(), Some(MonoTime::from_ms(30_000)));
}

#[test]
fn a_client_that_sends_all_the_time_still_notices_a_dead_server() {
    let mut pair = connected(v5(), &[]);
    for second in 1..=59 {
        pair.now = 10 + second * 1_000;
        pair.session.handle_timeout(pair.at());
        pair.publish(Qos::AtMostOnce, "a", "1");
    }
    pair.received();
    assert_eq!(pair.run_timers(), [60_010, 90_010]);
    assert_eq!(pair.brief(), ["pingreq"]);
}

/// 10,000 retained messages in front of the PINGRESP are signs of life too.
#[test]
fn any_bytes_extend_the_wait_for_pingresp() {
    let mut pair = connected(v5(), &[]);
    pair.now = 30_010;
    pair.session.handle_timeout(pair.at());
    pair.now = 50_000;
    pair.send(inbound(Qos::AtMostOnce, 0, "a", false));
    // [MQTT5-3.1.2-20] [MQTT311-3.1.2-23] The server may still not be kept waiting for longer than an interval.
    assert_eq!(pair.brief(), ["pingreq"]);
    assert_eq!(pair.session.poll_timeout(), Some(MonoTime::from_ms(60_010)));
    pair.now = 60_010;
    pair.session.handle_timeout(pair.at());
    assert_eq!(pair.brief(), ["pingreq"]);
    assert_eq!(pair.session.poll_timeout(), Some(MonoTime::from_ms(80_000)));
    pair.send(Packet::Pingresp);
    assert_eq!(
        pair.session.poll_timeout(),
        Some(MonoTime::from_ms(90_010)),
        "one interval after the second PINGREQ"
    );
}

#[test]
fn an_answered_ping_is_followed_by_the_next() {
    let mut pair = connected(v5(), &[]);
    for round in 1..=5 {
        assert_eq!(
            pair.session.poll_timeout(),
            Some(MonoTime::from_ms(10 + round * 30_000))
        );
        pair.now = 10 + round * 30_000;
        pair.session.handle_timeout(pair.at());
        assert_eq!(pair.brief(), ["pingreq"]);
        pair.now += 1;
        pair.send(Packet::Pingresp);
        pair.now -= 1;
    }
    assert!(pair.events().is_empty());
}

#[test]
fn a_timer_that_fires_early_changes_nothing() {
    let mut pair = connected(v5(), &[]);
    pair.now = 30_009;
    pair.session.handle_timeout(pair.at());
    assert!(pair.received().is_empty());
    assert_eq!(pair.session.poll_timeout(), Some(MonoTime::from_ms(30_010)));
}

/// The laptop slept for an hour: first ask, then judge.
#[test]
fn a_clock_that_jumps_ahead_asks_before_it_gives_up() {
    let mut pair = connected(v5(), &[]);
    pair.now = 3_600_000;
    pair.session.handle_timeout(pair.at());
    assert_eq!(pair.brief(), ["pingreq"]);
    assert_eq!(pair.run_timers(), [3_630_000]);
}

/// A clock that is set back must not stop the keep-alive until it has caught up.
#[test]
fn a_clock_that_jumps_back_does_not_freeze_the_session() {
    let mut pair = connected(v5(), &[]);
    pair.now = 1_000_000;
    pair.publish(Qos::AtMostOnce, "a", "1");
    pair.now = 500;
    pair.send(Packet::Pingresp);
    assert_eq!(pair.run_timers(), [30_500, 60_500]);
}

#[test]
fn a_probe_asks_at_once_and_only_once() {
    let mut pair = connected(v5(), &[]);
    pair.received();
    pair.now = 1_000;
    pair.session.probe(pair.at()).unwrap();
    pair.session.probe(pair.at()).unwrap();
    assert_eq!(pair.brief(), ["pingreq"]);
    assert_eq!(pair.run_timers(), [31_000]);
    assert_eq!(pair.session.probe(pair.at()), Err(ApiMisuse::NotConnected));
}

#[test]
fn a_probe_works_without_keep_alive() {
    let mut pair = connected(
        SessionOptions {
            keep_alive: 0,
            ..v5()
        },
        &[],
    );
    pair.session.probe(pair.at()).unwrap();
    assert_eq!(pair.run_timers(), [10_010]);
    assert_eq!(pair.event(), Event::Closed(ClosedReason::KeepAliveTimeout));
}
