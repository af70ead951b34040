//! What `tele/…/SENSOR` will say, read off an example of it.

use hearth_model::letters::lower;

use super::Device;
use crate::announced::extract::{Extract, Step};
use crate::announced::json::Json;
use crate::announced::model::{AnnouncedEntity, Part, StateRead};
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

    /// Of a key within its sensor.
    fn unit(&self, sensor: &str, key: &str) -> &str {
        match key {
            "Temperature" | "DewPoint" | "HeatIndex" | "ObjectTemperature" | "AmbientTemperature" => {
                &self.temperature
            }
            "Humidity" | "Moisture" | "Battery" | "BatteryPercentage" => "%",
            "Pressure" | "SeaPressure" => &self.pressure,
            "Illuminance" | "Lux" => "lx",
            "CarbonDioxide" | "CO2" | "eCO2" => "ppm",
            "TVOC" => "ppb",
            "PM1" | "PM2.5" | "PM10" | "CF1" | "CF2.5" | "CF10" => "µg/m³",
            "Power" | "ExportPower" => "W",
            "ApparentPower" => "VA",
            "ReactivePower" => "var",
            "Voltage" => "V",
            "Current" => "A",
            "Frequency" => "Hz",
            "Total" | "Today" | "Yesterday" | "ExportActive" | "ImportActive" if sensor == "ENERGY" => "kWh",
            "Period" if sensor == "ENERGY" => "Wh",
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
            Json::Text(_) if key.starts_with("Switch") => self.switch(key, read),
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
        let mut name = if above.is_empty() || sensor == "ENERGY" {
            named(key)
        } else {
            format!("{sensor} {}", lower(&named(key)))
        };
        let mut id = names.join(".");
        if let Some(phase) = phase {
            name = format!("{name} {phase}");
            id = format!("{id}.{phase}");
        }
        Some(single(&id, Some(&name), part))
    }

    fn number(&self, names: &[&str], sensor: &str, key: &str, read: StateRead) -> Part {
        let unit = self.units.unit(sensor, key);
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
