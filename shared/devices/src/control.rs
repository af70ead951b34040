//! Which control an entity gets, by the form of its topic and payload.

use hearth_model::letters::{self, is_lower, is_upper};
use hearth_model::payload::{BinaryWord, binary_state};

use crate::class::Class;
use crate::command::{Control, ControlKind};
use crate::device::{Entity, EntityKind, Source};
use crate::entity::{Context, Thing};
use crate::flat::Scalar;
use crate::names::human_key;

/// Gives a new entity the control that devices of its form have; nothing for sensors.
pub(crate) fn add_control(entity: &mut Entity, context: &Context<'_>) {
    let (command, key) = (
        &context.place.command,
        context.path.last().map_or("", |key| &**key),
    );
    let (on, off) = entity.spelled.clone();
    let json = |kind| Control::json(kind, command, key, &on, &off);
    match context.place.source {
        Source::Zigbee2mqtt => zigbee2mqtt_control(entity, context, key, json),
        Source::Tasmota => tasmota_control(entity, context, key),
        Source::EspHome => esphome_control(entity, context, json),
        // The others announce their controls.
        _ => {
            // A garage door can be asked to move only where it says its state, not where a contact says it.
            let moves = matches!(entity.class, Class::Opening | Class::Cover);
            // What it is called matters only where something can be asked for; measured values are most of what there is.
            let thing = match entity.kind {
                EntityKind::Number | EntityKind::Text if !moves && !has_range(entity.class) => None,
                _ => context.thing(),
            };
            let is_garage_door = thing == Some(Thing::Garage) && key == "state" && moves;
            if is_garage_door {
                entity.become_cover();
            }
            let by_name = is_garage_door
                || matches!(
                    thing,
                    Some(Thing::Light | Thing::Plug | Thing::Cover | Thing::Lock)
                );
            if by_name || context.commands_seen.contains(command) {
                plain_control(entity, command, key, &on, &off);
            }
        }
    }
    if entity.kind == EntityKind::Switch && context.thing() == Some(Thing::Light) {
        entity.kind = EntityKind::Light;
    }
}

/// Whether a number of this class can be set.
fn has_range(class: Class) -> bool {
    matches!(
        class,
        Class::Brightness | Class::Position | Class::TargetTemperature
    )
}

fn tasmota_control(entity: &mut Entity, context: &Context<'_>, key: &str) {
    let above = context.place.command.strip_suffix("POWER");
    let topic = above.map(|above| format!("{above}{key}")).unwrap_or_default();
    if key.starts_with("POWER") && context.path.len() == 1 {
        entity.class = Class::OnOff;
        entity.unit.clear();
        entity.kind = EntityKind::Switch;
        entity.control = Some(Control::plain(ControlKind::Switch, &topic, "ON", "OFF"));
        entity.name = human_key(&key.replacen("POWER", "Switch ", 1)).trim().to_owned();
    } else if key == "Dimmer" {
        let kind = ControlKind::Slider {
            min: 0.0,
            max: 100.0,
            step: 1.0,
        };
        entity.control = Some(Control::plain(kind, &topic, "", "").scaled(1.0));
    }
}

fn esphome_control(entity: &mut Entity, context: &Context<'_>, json: impl Fn(ControlKind) -> Control) {
    let component = context.path.first().map_or("", |component| &**component);
    let (control, kind) = match component {
        "lock" => (ControlKind::Lock, EntityKind::Lock),
        "cover" => (ControlKind::Cover, EntityKind::Cover),
        "light" if entity.is_two_valued() => (ControlKind::Switch, EntityKind::Light),
        "switch" | "fan" if entity.is_two_valued() => (ControlKind::Switch, EntityKind::Switch),
        _ => return,
    };
    let is_object = context.path.len() > 2;
    entity.control = Some(if is_object {
        json(control)
    } else {
        let (on, off) = &entity.spelled;
        Control::plain(control, &context.place.command, on, off)
    });
    entity.kind = kind;
    entity.name = human_key(context.path.get(1).map_or("", |object| &**object));
}

fn zigbee2mqtt_control(
    entity: &mut Entity,
    context: &Context<'_>,
    key: &str,
    json: impl Fn(ControlKind) -> Control,
) {
    if context.path.len() != 1 {
        return;
    }
    let is_state = key == "state" || key.starts_with("state_");
    match (entity.kind, entity.class) {
        (EntityKind::Lock, _) if is_state => {
            entity.control = Some(json(ControlKind::Lock));
        }
        (EntityKind::Cover, _) if is_state => entity.control = Some(json(ControlKind::Cover)),
        (EntityKind::Binary, Class::OnOff) if is_state => {
            entity.kind = EntityKind::Switch;
            entity.control = Some(json(ControlKind::Switch));
        }
        (EntityKind::Number, Class::Brightness) if key == "brightness" => {
            entity.scale = 2.54;
            "%".clone_into(&mut entity.unit);
            entity.unit_is_guess = true;
            entity.control = Some(
                json(ControlKind::Slider {
                    min: 0.0,
                    max: 100.0,
                    step: 1.0,
                })
                .scaled(2.54),
            );
        }
        (EntityKind::Number, Class::Position) if key == "position" => {
            entity.control = Some(json(ControlKind::Slider {
                min: 0.0,
                max: 100.0,
                step: 1.0,
            }));
        }
        (EntityKind::Number, Class::TargetTemperature) => {
            entity.control = Some(json(ControlKind::Stepper {
                min: 5.0,
                max: 30.0,
                step: 0.5,
            }));
        }
        _ => {}
    }
}

pub(crate) fn plain_control(entity: &mut Entity, topic: &str, key: &str, on: &str, off: &str) {
    let is_object = entity.field.is_some();
    let make = |kind| match is_object {
        true => Control::json(kind, topic, key, on, off),
        false => Control::plain(kind, topic, on, off),
    };
    let kind = match (entity.kind, entity.class) {
        (EntityKind::Binary, Class::OnOff) => {
            entity.kind = EntityKind::Switch;
            ControlKind::Switch
        }
        (EntityKind::Switch | EntityKind::Light, _) => ControlKind::Switch,
        (EntityKind::Cover, _) => ControlKind::Cover,
        (EntityKind::Lock, _) => ControlKind::Lock,
        (EntityKind::Number, Class::Brightness | Class::Position) => {
            "%".clone_into(&mut entity.unit);
            entity.unit_is_guess = true;
            ControlKind::Slider {
                min: 0.0,
                max: 100.0,
                step: 1.0,
            }
        }
        (EntityKind::Number, Class::TargetTemperature) => ControlKind::Stepper {
            min: 5.0,
            max: 30.0,
            step: 0.5,
        },
        _ => return,
    };
    entity.control = Some(make(kind));
}

/// The words for on and off in the spelling that the device uses.
pub(crate) fn spelled_states(scalar: &Scalar) -> (String, String) {
    let pair = |on: &str, off: &str| (on.to_owned(), off.to_owned());
    let text = match scalar {
        Scalar::Bool(_) => return pair("true", "false"),
        Scalar::Number(..) => return pair("1", "0"),
        Scalar::Text(text) => text,
        Scalar::Null => return pair("ON", "OFF"),
    };
    let (on, off) = match binary_state(text).map(|state| state.word) {
        Some(BinaryWord::TrueFalse) => ("TRUE", "FALSE"),
        Some(BinaryWord::YesNo) => ("YES", "NO"),
        Some(BinaryWord::OpenClosed) => ("OPEN", "CLOSE"),
        Some(BinaryWord::LockedUnlocked) => ("LOCK", "UNLOCK"),
        _ => ("ON", "OFF"),
    };
    let lower = text.chars().any(is_lower) && !text.chars().any(is_upper);
    if lower {
        pair(&letters::lower(on), &letters::lower(off))
    } else {
        pair(on, off)
    }
}
