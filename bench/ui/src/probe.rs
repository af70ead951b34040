//! What the page's own clock saw while it was under load.

use anyhow::Result;
use e2e::page::{Page, by};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::statistics::{largest, percentile};

/// Frame times by `requestAnimationFrame`, long tasks, delay of real input, heap.
const PROBE: &str = "
    const seen = {frames: [], long: [], delays: [], heap: 0};
    window.probe = seen;
    const begun = performance.now();
    let last = null;
    requestAnimationFrame(function tick(at) {
        if (last !== null) { seen.frames.push(at - last); }
        last = at;
        requestAnimationFrame(tick);
    });
    new PerformanceObserver(list => {
        for (const task of list.getEntries()) { seen.long.push([task.duration, task.startTime - begun]); }
    }).observe({type: 'longtask'});
    for (const kind of ['mousedown', 'keydown']) {
        addEventListener(kind, event => seen.delays.push(performance.now() - event.timeStamp), {capture: true});
    }
    setInterval(() => { seen.heap = Math.max(seen.heap, performance.memory.usedJSHeapSize); }, 250);";

#[derive(Deserialize)]
pub(crate) struct Seen {
    frames: Vec<f64>,
    /// How long, and when after the beginning; ms.
    long: Vec<(f64, f64)>,
    delays: Vec<f64>,
    heap: f64,
}

/// Starts to look.
pub(crate) fn start(page: &Page) -> Result<()> {
    page.script::<Value>(PROBE, &[]).map(drop)
}

/// Forgets what was seen so far.
pub(crate) fn reset(page: &Page) -> Result<()> {
    let body = "Object.assign(window.probe, {frames: [], long: [], delays: [], heap: 0})";
    page.script::<Value>(body, &[]).map(drop)
}

/// What was seen so far.
pub(crate) fn read(page: &Page) -> Result<Seen> {
    page.script("return window.probe", &[])
}

/// A real click, where nothing happens.
pub(crate) fn click(page: &Page) -> Result<()> {
    for kind in ["mousePressed", "mouseReleased"] {
        let event = json!({"type": kind, "x": 2, "y": 2, "button": "left", "clickCount": 1});
        page.browser()
            .session()
            .devtools("Input.dispatchMouseEvent", &event)?;
    }
    Ok(())
}

/// The numbers of the page's foot: received, dropped.
pub(crate) fn counted(page: &Page) -> Result<(Option<u64>, Option<u64>)> {
    Ok((
        page.number(&by("messages-received"))?,
        page.number(&by("messages-dropped"))?,
    ))
}

impl Seen {
    pub(crate) const HEAD: &str =
        "    fps   p95 ms  worst ms   long tasks (worst, when)   input p95 ms (n)   heap MiB";

    pub(crate) fn row(&self) -> String {
        let total: f64 = self.frames.iter().sum();
        let worst_first = |one: &&(f64, f64), other: &&(f64, f64)| one.0.total_cmp(&other.0);
        let (worst, at) = self.long.iter().max_by(worst_first).copied().unwrap_or_default();
        format!(
            "{:>7.1} {:>8.1} {:>9.1} {:>7} ({:>5.0} ms, {:>5.1} s) {:>13.1} ({:>3}) {:>10.1}",
            self.frames.len() as f64 * 1000.0 / total,
            percentile(&self.frames, 95.0),
            largest(&self.frames),
            self.long.len(),
            worst,
            at / 1000.0,
            percentile(&self.delays, 95.0),
            self.delays.len(),
            self.heap / 1024.0 / 1024.0,
        )
    }
}
