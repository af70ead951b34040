//! The topic tree as the page asks for it.

use super::*;
use crate::wire::{TreeCommand, TreeSort, TreeView};

fn window() -> TreeWindow {
    TreeWindow {
        rows: 50,
        ..TreeWindow::default()
    }
}

impl Bench {
    fn open_tree(&mut self, window: TreeWindow) {
        self.command(Command::Open(View::Tree(window)));
        self.wait(1);
    }

    fn tree(&self) -> &TreeView {
        let views = self.patches.iter().rev().filter_map(|patch| match patch {
            Patch::Tree(view) => Some(view),
            _ => None,
        });
        views.into_iter().next().unwrap()
    }

    fn names(&self) -> Vec<&str> {
        self.tree().rows.iter().map(|row| row.topic.as_str()).collect()
    }
}

#[test]
fn rows_by_rate_are_ordered_anew_unless_somebody_points_at_them() {
    let mut bench = Bench::connected();
    for topic in ["a", "b", "c", "b"] {
        bench.publish(topic, "1");
    }
    let by_rate = TreeWindow {
        sort: TreeSort::Rate,
        ..window()
    };
    bench.open_tree(by_rate.clone());
    assert_eq!(bench.names(), ["b", "a", "c"]);
    let pointed = TreeWindow {
        hold_order: true,
        ..by_rate.clone()
    };
    bench.open_tree(pointed);
    for _ in 0..5 {
        bench.publish("c", "1");
    }
    bench.wait(2_000);
    assert_eq!(bench.names(), ["b", "a", "c"]);
    assert!(bench.tree().order_held);
    bench.command(Command::Tree(TreeCommand::Resort));
    bench.wait(1);
    assert_eq!(bench.names(), ["c", "b", "a"]);
    for _ in 0..9 {
        bench.publish("a", "1");
    }
    bench.open_tree(by_rate);
    assert_eq!(bench.names(), ["a", "c", "b"]);
    assert!(!bench.tree().order_held);
}

#[test]
fn a_pause_holds_rows_and_values_and_a_step_shows_the_present_once() {
    let mut bench = Bench::connected();
    bench.publish("a/b", "1");
    bench.open_tree(window());
    let paused = TreeWindow {
        paused: true,
        ..window()
    };
    bench.open_tree(paused.clone());
    bench.command(Command::Tree(TreeCommand::OpenAll));
    bench.publish("a/b", "2");
    bench.publish("c", "2");
    bench.wait(2_000);
    let shown = |bench: &Bench| -> Vec<(String, String)> {
        let rows = bench.tree().rows.iter();
        rows.map(|row| (row.topic.clone(), row.preview.clone())).collect()
    };
    let pair = |topic: &str, preview: &str| (topic.to_owned(), preview.to_owned());
    assert_eq!(shown(&bench), [pair("a", ""), pair("a/b", "1")]);
    assert_eq!(bench.tree().held_back, 2);
    bench.command(Command::Tree(TreeCommand::Step));
    bench.wait(1);
    assert_eq!(shown(&bench), [pair("a", ""), pair("a/b", "2"), pair("c", "2")]);
    assert_eq!(bench.tree().held_back, 0);
    bench.publish("c", "3");
    bench.wait(2_000);
    assert_eq!(shown(&bench).last(), Some(&pair("c", "2")), "it is still paused");
    assert_eq!(bench.tree().held_back, 1);
    bench.open_tree(window());
    assert_eq!(shown(&bench).last(), Some(&pair("c", "3")));
}

#[test]
fn a_paused_page_holds_its_topic_too() {
    let mut bench = Bench::connected();
    bench.publish("a", "1");
    bench.open_tree(window());
    bench.command(Command::Open(View::Topic {
        topic: "a".into(),
        seen: crate::wire::TopicSeen::default(),
    }));
    bench.open_tree(TreeWindow {
        paused: true,
        ..window()
    });
    bench.patches.clear();
    bench.publish("a", "2");
    bench.wait(2_000);
    let payloads = |bench: &Bench| -> Vec<Vec<u8>> {
        let views = bench.patches.iter().filter_map(|patch| match patch {
            Patch::Topic { view: Some(view), .. } => Some(view.payload.clone()),
            _ => None,
        });
        views.collect()
    };
    assert_eq!(payloads(&bench), [b""; 0]);
    bench.command(Command::Tree(TreeCommand::Step));
    bench.wait(300);
    assert_eq!(payloads(&bench), [b"2"]);
}

#[test]
fn a_topic_that_an_address_names_is_revealed_when_it_is_heard() {
    let mut bench = Bench::connected();
    bench.open_tree(window());
    bench.command(Command::Tree(TreeCommand::Reveal("x/y/z".into())));
    bench.publish("x/y/z", "1");
    bench.wait(1_000);
    assert_eq!(bench.names(), ["x", "x/y", "x/y/z"]);
}

#[test]
fn expressions_find_topics_and_payloads_and_wrong_ones_are_explained() {
    let mut bench = Bench::connected();
    for (topic, payload) in [("a/b", "open"), ("a/c", "closed"), ("d", "OPEN"), ("$SYS/x", "1")] {
        bench.publish(topic, payload);
    }
    let search = |text: &str| TreeWindow {
        search: text.into(),
        pattern: true,
        payloads: true,
        ..window()
    };
    bench.open_tree(search("^op|/c$"));
    assert_eq!(bench.names(), ["a", "a/b", "a/c", "d"]);
    assert_eq!((bench.tree().matching, bench.tree().unsearched), (3, 0));
    let hits: Vec<_> = bench.tree().rows.iter().map(|row| row.hit).collect();
    assert_eq!(
        hits,
        [(false, false), (false, true), (true, false), (false, true)]
    );
    for (backward, row, nth) in [
        (false, 1, 1),
        (false, 2, 2),
        (false, 3, 3),
        (false, 1, 1),
        (true, 3, 3),
    ] {
        let from = bench.tree().found.map(|found| found.row);
        bench.command(Command::Tree(TreeCommand::Find { from, backward }));
        bench.wait(1);
        let found = bench.tree().found.unwrap();
        assert_eq!((found.row, found.nth), (row, nth));
    }
    bench.open_tree(search("(op"));
    assert!(
        bench
            .tree()
            .search_error
            .as_ref()
            .is_some_and(|error| error.contains("add )"))
    );
    assert_eq!(
        bench.names().len(),
        4,
        "what was found stays while somebody types"
    );
}

#[test]
fn who_floods_is_told() {
    let mut bench = Bench::connected();
    for n in 0..90 {
        bench.publish("meters/main/power", &n.to_string());
    }
    for n in 0..10 {
        bench.publish(&format!("lamp/{n}"), "1");
    }
    bench.open_tree(window());
    let busiest = bench.tree().busiest.clone().unwrap();
    assert_eq!(busiest.topic, "meters/main/power");
    assert!((0.89..0.91).contains(&busiest.share), "{busiest:?}");
}
