//! One topic: its last message in full, a chart, recent messages, properties, and publishing to it.

use std::rc::Rc;

use yew::prelude::*;

use super::{
    export::ExportButton,
    messages::{ArrivalPanel, Messages},
    route::Route,
};
use crate::{
    chart::{state::Choice, view::Chart},
    components::{
        copy::Copy,
        form::{
            payload,
            publish::{Draft, PublishForm},
            sent,
            written::{self, Held, Payload, Written},
        },
        icon::Icon,
        payload::viewer::Viewer,
        text::{language, shortened, visible},
        words,
    },
    hooks::{
        Shown, use_connection, use_engine, use_gradually, use_look_only, use_now, use_outcome, use_topic,
    },
    platform::{document, files, locale},
    wire::{Command, ConnectionState, SeriesName, TopicSeen, TopicView},
};

/// Longest level of a topic shown in its path; copying takes all of it.
const LONGEST_LEVEL: usize = 200;
/// Payload, chart, messages, and what is beside them.
const PARTS: usize = 4;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// What [`Topic`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct TopicProps {
    pub(crate) topic: AttrValue,
}

/// The detail of a topic.
#[component]
pub(crate) fn Topic(props: &TopicProps) -> Html {
    let seen = use_state_eq(TopicSeen::default);
    let shown = use_topic(&props.topic, *seen);
    let view = match &shown {
        Shown::Present(view) => Some(view.clone()),
        Shown::Waiting | Shown::Absent => None,
    };
    let on_seen = use_callback(seen.setter(), |next: TopicSeen, seen| seen.set(next));
    let (copied, on_publish) = use_copied(&props.topic, &view);
    // All parts of the first topic that is looked at would be a task of 40 ms; without a browser there are no frames.
    let all = if view.is_some() { PARTS } else { 1 };
    let parts = use_gradually(all, 1, cfg!(target_family = "wasm"));
    html! {
        <>
            <Head topic={props.topic.clone()} view={view.clone()} absent={shown == Shown::Absent} />
            <div class="detail__cols">
                <div class="stack">
                    if let Some(view) = &view { <Message topic={props.topic.clone()} view={view.clone()} choices={choices(&props.topic, view)} {parts} seen={*seen} on_seen={on_seen} {on_publish} /> }
                </div>
                <div class="stack">
                    <Publish key={copied} topic={props.topic.clone()} />
                    if let Some(view) = view.as_ref().filter(|_| parts == PARTS) {
                        if !view.properties.is_empty() { {properties(view)} }
                        <ArrivalPanel count={view.count} mean_interval_ms={view.mean_interval_ms} arrivals={view.arrivals} />
                    }
                </div>
            </div>
        </>
    }
}

/// How often a payload was copied into the publish form, and what copies it: the form begins anew with it.
#[hook]
fn use_copied(topic: &AttrValue, view: &Option<Rc<TopicView>>) -> (u32, Callback<()>) {
    let copied = use_state_eq(|| 0_u32);
    use_effect_with(*copied, |copied| {
        if *copied > 0 {
            document::focus_id(payload::FIELD);
        }
    });
    let latest = use_mut_ref(|| None);
    latest.borrow_mut().clone_from(view);
    let on_publish = use_callback((copied.clone(), topic.clone()), move |(), (copied, topic)| {
        if let Some(view) = &*latest.borrow() {
            sent::keep_draft(topic, &Rc::new(with_payload(&sent::draft(topic), view)));
            copied.set(**copied + 1);
        }
    });
    (*copied, on_publish)
}

/// What is typed, with the payload of the message that is shown.
fn with_payload(draft: &Draft, view: &TopicView) -> Draft {
    let payload = Payload::of(
        &view.payload,
        &format!("message of {}", locale::time_exact(view.received_at)),
    );
    Draft {
        is_text: draft.is_text && payload.written == Written::Text,
        payload,
        ..draft.clone()
    }
}

#[derive(Properties, PartialEq)]
struct HeadProps {
    topic: AttrValue,
    view: Option<Rc<TopicView>>,
    absent: bool,
}

#[component]
fn Head(props: &HeadProps) -> Html {
    let now = use_now(10);
    let connection = use_connection();
    let topic = props.topic.clone();
    let copy = Callback::from(move |()| topic.to_string());
    let live = connection.state == ConnectionState::Connected;
    html! {
        <header class="detail__head">
            <div class="row">
                <a class="btn btn--dense only-detail" href={Route::Explorer { topic: None }.href()}><Icon name="left" small=true />{"Topics"}</a>
                <nav class="path grow" aria-label="Topic path">{path(&props.topic)}</nav>
                <Copy class="btn--icon btn--quiet" label="Copy the topic" text={copy} testid="topic-copy" />
                <ExportButton topic={props.topic.clone()} />
                <a class="btn btn--dense btn--icon btn--quiet only-wide" aria-label="Close the topic" title="Close the topic" data-testid="topic-close"
                    href={Route::Explorer { topic: None }.href()}><Icon name="x" /></a>
            </div>
            if let Some(view) = &props.view {
                {marks(view, live, now)}
            } else if props.absent {
                <p class="ink2">{"Nothing has been heard on this topic since the page was opened."}</p>
            } else {
                <p class="ink2" role="status">{"Opening the topic…"}</p>
            }
        </header>
    }
}

/// Every level leads to the topic that ends there.
fn path(topic: &str) -> Html {
    let levels: Vec<&str> = topic.split('/').collect();
    let mut at = 0;
    levels
        .iter()
        .enumerate()
        .map(|(index, level)| {
            at += level.len() + usize::from(index > 0);
            let name = if level.is_empty() {
                "∅".to_owned()
            } else {
                shortened(&visible(level), LONGEST_LEVEL)
            };
            let lang = language(level);
            if index + 1 == levels.len() {
                return html! { <strong aria-current="page" {lang}><bdi>{name}</bdi></strong> };
            }
            let href = Route::Explorer {
                topic: topic.get(..at).map(str::to_owned),
            }
            .href();
            html! { <><a {href} {lang}><bdi>{name}</bdi></a><i>{"/"}</i></> }
        })
        .collect()
}

fn marks(view: &TopicView, live: bool, now: u64) -> Html {
    let (class, icon, words) = if live {
        ("mark--ok", "check", "Live")
    } else {
        ("mark--warn", "minus", "Last known")
    };
    // A word for its age within a day, the date after it; the time to the millisecond, which tells messages apart.
    let time = locale::time_exact(view.received_at);
    let received = if now.saturating_sub(view.received_at) < DAY_MS {
        let age = words::ago(view.received_at, words::step_now(view.received_at, now));
        format!("Received {time}, {age}.")
    } else {
        format!("Received {}, {time}.", locale::day_and_year(view.received_at))
    };
    let every = match view.mean_interval_ms {
        Some(ms) => format!("Every {} on average.", words::interval(ms)),
        None => String::new(),
    };
    html! {
        <p class="row row--wrap">
            <span class={classes!("mark", class)}><Icon name={icon} />{words}</span>
            <span class="mark">{format!("QoS {}", view.qos)}</span>
            if view.retained {
                <span class="mark mark--accent"><Icon name="pin" />{"Retained"}</span>
            } else {
                // Without Retain As Published the broker takes the mark off what it passes on [MQTT5-3.3.1-12], so that it says
                // nothing of what is kept.
                <span class="mark"><Icon name="minus" />{"Not marked retained"}</span>
            }
            if view.shown < view.count {
                <span class="mark mark--warn">{format!("Message {} of {}", locale::number(&view.shown.to_string()), locale::number(&view.count.to_string()))}</span>
            }
            if view.duplicate { <span class="mark mark--warn">{"Duplicate"}</span> }
            <span class="mark">{words::bytes(view.payload_bytes)}</span>
            <span class="ink2 small">{received}{" "}{every}</span>
        </p>
    }
}

#[derive(Properties, PartialEq)]
struct MessageProps {
    topic: AttrValue,
    view: Rc<TopicView>,
    choices: Vec<Choice>,
    /// How many are there by now: payload, chart, messages.
    parts: usize,
    seen: TopicSeen,
    on_seen: Callback<TopicSeen>,
    on_publish: Callback<()>,
}

/// What of a topic can be charted: numbers, then states.
fn choices(topic: &str, view: &TopicView) -> Vec<Choice> {
    let fields = view.fields.iter().map(|(field, is_state)| {
        let level = topic.rsplit('/').next().unwrap_or_default();
        let mut label = visible(if field.is_empty() { level } else { field });
        if *is_state && view.fields.contains(&(field.clone(), false)) {
            label.push_str(", state");
        }
        let name = SeriesName {
            topic: topic.to_owned(),
            field: field.clone(),
            is_state: *is_state,
        };
        Choice {
            name,
            label: label.into(),
        }
    });
    fields.collect()
}

#[component]
fn Message(props: &MessageProps) -> Html {
    let view = &props.view;
    let payload = use_memo(view.payload.clone(), |bytes| Rc::<[u8]>::from(bytes.as_slice()));
    let previous = use_memo(view.previous.clone(), |bytes| {
        bytes.as_deref().map(Rc::<[u8]>::from)
    });
    let seen = props.seen;
    let media_type = view.properties.iter().find(|(name, _)| name == "Content Type");
    let media_type = AttrValue::from(media_type.map(|(_, value)| value.clone()).unwrap_or_default());
    let against = seen
        .against
        .is_some()
        .then(|| format!("message {}", view.against));
    let on_previous = props.on_seen.reform(move |()| TopicSeen {
        against: None,
        ..seen
    });
    html! {
        <>
            <Viewer key={&*props.topic} topic={props.topic.clone()} {media_type} payload={(*payload).clone()} previous={(*previous).clone()} received_bytes={view.payload_bytes}
                against={against} on_previous={on_previous} on_publish={props.on_publish.clone()} />
            if props.parts > 1 && !props.choices.is_empty() { <Chart choices={props.choices.clone()} refused={view.arrivals.fields_refused} /> }
            if props.parts > 2 { <Messages view={view.clone()} seen={props.seen} on_seen={props.on_seen.clone()} /> }
        </>
    }
}

fn properties(view: &TopicView) -> Html {
    html! {
        <section class="panel" aria-label="MQTT 5 properties">
            <header class="panel__head"><h2>{"MQTT 5 properties"}</h2></header>
            <dl class="props">
                { for view.properties.iter().map(|(name, value)| html! {
                    <><dt><bdi>{visible(name)}</bdi></dt><dd class="mono"><bdi>{visible(value)}</bdi></dd></>
                })}
            </dl>
        </section>
    }
}

/// What [`Publish`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct PublishProps {
    pub(crate) topic: AttrValue,
}

/// The publish form and what became of the last message.
#[component]
pub(crate) fn Publish(props: &PublishProps) -> Html {
    let engine = use_engine();
    let draft = use_state(|| sent::draft(&props.topic));
    let last = {
        let engine = engine.clone();
        use_state(move || sent::last(&engine))
    };
    let error = use_state(|| None::<String>);
    let outcome = use_outcome(last.as_ref().map(|last| last.request));
    let under_way = last
        .as_ref()
        .is_some_and(|last| last.is_under_way(outcome.as_ref()));
    // Of another topic only what can be stopped is of interest.
    let elsewhere = last
        .as_ref()
        .map(|last| last.topic.clone())
        .filter(|topic| *topic != props.topic && *topic != draft.topic);
    // Beside an error the outcome of the message before would seem to be that of this one.
    let outcome = outcome.filter(|_| under_way || (elsewhere.is_none() && error.is_none()));
    let elsewhere = elsewhere.filter(|_| outcome.is_some());
    let look_only = use_look_only();
    let on_change = {
        let (draft, topic, error) = (draft.clone(), props.topic.clone(), error.clone());
        Callback::from(move |changed: Draft| {
            // It was about what stood there before.
            error.set(None);
            let changed = Rc::new(changed);
            sent::keep_draft(&topic, &changed);
            draft.set(changed);
        })
    };
    let on_file = use_on_file(&props.topic, &on_change, &error);
    let on_stop = {
        let (engine, last) = (engine.clone(), last.clone());
        Callback::from(move |()| {
            if let Some(last) = &*last {
                engine.send(Command::StopPublish(last.request));
            }
        })
    };
    let on_send = {
        let (draft, last, error) = (draft.clone(), last.clone(), error.clone());
        Callback::from(move |()| {
            let wrong = draft.error();
            if wrong.is_none() {
                let request = engine.request();
                engine.send(Command::Publish {
                    request,
                    message: draft.publication(),
                });
                sent::remember(&draft);
                let sent = sent::Last {
                    engine: engine.clone(),
                    request,
                    topic: draft.topic.clone().into(),
                    at: engine.now(),
                    waits: draft.waits,
                };
                sent::set_last(&sent);
                last.set(Some(sent));
            }
            error.set(wrong);
        })
    };
    // The same message sent again has the same outcome: its time says that it is another one.
    let at = last
        .as_ref()
        .map(|last| AttrValue::from(locale::time_exact(last.at)));
    html! { <PublishForm draft={(*draft).clone()} {at} {outcome} {under_way} {elsewhere} error={(*error).clone()} {look_only} {on_change} {on_file} {on_send} {on_stop} /> }
}

/// Reads a file that was chosen; what is typed meanwhile stays.
#[hook]
fn use_on_file(
    topic: &AttrValue,
    on_change: &Callback<Draft>,
    error: &UseStateHandle<Option<String>>,
) -> Callback<web_sys::File> {
    let (topic, on_change, error) = (topic.clone(), on_change.clone(), error.clone());
    Callback::from(move |file: web_sys::File| {
        let (topic, on_change, error) = (topic.clone(), on_change.clone(), error.clone());
        let name = file.name();
        files::read(&file, written::MOST_FILE, move |read| match read {
            Ok(bytes) => {
                let mut draft = (*sent::draft(&topic)).clone();
                draft.payload.written = Written::File;
                draft.payload.file = Some(Held {
                    name,
                    bytes: bytes.into(),
                });
                on_change.emit(draft);
            }
            Err(size) if size > f64::from(written::MOST_FILE) => error.set(Some(format!(
                "{name} has {}; a file for one message has at most {}.",
                words::bytes(size as u64),
                words::bytes(u64::from(written::MOST_FILE)),
            ))),
            Err(_) => error.set(Some(format!(
                "{name} could not be read. Is it a file, and is it still there?"
            ))),
        });
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_payload_is_exact_and_leaves_the_rest_of_the_form_alone() {
        let typed = Draft {
            topic: "other".into(),
            qos: 2,
            is_text: true,
            ..Draft::default()
        };
        let with = |payload: &[u8]| {
            let view = TopicView {
                payload: payload.to_vec(),
                ..TopicView::default()
            };
            with_payload(&typed, &view)
        };
        for payload in [&b"\xff\x00\r\n"[..], b"ON", b"", &[1; 100_000]] {
            let message = with(payload).publication();
            assert_eq!(message.payload, payload);
            assert_eq!((&*message.topic, message.qos), ("other", 2));
        }
        // An indicator that was for a text says nothing of bytes.
        assert!(with(b"ON").is_text && !with(b"\xff").is_text);
    }

    #[test]
    fn a_plain_value_is_called_by_its_topic_and_a_state_beside_it_is_marked() {
        let fields = [("", false), ("a.b", false), ("", true), ("on", true)];
        let view = TopicView {
            fields: fields
                .map(|(field, is_state)| (field.to_owned(), is_state))
                .to_vec(),
            ..TopicView::default()
        };
        let choices = choices("home/boiler", &view);
        let labels: Vec<_> = choices.iter().map(|choice| choice.label.as_str()).collect();
        assert_eq!(labels, ["boiler", "a.b", "boiler, state", "on"]);
    }
}
