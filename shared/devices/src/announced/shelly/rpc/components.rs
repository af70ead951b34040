//! The components of a device → things with parts.

use std::collections::{BTreeMap, BTreeSet};

use super::{around, request};
use crate::announced::color::ColorForm;
use crate::announced::extract::Extract;
use crate::announced::model::{AnnouncedEntity, Part, PartControl, Shows, StateRead};
use crate::announced::parts::{color, cover, level, measured, named, switch, told, white};
use crate::class::Class;
use crate::command::{ControlKind, Payload, Verb, Write};
use crate::device::{EntityKind, Value};

/// How well it is heard; there is one only.
const WIFI: &str = "wifi";
/// Components that are shown.
const KINDS: [&str; 30] = [
    "switch",
    "light",
    "rgb",
    "rgbw",
    "cct",
    "cover",
    "input",
    "temperature",
    "humidity",
    "illuminance",
    "voltmeter",
    "smoke",
    "flood",
    "presence",
    "devicepower",
    "pm1",
    "em1",
    "em",
    "em1data",
    "emdata",
    "thermostat",
    "presencezone",
    "cb",
    "bthomedevice",
    "bthomesensor",
    "blutrv",
    "boolean",
    "number",
    "enum",
    "text",
];

/// Members that measure: name, part, label, unit; what they are is read off the unit or the name.
const MEASURED: [(&str, &str, &str, &str); 44] = [
    ("apower", "power", "Power", "W"),
    ("voltage", "voltage", "Voltage", "V"),
    ("current", "current", "Current", "A"),
    ("pf", "power_factor", "Power factor", ""),
    ("freq", "frequency", "Frequency", "Hz"),
    ("aenergy.total", "energy", "Energy", "Wh"),
    ("ret_aenergy.total", "returned_energy", "Energy given back", "Wh"),
    ("temperature.tC", "device_temperature", "Own temperature", "°C"),
    ("tC", "temperature", "Temperature", "°C"),
    ("rh", "humidity", "Humidity", "%"),
    ("lux", "illuminance", "Brightness", "lx"),
    ("battery.percent", "battery", "Battery", "%"),
    ("battery.V", "battery_voltage", "Battery voltage", "V"),
    ("percent", "level", "Level", "%"),
    ("counts.total", "count", "Count", ""),
    ("act_power", "power", "Power", "W"),
    ("aprt_power", "apparent_power", "Apparent power", "VA"),
    ("total_act_power", "power", "Power", "W"),
    ("total_current", "current", "Current", "A"),
    ("a_act_power", "power_a", "Power A", "W"),
    ("b_act_power", "power_b", "Power B", "W"),
    ("c_act_power", "power_c", "Power C", "W"),
    ("a_voltage", "voltage_a", "Voltage A", "V"),
    ("b_voltage", "voltage_b", "Voltage B", "V"),
    ("c_voltage", "voltage_c", "Voltage C", "V"),
    ("total_act", "energy", "Energy", "Wh"),
    ("total_act_ret", "returned_energy", "Energy given back", "Wh"),
    ("total_act_energy", "energy", "Energy", "Wh"),
    ("current_C", "temperature", "Temperature", "°C"),
    ("a_current", "current_a", "Current A", "A"),
    ("b_current", "current_b", "Current B", "A"),
    ("c_current", "current_c", "Current C", "A"),
    ("n_current", "current_n", "Current N", "A"),
    ("a_pf", "power_factor_a", "Power factor A", ""),
    ("b_pf", "power_factor_b", "Power factor B", ""),
    ("c_pf", "power_factor_c", "Power factor C", ""),
    ("a_total_act_energy", "energy_a", "Energy A", "Wh"),
    ("b_total_act_energy", "energy_b", "Energy B", "Wh"),
    ("c_total_act_energy", "energy_c", "Energy C", "Wh"),
    (
        "total_act_ret_energy",
        "returned_energy",
        "Energy given back",
        "Wh",
    ),
    ("num_objects", "count", "Count", ""),
    ("battery", "battery", "Battery", "%"),
    ("rssi", "signal", "Signal", "dBm"),
    ("pos", "valve", "Valve", "%"),
];

pub(super) fn is_known(component: &str) -> bool {
    let of_several = component.split_once(':').is_some_and(|(kind, number)| {
        KINDS.contains(&kind) && number.len() <= 4 && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    of_several || component == WIFI
}

/// Which part shows a member.
pub(super) fn part_of(component: &str, member: &str) -> Option<&'static str> {
    let kind = component.split(':').next()?;
    Some(match (kind, member) {
        ("switch" | "light" | "rgb" | "rgbw" | "cct", "output") => "",
        ("light" | "rgb" | "rgbw" | "cct", "brightness") => "brightness",
        ("rgb" | "rgbw", "rgb") => "color",
        ("cct", "ct") => "color_temp",
        ("cover", "state") => "",
        ("cover", "current_pos") => "position",
        ("input", "state") => "",
        ("input" | "bthomedevice", "event") => "event",
        ("smoke" | "flood", "alarm") | ("presence", "state") => "",
        ("presencezone" | "bthomesensor", "value") | ("cb", "output") => "",
        ("thermostat" | "blutrv", "target_C") => "target",
        ("thermostat", "output") => "",
        ("boolean" | "number" | "enum" | "text", "value") => "",
        _ => MEASURED.iter().find(|(name, ..)| *name == member)?.1,
    })
}

/// One component of a device.
struct Component<'a> {
    prefix: &'a str,
    name: &'a str,
    kind: &'a str,
    number: &'a str,
    members: &'a BTreeSet<String>,
}

pub(super) fn entities(
    prefix: &str,
    components: &BTreeMap<String, BTreeSet<String>>,
    names: &BTreeMap<String, String>,
) -> Vec<AnnouncedEntity> {
    let mut entities = Vec::new();
    for (name, members) in components {
        let (kind, number) = name.split_once(':').unwrap_or((name, ""));
        let component = Component {
            prefix,
            name,
            kind,
            number,
            members,
        };
        let mut parts = component.parts();
        if parts.is_empty() {
            continue;
        }
        let like = |is: &dyn Fn(&str) -> bool| {
            let kinds = components.keys().filter_map(|other| other.split(':').next());
            kinds.filter(|other| is(other)).count()
        };
        let alike = like(&|other| other == kind);
        if kind == "temperature" && component.is_below_100() && like(&|other| other.starts_with("em")) > 0 {
            // Of the meter itself.
            parts.iter_mut().for_each(|part| part.class = Class::Internal);
        }
        let is_virtual = matches!(
            kind,
            "boolean"
                | "number"
                | "enum"
                | "text"
                | "bthomedevice"
                | "bthomesensor"
                | "blutrv"
                | "presencezone"
        );
        // Two lamps of different kinds, and what is beside them.
        let is_lamp = |kind: &str| matches!(kind, "light" | "rgb" | "rgbw" | "cct");
        let needs_kind = matches!(kind, "input" | WIFI) || (is_lamp(kind) && like(&is_lamp) > alike);
        // A component of its own kind is the device; others are told apart by their number.
        let label = match number.parse::<u32>() {
            Ok(number) if alike > 1 && !is_virtual => {
                Some(format!("{} {}", title(kind), u64::from(number) + 1))
            }
            Ok(number) if is_virtual => Some(format!("{} {number}", title(kind))),
            _ => needs_kind.then(|| title(kind)),
        };
        let label = names.get(name).cloned().or(label);
        if let Some(first) = parts.first_mut().filter(|_| label.is_some()) {
            first.label = if first.id.is_empty() { "" } else { first.label };
        }
        entities.push(AnnouncedEntity {
            id: name.clone(),
            name: label,
            diagnostic: parts.iter().all(|part| part.class.is_diagnostic()),
            parts,
            ..AnnouncedEntity::default()
        });
    }
    entities
}

/// What a component is called, for people.
fn title(kind: &str) -> String {
    match kind {
        "em" | "em1" | "emdata" | "em1data" | "pm1" => "Meter".to_owned(),
        "cb" => "Circuit breaker".to_owned(),
        "rgb" | "rgbw" | "cct" => kind.to_ascii_uppercase(),
        "bthomedevice" => "Bluetooth device".to_owned(),
        "bthomesensor" => "Bluetooth sensor".to_owned(),
        "blutrv" => "Radiator".to_owned(),
        WIFI => "Wi-Fi".to_owned(),
        "presencezone" => "Zone".to_owned(),
        kind => named(kind),
    }
}

impl Component<'_> {
    /// Above are sensors that people added.
    fn is_below_100(&self) -> bool {
        self.number.parse::<u32>().is_ok_and(|number| number < 100)
    }

    fn has(&self, member: &str) -> bool {
        self.members.contains(member)
    }

    /// In notifications, and in the status of the component for who has turned that on.
    fn reads(&self, member: &str) -> Vec<StateRead> {
        let below: Vec<&str> = member.split('.').collect();
        let path = ["params", self.name].into_iter().chain(below.iter().copied());
        vec![
            StateRead::new(&format!("{}/events/rpc", self.prefix), Extract::path(path)),
            StateRead::new(
                &format!("{}/status/{}", self.prefix, self.name),
                Extract::path(below),
            ),
        ]
    }

    fn read(&self, member: &str) -> StateRead {
        let path = ["params", self.name].into_iter().chain(member.split('.'));
        StateRead::new(&format!("{}/events/rpc", self.prefix), Extract::path(path))
    }

    fn both(&self, mut part: Part, member: &str) -> Part {
        part.reads = self.reads(member);
        part
    }

    fn topic(&self) -> String {
        format!("{}/rpc", self.prefix)
    }

    /// `Switch.Set` with these parameters besides the id.
    fn says(&self, verb: Verb, method: &str, parameters: &str) -> Write {
        let all = match parameters {
            "" => format!("\"id\":{}", self.number),
            more => format!("\"id\":{},{more}", self.number),
        };
        Write::new(verb, &self.topic(), request(method, &all))
    }

    fn sets(&self, verb: Verb, method: &str, parameter: &str) -> Write {
        let (before, after) = around(method);
        let payload = Payload::Json {
            before: format!("{before}\"id\":{},\"{parameter}\":", self.number),
            after: after.to_owned(),
        };
        Write::new(verb, &self.topic(), payload)
    }

    fn parts(&self) -> Vec<Part> {
        let mut parts = match self.kind {
            "switch" => self.output("Switch.Set", EntityKind::Switch),
            "light" => self.light("Light.Set"),
            "rgb" => self.light("RGB.Set"),
            "rgbw" => self.light("RGBW.Set"),
            "cct" => self.light("CCT.Set"),
            "cover" => self.cover(),
            "input" => self.input(),
            "smoke" => self.alarm("alarm", Class::Smoke),
            "flood" => self.alarm("alarm", Class::Leak),
            "presence" => self.alarm("state", Class::Presence),
            "presencezone" => self.alarm("value", Class::Motion),
            "cb" => self.alarm("output", Class::OnOff),
            "bthomedevice" => self.pressed(),
            "bthomesensor" if self.has("value") => {
                vec![self.both(measured(&["value"], "", self.read("value")), "value")]
            }
            "thermostat" => self.thermostat(),
            "blutrv" => self.radiator(),
            "boolean" | "number" | "enum" | "text" => self.virtual_one(),
            _ => Vec::new(),
        };
        for (member, id, label, unit) in MEASURED {
            if self.has(member) && !parts.iter().any(|part| part.id == id) {
                // `power_factor_b` is of a phase.
                let phase = ["_a", "_b", "_c", "_n"];
                let key = phase.iter().find_map(|end| id.strip_suffix(end)).unwrap_or(id);
                let part = self.both(measured(&[key], unit, self.read(member)), member);
                // The heat of the device itself is no climate.
                let class = if id == "device_temperature" {
                    Class::Internal
                } else {
                    part.class
                };
                parts.push(Part {
                    id,
                    label,
                    class,
                    ..part
                });
            }
        }
        parts
    }

    fn output(&self, method: &str, kind: EntityKind) -> Vec<Part> {
        if !self.has("output") {
            return Vec::new();
        }
        let (on, off) = (
            self.says(Verb::On, method, "\"on\":true"),
            self.says(Verb::Off, method, "\"on\":false"),
        );
        let part = switch(
            kind,
            ("true", "false"),
            None,
            &self.topic(),
            (on.payload, off.payload),
        );
        vec![self.both(part, "output")]
    }

    fn light(&self, method: &str) -> Vec<Part> {
        let mut parts = self.output(method, EntityKind::Light);
        if self.has("brightness") {
            let set = self.sets(Verb::Set, method, "brightness");
            let part = level(
                ("brightness", "Brightness"),
                Class::Brightness,
                1.0,
                None,
                Some(set),
            );
            parts.push(self.both(part, "brightness"));
        }
        if self.has("rgb") {
            let (before, after) = around(method);
            let source = format!(
                "{before}\"id\":{},\"rgb\":[{{{{ red }}}},{{{{ green }}}},{{{{ blue }}}}]{after}",
                self.number
            );
            let payload = Payload::Template {
                source,
                name: "",
                fixed: None,
            };
            let set = Write::new(Verb::Choose, &self.topic(), payload);
            parts.push(self.both(color(ColorForm::Rgb, self.read("rgb"), Some(set)), "rgb"));
        }
        if self.has("ct") {
            let set = self.sets(Verb::Set, method, "ct");
            parts.push(self.both(white((2700.0, 6500.0), "K", self.read("ct"), Some(set)), "ct"));
        }
        parts
    }

    fn cover(&self) -> Vec<Part> {
        if !self.has("state") && !self.has("current_pos") {
            return Vec::new();
        }
        let text = |word: &str| Value::Text(word.to_owned());
        let shows = Shows::States(vec![
            ("open".to_owned(), Value::Binary(true)),
            ("closed".to_owned(), Value::Binary(false)),
            ("opening".to_owned(), text("Opening")),
            ("closing".to_owned(), text("Closing")),
            ("stopped".to_owned(), text("Stopped")),
            ("calibrating".to_owned(), text("Calibrating")),
        ]);
        let writes = vec![
            self.says(Verb::Open, "Cover.Open", ""),
            self.says(Verb::Close, "Cover.Close", ""),
            self.says(Verb::Stop, "Cover.Stop", ""),
        ];
        let mut parts = vec![cover(shows, self.reads("state"), writes)];
        if self.has("current_pos") {
            let set = self.sets(Verb::Set, "Cover.GoToPosition", "pos");
            let part = level(("position", "Position"), Class::Position, 1.0, None, Some(set));
            parts.push(self.both(part, "current_pos"));
        }
        parts
    }

    fn input(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        if self.has("state") {
            parts.extend(self.alarm("state", Class::OnOff));
        }
        parts.extend(self.pressed());
        parts
    }

    fn pressed(&self) -> Vec<Part> {
        let event = Part {
            id: "event",
            label: "Event",
            kind: EntityKind::Event,
            shows: Shows::Event,
            ..Part::default()
        };
        if self.has("event") {
            vec![event]
        } else {
            Vec::new()
        }
    }

    fn alarm(&self, member: &str, class: Class) -> Vec<Part> {
        if !self.has(member) {
            return Vec::new();
        }
        vec![Part {
            kind: EntityKind::Binary,
            class,
            shows: Shows::switch("true", "false"),
            reads: self.reads(member),
            ..Part::default()
        }]
    }

    fn thermostat(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        if self.has("output") {
            parts.push(Part {
                kind: EntityKind::Climate,
                class: Class::Activity,
                shows: Shows::States(vec![
                    ("true".to_owned(), Value::Text("Heating".to_owned())),
                    ("false".to_owned(), Value::Text("Idle".to_owned())),
                ]),
                reads: self.reads("output"),
                ..Part::default()
            });
        }
        let set = self.sets(Verb::Set, "Thermostat.SetConfig", "config\":{\"target_C");
        parts.extend(self.target(set, (5.0, 35.0, 0.5)));
        parts
    }

    /// A radiator behind a gateway, which passes on what is said to it.
    fn radiator(&self) -> Vec<Part> {
        let call = "method\":\"Trv.SetTarget\",\"params\":{\"id\":0,\"target_C";
        let set = self.sets(Verb::Set, "BluTrv.Call", call);
        self.target(set, (4.0, 30.0, 0.1)).into_iter().collect()
    }

    /// The temperature to keep, which is set in an object of its own.
    fn target(&self, set: Write, (min, max, step): (f64, f64, f64)) -> Option<Part> {
        let kind = ControlKind::Stepper { min, max, step };
        let set = match set.payload {
            Payload::Json { before, after } => Write {
                payload: Payload::Json {
                    before,
                    after: format!("}}{after}"),
                },
                ..set
            },
            payload => Write { payload, ..set },
        };
        let part = measured(&["target"], "°C", self.read("target_C"));
        self.has("target_C").then(|| Part {
            id: "target",
            label: "Target",
            class: Class::TargetTemperature,
            control: Some(PartControl::new(kind, vec![set])),
            ..self.both(part, "target_C")
        })
    }

    /// What somebody added to the device: a value with a method to set it.
    fn virtual_one(&self) -> Vec<Part> {
        if !self.has("value") {
            return Vec::new();
        }
        let part = match self.kind {
            "boolean" => {
                let says = |value: &str| {
                    self.says(Verb::On, "Boolean.Set", &format!("\"value\":{value}"))
                        .payload
                };
                let payloads = (says("true"), says("false"));
                switch(
                    EntityKind::Switch,
                    ("true", "false"),
                    None,
                    &self.topic(),
                    payloads,
                )
            }
            "number" => {
                let kind = ControlKind::Stepper {
                    min: -1e6,
                    max: 1e6,
                    step: 1.0,
                };
                let set = self.sets(Verb::Set, "Number.Set", "value");
                Part {
                    control: Some(PartControl::new(kind, vec![set])),
                    ..measured(&["value"], "", self.read("value"))
                }
            }
            kind => {
                let method = if kind == "enum" { "Enum.Set" } else { "Text.Set" };
                let set = self.sets(Verb::Choose, method, "value");
                Part {
                    control: Some(PartControl::new(ControlKind::Text { longest: 255 }, vec![set])),
                    ..told(&["value"], self.read("value"))
                }
            }
        };
        vec![self.both(part, "value")]
    }
}
