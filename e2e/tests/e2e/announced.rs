//! A large home that announces itself at once: 700 devices with 5,000 entities, in three formats.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::blaster::{Blaster, Subscriber};
use e2e::bridge::dist;
use e2e::browser::{Screen, processes};
use e2e::case::case;
use e2e::page::{Page, percent_encoded};
use e2e::static_server::StaticServer;
use e2e::wait::{until, until_within};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);
const ROOMS: usize = 35;
const DEVICES: usize = 700;
const ENTITIES: usize = 5_000;
/// Of each device besides its light: class, unit.
const MEASURED: [(&str, &str); 6] = [
    ("temperature", "°C"),
    ("humidity", "%"),
    ("battery", "%"),
    ("power", "W"),
    ("energy", "kWh"),
    ("voltage", "V"),
];

/// Notes when the first card with a value, and all devices, are on the screen; and tasks that are too long.
const STOPWATCH: &str = r#"
    window.seen = {long: []};
    new PerformanceObserver(list => { for (const task of list.getEntries()) window.seen.long.push(Math.round(task.duration)); })
        .observe({type: 'longtask'});
    (function look() {
        if (!window.seen.first && document.querySelector('[data-testid="device-card"] [data-testid="entity-control"], [data-testid="entity-value"]'))
            window.seen.first = performance.now();
        if (!window.seen.all && /of 700\b/.test(document.querySelector('main')?.innerText ?? ''))
            window.seen.all = performance.now();
        requestAnimationFrame(look);
    })();
"#;

/// Topics and payloads.
#[derive(Default)]
struct Home {
    configurations: Vec<(String, String)>,
    states: Vec<(String, String)>,
}

/// An object with one more member.
fn with(mut object: serde_json::Value, name: &str, value: serde_json::Value) -> serde_json::Value {
    if let serde_json::Value::Object(members) = &mut object {
        members.insert(name.to_owned(), value);
    }
    object
}

/// What Home Assistant discovery says of one part.
fn part(number: usize, at: usize, base: &str) -> serde_json::Value {
    let id = format!("d{number}-{at}");
    match at.checked_sub(1).and_then(|at| MEASURED.get(at)) {
        Some((class, unit)) => json!({
            "name": class, "unique_id": id, "state_topic": base, "device_class": class, "unit_of_measurement": unit,
            "value_template": format!("{{{{ value_json.{class} }}}}"),
        }),
        None if at == 0 => json!({
            "name": null, "unique_id": id, "schema": "json", "brightness": true, "brightness_scale": 254,
            "state_topic": base, "command_topic": format!("{base}/set"),
        }),
        None => json!({
            "name": format!("Signal {at}"), "unique_id": id, "state_topic": base, "unit_of_measurement": "lqi",
            "value_template": "{{ value_json.linkquality }}", "entity_category": "diagnostic",
        }),
    }
}

fn component(at: usize) -> &'static str {
    if at == 0 { "light" } else { "sensor" }
}

/// 500 devices with a configuration for each of their 7 parts, 100 with one for all of their 8, and 100 in the list of a
/// zigbee2mqtt bridge with 7 each.
fn announcements() -> Home {
    let Home {
        mut configurations,
        mut states,
    } = Home::default();
    let mut listed = Vec::new();
    for number in 0..DEVICES {
        let room = format!("Room {}", number % ROOMS + 1);
        let name = format!("Lamp {number}");
        let base = if number < 600 {
            format!("bulk/{number}")
        } else {
            format!("bulk2mqtt/{room}/{name}")
        };
        let device =
            json!({"ids": [format!("bulk-{number}")], "name": name, "mf": "Bulk", "mdl": "B-7", "sa": room});
        match number {
            0..500 => {
                for at in 0..7 {
                    let config = with(part(number, at, &base), "device", device.clone());
                    let config = with(config, "availability", json!([{"topic": "bulk/status"}]));
                    let topic = format!("homeassistant/{}/bulk{number}/p{at}/config", component(at));
                    configurations.push((topic, config.to_string()));
                }
            }
            500..600 => {
                let parts: serde_json::Map<_, _> = (0..8)
                    .map(|at| {
                        let config = with(part(number, at, &base), "p", json!(component(at)));
                        (format!("p{at}"), config)
                    })
                    .collect();
                let config = json!({"dev": device, "o": {"name": "bulk2mqtt"}, "cmps": parts});
                configurations.push((
                    format!("homeassistant/device/bulk{number}/config"),
                    config.to_string(),
                ));
            }
            _ => listed.push(zigbee_device(number, &format!("{room}/{name}"))),
        }
        let state = json!({
            "state": if number % 3 == 0 { "ON" } else { "OFF" }, "brightness": 20 + number % 200, "temperature": 18.5 + (number % 50) as f64 / 10.0,
            "humidity": 40 + number % 20, "battery": 50 + number % 50, "power": number % 9, "energy": number, "voltage": 230,
            "linkquality": 100,
        });
        states.push((base, state.to_string()));
    }
    configurations.push(("bulk/status".to_owned(), "online".to_owned()));
    configurations.push(("bulk2mqtt/bridge/devices".to_owned(), json!(listed).to_string()));
    Home {
        configurations,
        states,
    }
}

fn zigbee_device(number: usize, name: &str) -> serde_json::Value {
    let mut exposes: Vec<_> = MEASURED
        .iter()
        .map(|(class, unit)| json!({"type": "numeric", "name": class, "property": class, "access": 1, "unit": unit}))
        .collect();
    exposes.push(json!({"type": "light", "features": [
        {"type": "binary", "name": "state", "property": "state", "access": 7, "value_on": "ON", "value_off": "OFF"},
        {"type": "numeric", "name": "brightness", "property": "brightness", "access": 7, "value_min": 0, "value_max": 254},
    ]}));
    json!({
        "ieee_address": format!("0x00005eef2000{number:04x}"), "type": "Router", "network_address": number, "supported": true,
        "friendly_name": name, "disabled": false, "interview_completed": true,
        "definition": {"model": "B-7", "vendor": "Bulk", "description": "Lamp", "exposes": exposes, "options": []},
    })
}

/// CPU time of the page's Worker so far, in ms, from the system.
fn worker_ms(page: &Page) -> Result<u64> {
    let mut ticks = 0;
    for process in processes::of_browser(page.browser().profile()) {
        let Ok(tasks) = std::fs::read_dir(process.join("task")) else {
            continue;
        };
        ticks += tasks
            .flatten()
            .filter_map(|task| processes::name_and_ticks(&task.path()))
            .filter(|(name, _)| name.contains("DedicatedWorker"))
            .map(|(_, ticks)| ticks)
            .sum::<u64>();
    }
    ensure!(ticks > 0, "the page has no Worker that could be found");
    Ok(ticks * processes::TICK_MS)
}

/// Waits until the Worker has nothing to do, and says how much it has done so far.
fn settled_ms(page: &Page) -> Result<u64> {
    let (mut last, mut since) = (worker_ms(page)?, Instant::now());
    until_within(PATIENCE, "a Worker at rest", || {
        let now = worker_ms(page)?;
        if now > last + 10 {
            (last, since) = (now, Instant::now());
        }
        Ok((since.elapsed() > Duration::from_millis(700)).then_some(now))
    })
}

fn say(subscriber: &mut Subscriber, home: &Home) -> Result<()> {
    subscriber.send(&home.configurations, true)?;
    subscriber.send(&home.states, true)
}

#[test]
fn a_home_of_five_thousand_entities_is_there_soon_and_announced_again_for_little() -> Result<()> {
    let home = announcements();
    case("announced", Screen::Desktop, |page| {
        let (files, server) = (StaticServer::start(dist()?, "/")?, Blaster::start()?);
        page.browser().wait_until_quiet();
        page.browser().run_in_every_page(STOPWATCH)?;
        page.open(&format!(
            "{}?url={}&clean_start=1&connect=1#/",
            files.url(),
            percent_encoded(&server.url())
        ))?;
        let mut subscriber = server.subscriber(PATIENCE)?;
        page.wait_until_connected()?;
        settled_ms(page)?;
        let begun: f64 = page.script("window.seen.long = []; return performance.now()", &[])?;
        say(&mut subscriber, &home)?;
        let at = |what: &str| -> Result<f64> {
            until_within(PATIENCE, what, || {
                page.script(&format!("return window.seen.{what} ?? null"), &[])
            })
        };
        let (first, all): (f64, f64) = (at("first")? - begun, at("all")? - begun);
        let spent_ms = settled_ms(page)?;
        let long: Vec<u64> = page.script("return window.seen.long", &[])?;
        println!(
            "{DEVICES} devices, {ENTITIES} entities, {} messages: first card {first:.0} ms (goal 1000), all {all:.0} ms (goal 3000), \
             Worker {spent_ms} ms since its start, long tasks {long:?} ms (goal none)",
            home.configurations.len() + home.states.len()
        );

        page.script::<Option<bool>>("document.querySelector('header').style.visibility = 'hidden'; window.seen.long = []; return null", &[])?;
        let before = until("a picture that stays", || {
            let picture = page.browser().screenshot()?;
            Ok((picture == page.browser().screenshot()?).then_some(picture))
        })?;
        let spent_ms = settled_ms(page)?;
        let mut again_ms = Vec::new();
        for _ in 0..3 {
            say(&mut subscriber, &home)?;
            subscriber.finish(PATIENCE)?;
            again_ms.push(settled_ms(page)?);
        }
        let costs: Vec<u64> = std::iter::once(&spent_ms)
            .chain(&again_ms)
            .zip(&again_ms)
            .map(|(before, after)| after - before)
            .collect();
        let long_again: Vec<u64> = page.script("return window.seen.long", &[])?;
        println!("announced again: {costs:?} ms of Worker time (goal 1000), long tasks {long_again:?} ms");
        let after = page.browser().screenshot()?;
        ensure!(before == after, "what was announced again changed the picture");
        // The goals are for a quiet machine; here other tests run as well.
        ensure!(
            first < 4_000.0 && all < 12_000.0,
            "the first card took {first:.0} ms, all took {all:.0} ms"
        );
        let cost = costs.iter().min().copied().context("three rounds")?;
        ensure!(cost < 2_000, "announcing again cost {costs:?} ms of Worker time");
        Ok(())
    })
}
