//! What devices really say, file by file, with what is made of it.
//!
//! A file is a sequence of lines:
//!
//! ```text
//! # Source: where the messages are from
//! < topic payload             a message, live
//! <r topic payload            a message from the broker's store
//! u name value                the next message has this User Property, or this Content Type (content-type)
//! t 120000                    that long passes, in ms
//! = room | name | …           the home as it is now: all lines together
//! =   entity …
//! ? topic: reason             what could not be read: all lines together
//! ! entity-id action          a command …
//! > topic payload             … and its message
//! ```
//!
//! The messages before the first line that expects something are also said in reverse, because retained messages come
//! in any order: the home must be the same. `# in this order` as a line of its own says that it is not. With
//! `HEARTH_FIXTURES=write` what is expected is written anew.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hearth_devices::{Action, Device, DeviceOptions, Devices, Entity};
use hearth_model::store::Arrival;
use hearth_mqtt::{Properties, Property};

/// A home with its broker's memory, as a page has it.
struct Home {
    devices: Devices,
    store: BTreeMap<String, (u64, bool, Vec<u8>, Vec<u8>)>,
    /// Of the next message.
    properties: Properties,
    now_ms: u64,
}

impl Home {
    fn new() -> Self {
        Self {
            devices: Devices::new(DeviceOptions::default()),
            store: BTreeMap::new(),
            properties: Properties::new(),
            now_ms: 1_000_000,
        }
    }

    fn say(&mut self, topic: &str, payload: &str, retain: bool) {
        let payload = unescaped(payload);
        let properties = std::mem::take(&mut self.properties).as_bytes().to_vec();
        self.store
            .insert(topic.to_owned(), (self.now_ms, retain, payload, properties));
        self.read(topic);
        self.devices.settle(self.now_ms);
        for topic in self.devices.take_wanted() {
            self.read(&topic);
        }
    }

    fn property(&mut self, text: &str) {
        let property = match text.split_once(' ').unwrap_or((text, "")) {
            ("content-type", value) => Property::ContentType(value),
            (name, value) => Property::UserProperty(name, value),
        };
        self.properties.push(&property).unwrap();
    }

    fn read(&mut self, topic: &str) {
        let Some((at, retain, payload, properties)) = self.store.get(topic) else {
            return;
        };
        let arrival = Arrival {
            retain: *retain,
            properties,
            ..Arrival::new(topic, payload)
        };
        self.devices.apply(*at, &arrival);
    }

    fn dump(&self) -> Vec<String> {
        let mut devices: Vec<&Device> = self.devices.iter().map(|(_, device)| device).collect();
        devices.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        devices.into_iter().flat_map(describe).collect()
    }

    fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self
            .devices
            .problems()
            .iter()
            .map(|problem| format!("{}: {}", problem.topic, problem.reason))
            .collect();
        problems.sort();
        problems
    }

    fn command(&mut self, line: &str) -> String {
        let (entity, action) = line.split_once(' ').unwrap_or((line, ""));
        let (word, rest) = action.split_once(' ').unwrap_or((action, ""));
        let entity = &*entity.replace("%20", " ");
        let action = match word {
            "on" => Action::TurnOn,
            "off" => Action::TurnOff,
            "set" => Action::Set(rest.parse().unwrap()),
            "open" => Action::Open,
            "close" => Action::Close,
            "stop" => Action::Stop,
            "lock" => Action::Lock,
            "unlock" => Action::Unlock,
            "press" => Action::Press,
            "choose" => Action::Choose(rest.to_owned()),
            other => panic!("no such action: {other}"),
        };
        let id = self
            .devices
            .iter()
            .find(|(_, device)| device.entity(entity).is_some());
        let Some(id) = id.map(|(id, _)| id) else {
            return format!("no entity {entity}");
        };
        match self.devices.command(id, entity, &action) {
            Ok(command) => {
                let guess = if command.is_guess { " (a guess)" } else { "" };
                let retain = if command.retain { " (retained)" } else { "" };
                let mut payload = String::new();
                for chunk in command.payload.utf8_chunks() {
                    // Bytes that are no text, on one line.
                    for char in chunk.valid().chars() {
                        if char.is_control() {
                            let _ = write!(payload, "\\x{:02x}", u32::from(char));
                        } else {
                            payload.push(char);
                        }
                    }
                    for byte in chunk.invalid() {
                        let _ = write!(payload, "\\x{byte:02x}");
                    }
                }
                format!("{} {payload}{retain}{guess}", command.topic)
            }
            Err(error) => format!("{error:?}"),
        }
    }
}

/// `\x00` in a payload is that byte, `{10000×text}` repeats a text.
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

fn describe(device: &Device) -> Vec<String> {
    let mut line = format!(
        "{} | {} | {} | {}",
        device.room.as_deref().unwrap_or("-"),
        device.name,
        device.kind.name(),
        device.liveness.name()
    );
    let sources = match &device.announced_by[..] {
        [] => device.source.name().to_owned(),
        sources => sources
            .iter()
            .map(|source| source.name())
            .collect::<Vec<_>>()
            .join(" + "),
    };
    let _ = write!(line, " | {sources}");
    let details = &device.details;
    for (name, text) in [
        ("by", &details.manufacturer),
        ("model", &details.model),
        ("software", &details.software),
        ("hardware", &details.hardware),
        ("serial", &details.serial),
        ("interview", &details.interview),
        ("announced by", &details.origin),
        ("url", &details.configuration_url),
        ("via", device.via.as_ref().unwrap_or(&String::new())),
    ] {
        if !text.is_empty() {
            let _ = write!(line, " | {name} {text}");
        }
    }
    std::iter::once(line)
        .chain(
            device
                .entities
                .iter()
                .map(|entity| describe_entity(device, entity)),
        )
        .collect()
}

fn describe_entity(device: &Device, entity: &Entity) -> String {
    let mut line = format!(
        "  {} | {} | {} | {}",
        entity.id,
        entity.kind.name(),
        entity.name,
        entity.words()
    );
    if !entity.unit.is_empty() {
        let _ = write!(
            line,
            " {}{}",
            entity.unit,
            if entity.unit_is_guess { "~" } else { "" }
        );
    }
    for (is, mark) in [
        (entity.diagnostic, "diagnostic"),
        (entity.unavailable, "unavailable"),
        (entity.unreadable, "unreadable"),
        (entity.silent, "silent"),
    ] {
        if is {
            let _ = write!(line, " | {mark}");
        }
    }
    if let Some((_, target)) = &entity.target {
        let mut there = entity.clone();
        there.value = target.clone();
        let _ = write!(line, " | on the way to {}", there.words());
    }
    match &entity.answer {
        Some((_, None)) => line.push_str(" | done"),
        Some((_, Some(why))) => {
            let _ = write!(line, " | refused: {why}");
        }
        None => {}
    }
    if let Some(control) = &entity.control {
        let asks = if device.asks(entity) { " asks" } else { "" };
        let admins = if control.for_admins { " admins" } else { "" };
        let _ = write!(line, " | {:?}{asks}{admins} → {}", control.kind, control.topic());
    }
    line
}

#[derive(Default)]
struct Told {
    out: Vec<String>,
    failures: Vec<String>,
}

fn tell(path: &Path, text: &str) -> Told {
    let mut home = Home::new();
    let mut told = Told::default();
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    let block = |at: usize, mark: &str| {
        let block: Vec<String> = lines[at..]
            .iter()
            .take_while(|line| line.starts_with(mark))
            .map(|line| line[mark.len()..].trim_start_matches(' ').to_owned())
            .collect();
        block
    };
    while at < lines.len() {
        let line = lines[at];
        let expect = |told: &mut Told, mark: &str, found: Vec<String>, expected: Vec<String>| {
            if found
                .iter()
                .map(|line| line.trim())
                .ne(expected.iter().map(String::as_str))
            {
                told.failures.push(format!(
                    "{}:{}\n expected:\n  {}\n found:\n  {}",
                    path.display(),
                    at + 1,
                    expected.join("\n  "),
                    found.join("\n  ")
                ));
            }
            told.out.extend(
                found
                    .iter()
                    .map(|line| format!("{mark} {line}").trim_end().to_owned()),
            );
            expected.len().max(1)
        };
        at += match line.split_once(' ').unwrap_or((line, "")) {
            ("<", message) | ("<r", message) => {
                let (topic, payload) = message.split_once(' ').unwrap_or((message, ""));
                home.say(&topic.replace("%20", " "), payload, line.starts_with("<r"));
                told.out.push(line.to_owned());
                1
            }
            ("u", property) => {
                home.property(property);
                told.out.push(line.to_owned());
                1
            }
            ("t", ms) => {
                home.now_ms += ms.parse::<u64>().unwrap();
                home.devices.tick(home.now_ms);
                told.out.push(line.to_owned());
                1
            }
            ("=", _) => expect(&mut told, "=", nothing(home.dump()), block(at, "=")),
            ("?", _) => expect(&mut told, "?", nothing(home.problems()), block(at, "?")),
            ("!", command) => {
                told.out.push(line.to_owned());
                let found = home.command(command);
                1 + expect(&mut told, ">", vec![found], block(at + 1, ">"))
            }
            (">", _) => 1,
            _ => {
                told.out.push(line.to_owned());
                1
            }
        };
    }
    told.failures.extend(check_reverse(path, &lines));
    told
}

fn nothing(lines: Vec<String>) -> Vec<String> {
    if lines.is_empty() {
        vec!["nothing".to_owned()]
    } else {
        lines
    }
}

/// The first messages said backwards make the same home.
fn check_reverse(path: &Path, lines: &[&str]) -> Option<String> {
    if lines.contains(&"# in this order") {
        return None;
    }
    let first = lines
        .iter()
        .take_while(|line| !line.starts_with(['=', '?', '!', 't']));
    let mut messages: Vec<(Vec<&str>, &str)> = Vec::new();
    let mut properties = Vec::new();
    for line in first {
        match line.strip_prefix("u ") {
            Some(property) => properties.push(property),
            None if line.starts_with('<') => messages.push((std::mem::take(&mut properties), line)),
            None => {}
        }
    }
    let homes = [messages.clone(), messages.into_iter().rev().collect()].map(|messages| {
        let mut home = Home::new();
        for (properties, message) in messages {
            properties
                .into_iter()
                .for_each(|property| home.property(property));
            let (mark, message) = message.split_once(' ').unwrap();
            let (topic, payload) = message.split_once(' ').unwrap_or((message, ""));
            home.say(&topic.replace("%20", " "), payload, mark == "<r");
        }
        home.dump()
    });
    (homes[0] != homes[1]).then(|| {
        format!(
            "{}: in reverse it is\n  {}\n instead of\n  {}",
            path.display(),
            homes[1].join("\n  "),
            homes[0].join("\n  ")
        )
    })
}

fn check_folder(folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "home"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no fixtures in {}", folder.display());
    let mut failures = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("# Source: "),
            "{}: no source is named",
            path.display()
        );
        let told = tell(&path, &text);
        if std::env::var_os("HEARTH_FIXTURES").is_some_and(|wish| wish == "write") {
            std::fs::write(&path, told.out.join("\n") + "\n").unwrap();
        } else {
            failures.extend(told.failures);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn home_assistant() {
    check_folder("home_assistant");
}

#[test]
fn zigbee2mqtt() {
    check_folder("zigbee2mqtt");
}

#[test]
fn tasmota() {
    check_folder("tasmota");
}

#[test]
fn shelly() {
    check_folder("shelly");
}

#[test]
fn homie() {
    check_folder("homie");
}

#[test]
fn esphome() {
    check_folder("esphome");
}

#[test]
fn sparkplug() {
    check_folder("sparkplug");
}

#[test]
fn cloud_events() {
    check_folder("cloud_events");
}

#[test]
fn plain_topics() {
    check_folder("plain");
}

#[test]
fn devices_of_several_formats() {
    check_folder("merged");
}
