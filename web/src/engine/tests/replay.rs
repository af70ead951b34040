//! Messages from a file.

use hearth_model::recording::{self, Pending};
use hearth_mqtt::Property;

use super::*;
use crate::wire::{ChartSpan, ChartWindow, ReplayCommand, ReplayState, ReplayView, SeriesName};

impl Bench {
    /// The user gives a file, and all of it is read.
    pub(super) fn give(&mut self, text: &[u8]) -> ReplayView {
        self.input(Input::File {
            name: "home.jsonl".into(),
            bytes: text.len() as u64,
        });
        self.read(text);
        self.replay()
    }

    fn read(&mut self, text: &[u8]) {
        while let Some(place) = self
            .calls
            .iter()
            .position(|call| matches!(call, Call::ReadFile { .. }))
        {
            let Call::ReadFile {
                file,
                part,
                mut rest,
                lines_before,
                is_last,
            } = self.calls.remove(place)
            else {
                panic!()
            };
            rest.extend_from_slice(&text[part.start as usize..part.end as usize]);
            let read = recording::read(Pending {
                bytes: &rest,
                lines_before,
                is_last,
            });
            let left = rest.split_off(read.consumed);
            let result = Ok((read, left));
            self.input(Input::FileRead { file, result });
        }
    }

    pub(super) fn play(&mut self, command: ReplayCommand) {
        self.command(Command::Replay(command));
    }

    pub(super) fn replay(&mut self) -> ReplayView {
        self.wait(200);
        self.last_replay().unwrap()
    }

    fn last_replay(&self) -> Option<ReplayView> {
        let views = self.patches.iter().rev().filter_map(|patch| match patch {
            Patch::Replay(view) => Some(view.as_deref().cloned()),
            _ => None,
        });
        views.into_iter().next().unwrap()
    }

    fn received(&self) -> u64 {
        let counters = self.patches.iter().rev().filter_map(|patch| match patch {
            Patch::Counters(counters) => Some(counters.received),
            _ => None,
        });
        counters.into_iter().next().unwrap_or_default()
    }

    /// Topic and payload of what was published since the last call.
    fn published_texts(&mut self) -> Vec<(String, String)> {
        let sent = self.sent();
        let published = sent.into_iter().filter_map(|packet| match packet {
            Packet::Publish(publish) => Some((
                publish.topic().unwrap().to_owned(),
                String::from_utf8_lossy(publish.payload()).into_owned(),
            )),
            _ => None,
        });
        published.collect()
    }
}

const FILE: &str = concat!(
    r#"{"time":"2026-11-22T07:00:00.000Z","topic":"home/hall/lamp","retain":true,"payload":"{\"state\":\"ON\"}"}"#,
    "\n",
    r#"{"time":"2026-11-22T07:00:02.000Z","topic":"home/hall/temperature","payload":"21.5"}"#,
    "\nnonsense\n",
    r#"{"time":"2026-11-22T07:00:01.000Z","topic":"home/hall/temperature","payload":"21.0"}"#,
    "\n",
    r#"{"time":"2026-11-22T07:01:00.000Z","topic":"$SYS/broker/uptime","payload":"1"}"#,
    "\n",
    r#"{"time":"2026-11-22T07:01:00.000Z","topic":"home/hall/door","qos":1,"payload":"open"}"#,
);

#[test]
fn a_recording_is_shown_at_its_own_rate_and_nothing_is_published() {
    let mut bench = Bench::new();
    let view = bench.give(FILE.as_bytes());
    assert_eq!(
        (view.state, view.messages, view.faulty),
        (ReplayState::Ready, 5, 1)
    );
    assert_eq!(
        view.faults,
        [(3, "it is neither a JSON object nor “topic payload”".to_owned())]
    );
    assert_eq!(view.to - view.from, 60_000);
    bench.command(Command::Open(View::Home));
    bench.play(ReplayCommand::Show);
    assert_eq!(bench.replay().played, 1);
    bench.wait(900);
    assert_eq!(bench.replay().played, 2);
    bench.wait(1_000);
    let view = bench.replay();
    assert!(view.demonstration && view.state == ReplayState::Playing);
    assert_eq!((view.played, bench.received()), (3, 3));
    assert!(!bench.cards().is_empty());
    bench.command(publication(1));
    assert!(
        matches!(&bench.patches[..], [.., Patch::Outcome { outcome: Outcome::Failed(why), .. }] if why.contains("nothing is published"))
    );
    bench.wait(60_000);
    let view = bench.replay();
    assert_eq!((view.state, view.played), (ReplayState::Ended, 5));
    assert!(bench.sent().is_empty() && bench.calls.is_empty());
    // Closed: what it showed is gone.
    bench.play(ReplayCommand::Close);
    bench.wait(1_000);
    assert_eq!(bench.last_replay(), None);
    assert_eq!(bench.received(), 0);
}

#[test]
fn it_can_be_paused_made_faster_and_begun_again() {
    let mut bench = Bench::new();
    bench.give(FILE.as_bytes());
    bench.play(ReplayCommand::Show);
    bench.wait(1_500);
    bench.play(ReplayCommand::Pause);
    bench.wait(100_000);
    let view = bench.replay();
    assert_eq!((view.state, view.played), (ReplayState::Paused, 2));
    bench.play(ReplayCommand::Speed(10));
    bench.play(ReplayCommand::Resume);
    // Half a second of the recording is left until the third.
    bench.wait(49);
    assert_eq!(bench.received(), 2);
    assert_eq!(bench.replay().played, 3);
    bench.play(ReplayCommand::Stop);
    assert_eq!(bench.replay().state, ReplayState::Ready);
    bench.play(ReplayCommand::Speed(0));
    bench.play(ReplayCommand::Show);
    assert_eq!(
        (bench.replay().state, bench.replay().played),
        (ReplayState::Ended, 5)
    );
}

#[test]
fn as_fast_as_possible_messages_keep_their_times() {
    let mut bench = Bench::new();
    // Before now, which is in 2023 here.
    bench.give(b"1700000000.000 t 1\n1600000000.000 t 2\nt without a time\n1900000000.000 t 3\n");
    bench.play(ReplayCommand::Speed(0));
    bench.play(ReplayCommand::Show);
    bench.command(Command::Open(View::Topic {
        topic: "t".into(),
        seen: crate::wire::TopicSeen::default(),
    }));
    bench.wait(1_000);
    let history = bench.patches.iter().rev().find_map(|patch| match patch {
        Patch::Topic { view: Some(view), .. } => Some(view.history.clone()),
        _ => None,
    });
    let times: Vec<_> = history.unwrap().iter().map(|row| row.received_at).collect();
    assert_eq!(
        times[1..],
        [1_700_000_000_000, 1_600_000_000_000, 1_600_000_000_000]
    );
    assert!(
        times[0] >= WALL_AT_ZERO_MS && times[0] < WALL_AT_ZERO_MS + 10_000,
        "never later than now"
    );
}

#[test]
fn a_chart_of_a_recording_that_keeps_its_times_ends_with_it() {
    let mut bench = Bench::new();
    // An hour in 2020; now is 2023.
    let lines = (0..60).map(|n| format!("{}.000 t {n}\n", 1_600_000_000 + n * 60));
    bench.give(lines.collect::<String>().as_bytes());
    bench.play(ReplayCommand::Speed(0));
    bench.play(ReplayCommand::Show);
    bench.wait(1_000);
    let series = vec![SeriesName {
        topic: "t".into(),
        ..SeriesName::default()
    }];
    for (span, samples) in [(ChartSpan::All, 60), (ChartSpan::Last(600_000), 10)] {
        bench.command(Command::Open(View::Chart(ChartWindow {
            series: series.clone(),
            span,
            columns: 200,
        })));
        bench.wait(1_000);
        let view = bench.patches.iter().rev().find_map(|patch| match patch {
            Patch::Chart(view) => Some(view.clone()),
            _ => None,
        });
        let view = view.unwrap();
        assert_eq!(view.now_ms, 1_600_003_540_000);
        assert!(view.to_ms < view.now_ms + 60_000, "{span:?}: {}", view.to_ms);
        let columns = view.series[0].columns.iter();
        assert_eq!(
            columns.map(|column| column.count).sum::<u32>(),
            samples,
            "{span:?}"
        );
    }
}

#[test]
fn a_recording_is_published_as_it_was_and_only_where_it_was_allowed() {
    let mut bench = Bench::connected();
    bench.sent();
    bench.give(FILE.as_bytes());
    bench.play(ReplayCommand::Show);
    assert_eq!(
        bench.replay().state,
        ReplayState::Ready,
        "a home and a file are never mixed"
    );
    assert!(bench.published_texts().is_empty());
    bench.play(ReplayCommand::Speed(60));
    bench.play(ReplayCommand::Publish);
    bench.wait(2_000);
    let view = bench.replay();
    assert_eq!((view.state, view.played, view.failed), (ReplayState::Ended, 5, 1));
    assert!(view.why.contains('$'), "{}", view.why);
    let topics: Vec<_> = bench
        .published_texts()
        .into_iter()
        .map(|(topic, _)| topic)
        .collect();
    assert_eq!(
        topics,
        [
            "home/hall/lamp",
            "home/hall/temperature",
            "home/hall/temperature",
            "home/hall/door"
        ]
    );
    bench.play(ReplayCommand::Publish);
    bench.command(Command::Connect(Box::new(ConnectionOptions {
        url: "ws://other".into(),
        ..options()
    })));
    assert_eq!(
        bench.replay().state,
        ReplayState::Ready,
        "another broker was not meant"
    );
}

#[test]
fn a_broker_that_takes_no_more_is_waited_for() {
    let mut bench = Bench::connected();
    let line = "{\"topic\":\"t\",\"payload\":1,\"qos\":1}\n";
    bench.give(line.repeat(1_000).as_bytes());
    bench.play(ReplayCommand::Speed(0));
    bench.play(ReplayCommand::Publish);
    bench.wait(1_000);
    let played = bench.replay().played;
    assert!((100..=400).contains(&played), "{played}");
    bench.close(1006, "");
    bench.wait(10);
    assert_eq!(bench.replay().played, played);
}

/// The broker takes one message at a time, and so many wait.
fn taken_one_by_one(queued: u32) -> Bench {
    let mut bench = Bench::new();
    bench.command(Command::Limit(Limits {
        queued,
        ..Limits::default()
    }));
    bench.command(Command::Connect(Box::new(options())));
    bench.input(Input::Opened);
    bench.sent();
    bench.send(&Packet::Connack(Connack {
        session_present: false,
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::of(&[Property::ReceiveMaximum(1)]).unwrap(),
    }));
    bench.sent();
    let line = "{\"topic\":\"t\",\"payload\":1,\"qos\":1}\n";
    bench.give(line.repeat(12).as_bytes());
    bench.play(ReplayCommand::Speed(0));
    bench.play(ReplayCommand::Publish);
    bench.wait(1_000);
    bench
}

#[test]
fn a_message_without_room_waits_for_what_is_under_way() {
    let mut bench = taken_one_by_one(2);
    let view = bench.replay();
    let counts = (view.state, view.played, view.failed);
    assert_eq!(counts, (ReplayState::Playing, 3, 0), "{}", view.why);
    for _ in 0..20 {
        for packet in bench.sent() {
            let Packet::Publish(publish) = packet else {
                continue;
            };
            bench.send(&Packet::Puback(Ack {
                packet_id: publish.into_parts().packet_id.unwrap(),
                reason_code: ReasonCode::SUCCESS,
                properties: Properties::new(),
            }));
        }
        bench.wait(100);
    }
    let view = bench.replay();
    let counts = (view.state, view.played, view.failed);
    assert_eq!(counts, (ReplayState::Ended, 12, 0), "{}", view.why);
}

#[test]
fn a_message_that_will_never_have_room_is_not_waited_for() {
    let view = taken_one_by_one(0).replay();
    let counts = (view.state, view.played, view.failed);
    assert_eq!(counts, (ReplayState::Ended, 12, 12));
    assert!(view.why.contains("full"), "{}", view.why);
}

#[test]
fn a_file_without_times_has_ten_messages_a_second() {
    let mut bench = Bench::new();
    let view = bench.give("t 1\n".repeat(100).as_bytes());
    assert_eq!((view.from, view.to), (0, 0));
    bench.play(ReplayCommand::Show);
    bench.wait(5_000);
    let played = bench.replay().played;
    assert!((50..=54).contains(&played), "{played}");
}

#[test]
fn a_large_file_is_read_part_by_part_and_what_is_no_recording_says_so() {
    let mut bench = Bench::new();
    let line = format!("{{\"topic\":\"t\",\"payload\":\"{}\"}}\n", "é".repeat(500));
    let file = line.repeat(2_000);
    bench.input(Input::File {
        name: "x".into(),
        bytes: file.len() as u64,
    });
    assert_eq!(bench.calls.len(), 1);
    bench.read(file.as_bytes());
    assert_eq!((bench.replay().messages, bench.replay().faulty), (2_000, 0));
    let view = bench.give(b"\x89PNG\r\n\x1a\n");
    assert!(matches!(view.state, ReplayState::Failed(why) if why.contains("no message")));
    let view = bench.give(b"");
    assert!(matches!(view.state, ReplayState::Failed(_)));
    // An answer about a file that was replaced is not one about this.
    bench.input(Input::FileRead {
        file: 1,
        result: Err("late".into()),
    });
    let view = bench.give(b"t 1");
    assert_eq!((view.state, view.messages), (ReplayState::Ready, 1));
}

#[test]
fn a_connection_ends_a_demonstration() {
    let mut bench = Bench::new();
    bench.give(FILE.as_bytes());
    bench.play(ReplayCommand::Show);
    bench.wait(5_000);
    bench.command(Command::Connect(Box::new(options())));
    bench.input(Input::Opened);
    bench.answer_connect(ReasonCode::SUCCESS);
    bench.wait(1_000);
    assert_eq!((bench.last_replay(), bench.received()), (None, 0));
}
