//! Sessions that outlive a network connection.

use std::time::Duration;

use anyhow::{Result, ensure};
use hearth_mqtt::Qos;
use hearth_mqtt::session::SessionOptions;

use super::{Case, Chapter, both, v5};
use crate::client::{message, texts};
use crate::rig::Finding::{self, Has};
use crate::rig::{Rig, granted, lacks, or_lacks};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Sessions",
    cases: CASES,
};

const CASES: &[Case] = &[
    both(
        "session_present",
        "Session Present tells whether there is one",
        session_present,
    ),
    both(
        "empty_session",
        "a session without subscriptions counts",
        empty_session,
    ),
    both(
        "away_qos_1",
        "QoS 1 messages wait while the client is away, once each",
        |rig| away(rig, Qos::AtLeastOnce),
    ),
    both(
        "away_qos_2",
        "QoS 2 messages wait while the client is away, once each",
        |rig| away(rig, Qos::ExactlyOnce),
    ),
    both(
        "clean_start",
        "a clean start forgets subscriptions and messages",
        clean_start,
    ),
    both(
        "session_ends",
        "a session without expiry ends with its connection",
        session_ends,
    ),
    v5(
        "session_expiry",
        "Session Expiry Interval ends a session",
        session_expiry,
    ),
    v5(
        "expiry_at_disconnect",
        "DISCONNECT changes the Session Expiry Interval",
        expiry_at_disconnect,
    ),
];

fn session_present(rig: &Rig) -> Result<Finding> {
    let (mut client, first) = rig.connected_with(rig.lasting_options("a"))?;
    ensure!(!first.session_present, "a session before the first");
    client.subscribe(&rig.topic("a"), Qos::AtLeastOnce)?;
    client.cut();
    if !client.connect()?.session_present {
        return lacks("always 0");
    }
    client.disconnect()?;
    ensure!(client.connect()?.session_present, "gone after DISCONNECT");
    client.disconnect()?;
    Ok(Has)
}

fn empty_session(rig: &Rig) -> Result<Finding> {
    let (mut client, _) = rig.connected_with(rig.lasting_options("a"))?;
    client.cut();
    match client.connect()?.session_present {
        true => Ok(Has),
        false => lacks("Session Present is 0"),
    }
}

fn away(rig: &Rig, qos: Qos) -> Result<Finding> {
    const COUNT: usize = 50;
    let (mut subscriber, _) = rig.connected_with(rig.lasting_options("sub"))?;
    let code = subscriber.subscribe(&rig.topic("a"), qos)?;
    or_lacks!(granted(code, qos));
    subscriber.cut();
    let mut publisher = rig.connected("pub")?;
    for n in 0..COUNT {
        publisher.publish(message(&rig.topic("a"), n.to_string(), qos)?)?;
    }
    let connected = subscriber.connect()?;
    ensure!(connected.session_present, "Session Present is 0");
    publisher.publish(message(&rig.topic("a"), COUNT.to_string(), qos)?)?;
    let came = texts(&subscriber.different_messages(COUNT + 1)?);
    subscriber.disconnect()?;
    once_and_in_order(&came, COUNT + 1)
}

/// Whether the numbers below `count` came, each once.
pub(super) fn once_and_in_order(came: &[String], count: usize) -> Result<Finding> {
    let sent: Vec<_> = (0..count).map(|n| n.to_string()).collect();
    if came == sent {
        return Ok(Has);
    }
    let mut sorted = came.to_vec();
    sorted.sort_by_key(|text| text.parse::<usize>().unwrap_or(usize::MAX));
    if sorted == sent {
        return lacks("not in order");
    }
    let all = sorted.len();
    sorted.dedup();
    lacks(match (sorted == sent, all > sorted.len()) {
        (true, _) => "some come twice",
        (false, false) => "some are lost",
        (false, true) => "some are lost, some come twice",
    })
}

fn clean_start(rig: &Rig) -> Result<Finding> {
    let (mut old, _) = rig.connected_with(rig.lasting_options("a"))?;
    old.subscribe(&rig.topic("a"), Qos::AtLeastOnce)?;
    old.cut();
    let mut publisher = rig.connected("pub")?;
    publisher.publish(message(&rig.topic("a"), "x", Qos::AtLeastOnce)?)?;
    let (mut new, connected) = rig.connected_with(rig.options("a"))?;
    ensure!(!connected.session_present, "Session Present is 1");
    new.subscribe(&rig.topic("b"), Qos::AtLeastOnce)?;
    publisher.publish(message(&rig.topic("a"), "y", Qos::AtLeastOnce)?)?;
    publisher.publish(message(&rig.topic("b"), "last", Qos::AtLeastOnce)?)?;
    let came = texts(&new.messages_before("last")?);
    ensure!(came.is_empty(), "{came:?} came");
    Ok(Has)
}

fn session_ends(rig: &Rig) -> Result<Finding> {
    let (mut client, _) = rig.connected_with(rig.options("a"))?;
    client.subscribe(&rig.topic("a"), Qos::AtLeastOnce)?;
    client.disconnect()?;
    let (mut client, connected) = rig.connected_with(SessionOptions {
        clean_start: false,
        ..rig.lasting_options("a")
    })?;
    client.disconnect()?;
    match connected.session_present {
        false => Ok(Has),
        true => lacks("Session Present is 1"),
    }
}

fn session_expiry(rig: &Rig) -> Result<Finding> {
    let (mut client, _) = rig.connected_with(SessionOptions {
        session_expiry_interval: 1,
        ..rig.lasting_options("a")
    })?;
    client.subscribe(&rig.topic("a"), Qos::AtLeastOnce)?;
    // Some brokers look for expired sessions only now and then.
    for wait in [2_500, 6_000] {
        client.cut();
        client.pass_time(Duration::from_millis(wait))?;
        if !client.connect()?.session_present {
            client.disconnect()?;
            return Ok(Has);
        }
    }
    lacks("the session is still there after 6 s")
}

fn expiry_at_disconnect(rig: &Rig) -> Result<Finding> {
    let (mut client, _) = rig.connected_with(rig.lasting_options("a"))?;
    client.subscribe(&rig.topic("a"), Qos::AtLeastOnce)?;
    client.session.disconnect_with(client.now(), false, Some(0))?;
    client.finish()?;
    let (mut client, connected) = rig.connected_with(rig.lasting_options("a"))?;
    client.disconnect()?;
    match connected.session_present {
        false => Ok(Has),
        true => lacks("the session is still there"),
    }
}
