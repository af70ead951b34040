//! What `tele/…/SENSOR` will say, read off an example of it.

use hearth_model::letters::lower;

use super::Device;
use crate::announced::extract::{Extract, Step};
use crate::announced::json::Json;
use crate::announced::model::{AnnouncedEntity, Part, Shows, StateRead};
use crate::announced::parts::{either, measured, named, single, told};
use crate::class::Class;
use crate::device::EntityKind;

/// Objects in objects: the sensor, its parts, and phases as lists.
const DEPTH: usize = 4;
/// Values of one device.
const VALUES: usize = 500;

pub(super) fn entities(device: &Device<'_>, sensors: &Json) -> Vec<AnnouncedEntity> {
    let mut walk = Walk {
        device,
        units: Units::of(sensors),
        found: Vec::new(),
    };
    for (key, value) in sensors.members() {
        walk.value(&mut vec![Step::Member(key.clone())], value);
    }
    walk.found
}

/// The units that the device counts in.
struct Units {
    temperature: String,
    pressure: String,
    speed: String,
}

impl Units {
    fn of(sensors: &Json) -> Self {
        let unit = |name: &str, default: &str| {
            sensors
                .get(name)
                .and_then(Json::text)
                .unwrap_or(default)
                .to_owned()
        };
        Self {
            temperature: format!("°{}", unit("TempUnit", "C")),
            pressure: unit("PressureUnit", "hPa"),
            speed: unit("SpeedUnit", "m/s"),
        }
    }

    /// Of a key within its sensor. Where there are several they have numbers: `Temperature1`.
    fn unit(&self, sensor: &str, key: &str) -> &str {
        let known = self.known(sensor, key);
        if known.is_empty() {
            self.known(sensor, key.trim_end_matches(|last: char| last.is_ascii_digit()))
        } else {
            known
        }
    }

    fn known(&self, sensor: &str, key: &str) -> &str {
        match key {
            "Temperature" | "DewPoint" | "HeatIndex" | "ObjectTemperature" | "AmbientTemperature" => {
                &self.temperature
            }
            "Humidity" | "Moisture" | "Battery" | "BatteryPercentage" => "%",
            "Pressure" | "SeaPressure" => &self.pressure,
            "Illuminance" | "Lux" | "Ambient" => "lx",
            "CarbonDioxide" | "CO2" | "eCO2" => "ppm",
            "TVOC" => "ppb",
            "PM1" | "PM2.5" | "PM10" | "CF1" | "CF2.5" | "CF10" => "µg/m³",
            "Power" | "ActivePower" | "ExportPower" => "W",
            "ApparentPower" => "VA",
            "ReactivePower" => "var",
            "Voltage" => "V",
            "Current" | "CurrentNeutral" => "A",
            "Frequency" => "Hz",
            "Energy" | "Total" | "Today" | "Yesterday" | "TotalTariff" | "ExportTariff" | "ExportActive"
            | "ImportActive"
                if sensor == "ENERGY" || key == "Energy" =>
            {
                "kWh"
            }
            "ImportReactive" | "ExportReactive" => "kvarh",
            "Period" if sensor == "ENERGY" => "Wh",
            "PhaseAngle" => "°",
            "Weight" => "kg",
            "CCT" => "K",
            "Distance" => "cm",
            "WindSpeed" | "Speed" => &self.speed,
            _ => "",
        }
    }
}

struct Walk<'a> {
    device: &'a Device<'a>,
    units: Units,
    found: Vec<AnnouncedEntity>,
}

impl Walk<'_> {
    fn value(&mut self, path: &mut Vec<Step>, value: &Json) {
        if self.found.len() >= VALUES || path.len() > DEPTH {
            return;
        }
        match value {
            Json::Object(members) => {
                for (key, inner) in members {
                    path.push(Step::Member(key.clone()));
                    self.value(path, inner);
                    path.pop();
                }
            }
            // A value for each phase.
            Json::List(items) => {
                for (at, inner) in items.iter().enumerate() {
                    path.push(Step::Item(at));
                    self.value(path, inner);
                    path.pop();
                }
            }
            value => self.found.extend(self.leaf(path, value)),
        }
    }

    fn leaf(&self, path: &[Step], value: &Json) -> Option<AnnouncedEntity> {
        let names: Vec<&str> = path
            .iter()
            .filter_map(|step| match step {
                Step::Member(name) => Some(&**name),
                Step::Item(_) => None,
            })
            .collect();
        let (key, above) = names.split_last()?;
        let sensor = above.first().copied().unwrap_or_default();
        if matches!(
            *key,
            "Time" | "Id" | "TempUnit" | "PressureUnit" | "SpeedUnit" | "TotalStartTime"
        ) || sensor.starts_with("Shutter")
        {
            return None;
        }
        let read = StateRead::new(&self.device.telemetry("SENSOR"), Extract::Path(path.to_vec()));
        let mut part = match value {
            Json::Number(..) => self.number(&names, sensor, key, read),
            // By its own name where people gave it one.
            Json::Text(_) if key.starts_with("Switch") || self.is_switch(key) => self.switch(key, read),
            // A card or tag is shown to a reader and taken away.
            Json::Text(_) if matches!(sensor, "PN532" | "RDM6300") => Part {
                kind: EntityKind::Event,
                shows: Shows::Event,
                ..told(&names, read)
            },
            _ => told(&names, read),
        };
        // The same when somebody asks with `Status 10`.
        let mut asked = vec![Step::Member("StatusSNS".to_owned())];
        asked.extend_from_slice(path);
        part.reads.push(StateRead::new(
            &self.device.answer("STATUS10"),
            Extract::Path(asked),
        ));
        let phase = path.iter().find_map(|step| match step {
            Step::Item(at) => Some(at + 1),
            Step::Member(_) => None,
        });
        let below: Vec<String> = names.iter().skip(1).map(|name| lower(&named(name))).collect();
        let mut name = match sensor {
            "" => named(key),
            "ENERGY" => named(&below.join(" ")),
            sensor => format!("{sensor} {}", below.join(" ")),
        };
        let mut id = names.join(".");
        if let Some(phase) = phase {
            name = format!("{name} {phase}");
            id = format!("{id}.{phase}");
        }
        Some(single(&id, Some(&name), part))
    }

    fn is_switch(&self, key: &str) -> bool {
        let names = self.device.config.get("swn").map(Json::list).unwrap_or_default();
        names.iter().any(|name| name.text() == Some(key))
    }

    fn number(&self, names: &[&str], sensor: &str, key: &str, read: StateRead) -> Part {
        // `Speed.Avg` and `Total.Phase1` are in the unit of what they are of.
        let above = names.iter().rev().skip(1);
        let units = std::iter::once(&key).chain(above);
        let mut units = units.map(|name| self.units.unit(sensor, name));
        let unit = units.find(|unit| !unit.is_empty()).unwrap_or_default();
        let part = measured(names, unit, read);
        let class = match key {
            // Yesterday's energy is nothing to watch.
            "Yesterday" | "Period" | "DewPoint" | "Factor" => Class::Internal,
            "Moisture" => Class::SoilMoisture,
            _ => part.class,
        };
        Part { class, ..part }
    }

    fn switch(&self, key: &str, read: StateRead) -> Part {
        let (on, off) = (self.device.word(1, "ON"), self.device.word(0, "OFF"));
        let mut part = either(&[key], &on, &off, read);
        part.kind = EntityKind::Binary;
        let answer = self.device.answer("RESULT");
        part.reads
            .push(StateRead::new(&answer, Extract::path([key, "Action"])));
        part
    }
}
