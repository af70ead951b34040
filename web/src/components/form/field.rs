//! A labelled input with its hint or error.

use yew::prelude::*;

use super::event_value;
use crate::components::icon::Icon;

/// What [`Field`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct FieldProps {
    /// `id` of the input.
    pub(crate) id: &'static str,
    pub(crate) label: &'static str,
    pub(crate) value: AttrValue,
    pub(crate) on_input: Callback<String>,
    /// Typing is over (focus left).
    #[prop_or_default]
    pub(crate) on_done: Callback<()>,
    #[prop_or_default]
    pub(crate) hint: Option<AttrValue>,
    #[prop_or_default]
    pub(crate) error: Option<AttrValue>,
    #[prop_or("text")]
    pub(crate) kind: &'static str,
    #[prop_or_default]
    pub(crate) inputmode: Option<&'static str>,
    #[prop_or_default]
    pub(crate) autocomplete: Option<&'static str>,
    #[prop_or_default]
    pub(crate) placeholder: Option<&'static str>,
    #[prop_or_default]
    pub(crate) testid: Option<&'static str>,
    #[prop_or_default]
    pub(crate) mono: bool,
    #[prop_or_default]
    pub(crate) node: NodeRef,
}

/// Label above, hint or error below.
#[component]
pub(crate) fn Field(props: &FieldProps) -> Html {
    let note = format!("{}-note", props.id);
    let has_note = props.hint.is_some() || props.error.is_some();
    html! {
        <div class="field">
            <label for={props.id}>{props.label}</label>
            <input ref={props.node.clone()} class={classes!("input", props.mono.then_some("mono"))} id={props.id} type={props.kind}
                value={props.value.clone()} oninput={props.on_input.reform(|event: InputEvent| event_value(&event))}
                onchange={props.on_done.reform(|_: Event| ())} inputmode={props.inputmode} autocomplete={props.autocomplete}
                placeholder={props.placeholder} spellcheck="false" autocapitalize="off" data-testid={props.testid}
                aria-invalid={props.error.as_ref().map(|_| "true")} aria-describedby={has_note.then_some(note.clone())} />
            if let Some(error) = &props.error {
                <p class="err" id={note}><Icon name="crit" small=true /><span>{error.clone()}</span></p>
            } else if let Some(hint) = &props.hint {
                <p class="hint" id={note}>{hint.clone()}</p>
            }
        </div>
    }
}

/// What [`Choice`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct ChoiceProps {
    pub(crate) legend: &'static str,
    #[prop_or_default]
    pub(crate) hidden_legend: bool,
    /// `name` of the radio group.
    pub(crate) name: &'static str,
    /// Value, words, test id.
    pub(crate) options: Vec<(u8, &'static str, Option<&'static str>)>,
    pub(crate) chosen: u8,
    pub(crate) on_choose: Callback<u8>,
}

/// One of a few, all visible.
#[component]
pub(crate) fn Choice(props: &ChoiceProps) -> Html {
    html! {
        <fieldset class="field">
            <legend class={props.hidden_legend.then_some("vh")}>{props.legend}</legend>
            <div class="seg">
                { for props.options.iter().map(|(value, words, testid)| {
                    let value = *value;
                    html! {
                        <label><input type="radio" name={props.name} checked={props.chosen == value} data-testid={*testid}
                            onchange={props.on_choose.reform(move |_: Event| value)} />{*words}</label>
                    }
                })}
            </div>
        </fieldset>
    }
}

/// What [`Check`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct CheckProps {
    pub(crate) checked: bool,
    pub(crate) on_check: Callback<bool>,
    #[prop_or_default]
    pub(crate) testid: Option<&'static str>,
    pub(crate) children: Html,
}

/// A checkbox with its words.
#[component]
pub(crate) fn Check(props: &CheckProps) -> Html {
    html! {
        <label class="check">
            <input type="checkbox" checked={props.checked} data-testid={props.testid}
                onchange={props.on_check.reform(|event: Event| super::event_checked(&event))} />
            <span>{props.children.clone()}</span>
        </label>
    }
}
