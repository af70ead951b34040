//! The payload in the publish form: typed as text, in hex or in Base64, or a file that is chosen or dropped here.

use web_sys::{File, HtmlInputElement};
use yew::prelude::*;

use super::{
    event_value,
    field::Choice,
    publish::{Draft, Edit},
    written::{Payload, Written},
};
use crate::{
    components::{payload::json, text::visible, words},
    platform::files,
};

/// Topic and payload of a small device's packet buffer: above it many microcontrollers drop the message.
const SMALL_DEVICE_BYTES: usize = 120;
/// The field, whatever it is.
pub(crate) const FIELD: &str = "publish-payload";

/// How it is written, the field, and what it is.
pub(super) fn payload_field(edit: &Edit, on_file: &Callback<File>) -> Html {
    let draft = &edit.draft;
    let payload = &draft.payload;
    let on_written =
        edit.with(|draft, number| draft.payload = draft.payload.rewritten(Written::of_number(number)));
    // While something is typed a digit may be missing: that is said, and is no mistake before it is sent.
    let note = payload_words(draft).unwrap_or_else(|why| visible(&why));
    // Anywhere else a file that is dropped is a recording.
    let to_take = on_file.clone();
    let ondrop = Callback::from(move |event: DragEvent| {
        if let Some(file) = files::dropped(&event) {
            event.prevent_default();
            event.stop_propagation();
            to_take.emit(file);
        }
    });
    html! {
        <div class="field" {ondrop} data-testid="publish-drop">
            <div class="row row--wrap row--apart">
                <label class="label" for={FIELD}>{"Payload"}</label>
                <Choice legend="Payload written as" hidden_legend=true name="publish-written" chosen={payload.written.number()}
                    options={vec![(0, "Text", Some("publish-text")), (1, "Hex", Some("publish-hex")), (2, "Base64", Some("publish-base64")), (3, "File", Some("publish-as-file"))]}
                    on_choose={on_written} />
            </div>
            if payload.written == Written::File {
                {file(payload, on_file)}
            } else {
                <textarea class="textarea mono" id={FIELD} value={payload.text.clone()} spellcheck="false"
                    autocapitalize="off" data-testid="publish-payload" aria-describedby="publish-note"
                    placeholder={match payload.written { Written::Hex => Some("0f a0 ff"), Written::Base64 => Some("D6D/"), Written::Text | Written::File => None }}
                    oninput={edit.with(|draft, event: InputEvent| draft.payload.text = event_value(&event))} />
            }
            <p class="hint" id="publish-note" data-testid="publish-note">{note}</p>
        </div>
    }
}

fn file(payload: &Payload, on_file: &Callback<File>) -> Html {
    let on_file = on_file.clone();
    let onchange = Callback::from(move |event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        if let Some(file) = files::taken(&input) {
            on_file.emit(file);
        }
    });
    html! {
        <div class="row row--wrap">
            <label class="btn file">{"Choose a file…"}
                <input class="vh" type="file" id={FIELD} data-testid="publish-file" aria-describedby="publish-note" {onchange} />
            </label>
            if let Some(held) = &payload.file { <span class="mono small publish__file" data-testid="publish-file-name"><bdi>{visible(&held.name)}</bdi></span> }
        </div>
    }
}

/// "Valid JSON, 34 bytes"
///
/// # Errors
/// What is wrong with it.
fn payload_words(draft: &Draft) -> Result<String, String> {
    let payload = draft.payload.bytes()?;
    let bytes = words::bytes(payload.len() as u64);
    let form = match (draft.payload.written, payload.is_empty()) {
        (_, true) => "Empty".to_owned(),
        (Written::Text, _) => text_words(draft),
        (Written::Hex, _) => "Hex".to_owned(),
        (Written::Base64, _) => "Base64".to_owned(),
        (Written::File, _) => "File".to_owned(),
    };
    let small = if draft.topic.len() + payload.len() > SMALL_DEVICE_BYTES {
        ". Topic and payload exceed 120 bytes, which small devices may drop"
    } else {
        ""
    };
    Ok(format!("{form}, {bytes}{small}"))
}

fn text_words(draft: &Draft) -> String {
    let text = &draft.payload.text;
    let is_numbered = draft.repeat.trim().parse().is_ok_and(|times: u32| times > 1);
    match json::check(text) {
        Ok(()) => "Valid JSON".to_owned(),
        // It may become JSON when its variables are filled in: `{"n":{n}}`.
        Err(_) if (draft.variables || is_numbered) && text.contains('{') => "Text with variables".to_owned(),
        Err(reason) if text.trim_start().starts_with(['{', '[']) => format!("Not valid JSON: {reason}"),
        Err(_) => "Text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(written: Written, text: &str) -> Result<String, String> {
        payload_words(&Draft {
            topic: "t".into(),
            payload: Payload {
                written,
                text: text.into(),
                file: None,
            },
            ..Draft::default()
        })
    }

    #[test]
    fn the_note_says_what_the_payload_is_and_how_large() {
        let text = |text| said(Written::Text, text).unwrap();
        assert_eq!(text(r#"{ "a": 1 }"#), "Valid JSON, 10 bytes");
        assert_eq!(text("ON"), "Text, 2 bytes");
        assert!(text("{a}").starts_with("Not valid JSON: "));
        assert!(text(&"x".repeat(200)).contains("small devices"));
        assert_eq!(said(Written::Hex, "0f a0"), Ok("Hex, 2 bytes".into()));
        assert_eq!(said(Written::Base64, "D6D/"), Ok("Base64, 3 bytes".into()));
        assert_eq!(said(Written::Hex, ""), Ok("Empty, 0 bytes".into()));
        assert!(said(Written::Hex, "0f a").is_err());
    }

    #[test]
    fn a_template_is_not_judged_as_json() {
        let note = |variables: bool, repeat: &str, text: &str| {
            let payload = Payload {
                text: text.into(),
                ..Payload::default()
            };
            payload_words(&Draft {
                topic: "t".into(),
                payload,
                variables,
                repeat: repeat.into(),
                ..Draft::default()
            })
            .unwrap()
        };
        let template = r#"{"n":{n}}"#;
        assert_eq!(note(true, "", template), "Text with variables, 9 bytes");
        assert_eq!(note(false, "3", template), "Text with variables, 9 bytes");
        assert!(note(false, "1", template).starts_with("Not valid JSON: "));
        assert!(note(true, "3", "[1,").starts_with("Not valid JSON: "));
        assert_eq!(note(true, "3", r#"{"n":"{n}"}"#), "Valid JSON, 11 bytes");
        assert_eq!(note(true, "3", "ON"), "Text, 2 bytes");
    }
}
