//! The registry as a whole, on what homes really say.

use hearth_model::store::Arrival;
use proptest::prelude::*;

use crate::{Action, Device, DeviceOptions, Devices, Liveness, Reason};

const MINUTE: u64 = 60_000;

fn home(messages: &[(&str, &str)]) -> Devices {
    let mut devices = Devices::new(DeviceOptions::default());
    for (topic, payload) in messages {
        devices.apply(1000, &Arrival::new(topic, payload.as_bytes()));
    }
    devices
}

fn shown(devices: &Devices) -> Vec<String> {
    devices.iter().map(|(_, device)| line(device)).collect()
}

/// `room | name | kind | id kind value unit~ (control topic), …` without what is diagnostic; `~` marks a guessed unit.
fn line(device: &Device) -> String {
    let entities = device
        .entities
        .iter()
        .filter(|entity| !entity.diagnostic)
        .map(|entity| {
            let guess = if entity.unit_is_guess { "~" } else { "" };
            let control = entity
                .control
                .as_ref()
                .map(|control| format!(" ({})", control.topic()))
                .unwrap_or_default();
            format!(
                "{} {} {}{}{guess}{control}",
                entity.name,
                entity.kind.name(),
                entity.words(),
                entity.unit
            )
        });
    let room = device.room.as_deref().unwrap_or("-");
    format!(
        "{room} | {} | {} | {}",
        device.name,
        device.kind.name(),
        entities.collect::<Vec<_>>().join(", ")
    )
}

fn check(messages: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(shown(&home(messages)), expected);
}

#[test]
fn plain_topics_of_a_home() {
    check(
        &[
            ("home/living-room/climate/temperature", "21.4"),
            ("home/living-room/climate/humidity", "47"),
            ("home/living-room/climate/status", "online"),
            ("home/kitchen/window/state", "closed"),
            ("home/outdoors/motion/state", "OFF"),
            ("home/kitchen/light/state", "ON"),
            ("home/kitchen/light/brightness/state", "35"),
            ("home/garage/door/state", "opening"),
            ("home/outdoors/weather/wind_speed", "3.5"),
            ("home/outdoors/weather/temperature", "10.5"),
            ("home/outdoors/weather/pressure", "1013.2"),
            ("home/laundry/washing-machine/phase", "rinsing"),
            ("home/laundry/washing-machine/minutes_left", "12"),
        ],
        &[
            "Living room | Climate | climate | Temperature number 21.4°C~, Humidity number 47%~",
            "Kitchen | Window | window | Contact binary Closed",
            "Outdoors | Motion | motion | Motion binary No motion",
            "Kitchen | Light | light | State light On (home/kitchen/light/set), \
             Brightness number 35%~ (home/kitchen/light/brightness/set)",
            "Garage | Door | garage | Position cover opening (home/garage/door/set)",
            "Outdoors | Weather | climate | Temperature number 10.5°C~, Pressure number 1,013.2hPa~, \
             Wind speed number 3.5m/s~",
            "Laundry | Washing machine | sensor | Phase text rinsing, Minutes left number 12min~",
        ],
    );
}

#[test]
fn zigbee2mqtt_states() {
    check(
        &[
            ("zigbee2mqtt/bridge/state", r#"{"state":"online"}"#),
            (
                "zigbee2mqtt/Schlafzimmer Klima",
                r#"{"temperature":19.3,"humidity":47.1,"battery":87,"linkquality":120}"#,
            ),
            (
                "zigbee2mqtt/아이 방 온도",
                r#"{"temperature":21,"humidity":52,"battery":92}"#,
            ),
            (
                "zigbee2mqtt/Haustür",
                r#"{"contact":true,"battery":71,"linkquality":100}"#,
            ),
            (
                "zigbee2mqtt/Fenster Schlafzimmer",
                r#"{"contact":false,"battery":71}"#,
            ),
            (
                "zigbee2mqtt/Flur Bewegung",
                r#"{"occupancy":false,"illuminance":14,"battery":74}"#,
            ),
            (
                "zigbee2mqtt/Wohnzimmer Lampe",
                r#"{"state":"ON","brightness":127,"color_temp":300,"linkquality":99}"#,
            ),
            ("zigbee2mqtt/아이 방 조명", r#"{"state":"OFF"}"#),
            (
                "zigbee2mqtt/Rollladen Wohnzimmer",
                r#"{"position":40,"state":"STOP","moving":"STOP"}"#,
            ),
            (
                "zigbee2mqtt/Haustürschloss",
                r#"{"state":"LOCK","lock_state":"locked","battery":63}"#,
            ),
            (
                "zigbee2mqtt/Waschmaschine",
                r#"{"state":"ON","power":1842.3,"energy":1.71,"voltage":231,"current":8.02}"#,
            ),
            (
                "zigbee2mqtt/Gefriertruhe",
                r#"{"temperature":-18.42,"battery":9,"battery_low":true,"last_seen":"x"}"#,
            ),
            (
                "zigbee2mqtt/Küche/Heizung",
                r#"{"local_temperature":20.5,"occupied_heating_setpoint":21,"running_state":"heat"}"#,
            ),
        ],
        &[
            "Schlafzimmer | Klima | climate | Temperature number 19.3°C~, Humidity number 47.1%~, Battery number 87%~",
            "아이 방 | 온도 | climate | Temperature number 21°C~, Humidity number 52%~, Battery number 92%~",
            "- | Haustür | door | Contact binary Closed, Battery number 71%~",
            "Schlafzimmer | Fenster Schlafzimmer | window | Contact binary Open, Battery number 71%~",
            "Flur | Bewegung | motion | Motion binary No motion, Brightness number 14lx~, Battery number 74%~",
            "Wohnzimmer | Lampe | light | State light On (zigbee2mqtt/Wohnzimmer Lampe/set), \
             Brightness number 50%~ (zigbee2mqtt/Wohnzimmer Lampe/set)",
            "아이 방 | 조명 | light | State light Off (zigbee2mqtt/아이 방 조명/set)",
            "Wohnzimmer | Rollladen Wohnzimmer | cover | Position cover STOP (zigbee2mqtt/Rollladen Wohnzimmer/set), \
             Position number 40%~ (zigbee2mqtt/Rollladen Wohnzimmer/set)",
            "- | Haustürschloss | lock | Lock lock Locked (zigbee2mqtt/Haustürschloss/set), Battery number 63%~",
            "- | Waschmaschine | plug | State switch On (zigbee2mqtt/Waschmaschine/set), Power number 1,842.3W~, \
             Energy number 1.71kWh~",
            "- | Gefriertruhe | climate | Temperature number -18.42°C~, Battery number 9%~, Battery low binary Low",
            "Küche | Heizung | thermostat | Local temperature number 20.5°C~, \
             Target number 21°C~ (zigbee2mqtt/Küche/Heizung/set), Running state text heat",
        ],
    );
}

#[test]
fn tasmota_and_esphome() {
    check(
        &[
            (
                "tele/tv-plug/SENSOR",
                r#"{"Time":"x","ENERGY":{"Total":12.3,"Today":0.62,"Power":86.4,"Voltage":230}}"#,
            ),
            ("stat/tv-plug/RESULT", r#"{"POWER":"ON"}"#),
            (
                "tele/tv-plug/STATE",
                r#"{"Time":"x","Uptime":"1T","Heap":26,"POWER":"ON","Wifi":{"RSSI":80}}"#,
            ),
            ("stat/hallway-light/POWER", "ON"),
            ("tele/hallway-light/STATE", r#"{"POWER":"ON","Dimmer":68}"#),
            (
                "tele/garage/SENSOR",
                r#"{"AM2301":{"Temperature":12.1,"Humidity":70.5},"TempUnit":"C"}"#,
            ),
            ("kitchen-sensor/sensor/temperature/state", "20.6"),
            ("kitchen-sensor/switch/fan/state", "OFF"),
            ("kitchen-sensor/debug", "boot"),
        ],
        &[
            "- | Tv plug | plug | Switch switch On (cmnd/tv-plug/POWER), Power number 86.4W~, Energy total number 12.3kWh~, \
             Energy today number 0.62kWh~",
            "Hallway | Light | light | Switch light On (cmnd/hallway-light/POWER), \
             Brightness number 68%~ (cmnd/hallway-light/Dimmer)",
            "Garage | Garage | climate | Temperature number 12.1°C~, Humidity number 70.5%~",
            "Kitchen | Sensor | switch | Fan switch Off (kitchen-sensor/switch/fan/command), Temperature number 20.6°C~",
        ],
    );
}

#[test]
fn any_topic_becomes_a_tile() {
    check(
        &[
            ("counter", "42"),
            ("esp8266/hello", "world"),
            ("lab/bench/psu", r#"{"channel":{"v":3.3,"i":0.2},"ok":true}"#),
            ("x/y/reading", "21.5 °C"),
            ("garden/pump", "ON"),
        ],
        &[
            "- | Counter | sensor | Value number 42",
            "- | Esp8266 | text | Hello text world",
            "Lab | Psu | sensor | V number 3.3, I number 0.2, Ok binary On",
            "X | Y | sensor | Reading number 21.5°C",
            "Garden | Garden | switch | Pump switch On (garden/pump/set)",
        ],
    );
}

#[test]
fn a_command_seen_on_the_wire_makes_a_control() {
    let mut devices = home(&[
        ("lab/bench/psu/output", "on"),
        ("lab/bench/psu/output/set", "off"),
    ]);
    let (id, device) = devices.iter().next().unwrap();
    assert_eq!(device.entities[0].kind.name(), "switch");
    let command = devices.command(id, "output", &Action::TurnOff).unwrap();
    assert_eq!(
        (&*command.topic, std::str::from_utf8(&command.payload).unwrap()),
        ("lab/bench/psu/output/set", "off")
    );
    devices.apply(2000, &Arrival::new("lab/bench/psu/voltage", b"3.3"));
    assert_eq!(devices.iter().count(), 1);
}

#[test]
fn a_value_that_was_heard_is_no_newer_because_the_broker_kept_it() {
    let mut devices = Devices::new(DeviceOptions::default());
    let kept = |payload: &'static str| Arrival {
        retain: true,
        ..Arrival::new("home/attic/temperature", payload.as_bytes())
    };
    let said = |devices: &Devices| {
        let (_, device) = devices.iter().next().unwrap();
        (device.entities[0].at_ms, device.entities[0].retained)
    };
    devices.apply(1000, &kept("20"));
    assert_eq!(said(&devices), (1000, true));
    devices.apply(2000, &Arrival::new("home/attic/temperature", b"20"));
    assert_eq!(said(&devices), (2000, false));
    // Connected again.
    devices.apply(9000, &kept("20"));
    assert_eq!(said(&devices), (2000, false));
    devices.apply(9500, &kept("21"));
    assert_eq!(said(&devices), (9500, true), "said while nobody listened");
}

#[test]
fn liveness_follows_what_the_device_says_of_itself() {
    let mut devices = Devices::new(DeviceOptions::default());
    let retained = |topic, payload: &'static str| Arrival {
        retain: true,
        ..Arrival::new(topic, payload.as_bytes())
    };
    devices.apply(1000, &retained("zigbee2mqtt/Klima", r#"{"temperature":20}"#));
    let id = devices.find("zigbee2mqtt-Klima").unwrap();
    let liveness = |devices: &Devices| devices.device(id).unwrap().liveness;
    assert_eq!(
        liveness(&devices),
        Liveness::Unknown,
        "a retained value may be old"
    );
    devices.apply(
        1000,
        &retained("zigbee2mqtt/Klima/availability", r#"{"state":"offline"}"#),
    );
    assert_eq!(liveness(&devices), Liveness::Offline);
    assert_eq!(devices.attention(2000)[0].reason, Reason::Unavailable);
    devices.apply(
        3000,
        &Arrival::new("zigbee2mqtt/Klima/availability", br#"{"state":"online"}"#),
    );
    assert_eq!(liveness(&devices), Liveness::Online);
    devices.apply(4000, &Arrival::new("node/status", b"offline"));
    devices.apply(5000, &Arrival::new("node/sensor/temperature/state", b"20"));
    let node = devices.find("node").unwrap();
    assert_eq!(
        devices.device(node).unwrap().liveness,
        Liveness::Offline,
        "availability may come first"
    );
}

#[test]
fn a_device_that_breaks_its_rhythm_is_stale_until_it_speaks() {
    let mut devices = Devices::new(DeviceOptions::default());
    let topic = "home/balcony/climate/temperature";
    for step in 0..10 {
        devices.apply(step * 5 * MINUTE, &Arrival::new(topic, b"7.9"));
    }
    let (id, device) = devices.iter().next().unwrap();
    assert_eq!(device.usual_interval_ms, Some(5 * MINUTE));
    devices.take_changed();
    devices.tick(59 * MINUTE);
    assert_eq!(devices.take_changed(), []);
    devices.tick(61 * MINUTE);
    assert_eq!(devices.take_changed(), [id]);
    assert_eq!(devices.device(id).unwrap().liveness, Liveness::Stale);
    let attention = devices.attention(61 * MINUTE);
    assert_eq!(
        (attention[0].reason, attention[0].since_ms),
        (Reason::Silent, 45 * MINUTE)
    );
    assert_eq!(devices.facts().outside, None, "a stale value is no fact");
    devices.apply(62 * MINUTE, &Arrival::new(topic, b"8.0"));
    assert_eq!(devices.device(id).unwrap().liveness, Liveness::Online);
}

#[test]
fn facts_and_attention_of_a_home() {
    let devices = home(&[
        ("home/living-room/climate/temperature", "22"),
        ("home/kitchen/climate/temperature", "20"),
        ("home/kitchen/fridge/temperature", "4"),
        ("home/garden/weather/temperature", "10.5"),
        ("zigbee2mqtt/Haustür", r#"{"contact":false,"battery":9}"#),
        ("home/kitchen/window/state", "closed"),
        (
            "zigbee2mqtt/Haustürschloss",
            r#"{"state":"UNLOCK","lock_state":"unlocked"}"#,
        ),
        ("home/kitchen/light/state", "ON"),
        ("home/living-room/lamp/state", "OFF"),
        ("tele/plug1/SENSOR", r#"{"ENERGY":{"Power":86}}"#),
        ("zigbee2mqtt/Waschmaschine", r#"{"state":"ON","power":1842}"#),
        ("home/bath/leak/state", "wet"),
    ]);
    let facts = devices.facts();
    assert_eq!(
        (facts.inside, facts.outside, facts.power),
        (Some(21.0), Some(10.5), Some(1928.0))
    );
    let share = |share: crate::Share| (share.some, share.of);
    assert_eq!(
        (share(facts.openings), share(facts.locks), share(facts.lights)),
        ((1, 2), (1, 1), (1, 2))
    );
    let reasons = |now| {
        devices
            .attention(now)
            .iter()
            .map(|item| item.reason)
            .collect::<Vec<_>>()
    };
    assert_eq!(reasons(2000), [Reason::Alert, Reason::Open, Reason::Battery]);
    assert_eq!(devices.room_facts(Some("Kitchen")).inside, Some(20.0));
}

#[test]
fn rooms_keep_their_order() {
    let mut devices = home(&[
        ("home/garage/x/temperature", "1"),
        ("home/b/x/temperature", "1"),
        ("home/a/z/temperature", "1"),
        ("home/wohnzimmer/x/temperature", "1"),
        ("counter", "1"),
    ]);
    devices.apply(2000, &Arrival::new("home/a/a/temperature", b"99"));
    devices.apply(3000, &Arrival::new("home/b/x/temperature", b"99"));
    let rooms = devices.rooms();
    let named: Vec<_> = rooms.iter().map(|room| room.name.as_deref()).collect();
    assert_eq!(
        named,
        [Some("Wohnzimmer"), Some("Garage"), Some("A"), Some("B"), None]
    );
    let a = rooms
        .iter()
        .find(|room| room.name.as_deref() == Some("A"))
        .unwrap();
    let names: Vec<_> = a
        .devices
        .iter()
        .map(|id| devices.device(*id).unwrap().name.as_str())
        .collect();
    assert_eq!(names, ["Z", "A"]);
}

#[test]
fn caps_hold_and_are_counted() {
    let options = DeviceOptions {
        maximum_devices: 3,
        maximum_entities: 2,
        ..DeviceOptions::default()
    };
    let mut devices = Devices::new(options);
    for number in 0..10 {
        devices.apply(0, &Arrival::new(&format!("d{number}/value"), b"1"));
    }
    devices.apply(0, &Arrival::new("d0", br#"{"a":1,"b":2,"c":3}"#));
    assert_eq!(devices.iter().count(), 3);
    assert!(devices.iter().all(|(_, device)| device.entities.len() <= 2));
    assert_eq!(
        (
            devices.counters().devices_refused,
            devices.counters().entities_refused
        ),
        (7, 2)
    );
}

#[test]
fn a_cleared_value_is_unknown_and_not_gone() {
    let mut devices = home(&[("home/kitchen/climate/temperature", "20")]);
    devices.apply(2000, &Arrival::new("home/kitchen/climate/temperature", b""));
    assert_eq!(
        shown(&devices),
        ["Kitchen | Climate | climate | Temperature number –°C~"]
    );
}

fn level() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "home",
            "zigbee2mqtt",
            "tele",
            "stat",
            "cmnd",
            "shellies",
            "kitchen",
            "state",
            "set",
            "SENSOR",
            "POWER",
            "STATE",
            "RESULT",
            "relay",
            "0",
            "sensor",
            "availability",
            "LWT",
            "light",
            "door",
            "$x",
            "",
            "bridge",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,4}",
    ]
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec![
            "1",
            "0",
            "ON",
            "off",
            "open",
            "opening",
            "online",
            "21.5 C",
            "",
            "{}",
            "1e999",
            r#"{"state":"ON"}"#,
            r#"{"state":1,"brightness":"x","lock_state":null}"#,
            r#"{"a":{"b":{"c":{"d":{"e":1}}}}}"#,
            "{\"a\":",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #[test]
    fn any_message_is_taken(
        messages in prop::collection::vec((prop::collection::vec(level(), 1..6), payload(), any::<bool>()), 0..60),
    ) {
        let mut devices = Devices::new(DeviceOptions::default());
        for (at, (levels, payload, retain)) in messages.iter().enumerate() {
            let topic = levels.join("/");
            devices.apply(at as u64 * 1000, &Arrival { retain: *retain, ..Arrival::new(&topic, payload) });
        }
        devices.tick(1_000_000);
        prop_assert!(devices.attention(1_000_000).len() <= 1000);
        prop_assert!(devices.facts().lights.of <= 1000);
        let in_rooms: usize = devices.rooms().iter().map(|room| room.devices.len()).sum();
        prop_assert_eq!(in_rooms, devices.iter().count());
        for (id, device) in devices.iter() {
            prop_assert_eq!(devices.find(&device.id), Some(id));
        }
    }
}

#[test]
fn an_availability_topic_speaks_for_all_below_it_and_for_no_neighbour() {
    let devices = home(&[
        ("shed/north/temperature", "21.4"),
        ("shed/north-west/temperature", "20.1"),
        ("shed-2/north/temperature", "19.0"),
        ("shedding/temperature", "18.0"),
        ("shed/availability", "offline"),
    ]);
    let offline: Vec<&str> = devices
        .iter()
        .filter(|(_, device)| device.liveness == Liveness::Offline)
        .map(|(_, device)| device.key.as_str())
        .collect();
    assert_eq!(offline, ["shed/north", "shed/north-west"]);
}
