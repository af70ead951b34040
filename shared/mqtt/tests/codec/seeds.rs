//! The seeds of the fuzz targets and what fuzzing found, replayed as ordinary tests through the targets' own code.

use std::{fs, path::Path};

use crate::{fuzzed, replay::inputs};

fn replay(target: &str, check: fn(&[u8]), at_least: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/seeds")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the seeds are there") {
        let path = entry.expect("readable").path();
        check(&fs::read(&path).expect("readable"));
        count += 1;
    }
    assert!(count > 0, "no seeds in {}", folder.display());
    let found = inputs(target);
    found.iter().for_each(|input| check(input));
    assert!(
        found.len() >= at_least,
        "{} inputs of {target} are left",
        found.len()
    );
}

#[test]
fn framer_seeds_and_finds_hold() {
    replay("framer", fuzzed::framer, 60);
}

#[test]
fn packet_seeds_and_finds_hold() {
    replay("packet", fuzzed::packet, 600);
}

#[test]
fn topic_seeds_and_finds_hold() {
    replay("topic", fuzzed::topic, 150);
}
