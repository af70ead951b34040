//! The codec against others, in one run: interleaved rounds, medians and ratios.
//!
//! `cargo xtask bench codec [ROUNDS [WORKLOAD]]`, or `cargo xtask bench codec instructions [WORKLOAD]` for exact
//! counts by callgrind. Input comes in chunks of 64 KiB, so packets straddle; everybody gets the same chunks and cuts
//! them, and the copy of a chunk into the receiver's buffer is part of everybody's time. Peers check less; that does not
//! lower the bar.

mod count;
mod decode;
mod encode;
mod instructions;
mod matching;
mod peers;
mod session;
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

    fn is_ours(&self) -> bool {
        self.name.starts_with("hearth")
    }
}

/// One task and who takes part in it; ours first.
struct Workload {
    name: String,
    entries: Box<dyn Fn() -> Vec<Entry>>,
}

impl Workload {
    fn new(name: impl Into<String>, entries: impl Fn() -> Vec<Entry> + 'static) -> Self {
        Self {
            name: name.into(),
            entries: Box::new(entries),
        }
    }
}

/// The workloads whose name has `part` in it; those by kind of packet only when they are asked for.
fn workloads(part: &str) -> Vec<Workload> {
    let mut all = decode::all();
    all.extend(encode::all());
    all.extend(session::all());
    all.extend(matching::all());
    if part.starts_with("kind") {
        all = decode::kinds();
    }
    all.retain(|workload| workload.name.contains(part));
    all
}

/// The best of the others, or of all when all are ours.
fn best_peer(entries: &[Entry], figure: impl Fn(usize) -> f64) -> f64 {
    let alone = entries.iter().all(Entry::is_ours);
    let peers = (1..entries.len()).filter(|at| alone || !entries[*at].is_ours());
    peers.map(figure).fold(f64::INFINITY, f64::min)
}

/// Runs the entries in turn and prints a row for each.
fn compare(workload: &str, rounds: usize, mut entries: Vec<Entry>) {
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
    for (at, entry) in entries.iter().enumerate() {
        let ratio = if entry.is_ours() && entries.len() > 1 {
            format!(
                "{:.2} / {:.2} × best peer",
                median(at) / best_peer(&entries, median),
                least(at) / best_peer(&entries, least)
            )
        } else {
            String::new()
        };
        println!(
            "{:<22} {:<26} {:>8.1} {:>8.1} ns {:>6.2} allocs  {ratio}",
            if at == 0 { workload } else { "" },
            entry.name,
            median(at),
            least(at),
            allocations[at],
        );
    }
}

/// Whether this run is for callgrind.
fn counts_instructions() -> bool {
    std::env::args()
        .nth(1)
        .is_some_and(|first| first == instructions::CHILD)
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [instructions::CHILD, rest @ ..] => instructions::child(rest),
        ["instructions", rest @ ..] => instructions::all(rest.first().copied().unwrap_or("")),
        _ => {
            let rounds = args.first().and_then(|text| text.parse().ok()).unwrap_or(41);
            println!(
                "median and least of {rounds} interleaved rounds, per packet; buffers per chunk count as allocations"
            );
            let part = args.get(1).copied().unwrap_or("");
            for workload in workloads(part) {
                compare(&workload.name, rounds, (workload.entries)());
            }
        }
    }
}
