//! How long one message takes in the store, natively: `cargo run --release -p hearth-model --example store_speed`.

use std::hint::black_box;
use std::time::Instant;

use hearth_model::store::{Anchor, Arrival, Store, StoreOptions, TreeView};

fn main() {
    for (topics, what, payload) in [
        (1, "one number", payload as fn(usize) -> String),
        (5_000, "JSON, 4 numbers", json),
        (10_000, "JSON, 4 numbers", json),
        (10_000, "one number", payload),
        (100_000, "JSON, 4 numbers", json),
    ] {
        measure(topics, what, payload);
    }
}

const BATCH: u32 = 100_000;

fn payload(at: usize) -> String {
    format!("{}.{}", 20 + at % 7, at % 10)
}

fn json(at: usize) -> String {
    format!(
        r#"{{"temperature":2{}.{},"humidity":4{},"battery":87,"linkquality":{}}}"#,
        at % 7,
        at % 10,
        at % 10,
        at % 255
    )
}

fn measure(topics: usize, what: &str, payload: fn(usize) -> String) {
    let names: Vec<String> = (0..topics)
        .map(|at| format!("building/{}/room{}/sensor{at}/state", at % 20, at % 300))
        .collect();
    let payloads: Vec<String> = (0..1024).map(payload).collect();
    let mut store = Store::new(StoreOptions::default());
    let first = Instant::now();
    for name in &names {
        store.apply(
            0,
            &Arrival::new(name, payloads.first().map_or(b"", |payload| payload.as_bytes())),
        );
    }
    let first = first.elapsed();
    let mut messages = names.iter().zip(payloads.iter().cycle()).cycle();
    // Batches, because other work on the machine comes and goes: the median is told.
    let mut batches: Vec<f64> = Vec::new();
    for batch in 0..30 {
        let started = Instant::now();
        for at in 0..BATCH {
            let Some((name, payload)) = messages.next() else {
                break;
            };
            let now_ms = u64::from((batch * BATCH + at) / 500);
            black_box(store.apply(now_ms, &Arrival::new(name, payload.as_bytes())));
        }
        batches.push(started.elapsed().as_secs_f64() * 1e9 / f64::from(BATCH));
    }
    batches.sort_by(f64::total_cmp);
    let spent = batches.get(batches.len() / 2).copied().unwrap_or_default();
    let fastest = batches.first().copied().unwrap_or_default();
    let mut view = TreeView::new();
    let looked = Instant::now();
    view.window(&mut store, 0, Anchor::Place(0), 50);
    println!(
        "{topics:>7} topics, {what}: {:.0} ns a message (fastest {:.0}), {:.0} ns a new topic; {} MiB held, {} messages and {} samples \
         dropped; first window {:.1} ms",
        spent,
        fastest,
        first.as_secs_f64() * 1e9 / f64::from(u32::try_from(topics).unwrap_or(u32::MAX)),
        store.memory_bytes() / 1024 / 1024,
        store.counters().history_dropped,
        store.counters().samples_dropped,
        looked.elapsed().as_secs_f64() * 1e3,
    );
}
