//! One device with all that is known of it.

use std::rc::Rc;

use yew::prelude::*;

use super::{correct::Correct, hand::Hand, route::Route};
use crate::{
    chart::{spark::Sparkline, state::Choice, view::Chart},
    components::{
        card::{
            Tile,
            body::{Countdown, until},
            control::{Control, Retry},
            liveness, pending, raw_value,
            state::asking,
        },
        empty::Explained,
        icon::Icon,
        text::{shortened, visible},
        words,
    },
    hooks::{Shown, use_device, use_engine, use_is_admin, use_now},
    platform::locale,
    wire::{
        Action, AttributesView, Command, ControlKind, ControlState, DeviceCard, DeviceView, EntityValue,
        EntityView, Liveness,
    },
};

/// Longest list of names, in characters.
const NAMES: usize = 200;

/// What [`Device`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct DeviceProps {
    pub(crate) id: AttrValue,
}

/// The page of a device.
#[component]
pub(crate) fn Device(props: &DeviceProps) -> Html {
    let now = use_now(10);
    match use_device(&props.id) {
        Shown::Waiting => html! { <p class="opening" role="status">{"Opening the device…"}</p> },
        Shown::Absent => html! {
            <div class="empty">
                <Explained title="There is no such device" text="It may have been renamed, or it has not spoken since this page was opened.">
                    <a class="btn btn--primary" href="#/">{"Go home"}</a>
                    <a class="btn" href={Route::Explorer { topic: None }.href()}>{"Look for its topics"}</a>
                </Explained>
            </div>
        },
        Shown::Present(view) => html! { <Known {view} {now} /> },
    }
}

#[derive(Properties, PartialEq)]
struct KnownProps {
    view: Rc<DeviceView>,
    now: u64,
}

#[component]
fn Known(props: &KnownProps) -> Html {
    let (view, card) = (&*props.view, &props.view.card);
    let (engine, is_admin) = (use_engine(), use_is_admin());
    let device = card.id.clone();
    let on_action = Callback::from(move |(entity, action): (String, Action)| {
        engine.send(Command::Control {
            request: engine.request(),
            device: device.clone(),
            entity,
            action,
        });
    });
    html! {
        <div class="device" data-testid="device-card" data-device={card.id.clone()} data-kind={card.kind.clone()}
            data-liveness={liveness(card.liveness)}>
            <header class="device__head">
                <Tile kind={card.kind.clone()} tone={card.tone} liveness={card.liveness} />
                <div class="grow">
                    <h2><bdi>{visible(&card.name)}</bdi></h2>
                    <p class="ink2">{liveness_words(view, props.now)}</p>
                </div>
                <a class="btn hide-s" href={Route::Home { room: None }.href()}><Icon name="left" />{"Home"}</a>
            </header>
            <div class="device__cols">
                <div class="stack">
                    <section class="panel" aria-labelledby="entities-h">
                        <header class="panel__head"><h2 id="entities-h">{"Values and controls"}</h2></header>
                        <ul class="entities">
                            { for card.entities.iter().zip(&view.own).map(|(entity, own)| {
                                let correct = html! { <Correct device={card.id.clone()} entity={entity.clone()} own={own.clone()} /> };
                                row(entity, card.name.clone(), card.liveness, props.now, is_admin, &on_action, correct)
                            })}
                        </ul>
                        {if is_admin { Html::default() } else { for_admins(card) }}
                    </section>
                    if !view.series.is_empty() { <Chart key={card.id.clone()} choices={choices(view)} /> }
                </div>
                <div class="stack">
                    {facts(view, props.now)}
                    {attributes(view)}
                    <Hand view={props.view.clone()} />
                    {topics(view)}
                </div>
            </div>
        </div>
    }
}

fn choices(view: &DeviceView) -> Vec<Choice> {
    let choices = view.series.iter().map(|(label, name)| Choice {
        name: name.clone(),
        label: visible(label).into(),
    });
    choices.collect()
}

fn liveness_words(view: &DeviceView, now: u64) -> String {
    let card = &view.card;
    if card.last_heard == 0 {
        let gone = if card.liveness == Liveness::Offline {
            "Offline. "
        } else {
            ""
        };
        return format!(
            "{gone}Last known values, kept by the broker. It has not spoken since this page was opened."
        );
    }
    let heard = words::ago(card.last_heard, now);
    match card.liveness {
        Liveness::Online => format!("Online. Last heard {heard}."),
        Liveness::Stale => {
            let usual = view
                .usual_interval_ms
                .map(|ms| format!(", usually every {}", words::interval(ms)))
                .unwrap_or_default();
            format!("Silent. Last heard {heard}{usual}.")
        }
        Liveness::Offline => {
            format!("Offline. It said goodbye, or the broker did for it. Last heard {heard}.")
        }
        Liveness::Asleep => format!("Asleep. Last heard {heard}; it wakes up by itself."),
        Liveness::Unknown => format!("Last heard {heard}. Not known yet how often it speaks."),
    }
}

fn row(
    entity: &EntityView,
    device: String,
    live: Liveness,
    now: u64,
    is_admin: bool,
    on_action: &Callback<(String, Action)>,
    correct: Html,
) -> Html {
    if !is_admin && is_for_admins(entity) && entity.value == EntityValue::Unknown {
        // It is there to be set only.
        return Html::default();
    }
    let value = match &entity.value {
        EntityValue::Unknown => "No value yet".to_owned(),
        EntityValue::Waiting => "Loading…".to_owned(),
        EntityValue::Number { text, .. } => format!("{} {}", locale::number(text), visible(&entity.unit)),
        EntityValue::Binary { word, since, .. } if *since > 0 => {
            format!("{} {}", visible(word), words::since(*since, now))
        }
        EntityValue::Binary { word, .. } => visible(word),
        EntityValue::Text(text) if text.is_empty() => "Empty".to_owned(),
        EntityValue::Text(text) => words::told(text),
    };
    let failed = match entity.control.as_ref().map(|control| &control.state) {
        Some(ControlState::Failed(why, _)) => Some(visible(why)),
        _ => None,
    };
    html! {
        <li key={entity.id.clone()} class="entity" data-testid="entity" data-entity={entity.id.clone()} data-kind={entity.kind.clone()}>
            <div class="entity__name">
                <h3><bdi>{visible(&entity.name)}</bdi></h3>
                <span class="sub">
                    if let Some(action) = pending(entity) { <strong>{asking(action)}</strong>{" · "} }
                    {said(entity, now)}
                    if entity.unavailable { {" · "}{"Not available"} }
                    if entity.unreadable { {" · "}<span class="mark mark--line"><Icon name="raw" />{"Raw value"}</span> }
                    if entity.guessed { {" · "}<span class="mark mark--line"><Icon name="guess" />{"Guess"}</span> }
                    if entity.by_hand { {" · "}{"Corrected by you"} }
                    if entity.hidden { {" · "}{"Hidden on Home"} }
                </span>
                {correct}
                if let Some(why) = failed { <span class="err"><Icon name="crit" small=true />{why}</span>
                    <Retry entity={entity.clone()} label={device.clone()} on_action={on_action.clone()} />
                }
            </div>
            if let Some(until) = until(entity) {
                <Countdown {until} />
            } else if !(shows_its_value(entity) || is_pressed(entity) && entity.value == EntityValue::Unknown) {
                <output class="entity__value" data-testid="entity-value" data-value={raw_value(&entity.value)}><bdi>{value}</bdi></output>
            }
            if let Some(spark) = &entity.spark {
                <Sparkline spark={spark.clone()} label={format!("{}, from {} to {}", visible(&entity.name), spark.low, spark.high)} />
            }
            if entity.control.is_some() {
                <div class="entity__control">
                    <Control entity={entity.clone()} label={device} disabled={live == Liveness::Offline} on_action={on_action.clone()} />
                </div>
            }
            if let Some(control) = entity.control.as_ref().filter(|control| control.guessed) {
                <p class="hint entity__note">{"Guess: commands go to "}<code><bdi>{visible(&control.command_topic)}</bdi></code></p>
            }
        </li>
    }
}

/// When a value was said, as far as somebody here knows.
fn said(entity: &EntityView, now: u64) -> String {
    match (entity.at, &entity.value) {
        (_, EntityValue::Unknown) if is_pressed(entity) => "To be pressed".to_owned(),
        (_, EntityValue::Waiting) => "What reads it is being loaded".to_owned(),
        (0, EntityValue::Unknown) => "Nothing heard of it yet".to_owned(),
        (0, _) => "Kept by the broker, age unknown".to_owned(),
        (at, _) => words::ago(at, now),
    }
}

/// It has no value of its own.
fn is_pressed(entity: &EntityView) -> bool {
    let kind = entity.control.as_ref().map(|control| &control.kind);
    matches!(kind, Some(ControlKind::Button | ControlKind::Buttons { .. }))
}

fn is_for_admins(entity: &EntityView) -> bool {
    entity.control.as_ref().is_some_and(|control| control.for_admins)
}

/// What others may do here, so that nobody looks for it.
fn for_admins(card: &DeviceCard) -> Html {
    let names = card.entities.iter().filter(|entity| is_for_admins(entity));
    let names: Vec<String> = names.map(|entity| visible(&entity.name)).collect();
    if names.is_empty() {
        return Html::default();
    }
    html! {
        <p class="hint entity" data-testid="for-admins">
            {"Your role does not include what changes the home itself: "}<bdi>{names.join(", ")}</bdi>{". Admins can do it."}
        </p>
    }
}

/// Sliders and steppers have their number beside them.
fn shows_its_value(entity: &EntityView) -> bool {
    // What asks is typed, beside what it is.
    let control = entity.control.as_ref().filter(|control| !control.asks);
    let kind = control.map(|control| &control.kind);
    matches!(
        kind,
        Some(ControlKind::Slider { .. } | ControlKind::Stepper { .. })
    )
}

fn facts(view: &DeviceView, now: u64) -> Html {
    let card = &view.card;
    html! {
        <section class="panel" aria-labelledby="facts-h">
            <header class="panel__head"><h2 id="facts-h">{"About this device"}</h2></header>
            <dl class="props">
                <dt>{"Room"}</dt><dd><bdi>{visible(&view.room)}</bdi></dd>
                <dt>{"Last heard"}</dt><dd>{words::ago(card.last_heard, now)}</dd>
                <dt>{"Usual interval"}</dt>
                <dd>{view.usual_interval_ms.map_or_else(|| "Not known yet".to_owned(), words::interval)}</dd>
                <dt>{"Known from"}</dt><dd>{visible(&view.source)}</dd>
                { for view.details.iter().map(|(name, text)| html! {
                    <><dt>{name.clone()}</dt><dd><bdi>{visible(text)}</bdi></dd></>
                })}
                if !view.configuration_url.is_empty() {
                    <dt>{"Set up at"}</dt>
                    <dd><a class="link" href={view.configuration_url.clone()} target="_blank" rel="noreferrer noopener">
                        <bdi>{visible(&view.configuration_url)}</bdi></a></dd>
                }
            </dl>
        </section>
    }
}

/// What entities say besides their values.
fn attributes(view: &DeviceView) -> Html {
    // Nothing but what is shown as values already.
    let telling = |said: &&AttributesView| !said.members.is_empty() || !said.fault.is_empty();
    let said: Vec<&AttributesView> = view.attributes.iter().filter(telling).collect();
    if said.is_empty() {
        return Html::default();
    }
    html! {
        <section class="panel" aria-labelledby="attributes-h" data-testid="attributes">
            <header class="panel__head"><h2 id="attributes-h">{"Attributes"}</h2></header>
            { for said.iter().map(|said| html! {
                <>
                    <p class="hint entity">{"Of "}<bdi>{shortened(&visible(&said.of.join(", ")), NAMES)}</bdi>{", on "}
                        <a class="link mono" href={Route::Explorer { topic: Some(said.topic.clone()) }.href()}>
                            <bdi>{visible(&said.topic)}</bdi></a>
                        if !said.fault.is_empty() { {". They cannot be read: "}<bdi>{visible(&said.fault)}</bdi> }
                    </p>
                    <dl class="props">
                        { for said.members.iter().map(|one| html! {
                            <><dt><bdi>{visible(&one.name)}</bdi></dt><dd><bdi>{visible(&one.text)}</bdi>
                                if one.cut > 0 { {format!("… and {} more characters", one.cut)} }
                            </dd></>
                        })}
                    </dl>
                    if said.beyond > 0 { <p class="hint entity">{format!("{} more are left out.", said.beyond)}</p> }
                </>
            })}
            if view.attributes_beyond > 0 {
                <p class="hint entity">{format!("Those of {} more entities are left out.", view.attributes_beyond)}</p>
            }
        </section>
    }
}

fn topics(view: &DeviceView) -> Html {
    html! {
        <section class="panel" aria-labelledby="topics-h">
            <header class="panel__head"><h2 id="topics-h">{"Topics"}</h2></header>
            <ul class="topiclist">
                { for view.topics.iter().map(|topic| html! {
                    <li key={topic.clone()}><a class="link mono" href={Route::Explorer { topic: Some(topic.clone()) }.href()}>
                        <bdi>{visible(topic)}</bdi></a></li>
                })}
            </ul>
        </section>
    }
}
