//! Things that have one state, or one thing to do.

use super::super::extract::Extract;
use super::super::model::{AnnouncedEntity, Part, PartControl, Shows, StateRead};
use super::super::quoted;
use super::config::{Config, uses};
use crate::class::Class;
use crate::command::{ControlKind, Payload, Verb, Write};
use crate::device::{CONCEALED, EntityKind, Value};
use crate::text_rule::TextRule;

pub(super) type Parts = Result<Vec<Part>, &'static str>;

/// A thing that is switched: its states, and its two commands.
pub(super) fn switched(config: Config<'_>, kind: EntityKind, template: &str) -> Part {
    let (on, off) = (config.word("payload_on", "ON"), config.word("payload_off", "OFF"));
    let (state_on, state_off) = (config.word("state_on", &on), config.word("state_off", &off));
    Part {
        kind,
        class: Class::OnOff,
        shows: Shows::switch(&state_on, &state_off),
        reads: config.read("state_topic", template).into_iter().collect(),
        control: PartControl::of(
            ControlKind::Switch,
            [
                config.says(Verb::On, "command_topic", "command_template", &on),
                config.says(Verb::Off, "command_topic", "command_template", &off),
            ],
        ),
        ..Part::default()
    }
}

/// One of several words.
pub(super) fn chosen(
    id: &'static str,
    label: &'static str,
    options: Vec<String>,
    read: Option<StateRead>,
    write: Option<Write>,
) -> Option<Part> {
    if read.is_none() && (write.is_none() || options.is_empty()) {
        return None;
    }
    Some(Part {
        id,
        label,
        kind: EntityKind::Select,
        class: Class::Other,
        reads: read.into_iter().collect(),
        control: PartControl::of(ControlKind::Select { options }, [write]).filter(
            |control| !matches!(&control.kind, ControlKind::Select { options } if options.is_empty()),
        ),
        ..Part::default()
    })
}

/// A number that is only told.
pub(super) fn told(id: &'static str, label: &'static str, class: Class, unit: &str, read: StateRead) -> Part {
    Part {
        id,
        label,
        kind: EntityKind::Number,
        class,
        unit: unit.to_owned(),
        shows: Shows::number(),
        reads: vec![read],
        ..Part::default()
    }
}

fn required(read: Option<StateRead>) -> Result<StateRead, &'static str> {
    read.ok_or("state_topic")
}

pub(super) fn sensor(config: Config<'_>) -> Parts {
    let read = required(config.read("state_topic", "value_template"))?;
    let device_class = config.text("device_class").unwrap_or_default();
    let unit = config.text("unit_of_measurement").unwrap_or_default();
    let class = class_of_sensor(&device_class);
    let is_number = !unit.is_empty()
        || config.get("state_class").is_some()
        || !matches!(class, Class::Other | Class::Internal);
    Ok(vec![Part {
        kind: if is_number {
            EntityKind::Number
        } else {
            EntityKind::Text
        },
        class,
        // A number is shown as one also where nobody said that it is.
        shows: if device_class == "enum" {
            Shows::Text
        } else {
            Shows::number()
        },
        unit,
        decimals: config
            .number("suggested_display_precision")
            .map(|digits| digits.clamp(0.0, 3.0) as u8),
        reads: vec![read],
        ..Part::default()
    }])
}

fn class_of_sensor(device_class: &str) -> Class {
    match device_class {
        "temperature" => Class::Temperature,
        "humidity" | "absolute_humidity" => Class::Humidity,
        "moisture" => Class::SoilMoisture,
        "pressure" | "atmospheric_pressure" => Class::Pressure,
        "illuminance" | "irradiance" => Class::Illuminance,
        "carbon_dioxide" => Class::CarbonDioxide,
        "carbon_monoxide" => Class::CarbonMonoxideLevel,
        "volatile_organic_compounds"
        | "volatile_organic_compounds_parts"
        | "aqi"
        | "ozone"
        | "nitrogen_dioxide"
        | "nitrogen_monoxide"
        | "nitrous_oxide"
        | "sulphur_dioxide" => Class::VolatileCompounds,
        "pm1" | "pm10" | "pm25" | "pm4" => Class::ParticulateMatter,
        "sound_pressure" => Class::Noise,
        "power" => Class::Power,
        "energy" | "energy_storage" => Class::Energy,
        "voltage" => Class::Voltage,
        "current" => Class::Current,
        "apparent_power" | "reactive_power" => Class::ApparentPower,
        "power_factor" => Class::PowerFactor,
        "frequency" => Class::Frequency,
        "battery" => Class::Battery,
        "signal_strength" => Class::Signal,
        "wind_speed" | "speed" => Class::WindSpeed,
        "precipitation" | "precipitation_intensity" => Class::Rain,
        "water" | "volume" | "volume_storage" | "volume_flow_rate" => Class::Water,
        "gas" => Class::Gas,
        "distance" => Class::Distance,
        "duration" => Class::Duration,
        "timestamp" | "date" => Class::Internal,
        _ => Class::Other,
    }
}

pub(super) fn binary_sensor(config: Config<'_>) -> Parts {
    let read = required(config.read("state_topic", "value_template"))?;
    let (on, off) = (config.word("payload_on", "ON"), config.word("payload_off", "OFF"));
    let device_class = config.text("device_class").unwrap_or_default();
    let class = match &*device_class {
        "door" | "garage_door" | "opening" | "window" => Class::Opening,
        "motion" | "moving" => Class::Motion,
        "occupancy" | "presence" => Class::Presence,
        "moisture" => Class::Leak,
        "smoke" => Class::Smoke,
        "carbon_monoxide" => Class::CarbonMonoxide,
        "vibration" => Class::Vibration,
        "tamper" => Class::Tamper,
        "battery" => Class::BatteryLow,
        "lock" => Class::Lock,
        "connectivity" => Class::Connection,
        "problem" | "safety" | "gas" | "heat" => Class::Problem,
        _ => Class::OnOff,
    };
    Ok(vec![Part {
        kind: EntityKind::Binary,
        class: if device_class == "occupancy" {
            Class::Motion
        } else {
            class
        },
        shows: Shows::switch(&on, &off),
        off_delay_ms: config
            .number("off_delay")
            .filter(|delay| *delay > 0.0)
            .map(super::milliseconds),
        reads: vec![read],
        ..Part::default()
    }])
}

pub(super) fn switch(config: Config<'_>) -> Parts {
    config.topic("command_topic").ok_or("command_topic")?;
    Ok(vec![switched(config, EntityKind::Switch, "value_template")])
}

/// Told in JSON, unless a template says otherwise: `{"state":"ON","tone":"ping"}`.
pub(super) fn siren(config: Config<'_>) -> Parts {
    config.topic("command_topic").ok_or("command_topic")?;
    let (on, off) = (config.word("payload_on", "ON"), config.word("payload_off", "OFF"));
    let template = config.template("command_template");
    let off_template = config.template("command_off_template").or(template);
    let says = |verb, template: Option<&str>, state: &str| {
        let payload = match template {
            Some(source) => Payload::Template {
                source: source.to_owned(),
                name: "state",
                fixed: Some(state.to_owned()),
            },
            None => Payload::Fixed(format!("{{\"state\":{}}}", quoted(state))),
        };
        config.write(verb, "command_topic", payload)
    };
    let state = Part {
        unwrap: Some("state"),
        control: PartControl::of(
            ControlKind::Switch,
            [says(Verb::On, template, &on), says(Verb::Off, off_template, &off)],
        ),
        ..switched(config, EntityKind::Siren, "state_value_template")
    };
    let tone = match template {
        // It is on, with this tone.
        Some(source) if uses(source, "tone") => Some(Payload::Template {
            source: format!(
                "{{% set value = {0} %}}{{% set state = {0} %}}{source}",
                quoted(&on)
            ),
            name: "tone",
            fixed: None,
        }),
        Some(_) => None,
        None => Some(Payload::Json {
            before: format!("{{\"state\":{},\"tone\":", quoted(&on)),
            after: "}".to_owned(),
        }),
    };
    let tone = tone.and_then(|payload| {
        let set = config.write(Verb::Choose, "command_topic", payload);
        chosen("tone", "Tone", config.words("available_tones"), None, set)
    });
    Ok([Some(state), tone].into_iter().flatten().collect())
}

pub(super) fn button(config: Config<'_>) -> Parts {
    let press = config.word("payload_press", "PRESS");
    let press = config.says(Verb::Press, "command_topic", "command_template", &press);
    pressed(EntityKind::Button, press)
}

pub(super) fn scene(config: Config<'_>) -> Parts {
    let on = config.word("payload_on", "ON");
    pressed(
        EntityKind::Scene,
        config.says(Verb::Press, "command_topic", "command_template", &on),
    )
}

fn pressed(kind: EntityKind, press: Option<Write>) -> Parts {
    let control = PartControl::of(ControlKind::Button, [press]).ok_or("command_topic")?;
    Ok(vec![Part {
        kind,
        control: Some(control),
        ..Part::default()
    }])
}

pub(super) fn number(config: Config<'_>) -> Parts {
    let (min, max) = (
        config.number("min").unwrap_or(1.0),
        config.number("max").unwrap_or(100.0),
    );
    let step = config.number("step").filter(|step| *step > 0.0).unwrap_or(1.0);
    if min >= max {
        return Err("range from min to max");
    }
    let write = config
        .sets(Verb::Set, "command_topic", "command_template", "")
        .ok_or("command_topic")?;
    // Nobody finds one of 65,536 places with a finger.
    let is_slider = match config.text("mode").as_deref() {
        Some("box") => false,
        Some("slider") => true,
        _ => (max - min) / step <= 256.0,
    };
    let kind = if is_slider {
        ControlKind::Slider { min, max, step }
    } else {
        ControlKind::Stepper { min, max, step }
    };
    Ok(vec![Part {
        kind: EntityKind::Number,
        class: class_of_sensor(&config.text("device_class").unwrap_or_default()),
        unit: config.text("unit_of_measurement").unwrap_or_default(),
        shows: Shows::number(),
        reads: config.read("state_topic", "value_template").into_iter().collect(),
        control: Some(PartControl::new(kind, vec![write])),
        ..Part::default()
    }])
}

pub(super) fn select(config: Config<'_>) -> Parts {
    let options = config.words("options");
    let write = config
        .sets(Verb::Choose, "command_topic", "command_template", "")
        .ok_or("command_topic")?;
    let read = config.read("state_topic", "value_template");
    chosen("", "", options, read, Some(write))
        .map(|part| vec![part])
        .ok_or("options")
}

pub(super) fn text(config: Config<'_>) -> Parts {
    let longest = config
        .number("max")
        .map_or(255, |max| max.clamp(0.0, 255.0) as u32);
    let write = config
        .sets(Verb::Choose, "command_topic", "command_template", "")
        .ok_or("command_topic")?;
    // A password is set, and not shown to who walks by.
    let is_secret = config.text("mode").as_deref() == Some("password");
    let read = config
        .read("state_topic", "value_template")
        .map(|read| StateRead {
            extract: if is_secret {
                Extract::template(CONCEALED)
            } else {
                read.extract
            },
            ..read
        });
    Ok(vec![Part {
        kind: EntityKind::Text,
        reads: read.into_iter().collect(),
        control: Some(PartControl {
            // Typed in a field of its own, in which nothing stands.
            asks: is_secret,
            rule: TextRule {
                shortest: config.number("min").map_or(0, |min| min.clamp(0.0, 255.0) as u32),
                pattern: config.text("pattern").unwrap_or_default(),
            },
            ..PartControl::new(ControlKind::Text { longest }, vec![write])
        }),
        ..Part::default()
    }])
}

pub(super) fn notify(config: Config<'_>) -> Parts {
    let write = config.sets(Verb::Choose, "command_topic", "command_template", "message");
    Ok(vec![Part {
        kind: EntityKind::Notify,
        control: Some(PartControl::new(
            ControlKind::Text { longest: 1000 },
            vec![write.ok_or("command_topic")?],
        )),
        ..Part::default()
    }])
}

pub(super) fn event(config: Config<'_>) -> Parts {
    Ok(vec![Part {
        kind: EntityKind::Event,
        class: Class::Activity,
        shows: Shows::Event,
        unwrap: Some("event_type"),
        reads: vec![required(config.read("state_topic", "value_template"))?],
        ..Part::default()
    }])
}

/// A trigger of a device: one payload that says that something happened.
pub(super) fn automation(config: Config<'_>, entity: &mut AnnouncedEntity) -> Parts {
    let said = config.text("payload");
    let words = [config.text("subtype"), config.text("type")]
        .into_iter()
        .flatten();
    let happened = words.collect::<Vec<_>>().join(" ").replace('_', " ");
    let read = config.read("topic", "value_template").ok_or("topic")?;
    if entity.name.is_none() {
        entity.name = Some(crate::names::human(&happened));
    }
    entity.diagnostic = true;
    Ok(vec![Part {
        kind: EntityKind::Event,
        class: Class::Activity,
        shows: match said {
            Some(payload) => Shows::Trigger { payload, happened },
            None => Shows::Event,
        },
        reads: vec![read],
        ..Part::default()
    }])
}

pub(super) fn tag(config: Config<'_>) -> Parts {
    Ok(vec![Part {
        kind: EntityKind::Event,
        class: Class::Activity,
        label: "Tag",
        shows: Shows::Event,
        reads: vec![config.read("topic", "value_template").ok_or("topic")?],
        ..Part::default()
    }])
}

pub(super) fn tracker(config: Config<'_>) -> Parts {
    // Where it is on the map, when it says no more.
    let place = "{{ value_json.latitude }}, {{ value_json.longitude }}";
    let read = config.read("state_topic", "value_template").or_else(|| {
        let read = config.read("json_attributes_topic", "json_attributes_template")?;
        Some(match read.extract {
            Extract::Plain => StateRead::new(&read.topic, Extract::template(place)),
            _ => read,
        })
    });
    let (home, away) = (
        config.word("payload_home", "home"),
        config.word("payload_not_home", "not_home"),
    );
    Ok(vec![Part {
        kind: EntityKind::Tracker,
        class: Class::Presence,
        shows: Shows::switch(&home, &away),
        reads: vec![required(read)?],
        ..Part::default()
    }])
}

pub(super) fn camera(config: Config<'_>) -> Parts {
    let topic = config.filter("topic").ok_or("topic")?;
    Ok(vec![picture(
        Shows::Bytes,
        StateRead::new(&topic, Extract::Plain),
    )])
}

pub(super) fn image(config: Config<'_>) -> Parts {
    if let Some(url) = config.read("url_topic", "url_template") {
        return Ok(vec![picture(Shows::Text, url)]);
    }
    let topic = config.filter("image_topic").ok_or("image_topic or url_topic")?;
    Ok(vec![picture(
        Shows::Bytes,
        StateRead::new(&topic, Extract::Plain),
    )])
}

fn picture(shows: Shows, read: StateRead) -> Part {
    Part {
        kind: EntityKind::Image,
        label: "Picture",
        shows,
        reads: vec![read],
        ..Part::default()
    }
}

pub(super) fn update(config: Config<'_>) -> Parts {
    let read = required(config.read("state_topic", "value_template"))?;
    let version = |id, label, unwrap, read| Part {
        id,
        label,
        kind: EntityKind::Update,
        class: Class::Internal,
        unwrap: Some(unwrap),
        reads: vec![read],
        ..Part::default()
    };
    // A state that is no object says what is installed, and nothing of what is newest.
    let latest = config
        .read("latest_version_topic", "latest_version_template")
        .unwrap_or_else(|| StateRead {
            extract: read.extract.within("latest_version"),
            ..read.clone()
        });
    let install = config
        .payload("payload_install", "")
        .filter(|payload| !payload.is_empty())
        .and_then(|payload| config.write(Verb::Press, "command_topic", Payload::Fixed(payload)));
    let install = PartControl::of(ControlKind::Button, [install]).map(|control| Part {
        id: "install",
        label: "Install update",
        kind: EntityKind::Button,
        control: Some(control.asking()),
        ..Part::default()
    });
    let parts = [
        Some(version("", "Installed version", "installed_version", read)),
        Some(version("latest", "Latest version", "latest_version", latest)),
        install,
    ];
    Ok(parts.into_iter().flatten().collect())
}

/// A component that is not known: what it says, as it comes.
pub(super) fn raw(config: Config<'_>) -> Parts {
    Ok(vec![Part {
        kind: EntityKind::Raw,
        reads: vec![required(config.read("state_topic", "value_template"))?],
        ..Part::default()
    }])
}

/// Words for states that are more than two.
pub(super) fn states<const N: usize>(states: [(String, Value); N]) -> Shows {
    Shows::States(states.into())
}
