//! Where a topic belongs: which device, which part of it, or nothing for a card.

use crate::device::Source;
use crate::names::{human, is_prefix, is_room, room_in, room_of};
use hearth_model::letters::lower;

/// What a topic carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// One value; the levels below the device, none when the device is the topic.
    Value(Vec<String>),
    /// A JSON object whose members are the values; levels below the device.
    Json(Vec<String>),
    /// Whether the device is there.
    Availability,
    /// Where commands to the device go.
    Command,
    /// Nothing for a card: infrastructure, announcements, requests, logs.
    Nothing,
}

/// The device that a topic belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The levels that the device's topics share.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) room: Option<String>,
    pub(crate) source: Source,
    pub(crate) role: Role,
    /// Where a command for a value of this topic would go.
    pub(crate) command: String,
}

/// Topics have at most this many levels to be read; deeper ones are left to the Explorer.
const MAXIMUM_LEVELS: usize = 12;

const AVAILABILITY: &[&str] = &[
    "lwt",
    "status",
    "availability",
    "online",
    "available",
    "connected",
    "alive",
];
/// Last levels that hold a whole object of the device above.
const OBJECTS: &[&str] = &[
    "state",
    "status",
    "data",
    "sensor",
    "sensors",
    "telemetry",
    "values",
    "attributes",
    "json",
    "reading",
    "readings",
    "measurement",
    "measurements",
    "update",
];
/// Last levels that name nothing themselves.
const STATES: &[&str] = &["state", "value", "val", "current", "stat"];
const COMMANDS: &[&str] = &["set", "get", "command", "cmd", "cmnd"];
const ESPHOME: &[&str] = &[
    "sensor",
    "binary_sensor",
    "switch",
    "light",
    "cover",
    "lock",
    "fan",
    "number",
    "select",
    "text_sensor",
    "climate",
    "button",
    "text",
];
const INTERNAL_LEVELS: &[&str] = &[
    "debug",
    "log",
    "logging",
    "rpc",
    "announce",
    "info",
    "config",
    "discovery",
];

/// Reads a topic name. `is_object` says whether its payload is a JSON object, `is_presence` whether it is a word such
/// as `online`.
pub(crate) fn place(topic: &str, is_object: bool, is_presence: bool) -> Option<Place> {
    let levels: Vec<&str> = topic.split('/').collect();
    if levels.len() > MAXIMUM_LEVELS || topic.len() > 512 || is_infrastructure(&levels) {
        return None;
    }
    let first = levels.first().copied().unwrap_or_default();
    match first {
        "zigbee2mqtt" if levels.len() > 1 => Some(zigbee2mqtt(&levels, is_object)),
        _ => tasmota(&levels)
            .or_else(|| esphome(&levels, is_object, is_presence))
            .or_else(|| Some(plain(&levels, is_object, is_presence))),
    }
}

fn is_infrastructure(levels: &[&str]) -> bool {
    let (first, last) = (
        levels.first().copied().unwrap_or_default(),
        levels.last().copied().unwrap_or_default(),
    );
    levels.iter().any(|level| level.starts_with('$'))
        || matches!(first, "homeassistant" | "shellies" | "spBv1.0")
        || levels.get(1) == Some(&"bridge")
        || levels.get(..2) == Some(&["tasmota", "discovery"])
        || (levels.len() > 1 && INTERNAL_LEVELS.contains(&last))
}

fn join(levels: &[&str]) -> String {
    levels.join("/")
}

fn split_last<'a, 'b>(levels: &'a [&'b str]) -> (&'a [&'b str], &'b str) {
    levels
        .split_last()
        .map_or((levels, ""), |(last, before)| (before, *last))
}

fn nothing(key: String, source: Source) -> Place {
    Place {
        key,
        name: String::new(),
        room: None,
        source,
        role: Role::Nothing,
        command: String::new(),
    }
}

/// Name and room of a device whose own levels are `own`; the levels before the last may say the room.
pub(crate) fn named(own: &[&str]) -> (String, Option<String>) {
    let (above, last) = split_last(own);
    if let Some(room) = room_of(above) {
        return (human(last), Some(room));
    }
    match room_in(last) {
        Some((room, name)) => (name, Some(room)),
        None => (human(last), None),
    }
}

fn zigbee2mqtt(levels: &[&str], is_object: bool) -> Place {
    let source = Source::Zigbee2mqtt;
    let (above, last) = split_last(levels);
    // A friendly name may hold slashes; only the last level can tell that it is not part of the name.
    let (own, role) = match last {
        "availability" if levels.len() > 2 => (above, Role::Availability),
        "set" | "get" if levels.len() > 2 => (above, Role::Command),
        _ if levels.iter().skip(2).any(|level| matches!(*level, "set" | "get")) => {
            return nothing(join(levels), source);
        }
        _ if is_object || levels.len() == 2 => (levels, Role::Json(Vec::new())),
        _ => (above, Role::Value(vec![last.to_owned()])),
    };
    let (name, room) = named(own.get(1..).unwrap_or_default());
    let key = join(own);
    let command = format!("{key}/set");
    Place {
        key,
        name,
        room,
        source,
        role,
        command,
    }
}

fn tasmota(levels: &[&str]) -> Option<Place> {
    let prefix_at = levels
        .iter()
        .position(|level| matches!(*level, "tele" | "stat" | "cmnd"))?;
    // The usual order is prefix first, another is prefix before the last level; people choose others.
    if levels.len() < 3 || prefix_at + 1 == levels.len() {
        return None;
    }
    let (above, last) = split_last(levels);
    let prefix = levels.get(prefix_at).copied().unwrap_or_default();
    let own: Vec<&str> = above
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != prefix_at)
        .map(|(_, level)| *level)
        .collect();
    let is_power = last
        .strip_prefix("POWER")
        .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let role = match (prefix, last) {
        ("cmnd", _) => Role::Command,
        ("tele", "LWT") => Role::Availability,
        ("tele", "SENSOR") | ("stat", "STATUS8" | "STATUS10") => Role::Json(Vec::new()),
        ("tele", "STATE") | ("stat", "RESULT") => Role::Json(vec!["STATE".to_owned()]),
        ("stat", _) if is_power => Role::Value(vec![last.to_owned()]),
        _ if last.starts_with("INFO")
            || last.starts_with("STATUS")
            || last == "LOGGING"
            || last == "RESULT" =>
        {
            Role::Nothing
        }
        _ => return None,
    };
    let command: Vec<&str> = above
        .iter()
        .enumerate()
        .map(|(at, level)| if at == prefix_at { "cmnd" } else { *level })
        .chain(["POWER"])
        .collect();
    let (name, room) = named(&own);
    let key = format!("tasmota/{}", join(&own));
    Some(Place {
        key,
        name,
        room,
        source: Source::Tasmota,
        role,
        command: join(&command),
    })
}

fn esphome(levels: &[&str], is_object: bool, is_presence: bool) -> Option<Place> {
    let [node, component, object, last] = levels else {
        return None;
    };
    if !ESPHOME.contains(component) || is_presence || !matches!(*last, "state" | "command") {
        return None;
    }
    let object = vec![(*component).to_owned(), (*object).to_owned()];
    let role = match (*last, is_object) {
        ("command", _) => Role::Command,
        (_, true) => Role::Json(object),
        (_, false) => Role::Value(object),
    };
    let (name, room) = match room_in(node) {
        Some((room, name)) => (name, Some(room)),
        None => (human(node), None),
    };
    let command = format!("{}/command", join(levels.get(..3).unwrap_or_default()));
    Some(Place {
        key: (*node).to_owned(),
        name,
        room,
        source: Source::EspHome,
        role,
        command,
    })
}

/// zwave-js-ui: `<prefix>/<room>/<node>/<class>/<endpoint>/<value>`, the class and endpoint by name or by number.
fn zwave<'a, 'b>(levels: &'a [&'b str]) -> Option<(&'a [&'b str], &'a [&'b str])> {
    let is_number = |level: &str| level.len() <= 3 && level.bytes().all(|byte| byte.is_ascii_digit());
    let at = levels.windows(2).position(|pair| match pair {
        [class, endpoint] => match endpoint.strip_prefix("endpoint_") {
            Some(number) => is_number(number),
            None => class.len() >= 2 && !endpoint.is_empty() && is_number(class) && is_number(endpoint),
        },
        _ => false,
    })?;
    let (own, value) = (levels.get(..at)?, levels.get(at + 2..)?);
    (own.len() >= 2 && !value.is_empty()).then_some((own, value))
}

fn plain(levels: &[&str], is_object: bool, is_presence: bool) -> Place {
    let source = Source::Plain;
    if let Some((own, value)) = zwave(levels) {
        let path = value.iter().map(|level| (*level).to_owned()).collect();
        // What it was told last is no state; what it is, is set by telling it.
        let told = levels.split_last().filter(|(last, _)| **last == "currentValue");
        let command = match told {
            Some((_, above)) => format!("{}/targetValue/set", join(above)),
            None => format!("{}/set", join(levels)),
        };
        return Place {
            role: match *value {
                [.., "set"] => Role::Command,
                ["targetValue"] => Role::Nothing,
                _ if is_object => Role::Json(path),
                _ => Role::Value(path),
            },
            command,
            ..device(own, source)
        };
    }
    let (above, last) = split_last(levels);
    let lower = lower(last);
    let has_above = !above.is_empty() && !above.iter().all(|level| is_prefix(level));
    if has_above && COMMANDS.contains(&&*lower) {
        return Place {
            role: Role::Command,
            ..device(above, source)
        };
    }
    let says_presence = AVAILABILITY.contains(&&*lower) || (is_presence && lower == "state");
    if has_above
        && says_presence
        && (is_presence || is_object || matches!(&*lower, "lwt" | "availability" | "online"))
    {
        let is_state_object = is_object && !matches!(&*lower, "availability" | "online" | "lwt");
        if !is_state_object {
            return Place {
                role: Role::Availability,
                ..device(above, source)
            };
        }
    }
    if is_object {
        if has_above && OBJECTS.contains(&&*lower) {
            let command = format!("{}/set", join(above));
            return Place {
                role: Role::Json(Vec::new()),
                command,
                ..device(above, source)
            };
        }
        let command = format!("{}/set", join(levels));
        return Place {
            role: Role::Json(Vec::new()),
            command,
            ..device(levels, source)
        };
    }
    if !has_above {
        return Place {
            role: Role::Value(Vec::new()),
            command: format!("{}/set", join(levels)),
            ..device(levels, source)
        };
    }
    let (parent, middle) = split_last(above);
    // `lamp/brightness/state`: the level before the last names the value, when something is left for the device.
    let names_nothing = STATES.contains(&&*lower);
    if names_nothing
        && is_quantity(middle)
        && !parent.is_empty()
        && !parent.iter().all(|level| is_prefix(level))
    {
        let command = format!("{}/set", join(above));
        return Place {
            role: Role::Value(vec![middle.to_owned()]),
            command,
            ..device(parent, source)
        };
    }
    let command = if names_nothing {
        format!("{}/set", join(above))
    } else {
        format!("{}/set", join(levels))
    };
    Place {
        role: Role::Value(vec![last.to_owned()]),
        command,
        ..device(above, source)
    }
}

/// Whether a level names what is measured rather than a thing.
fn is_quantity(level: &str) -> bool {
    let class = crate::class::guess(&[level]).class;
    class != crate::class::Class::Other && !class.is_binary()
}

fn device(own: &[&str], source: Source) -> Place {
    let (above, last) = split_last(own);
    let named_as_room = is_room(last) && above.iter().all(|level| is_prefix(level));
    let (name, room) = if named_as_room {
        (human(last), Some(human(last)))
    } else {
        named(own)
    };
    Place {
        key: join(own),
        name,
        room,
        source,
        role: Role::Nothing,
        command: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(topic: &str, is_object: bool, is_presence: bool, expected: Option<&str>) {
        let found = place(topic, is_object, is_presence).map(|place| {
            let role = match &place.role {
                Role::Value(path) => format!("value {}", path.join(".")),
                Role::Json(path) => format!("json {}", path.join(".")),
                Role::Availability => "availability".to_owned(),
                Role::Command => "command".to_owned(),
                Role::Nothing => "nothing".to_owned(),
            };
            format!(
                "{} | {} | {} | {}",
                place.key,
                place.room.unwrap_or_default(),
                place.name,
                role.trim()
            )
        });
        assert_eq!(found.as_deref(), expected, "{topic}");
    }

    #[test]
    fn topics_find_their_device() {
        for (topic, is_object, expected) in [
            (
                "home/living-room/climate/temperature",
                false,
                "home/living-room/climate | Living room | Climate | value temperature",
            ),
            (
                "home/kitchen/window/state",
                false,
                "home/kitchen/window | Kitchen | Window | value state",
            ),
            (
                "home/kitchen/temperature",
                false,
                "home/kitchen | Kitchen | Kitchen | value temperature",
            ),
            (
                "home/kitchen/lamp/set",
                false,
                "home/kitchen/lamp | Kitchen | Lamp | command",
            ),
            (
                "home/upstairs/kitchen/lamp/state",
                false,
                "home/upstairs/kitchen/lamp | Kitchen | Lamp | value state",
            ),
            (
                "home/kitchen/air",
                true,
                "home/kitchen/air | Kitchen | Air | json",
            ),
            (
                "home/kitchen/air/state",
                true,
                "home/kitchen/air | Kitchen | Air | json",
            ),
            (
                "home/kitchen/lamp/brightness/state",
                false,
                "home/kitchen/lamp | Kitchen | Lamp | value brightness",
            ),
            ("counter", false, "counter |  | Counter | value"),
            ("esp8266/counter", false, "esp8266 |  | Esp8266 | value counter"),
            (
                "zigbee2mqtt/Wohnzimmer/Klima",
                true,
                "zigbee2mqtt/Wohnzimmer/Klima | Wohnzimmer | Klima | json",
            ),
            (
                "zigbee2mqtt/Living room climate",
                true,
                "zigbee2mqtt/Living room climate | Living room | Climate | json",
            ),
            (
                "zigbee2mqtt/아이 방/별 조명 스위치",
                true,
                "zigbee2mqtt/아이 방/별 조명 스위치 | 아이 방 | 별 조명 스위치 | json",
            ),
            (
                "zigbee2mqtt/Klima/availability",
                true,
                "zigbee2mqtt/Klima |  | Klima | availability",
            ),
            (
                "zigbee2mqtt/Klima/set",
                true,
                "zigbee2mqtt/Klima |  | Klima | command",
            ),
            (
                "zigbee2mqtt/Klima/temperature",
                false,
                "zigbee2mqtt/Klima |  | Klima | value temperature",
            ),
            (
                "tele/laundry_plug/SENSOR",
                true,
                "tasmota/laundry_plug | Laundry | Plug | json",
            ),
            (
                "stat/laundry_plug/POWER",
                false,
                "tasmota/laundry_plug | Laundry | Plug | value POWER",
            ),
            (
                "zwave/Kitchen/Sensor/49/0/Air_temperature",
                true,
                "zwave/Kitchen/Sensor | Kitchen | Sensor | json Air_temperature",
            ),
            (
                "zwave/Kitchen/Sensor/sensor_binary/endpoint_0/Any",
                false,
                "zwave/Kitchen/Sensor | Kitchen | Sensor | value Any",
            ),
            (
                "home/tele/laundry_plug/SENSOR",
                true,
                "tasmota/home/laundry_plug | Laundry | Plug | json",
            ),
            (
                "tele/laundry_plug/LWT",
                false,
                "tasmota/laundry_plug | Laundry | Plug | availability",
            ),
            (
                "stat/laundry_plug/STATUS",
                true,
                "tasmota/laundry_plug | Laundry | Plug | nothing",
            ),
            (
                "tele/garden/beet/soil",
                true,
                "tele/garden/beet/soil | Garden | Soil | json",
            ),
            (
                "garden-node/sensor/soil_moisture/state",
                false,
                "garden-node | Garden | Node | value sensor.soil_moisture",
            ),
        ] {
            check(topic, is_object, false, Some(expected));
        }
        for (topic, expected) in [
            (
                "home/kitchen/lamp/status",
                "home/kitchen/lamp | Kitchen | Lamp | availability",
            ),
            (
                "home/kitchen/lamp/state",
                "home/kitchen/lamp | Kitchen | Lamp | availability",
            ),
            ("garden-node/status", "garden-node | Garden | Node | availability"),
        ] {
            check(topic, false, true, Some(expected));
        }
    }

    #[test]
    fn infrastructure_is_no_device() {
        for topic in [
            "$SYS/broker/uptime",
            "zigbee2mqtt/bridge/state",
            "zigbee2mqtt/bridge/devices",
            "homeassistant/sensor/x/config",
            "homeassistant/status",
            "tasmota/discovery/AABBCC/config",
            "shellies/announce",
            "shellies/command",
            "shellies/shelly1-AB12/relay/0",
            "shellies/shelly1-AB12/input/0",
            "shellyplus1-a/events/rpc",
            "node/debug",
            "homie/dev/$state",
        ] {
            check(topic, false, false, None);
        }
    }
}
