//! Announcements that nobody would send: nothing panics, everything stays bounded, and the rest of the home goes on.

#![allow(clippy::unwrap_used, reason = "a test")]

use hearth_devices::{Action, DeviceOptions, Devices, Value};
use hearth_model::store::Arrival;
use proptest::prelude::*;

fn say(devices: &mut Devices, topic: &str, payload: &[u8]) {
    devices.apply(1000, &Arrival::new(topic, payload));
    devices.settle(1000);
    for topic in devices.take_wanted() {
        // The broker remembers the state only.
        if topic == "home/state" {
            devices.apply(1000, &Arrival::new(&topic, br#"{"state":"ON"}"#));
        }
    }
    devices.take_changed();
}

#[test]
fn a_configuration_of_ten_megabytes_is_refused_by_its_size_and_the_home_goes_on() {
    let mut devices = Devices::new(DeviceOptions::default());
    let huge = format!(r#"{{"state_topic":"x","name":"{}"}}"#, "a".repeat(10_000_000));
    say(&mut devices, "homeassistant/sensor/huge/config", huge.as_bytes());
    say(
        &mut devices,
        "homeassistant/switch/small/config",
        br#"{"state_topic":"home/state","command_topic":"home/set","value_template":"{{ value_json.state }}"}"#,
    );
    let problems: Vec<_> = devices.problems().iter().collect();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].topic, "homeassistant/sensor/huge/config");
    assert!(
        problems[0].reason.starts_with("it has 10000"),
        "{}",
        problems[0].reason
    );
    let (_, device) = devices.iter().next().unwrap();
    assert_eq!(device.entity("small").unwrap().value, Value::Binary(true));
}

#[test]
fn ten_thousand_things_of_one_device_are_cut_and_counted() {
    let mut devices = Devices::new(DeviceOptions::default());
    let things: Vec<String> = (0..10_000)
        .map(|number| {
            format!(r#""t{number}":{{"p":"sensor","state_topic":"s/{number}","unique_id":"u{number}"}}"#)
        })
        .collect();
    for (half, things) in things.chunks(5_000).enumerate() {
        let config = format!(
            r#"{{"dev":{{"ids":"big","name":"Big"}},"cmps":{{{}}}}}"#,
            things.join(",")
        );
        say(
            &mut devices,
            &format!("homeassistant/device/big{half}/config"),
            config.as_bytes(),
        );
    }
    let (_, device) = devices.iter().next().unwrap();
    assert_eq!(
        device.entities.len(),
        DeviceOptions::default().maximum_announced_entities
    );
    assert!(
        devices.counters().entities_refused >= 9_000,
        "{:?}",
        devices.counters()
    );
    assert!(
        devices
            .problems()
            .iter()
            .any(|problem| problem.reason.contains("more than 512 entities"))
    );
}

#[test]
fn ten_thousand_announcements_of_things_of_one_device_stay_bounded() {
    let mut devices = Devices::new(DeviceOptions::default());
    for number in 0..10_000 {
        let topic = format!("homeassistant/sensor/t{number}/config");
        let config = format!(r#"{{"stat_t":"s/{number}","uniq_id":"u{number}","dev":{{"ids":"big"}}}}"#);
        devices.apply(1000, &Arrival::new(&topic, config.as_bytes()));
    }
    devices.settle(1000);
    let (_, device) = devices.iter().next().unwrap();
    assert_eq!(
        device.entities.len(),
        DeviceOptions::default().maximum_announced_entities
    );
    // And all of them go.
    for number in 0..10_000 {
        devices.apply(
            2000,
            &Arrival::new(&format!("homeassistant/sensor/t{number}/config"), b""),
        );
    }
    devices.settle(2000);
    assert_eq!(devices.iter().count(), 0);
}

#[test]
fn devices_beyond_the_cap_are_counted() {
    let mut devices = Devices::new(DeviceOptions {
        maximum_devices: 10,
        ..DeviceOptions::default()
    });
    for number in 0..50 {
        let topic = format!("homeassistant/sensor/t{number}/config");
        let config = format!(r#"{{"stat_t":"s/{number}","uniq_id":"u","dev":{{"ids":"d{number}"}}}}"#);
        say(&mut devices, &topic, config.as_bytes());
    }
    assert_eq!(
        (devices.iter().count(), devices.counters().devices_refused),
        (10, 40)
    );
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        Just("1e308".to_owned()),
        "[a-z~/{}\\[\\]%|. ]{0,12}".prop_map(|text| format!("{text:?}")),
        Just(r#""{{ value_json.a[0]['b'] }}""#.to_owned()),
        Just(r#""home/state""#.to_owned()),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((option(), inner), 0..4).prop_map(|members| object(&members)),
        ]
    })
}

fn option() -> impl Strategy<Value = String> {
    let list = include_str!("fixtures/home_assistant/abbreviations.txt");
    let names: Vec<String> = list
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.trim_start_matches("device.").split(' '))
        .map(str::to_owned)
        .collect();
    prop::sample::select(names)
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("{name:?}:{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_configuration_is_taken(
        component in prop::sample::select(vec![
            "alarm_control_panel", "binary_sensor", "button", "camera", "climate", "cover", "device", "device_automation",
            "device_tracker", "event", "fan", "humidifier", "image", "lawn_mower", "light", "lock", "number", "select",
            "sensor", "siren", "switch", "text", "update", "vacuum", "valve", "water_heater", "nothing_known",
        ]),
        members in prop::collection::vec((option(), json()), 0..12),
        state in json(),
    ) {
        let mut devices = Devices::new(DeviceOptions::default());
        let mut members = members;
        members.push(("state_topic".to_owned(), r#""home/state""#.to_owned()));
        members.push(("command_topic".to_owned(), r#""home/set""#.to_owned()));
        let topic = format!("homeassistant/{component}/x/config");
        say(&mut devices, &topic, object(&members).as_bytes());
        say(&mut devices, "home/state", state.as_bytes());
        let found: Vec<_> = devices
            .iter()
            .flat_map(|(id, device)| device.entities.iter().map(move |entity| (id, entity.id.clone())))
            .collect();
        for (id, entity) in found {
            for action in [Action::TurnOn, Action::Open, Action::Set(1e300), Action::Choose("#12".into()), Action::Press] {
                let _ = devices.command(id, &entity, &action);
            }
        }
        devices.tick(u64::MAX);
        let _ = devices.attention(u64::MAX);
        let _ = devices.facts();
        say(&mut devices, &topic, b"");
        prop_assert!(devices.iter().all(|(_, device)| !device.is_announced));
    }
}

#[test]
fn thousands_of_things_that_read_everything_are_cut_and_counted_and_the_home_is_guessed_as_ever() {
    let mut devices = Devices::new(DeviceOptions::default());
    let say = |devices: &mut Devices, topic: &str, payload: &[u8]| {
        devices.apply(1000, &Arrival::new(topic, payload));
    };
    for at in 0..3_000 {
        let filter = ["#", "+/#", "+/+/#"][at % 3];
        let config = format!(
            r#"{{"state_topic":"{filter}","unique_id":"h{at}","dev":{{"ids":"h{}"}}}}"#,
            at / 500
        );
        say(
            &mut devices,
            &format!("homeassistant/sensor/h{at}/config"),
            config.as_bytes(),
        );
    }
    devices.settle(1000);
    let problems: Vec<(String, u64)> = devices
        .problems()
        .iter()
        .map(|problem| (problem.topic.clone(), problem.count))
        .collect();
    for filter in ["#", "+/#", "+/+/#"] {
        assert!(
            problems.contains(&(filter.to_owned(), 1_000 - 256)),
            "{problems:?}"
        );
    }
    for at in 0..1_000 {
        say(
            &mut devices,
            &format!("home/room/sensor{at}"),
            br#"{"temperature":21}"#,
        );
    }
    assert!(
        devices.iter().filter(|(_, device)| !device.is_announced).count() == 1_000,
        "what reads everything claims nothing"
    );
    devices.take_wanted();
}
