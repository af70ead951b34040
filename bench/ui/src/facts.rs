//! What must be known of the machine to read a figure.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Processor, cores, load, memory, browser.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let line = |text: &str, name: &str| {
        text.lines()
            .find(|line| line.starts_with(name))
            .and_then(|line| line.split_once(':'))
            .map_or_else(|| "?".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let chromium = Command::new("chromium").arg("--version").output();
    let chromium = chromium.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    format!(
        "{} × {cores}, {}, load {}; {}. Server, browser and its network process share the cores.\n",
        line(&read("/proc/cpuinfo"), "model name"),
        line(&read("/proc/meminfo"), "MemTotal"),
        read("/proc/loadavg").split(' ').next().unwrap_or("?"),
        chromium.unwrap_or_else(|_| "no chromium".to_owned()),
    )
}

/// Memory of the browser's renderers that this process started, in MiB.
#[derive(Clone, Copy, Default)]
pub(crate) struct Renderers {
    /// All that is resident in all of them, the pages of Chromium's own program among it.
    pub(crate) resident_mib: u64,
    /// What the largest, which holds the page, has for itself: both lives of the page with their JavaScript and WebAssembly.
    pub(crate) page_mib: u64,
}

pub(crate) fn renderers() -> Renderers {
    let renderers: Vec<u32> = started_by_us()
        .filter(|process| {
            fs::read(format!("/proc/{process}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains("--type=renderer"))
        })
        .collect();
    let each = |name: &'static str| renderers.iter().filter_map(move |process| kib(*process, name));
    Renderers {
        resident_mib: each("VmRSS:").sum::<u64>() / 1024,
        page_mib: each("RssAnon:").max().unwrap_or(0) / 1024,
    }
}

/// Waits until a browser that has just been started is done with itself: for about a second pages of its own program, which no
/// user waits for, keep the processors busy. Not for longer than 10 s.
pub(crate) fn wait_until_quiet() {
    /// Between two looks, and how many clock ticks (10 ms of a processor) all may use in it.
    const LOOK: Duration = Duration::from_millis(300);
    const TICKS: u64 = 2;
    let begun = Instant::now();
    let mut before = ticks();
    while begun.elapsed() < Duration::from_secs(10) {
        sleep(LOOK);
        let now = ticks();
        if now.saturating_sub(before) <= TICKS {
            return;
        }
        before = now;
    }
}

/// The processor time of all that this process has started, in clock ticks.
fn ticks() -> u64 {
    let of = |process: u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name, in parentheses, may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    };
    started_by_us().filter_map(of).sum()
}

/// The processes below this one.
fn started_by_us() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|process| {
            let mut above = parent(*process).unwrap_or(0);
            while above > 1 && above != std::process::id() {
                above = parent(above).unwrap_or(0);
            }
            above == std::process::id()
        })
}

fn parent(process: u32) -> Option<u32> {
    status(process, "PPid:")?.parse().ok()
}

fn kib(process: u32, name: &str) -> Option<u64> {
    status(process, name)?.split(' ').next()?.parse().ok()
}

fn status(process: u32, name: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim().to_owned())
}
