//! The payload of a topic's last message, in the form that reads best, never hiding the original.

use std::{cell::RefCell, rc::Rc};

use hearth_model::{
    payload::{PayloadKind, detect},
    recording::base64,
};
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::{
    compare::{changed_words, comparison, use_compared, use_unpacked_previous},
    hex,
    image::{self, PayloadImage},
    json::{self, Ink},
    lines::{DrawLine, Lines},
    paths::{self, Paths},
};
use crate::{
    components::{
        copy::Copy,
        icon::Icon,
        text::{shortened, visible},
        words,
    },
    hooks::use_unpacked,
    wire::Unpacked,
};

/// Longest line drawn, in characters; it says what is left out, and the raw view, which breaks lines, has it.
pub(super) const LONGEST_LINE: usize = 2_000;
/// Characters per line of Base64, as in mail.
const BASE64_LINE: usize = 76;
/// The raw view breaks lines here.
const RAW_LINE: usize = 160;

/// How a payload is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Raw,
    Hex,
    Base64,
    Image,
    /// As the second module reads it: the word of the packing, and what people call it.
    Packed(&'static str, &'static str),
}

impl Form {
    const ALL: [Self; 9] = [
        Self::Json,
        Self::Raw,
        Self::Hex,
        Self::Base64,
        Self::Image,
        Self::Packed("cbor", "CBOR"),
        Self::Packed("msgpack", "MessagePack"),
        Self::Packed("protobuf", "Protobuf"),
        Self::Packed("gzip", "gzip or zlib"),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Raw => "raw",
            Self::Hex => "hex",
            Self::Base64 => "base64",
            Self::Image => "image",
            Self::Packed(word, _) => word,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Raw => "Text",
            Self::Hex => "Hex",
            Self::Base64 => "Base64",
            Self::Image => "Image",
            Self::Packed(_, words) => words,
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }
}

/// What [`Viewer`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct ViewerProps {
    /// What is chosen for a topic is kept as long as the page.
    #[prop_or_default]
    pub(crate) topic: AttrValue,
    /// As the sender names it (MQTT 5 Content Type); empty when it does not.
    #[prop_or_default]
    pub(crate) media_type: AttrValue,
    pub(crate) payload: Rc<[u8]>,
    pub(crate) previous: Option<Rc<[u8]>>,
    /// Size as received; more than the payload's if it was cut.
    pub(crate) received_bytes: u64,
    /// What `previous` is, if it is not the message before but one that was chosen.
    #[prop_or_default]
    pub(crate) against: Option<AttrValue>,
    /// Compare with the message before again.
    #[prop_or_default]
    pub(crate) on_previous: Callback<()>,
    /// Put the payload into the publish form.
    #[prop_or_default]
    pub(crate) on_publish: Callback<()>,
}

/// Topics whose form was chosen by hand are remembered, the newest so many.
const CHOSEN: usize = 100;

thread_local! {
    static CHOSEN_FORMS: RefCell<Vec<(AttrValue, Form)>> = const { RefCell::new(Vec::new()) };
}

fn chosen_for(topic: &AttrValue) -> Option<Form> {
    CHOSEN_FORMS.with_borrow(|chosen| {
        let known = chosen.iter().find(|(of, _)| of == topic);
        known.map(|(_, form)| *form)
    })
}

/// `None`: whichever reads best.
fn choose(topic: &AttrValue, form: Option<Form>) {
    CHOSEN_FORMS.with_borrow_mut(|chosen| {
        chosen.retain(|(of, _)| of != topic);
        chosen.extend(form.map(|form| (topic.clone(), form)));
        if chosen.len() > CHOSEN {
            chosen.remove(0);
        }
    });
}

/// Whether a media type names one of the packings; which one, the second module says.
fn names_packing(media_type: &str) -> bool {
    let lower = media_type.to_ascii_lowercase();
    ["cbor", "msgpack", "protobuf", "gzip", "zlib"]
        .iter()
        .any(|word| lower.contains(word))
}

/// The payload in a form that is chosen or reads best, and what changed.
#[component]
pub(crate) fn Viewer(props: &ViewerProps) -> Html {
    let chosen = use_state(|| chosen_for(&props.topic));
    let comparing = use_state(|| false);
    let pretty = use_memo(props.payload.clone(), |payload| {
        json::pretty(payload).map(Rc::new)
    });
    let is_text = use_memo(props.payload.clone(), |payload| {
        // Bytes that happen to be UTF-8, most of them controls, are no text.
        std::str::from_utf8(payload).is_ok() && detect(payload) != PayloadKind::Binary
    });
    let wanted = match *chosen {
        Some(Form::Packed(word, _)) => Some(word),
        // Text is what it says; only its sender can say that it is something else.
        None if !props.payload.is_empty() && (!*is_text || names_packing(&props.media_type)) => Some(""),
        _ => None,
    };
    let unpacked = use_unpacked(wanted, &props.media_type, &props.payload);
    let recognized = match &unpacked {
        Some(Ok(unpacked)) if wanted == Some("") => Form::parse(&unpacked.packing),
        _ => None,
    };
    let best = match (recognized, pretty.is_some(), *is_text) {
        (Some(form), ..) => form,
        (None, true, _) => Form::Json,
        (None, false, true) => Form::Raw,
        (None, false, false) if image::media_type(&props.payload).is_some() => Form::Image,
        (None, false, false) => Form::Hex,
    };
    let form = chosen
        .filter(|form| match form {
            Form::Json => pretty.is_some(),
            Form::Image => image::media_type(&props.payload).is_some(),
            _ => true,
        })
        .unwrap_or(best);
    let compares = (*comparing || props.against.is_some()) && props.previous.is_some();
    let previous = use_unpacked_previous(props, form, compares);
    let compared = use_compared(props, compares, unpacked.as_ref(), previous.as_ref());
    let onchange = {
        let (chosen, topic) = (chosen.clone(), props.topic.clone());
        Callback::from(move |event: Event| {
            let select = event.target_dyn_into::<HtmlSelectElement>();
            let form = select.and_then(|select| Form::parse(&select.value()));
            choose(&topic, form);
            chosen.set(form);
        })
    };
    let copy = {
        let payload = props.payload.clone();
        Callback::from(move |()| as_text(&payload))
    };
    let option = |of: Form| {
        let disabled = match of {
            Form::Json => pretty.is_none(),
            Form::Image => image::media_type(&props.payload).is_none(),
            _ => false,
        };
        html! { <option value={of.name()} selected={*chosen == Some(of)} {disabled}>{of.words()}</option> }
    };
    let toggle = {
        let (comparing, on_previous) = (comparing.clone(), props.on_previous.clone());
        let is_chosen = props.against.is_some();
        Callback::from(move |_: MouseEvent| {
            comparing.set(!is_chosen && !*comparing);
            on_previous.emit(());
        })
    };
    html! {
        <section class="panel viewer" aria-label="Payload">
            <header class="panel__head">
                <select class="select select--dense" aria-label="Show payload as" data-testid="payload-form" {onchange}>
                    <option value="auto" selected={chosen.is_none()}>{format!("Auto: {}", best.words())}</option>
                    { for Form::ALL.into_iter().map(option) }
                </select>
                <div class="panel__end">
                    <Copy class="btn--icon btn--quiet" label="Copy the payload" text={copy} disabled={props.payload.is_empty()} testid="payload-copy" />
                    {to_publish(props)}
                    if let Some(Some(changes)) = &*compared {
                        <span class="sub">{changed_words(changes, props.previous.as_ref() == Some(&props.payload))}</span>
                    }
                    <button class="btn btn--dense" type="button" aria-pressed={compares.to_string()} onclick={toggle}
                        disabled={props.previous.is_none()} data-testid="payload-compare">
                        {"Compare to "}{props.against.clone().unwrap_or_else(|| "previous".into())}</button>
                </div>
            </header>
            {cut_notice(props)}
            <div data-testid="topic-payload" data-view={form.name()} class="viewer__body">
                if compares {
                    {comparison(&compared)}
                } else if props.payload.is_empty() {
                    <p class="hint viewer__note">{"Empty payload: 0 bytes."}</p>
                } else {
                    {drawn(form, props, pretty.as_ref().as_ref(), unpacked.as_ref())}
                }
            </div>
        </section>
    }
}

/// Half a message would be another one.
fn to_publish(props: &ViewerProps) -> Html {
    let is_cut = props.received_bytes > props.payload.len() as u64;
    let words = match is_cut {
        false => "Copy the payload into the publish form",
        true => "Only the beginning of this payload was kept: it cannot be published again",
    };
    html! {
        <button class="btn btn--dense btn--icon btn--quiet" type="button" aria-label={words} title={words} disabled={is_cut}
            onclick={props.on_publish.reform(|_: MouseEvent| ())} data-testid="payload-publish"><Icon name="upload" small=true /></button>
    }
}

fn cut_notice(props: &ViewerProps) -> Html {
    let kept = props.payload.len() as u64;
    if props.received_bytes <= kept {
        return Html::default();
    }
    let (kept, all) = (words::bytes(kept), words::bytes(props.received_bytes));
    html! {
        <p class="banner banner--in"><Icon name="crit" small=true />
            {format!("Cut at {kept}: the message had {all}. The rest was not kept.")}
        </p>
    }
}

/// What can be copied: text as it came, other bytes as hex.
fn as_text(payload: &[u8]) -> String {
    match std::str::from_utf8(payload) {
        Ok(text) => text.to_owned(),
        Err(_) => payload.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// With a number its names and the values of its lists are buttons that copy their paths ([`Paths`]).
pub(super) fn code_line(
    class: Option<&'static str>,
    mark: &'static str,
    line: &str,
    number: Option<usize>,
) -> Html {
    let said = match mark {
        "+" => "new: ",
        "−" => "gone: ",
        _ => "",
    };
    html! {
        <span class={classes!("l", class)}><i aria-hidden="true">{mark}</i><span>
            if !said.is_empty() { <span class="vh">{said}</span> }
            { for json::pieces(&shortened(line, LONGEST_LINE)).into_iter().enumerate().map(|(at, (ink, piece))| {
                let class = match ink {
                    Ink::Key => "k",
                    Ink::Text => "st",
                    Ink::Number => "nu",
                    Ink::Punctuation => "p",
                };
                match number.filter(|_| json::has_path(line, at, ink)) {
                    Some(number) => paths::button(class, visible(piece), number, at),
                    None => html! { <span {class}>{visible(piece)}</span> },
                }
            })}
            if let Some(more) = line.chars().count().checked_sub(LONGEST_LINE).filter(|more| *more > 0) {
                <span class="muted" data-testid="payload-more">{format!(" {} more: choose Text", words::count(more as u64, "character", "characters"))}</span>
            }
        </span></span>
    }
}

fn drawn(
    form: Form,
    props: &ViewerProps,
    pretty: Option<&Rc<Vec<String>>>,
    unpacked: Option<&Result<Rc<Unpacked>, Rc<str>>>,
) -> Html {
    match (form, pretty) {
        (Form::Json, Some(lines)) => json_lines(lines.clone()),
        (Form::Hex, _) => hex_lines(props.payload.clone()),
        (Form::Raw | Form::Json, _) => text_lines(&String::from_utf8_lossy(&props.payload)),
        (Form::Base64, _) => text_lines(&base64(&props.payload, Some(BASE64_LINE))),
        (Form::Image, _) => html! { <PayloadImage payload={props.payload.clone()} /> },
        (Form::Packed(_, words), _) => match unpacked {
            None => html! { <p class="hint viewer__note" role="status">{"Reading…"}</p> },
            Some(Err(reason)) => html! {
                <>
                    <p class="hint viewer__note" data-testid="payload-fault">
                        {format!("This does not read as {words}: {}. Here are its bytes.", visible(reason))}
                    </p>
                    {hex_lines(props.payload.clone())}
                </>
            },
            Some(Ok(unpacked)) => {
                let (packed, plain) = (props.payload.len() as u64, unpacked.payload.len() as u64);
                let note = if unpacked.packing == "gzip" {
                    format!("Unpacked: {} from {}.", words::bytes(plain), words::bytes(packed))
                } else {
                    format!(
                        "{words}, {}, written as JSON. What JSON has no word for is a member with $.",
                        words::bytes(packed)
                    )
                };
                let lines = match (
                    json::pretty(&unpacked.payload),
                    std::str::from_utf8(&unpacked.payload),
                ) {
                    (Some(lines), _) => json_lines(Rc::new(lines)),
                    (None, Ok(text)) => text_lines(text),
                    (None, Err(_)) => hex_lines(Rc::from(unpacked.payload.as_slice())),
                };
                html! { <><p class="hint viewer__note">{note}</p>{lines}</> }
            }
        },
    }
}

fn json_lines(lines: Rc<Vec<String>>) -> Html {
    let (count, of) = (lines.len(), lines.clone());
    let draw = move |index| {
        lines.get(index).map_or_else(Html::default, |line: &String| {
            code_line(None, "", line, Some(index))
        })
    };
    html! { <Paths lines={of}><Lines {count} draw={DrawLine(Rc::new(draw))} class="code json" label="Payload as JSON" /></Paths> }
}

fn hex_lines(payload: Rc<[u8]>) -> Html {
    let count = hex::row_count(payload.len());
    let draw = move |index| {
        let row = hex::row(&payload, index);
        html! {
            <span class="l l--hex">
                <span class="o">{row.offset}</span><span>{row.digits}</span><span class="a">{row.text}</span>
            </span>
        }
    };
    html! { <Lines {count} draw={DrawLine(Rc::new(draw))} class="code hexdump" label="Payload as hex" /> }
}

fn text_lines(text: &str) -> Html {
    let lines = raw_lines(text);
    let count = lines.len();
    let draw = move |index: usize| {
        let line = lines.get(index).map(|line| visible(line)).unwrap_or_default();
        html! { <span class="l l--raw"><bdi>{line}</bdi></span> }
    };
    html! { <Lines {count} draw={DrawLine(Rc::new(draw))} class="code rawlines" label="Payload as text" /> }
}

/// Lines of a text, long ones broken.
pub(super) fn raw_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some((at, _)) = rest.char_indices().nth(RAW_LINE) {
            let (head, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
            lines.push(head.to_owned());
            rest = tail;
        }
        lines.push(rest.to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::render;

    fn view(payload: &[u8], received_bytes: u64) -> String {
        render::<Viewer>(ViewerProps {
            topic: "t".into(),
            media_type: AttrValue::default(),
            payload: payload.into(),
            previous: None,
            received_bytes,
            against: None,
            on_previous: Callback::noop(),
            on_publish: Callback::noop(),
        })
    }

    #[test]
    fn the_form_that_reads_best_is_chosen() {
        assert!(view(br#"{"a":1}"#, 7).contains(r#"data-view="json""#));
        assert!(view(b"ON", 2).contains(r#"data-view="raw""#));
        assert!(view(&[0xff, 0x00], 2).contains(r#"data-view="hex""#));
        assert!(view(&[0x00, 0x01, 0x02], 3).contains(r#"data-view="hex""#));
        assert!(view(b"GIF89a is a format", 18).contains(r#"data-view="raw""#));
        assert!(view(b"\x1b[31mred\x1b[0m, not binary at all", 36).contains(r#"data-view="raw""#));
    }

    #[test]
    fn names_and_values_of_lists_are_buttons_and_only_the_first_is_in_the_order_of_tab() {
        let html = view(br#"{"a":{"b":[1,"x"]},"c":2}"#, 24);
        let buttons = html.matches("class=\"jpath ").count();
        assert_eq!(buttons, 5, "a, b, 1, x, c: {html}");
        assert_eq!(html.matches(r#"tabindex="0" data-at="1."#).count(), 1, "{html}");
        assert!(html.contains("Copy the path of "), "{html}");
    }

    #[test]
    fn bytes_that_are_no_text_are_copied_as_hex() {
        assert_eq!(as_text(b"21.5"), "21.5");
        assert_eq!(as_text(&[0xff, 0x00, 0x1a]), "ff001a");
    }

    fn compared(previous: &[u8], payload: &[u8]) -> String {
        render::<Viewer>(ViewerProps {
            topic: "t".into(),
            media_type: AttrValue::default(),
            payload: payload.into(),
            previous: Some(previous.into()),
            received_bytes: payload.len() as u64,
            against: Some("message 1".into()),
            on_previous: Callback::noop(),
            on_publish: Callback::noop(),
        })
    }

    #[test]
    fn bytes_that_differ_are_never_called_the_same() {
        for (old, new, said) in [
            (&b"\xff\x00"[..], &b"\xfe\x00"[..], "1 line changed"),
            (b"a\n", b"a", "Same, but written differently"),
            (b"{\"a\": 1}", b"{\"a\":1}", "Same, but written differently"),
            (b"{\"a\":1}", b"{\"a\":1}", "Same as before"),
            (b"\xff\x00", b"\xff\x00", "Same as before"),
        ] {
            let html = compared(old, new);
            assert!(html.contains(said), "{old:?} {new:?}: {html}");
        }
    }

    #[test]
    fn bytes_are_compared_with_a_chosen_message_too() {
        let html = compared(b"\xff\x00", b"\xfe\x00");
        assert!(
            html.contains("topic-diff") && html.contains(">ff<") && html.contains(">fe<"),
            "{html}"
        );
    }

    #[test]
    fn many_bytes_are_only_compared_when_somebody_asks() {
        let (old, new) = (vec![0xff; 40_000], vec![0xfe; 40_000]);
        let quiet = render::<Viewer>(ViewerProps {
            topic: "t".into(),
            media_type: AttrValue::default(),
            payload: new.clone().into(),
            previous: Some(old.clone().into()),
            received_bytes: 40_000,
            against: None,
            on_previous: Callback::noop(),
            on_publish: Callback::noop(),
        });
        assert!(!quiet.contains("changed"), "{quiet}");
        let button = quiet
            .split("<button")
            .find(|part| part.contains("payload-compare"));
        assert!(
            button.is_some_and(|button| !button.contains("disabled")),
            "{quiet}"
        );
        assert!(compared(&old, &new).contains("topic-diff"));
    }

    #[test]
    fn what_changed_in_a_long_line_is_seen_and_what_is_cut_is_said() {
        let line = |end: &str| format!("{{\"a\":\"{}{end}\"}}", "y".repeat(5_000));
        let html = compared(line("1").as_bytes(), line("2").as_bytes());
        assert!(html.contains("1 line changed") && html.contains("y2"), "{html}");
        let html = view(line("1").as_bytes(), 5_009);
        assert!(html.contains("3,010 characters more"), "{html}");
    }

    #[test]
    fn markup_in_a_payload_stays_text() {
        let html = view(b"<script>alert(1)</script>", 25);
        assert!(!html.contains("<script"), "{html}");
    }

    #[test]
    fn a_cut_payload_says_so() {
        let html = view(b"abc", 2_000_000);
        assert!(
            html.contains("Cut at 3 bytes") && html.contains("2.0 MB"),
            "{html}"
        );
        let publish = |html: &str| {
            html.split("<button")
                .find(|part| part.contains("payload-publish"))
                .map(|part| part.contains("disabled"))
        };
        assert_eq!(
            (publish(&html), publish(&view(b"abc", 3))),
            (Some(true), Some(false))
        );
    }

    #[test]
    fn a_large_payload_draws_only_what_fits_on_the_screen() {
        let large = vec![b'x'; 1_048_576];
        let html = view(&large, 1_048_576);
        assert!(html.len() < 100_000, "{} characters of HTML", html.len());
    }

    #[test]
    fn long_lines_are_broken_and_none_is_lost() {
        let text = "ü".repeat(400);
        assert_eq!(raw_lines(&text).concat(), text);
        assert_eq!(raw_lines("a\n\nb"), ["a", "", "b"]);
    }
}
