//! Pages joined with the hooks of an engine that is not there: what it would send is applied by hand.

use yew::prelude::*;

use super::{device::Device, explorer::Explorer, home::Home};
use crate::{
    chart::{state::Choice, view::Chart},
    components::testing::render,
    hooks::{EngineHandle, EngineProvider},
    wire::{
        Arrivals, AttentionItem, AttentionReason, ChartView, ColumnView, ConnectionState, ConnectionView,
        Counters, DeviceCard, DeviceView, EntityValue, EntityView, Frame, GlanceFact, HistoryRow, HomeView,
        Liveness, Patch, Point, RoomView, SeriesName, SeriesView, SubscriptionView, Tone, TopicView, TreeRow,
        TreeView,
    },
};

const NOW: u64 = 1_763_562_727_000;

#[derive(Clone, PartialEq)]
enum Shown {
    Home,
    Device,
    Explorer(Option<String>),
    Chart(Vec<Choice>),
}

#[derive(Properties, Clone, PartialEq)]
struct StageProps {
    engine: EngineHandle,
    shown: Shown,
}

#[component]
fn Stage(props: &StageProps) -> Html {
    let page = match props.shown.clone() {
        Shown::Home => html! { <Home room={None::<String>} /> },
        Shown::Device => html! { <Device id="lamp" /> },
        Shown::Explorer(topic) => html! { <Explorer {topic} /> },
        Shown::Chart(choices) => html! { <Chart {choices} /> },
    };
    html! { <EngineProvider handle={props.engine.clone()}>{page}</EngineProvider> }
}

fn page(shown: Shown, patches: Vec<Patch>) -> String {
    let engine = EngineHandle::detached(NOW);
    engine.apply(Frame { patches });
    render::<Stage>(StageProps { engine, shown })
}

fn lamp() -> DeviceCard {
    DeviceCard {
        id: "lamp".into(),
        name: "Lampe <i>im</i> Flur".into(),
        kind: "light".into(),
        liveness: Liveness::Online,
        last_heard: NOW - 5_000,
        tone: Tone::On,
        entities: vec![EntityView {
            id: "state".into(),
            name: "State".into(),
            kind: "light".into(),
            value: EntityValue::Binary {
                on: true,
                word: "On".into(),
                since: NOW - 60_000,
            },
            unit: String::new(),
            guessed: false,
            unavailable: false,
            unreadable: false,
            hidden: false,
            by_hand: false,
            at: NOW - 5_000,
            topic: "home/lamp".into(),
            control: None,
            spark: None,
        }],
    }
}

fn lamp_view() -> DeviceView {
    DeviceView {
        card: lamp(),
        room: "Flur".into(),
        source: "plain topics".into(),
        topics: vec!["home/lamp".into()],
        usual_interval_ms: Some(300_000),
        details: vec![("Maker".into(), "IKEA".into())],
        configuration_url: String::new(),
        series: vec![(
            "Power".into(),
            SeriesName {
                topic: "home/lamp".into(),
                field: "power".into(),
                is_state: false,
            },
        )],
        hand: crate::wire::HandView::default(),
        own: vec![Default::default(); 8],
        attributes: vec![],
        attributes_beyond: 0,
    }
}

fn device(view: DeviceView) -> Patch {
    Patch::Device {
        id: "lamp".into(),
        device: Some(Box::new(view)),
    }
}

fn connected() -> Patch {
    Patch::Connection(ConnectionView {
        state: ConnectionState::Connected,
        since: NOW,
        ..ConnectionView::default()
    })
}

#[test]
fn home_shows_facts_attention_rooms_and_cards() {
    let home = HomeView {
        glance: vec![GlanceFact {
            key: "lights".into(),
            value: "1 on".into(),
            unit: "of 1".into(),
            tone: Tone::On,
        }],
        attention: vec![AttentionItem {
            device: "lamp".into(),
            name: "Lampe".into(),
            reason: AttentionReason::Silent,
            since: NOW - 3_600_000,
            state: String::new(),
            detail: "usually every 5 min".into(),
        }],
        rooms: vec![RoomView {
            id: "hall".into(),
            name: "Flur".into(),
            devices: std::rc::Rc::new(vec!["lamp".into()]),
            ..RoomView::default()
        }],
        beyond_limit: 2,
        devices: 1,
        ..HomeView::default()
    };
    let html = page(
        Shown::Home,
        vec![connected(), Patch::Card(Box::new(lamp())), Patch::Home(home)],
    );
    for part in [
        "Lights",
        "Lampe is silent",
        "Usually every 5 min.",
        r#"data-device="lamp""#,
        "2 messages of further devices not shown here",
        "Flur",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("<i>im</i>") && !html.contains("style="), "{html}");
}

#[test]
fn home_without_devices_says_what_it_listens_for() {
    let html = page(Shown::Home, vec![connected(), Patch::Home(HomeView::default())]);
    assert!(html.contains("Connected. Listening for devices."), "{html}");
}

#[test]
fn home_does_not_ask_for_a_broker_while_one_is_being_dialled() {
    let engine = EngineHandle::detached(NOW);
    engine.send(crate::wire::Command::Connect(Box::default()));
    let shown = Shown::Home;
    let html = render::<Stage>(StageProps { engine, shown });
    assert!(html.contains("Connecting to the broker"), "{html}");
}

#[test]
fn a_device_shows_its_values_topics_and_rhythm() {
    let html = page(Shown::Device, vec![device(lamp_view())]);
    for part in [
        "On since",
        "plain topics",
        "#/explorer?topic=home%2Flamp",
        "5 min",
        "just now",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let gone = page(
        Shown::Device,
        vec![Patch::Device {
            id: "lamp".into(),
            device: None,
        }],
    );
    assert!(gone.contains("There is no such device"), "{gone}");
}

#[test]
fn a_kept_value_is_not_said_to_be_new() {
    let mut card = lamp();
    card.last_heard = 0;
    for entity in &mut card.entities {
        entity.at = 0;
    }
    let mut unheard = card.entities[0].clone();
    (unheard.id, unheard.value) = ("power".into(), EntityValue::Unknown);
    card.entities.push(unheard.clone());
    unheard.id = "restart".into();
    unheard.control = Some(crate::wire::ControlView {
        kind: crate::wire::ControlKind::Button,
        guessed: false,
        asks: false,
        for_admins: false,
        code: None,
        state: crate::wire::ControlState::Idle,
        command_topic: "home/lamp/restart".into(),
    });
    card.entities.push(unheard);
    let view = DeviceView { card, ..lamp_view() };
    let html = page(Shown::Device, vec![device(view)]);
    for part in [
        "Kept by the broker, age unknown",
        "Nothing heard of it yet",
        "To be pressed",
        "No value yet",
    ] {
        assert_eq!(html.matches(part).count(), 1, "{part}: {html}");
    }
    assert!(!html.contains("just now"), "{html}");
}

#[test]
fn a_value_that_is_not_read_yet_says_what_it_waits_for() {
    let mut card = lamp();
    card.entities.truncate(1);
    card.entities[0].control = None;
    (card.entities[0].at, card.entities[0].value) = (0, EntityValue::Waiting);
    let html = page(Shown::Device, vec![device(DeviceView { card, ..lamp_view() })]);
    for part in ["Loading…", "What reads it is being loaded"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(
        !html.contains("No value yet") && !html.contains("Nothing heard"),
        "{html}"
    );
}

#[test]
fn attributes_are_shown_as_text_and_what_is_left_out_is_counted() {
    let attribute = |name: &str, text: &str, cut| crate::wire::AttributeView {
        name: name.into(),
        text: text.into(),
        cut,
    };
    let said = |members, fault: &str| crate::wire::AttributesView {
        of: vec!["Power".into(), "State".into()],
        topic: "home/lamp/more".into(),
        members,
        beyond: 3,
        fault: fault.into(),
    };
    let members = vec![
        attribute("effect", "<b>rainbow</b>", 0),
        attribute("log", "start", 1_234),
    ];
    let view = DeviceView {
        attributes: vec![said(members, ""), said(vec![], "it is no JSON object")],
        attributes_beyond: 2,
        ..lamp_view()
    };
    let html = page(Shown::Device, vec![device(view)]);
    for part in [
        "Of <bdi>Power, State</bdi>",
        "&lt;b&gt;rainbow&lt;/b&gt;",
        "… and 1234 more characters",
        "3 more are left out",
        "it is no JSON object",
        "Those of 2 more entities",
        "#/explorer?topic=home%2Flamp%2Fmore",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let without = page(Shown::Device, vec![device(lamp_view())]);
    assert!(!without.contains("Attributes"), "{without}");
}

#[test]
fn explorer_shows_rows_counters_and_the_chosen_topic() {
    let row = TreeRow {
        topic: "home/lamp".into(),
        name: "lamp".into(),
        level: 1,
        is_topic: true,
        retained: true,
        preview: "ON".into(),
        rate: 2.0,
        share: 0.5,
        ..TreeRow::default()
    };
    let tree = TreeView {
        total_rows: 1,
        rows: vec![row],
        topics: 1,
        matching: 1,
        ..TreeView::default()
    };
    let topic = TopicView {
        qos: 1,
        retained: true,
        duplicate: false,
        received_at: NOW - 20_000,
        count: 1,
        mean_interval_ms: None,
        payload_bytes: 2,
        payload: b"ON".to_vec(),
        previous: Some(b"OFF".to_vec()),
        properties: vec![("Content type".into(), "text/plain".into())],
        fields: vec![("power".into(), false), ("state".into(), true)],
        history: vec![],
        ..TopicView::default()
    };
    let html = page(
        Shown::Explorer(Some("home/lamp".into())),
        vec![
            connected(),
            Patch::Counters(Counters {
                received: 12_345,
                dropped: 7,
                topics: 1,
                ..Counters::default()
            }),
            Patch::Tree(tree),
            Patch::Topic {
                topic: "home/lamp".into(),
                view: Some(Box::new(topic)),
            },
        ],
    );
    for part in [
        r#"data-topic="home/lamp" data-retained="true""#,
        r#"data-testid="messages-received" data-value="12345""#,
        r#"data-testid="messages-dropped" data-value="7""#,
        "Retained",
        "QoS 1",
        "20 s ago",
        "1 line changed",
        "text/plain",
        r#"data-testid="publish-send""#,
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
}

#[test]
fn an_older_message_is_marked_and_its_list_offers_what_is_new() {
    let row = |number: u64| HistoryRow {
        number,
        received_at: NOW - 1_000 * (100 - number),
        preview: format!("m{number}"),
        qos: 0,
        retained: false,
        bytes: 2,
    };
    let view = TopicView {
        shown: 7,
        count: 1_012,
        payload: b"m7".to_vec(),
        history: vec![row(8), row(7), row(6)],
        arrivals: Arrivals {
            messages_dropped: 5,
            jitter_ms: Some(150),
            ..Arrivals::default()
        },
        ..TopicView::default()
    };
    let html = page(
        Shown::Explorer(Some("t".into())),
        vec![Patch::Topic {
            topic: "t".into(),
            view: Some(Box::new(view)),
        }],
    );
    for part in [
        "Message 7 of 1,012",
        "1,004 new",
        "1,012 messages, 5 of them no longer kept",
        r#"data-number="7" aria-current="true" class="sel""#,
        r#"aria-label="Older message""#,
        "<dt>Jitter</dt><dd>150 ms</dd>",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert_eq!(html.matches(r#"data-testid="topic-compare""#).count(), 2);
    assert!(!html.contains("Earlier messages"), "6 is the oldest that is kept");
}

#[test]
fn a_chart_says_in_words_what_it_draws() {
    let name = SeriesName {
        topic: "home/lamp".into(),
        field: "power".into(),
        is_state: false,
    };
    let point = |n: u64| Point {
        at_ms: NOW - 60_000 + n * 1_000,
        number: n as f64,
    };
    let series = SeriesView {
        name: name.clone(),
        unit: "W".into(),
        points: (0..30).map(point).collect(),
        columns: vec![
            ColumnView {
                points: 1,
                count: 1,
                mean: 1.0,
            };
            30
        ],
        dropped: 5,
        ..SeriesView::default()
    };
    let chart = ChartView {
        from_ms: NOW - 60_000,
        to_ms: NOW,
        now_ms: NOW,
        oldest_ms: Some(NOW - 60_000),
        series: vec![series],
    };
    let html = page(
        Shown::Chart(vec![Choice {
            name,
            label: "power <b>".into(),
        }]),
        vec![Patch::Chart(Box::new(chart))],
    );
    for part in [
        "power &lt;b&gt;: 30 samples, from 0 to 29 W, last 29 W at 14:31:36, steady.",
        r#"role="application""#,
        r#"data-live="true""#,
        "30 samples, 5 older ones no longer kept",
        "14:32:00",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
}

#[test]
fn a_topic_without_a_message_says_so() {
    let html = page(
        Shown::Explorer(Some("x".into())),
        vec![Patch::Topic {
            topic: "x".into(),
            view: None,
        }],
    );
    assert!(html.contains("Nothing has been heard on this topic"), "{html}");
}

#[test]
fn an_explorer_whose_every_subscription_was_refused_does_not_wait() {
    let refused = SubscriptionView {
        filter: "#".into(),
        qos: 0,
        options: 0,
        id: 0,
        result: "refused: not authorized".into(),
        refused: true,
    };
    let html = page(
        Shown::Explorer(None),
        vec![connected(), Patch::Subscriptions(vec![refused])],
    );
    assert!(html.contains("refused every subscription"), "{html}");
}
