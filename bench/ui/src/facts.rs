//! What must be known of the machine to read a figure.

use std::fs;
use std::process::Command;

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
    let processes: Vec<u32> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    let ours = |mut process: u32| {
        while process > 1 {
            if process == std::process::id() {
                return true;
            }
            process = parent(process).unwrap_or(0);
        }
        false
    };
    let renderers: Vec<u32> = processes
        .into_iter()
        .filter(|process| {
            fs::read(format!("/proc/{process}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains("--type=renderer"))
                && ours(*process)
        })
        .collect();
    let each = |name: &'static str| renderers.iter().filter_map(move |process| kib(*process, name));
    Renderers {
        resident_mib: each("VmRSS:").sum::<u64>() / 1024,
        page_mib: each("RssAnon:").max().unwrap_or(0) / 1024,
    }
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
