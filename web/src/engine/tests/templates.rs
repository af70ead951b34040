//! Templates beyond a plain path, which the second module renders.

use std::cell::Cell;

use super::*;
use crate::engine::input::Ask;

const FETCHED: Ask = Ask(|request| match hearth_extras::perform(request).split_first() {
    Some((0, answer)) => Ok(answer.to_vec()),
    Some((_, reason)) => Err(String::from_utf8_lossy(reason).into_owned()),
    None => Err(String::new()),
});

/// As zigbee2mqtt and Tasmota announce themselves to Home Assistant.
const BATTERY: &str = r#"{"name":"Battery","state_topic":"z/Door","unit_of_measurement":"%",
    "value_template":"{{ value_json.battery | float(0) | round(0) | int }}","unique_id":"b","device":{"identifiers":["d"],"name":"Door"}}"#;
const BLIND: &str = r#"{"name":"Blind","command_topic":"z/Blind/set","state_topic":"z/Blind","value_template":"{{ 'open' if value_json.Shutter1.Position > 0 else 'closed' }}",
    "position_topic":"z/Blind","position_template":"{{ value_json.Shutter1.Position }}","set_position_topic":"z/Blind/set",
    "set_position_template":"{\"ShutterPosition1\": {{ (position | int) + 0 }} }","unique_id":"s","device":{"identifiers":["s"],"name":"Blind"}}"#;
const BOMB: &str = r#"{"name":"Bomb","state_topic":"z/Bomb","value_template":"{{ 'x' * 99999999 }}","unique_id":"x","device":{"identifiers":["x"],"name":"Bomb"}}"#;

fn with_home() -> Bench {
    let mut bench = Bench::connected();
    bench.command(Command::Open(View::Home));
    bench
}

fn value(bench: &Bench, device: &str) -> Option<EntityValue> {
    let cards = bench.cards();
    let card = cards.iter().rev().find(|card| card.name == device)?;
    card.entities.first().map(|entity| entity.value.clone())
}

#[test]
fn a_template_is_rendered_when_the_second_module_is_there() {
    let mut bench = with_home();
    bench.publish("z/Plain", r#"{"temperature":20}"#);
    bench.wait(1_000);
    assert!(
        !bench.calls.contains(&Call::Fetch),
        "a home without templates does not fetch it"
    );
    bench.publish("homeassistant/sensor/b/config", BATTERY);
    bench.publish("z/Door", r#"{"battery":87.6}"#);
    bench.wait(1_000);
    let fetches = |bench: &Bench| bench.calls.iter().filter(|call| **call == Call::Fetch).count();
    assert_eq!(fetches(&bench), 1);
    assert_eq!(
        value(&bench, "Door"),
        Some(EntityValue::Waiting),
        "what came is not what it means, and it is not true that nothing came"
    );
    bench.input(Input::Fetched(Some(FETCHED)));
    bench.wait(1_000);
    let shown = value(&bench, "Door");
    assert!(
        matches!(shown, Some(EntityValue::Number { value, .. }) if value == 88.0),
        "{shown:?}"
    );
    bench.publish("z/Door", r#"{"battery":50}"#);
    bench.wait(1_000);
    let shown = value(&bench, "Door");
    assert!(
        matches!(shown, Some(EntityValue::Number { value, .. }) if value == 50.0),
        "{shown:?}"
    );
    assert_eq!(fetches(&bench), 1);
}

#[test]
fn a_module_that_cannot_be_loaded_is_asked_for_again() {
    let mut bench = with_home();
    bench.publish("homeassistant/sensor/b/config", BATTERY);
    bench.publish("z/Door", r#"{"battery":87.6}"#);
    bench.wait(1_000);
    bench.input(Input::Fetched(None));
    bench.wait(1_000);
    let fetches = |bench: &Bench| bench.calls.iter().filter(|call| **call == Call::Fetch).count();
    assert_eq!(fetches(&bench), 1);
    let raw = |bench: &Bench| {
        let cards = bench.cards();
        let entity = cards.iter().rev().find_map(|card| card.entities.first())?;
        Some((entity.value.clone(), entity.unreadable))
    };
    let as_it_came = EntityValue::Text(r#"{"battery":87.6}"#.into());
    assert_eq!(
        raw(&bench),
        Some((as_it_came, true)),
        "never a blank for long, and marked"
    );
    bench.wait(40_000);
    assert_eq!(fetches(&bench), 2);
    bench.input(Input::Fetched(Some(FETCHED)));
    bench.wait(1_000);
    assert!(matches!(raw(&bench), Some((EntityValue::Number { .. }, false))));
}

#[test]
fn a_bomb_is_a_problem_with_its_topic_and_disturbs_nothing() {
    let mut bench = with_home();
    bench.publish("homeassistant/sensor/x/config", BOMB);
    bench.publish("z/Bomb", "1");
    bench.publish("homeassistant/sensor/b/config", BATTERY);
    bench.publish("z/Door", r#"{"battery":87.6}"#);
    bench.wait(1_000);
    bench.input(Input::Fetched(Some(FETCHED)));
    bench.wait(1_000);
    assert!(matches!(value(&bench, "Door"), Some(EntityValue::Number { value, .. }) if value == 88.0));
    let unreadable = bench.patches.iter().rev().find_map(|patch| match patch {
        Patch::Home(home) => Some(&home.unreadable),
        Patch::Facts(facts) => Some(&facts.unreadable),
        _ => None,
    });
    let problem = unreadable.and_then(|unreadable| unreadable.first());
    assert!(
        problem.is_some_and(
            |problem| problem.topic == "z/Bomb" && problem.reason.contains("more work than it may")
        ),
        "{problem:?}"
    );
}

thread_local! {
    static RENDERED: Cell<usize> = const { Cell::new(0) };
}

/// As [`FETCHED`], and counts what it renders.
const COUNTED: Ask = Ask(|request| {
    // The other question is how many steps that took.
    if request.first() == Some(&hearth_extras::RENDER) && !request.ends_with(b"{# steps #}\0") {
        RENDERED.set(RENDERED.get() + 1);
    }
    (FETCHED.0)(request)
});

#[test]
fn many_bombs_on_one_topic_take_turns_and_each_is_read_once() {
    const LOOP: &str =
        "{% for i in range(9000) %}{% for j in range(9000) %}{% set x = value ~ j %}{% endfor %}{% endfor %}";
    let mut bench = with_home();
    for at in 0..8 {
        let config = format!(
            r#"{{"name":"Bomb","state_topic":"bomb","value_template":"{LOOP}","unique_id":"n{at}","device":{{"identifiers":["n{at}"],"name":"Bomb{at}"}}}}"#
        );
        bench.publish(&format!("homeassistant/sensor/n{at}/config"), &config);
    }
    bench.wait(1_000);
    bench.input(Input::Fetched(Some(COUNTED)));
    bench.wait(1_000);
    let begun = RENDERED.get();
    bench.publish("bomb", "2");
    let mut most = RENDERED.get() - begun;
    // A turn is every 20 ms at most.
    for _ in 0..200 {
        let before = RENDERED.get();
        bench.wait(10);
        most = most.max(RENDERED.get() - before);
    }
    assert!((1..=3).contains(&most), "{most} in one turn");
    assert_eq!(
        RENDERED.get() - begun,
        8,
        "what was rendered is not rendered again"
    );
    for at in 0..8 {
        let name = format!("Bomb{at}");
        assert_eq!(
            value(&bench, &name),
            Some(EntityValue::Text("2".into())),
            "{name}"
        );
    }
}

#[test]
fn a_command_is_spelled_by_its_template() {
    let mut bench = with_home();
    bench.publish("homeassistant/cover/s/config", BLIND);
    bench.publish("z/Blind", r#"{"Shutter1":{"Position":40}}"#);
    bench.wait(1_000);
    bench.input(Input::Fetched(Some(FETCHED)));
    bench.wait(1_000);
    bench.sent();
    let cards = bench.cards();
    let card = cards.iter().rev().find(|card| card.name == "Blind").unwrap();
    let entity = card
        .entities
        .iter()
        .find(|entity| matches!(entity.value, EntityValue::Number { .. }))
        .unwrap();
    let command = Command::Control {
        request: 7,
        device: card.id.clone(),
        entity: entity.id.clone(),
        action: Action::Set(25.0),
    };
    bench.command(command);
    let sent = bench.sent();
    let Some(Packet::Publish(publish)) = sent.last() else {
        panic!("{sent:?}")
    };
    assert_eq!(publish.topic(), Some("z/Blind/set"));
    assert_eq!(publish.payload(), br#"{"ShutterPosition1": 25 }"#);
}

/// What a control of a device sends, with the second module at hand.
fn sent_by(bench: &mut Bench, device: &str, entity: &str, action: Action) -> (String, String) {
    bench.sent();
    let cards = bench.cards();
    let card = cards.iter().rev().find(|card| card.name == device).unwrap();
    bench.command(Command::Control {
        request: 7,
        device: card.id.clone(),
        entity: entity.to_owned(),
        action,
    });
    let sent = bench.sent();
    let Some(Packet::Publish(publish)) = sent.last() else {
        panic!("{sent:?}")
    };
    let payload = String::from_utf8_lossy(publish.payload()).into_owned();
    (publish.topic().unwrap_or_default().to_owned(), payload)
}

/// The example of Home Assistant's page of sirens, and the variables that it lists.
const SIREN: &str = r#"{"name":null,"command_topic":"s/set","state_topic":"s/state","available_tones":["ping","siren"],
    "command_template":"{\"x\": \"{{ value }}\"{% if tone is defined %}, \"y\": \"{{ tone }}\"{% endif %}}",
    "command_off_template":"{{ value | lower }}","unique_id":"s1","device":{"identifiers":["s1"],"name":"Siren"}}"#;

#[test]
fn a_siren_is_told_its_tone_and_that_it_is_on_by_its_template() {
    let mut bench = with_home();
    bench.publish("homeassistant/siren/s1/config", SIREN);
    bench.publish("s/state", "OFF");
    bench.wait(1_000);
    bench.input(Input::Fetched(Some(FETCHED)));
    bench.wait(1_000);
    let topic = || "s/set".to_owned();
    for (entity, action, payload) in [
        ("s1", Action::Turn(true), r#"{"x": "ON"}"#),
        ("s1", Action::Turn(false), "off"),
        (
            "s1.tone",
            Action::Choose("siren".into()),
            r#"{"x": "ON", "y": "siren"}"#,
        ),
    ] {
        let sent = sent_by(&mut bench, "Siren", entity, action);
        assert_eq!(sent, (topic(), payload.to_owned()), "{entity}");
    }
}

/// A blind that counts down, and a light whose templates ask for all that their page lists.
const SHUTTER: &str = r#"{"name":null,"set_position_topic":"u/set","position_topic":"u/pos","position_open":0,"position_closed":200,
    "set_position_template":"{{ position }} {{ value }} {{ position_closed - position_open }}","tilt_command_topic":"u/tilt","tilt_min":-90,"tilt_max":90,
    "tilt_command_template":"{{ tilt_position }} {{ value }} {{ tilt_min }}","unique_id":"u","device":{"identifiers":["u"],"name":"Shutter"}}"#;
const LAMP: &str = r#"{"name":null,"schema":"template","command_topic":"l/set",
    "command_on_template":"{{ 'on' if state else 'off' }},{{ brightness | d }}","command_off_template":"{{ 'on' if state else 'off' }}",
    "brightness_template":"{{ value }}","state_topic":"l","unique_id":"l","device":{"identifiers":["l"],"name":"Lamp"}}"#;
const STRIP: &str = r#"{"name":null,"command_topic":"w/set","rgbww_command_topic":"w/rgbww",
    "rgbww_command_template":"{{ '#%02x%02x%02x%02x%02x' | format(red, green, blue, cold_white, warm_white) }}",
    "unique_id":"w","device":{"identifiers":["w"],"name":"Strip"}}"#;

#[test]
fn templates_of_commands_have_the_variables_that_home_assistant_gives_them() {
    let mut bench = with_home();
    bench.publish("homeassistant/cover/u/config", SHUTTER);
    bench.publish("homeassistant/light/l/config", LAMP);
    bench.publish("homeassistant/light/w/config", STRIP);
    bench.publish("u/pos", "200");
    bench.publish("l", "128");
    bench.wait(1_000);
    bench.input(Input::Fetched(Some(FETCHED)));
    bench.wait(1_000);
    for (device, entity, action, payload) in [
        ("Shutter", "u.position", Action::Set(25.0), "25 150 200"),
        ("Shutter", "u.tilt", Action::Set(75.0), "75 45 -90"),
        ("Lamp", "l", Action::Turn(true), "on,"),
        ("Lamp", "l", Action::Turn(false), "off"),
        ("Lamp", "l.brightness", Action::Set(100.0), "on,255"),
        (
            "Strip",
            "w.color",
            Action::Choose("#ff8000".into()),
            "#ff80000000",
        ),
    ] {
        let (_, sent) = sent_by(&mut bench, device, entity, action);
        assert_eq!(sent, payload, "{entity}");
    }
}

/// Attributes that a template picks, on a topic that says nothing else.
const TANK: &str = r#"{"name":"Level","state_topic":"tank/level","unit_of_measurement":"%","json_attributes_topic":"tank/more",
    "json_attributes_template":"{{ value_json.about | tojson }}","unique_id":"t","device":{"identifiers":["t"],"name":"Tank"}}"#;

#[test]
fn attributes_are_read_when_somebody_looks_at_the_device() {
    let mut bench = with_home();
    bench.publish("homeassistant/sensor/t/config", TANK);
    bench.publish("tank/level", "40");
    bench.publish("tank/more", r#"{"about":{"litres":1200,"made of":"steel"}}"#);
    bench.wait(1_000);
    assert!(!bench.calls.contains(&Call::Fetch), "nobody looks");
    let cards = bench.cards();
    assert!(
        cards.iter().all(|card| card.name == "Tank"),
        "the topic of attributes is nobody's guess: {cards:?}"
    );
    let id = cards.last().unwrap().id.clone();
    bench.command(Command::Open(View::Device { id }));
    bench.wait(1_000);
    let said = |bench: &Bench| {
        let view = bench.patches.iter().rev().find_map(|patch| match patch {
            Patch::Device { device, .. } => device.as_ref(),
            _ => None,
        });
        view.unwrap().attributes.first().cloned().unwrap()
    };
    assert_eq!(said(&bench).fault, "what reads its template is being loaded");
    assert!(bench.calls.contains(&Call::Fetch));
    bench.input(Input::Fetched(Some(FETCHED)));
    bench.wait(1_000);
    let told = |bench: &Bench| {
        let said = said(bench);
        let members = said
            .members
            .iter()
            .map(|one| format!("{}={}", one.name, one.text));
        (said.of.join(","), members.collect::<Vec<_>>().join(" "))
    };
    assert_eq!(told(&bench), ("Level".into(), "litres=1200 made of=steel".into()));
    bench.publish("tank/more", r#"{"about":{"litres":900}}"#);
    bench.wait(1_000);
    assert_eq!(told(&bench).1, "litres=900");
}
