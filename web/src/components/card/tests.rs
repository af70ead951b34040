use std::rc::Rc;

use super::*;
use crate::{
    components::testing::render,
    wire::{ControlView, Spark},
};

const NOW: u64 = 1_763_562_727_000;

fn entity(id: &str, kind: &str, value: EntityValue) -> EntityView {
    EntityView {
        id: id.into(),
        name: id.into(),
        kind: kind.into(),
        value,
        unit: String::new(),
        guessed: false,
        unavailable: false,
        unreadable: false,
        hidden: false,
        by_hand: false,
        at: NOW,
        topic: format!("home/{id}"),
        control: None,
        spark: None,
    }
}

fn number(value: f64, text: &str, unit: &str) -> EntityView {
    let mut entity = entity(
        "temperature",
        "number",
        EntityValue::Number {
            value,
            text: text.into(),
        },
    );
    entity.unit = unit.into();
    entity.spark = Some(Spark {
        points: vec![(0.0, Some(1.0)), (1.0, Some(2.0))],
        ..Spark::default()
    });
    entity
}

fn switch(on: bool, state: ControlState) -> EntityView {
    let word = if on { "On" } else { "Off" };
    let mut entity = entity(
        "light",
        "light",
        EntityValue::Binary {
            on,
            word: word.into(),
            since: NOW - 60_000,
        },
    );
    entity.control = Some(ControlView {
        kind: ControlKind::Switch,
        guessed: false,
        asks: false,
        for_admins: false,
        code: None,
        state,
        command_topic: "home/light/set".into(),
    });
    entity
}

fn empty() -> DeviceCard {
    DeviceCard {
        id: "dev".into(),
        name: String::new(),
        kind: String::new(),
        liveness: Liveness::Online,
        last_heard: NOW,
        tone: Tone::Plain,
        entities: vec![],
    }
}

fn card(entities: Vec<EntityView>, liveness: Liveness) -> String {
    card_heard(NOW - 20_000, entities, liveness)
}

fn card_heard(last_heard: u64, entities: Vec<EntityView>, liveness: Liveness) -> String {
    let card = DeviceCard {
        id: "dev".into(),
        name: "Ceiling <b>light</b>".into(),
        kind: "light".into(),
        liveness,
        last_heard,
        tone: Tone::Plain,
        entities,
    };
    render::<Card>(CardProps {
        card: Rc::new(card),
        now: NOW,
        on_action: Callback::noop(),
        place: AttrValue::default(),
        node: NodeRef::default(),
    })
}

#[test]
fn a_number_stands_in_a_box_that_keeps_its_width() {
    let html = card(vec![number(22.2, "22.2", "°C")], Liveness::Online);
    assert!(html.contains(r#"class="value ch-4 u-2""#), "{html}");
    assert!(
        html.contains(r#"data-testid="entity-value" data-value="22.2""#),
        "{html}"
    );
    assert!(html.contains("20 s ago") && html.contains("<svg"), "{html}");
    assert!(!html.contains("card--1") && !html.contains("style="), "{html}");
}

#[test]
fn what_is_not_read_yet_is_not_said_to_be_missing() {
    let waiting = || entity("a", "text", EntityValue::Waiting);
    let html = card(vec![waiting()], Liveness::Online);
    assert!(
        html.contains("Loading…") && !html.contains("No value yet"),
        "{html}"
    );
    let html = card(vec![number(22.2, "22.2", "°C"), waiting()], Liveness::Online);
    assert!(html.contains("Loading…"), "{html}");
    assert!(card(vec![entity("a", "text", EntityValue::Unknown)], Liveness::Online).contains("No value yet"));
}

#[test]
fn a_moment_is_told_as_one_and_its_spelling_stays_in_reach() {
    let said = "2026-11-23T05:30:00Z";
    let html = card(
        vec![entity("alarm", "text", EntityValue::Text(said.into()))],
        Liveness::Online,
    );
    assert!(html.contains("2026-11-23, 05:30"), "{html}");
    assert!(html.contains(&format!(r#"data-value="{said}""#)), "{html}");
}

#[test]
fn a_name_that_looks_like_markup_stays_text() {
    assert!(!card(vec![switch(true, ControlState::Idle)], Liveness::Online).contains("<b>light</b>"));
}

#[test]
fn a_switch_shows_the_confirmed_state_and_a_wish_as_a_wish() {
    let on = card(vec![switch(true, ControlState::Confirmed)], Liveness::Online);
    assert!(
        on.contains(r#"aria-checked="true""#) && on.contains(r#"data-state="confirmed""#),
        "{on}"
    );
    assert!(on.contains("card--1"), "a switch needs one unit: {on}");
    let sent = card(
        vec![switch(false, ControlState::Sent(Action::Turn(true)))],
        Liveness::Online,
    );
    assert!(
        sent.contains("Turning on…") && sent.contains(r#"aria-busy="true""#),
        "{sent}"
    );
    assert!(
        sent.contains(r#"data-state="sent""#) && sent.contains(r#"data-value="off""#),
        "{sent}"
    );
}

#[test]
fn a_control_without_an_answer_goes_back_and_offers_to_try_again() {
    let html = card(
        vec![switch(
            false,
            ControlState::Failed("No answer".into(), Action::Turn(true)),
        )],
        Liveness::Online,
    );
    assert!(
        html.contains("No answer") && html.contains("Off") && html.contains("Try again"),
        "{html}"
    );
    assert!(
        html.contains(r#"data-control="switch" data-state="failed""#),
        "{html}"
    );
}

#[test]
fn an_old_value_looks_old_and_says_so() {
    let html = card(vec![number(7.9, "7.9", "°C")], Liveness::Stale);
    assert!(
        html.contains("card--stale") && html.contains("Silent for 20 s") && html.contains("last known"),
        "{html}"
    );
    assert!(html.contains(r#"data-liveness="stale""#), "{html}");
    let gone = card(vec![switch(true, ControlState::Idle)], Liveness::Offline);
    assert!(gone.contains("Offline") && gone.contains("disabled"), "{gone}");
}

/// A time of zero is no time: nothing is of 1970.
#[test]
fn what_was_gone_before_the_page_was_opened_has_no_time() {
    for entities in [
        vec![number(7.9, "7.9", "°C")],
        vec![switch(true, ControlState::Idle)],
    ] {
        let gone = card_heard(0, entities, Liveness::Offline);
        assert!(gone.contains("Offline") && !gone.contains("since"), "{gone}");
        assert!(
            !gone.contains("1970") && !gone.contains("last known, Jan"),
            "{gone}"
        );
    }
}

#[test]
fn a_guess_is_marked_and_explained() {
    let mut guessed = number(22.2, "22.2", "°C");
    guessed.guessed = true;
    let html = card(vec![guessed.clone()], Liveness::Online);
    assert!(html.contains(r#"class="guess""#), "{html}");
    let html = render::<guess::Explanation>(guess::GuessProps {
        id: "guess-1".into(),
        card: Rc::new(DeviceCard {
            entities: vec![guessed, number(1.0, "1", "W")],
            ..empty()
        }),
    });
    assert!(
        html.contains("the unit °C") && html.contains("home/temperature"),
        "{html}"
    );
    assert_eq!(
        html.matches("<li>").count(),
        1,
        "what is known is not called a guess: {html}"
    );
}

#[test]
fn no_value_changes_the_height_of_a_card() {
    let heights = |entities: Vec<EntityView>| {
        [
            Liveness::Online,
            Liveness::Stale,
            Liveness::Offline,
            Liveness::Asleep,
        ]
        .map(|liveness| card(entities.clone(), liveness).contains("card--1"))
    };
    assert_eq!(heights(vec![switch(true, ControlState::Idle)]), [true; 4]);
    assert_eq!(heights(vec![number(1.0, "1.0", "W")]), [false; 4]);
    assert_eq!(
        heights(vec![entity("n", "number", EntityValue::Unknown)]),
        [false; 4]
    );
}

#[test]
fn a_payload_that_was_not_understood_is_shown_as_it_came() {
    let html = card(
        vec![entity("soil", "json", EntityValue::Text(r#"{"m":412}"#.into()))],
        Liveness::Online,
    );
    assert!(
        html.contains("Raw value") && html.contains("Why not a number?"),
        "{html}"
    );
    assert!(
        html.contains("{&quot;m&quot;:412}") || html.contains(r#"{"m":412}"#),
        "{html}"
    );
}

#[test]
fn what_must_not_happen_by_accident_is_held() {
    let mut gate = switch(true, ControlState::Idle);
    if let Some(control) = &mut gate.control {
        control.asks = true;
    }
    let html = card(vec![gate], Liveness::Online);
    assert!(html.contains("Hold to turn off"), "{html}");
    assert!(!html.contains(r#"role="switch""#), "{html}");
}

#[test]
fn a_place_of_a_gate_is_typed_and_sent_by_a_button_of_its_own() {
    let mut place = switch(true, ControlState::Idle);
    if let Some(control) = &mut place.control {
        control.asks = true;
        control.kind = ControlKind::Slider {
            min: 0.0,
            max: 100.0,
            step: 1.0,
        };
    }
    let html = render::<control::Control>(control::ControlProps {
        entity: place,
        label: "Gate".into(),
        disabled: false,
        on_action: Callback::default(),
    });
    assert!(
        html.contains("entity-send") && !html.contains(r#"type="range""#),
        "{html}"
    );
}
