//! The messages of a topic: which are shown, compared and listed.

use super::*;
use crate::wire::{TopicSeen, TopicView};

fn open(bench: &mut Bench, seen: TopicSeen) {
    bench.command(Command::Open(View::Topic {
        topic: "t".into(),
        seen,
    }));
}

fn shown(bench: &Bench) -> &TopicView {
    let views = bench.patches.iter().rev().find_map(|patch| match patch {
        Patch::Topic { view, .. } => view.as_deref(),
        _ => None,
    });
    views.unwrap()
}

fn listed(view: &TopicView) -> Vec<(u64, &str)> {
    let rows = view.history.iter();
    rows.map(|row| (row.number, row.preview.as_str())).collect()
}

#[test]
fn any_message_is_shown_and_compared_with_any_other_while_the_list_stands_still() {
    let mut bench = Bench::connected();
    for n in 1..=5 {
        bench.publish("t", &format!("m{n}"));
        bench.wait(100 * n);
    }
    open(&mut bench, TopicSeen::default());
    let view = shown(&bench);
    assert_eq!((view.shown, view.count, &view.payload[..]), (5, 5, &b"m5"[..]));
    assert_eq!((view.against, view.previous.as_deref()), (4, Some(&b"m4"[..])));
    let seen = TopicSeen {
        shown: Some(2),
        against: Some(4),
        until: Some(3),
    };
    open(&mut bench, seen);
    bench.publish("t", "m6");
    bench.wait(300);
    let view = shown(&bench);
    assert_eq!((view.shown, view.count, &view.payload[..]), (2, 6, &b"m2"[..]));
    assert_eq!((view.against, view.previous.as_deref()), (4, Some(&b"m4"[..])));
    assert_eq!(listed(view), [(3, "m3"), (2, "m2"), (1, "m1")]);
}

#[test]
fn a_message_that_is_no_longer_kept_gives_way_to_the_newest() {
    let mut bench = Bench::connected();
    bench.command(Command::Limit(Limits {
        history: 10,
        ..Limits::default()
    }));
    for n in 1..=100 {
        bench.publish("t", &format!("m{n}"));
    }
    let seen = TopicSeen {
        shown: Some(1),
        against: Some(2),
        until: Some(3),
    };
    open(&mut bench, seen);
    let view = shown(&bench);
    assert_eq!((view.shown, view.against), (100, 99));
    assert!(view.arrivals.messages_dropped >= 89, "{:?}", view.arrivals);
    let oldest = view.arrivals.messages_dropped + 1;
    assert_eq!(listed(view), [(oldest, format!("m{oldest}").as_str())]);
}

#[test]
fn a_list_that_goes_along_does_so_once_a_second_and_is_never_at_what_is_gone() {
    for (history, is_kept) in [(1_000, true), (3, false)] {
        let mut bench = Bench::connected();
        bench.command(Command::Limit(Limits {
            history,
            ..Limits::default()
        }));
        for _ in 0..20 {
            bench.publish("t", "m");
        }
        open(&mut bench, TopicSeen::default());
        let first = shown(&bench).clone();
        assert_eq!(first.history[0].number, first.count);
        for _ in 0..40 {
            bench.publish("t", "m");
        }
        bench.wait(300);
        let soon = shown(&bench);
        assert_eq!(soon.shown, first.count + 40, "the payload is the newest at once");
        let end = if is_kept { first.count } else { soon.count };
        assert_eq!(soon.history[0].number, end, "history of {history}");
        bench.wait(1_100);
        let later = shown(&bench);
        assert_eq!(later.history[0].number, later.count, "without another message");
    }
}

#[test]
fn arrivals_say_how_evenly_messages_come() {
    let mut bench = Bench::connected();
    for wait in [0, 100, 100, 100, 500] {
        bench.wait(wait);
        bench.publish("t", "1234");
    }
    open(&mut bench, TopicSeen::default());
    let view = shown(&bench);
    assert_eq!(view.mean_interval_ms, Some(200));
    let arrivals = view.arrivals;
    assert_eq!((arrivals.jitter_ms, arrivals.longest_ms), (Some(150), Some(500)));
    assert_eq!((arrivals.payload_bytes, arrivals.duplicates), (20, 0));
    assert_eq!((arrivals.retained, arrivals.first_at), (None, WALL_AT_ZERO_MS));
    assert!(arrivals.rate > 0.0);
    bench.wait(20_000);
    assert_eq!(shown(&bench).arrivals.rate, 0.0, "silence is told");
}
