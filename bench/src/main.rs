//! The codec against others, in one run: interleaved rounds, medians and ratios.
//!
//! `cargo xtask bench codec [ROUNDS [WORKLOAD]]`. Input comes in chunks of 64 KiB, so packets straddle; the copy of a chunk
//! into the receiver's buffer is part of everybody's time. Peers check less; that does not lower the bar.

mod count;
mod decode;
mod encode;
mod matching;
mod work;

use std::time::Instant;

/// One contender in one workload.
struct Entry {
    name: &'static str,
    run: Box<dyn FnMut() -> usize>,
}

impl Entry {
    /// `run` does the whole workload and says how many packets that were.
    fn new(name: &'static str, run: impl FnMut() -> usize + 'static) -> Self {
        Self {
            name,
            run: Box::new(run),
        }
    }
}

/// Runs the entries in turn and prints a row for each; the first is ours.
fn compare(workload: &str, rounds: usize, mut entries: Vec<Entry>) {
    let asked = std::env::args().nth(2);
    if asked.is_some_and(|part| !workload.contains(&part)) {
        return;
    }
    let mut times = vec![Vec::new(); entries.len()];
    let mut allocations = vec![0.0; entries.len()];
    for round in 0..=rounds {
        for (at, entry) in entries.iter_mut().enumerate() {
            let before = count::allocations();
            let start = Instant::now();
            let packets = (entry.run)() as f64;
            let ns = start.elapsed().as_nanos() as f64 / packets;
            // The first round warms up.
            if round > 0 {
                times[at].push(ns);
                allocations[at] = (count::allocations() - before) as f64 / packets;
            }
        }
    }
    for all in &mut times {
        all.sort_by(f64::total_cmp);
    }
    let median = |at: usize| times[at][times[at].len() / 2];
    let least = |at: usize| times[at][0];
    let best = |of: &dyn Fn(usize) -> f64| (1..times.len()).map(of).fold(f64::INFINITY, f64::min);
    for (at, entry) in entries.iter().enumerate() {
        let ratio = if at == 0 {
            format!(
                "{:.2} / {:.2} × best peer",
                median(0) / best(&median),
                least(0) / best(&least)
            )
        } else {
            String::new()
        };
        println!(
            "{:<12} {:<22} {:>8.1} {:>8.1} ns {:>6.2} allocs  {ratio}",
            if at == 0 { workload } else { "" },
            entry.name,
            median(at),
            least(at),
            allocations[at],
        );
    }
}

fn main() {
    let rounds = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(11);
    println!(
        "median and least of {rounds} interleaved rounds, per packet; buffers per chunk count as allocations"
    );
    decode::all(rounds);
    encode::all(rounds);
    matching::all(rounds);
}
