//! Matching topics against 10,000 filters.

use std::hint::black_box;

use hearth_mqtt::{TopicFilter, TopicName, TopicTrie};

use crate::{Entry, Workload};

pub(crate) fn all() -> Vec<Workload> {
    vec![Workload::new("matching", entries)]
}

fn entries() -> Vec<Entry> {
    let filters: Vec<TopicFilter> = (0..10_000)
        .map(|n| match n % 10 {
            0 => format!("home/room{n}/#"),
            1 => format!("home/+/sensor{n}/temperature"),
            2 => format!("+/room{}/sensor{n}/+", n % 100),
            _ => format!("home/room{}/sensor{n}/temperature", n % 100),
        })
        .map(|text| TopicFilter::parse(&text).expect("a filter"))
        .collect();
    let names: Vec<TopicName> = (0..1000)
        .map(|n| TopicName::parse(&format!("home/room{}/sensor{n}/temperature", n % 100)).expect("a name"))
        .collect();
    let mut trie = TopicTrie::new();
    for filter in &filters {
        trie.insert(filter.clone(), ());
    }
    let scanned: Vec<TopicName> = names.iter().take(20).cloned().collect();
    let ours = Entry::new("hearth-mqtt, trie", move || {
        for name in &names {
            trie.for_each_match(name, |filter, ()| {
                black_box(filter);
            });
        }
        names.len()
    });
    let scan = Entry::new("hearth-mqtt, one by one", move || {
        for name in &scanned {
            for filter in &filters {
                black_box(filter.matches(name));
            }
        }
        scanned.len()
    });
    vec![ours, scan]
}
