//! Thermostats and air conditioners: a topic for each of their settings.

use super::Object;
use crate::announced::model::{Part, PartControl};
use crate::announced::parts::{measured, selected};
use crate::class::Class;
use crate::command::{ControlKind, Verb};
use crate::device::EntityKind;

impl Object<'_> {
    pub(super) fn climate(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        if self.has("mode") {
            let options = ["off", "auto", "heat", "cool", "heat_cool", "dry", "fan_only"].map(str::to_owned);
            let kind = ControlKind::Select {
                options: options.to_vec(),
            };
            parts.push(Part {
                kind: EntityKind::Climate,
                class: Class::Activity,
                reads: vec![self.read("mode/")],
                control: Some(PartControl::new(kind, vec![self.set("mode/", Verb::Choose)])),
                ..Part::default()
            });
        }
        if self.has("current_temperature") {
            let part = measured(&["temperature"], "°C", self.read("current_temperature/"));
            parts.push(Part {
                id: "temperature",
                label: "Temperature",
                ..part
            });
        }
        let degrees = (5.0, 35.0, 0.5);
        for (detail, id, label, range) in [
            ("target_temperature", "target", "Target", degrees),
            ("target_temperature_low", "target_low", "Target low", degrees),
            ("target_temperature_high", "target_high", "Target high", degrees),
            (
                "target_humidity",
                "target_humidity",
                "Target humidity",
                (0.0, 100.0, 1.0),
            ),
        ] {
            if self.has(detail) {
                let (min, max, step) = range;
                let kind = ControlKind::Stepper { min, max, step };
                let below = format!("{detail}/");
                let is_humidity = detail.ends_with("humidity");
                parts.push(Part {
                    id,
                    label,
                    class: if is_humidity {
                        Class::Other
                    } else {
                        Class::TargetTemperature
                    },
                    control: Some(PartControl::new(kind, vec![self.set(&below, Verb::Set)])),
                    ..measured(
                        &["target"],
                        if is_humidity { "%" } else { "°C" },
                        self.read(&below),
                    )
                });
            }
        }
        if self.has("current_humidity") {
            parts.push(Part {
                id: "humidity",
                label: "Humidity",
                ..measured(&["humidity"], "%", self.read("current_humidity/"))
            });
        }
        if self.has("action") {
            parts.push(Part {
                id: "action",
                label: "Activity",
                class: Class::Activity,
                reads: vec![self.read("action/")],
                ..Part::default()
            });
        }
        // What each of them can be is said by Home Assistant discovery only; these are all that ESPHome knows.
        const FAN: [&str; 10] = [
            "on", "off", "auto", "low", "medium", "high", "middle", "focus", "diffuse", "quiet",
        ];
        const SWING: [&str; 4] = ["off", "both", "vertical", "horizontal"];
        const PRESET: [&str; 8] = [
            "none", "home", "away", "boost", "comfort", "eco", "sleep", "activity",
        ];
        for (detail, label, options) in [
            ("fan_mode", "Fan", &FAN[..]),
            ("swing_mode", "Swing", &SWING[..]),
            ("preset", "Preset", &PRESET[..]),
        ] {
            if self.has(detail) {
                let below = format!("{detail}/");
                let options = options.iter().map(|option| (*option).to_owned()).collect();
                let (read, write) = (self.read(&below), self.set(&below, Verb::Choose));
                parts.push(selected((detail, label), options, Some(read), Some(write)));
            }
        }
        parts
    }
}
