//! What moves, locks, guards and drives about.

use hearth_model::decimal;

use super::super::json::Json;
use super::super::model::{Part, PartControl, Shows, StateRead};
use super::config::{Config, uses};
use super::simple::{Parts, chosen, states, told};
use crate::class::Class;
use crate::command::{Code, CodeCheck, ControlKind, Payload, Verb, Write};
use crate::device::{EntityKind, Value};

fn text(words: &str) -> Value {
    Value::Text(words.to_owned())
}

/// The words of something that opens and closes.
fn moving(config: Config<'_>) -> Shows {
    let pair = |name, default: &str, value| (config.word(name, default), value);
    states([
        pair("state_open", "open", Value::Binary(true)),
        pair("state_closed", "closed", Value::Binary(false)),
        pair("state_opening", "opening", text("Opening")),
        pair("state_closing", "closing", text("Closing")),
        pair("state_stopped", "stopped", text("Stopped")),
    ])
}

fn moves(config: Config<'_>, stop: Option<String>) -> Option<PartControl> {
    let says = |verb, words: Option<String>| config.says(verb, "command_topic", "command_template", &words?);
    PartControl::of(
        ControlKind::Cover,
        [
            says(Verb::Open, config.payload("payload_open", "OPEN")),
            says(Verb::Close, config.payload("payload_close", "CLOSE")),
            says(Verb::Stop, stop),
        ],
    )
}

/// A place between closed and open, shown in %.
fn position(
    config: Config<'_>,
    (id, label): (&'static str, &'static str),
    (closed, open): (f64, f64),
    read: (&str, &str),
    write: Option<Write>,
) -> Option<Part> {
    let read = config.read(read.0, read.1);
    if read.is_none() && write.is_none() {
        return None;
    }
    let span = if (open - closed).abs() < f64::EPSILON {
        100.0
    } else {
        open - closed
    };
    let slider = ControlKind::Slider {
        min: 0.0,
        max: 100.0,
        step: 1.0,
    };
    Some(Part {
        id,
        label,
        kind: EntityKind::Number,
        class: Class::Position,
        unit: "%".to_owned(),
        shows: Shows::Number {
            scale: span / 100.0,
            offset: closed,
        },
        unwrap: Some("position"),
        reads: read.into_iter().collect(),
        control: PartControl::of(slider, [write]).map(|control| control.scaled(span / 100.0).from(closed)),
        ..Part::default()
    })
}

/// What the templates of a cover may ask for besides the position.
fn limits(config: Config<'_>) -> [(&'static str, f64); 4] {
    let limits = [
        ("position_open", 100.0),
        ("position_closed", 0.0),
        ("tilt_min", 0.0),
        ("tilt_max", 100.0),
    ];
    limits.map(|(name, default)| (name, config.number(name).unwrap_or(default)))
}

/// A message with more variables for its template.
fn knowing(write: Write, variables: &[(&str, f64)]) -> Write {
    let Payload::Template {
        mut source,
        name,
        fixed,
    } = write.payload
    else {
        return write;
    };
    let used: String = variables
        .iter()
        .filter(|(variable, _)| uses(&source, variable))
        .map(|(variable, number)| format!("{{% set {variable} = {} %}}", decimal::shortest(*number)))
        .collect();
    source.insert_str(0, &used);
    Write {
        payload: Payload::Template { source, name, fixed },
        ..write
    }
}

pub(super) fn cover(config: Config<'_>) -> Parts {
    let (closed, open) = (
        config.number("position_closed").unwrap_or(0.0),
        config.number("position_open").unwrap_or(100.0),
    );
    let read = config.read("state_topic", "value_template");
    let (shows, read) = match read {
        Some(read) => (moving(config), Some(read)),
        // Where it is says whether it is open.
        None => (
            Shows::Position { closed },
            config.read("position_topic", "position_template"),
        ),
    };
    let stop = config.payload("payload_stop", "STOP");
    let control = moves(config, stop);
    let set = config.sets(
        Verb::Set,
        "set_position_topic",
        "set_position_template",
        "position",
    );
    let set = set.map(|set| knowing(set, &limits(config)));
    // The range; `tilt_closed_value` and `tilt_opened_value` are places in it.
    let tilt_closed = config.number("tilt_min").unwrap_or(0.0);
    let tilt_open = config.number("tilt_max").unwrap_or(100.0);
    let set_tilt = config.sets(
        Verb::Set,
        "tilt_command_topic",
        "tilt_command_template",
        "tilt_position",
    );
    let set_tilt = set_tilt.map(|set| knowing(set, &limits(config)));
    if read.is_none() && control.is_none() && set.is_none() && set_tilt.is_none() {
        return Err("topic");
    }
    // A gate moves where nobody looks.
    let device_class = config.text("device_class").unwrap_or_default();
    let asks = matches!(&*device_class, "garage" | "gate" | "door");
    let asking = |control: PartControl| PartControl { asks, ..control };
    let class = if asks { Class::Opening } else { Class::Cover };
    let state = Part {
        kind: EntityKind::Cover,
        class,
        shows,
        reads: read.into_iter().collect(),
        control: control.map(asking),
        ..Part::default()
    };
    let place = position(
        config,
        ("position", "Position"),
        (closed, open),
        ("position_topic", "position_template"),
        set,
    );
    let parts = [
        Some(state),
        place.map(|part| Part {
            control: part.control.map(asking),
            ..part
        }),
        position(
            config,
            ("tilt", "Tilt"),
            (tilt_closed, tilt_open),
            ("tilt_status_topic", "tilt_status_template"),
            set_tilt,
        ),
    ];
    Ok(parts.into_iter().flatten().collect())
}

pub(super) fn valve(config: Config<'_>) -> Parts {
    let (closed, open) = (
        config.number("position_closed").unwrap_or(0.0),
        config.number("position_open").unwrap_or(100.0),
    );
    let by_position = config.is("reports_position");
    let reads: Vec<_> = config.read("state_topic", "value_template").into_iter().collect();
    let control = if by_position {
        let to = |verb, position: f64| {
            config.says(
                verb,
                "command_topic",
                "command_template",
                &decimal::shortest(position),
            )
        };
        let stop = config
            .payload("payload_stop", "")
            .filter(|stop| !stop.is_empty())
            .and_then(|stop| config.says(Verb::Stop, "command_topic", "command_template", &stop));
        PartControl::of(
            ControlKind::Cover,
            [to(Verb::Open, open), to(Verb::Close, closed), stop],
        )
    } else {
        moves(
            config,
            config.payload("payload_stop", "").filter(|stop| !stop.is_empty()),
        )
    };
    if reads.is_empty() && control.is_none() {
        return Err("topic");
    }
    let state = Part {
        kind: EntityKind::Valve,
        class: Class::Cover,
        shows: if by_position {
            Shows::Position { closed }
        } else {
            moving(config)
        },
        unwrap: Some(if by_position { "position" } else { "state" }),
        reads,
        control: control.map(PartControl::asking),
        ..Part::default()
    };
    let place = by_position
        .then(|| {
            let set = config.sets(Verb::Set, "command_topic", "command_template", "position");
            position(
                config,
                ("position", "Position"),
                (closed, open),
                ("state_topic", "value_template"),
                set,
            )
        })
        .flatten();
    // Water runs wherever it is moved to.
    let place = place.map(|part| Part {
        control: part.control.map(PartControl::asking),
        ..part
    });
    Ok([Some(state), place].into_iter().flatten().collect())
}

pub(super) fn lock(config: Config<'_>) -> Parts {
    let pair = |name, default: &str, value| (config.word(name, default), value);
    let says = |verb, name, default| {
        let words = config.payload(name, default)?;
        config.says(verb, "command_topic", "command_template", &words)
    };
    let code = config.text("code_format").map(|format| Code {
        is_number: format.contains("\\d") || format.contains("0-9"),
        check: CodeCheck::Pattern(format.to_owned()),
        free: Vec::new(),
    });
    let control = PartControl::of(
        ControlKind::Lock,
        [
            says(Verb::Lock, "payload_lock", "LOCK"),
            says(Verb::Unlock, "payload_unlock", "UNLOCK"),
        ],
    );
    let state = Part {
        kind: EntityKind::Lock,
        class: Class::Lock,
        shows: states([
            pair("state_unlocked", "UNLOCKED", Value::Binary(true)),
            pair("state_locked", "LOCKED", Value::Binary(false)),
            pair("state_locking", "LOCKING", text("Locking")),
            pair("state_unlocking", "UNLOCKING", text("Unlocking")),
            pair("state_jammed", "JAMMED", text("Jammed")),
            pair("state_open", "OPEN", text("Open")),
            pair("state_opening", "OPENING", text("Opening")),
        ]),
        reads: config.read("state_topic", "value_template").into_iter().collect(),
        control: control.map(|control| PartControl {
            code,
            ..control.asking()
        }),
        ..Part::default()
    };
    config.topic("command_topic").ok_or("command_topic")?;
    // It opens the door besides, where that is another word.
    let opens = config
        .get("payload_open")
        .and_then(|_| says(Verb::Press, "payload_open", ""));
    let latch = PartControl::of(ControlKind::Button, [opens]).map(|control| Part {
        id: "open",
        label: "Open the door",
        kind: EntityKind::Button,
        control: Some(PartControl {
            code: state.control.as_ref().and_then(|control| control.code.clone()),
            ..control.asking()
        }),
        ..Part::default()
    });
    Ok(std::iter::once(state).chain(latch).collect())
}

/// What a vacuum can do when it does not say.
const USUAL: [&str; 5] = ["start", "stop", "return_home", "battery", "clean_spot"];

fn is_supported(config: Config<'_>, feature: &str) -> bool {
    match config.get("supported_features") {
        Some(_) => config
            .words("supported_features")
            .iter()
            .any(|known| known == feature),
        None => USUAL.contains(&feature),
    }
}

/// Things to do, by name.
fn told_to(config: Config<'_>, topic: &str, all: &[(&str, &str, &str)]) -> (Vec<String>, Vec<Write>) {
    let writes = all
        .iter()
        .filter(|(name, ..)| is_supported(config, name))
        .filter_map(|(name, option, default)| {
            let words = config.payload(option, default)?;
            let write = config.write(Verb::Option((*name).to_owned()), topic, Payload::Fixed(words))?;
            Some(((*name).to_owned(), write))
        });
    writes.unzip()
}

pub(super) fn alarm(config: Config<'_>) -> Parts {
    config.topic("command_topic").ok_or("command_topic")?;
    const ALL: &[(&str, &str, &str)] = &[
        ("disarm", "payload_disarm", "DISARM"),
        ("arm_home", "payload_arm_home", "ARM_HOME"),
        ("arm_away", "payload_arm_away", "ARM_AWAY"),
        ("arm_night", "payload_arm_night", "ARM_NIGHT"),
        ("arm_vacation", "payload_arm_vacation", "ARM_VACATION"),
        (
            "arm_custom_bypass",
            "payload_arm_custom_bypass",
            "ARM_CUSTOM_BYPASS",
        ),
        ("trigger", "payload_trigger", "TRIGGER"),
    ];
    let supported = config.words("supported_features");
    // ESPHome sums them up.
    const BITS: [&str; 6] = [
        "arm_home",
        "arm_away",
        "arm_night",
        "trigger",
        "arm_custom_bypass",
        "arm_vacation",
    ];
    let is_supported = |name: &str| match config.get("supported_features") {
        _ if name == "disarm" => true,
        None => true,
        Some(Json::Number(sum, _)) => {
            let bit = BITS.iter().position(|known| *known == name);
            bit.is_some_and(|bit| *sum as u32 >> bit & 1 == 1)
        }
        Some(_) => supported.iter().any(|known| known == name),
    };
    let named: Vec<_> = ALL.iter().filter(|(name, ..)| is_supported(name)).collect();
    let writes = named.iter().filter_map(|(name, option, default)| {
        let words = config.word(option, default);
        let payload = match config.template("command_template").map(str::trim) {
            None | Some("{{action}}" | "{{ action }}" | "{{ value }}") => Payload::Fixed(words),
            Some(source) => Payload::Template {
                source: source.to_owned(),
                name: "action",
                fixed: Some(words),
            },
        };
        config.write(Verb::Option((*name).to_owned()), "command_topic", payload)
    });
    let writes: Vec<Write> = writes.collect();
    let options = named.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let needs = |name: &str| config.get(name).is_none_or(super::is_true);
    let is_free = |option: &str| match option {
        "disarm" => !needs("code_disarm_required"),
        "trigger" => !needs("code_trigger_required"),
        _ => !needs("code_arm_required"),
    };
    let code = config.text("code").map(|code| Code {
        is_number: code == "REMOTE_CODE" || code.bytes().all(|byte| byte.is_ascii_digit()),
        check: match &*code {
            // The panel itself knows it.
            "REMOTE_CODE" | "REMOTE_CODE_TEXT" => CodeCheck::Any,
            code => CodeCheck::Word(code.to_owned()),
        },
        free: named
            .iter()
            .map(|(name, ..)| (*name).to_owned())
            .filter(|name| is_free(name))
            .collect(),
    });
    let words = [
        "disarmed",
        "armed_home",
        "armed_away",
        "armed_night",
        "armed_vacation",
        "armed_custom_bypass",
        "pending",
        "triggered",
        "arming",
        "disarming",
    ];
    let states = words
        .iter()
        .map(|word| ((*word).to_owned(), text(&crate::names::human(word))))
        .collect();
    Ok(vec![Part {
        kind: EntityKind::Alarm,
        class: Class::Activity,
        shows: Shows::States(states),
        reads: config.read("state_topic", "value_template").into_iter().collect(),
        control: Some(PartControl {
            code,
            ..PartControl::new(ControlKind::Buttons { options }, writes).asking()
        }),
        ..Part::default()
    }])
}

pub(super) fn vacuum(config: Config<'_>) -> Parts {
    const ALL: &[(&str, &str, &str)] = &[
        ("start", "payload_start", "start"),
        ("pause", "payload_pause", "pause"),
        ("stop", "payload_stop", "stop"),
        ("return_home", "payload_return_to_base", "return_to_base"),
        ("clean_spot", "payload_clean_spot", "clean_spot"),
        ("locate", "payload_locate", "locate"),
    ];
    let (options, writes) = told_to(config, "command_topic", ALL);
    let state = config.read("state_topic", "value_template");
    if state.is_none() && writes.is_empty() {
        return Err("topic");
    }
    let cleaner = Part {
        kind: EntityKind::Vacuum,
        class: Class::Activity,
        unwrap: Some("state"),
        reads: state.clone().into_iter().collect(),
        control: (!writes.is_empty()).then(|| PartControl::new(ControlKind::Buttons { options }, writes)),
        ..Part::default()
    };
    let set = config.sets(Verb::Choose, "set_fan_speed_topic", "", "");
    let speeds = config.words("fan_speed_list");
    let has_speeds = !speeds.is_empty() && is_supported(config, "fan_speed");
    let speed = chosen("fan_speed", "Suction", speeds, state.clone(), set).filter(|_| has_speeds);
    let speed = speed.map(|part| Part {
        unwrap: Some("fan_speed"),
        ..part
    });
    // Only who names it says it: it is no longer part of a vacuum.
    let says_battery = config.get("supported_features").is_some() && is_supported(config, "battery");
    let battery = state.filter(|_| says_battery).map(|read| {
        let read = StateRead {
            extract: read.extract.within("battery_level"),
            ..read
        };
        told("battery", "Battery", Class::Battery, "%", read)
    });
    Ok([Some(cleaner), speed, battery].into_iter().flatten().collect())
}

pub(super) fn lawn_mower(config: Config<'_>) -> Parts {
    let says = |name: &str, what: &str, words| {
        config.says(
            Verb::Option(name.to_owned()),
            &format!("{what}_command_topic"),
            &format!("{what}_command_template"),
            words,
        )
    };
    let writes: Vec<Write> = [
        says("start", "start_mowing", "start_mowing"),
        says("pause", "pause", "pause"),
        says("dock", "dock", "dock"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let options = writes
        .iter()
        .filter_map(|write| match &write.verb {
            Verb::Option(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    let reads: Vec<_> = config
        .read("activity_state_topic", "activity_value_template")
        .into_iter()
        .collect();
    if reads.is_empty() && writes.is_empty() {
        return Err("topic");
    }
    Ok(vec![Part {
        kind: EntityKind::LawnMower,
        class: Class::Activity,
        reads,
        control: (!writes.is_empty()).then(|| PartControl::new(ControlKind::Buttons { options }, writes)),
        ..Part::default()
    }])
}
