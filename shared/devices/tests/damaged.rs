//! Every message of every fixture, damaged: cut at many lengths, with bytes changed, on the topics of all the others. Nothing panics,
//! nothing grows beyond its cap, and afterwards the whole message is read as ever.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::fs;
use std::path::Path;

use hearth_devices::{DeviceOptions, Devices};
use hearth_model::store::Arrival;

/// `(topic, payload)` of a fixture's messages.
fn messages(text: &str) -> Vec<(String, Vec<u8>)> {
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("< ").or(line.strip_prefix("<r ")));
    lines
        .map(|line| {
            let (topic, payload) = line.split_once(' ').unwrap_or((line, ""));
            (topic.replace("%20", " "), unescaped(payload))
        })
        .collect()
}

fn unescaped(payload: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = payload;
    while let Some((before, after)) = rest.split_once("\\x") {
        out.extend_from_slice(before.as_bytes());
        out.push(u8::from_str_radix(&after[..2], 16).unwrap());
        rest = &after[2..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

fn fixtures() -> Vec<Vec<(String, Vec<u8>)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut all = Vec::new();
    for format in fs::read_dir(folder).unwrap() {
        for file in fs::read_dir(format.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "home") {
                all.push(messages(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(all.len() > 10);
    all
}

fn say(devices: &mut Devices, now_ms: u64, topic: &str, payload: &[u8]) {
    devices.apply(now_ms, &Arrival::new(topic, payload));
    devices.settle(now_ms);
    devices.take_wanted();
}

fn check(devices: &Devices) {
    let most = DeviceOptions::default().maximum_announced_entities;
    for (_, device) in devices.iter() {
        assert!(device.entities.len() <= most.max(DeviceOptions::default().maximum_entities));
    }
    assert!(devices.problems().iter().count() <= 100);
}

#[test]
fn cut_at_many_lengths() {
    for messages in fixtures() {
        let mut devices = Devices::new(DeviceOptions::default());
        for (at, (topic, payload)) in messages.iter().enumerate() {
            let now_ms = 1_000 * at as u64;
            let step = (payload.len() / 40).max(1);
            for length in (0..payload.len()).step_by(step) {
                say(&mut devices, now_ms, topic, &payload[..length]);
            }
            say(&mut devices, now_ms, topic, payload);
            devices.tick(now_ms);
        }
        check(&devices);
    }
}

#[test]
fn with_changed_bytes() {
    // Reproducible: a generator of its own.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for messages in fixtures() {
        let mut devices = Devices::new(DeviceOptions::default());
        for (topic, payload) in &messages {
            for _ in 0..20 {
                let mut damaged = payload.clone();
                for _ in 0..1 + next() % 4 {
                    let length = damaged.len() as u64;
                    if let Some(byte) = damaged.get_mut((next() % length.max(1)) as usize) {
                        // Mostly characters that mean something in JSON.
                        *byte = *b"{}[]:,\"0-e\\\0\xff".get((next() % 13) as usize).unwrap();
                    }
                }
                say(&mut devices, 1_000, topic, &damaged);
            }
        }
        check(&devices);
    }
}

#[test]
fn on_the_topics_of_all_others() {
    let all = fixtures();
    let mut topics: Vec<&String> = all.iter().flatten().map(|(topic, _)| topic).collect();
    topics.dedup();
    let mut devices = Devices::new(DeviceOptions::default());
    for (at, (_, payload)) in all.iter().flatten().enumerate() {
        // Every payload on a dozen of other topics.
        for step in 0..12 {
            let topic = topics[(at * 7 + step * 31) % topics.len()];
            devices.apply(at as u64, &Arrival::new(topic, payload));
        }
        devices.settle(at as u64);
        devices.take_wanted();
    }
    check(&devices);
}
