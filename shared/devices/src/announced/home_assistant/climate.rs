//! What warms, cools, moistens and blows.

use super::super::model::{Part, PartControl, Shows, StateRead};
use super::config::Config;
use super::simple::{Parts, chosen, switched, told};
use crate::class::Class;
use crate::command::{ControlKind, Verb};
use crate::device::EntityKind;

/// A temperature or humidity that is set.
#[derive(Clone, Copy)]
struct Target {
    id: &'static str,
    label: &'static str,
    class: Class,
    min: f64,
    max: f64,
    step: f64,
}

impl Target {
    /// Options are named after it: `temperature_high_command_topic`.
    fn part(self, config: Config<'_>, what: &str, unit: &str) -> Option<Part> {
        let read = read(
            config,
            &format!("{what}_state_topic"),
            &format!("{what}_state_template"),
        );
        let write = config.sets(
            Verb::Set,
            &format!("{what}_command_topic"),
            &format!("{what}_command_template"),
            "",
        );
        if read.is_none() && write.is_none() {
            return None;
        }
        let kind = ControlKind::Stepper {
            min: self.min,
            max: self.max.max(self.min + self.step),
            step: self.step,
        };
        Some(Part {
            id: self.id,
            label: self.label,
            kind: EntityKind::Number,
            class: self.class,
            unit: unit.to_owned(),
            shows: Shows::number(),
            reads: read.into_iter().collect(),
            control: PartControl::of(kind, [write]),
            ..Part::default()
        })
    }
}

/// A topic with its template, or with the one for all of a thermostat's (`value_template`).
fn read(config: Config<'_>, topic: &str, template: &str) -> Option<StateRead> {
    let own = config.template(template).map(|_| template);
    config.read(topic, own.unwrap_or("value_template"))
}

/// A word that is set: `fan_mode_command_topic`, `fan_modes`.
fn mode(config: Config<'_>, id: &'static str, label: &'static str, options: Vec<String>) -> Option<Part> {
    // Preset modes name their template by the value, all others by the state.
    let by_value = format!("{id}_value_template");
    let template = match config.template(&by_value) {
        Some(_) => by_value,
        None => format!("{id}_state_template"),
    };
    let read = read(config, &format!("{id}_state_topic"), &template);
    let write = config.sets(
        Verb::Choose,
        &format!("{id}_command_topic"),
        &format!("{id}_command_template"),
        "",
    );
    chosen(id, label, options, read, write)
}

fn words(config: Config<'_>, name: &str, default: &[&str]) -> Vec<String> {
    match config.get(name) {
        Some(_) => config.words(name),
        None => default.iter().map(|word| (*word).to_owned()).collect(),
    }
}

fn temperature_unit(config: Config<'_>) -> &'static str {
    match config.text("temperature_unit").as_deref() {
        Some("F") => "°F",
        _ => "°C",
    }
}

fn action(config: Config<'_>) -> Option<Part> {
    Some(Part {
        id: "action",
        label: "Activity",
        kind: EntityKind::Text,
        class: Class::Activity,
        reads: vec![read(config, "action_topic", "action_template")?],
        ..Part::default()
    })
}

/// Power that can only be switched: the state is that of the mode.
fn power(config: Config<'_>) -> Option<Part> {
    let (on, off) = (config.word("payload_on", "ON"), config.word("payload_off", "OFF"));
    let control = PartControl::of(
        ControlKind::Switch,
        [
            config.says(Verb::On, "power_command_topic", "power_command_template", &on),
            config.says(Verb::Off, "power_command_topic", "power_command_template", &off),
        ],
    )?;
    Some(Part {
        id: "power",
        label: "Power",
        kind: EntityKind::Switch,
        class: Class::OnOff,
        shows: Shows::switch(&on, &off),
        reads: read(config, "power_state_topic", "power_state_template")
            .into_iter()
            .collect(),
        control: Some(control),
        ..Part::default()
    })
}

/// What a thermostat and a water heater share.
fn heated(config: Config<'_>, kind: EntityKind, modes: &[&str], (low, high): (f64, f64)) -> Vec<Part> {
    let unit = temperature_unit(config);
    let is_fahrenheit = unit == "°F";
    let in_unit = |celsius: f64| {
        if is_fahrenheit {
            celsius * 1.8 + 32.0
        } else {
            celsius
        }
    };
    let target = |id, label| Target {
        id,
        label,
        class: Class::TargetTemperature,
        min: config.number("min_temp").unwrap_or(in_unit(low)),
        max: config.number("max_temp").unwrap_or(in_unit(high)),
        step: config
            .number("temp_step")
            .filter(|step| *step > 0.0)
            .unwrap_or(1.0),
    };
    let state = mode(config, "mode", "Mode", words(config, "modes", modes)).map(|part| Part {
        id: "",
        kind,
        label: "Mode",
        class: Class::Activity,
        ..part
    });
    let current = read(
        config,
        "current_temperature_topic",
        "current_temperature_template",
    )
    .map(|read| {
        told(
            "current_temperature",
            "Temperature",
            Class::Temperature,
            unit,
            read,
        )
    });
    let parts = [
        state,
        current,
        target("temperature", "Target").part(config, "temperature", unit),
        target("temperature_high", "Upper target").part(config, "temperature_high", unit),
        target("temperature_low", "Lower target").part(config, "temperature_low", unit),
        action(config),
        power(config),
    ];
    parts.into_iter().flatten().collect()
}

/// The presets, and that there is none: what Home Assistant adds to the list of a thermostat.
fn presets(config: Config<'_>) -> Vec<String> {
    let mut presets = config.words("preset_modes");
    if !presets.is_empty() && !presets.iter().any(|preset| preset == "none") {
        presets.insert(0, "none".to_owned());
    }
    presets
}

pub(super) fn climate(config: Config<'_>) -> Parts {
    let modes = ["auto", "off", "cool", "heat", "dry", "fan_only"];
    let mut parts = heated(config, EntityKind::Climate, &modes, (7.0, 35.0));
    let humidity = read(config, "current_humidity_topic", "current_humidity_template")
        .map(|read| told("current_humidity", "Humidity", Class::Humidity, "%", read));
    let more = [
        humidity,
        target_humidity(config, 30.0, 99.0),
        mode(
            config,
            "fan_mode",
            "Fan",
            words(config, "fan_modes", &["auto", "low", "medium", "high"]),
        ),
        mode(config, "preset_mode", "Preset", presets(config)),
        mode(
            config,
            "swing_mode",
            "Swing",
            words(config, "swing_modes", &["on", "off"]),
        ),
        mode(
            config,
            "swing_horizontal_mode",
            "Swing sideways",
            words(config, "swing_horizontal_modes", &["on", "off"]),
        ),
    ];
    parts.extend(more.into_iter().flatten());
    if parts.is_empty() { Err("topic") } else { Ok(parts) }
}

pub(super) fn water_heater(config: Config<'_>) -> Parts {
    let modes = [
        "off",
        "eco",
        "electric",
        "gas",
        "heat_pump",
        "high_demand",
        "performance",
    ];
    // 110 and 140 °F.
    let parts = heated(config, EntityKind::WaterHeater, &modes, (43.3, 60.0));
    if parts.is_empty() { Err("topic") } else { Ok(parts) }
}

fn target_humidity(config: Config<'_>, low: f64, high: f64) -> Option<Part> {
    let target = Target {
        id: "target_humidity",
        label: "Target humidity",
        class: Class::Other,
        min: config.number("min_humidity").unwrap_or(low),
        max: config.number("max_humidity").unwrap_or(high),
        step: 1.0,
    };
    target.part(config, "target_humidity", "%")
}

pub(super) fn humidifier(config: Config<'_>) -> Parts {
    config.topic("command_topic").ok_or("command_topic")?;
    let current = config
        .read("current_humidity_topic", "current_humidity_template")
        .map(|read| told("current_humidity", "Humidity", Class::Humidity, "%", read));
    let parts = [
        Some(switched(config, EntityKind::Humidifier, "state_value_template")),
        target_humidity(config, 0.0, 100.0),
        current,
        mode(config, "mode", "Mode", config.words("modes")),
        action(config),
    ];
    Ok(parts.into_iter().flatten().collect())
}

pub(super) fn fan(config: Config<'_>) -> Parts {
    config.topic("command_topic").ok_or("command_topic")?;
    let direction = config.read("direction_state_topic", "direction_value_template");
    let turned = config.sets(
        Verb::Choose,
        "direction_command_topic",
        "direction_command_template",
        "",
    );
    let both_ways = vec![
        config.word("payload_direction_forward", "forward"),
        config.word("payload_direction_reverse", "reverse"),
    ];
    let parts = [
        Some(switched(config, EntityKind::Fan, "state_value_template")),
        speed(config),
        mode(config, "preset_mode", "Preset", config.words("preset_modes")),
        oscillation(config),
        chosen("direction", "Direction", both_ways, direction, turned),
    ];
    Ok(parts.into_iter().flatten().collect())
}

/// Shown in %, of the steps that the fan has.
fn speed(config: Config<'_>) -> Option<Part> {
    let low = config.number("speed_range_min").unwrap_or(1.0);
    let high = config.number("speed_range_max").unwrap_or(100.0).max(low);
    let read = config.read("percentage_state_topic", "percentage_value_template");
    let write = config.sets(
        Verb::Set,
        "percentage_command_topic",
        "percentage_command_template",
        "",
    );
    if read.is_none() && write.is_none() {
        return None;
    }
    let (scale, offset) = ((high - low + 1.0) / 100.0, low - 1.0);
    let kind = ControlKind::Slider {
        min: 0.0,
        max: 100.0,
        step: (100.0 / (high - low + 1.0)).max(1.0),
    };
    Some(Part {
        id: "percentage",
        label: "Speed",
        kind: EntityKind::Number,
        unit: "%".to_owned(),
        shows: Shows::Number { scale, offset },
        reads: read.into_iter().collect(),
        control: PartControl::of(kind, [write]).map(|control| control.scaled(scale).from(offset)),
        ..Part::default()
    })
}

fn oscillation(config: Config<'_>) -> Option<Part> {
    let on = config.word("payload_oscillation_on", "oscillate_on");
    let off = config.word("payload_oscillation_off", "oscillate_off");
    let (topic, template) = ("oscillation_command_topic", "oscillation_command_template");
    let control = PartControl::of(
        ControlKind::Switch,
        [
            config.says(Verb::On, topic, template, &on),
            config.says(Verb::Off, topic, template, &off),
        ],
    )?;
    Some(Part {
        id: "oscillation",
        label: "Oscillation",
        kind: EntityKind::Switch,
        class: Class::OnOff,
        shows: Shows::switch(&on, &off),
        reads: config
            .read("oscillation_state_topic", "oscillation_value_template")
            .into_iter()
            .collect(),
        control: Some(control),
        ..Part::default()
    })
}
