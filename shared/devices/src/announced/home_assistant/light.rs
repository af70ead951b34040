//! Lights in the three forms they are announced in.

use super::super::color::ColorForm;
use super::super::model::{Part, PartControl, Shows, StateRead};
use super::super::quoted;
use super::config::{Config, uses};
use super::simple::{Parts, chosen, switched};
use crate::class::Class;
use crate::command::{ControlKind, Payload, Verb, Write};
use crate::device::EntityKind;

pub(super) fn light(config: Config<'_>) -> Parts {
    config.topic("command_topic").ok_or("command_topic")?;
    match config.text("schema").as_deref() {
        Some("json") => Ok(json(config)),
        Some("template") => Ok(template(config)),
        _ => Ok(basic(config)),
    }
}

fn percent() -> ControlKind {
    ControlKind::Slider {
        min: 0.0,
        max: 100.0,
        step: 1.0,
    }
}

fn brightness(full: f64, read: Option<StateRead>, write: Option<Write>) -> Option<Part> {
    let scale = if full > 0.0 { full / 100.0 } else { 2.55 };
    level("brightness", "Brightness", Class::Brightness, scale, read, write)
}

fn level(
    id: &'static str,
    label: &'static str,
    class: Class,
    scale: f64,
    read: Option<StateRead>,
    write: Option<Write>,
) -> Option<Part> {
    if read.is_none() && write.is_none() {
        return None;
    }
    Some(Part {
        id,
        label,
        kind: EntityKind::Number,
        class,
        unit: "%".to_owned(),
        shows: Shows::Number { scale, offset: 0.0 },
        reads: read.into_iter().collect(),
        control: PartControl::of(percent(), [write]).map(|control| control.scaled(scale)),
        ..Part::default()
    })
}

fn color_temperature(config: Config<'_>, read: Option<StateRead>, write: Option<Write>) -> Option<Part> {
    if read.is_none() && write.is_none() {
        return None;
    }
    let in_kelvin = config.is("color_temp_kelvin");
    let (min, max, unit) = if in_kelvin {
        (
            config.number("min_kelvin").unwrap_or(2000.0),
            config.number("max_kelvin").unwrap_or(6535.0),
            "K",
        )
    } else {
        // In either unit.
        let limit = |mireds, kelvin, default: f64| {
            let kelvin = config.number(kelvin).filter(|kelvin| *kelvin >= 1.0);
            let said = config
                .number(mireds)
                .or(kelvin.map(|kelvin| (1e6 / kelvin).round()));
            said.unwrap_or(default)
        };
        (
            limit("min_mireds", "max_kelvin", 153.0),
            limit("max_mireds", "min_kelvin", 500.0),
            "mired",
        )
    };
    let kind = ControlKind::Slider {
        min,
        max: max.max(min + 1.0),
        step: 1.0,
    };
    Some(Part {
        id: "color_temp",
        label: "Colour temperature",
        kind: EntityKind::Number,
        class: Class::ColorTemperature,
        unit: unit.to_owned(),
        shows: Shows::number(),
        reads: read.into_iter().collect(),
        control: PartControl::of(kind, [write]).map(|control| control.scaled(1.0)),
        ..Part::default()
    })
}

fn color(form: ColorForm, read: Option<StateRead>, write: Option<Write>) -> Option<Part> {
    if read.is_none() && write.is_none() {
        return None;
    }
    Some(Part {
        id: "color",
        label: "Colour",
        kind: EntityKind::Color,
        shows: Shows::Color(form),
        reads: read.into_iter().collect(),
        control: PartControl::of(ControlKind::Color(form), [write]),
        ..Part::default()
    })
}

/// On and off. A lamp that is turned on by its brightness gets all of it, because nobody knows what it had.
fn switch(config: Config<'_>) -> Part {
    // What the option is called in all other things is taken, too.
    let template = match config.template("state_value_template") {
        Some(_) => "state_value_template",
        None => "value_template",
    };
    let mut part = switched(config, EntityKind::Light, template);
    if config.text("on_command_type").as_deref() == Some("brightness")
        && let Some(control) = &mut part.control
    {
        let full = config
            .text("brightness_scale")
            .unwrap_or_else(|| "255".to_owned());
        let on = config.says(
            Verb::On,
            "brightness_command_topic",
            "brightness_command_template",
            &full,
        );
        for (write, on) in control
            .writes
            .iter_mut()
            .filter(|write| write.verb == Verb::On)
            .zip(on)
        {
            *write = on;
        }
    }
    part
}

fn basic(config: Config<'_>) -> Vec<Part> {
    let set = |what: &str, name| {
        config.sets(
            Verb::Set,
            &format!("{what}_command_topic"),
            &format!("{what}_command_template"),
            name,
        )
    };
    let pick = |what: &str, name| {
        set(what, name).map(|write| Write {
            verb: Verb::Choose,
            ..write
        })
    };
    let read = |what: &str| config.read(&format!("{what}_state_topic"), &format!("{what}_value_template"));
    let colors = [
        ("rgb", ColorForm::Rgb),
        ("rgbw", ColorForm::Rgbw),
        ("rgbww", ColorForm::Rgbww),
        ("hs", ColorForm::HueSaturation),
        ("xy", ColorForm::Xy),
    ];
    let color = colors
        .into_iter()
        .find_map(|(what, form)| color(form, read(what), pick(what, "")));
    let white = set("white", "").map(|write| (config.number("white_scale").unwrap_or(255.0), write));
    let parts = [
        Some(switch(config)),
        brightness(
            config.number("brightness_scale").unwrap_or(255.0),
            read("brightness"),
            set("brightness", "brightness"),
        ),
        color_temperature(config, read("color_temp"), set("color_temp", "color_temp")),
        color,
        white
            .and_then(|(full, write)| level("white", "White", Class::Other, full / 100.0, None, Some(write))),
        chosen(
            "effect",
            "Effect",
            config.words("effect_list"),
            read("effect"),
            pick("effect", "effect"),
        ),
    ];
    parts.into_iter().flatten().collect()
}

fn json(config: Config<'_>) -> Vec<Part> {
    let modes = config.words("supported_color_modes");
    let has = |names: &[&str]| modes.iter().any(|mode| names.contains(&&**mode));
    let read = |member: &'static str| {
        let read = config.read("state_topic", "state_value_template")?;
        Some(StateRead {
            extract: read.extract.within(member),
            ..read
        })
    };
    let on = |verb, member: &str| {
        let payload = Payload::Json {
            before: format!("{{\"state\":\"ON\",{}:", quoted(member)),
            after: "}".to_owned(),
        };
        config.write(verb, "command_topic", payload)
    };
    let state = |verb, state: &str| {
        config.write(
            verb,
            "command_topic",
            Payload::Fixed(format!("{{\"state\":\"{state}\"}}")),
        )
    };
    let form = if has(&["rgb"]) || config.is("rgb") {
        Some(ColorForm::Rgb)
    } else if has(&["rgbw"]) {
        Some(ColorForm::Rgbw)
    } else if has(&["rgbww"]) {
        Some(ColorForm::Rgbww)
    } else if has(&["hs"]) || config.is("hs") {
        Some(ColorForm::HueSaturation)
    } else if has(&["xy"]) || config.is("xy") {
        Some(ColorForm::Xy)
    } else {
        None
    };
    let dims = config.is("brightness") || (!modes.is_empty() && !has(&["onoff"]));
    let tints = config.is("color_temp") || has(&["color_temp"]);
    let white = has(&["white"]).then(|| {
        let full = config.number("white_scale").unwrap_or(255.0);
        level(
            "white",
            "White",
            Class::Other,
            full / 100.0,
            None,
            on(Verb::Set, "white"),
        )
    });
    let has_effects = config.is("effect") || config.get("effect_list").is_some();
    let lamp = Part {
        kind: EntityKind::Light,
        class: Class::OnOff,
        shows: Shows::switch("ON", "OFF"),
        reads: read("state").into_iter().collect(),
        control: PartControl::of(
            ControlKind::Switch,
            [state(Verb::On, "ON"), state(Verb::Off, "OFF")],
        ),
        ..Part::default()
    };
    let full = config.number("brightness_scale").unwrap_or(255.0);
    let parts = [
        Some(lamp),
        dims.then(|| brightness(full, read("brightness"), on(Verb::Set, "brightness")))
            .flatten(),
        tints
            .then(|| color_temperature(config, read("color_temp"), on(Verb::Set, "color_temp")))
            .flatten(),
        form.and_then(|form| color(form, read("color"), on(Verb::Choose, "color"))),
        white.flatten(),
        has_effects
            .then(|| {
                chosen(
                    "effect",
                    "Effect",
                    config.words("effect_list"),
                    read("effect"),
                    on(Verb::Choose, "effect"),
                )
            })
            .flatten(),
    ];
    parts.into_iter().flatten().collect()
}

/// In a light's templates `state` is true or false, not a word.
fn with_state(source: String, is_on: bool) -> String {
    if uses(&source, "state") {
        format!("{{% set state = {is_on} %}}{source}")
    } else {
        source
    }
}

fn template(config: Config<'_>) -> Vec<Part> {
    let source = |name: &str| config.template(name).map(str::to_owned);
    let read = |name: &str| {
        config
            .template(name)
            .and_then(|_| config.read("state_topic", name))
    };
    let on = |verb, name, fixed: Option<&str>| {
        let payload = Payload::Template {
            source: with_state(source("command_on_template")?, true),
            name,
            fixed: fixed.map(str::to_owned),
        };
        config.write(verb, "command_topic", payload)
    };
    let off = source("command_off_template").and_then(|source| {
        let payload = Payload::Template {
            source: with_state(source, false),
            name: "state",
            fixed: Some("off".to_owned()),
        };
        config.write(Verb::Off, "command_topic", payload)
    });
    let lamp = Part {
        kind: EntityKind::Light,
        class: Class::OnOff,
        shows: Shows::switch("on", "off"),
        reads: read("state_template").into_iter().collect(),
        control: PartControl::of(ControlKind::Switch, [on(Verb::On, "state", Some("on")), off]),
        ..Part::default()
    };
    let has = |name| config.template(name).is_some();
    let colored = has("red_template") && has("green_template") && has("blue_template");
    let parts = [
        Some(lamp),
        has("brightness_template")
            .then(|| {
                brightness(
                    255.0,
                    read("brightness_template"),
                    on(Verb::Set, "brightness", None),
                )
            })
            .flatten(),
        has("color_temp_template")
            .then(|| {
                color_temperature(
                    config,
                    read("color_temp_template"),
                    on(Verb::Set, "color_temp", None),
                )
            })
            .flatten(),
        // Three templates say it; it can only be set.
        colored
            .then(|| color(ColorForm::Rgb, None, on(Verb::Choose, "", None)))
            .flatten(),
        has("effect_template")
            .then(|| {
                let effect = on(Verb::Choose, "effect", None);
                chosen(
                    "effect",
                    "Effect",
                    config.words("effect_list"),
                    read("effect_template"),
                    effect,
                )
            })
            .flatten(),
    ];
    parts.into_iter().flatten().collect()
}
