//! Networks that break and programs that die in the middle of an exchange: nothing is lost, and at QoS 2 nothing comes twice.

use anyhow::{Result, ensure};
use hearth_mqtt::session::SessionOptions;
use hearth_mqtt::{PacketType, Qos};

use super::sessions::once_and_in_order;
use super::{Case, Chapter, both};
use crate::client::{Client, Trap, message, texts};
use crate::rig::Finding::{self, Has};
use crate::rig::{Rig, granted, lacks, or_lacks};

pub(super) const CUT: Chapter = Chapter {
    title: "The network breaks in the middle of an exchange",
    cases: CUT_CASES,
};

pub(super) const KILLED: Chapter = Chapter {
    title: "The program is killed in the middle of an exchange, and goes on from what it stored",
    cases: KILLED_CASES,
};

/// Who comes back after the network broke.
#[derive(Clone, Copy)]
enum Back {
    TheSame,
    Restored,
}

const CUT_CASES: &[Case] = &[
    both(
        "send_cut_at_puback",
        "sending, before PUBACK is read: at least once",
        |rig| {
            sending(
                rig,
                Qos::AtLeastOnce,
                Trap::CutBeforeReading(PacketType::Puback),
                Back::TheSame,
            )
        },
    ),
    both(
        "send_cut_at_pubrec",
        "sending, before PUBREC is read: exactly once",
        |rig| {
            sending(
                rig,
                Qos::ExactlyOnce,
                Trap::CutBeforeReading(PacketType::Pubrec),
                Back::TheSame,
            )
        },
    ),
    both(
        "send_cut_at_pubrel",
        "sending, before PUBREL leaves: exactly once",
        |rig| {
            sending(
                rig,
                Qos::ExactlyOnce,
                Trap::CutBeforeSending(PacketType::Pubrel),
                Back::TheSame,
            )
        },
    ),
    both(
        "send_cut_at_pubcomp",
        "sending, before PUBCOMP is read: exactly once",
        |rig| {
            sending(
                rig,
                Qos::ExactlyOnce,
                Trap::CutBeforeReading(PacketType::Pubcomp),
                Back::TheSame,
            )
        },
    ),
    both(
        "receive_cut_at_puback",
        "receiving, before PUBACK leaves: at least once",
        |rig| {
            receiving(
                rig,
                Qos::AtLeastOnce,
                Trap::CutBeforeSending(PacketType::Puback),
                Back::TheSame,
            )
        },
    ),
    both(
        "receive_cut_at_pubrec",
        "receiving, before PUBREC leaves: exactly once",
        |rig| {
            receiving(
                rig,
                Qos::ExactlyOnce,
                Trap::CutBeforeSending(PacketType::Pubrec),
                Back::TheSame,
            )
        },
    ),
    both(
        "receive_cut_at_pubrel",
        "receiving, before PUBREL is read: exactly once",
        |rig| {
            receiving(
                rig,
                Qos::ExactlyOnce,
                Trap::CutBeforeReading(PacketType::Pubrel),
                Back::TheSame,
            )
        },
    ),
    both(
        "receive_cut_at_pubcomp",
        "receiving, before PUBCOMP leaves: exactly once",
        |rig| {
            receiving(
                rig,
                Qos::ExactlyOnce,
                Trap::CutBeforeSending(PacketType::Pubcomp),
                Back::TheSame,
            )
        },
    ),
];

const KILLED_CASES: &[Case] = &[
    both(
        "send_killed_at_puback",
        "sending, before PUBACK is read: at least once",
        |rig| {
            sending(
                rig,
                Qos::AtLeastOnce,
                Trap::CutBeforeReading(PacketType::Puback),
                Back::Restored,
            )
        },
    ),
    both(
        "send_killed_at_pubrec",
        "sending, before PUBREC is read: exactly once",
        |rig| {
            sending(
                rig,
                Qos::ExactlyOnce,
                Trap::CutBeforeReading(PacketType::Pubrec),
                Back::Restored,
            )
        },
    ),
    both(
        "send_killed_at_pubrel",
        "sending, before PUBREL leaves: exactly once",
        |rig| {
            sending(
                rig,
                Qos::ExactlyOnce,
                Trap::CutBeforeSending(PacketType::Pubrel),
                Back::Restored,
            )
        },
    ),
    both(
        "send_killed_at_pubcomp",
        "sending, before PUBCOMP is read: exactly once",
        |rig| {
            sending(
                rig,
                Qos::ExactlyOnce,
                Trap::CutBeforeReading(PacketType::Pubcomp),
                Back::Restored,
            )
        },
    ),
    both(
        "receive_killed_at_puback",
        "receiving, before PUBACK leaves: at least once",
        |rig| {
            receiving(
                rig,
                Qos::AtLeastOnce,
                Trap::CutBeforeSending(PacketType::Puback),
                Back::Restored,
            )
        },
    ),
    both(
        "receive_killed_at_pubrec",
        "receiving, before PUBREC leaves: exactly once",
        |rig| {
            receiving(
                rig,
                Qos::ExactlyOnce,
                Trap::CutBeforeSending(PacketType::Pubrec),
                Back::Restored,
            )
        },
    ),
    both(
        "receive_killed_at_pubrel",
        "receiving, before PUBREL is read: exactly once",
        |rig| {
            receiving(
                rig,
                Qos::ExactlyOnce,
                Trap::CutBeforeReading(PacketType::Pubrel),
                Back::Restored,
            )
        },
    ),
    both(
        "receive_killed_at_pubcomp",
        "receiving, before PUBCOMP leaves: exactly once",
        |rig| {
            receiving(
                rig,
                Qos::ExactlyOnce,
                Trap::CutBeforeSending(PacketType::Pubcomp),
                Back::Restored,
            )
        },
    ),
];

const COUNT: usize = 5;

fn sending(rig: &Rig, qos: Qos, trap: Trap, back: Back) -> Result<Finding> {
    let mut subscriber = or_lacks!(rig.subscribed("sub", &rig.topic("a"), qos)?);
    let (mut publisher, _) = rig.connected_with(options(rig, "pub", back))?;
    // Some brokers keep no session without one.
    publisher.subscribe(&rig.topic("other"), qos)?;
    publisher.trap(trap);
    for n in 0..COUNT {
        publisher.submit(message(&rig.topic("a"), n.to_string(), qos)?)?;
    }
    come_back(&mut publisher, back)?;
    if !publisher.all_published()? {
        return lacks("the exchange does not end");
    }
    publisher.publish(message(&rig.topic("a"), COUNT.to_string(), qos)?)?;
    publisher.disconnect()?;
    judge(qos, &texts(&subscriber.different_messages(COUNT + 1)?))
}

fn receiving(rig: &Rig, qos: Qos, trap: Trap, back: Back) -> Result<Finding> {
    let (mut subscriber, _) = rig.connected_with(options(rig, "sub", back))?;
    let code = subscriber.subscribe(&rig.topic("a"), qos)?;
    or_lacks!(granted(code, qos));
    subscriber.trap(trap);
    let mut publisher = rig.connected("pub")?;
    for n in 0..COUNT {
        publisher.publish(message(&rig.topic("a"), n.to_string(), qos)?)?;
    }
    come_back(&mut subscriber, back)?;
    publisher.publish(message(&rig.topic("a"), COUNT.to_string(), qos)?)?;
    let came = texts(&subscriber.different_messages(COUNT + 1)?);
    let finding = judge(qos, &came)?;
    if finding == Has && subscriber.session.unreleased() > 0 {
        return lacks("some are never released");
    }
    subscriber.disconnect()?;
    Ok(finding)
}

fn options(rig: &Rig, name: &str, back: Back) -> SessionOptions {
    SessionOptions {
        persistent: matches!(back, Back::Restored),
        ..rig.lasting_options(name)
    }
}

fn come_back(client: &mut Client, back: Back) -> Result<()> {
    client.wait_for_cut()?;
    if matches!(back, Back::Restored) {
        client.restart()?;
    }
    let connected = client.connect()?;
    ensure!(connected.session_present, "Session Present is 0");
    Ok(())
}

fn judge(qos: Qos, came: &[String]) -> Result<Finding> {
    let mut came = came.to_vec();
    if qos == Qos::AtLeastOnce {
        // The first of each counts.
        let mut seen = std::collections::HashSet::new();
        came.retain(|text| seen.insert(text.clone()));
    }
    once_and_in_order(&came, COUNT + 1)
}
