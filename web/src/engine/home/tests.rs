//! Which topics are read when.

use hearth_devices::Value;
use hearth_devices::announced::{TemplateError, TemplateInput};
use hearth_model::store::StoreOptions;

use super::*;

fn now(ms: u64) -> Now {
    Now {
        mono: MonoTime::from_ms(ms),
        wall_ms: ms,
        random: 1,
    }
}

fn say(store: &mut Store, home: &mut Home, ms: u64, topic: &str, payload: &str) {
    let change = store.apply(ms, &Arrival::new(topic, payload.as_bytes()));
    change.id().into_iter().for_each(|id| home.note_message(id));
}

/// When rounds of reading begin, in ms, while all of `topics` change every 10 ms for a second.
fn rounds(topics: usize) -> Vec<u64> {
    let (mut store, mut home) = (Store::new(StoreOptions::default()), Home::default());
    let mut begun = vec![];
    for ms in (0..1_000).step_by(10) {
        for number in 0..topics {
            let topic = format!("home/sensor{number}/temperature");
            say(&mut store, &mut home, ms, &topic, "20");
        }
        let before = home.next_round;
        home.advance(now(ms), &store);
        begun.extend((home.next_round != before).then_some(ms));
    }
    assert!(home.devices().iter().count() > 0);
    begun
}

#[test]
fn few_topics_are_read_ten_times_a_second_and_many_as_often_as_cards_are_drawn() {
    assert_eq!(rounds(3), [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
    assert_eq!(rounds(700), [0, 250, 500, 750]);
}

/// An engine that takes half a turn for every template.
#[derive(Debug)]
struct Bomb;

impl Templates for Bomb {
    fn render(&mut self, _: &str, input: TemplateInput<'_>) -> Result<String, TemplateError> {
        // Asked without a payload, it says how many steps that took.
        Ok(input.payload.unwrap_or("200000").to_owned())
    }
}

/// The configuration of a plain sensor.
const PLAIN: &str = "homeassistant/sensor/plain/config";

/// 20 devices with 10,240 sensors, whose templates all read `bomb`, and one that reads `plain`.
fn bombed() -> Home {
    let mut home = Home::default();
    for at in 0..10_240 {
        let device = at / 512;
        let config = format!(
            r#"{{"state_topic":"bomb","value_template":"{{{{ value|lower }}}}","unique_id":"n{at}","dev":{{"ids":"d{device}"}}}}"#
        );
        let topic = format!("homeassistant/sensor/n{at}/config");
        home.devices.apply(0, &Arrival::new(&topic, config.as_bytes()));
    }
    let plain = br#"{"state_topic":"plain","unique_id":"p","dev":{"ids":"p"}}"#;
    home.devices.apply(0, &Arrival::new(PLAIN, plain));
    home.devices.settle(0);
    home.devices.take_wanted();
    home.devices.set_templates(Box::new(Bomb));
    home.devices.take_wanted();
    home
}

/// What every sensor of a topic says.
fn said(home: &Home, topic: &str) -> Vec<Value> {
    let devices = home.devices().iter();
    let entities = devices.flat_map(|(_, device)| &device.entities);
    entities
        .filter(|entity| entity.topic == topic)
        .map(|entity| entity.value.clone())
        .collect()
}

#[test]
fn a_topic_that_thousands_of_templates_read_keeps_no_other_waiting() {
    let (mut store, mut home) = (Store::new(StoreOptions::default()), bombed());
    for (ms, word) in [(1_000, "one"), (2_000, "two")] {
        say(&mut store, &mut home, ms, "bomb", word);
        say(&mut store, &mut home, ms, "plain", word);
        home.advance(now(ms), &store);
        assert_eq!(said(&home, "plain"), [Value::Text(word.to_owned())]);
        assert!(home.devices().is_unfinished());
    }
    let read = said(&home, "bomb");
    let read = read.iter().filter(|value| **value != Value::Unknown).count();
    assert!((4..=8).contains(&read), "{read} were read in two turns");
    // Also what removes it is taken, and what is announced meanwhile is read.
    say(&mut store, &mut home, 3_000, PLAIN, "");
    home.advance(now(3_000), &store);
    assert!(said(&home, "plain").is_empty());
    let again = r#"{"state_topic":"plain","unique_id":"q","dev":{"ids":"q"}}"#;
    say(&mut store, &mut home, 4_000, PLAIN, again);
    home.advance(now(4_000), &store);
    home.advance(now(4_500), &store);
    assert_eq!(said(&home, "plain"), [Value::Text("two".to_owned())]);
}
