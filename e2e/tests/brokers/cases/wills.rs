//! Will Messages.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hearth_mqtt::session::{ApplicationMessage, SessionOptions};
use hearth_mqtt::{Properties, Property, Qos, TopicName, Will};

use super::{Case, Chapter, both, v5};
use crate::client::{Client, message, texts};
use crate::rig::Finding::{self, Has};
use crate::rig::{Rig, lacks, or_lacks};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Will",
    cases: CASES,
};

const CASES: &[Case] = &[
    both(
        "will_qos_0",
        "published when the network breaks, at QoS 0",
        |rig| on_cut(rig, Qos::AtMostOnce),
    ),
    both(
        "will_qos_1",
        "published when the network breaks, at QoS 1",
        |rig| on_cut(rig, Qos::AtLeastOnce),
    ),
    both(
        "will_qos_2",
        "published when the network breaks, at QoS 2",
        |rig| on_cut(rig, Qos::ExactlyOnce),
    ),
    both("will_retained", "kept if it says so", retained),
    both(
        "no_will_on_disconnect",
        "not published after DISCONNECT",
        not_on_disconnect,
    ),
    v5("will_on_request", "published after DISCONNECT 0x04", on_request),
    v5("will_delay", "Will Delay Interval is waited for", delay),
    v5(
        "will_delay_ended",
        "a client that is back in time leaves no will",
        back_in_time,
    ),
    v5("will_properties", "with its properties", properties),
];

fn will(rig: &Rig, qos: Qos, properties: &[Property<'_>]) -> Result<Will> {
    Ok(Will {
        topic: TopicName::parse(&rig.topic("will"))?,
        payload: "gone".into(),
        qos,
        retain: false,
        properties: Properties::of(properties)?,
    })
}

/// Somebody who hears the will, and a client that leaves one.
fn pair(rig: &Rig, options: SessionOptions, will: Will) -> Result<Result<(Client, Client), Finding>> {
    let qos = will.qos;
    let heir = match rig.subscribed("heir", &rig.topic("will"), qos)? {
        Ok(heir) => heir,
        Err(finding) => return Ok(Err(finding)),
    };
    let mortal = rig.connected_with(SessionOptions {
        will: Some(will),
        ..options
    })?;
    Ok(Ok((heir, mortal.0)))
}

fn on_cut(rig: &Rig, qos: Qos) -> Result<Finding> {
    let mut heir = rig.connected("heir")?;
    heir.subscribe(&rig.topic("will"), qos)?;
    let (mut mortal, _) = rig.connected_with(SessionOptions {
        will: Some(will(rig, qos, &[])?),
        ..rig.options("mortal")
    })?;
    mortal.cut();
    let message = heir.message()?;
    ensure!(message.payload == "gone" && !message.retain, "{message:?}");
    match message.qos {
        found if found == qos => Ok(Has),
        less => lacks(format!("taken as QoS {}", less.bits())),
    }
}

fn retained(rig: &Rig) -> Result<Finding> {
    let will = Will {
        retain: true,
        ..will(rig, Qos::AtLeastOnce, &[])?
    };
    let (mut heir, mut mortal) = or_lacks!(pair(rig, rig.options("mortal"), will)?);
    mortal.cut();
    ensure!(heir.message()?.payload == "gone");
    let topic = rig.topic("will");
    let is_kept = |came: &[ApplicationMessage]| !came.is_empty();
    let came = super::retained::sent_at_subscribe(rig, &topic, &topic, Qos::AtLeastOnce, is_kept)?;
    let mut came = texts(&or_lacks!(came));
    came.dedup();
    heir.publish(message(&topic, "", Qos::AtLeastOnce)?.with_retain(true))?;
    if came.is_empty() {
        return lacks("nothing is kept");
    }
    ensure!(came == ["gone"], "{came:?} came");
    Ok(Has)
}

fn not_on_disconnect(rig: &Rig) -> Result<Finding> {
    let (mut heir, mut mortal) = or_lacks!(pair(
        rig,
        rig.options("mortal"),
        will(rig, Qos::AtLeastOnce, &[])?
    )?);
    mortal.disconnect()?;
    // The connection is over at the broker, too: the same client is accepted again.
    rig.connected("mortal")?.disconnect()?;
    heir.publish(message(&rig.topic("will"), "last", Qos::AtLeastOnce)?)?;
    match heir.messages_before("last")?.len() {
        0 => Ok(Has),
        _ => lacks("the will is published"),
    }
}

fn on_request(rig: &Rig) -> Result<Finding> {
    let (mut heir, mut mortal) = or_lacks!(pair(
        rig,
        rig.options("mortal"),
        will(rig, Qos::AtLeastOnce, &[])?
    )?);
    mortal.session.disconnect_with(mortal.now(), true, None)?;
    mortal.finish()?;
    rig.connected("mortal")?.disconnect()?;
    heir.ping()?;
    match heir.messages().len() {
        1 => Ok(Has),
        _ => lacks("no will"),
    }
}

fn delay(rig: &Rig) -> Result<Finding> {
    let delay = Duration::from_secs(2);
    let delayed = will(rig, Qos::AtLeastOnce, &[Property::WillDelayInterval(2)])?;
    let (mut heir, mut mortal) = or_lacks!(pair(rig, rig.lasting_options("mortal"), delayed)?);
    let cut = Instant::now();
    mortal.cut();
    ensure!(heir.message()?.payload == "gone");
    // Brokers count whole seconds.
    if cut.elapsed() < delay - Duration::from_secs(1) {
        return lacks("published at once");
    }
    Ok(Has)
}

fn back_in_time(rig: &Rig) -> Result<Finding> {
    let delayed = will(rig, Qos::AtLeastOnce, &[Property::WillDelayInterval(2)])?;
    let (mut heir, mut mortal) = or_lacks!(pair(rig, rig.lasting_options("mortal"), delayed)?);
    mortal.cut();
    ensure!(mortal.connect()?.session_present);
    // A second will that is due later tells that the first one's time has passed.
    let mut other = rig.connected_with(SessionOptions {
        will: Some(Will {
            payload: "last".into(),
            ..will(rig, Qos::AtLeastOnce, &[Property::WillDelayInterval(4)])?
        }),
        ..rig.lasting_options("other")
    })?;
    other.0.cut();
    match heir.messages_before("last")?.len() {
        0 => Ok(Has),
        _ => lacks("the will is published"),
    }
}

fn properties(rig: &Rig) -> Result<Finding> {
    let given = [
        Property::PayloadFormatIndicator(1),
        Property::ContentType("text/plain"),
        Property::ResponseTopic("answers/here"),
        Property::CorrelationData(b"\x00\xff"),
        Property::UserProperty("b", "1"),
        Property::UserProperty("a", "2"),
        Property::UserProperty("b", "3"),
    ];
    let (mut heir, mut mortal) = or_lacks!(pair(
        rig,
        rig.options("mortal"),
        will(rig, Qos::AtLeastOnce, &given)?
    )?);
    mortal.cut();
    super::properties::compare(&heir.message()?, &given)
}
