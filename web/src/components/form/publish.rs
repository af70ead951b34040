//! The publish form of Explorer.

use std::rc::Rc;

use yew::prelude::*;

use super::{
    answer::answer,
    event_value,
    field::{Check, Choice, Field},
    payload::payload_field,
    sent::Sent,
    written::{Payload, Written},
};
use crate::{
    components::{icon::Icon, text::visible},
    platform::locale,
    wire::{Outcome, Publication},
};

/// What is typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Draft {
    pub(crate) topic: String,
    pub(crate) payload: Payload,
    pub(crate) qos: u8,
    pub(crate) retain: bool,
    pub(crate) content_type: String,
    pub(crate) response_topic: String,
    pub(crate) correlation: String,
    pub(crate) is_text: bool,
    pub(crate) variables: bool,
    pub(crate) expiry: String,
    /// One a line: `name: value`.
    pub(crate) user_properties: String,
    /// How many times; empty is once.
    pub(crate) repeat: String,
    /// From one to the next, ms; empty is at once.
    pub(crate) every: String,
    /// Wait for a response.
    pub(crate) waits: bool,
    /// At most so many seconds; empty is [`RESPONSE_S`].
    pub(crate) waits_s: String,
}

/// How long a response is waited for, s.
const RESPONSE_S: u32 = 10;
/// As long as a `u32` of ms lasts, s.
const MOST_RESPONSE_S: u32 = 1_000_000;

/// What the queue takes while there is no connection.
const MOST_REPEATS: u32 = 10_000;

impl Draft {
    /// What is wrong with it and how to put it right.
    pub(crate) fn error(&self) -> Option<String> {
        if self.topic.is_empty() {
            return Some("Enter a topic to publish to.".to_owned());
        }
        if self.topic.contains(['+', '#']) {
            return Some("A topic to publish to has no + and no #: name one topic.".to_owned());
        }
        if self.topic.contains('\0') || self.topic.len() > usize::from(u16::MAX) {
            return Some("This topic cannot be sent: at most 65,535 bytes and no NUL character.".to_owned());
        }
        if let Some(error) = self.payload_error() {
            return Some(error);
        }
        if !self.expiry.trim().is_empty() && self.expiry.trim().parse::<u32>().is_err() {
            return Some("Message expiry: enter seconds, or leave it empty.".to_owned());
        }
        if self.times().is_none() {
            return Some("How many times: enter a number from 1 to 10,000, or leave it empty.".to_owned());
        }
        if self.every_ms().is_none() {
            return Some("From one to the next: enter milliseconds, or leave it empty.".to_owned());
        }
        if self.waits && self.times() != Some(1) {
            return Some("A response is waited for with one message: send it once.".to_owned());
        }
        if self.waits && self.within_s().is_none() {
            return Some("Wait at most: enter seconds from 1 to 1,000,000, or leave it empty.".to_owned());
        }
        let named = |line: &str| {
            line.split_once(':')
                .is_some_and(|(name, _)| !name.trim().is_empty())
        };
        if self
            .user_properties
            .lines()
            .any(|line| !line.trim().is_empty() && !named(line))
        {
            return Some("User properties: write one “name: value” a line.".to_owned());
        }
        None
    }

    fn payload_error(&self) -> Option<String> {
        let bytes = match self.payload.bytes() {
            Ok(bytes) => bytes,
            Err(error) => return Some(error),
        };
        // Whoever receives what is none may refuse it with 0x99, Payload format invalid.
        let at = std::str::from_utf8(&bytes)
            .err()
            .filter(|_| self.is_text)?
            .valid_up_to();
        Some(format!(
            "The payload is no UTF-8 text: byte {} belongs to no character. Turn off the Payload Format Indicator among \
             the MQTT 5 properties.",
            at + 1
        ))
    }

    /// The message it means.
    pub(crate) fn publication(&self) -> Publication {
        let filled = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        let pairs = self
            .user_properties
            .lines()
            .filter_map(|line| line.split_once(':'));
        Publication {
            topic: self.topic.clone(),
            payload: self.payload.bytes().unwrap_or_default().into_owned(),
            is_verbatim: self.payload.written != Written::Text,
            qos: self.qos,
            retain: self.retain,
            content_type: filled(&self.content_type),
            response_topic: filled(&self.response_topic),
            correlation_data: filled(&self.correlation).map(String::into_bytes),
            is_text: self.is_text,
            variables: self.variables,
            message_expiry_interval: self.expiry.trim().parse().ok(),
            user_properties: pairs
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                .collect(),
            repeat: self.times().unwrap_or(1),
            every_ms: self.every_ms().unwrap_or_default(),
            response_within_ms: self.within_s().filter(|_| self.waits).unwrap_or_default() * 1_000,
        }
    }

    fn every_ms(&self) -> Option<u32> {
        match self.every.trim() {
            "" => Some(0),
            text => text.parse().ok(),
        }
    }

    fn within_s(&self) -> Option<u32> {
        match self.waits_s.trim() {
            "" => Some(RESPONSE_S),
            text => text.parse().ok().filter(|s| (1..=MOST_RESPONSE_S).contains(s)),
        }
    }

    fn times(&self) -> Option<u32> {
        match self.repeat.trim() {
            "" => Some(1),
            text => text.parse().ok().filter(|n| (1..=MOST_REPEATS).contains(n)),
        }
    }

    fn clears(&self) -> bool {
        self.retain && self.payload.bytes().is_ok_and(|bytes| bytes.is_empty())
    }

    fn properties_set(&self) -> usize {
        [
            &self.content_type,
            &self.response_topic,
            &self.correlation,
            &self.expiry,
        ]
        .into_iter()
        .filter(|text| !text.trim().is_empty())
        .count()
            + usize::from(self.is_text)
            + usize::from(self.waits)
            + self
                .user_properties
                .lines()
                .filter(|line| !line.trim().is_empty())
                .count()
    }
}

/// What [`PublishForm`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct PublishFormProps {
    pub(crate) draft: Rc<Draft>,
    pub(crate) outcome: Option<Outcome>,
    /// It waits for a response, or is sent several times: it can be stopped.
    #[prop_or_default]
    pub(crate) under_way: bool,
    /// When it was sent.
    #[prop_or_default]
    pub(crate) at: Option<AttrValue>,
    /// The outcome is of a message to this other topic.
    #[prop_or_default]
    pub(crate) elsewhere: Option<AttrValue>,
    /// Found when it was sent.
    pub(crate) error: Option<String>,
    /// Why nothing can be sent.
    #[prop_or_default]
    pub(crate) look_only: Option<AttrValue>,
    pub(crate) on_change: Callback<Draft>,
    /// A file was chosen for the payload.
    #[prop_or_default]
    pub(crate) on_file: Callback<web_sys::File>,
    pub(crate) on_send: Callback<()>,
    #[prop_or_default]
    pub(crate) on_stop: Callback<()>,
}

/// Topic, payload, QoS, retain, properties, result.
#[component]
pub(crate) fn PublishForm(props: &PublishFormProps) -> Html {
    let draft = &props.draft;
    let edit = Edit {
        draft: draft.clone(),
        on_change: props.on_change.clone(),
    };
    let onsubmit = props.on_send.reform(|event: SubmitEvent| event.prevent_default());
    html! {
        <section class="panel" aria-label="Publish">
            <header class="panel__head"><h2>{"Publish"}</h2></header>
            <form class="panel__body stack" {onsubmit} novalidate=true>
                <Field id="publish-topic" label="Topic" value={draft.topic.clone()} mono=true testid="publish-topic"
                    on_input={edit.with(|draft, text| draft.topic = text)} />
                {payload_field(&edit, &props.on_file)}
                <div class="row row--wrap row--apart">
                    <Choice legend="Quality of service" hidden_legend=true name="publish-qos" chosen={draft.qos}
                        options={vec![(0, "QoS 0", Some("publish-qos-0")), (1, "1", Some("publish-qos-1")), (2, "2", Some("publish-qos-2"))]}
                        on_choose={edit.with(|draft, qos| draft.qos = qos)} />
                    <Check checked={draft.retain} testid="publish-retain" on_check={edit.with(|draft, on| draft.retain = on)}>{"Retain"}</Check>
                </div>
                if draft.clears() {
                    <p class="banner banner--in"><Icon name="trash" small=true />
                        {"An empty payload with Retain clears the retained message of this topic at the broker."}</p>
                }
                {properties(&edit)}
                {several(&edit)}
                <Sent on_use={props.on_change.clone()} />
                if let Some(error) = &props.error {
                    <p class="err" role="alert" data-testid="publish-error"><Icon name="crit" small=true /><span>{visible(error)}</span></p>
                }
                if let Some(why) = &props.look_only { <p class="hint">{why}</p> }
                <button class="btn btn--primary" type="submit" disabled={props.look_only.is_some() || props.under_way} data-testid="publish-send">
                    {if draft.clears() { "Clear the retained message" } else { "Publish" }}
                </button>
                <div class="publish__result row row--wrap" role="status">
                    {props.outcome.as_ref().map(result)}
                    if let Some(at) = props.at.as_ref().filter(|_| props.outcome.is_some()) { <span class="small ink2">{at.clone()}</span> }
                    if let Some(topic) = &props.elsewhere { <span class="small ink2">{"to "}<bdi>{visible(topic)}</bdi></span> }
                    if props.under_way {
                        <button class="btn btn--dense" type="button" onclick={props.on_stop.reform(|_: MouseEvent| ())} data-testid="publish-stop">
                            <Icon name="stop" small=true />{"Stop"}</button>
                    }
                </div>
                if let Some(Outcome::Answered(response)) = &props.outcome { {answer(response)} }
            </form>
        </section>
    }
}

fn several(edit: &Edit) -> Html {
    let draft = &edit.draft;
    html! {
        <details>
            <summary data-testid="publish-repeat-open"><Icon name="right" small=true />{"Variables, send several times"}</summary>
            <div class="stack fgroup__more">
                <Check checked={draft.variables} testid="publish-variables" on_check={edit.with(|draft, on| draft.variables = on)}>
                    {"Fill in variables in topic and payload"}</Check>
                <p class="hint">{"{now} ms since 1970, {time} date and time, {uuid}, {random} 0 to 999999, {random:1-6} as you like. A payload in hex, Base64 or a file is sent as it is."}</p>
                <Field id="publish-repeat" label="How many times" value={draft.repeat.clone()} inputmode="numeric"
                    placeholder="1" hint="{n} in topic and payload becomes 1, 2, 3 and so on." testid="publish-repeat"
                    on_input={edit.with(|draft, text| draft.repeat = text)} />
                <Field id="publish-every" label="From one to the next, milliseconds" value={draft.every.clone()} inputmode="numeric"
                    placeholder="all at once" testid="publish-every" on_input={edit.with(|draft, text| draft.every = text)} />
            </div>
        </details>
    }
}

/// Changes what is typed.
#[derive(Clone)]
pub(super) struct Edit {
    pub(super) draft: Rc<Draft>,
    on_change: Callback<Draft>,
}

impl Edit {
    pub(super) fn with<T: 'static>(&self, change: impl Fn(&mut Draft, T) + 'static) -> Callback<T> {
        let Self { draft, on_change } = self.clone();
        Callback::from(move |value| {
            let mut draft = (*draft).clone();
            change(&mut draft, value);
            on_change.emit(draft);
        })
    }
}

fn properties(edit: &Edit) -> Html {
    let draft = &edit.draft;
    let set = match draft.properties_set() {
        0 => "none set".to_owned(),
        n => format!("{n} set"),
    };
    html! {
        <details>
            <summary data-testid="publish-properties"><Icon name="right" small=true />{"MQTT 5 properties "}<span class="muted">{set}</span></summary>
            <div class="stack fgroup__more">
                <Field id="publish-content-type" label="Content type" value={draft.content_type.clone()} placeholder="application/json"
                    on_input={edit.with(|draft, text| draft.content_type = text)} />
                <Field id="publish-expiry" label="Message expires after, seconds" value={draft.expiry.clone()} inputmode="numeric"
                    on_input={edit.with(|draft, text| draft.expiry = text)} />
                <Field id="publish-response" label="Response topic" value={draft.response_topic.clone()} testid="publish-response-topic"
                    on_input={edit.with(|draft, text| draft.response_topic = text)} />
                <Field id="publish-correlation" label="Correlation data" value={draft.correlation.clone()} testid="publish-correlation"
                    on_input={edit.with(|draft, text| draft.correlation = text)} />
                <Check checked={draft.waits} testid="publish-wait" on_check={edit.with(|draft, on| draft.waits = on)}>
                    {"Wait for the response"}</Check>
                if draft.waits {
                    <Field id="publish-wait-s" label="Wait at most, seconds" value={draft.waits_s.clone()} inputmode="numeric" placeholder="10"
                        hint="Response topic and correlation data are made up where they are empty." testid="publish-wait-s"
                        on_input={edit.with(|draft, text| draft.waits_s = text)} />
                }
                <Check checked={draft.is_text} testid="publish-is-text" on_check={edit.with(|draft, on| draft.is_text = on)}>
                    {"The payload is UTF-8 text (Payload Format Indicator)"}</Check>
                <div class="field">
                    <label for="publish-user">{"User properties"}</label>
                    <textarea class="textarea mono" id="publish-user" value={draft.user_properties.clone()} spellcheck="false"
                        placeholder="name: value"
                        oninput={edit.with(|draft, event: InputEvent| draft.user_properties = event_value(&event))} />
                </div>
                <p class="hint">{"Topic aliases are used by themselves where the broker takes them."}</p>
            </div>
        </details>
    }
}

fn result(outcome: &Outcome) -> Html {
    let (state, icon, class, words) = match outcome {
        Outcome::Queued => (
            "queued",
            "minus",
            "mark--warn",
            "Waiting for the broker".to_owned(),
        ),
        Outcome::Sent => ("sent", "check", "", "Sent".to_owned()),
        Outcome::Acknowledged(words) if words.is_empty() => (
            "acknowledged",
            "check",
            "mark--ok",
            "Acknowledged by the broker".to_owned(),
        ),
        Outcome::Acknowledged(words) => (
            "acknowledged",
            "check",
            "mark--ok",
            format!("Acknowledged: {words}"),
        ),
        Outcome::Progress { sent, all, over } => {
            let (sent, all) = (
                locale::number(&sent.to_string()),
                locale::number(&all.to_string()),
            );
            if *over {
                (
                    "sent",
                    "stop",
                    "mark--warn",
                    format!("Stopped after {sent} of {all}"),
                )
            } else {
                ("queued", "minus", "", format!("Sent {sent} of {all}"))
            }
        }
        Outcome::Answered(_) => ("acknowledged", "check", "mark--ok", "Answered".to_owned()),
        Outcome::Unanswered(why) => (
            "failed",
            "minus",
            "mark--warn",
            format!("Sent, but no response: {why}"),
        ),
        Outcome::Failed(why) => ("failed", "crit", "mark--crit", format!("Not published: {why}")),
    };
    html! {
        <span class={classes!("mark", "mark--wrap", class)} data-testid="publish-result" data-state={state}>
            <Icon name={icon} />{visible(&words)}
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::render;

    fn draft(topic: &str, payload: &str) -> Draft {
        Draft {
            topic: topic.into(),
            payload: Payload::of(payload.as_bytes(), ""),
            ..Draft::default()
        }
    }

    #[test]
    fn bytes_are_sent_as_they_are_written_and_never_called_text_when_they_are_none() {
        let written = |written, text: &str, is_text| Draft {
            payload: Payload {
                written,
                text: text.into(),
                file: None,
            },
            is_text,
            ..draft("t", "")
        };
        let binary = written(Written::Hex, "ff 00", false);
        assert_eq!(binary.error(), None);
        let publication = binary.publication();
        assert_eq!(
            (
                publication.payload.as_slice(),
                publication.is_verbatim,
                publication.is_text
            ),
            (&[0xff, 0x00][..], true, false)
        );
        assert!(!written(Written::Text, "{n}", false).publication().is_verbatim);
        // The indicator is the user's to set, and only of what is text.
        assert_eq!(written(Written::Base64, "T04=", true).error(), None);
        let refused = written(Written::Hex, "4f ff", true).error().unwrap_or_default();
        assert!(
            refused.contains("byte 2") && refused.contains("Payload Format Indicator"),
            "{refused}"
        );
        let refused = written(Written::Hex, "4f f", false).error().unwrap_or_default();
        assert!(refused.contains("character 4"), "{refused}");
    }

    #[test]
    fn wildcards_and_nameless_properties_are_refused_with_the_fix() {
        assert!(
            draft("a/+", "")
                .error()
                .is_some_and(|error| error.contains("name one topic"))
        );
        assert!(draft("", "").error().is_some());
        let nameless = Draft {
            user_properties: "x".into(),
            ..draft("t", "")
        };
        assert!(nameless.error().is_some());
        assert_eq!(draft("a/b", "").error(), None);
    }

    #[test]
    fn a_message_is_sent_once_or_as_often_as_typed() {
        let times = |repeat: &str| Draft {
            repeat: repeat.into(),
            ..draft("t", "{n}")
        };
        assert_eq!(times("").publication().repeat, 1);
        assert_eq!(times(" 1000 ").publication().repeat, 1_000);
        for wrong in ["0", "-1", "10001", "x"] {
            assert!(times(wrong).error().is_some(), "{wrong}");
        }
    }

    #[test]
    fn an_interval_and_a_response_are_checked_and_asked_for() {
        let every = |every: &str| Draft {
            every: every.into(),
            repeat: "3".into(),
            ..draft("t", "")
        };
        assert_eq!(every(" 500 ").publication().every_ms, 500);
        assert!(every("soon").error().is_some());
        let waits = |waits_s: &str, repeat: &str| Draft {
            waits: true,
            waits_s: waits_s.into(),
            repeat: repeat.into(),
            ..draft("t", "")
        };
        assert_eq!(waits("", "").publication().response_within_ms, 10_000);
        assert_eq!(waits("3", "1").publication().response_within_ms, 3_000);
        for (waits_s, repeat) in [("0", ""), ("x", ""), ("5", "2")] {
            assert!(waits(waits_s, repeat).error().is_some(), "{waits_s} {repeat}");
        }
        assert_eq!(draft("t", "").publication().response_within_ms, 0);
    }

    #[test]
    fn properties_are_sent_as_typed() {
        let full = Draft {
            user_properties: "trace: 7f:3a\n\n source:z2m".into(),
            expiry: " 60 ".into(),
            ..draft("t", "p")
        };
        let publication = full.publication();
        assert_eq!(publication.message_expiry_interval, Some(60));
        assert_eq!(
            publication.user_properties,
            [("trace".into(), "7f:3a".into()), ("source".into(), "z2m".into())]
        );
    }

    #[test]
    fn every_outcome_has_its_state_and_words() {
        let show = |outcome| {
            render::<PublishForm>(PublishFormProps {
                draft: Rc::new(draft("t", "")),
                outcome: Some(outcome),
                under_way: false,
                elsewhere: None,
                at: None,
                error: None,
                look_only: None,
                on_change: Callback::noop(),
                on_file: Callback::noop(),
                on_send: Callback::noop(),
                on_stop: Callback::noop(),
            })
        };
        assert!(show(Outcome::Queued).contains(r#"data-state="queued""#));
        assert!(show(Outcome::Sent).contains(r#"data-state="sent""#));
        assert!(show(Outcome::Acknowledged(String::new())).contains(r#"data-state="acknowledged""#));
        assert!(show(Outcome::Failed("no".into())).contains("Not published: no"));
        assert!(show(Outcome::Unanswered("none".into())).contains("Sent, but no response: none"));
        let progress = |over| Outcome::Progress {
            sent: 3,
            all: 1_000,
            over,
        };
        assert!(show(progress(false)).contains("Sent 3 of 1,000"));
        assert!(show(progress(true)).contains("Stopped after 3 of 1,000"));
        let response = crate::wire::Response {
            topic: "re".into(),
            payload: b"<b>yes</b>".to_vec(),
            after_ms: 12,
        };
        let html = show(Outcome::Answered(Box::new(response)));
        assert!(
            html.contains("Response after 12 ms on ") && html.contains("&lt;b&gt;yes"),
            "{html}"
        );
    }

    #[test]
    fn clearing_a_retained_message_is_explained() {
        let html = render::<PublishForm>(PublishFormProps {
            draft: Rc::new(Draft {
                retain: true,
                ..draft("t", "")
            }),
            outcome: None,
            under_way: false,
            elsewhere: None,
            at: None,
            error: None,
            look_only: None,
            on_change: Callback::noop(),
            on_file: Callback::noop(),
            on_send: Callback::noop(),
            on_stop: Callback::noop(),
        });
        assert!(html.contains("Clear the retained message"), "{html}");
    }
}
