//! What was published from this page, to be used again. It is kept in memory only, because payloads may be nobody else's
//! business, unless the user wants to keep a message.

use std::{cell::RefCell, rc::Rc};

use hearth_model::json::{Json, JsonLimits};
use yew::prelude::*;

use super::{publish::Draft, written::Written};
use crate::{
    components::{
        icon::Icon,
        text::{shortened, visible},
        words,
    },
    hooks::EngineHandle,
    platform::storage,
    wire::{Outcome, RequestId},
};

/// Messages kept; the oldest goes first.
const MOST: usize = 20;
/// Characters of a payload that are shown.
const LONGEST: usize = 60;

/// Bytes of files in the messages of a list; the oldest goes first, the newest stays whatever it has.
const MOST_BYTES: usize = 32 << 20;

/// Topics whose form was left with something in it, the newest so many.
const DRAFTS: usize = 50;

thread_local! {
    static DRAFTED: RefCell<Vec<(AttrValue, Rc<Draft>)>> = const { RefCell::new(Vec::new()) };
    static SENT: RefCell<Vec<Rc<Draft>>> = const { RefCell::new(Vec::new()) };
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// The message sent last: it may be under way while another topic is looked at.
#[derive(Clone, PartialEq)]
pub(crate) struct Last {
    pub(crate) engine: EngineHandle,
    pub(crate) request: RequestId,
    pub(crate) topic: AttrValue,
    /// ms since epoch
    pub(crate) at: u64,
    /// A response was to be waited for.
    pub(crate) waits: bool,
}

impl Last {
    /// As long as the outcome is this, the message can be stopped.
    pub(crate) fn is_under_way(&self, outcome: Option<&Outcome>) -> bool {
        match outcome {
            Some(Outcome::Progress { over, .. }) => !over,
            Some(Outcome::Queued | Outcome::Sent | Outcome::Acknowledged(_)) => self.waits,
            Some(Outcome::Answered(_) | Outcome::Unanswered(_) | Outcome::Failed(_)) | None => false,
        }
    }
}

/// What was typed on the page of a topic when it was left.
pub(crate) fn draft(topic: &AttrValue) -> Rc<Draft> {
    let known = DRAFTED.with_borrow(|all| {
        all.iter()
            .find(|(of, _)| of == topic)
            .map(|(_, draft)| draft.clone())
    });
    known.unwrap_or_else(|| Rc::new(untouched(topic)))
}

/// Keeps what is typed: another topic may be looked at in between.
pub(crate) fn keep_draft(topic: &AttrValue, draft: &Rc<Draft>) {
    DRAFTED.with_borrow_mut(|all| {
        all.retain(|(of, _)| of != topic);
        if **draft != untouched(topic) {
            all.push((topic.clone(), draft.clone()));
        }
        let sizes = all.iter().rev().map(|(_, draft)| file_bytes(draft));
        let keep = within(sizes).min(DRAFTS);
        all.drain(..all.len() - keep);
    });
}

fn untouched(topic: &AttrValue) -> Draft {
    Draft {
        topic: topic.to_string(),
        ..Draft::default()
    }
}

/// The message sent last by this engine.
pub(crate) fn last(engine: &EngineHandle) -> Option<Last> {
    LAST.with_borrow(Clone::clone)
        .filter(|last| last.engine == *engine)
}

/// Puts it in the place of the one before.
pub(crate) fn set_last(last: &Last) {
    LAST.with_borrow_mut(|known| *known = Some(last.clone()));
}

/// Puts a message first; the same one is kept once.
pub(crate) fn remember(draft: &Rc<Draft>) {
    SENT.with_borrow_mut(|sent| {
        sent.retain(|known| known != draft);
        sent.insert(0, draft.clone());
        let keep = within(sent.iter().map(|draft| file_bytes(draft))).min(MOST);
        sent.truncate(keep);
    });
}

fn file_bytes(draft: &Draft) -> usize {
    draft.payload.file.as_ref().map_or(0, |file| file.bytes.len())
}

/// How many of these sizes, newest first, have room together.
fn within(sizes: impl Iterator<Item = usize>) -> usize {
    let mut sum = 0;
    let fits = |(at, size): &(usize, usize)| {
        sum += size;
        *at == 0 || sum <= MOST_BYTES
    };
    sizes.enumerate().take_while(fits).count()
}

/// Latest first.
fn all() -> Vec<Rc<Draft>> {
    SENT.with_borrow(Clone::clone)
}

/// Messages that the user wants to have on later visits, too.
const KEPT: &str = "hearth.messages";
/// How many; the oldest goes first.
const MOST_KEPT: usize = 50;

type Place<T> = fn(&mut Draft) -> &mut T;

const TEXTS: [(&str, Place<String>); 10] = [
    ("topic", |draft| &mut draft.topic),
    ("payload", |draft| &mut draft.payload.text),
    ("content_type", |draft| &mut draft.content_type),
    ("response_topic", |draft| &mut draft.response_topic),
    ("correlation", |draft| &mut draft.correlation),
    ("expiry", |draft| &mut draft.expiry),
    ("user_properties", |draft| &mut draft.user_properties),
    ("repeat", |draft| &mut draft.repeat),
    ("every", |draft| &mut draft.every),
    ("waits_s", |draft| &mut draft.waits_s),
];

const FLAGS: [(&str, Place<bool>); 4] = [
    ("retain", |draft| &mut draft.retain),
    ("is_text", |draft| &mut draft.is_text),
    ("variables", |draft| &mut draft.variables),
    ("waits", |draft| &mut draft.waits),
];

fn written(kept: &[Rc<Draft>]) -> String {
    let fields = |draft: &Rc<Draft>| {
        let mut draft = (**draft).clone();
        let written = draft.payload.written.word();
        let mut fields = vec![format!("qos={}", draft.qos), format!("written={written}")];
        for (name, place) in TEXTS {
            fields.push(format!("{name}={}", place(&mut draft)));
        }
        for (name, place) in FLAGS {
            fields.push(format!("{name}={}", u8::from(*place(&mut draft))));
        }
        Json::List(fields.into_iter().map(Json::Text).collect())
    };
    Json::List(kept.iter().map(fields).collect()).to_json()
}

fn read(text: &str) -> Vec<Rc<Draft>> {
    let kept = Json::parse(text.as_bytes(), JsonLimits::SETTINGS).unwrap_or(Json::Null);
    let draft = |fields: &Json| {
        let mut draft = Draft::default();
        let fields = fields.list().iter().filter_map(Json::text);
        for (name, value) in fields.filter_map(|field| field.split_once('=')) {
            if let Some((_, place)) = TEXTS.iter().find(|(known, _)| *known == name) {
                value.clone_into(place(&mut draft));
            }
            if let Some((_, place)) = FLAGS.iter().find(|(known, _)| *known == name) {
                *place(&mut draft) = value == "1";
            }
            if name == "written" {
                draft.payload.written = Written::parse(value).unwrap_or_default();
            }
            if name == "qos" {
                draft.qos = value.parse().ok().filter(|qos| *qos <= 2).unwrap_or_default();
            }
        }
        Rc::new(draft)
    };
    let lists = kept.list().iter().filter(|fields| !fields.list().is_empty());
    lists.map(draft).collect()
}

/// What [`Sent`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct SentProps {
    pub(crate) on_use: Callback<Draft>,
}

/// The list, closed until somebody wants it.
#[component]
pub(crate) fn Sent(props: &SentProps) -> Html {
    let kept = use_state(Vec::new);
    let setter = kept.setter();
    use_effect_with((), move |()| {
        if let Some(text) = storage::lasting().read(KEPT) {
            setter.set(read(&text));
        }
    });
    html! { <List on_use={props.on_use.clone()} on_keep={keep(&kept)} kept={(*kept).clone()} sent={all()} /> }
}

/// Keeps a message, or keeps it no longer.
fn keep(kept: &UseStateHandle<Vec<Rc<Draft>>>) -> Callback<Rc<Draft>> {
    let kept = kept.clone();
    Callback::from(move |draft: Rc<Draft>| {
        let mut next = (*kept).clone();
        next.retain(|known| *known != draft);
        if next.len() == kept.len() {
            next.insert(0, draft);
            next.truncate(MOST_KEPT);
        }
        storage::lasting().write(KEPT, &written(&next));
        kept.set(next);
    })
}

#[derive(Properties, PartialEq, Clone)]
struct ListProps {
    on_use: Callback<Draft>,
    on_keep: Callback<Rc<Draft>>,
    kept: Vec<Rc<Draft>>,
    sent: Vec<Rc<Draft>>,
}

/// What is kept first, then what was sent.
#[component]
fn List(props: &ListProps) -> Html {
    let sent = props.sent.iter().filter(|draft| !props.kept.contains(draft));
    let drafts: Vec<_> = props.kept.iter().chain(sent).cloned().collect();
    if drafts.is_empty() {
        return Html::default();
    }
    html! {
        <details>
            <summary data-testid="publish-sent-open"><Icon name="right" small=true />{"Kept and sent before "}<span class="muted">{drafts.len()}</span></summary>
            <ul class="stack fgroup__more">
                { for drafts.into_iter().map(|draft| {
                    let payload = in_short(&draft);
                    let topic = visible(&draft.topic);
                    let is_keepable = draft.payload.written != Written::File;
                    let is_kept = props.kept.contains(&draft);
                    let (to_use, to_keep) = (draft.clone(), draft);
                    let on_use = props.on_use.reform(move |_: MouseEvent| (*to_use).clone());
                    let on_keep = props.on_keep.reform(move |_: MouseEvent| to_keep.clone());
                    html! {
                        <li class="row"><button class="link mono grow sent" type="button" onclick={on_use} data-testid="publish-sent">
                            <bdi>{topic.clone()}</bdi>{" "}<span class="muted"><bdi>{payload}</bdi></span>
                        </button>
                        // The bytes of a file are not written into the browser's storage.
                        if is_keepable { <button class="btn btn--dense btn--quiet" type="button" onclick={on_keep} aria-pressed={is_kept.to_string()} data-testid="publish-keep"
                            title="Keep it in this browser for later visits">{"Keep"}<span class="vh">{format!(" the message to {topic}")}</span></button> }</li>
                    }
                })}
            </ul>
        </details>
    }
}

/// "hex 0f a0", "file camera.jpg, 20 kB"
fn in_short(draft: &Draft) -> String {
    let payload = &draft.payload;
    let text = shortened(&visible(&payload.text), LONGEST);
    match (payload.written, &payload.file) {
        (Written::Text, _) => text,
        (Written::File, Some(file)) => {
            let name = shortened(&visible(&file.name), LONGEST);
            format!("file {name}, {}", words::bytes(file.bytes.len() as u64))
        }
        (written, _) => format!("{} {text}", written.word()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::{
        form::written::{Held, Payload},
        testing::render,
    };

    #[test]
    fn the_latest_messages_are_kept_once_each_and_shown_as_text() {
        for n in 0..30 {
            remember(&Rc::new(Draft {
                topic: format!("t/{}", n % 25),
                payload: Payload::of(b"<b>", ""),
                ..Draft::default()
            }));
        }
        let topics: Vec<_> = all().iter().map(|draft| draft.topic.clone()).collect();
        assert_eq!(topics.len(), MOST);
        assert_eq!(topics[..3], ["t/4", "t/3", "t/2"]);
        let kept = Draft {
            topic: "kept".into(),
            ..Draft::default()
        };
        let html = render::<List>(ListProps {
            on_use: Callback::noop(),
            on_keep: Callback::noop(),
            kept: vec![Rc::new(kept)],
            sent: all(),
        });
        assert!(html.find("kept") < html.find("t/4"), "{html}");
        assert_eq!(html.matches(r#"aria-pressed="true""#).count(), 1, "{html}");
        assert!(html.contains("t/4") && !html.contains("<b>"), "{html}");
    }

    #[test]
    fn bytes_are_listed_with_how_they_are_written_and_files_have_one_room_together() {
        let file = |name: &str, bytes: usize| Draft {
            payload: Payload {
                written: Written::File,
                text: String::new(),
                file: Some(Held {
                    name: name.into(),
                    bytes: vec![0; bytes].into(),
                }),
            },
            ..Draft::default()
        };
        let hex = Draft {
            payload: Payload::of(b"\x0f\xa0", ""),
            ..Draft::default()
        };
        assert_eq!(in_short(&hex), "hex 0f a0");
        assert_eq!(in_short(&file("a\u{202e}b", 2_000)), "file a⟨U+202E⟩b, 2.0 kB");
        let html = render::<List>(ListProps {
            on_use: Callback::noop(),
            on_keep: Callback::noop(),
            kept: vec![],
            sent: vec![Rc::new(hex), Rc::new(file("x", 1))],
        });
        assert_eq!(
            html.matches("publish-keep").count(),
            1,
            "a file is not kept: {html}"
        );
        let half = MOST_BYTES / 2;
        for (sizes, kept) in [
            (&[half, 0, half, 1][..], 3),
            (&[3 * half, 0], 1),
            (&[0; 9], 9),
            (&[], 0),
        ] {
            assert_eq!(within(sizes.iter().copied()), kept, "{sizes:?}");
        }
    }

    #[test]
    fn what_was_typed_for_a_topic_is_there_again_and_an_empty_form_is_not_kept() {
        let (lamp, door) = (AttrValue::from("lamp"), AttrValue::from("door"));
        let typed = |payload: &str| {
            Rc::new(Draft {
                topic: "lamp".into(),
                payload: Payload::of(payload.as_bytes(), ""),
                ..Draft::default()
            })
        };
        keep_draft(&lamp, &typed("ON"));
        assert_eq!((draft(&lamp), &*draft(&door).topic), (typed("ON"), "door"));
        keep_draft(&lamp, &typed(""));
        assert_eq!(draft(&lamp), typed(""));
        for n in 0..DRAFTS {
            keep_draft(&n.to_string().into(), &typed("x"));
        }
        assert_eq!(DRAFTED.with_borrow(Vec::len), DRAFTS);
    }

    #[test]
    fn a_message_that_is_kept_comes_back_as_it_was() {
        let mut whole = Draft {
            qos: 2,
            ..Draft::default()
        };
        for (name, place) in TEXTS {
            *place(&mut whole) = format!("{name}=\"x\"\n");
        }
        for (_, place) in FLAGS {
            *place(&mut whole) = true;
        }
        whole.payload.written = Written::Hex;
        let all = [Rc::new(whole), Rc::new(Draft::default())];
        assert_eq!(read(&written(&all)), all);
        for nonsense in ["", "{}", "[7,[]]", "[["] {
            assert_eq!(read(nonsense), [], "{nonsense}");
        }
    }
}
