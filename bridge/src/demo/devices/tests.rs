use super::{super::*, *};
use std::collections::{BTreeMap, BTreeSet};

const NOVEMBER_EVENING_MS: u64 = 1_795_287_600_000;

fn at(since_start_ms: u64) -> Moment {
    Moment {
        since_start_ms,
        home_ms: NOVEMBER_EVENING_MS + since_start_ms,
    }
}

/// Everything the home publishes up to `until_ms`, with the time.
fn watch(seed: u64, until_ms: u64) -> Vec<(u64, Message)> {
    let mut devices = home(seed);
    let mut seen: Vec<_> = devices
        .iter_mut()
        .flat_map(|device| device.announce(at(0)))
        .map(|m| (0, m))
        .collect();
    for now_ms in (500..until_ms).step_by(500) {
        for device in &mut devices {
            seen.extend(
                device
                    .simulate(at(now_ms))
                    .into_iter()
                    .map(|message| (now_ms, message)),
            );
        }
    }
    seen
}

fn device(client_id: &str) -> Box<dyn Device> {
    home(1)
        .into_iter()
        .find(|device| device.client_id() == client_id)
        .unwrap()
}

fn payload_of(messages: &[Message], topic: &str) -> String {
    messages
        .iter()
        .find(|message| message.topic == topic)
        .map(|message| message.text().to_owned())
        .unwrap()
}

#[test]
fn the_same_seed_gives_the_same_home_and_another_seed_another() {
    assert_eq!(watch(7, 60_000), watch(7, 60_000));
    assert_ne!(watch(7, 60_000), watch(8, 60_000));
}

#[test]
fn every_device_says_that_it_is_simulated_under_a_name_of_its_own() {
    let devices = home(1);
    let ids: BTreeSet<_> = devices.iter().map(|device| device.client_id()).collect();
    assert_eq!(ids.len(), devices.len());
    assert!((30..=40).contains(&devices.len()), "{}", devices.len());
    for id in ids {
        assert!(id.starts_with("simulated-"), "{id}");
    }
}

#[test]
fn something_changes_every_few_seconds() {
    let mut seen: Vec<u64> = watch(1, 120_000).into_iter().map(|(ms, _)| ms).collect();
    seen.dedup();
    let longest_pause_ms = seen.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(longest_pause_ms <= 3_000, "{longest_pause_ms}");
    let per_second = watch(1, 120_000).len() / 120;
    assert!(
        per_second <= 20,
        "{per_second} messages a second are too many for a home"
    );
}

#[test]
fn all_but_the_gateway_publish_values_at_once() {
    for mut device in home(1) {
        let announced = device.announce(at(0));
        assert_eq!(
            announced.is_empty(),
            device.client_id() == "simulated-zigbee2mqtt",
            "{}",
            device.client_id()
        );
    }
}

#[test]
fn the_freezer_sensor_falls_silent_and_speaks_again() {
    let spoke: Vec<u64> = watch(1, 900_000)
        .into_iter()
        .filter(|(_, message)| message.topic == "zigbee2mqtt/Gefriertruhe")
        .map(|(ms, message)| {
            assert!(message.text().contains(r#""battery_low":true"#));
            ms
        })
        .collect();
    let longest = spoke.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!((110_000..130_000).contains(&longest), "{longest}");
    let first_silence = spoke
        .windows(2)
        .find(|pair| pair[1] - pair[0] == longest)
        .unwrap();
    assert!(first_silence[0] < 40_000, "a visitor of two minutes sees it");
}

#[test]
fn rooms_are_warmer_than_a_winter_day_and_the_afternoon_is_warmer_than_the_night() {
    let january_ms = 1_768_435_200_000;
    let hour = |hour: u64| Moment {
        since_start_ms: 0,
        home_ms: january_ms + hour * 3_600_000,
    };
    let mean = |at: u64| {
        (0..60)
            .map(|day| climate::outside(1, hour(day * 24 + at)))
            .sum::<f64>()
            / 60.0
    };
    assert!(mean(15) > mean(4) + 4.0, "{} {}", mean(15), mean(4));
    assert!((-12.0..15.0).contains(&mean(12)), "{}", mean(12));
    let room = Room {
        seed: 3,
        warm: 21.5,
        at_night: 18.5,
        open_to_weather: 0.05,
    };
    for at in 0..48 {
        let temperature = room.temperature(1, hour(at));
        assert!((16.0..23.5).contains(&temperature), "{temperature}");
        assert!((20.0..=95.0).contains(&room.humidity(1, hour(at))));
    }
    assert!(climate::sun(hour(12)) > 0.5);
    assert!(climate::sun(hour(0)) < f64::EPSILON);
}

#[test]
fn a_zigbee_light_obeys_json() {
    let mut light = device("simulated-living-room-light");
    let topic = "zigbee2mqtt/Living room lamp";
    let answer = light.obey(at(0), &format!("{topic}/set"), r#"{"state":"OFF"}"#);
    assert!(payload_of(&answer, topic).contains(r#""state":"OFF""#));
    let answer = light.obey(at(0), &format!("{topic}/set"), r#"{"brightness":999}"#);
    let payload = payload_of(&answer, topic);
    assert!(
        payload.contains(r#""brightness":254"#) && payload.contains(r#""state":"ON""#),
        "{payload}"
    );
    assert!(answer[0].retain);
}

#[test]
fn a_plain_light_obeys_words_and_ignores_nonsense() {
    let mut light = device("simulated-kitchen-light");
    let answer = light.obey(at(0), "home/kitchen/light/set", "ON");
    assert_eq!(payload_of(&answer, "home/kitchen/light/state"), "ON");
    let answer = light.obey(at(0), "home/kitchen/light/brightness/set", "35");
    assert_eq!(payload_of(&answer, "home/kitchen/light/brightness/state"), "35");
    for nonsense in ["", "perhaps", "{", "-1", "\u{0}"] {
        assert_eq!(
            light.obey(at(0), "home/kitchen/light/set", nonsense),
            [],
            "{nonsense:?}"
        );
    }
}

#[test]
fn a_tasmota_light_answers_on_stat() {
    let mut light = device("simulated-hallway-light");
    let answer = light.obey(at(0), "cmnd/hallway-light/POWER", "TOGGLE");
    assert_eq!(payload_of(&answer, "stat/hallway-light/POWER"), "ON");
    let answer = light.obey(at(0), "cmnd/hallway-light/Nonsense", "1");
    assert_eq!(
        payload_of(&answer, "stat/hallway-light/RESULT"),
        r#"{"Command":"Unknown"}"#
    );
}

#[test]
fn the_shutter_takes_its_time_and_can_be_stopped() {
    let mut cover = device("simulated-living-room-cover");
    let set = "zigbee2mqtt/Living room Rollladen/set";
    cover.obey(at(1_000), set, r#"{"state":"CLOSE"}"#);
    let halfway = cover.simulate(at(11_000));
    assert!(halfway[0].text().contains(r#""position":50"#), "{halfway:?}");
    cover.obey(at(11_000), set, r#"{"state":"STOP"}"#);
    assert_eq!(cover.simulate(at(60_000)), []);
    cover.obey(at(60_000), set, r#"{"position":0}"#);
    assert!(
        cover.simulate(at(90_000))[0]
            .text()
            .contains(r#""state":"CLOSE""#)
    );
}

#[test]
fn the_garage_door_says_what_it_does() {
    let mut door = device("simulated-garage-cover");
    let mut states = Vec::new();
    states.extend(door.announce(at(0)));
    states.extend(door.obey(at(0), "home/garage/door/set", "CLOSE"));
    states.extend(door.simulate(at(30_000)));
    states.extend(door.obey(at(30_000), "home/garage/door/set", "OPEN"));
    states.extend(door.simulate(at(60_000)));
    let states: Vec<_> = states
        .into_iter()
        .map(|message| message.text().to_owned())
        .collect();
    assert_eq!(states, ["open", "closing", "closed", "opening", "open"]);
}

#[test]
fn the_lock_turns_before_it_is_unlocked() {
    let mut lock = device("simulated-front-door-lock");
    let turning = lock.obey(at(0), "zigbee2mqtt/Türschloss/set", r#"{"state":"UNLOCK"}"#);
    assert!(turning[0].text().contains("not_fully_locked"));
    assert!(
        lock.simulate(at(2_000))[0]
            .text()
            .contains(r#""lock_state":"unlocked""#)
    );
}

#[test]
fn the_washing_machine_goes_through_its_cycle_and_its_energy_only_grows() {
    let seen = watch(1, 22 * 60_000);
    let mut phases: Vec<_> = seen
        .iter()
        .filter(|(_, message)| message.topic.ends_with("washing-machine/phase"))
        .map(|(_, message)| message.text().to_owned())
        .collect();
    phases.dedup();
    assert_eq!(
        phases,
        [
            "filling", "heating", "washing", "rinsing", "spinning", "done", "idle"
        ]
    );
    let energy: Vec<f64> = seen
        .iter()
        .filter(|(_, message)| message.topic == "zigbee2mqtt/Waschmaschine")
        .map(|(_, message)| {
            serde_json::from_str::<Value>(message.text()).unwrap()["energy"]
                .as_f64()
                .unwrap()
        })
        .collect();
    assert!(energy.is_sorted() && energy.last() > energy.first());
}

#[test]
fn payloads_stay_small_and_json_is_json() {
    let mut largest: BTreeMap<String, usize> = BTreeMap::new();
    for (_, message) in watch(1, 120_000) {
        if message.text().starts_with('{') {
            serde_json::from_str::<Value>(message.text()).unwrap();
        }
        let size = largest.entry(message.topic).or_default();
        *size = (*size).max(message.payload.len());
    }
    assert!(largest.values().all(|size| *size < 512), "{largest:?}");
}

#[test]
fn a_zigbee_device_is_renamed_and_obeys_under_its_new_name_only() {
    let mut devices = home(1);
    let mut tell = |ms: u64, topic: &str, payload: &str| -> Vec<Message> {
        devices
            .iter_mut()
            .flat_map(|device| device.obey(at(ms), topic, payload))
            .collect()
    };
    let rename = "zigbee2mqtt/bridge/request/device/rename";
    let refused = tell(
        0,
        rename,
        r#"{"from":"Living room lamp","to":"Haustür","transaction":"t1"}"#,
    );
    let answer = payload_of(&refused, "zigbee2mqtt/bridge/response/device/rename");
    assert!(
        answer.contains("friendly_name 'Haustür' is already in use")
            && answer.contains(r#""transaction":"t1""#),
        "{answer}"
    );
    let done = tell(1, rename, r#"{"from":"Living room lamp","to":"Reading corner"}"#);
    assert!(payload_of(&done, "zigbee2mqtt/bridge/response/device/rename").contains(r#""status":"ok""#));
    assert!(payload_of(&done, "zigbee2mqtt/bridge/devices").contains(r#""friendly_name":"Reading corner""#));
    let of_old = tell(2, "zigbee2mqtt/Living room lamp/set", r#"{"state":"OFF"}"#);
    assert!(
        !of_old
            .iter()
            .any(|message| message.topic.contains("Reading corner") || message.topic.contains("lamp"))
    );
    let answer = tell(3, "zigbee2mqtt/Reading corner/set", r#"{"state":"OFF"}"#);
    assert!(payload_of(&answer, "zigbee2mqtt/Reading corner").contains(r#""state":"OFF""#));
    let said: Vec<Message> = devices
        .iter_mut()
        .flat_map(|device| device.simulate(at(1_000)))
        .collect();
    assert_eq!(
        payload_of(&said, "zigbee2mqtt/Living room lamp"),
        "",
        "what was retained is cleared"
    );
    assert!(payload_of(&said, "zigbee2mqtt/Reading corner/availability").contains("online"));
}
