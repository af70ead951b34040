//! What a device is called in a list of the whole home, where no heading says in which room it stands.

use hearth_model::letters::{is_lower, is_upper, lower};

use crate::class::{Class, words};
use crate::device::{Device, DeviceId, Entity};
use crate::facts::{Attention, Reason};
use crate::registry::Devices;

/// What things are called in English, as last words of names: after their room, they are written small.
const THINGS: &[&str] = &[
    "blind",
    "blinds",
    "button",
    "camera",
    "climate",
    "contact",
    "curtain",
    "detector",
    "door",
    "dryer",
    "fan",
    "freezer",
    "fridge",
    "gate",
    "heater",
    "lamp",
    "light",
    "lights",
    "lock",
    "meter",
    "motion",
    "plug",
    "quality",
    "radiator",
    "refrigerator",
    "sensor",
    "shutter",
    "siren",
    "switch",
    "thermometer",
    "thermostat",
    "valve",
    "washer",
    "window",
];

impl Devices {
    /// The name of what needs attention, so that it says which one is meant.
    #[must_use]
    pub fn called(&self, item: &Attention) -> String {
        let head = self.head(item.device);
        let Some(device) = self.device(head) else {
            return String::new();
        };
        let name = self.device_called(head, device);
        let entity = item.entity.as_deref().zip(self.device(item.device));
        match entity.and_then(|(id, of)| one_of_several(of, id)) {
            Some(entity) => format!("{name}, {}", entity.name),
            None => name,
        }
    }

    fn device_called(&self, id: DeviceId, device: &Device) -> String {
        let name = device.name.trim();
        let Some(room) = device.room.as_deref().map(str::trim) else {
            return name.to_owned();
        };
        let small = lower(name);
        // `Garage door`, `Wohnzimmerlampe`
        if small.contains(&lower(room)) {
            return name.to_owned();
        }
        let has_namesake = || {
            self.iter()
                .any(|(other, one)| one.name == device.name && self.head(other) != id)
        };
        if name.contains(' ') && !has_namesake() {
            return name.to_owned();
        }
        let is_thing = words(name).last().is_some_and(|last| THINGS.contains(&&**last));
        let has_case = name.chars().any(|letter| is_lower(letter) || is_upper(letter));
        match (is_thing, has_case) {
            (true, _) => format!("{room} {small}"),
            // Korean, Chinese, Japanese: the larger place stands first.
            (false, false) => format!("{room} {name}"),
            (false, true) => format!("{name} {room}"),
        }
    }
}

/// An entity that the name of its device does not mean alone.
fn one_of_several<'a>(device: &'a Device, id: &str) -> Option<&'a Entity> {
    let entity = device.entity(id)?;
    let is_like = |other: &&Entity| other.class == entity.class && !other.is_hidden;
    let is_named = !matches!(entity.class, Class::Battery | Class::BatteryLow);
    (is_named && device.entities.iter().filter(is_like).count() > 1).then_some(entity)
}

impl Attention {
    /// What is wrong, when the reason alone does not say it: `smoke`, or what the device calls its problem.
    #[must_use]
    pub fn danger<'a>(&self, devices: &'a Devices) -> &'a str {
        let entity = self.entity.as_deref().zip(devices.device(self.device));
        let is_named = entity.is_some_and(|(id, device)| one_of_several(device, id).is_some());
        let entity = entity.and_then(|(id, device)| device.entity(id));
        match entity.map(|entity| entity.class) {
            Some(Class::Problem) if is_named => "problem",
            Some(Class::Problem) => entity.map_or("problem", |entity| &entity.name),
            Some(Class::Smoke) if self.reason == Reason::Alert => "smoke",
            Some(Class::CarbonMonoxide) => "carbon monoxide",
            Some(Class::Leak) => "water",
            _ => "alarm",
        }
    }
}

#[cfg(test)]
mod tests {
    use hearth_model::store::Arrival;

    use crate::{DeviceOptions, Devices};

    fn titles(messages: &[(&str, &str)]) -> Vec<String> {
        let (devices, attention) = attention(messages);
        attention.iter().map(|item| devices.called(item)).collect()
    }

    fn attention(messages: &[(&str, &str)]) -> (Devices, Vec<crate::Attention>) {
        let mut devices = Devices::new(DeviceOptions::default());
        for (at, (topic, payload)) in messages.iter().enumerate() {
            devices.apply(1_000 + at as u64, &Arrival::new(topic, payload.as_bytes()));
        }
        devices.settle(2_000);
        for topic in devices.take_wanted() {
            for (known, payload) in messages.iter().filter(|(known, _)| *known == topic) {
                devices.apply(2_000, &Arrival::new(known, payload.as_bytes()));
            }
        }
        let attention = devices.attention(3_000);
        (devices, attention)
    }

    #[test]
    fn gas_and_what_a_device_calls_a_problem_need_attention_by_name() {
        let config = |id: &str, name: &str, more: &str| {
            format!(
                r#"{{"name":"{name}","uniq_id":"{id}","stat_t":"b/{id}",{more}"dev":{{"ids":"b","name":"Boiler"}}}}"#
            )
        };
        let told = |messages: &[(&str, &str)]| {
            let (devices, attention) = attention(messages);
            let words = attention
                .iter()
                .map(|item| format!("{}: {}", devices.called(item), item.danger(&devices)));
            words.collect::<Vec<_>>()
        };
        let gas = config("gas", "Gas", r#""dev_cla":"gas","#);
        let fault = config("fault", "Ignition", r#""dev_cla":"problem","#);
        let own = config(
            "own",
            "Own fault",
            r#""dev_cla":"problem","ent_cat":"diagnostic","#,
        );
        let at = |id: &str| format!("homeassistant/binary_sensor/{id}/config");
        let (gas_at, fault_at, own_at) = (at("gas"), at("fault"), at("own"));
        let only = [(&*gas_at, &*gas), ("b/gas", "ON")];
        assert_eq!(told(&only), ["Boiler: Gas"]);
        let all = [
            (&*gas_at, &*gas),
            (&*fault_at, &*fault),
            (&*own_at, &*own),
            ("b/gas", "OFF"),
            ("b/fault", "ON"),
            ("b/own", "ON"),
        ];
        assert_eq!(
            told(&all),
            ["Boiler, Ignition: problem"],
            "a diagnosis is for the tinkerer"
        );
    }

    #[test]
    fn a_thing_is_named_with_its_room_where_its_own_name_does_not_say_which_one() {
        let open = r#"{"contact":false}"#;
        for (topic, title) in [
            ("zigbee2mqtt/Garage/Door", "Garage door"),
            ("zigbee2mqtt/Kitchen/Window", "Kitchen window"),
            ("zigbee2mqtt/Living room/Balcony door", "Balcony door"),
            ("zigbee2mqtt/Flur/Fenster", "Fenster Flur"),
            ("zigbee2mqtt/Flur/Flurfenster", "Flurfenster"),
            ("zigbee2mqtt/아이 방/창문", "아이 방 창문"),
            ("zigbee2mqtt/Window", "Window"),
        ] {
            assert_eq!(titles(&[(topic, open)]), [title], "{topic}");
        }
        let both = titles(&[
            ("zigbee2mqtt/Kitchen/Left window", open),
            ("zigbee2mqtt/Office/Left window", open),
        ]);
        assert_eq!(both, ["Kitchen left window", "Office left window"]);
    }

    #[test]
    fn one_of_several_contacts_of_a_device_is_named() {
        let zone = |number: u8| {
            let config = format!(
                r#"{{"name":"Zone {number}","uniq_id":"z{number}","stat_t":"panel/{number}","dev_cla":"window","dev":{{"ids":"p","name":"Alarm panel"}}}}"#
            );
            (format!("homeassistant/binary_sensor/z{number}/config"), config)
        };
        let [(one, first), (two, second)] = [zone(1), zone(2)];
        let messages = [
            (&*one, &*first),
            (&*two, &*second),
            ("panel/1", "OFF"),
            ("panel/2", "ON"),
        ];
        assert_eq!(titles(&messages), ["Alarm panel, Zone 2"]);
    }
}
