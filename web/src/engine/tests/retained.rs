//! Retained messages: found, planned, deleted at a rate, stopped, brought back.

use hearth_mqtt::Property;

use super::*;
use crate::wire::{JobState, RetainedCommand, RetainedJob, RetainedView, RetainedWindow};

impl Bench {
    fn retained(&mut self, topic: &str, payload: &[u8], qos: Qos, properties: Properties) {
        let publish = PublishParts {
            dup: false,
            qos,
            retain: true,
            topic: Some(TopicName::parse(topic).unwrap()),
            packet_id: (qos != Qos::AtMostOnce).then_some(hearth_mqtt::PacketId::FIRST),
            properties,
            payload: Bytes::copy_from_slice(payload),
        };
        self.send(&Packet::Publish(publish.into()));
    }

    fn look(&mut self, search: &str) -> RetainedView {
        self.command(Command::Open(View::Retained(RetainedWindow {
            search: search.into(),
            ..RetainedWindow::default()
        })));
        self.seen()
    }

    fn seen(&self) -> RetainedView {
        let views = self.patches.iter().rev().find_map(|patch| match patch {
            Patch::Retained(view) => Some(view.clone()),
            _ => None,
        });
        views.unwrap()
    }

    fn job(&self) -> RetainedJob {
        self.seen().job.unwrap()
    }

    fn published(&mut self) -> Vec<PublishParts> {
        let packets = self.sent().into_iter().filter_map(|packet| match packet {
            Packet::Publish(publish) => Some(publish.into_parts()),
            _ => None,
        });
        packets.collect()
    }

    /// The broker takes them, and tells everybody who listens.
    fn acknowledge(&mut self, published: &[PublishParts], reason_code: ReasonCode) {
        for publish in published {
            if let Some(packet_id) = publish.packet_id {
                self.send(&Packet::Puback(Ack {
                    packet_id,
                    reason_code,
                    properties: Properties::new(),
                }));
            }
            if !reason_code.is_error() {
                let echo = PublishParts {
                    qos: Qos::AtMostOnce,
                    packet_id: None,
                    retain: false,
                    ..publish.clone()
                };
                self.send(&Packet::Publish(echo.into()));
            }
        }
    }
}

fn with_retained(count: u32) -> Bench {
    let mut bench = Bench::connected();
    for n in 0..count {
        bench.retained(&format!("old/{n}"), b"x", Qos::AtMostOnce, Properties::new());
    }
    bench.sent();
    bench
}

fn topics(published: &[PublishParts]) -> Vec<&str> {
    let topics = published
        .iter()
        .map(|publish| publish.topic.as_ref().unwrap().as_str());
    topics.collect()
}

#[test]
fn only_what_came_as_retained_is_offered_and_a_dry_run_sends_nothing() {
    let mut bench = with_retained(3);
    bench.retained("$SYS/uptime", b"7 s", Qos::AtMostOnce, Properties::new());
    bench.retained("keep/1", b"{}", Qos::AtMostOnce, Properties::new());
    bench.publish("old/live", "1");
    bench.publish("old/2", "xyz");
    let view = bench.look("");
    let rows = view.rows.iter().map(|row| (row.topic.as_str(), row.newer));
    let expected = [
        ("keep/1", false),
        ("old/0", false),
        ("old/1", false),
        ("old/2", true),
    ];
    assert_eq!(rows.collect::<Vec<_>>(), expected);
    assert_eq!((bench.look("old/#").found, view.bytes), (3, 7));
    bench.command(Command::Retained(RetainedCommand::Plan));
    bench.wait(1_000);
    let plan = bench.seen().plan.unwrap();
    assert_eq!((plan.count, plan.bytes, plan.lost, plan.newer), (3, 5, 0, 1));
    assert_eq!(bench.published(), []);
    bench.command(Command::Retained(RetainedCommand::Cancel));
    bench.command(Command::Retained(RetainedCommand::Delete(10)));
    bench.wait(1_000);
    assert_eq!(bench.published(), [], "nothing was planned any more");
}

#[test]
fn what_was_planned_is_deleted_at_the_rate_and_not_what_came_since() {
    let mut bench = with_retained(25);
    bench.look("old/#");
    bench.command(Command::Retained(RetainedCommand::Plan));
    bench.retained("old/new", b"x", Qos::AtMostOnce, Properties::new());
    bench.command(Command::Retained(RetainedCommand::Delete(10)));
    let mut all = vec![];
    for second in 1..=3_usize {
        bench.wait(999);
        let published = bench.published();
        assert!(
            published
                .iter()
                .all(|it| it.retain && it.payload.is_empty() && it.qos == Qos::AtLeastOnce),
            "{published:?}"
        );
        bench.acknowledge(&published, ReasonCode::SUCCESS);
        all.extend(published);
        assert_eq!(all.len(), (second * 10).min(25));
        bench.wait(1);
    }
    let names = topics(&all);
    assert_eq!((names[0], names[24]), ("old/0", "old/24"));
    bench.wait(2_000);
    let view = bench.seen();
    assert_eq!(
        (view.found, view.undoable),
        (1, 25),
        "only what came since is left"
    );
    let job = view.job.unwrap();
    assert_eq!(
        (job.state, job.all, job.done, job.failed),
        (JobState::Done, 25, 25, 0)
    );
}

#[test]
fn a_stop_ends_it_and_undo_brings_back_payload_qos_and_properties() {
    let mut bench = Bench::connected();
    let own = Properties::of(&[
        Property::ContentType("text/plain"),
        Property::SubscriptionIdentifier(3),
        Property::UserProperty("a", "b"),
    ]);
    bench.retained("a", b"first", Qos::AtLeastOnce, own.unwrap());
    for n in 0..100 {
        bench.retained(&format!("b/{n}"), b"x", Qos::AtMostOnce, Properties::new());
    }
    bench.sent();
    bench.look("");
    bench.command(Command::Retained(RetainedCommand::Plan));
    bench.command(Command::Retained(RetainedCommand::Delete(10)));
    bench.wait(450);
    bench.command(Command::Retained(RetainedCommand::Stop));
    let published = bench.published();
    assert_eq!(topics(&published), ["a", "b/0", "b/1", "b/2", "b/3"]);
    bench.acknowledge(&published, ReasonCode::SUCCESS);
    bench.wait(5_000);
    assert_eq!(bench.published(), []);
    let job = bench.job();
    assert_eq!((job.state, job.done, job.all), (JobState::Stopped, 5, 101));
    // One of them has a new one meanwhile: that is not overwritten.
    bench.retained("b/1", b"new", Qos::AtMostOnce, Properties::new());
    bench.command(Command::Retained(RetainedCommand::Undo(1_000)));
    bench.wait(1_000);
    let published = bench.published();
    assert_eq!(topics(&published), ["a", "b/0", "b/2", "b/3"]);
    let first = &published[0];
    assert_eq!(
        (&first.payload[..], first.qos, first.retain),
        (&b"first"[..], Qos::AtLeastOnce, true)
    );
    let properties = [
        Property::ContentType("text/plain"),
        Property::UserProperty("a", "b"),
    ];
    assert_eq!(first.properties, Properties::of(&properties).unwrap());
    bench.acknowledge(&published, ReasonCode::SUCCESS);
    bench.wait(2_000);
    let view = bench.seen();
    assert_eq!(view.found, 101, "they are listed again");
    let job = view.job.unwrap();
    assert!(job.is_undo);
    assert_eq!((job.state, job.done, job.skipped), (JobState::Done, 4, 1));
}

#[test]
fn no_more_can_be_brought_back_than_was_said_however_much_is_under_way() {
    let mut bench = Bench::connected();
    for n in 0..40 {
        bench.retained(
            &format!("big/{n}"),
            &[b'x'; 1_000_000],
            Qos::AtMostOnce,
            Properties::new(),
        );
    }
    bench.sent();
    bench.look("");
    for (answer, undoable) in [(ReasonCode::NOT_AUTHORIZED, 0), (ReasonCode::SUCCESS, 33)] {
        bench.command(Command::Retained(RetainedCommand::Plan));
        bench.wait(1_000);
        assert_eq!(bench.seen().plan.unwrap().lost, 7);
        bench.command(Command::Retained(RetainedCommand::Delete(1_000)));
        bench.wait(100);
        let published = bench.published();
        assert_eq!(published.len(), 40, "all before the first answer");
        bench.acknowledge(&published, answer);
        bench.wait(2_000);
        assert_eq!(bench.seen().undoable, undoable);
    }
}

#[test]
fn what_the_broker_refuses_is_counted_with_the_reason_and_stays_listed() {
    let mut bench = with_retained(2);
    bench.look("");
    bench.command(Command::Retained(RetainedCommand::Plan));
    bench.command(Command::Retained(RetainedCommand::Delete(1_000)));
    bench.wait(100);
    let published = bench.published();
    bench.acknowledge(&published, ReasonCode::NOT_AUTHORIZED);
    bench.wait(2_000);
    let view = bench.seen();
    assert_eq!((view.found, view.undoable), (2, 0));
    let job = view.job.unwrap();
    assert_eq!((job.state, job.done, job.failed), (JobState::Done, 0, 2));
    assert!(job.why.contains("Not authorized"), "{job:?}");
}

#[test]
fn a_lost_connection_holds_it_and_another_broker_ends_it() {
    let mut bench = with_retained(30);
    bench.look("");
    bench.command(Command::Retained(RetainedCommand::Plan));
    bench.command(Command::Retained(RetainedCommand::Delete(10)));
    bench.wait(500);
    bench.close(1006, "");
    bench.wait(300);
    assert_eq!(bench.job().state, JobState::Waiting);
    bench.sent();
    bench.framer = Framer::new(1024 * 1024);
    bench.command(Command::RetryNow);
    bench.input(Input::Opened);
    bench.answer_connect(ReasonCode::SUCCESS);
    bench.wait(300);
    assert_eq!(bench.job().state, JobState::Running);
    bench.command(Command::Connect(Box::new(ConnectionOptions {
        url: "ws://other:9001/mqtt".into(),
        ..options()
    })));
    bench.framer = Framer::new(1024 * 1024);
    bench.input(Input::Opened);
    bench.answer_connect(ReasonCode::SUCCESS);
    bench.wait(5_000);
    assert_eq!(
        bench.published(),
        [],
        "nothing of one broker is deleted at another"
    );
    assert_eq!((bench.seen().job, bench.seen().undoable), (None, 0));
}

#[test]
fn nobody_claims_to_know_when_what_the_broker_kept_was_said() {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    let topic = "home/attic/temperature";
    bench.retained(topic, b"20", Qos::AtMostOnce, Properties::new());
    bench.wait(1_000);
    let said = |bench: &Bench| bench.cards().last().unwrap().entities[0].at;
    assert_eq!(said(&bench), 0);
    bench.publish(topic, "20");
    bench.wait(1_000);
    let heard = said(&bench);
    assert!(heard >= WALL_AT_ZERO_MS, "{heard}");
    bench.retained(topic, b"20", Qos::AtMostOnce, Properties::new());
    bench.wait(1_000);
    assert_eq!(said(&bench), heard, "it was heard, whatever is kept");
}
