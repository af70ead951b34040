//! A recorded home of more than a thousand topics, through the engine: `e2e/recordings/README.md` says what it is.

use std::io::Read;

use super::*;
use crate::wire::{Counters, HomeView, ReplayCommand, ReplayState, TreeSort, TreeView};

const PACKED: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../e2e/recordings/home.jsonl.gz"
));

/// What is in it.
const MESSAGES: u64 = 2_720;
const TOPICS: u32 = 1_357;
const BRANCHES: [(&str, u32); 3] = [("homeassistant", 1_057), ("zigbee2mqtt", 247), ("$SYS", 53)];
/// 120 radios and their bridge.
const DEVICES: usize = 121;

impl Bench {
    fn tree_view(&self) -> TreeView {
        self.latest(|patch| match patch {
            Patch::Tree(view) => Some(view.clone()),
            _ => None,
        })
    }

    fn latest<T>(&self, pick: impl Fn(&Patch) -> Option<T>) -> T {
        self.patches.iter().rev().find_map(pick).unwrap()
    }
}

#[test]
fn a_recorded_home_of_a_thousand_topics_is_counted_and_shown_whole() {
    let mut file = Vec::new();
    flate2::read::GzDecoder::new(PACKED)
        .read_to_end(&mut file)
        .unwrap();
    let mut bench = Bench::new();
    bench.command(Command::Open(View::Tree(TreeWindow {
        rows: 10,
        sort: TreeSort::Name,
        ..TreeWindow::default()
    })));
    bench.command(Command::Open(View::Home));
    let view = bench.give(&file);
    assert_eq!((view.state, view.faulty, view.beyond), (ReplayState::Ready, 0, 0));
    assert_eq!(view.messages, MESSAGES);
    assert_eq!(bench.tree_view().topics, 0);
    bench.play(ReplayCommand::Speed(10));
    bench.play(ReplayCommand::Show);
    bench.wait(20_000);
    assert_eq!(
        (bench.replay().state, bench.replay().played),
        (ReplayState::Ended, MESSAGES)
    );
    let counters: Counters = bench.latest(|patch| match patch {
        Patch::Counters(counters) => Some(*counters),
        _ => None,
    });
    assert_eq!((counters.received, counters.topics), (MESSAGES, TOPICS));
    assert_eq!((counters.dropped, counters.cut), (0, 0));
    let tree = bench.tree_view();
    let below: Vec<_> = tree
        .rows
        .iter()
        .filter(|row| row.level == 0)
        .map(|row| (row.topic.as_str(), row.topics_below))
        .collect();
    assert_eq!(below, BRANCHES);
    let home: HomeView = bench.latest(|patch| match patch {
        Patch::Home(home) => Some(home.clone()),
        _ => None,
    });
    let devices: usize = home.rooms.iter().map(|room| room.devices.len()).sum();
    assert_eq!(devices, DEVICES);
}
