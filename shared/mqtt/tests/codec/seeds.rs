//! The seeds of the fuzz targets, replayed as ordinary tests.

use std::{fs, path::Path};

use crate::fuzzed;

fn replay(target: &str, check: fn(&[u8])) {
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
}

#[test]
fn framer_seeds_hold() {
    replay("framer", fuzzed::framer);
}

#[test]
fn packet_seeds_hold() {
    replay("packet", fuzzed::packet);
}

#[test]
fn topic_seeds_hold() {
    replay("topic", fuzzed::topic);
}
