//! Networks that break in the middle of an exchange: nothing is lost, and at QoS 2 nothing comes twice.

use anyhow::{Result, ensure};
use hearth_mqtt::{PacketType, Qos};

use super::sessions::once_and_in_order;
use super::{Case, Chapter, both};
use crate::client::{Trap, message, texts};
use crate::rig::Finding::{self, Has};
use crate::rig::{Rig, granted, lacks, or_lacks};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "The network breaks in the middle of an exchange",
    cases: CASES,
};

const CASES: &[Case] = &[
    both(
        "send_cut_at_puback",
        "sending, before PUBACK is read: at least once",
        |rig| sending(rig, Qos::AtLeastOnce, Trap::CutBeforeReading(PacketType::Puback)),
    ),
    both(
        "send_cut_at_pubrec",
        "sending, before PUBREC is read: exactly once",
        |rig| sending(rig, Qos::ExactlyOnce, Trap::CutBeforeReading(PacketType::Pubrec)),
    ),
    both(
        "send_cut_at_pubrel",
        "sending, before PUBREL leaves: exactly once",
        |rig| sending(rig, Qos::ExactlyOnce, Trap::CutBeforeSending(PacketType::Pubrel)),
    ),
    both(
        "send_cut_at_pubcomp",
        "sending, before PUBCOMP is read: exactly once",
        |rig| sending(rig, Qos::ExactlyOnce, Trap::CutBeforeReading(PacketType::Pubcomp)),
    ),
    both(
        "receive_cut_at_puback",
        "receiving, before PUBACK leaves: at least once",
        |rig| receiving(rig, Qos::AtLeastOnce, Trap::CutBeforeSending(PacketType::Puback)),
    ),
    both(
        "receive_cut_at_pubrec",
        "receiving, before PUBREC leaves: exactly once",
        |rig| receiving(rig, Qos::ExactlyOnce, Trap::CutBeforeSending(PacketType::Pubrec)),
    ),
    both(
        "receive_cut_at_pubrel",
        "receiving, before PUBREL is read: exactly once",
        |rig| receiving(rig, Qos::ExactlyOnce, Trap::CutBeforeReading(PacketType::Pubrel)),
    ),
    both(
        "receive_cut_at_pubcomp",
        "receiving, before PUBCOMP leaves: exactly once",
        |rig| receiving(rig, Qos::ExactlyOnce, Trap::CutBeforeSending(PacketType::Pubcomp)),
    ),
];

const COUNT: usize = 5;

fn sending(rig: &Rig, qos: Qos, trap: Trap) -> Result<Finding> {
    let mut subscriber = or_lacks!(rig.subscribed("sub", &rig.topic("a"), qos)?);
    let (mut publisher, _) = rig.connected_with(rig.lasting_options("pub"))?;
    // Some brokers keep no session without one.
    publisher.subscribe(&rig.topic("other"), qos)?;
    publisher.trap(trap);
    for n in 0..COUNT {
        publisher.submit(message(&rig.topic("a"), n.to_string(), qos)?)?;
    }
    publisher.wait_for_cut()?;
    let connected = publisher.connect()?;
    ensure!(connected.session_present, "Session Present is 0");
    if !publisher.all_published()? {
        return lacks("the exchange does not end");
    }
    publisher.publish(message(&rig.topic("a"), COUNT.to_string(), qos)?)?;
    publisher.disconnect()?;
    judge(qos, &texts(&subscriber.different_messages(COUNT + 1)?))
}

fn receiving(rig: &Rig, qos: Qos, trap: Trap) -> Result<Finding> {
    let (mut subscriber, _) = rig.connected_with(rig.lasting_options("sub"))?;
    let code = subscriber.subscribe(&rig.topic("a"), qos)?;
    or_lacks!(granted(code, qos));
    subscriber.trap(trap);
    let mut publisher = rig.connected("pub")?;
    for n in 0..COUNT {
        publisher.publish(message(&rig.topic("a"), n.to_string(), qos)?)?;
    }
    subscriber.wait_for_cut()?;
    let connected = subscriber.connect()?;
    ensure!(connected.session_present, "Session Present is 0");
    publisher.publish(message(&rig.topic("a"), COUNT.to_string(), qos)?)?;
    let came = texts(&subscriber.different_messages(COUNT + 1)?);
    let finding = judge(qos, &came)?;
    if finding == Has && subscriber.session.unreleased() > 0 {
        return lacks("some are never released");
    }
    subscriber.disconnect()?;
    Ok(finding)
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
