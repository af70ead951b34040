//! Exact counts of instructions: each entry runs by itself under callgrind, once and twice; the difference is one round.

use std::process::Command;

use crate::{best_peer, workloads};

/// The first argument of a run under callgrind.
pub(crate) const CHILD: &str = "one-entry";

/// Runs one entry of one workload so many times, and prints how many packets one time was.
pub(crate) fn child(args: &[&str]) {
    let [workload, entry, times] = args else {
        panic!("workload, entry and times are wanted");
    };
    let wanted = workloads(workload).into_iter().find(|it| it.name == *workload);
    let mut entries = (wanted.expect("a workload").entries)();
    let entry = &mut entries[entry.parse::<usize>().expect("a number")];
    let mut packets = 0;
    for _ in 0..times.parse().expect("a number") {
        packets = (entry.run)();
    }
    println!("{packets}");
}

/// Instructions of a run, and its packets.
fn count(workload: &str, entry: usize, times: &str) -> (f64, f64) {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().expect("a path"))
        .args([CHILD, workload, &entry.to_string(), times])
        .output()
        .expect("valgrind is needed");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let collected = told
        .lines()
        .find_map(|line| line.split("Collected :").nth(1))
        .and_then(|count| count.trim().parse().ok());
    let packets = String::from_utf8_lossy(&output.stdout).trim().parse();
    (
        collected.unwrap_or_else(|| panic!("{told}")),
        packets.expect("a number of packets"),
    )
}

/// Prints a row for each entry of the workloads whose name has `part` in it.
pub(crate) fn all(part: &str) {
    println!("instructions per packet, counted by callgrind");
    for workload in workloads(part) {
        let entries = (workload.entries)();
        let each = (0..entries.len()).map(|entry| {
            let (once, packets) = count(&workload.name, entry, "1");
            let (twice, _) = count(&workload.name, entry, "2");
            (twice - once) / packets
        });
        let figures: Vec<f64> = each.collect();
        for (at, entry) in entries.iter().enumerate() {
            let name = if at == 0 { workload.name.as_str() } else { "" };
            let ratio = if at == 0 && entries.len() > 1 {
                format!(
                    "{:.2} × best peer",
                    figures[0] / best_peer(&entries, |at| figures[at])
                )
            } else {
                String::new()
            };
            println!("{name:<22} {:<24} {:>10.1}  {ratio}", entry.name, figures[at]);
        }
    }
}
