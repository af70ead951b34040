//! Above a chart: which series, which time, and how they are drawn.

use std::rc::Rc;

use yew::prelude::*;

use super::{
    state::{Act, Choice, RANGES, SERIES, State},
    view::swatch,
};
use crate::{
    components::{icon::Icon, pick::Pick, words},
    wire::{ChartSpan, ChartView},
};

/// What [`Head`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct HeadProps {
    pub(crate) choices: Vec<Choice>,
    pub(crate) state: State,
    pub(crate) view: Rc<ChartView>,
    /// Readings of fields beyond those that are followed.
    pub(crate) refused: u64,
    /// The series stay when another topic is opened.
    pub(crate) kept: bool,
    pub(crate) keep: Callback<bool>,
    pub(crate) act: Callback<Act>,
}

/// Fields, range, and whether the chart follows the time.
#[component]
pub(crate) fn Head(props: &HeadProps) -> Html {
    let (state, act) = (&props.state, &props.act);
    let is_live = state.is_live();
    let follow = {
        let (from, to) = (props.view.from_ms, props.view.to_ms);
        let span = match (is_live, state.span) {
            (true, _) => ChartSpan::Between(from, to),
            (false, ChartSpan::Between(from, to)) => ChartSpan::Last(to - from),
            (false, span) => span,
        };
        act.reform(move |_: MouseEvent| Act::Span(span))
    };
    html! {
        <header class="panel__head chart__head">
            {fields(props)}
            <span class="sub">{samples(&props.view)}</span>
            <div class="panel__end">
                <button class="btn btn--dense" type="button" aria-pressed={is_live.to_string()} onclick={follow} data-testid="chart-live">
                    <Icon name={if is_live { "play" } else { "pause" }} small=true />{if is_live { "Live" } else { "Past" }}</button>
                <fieldset class="seg seg--dense"><legend class="vh">{"Range"}</legend>
                    { for RANGES.iter().map(|(name, span)| {
                        let span = *span;
                        let onchange = act.reform(move |_: Event| Act::Span(span));
                        html! { <label><input type="radio" name="chart-range" checked={state.span == span} {onchange} />{*name}</label> }
                    })}
                </fieldset>
            </div>
        </header>
    }
}

fn samples(view: &ChartView) -> String {
    let columns = view.series.iter().flat_map(|series| &series.columns);
    let samples = columns.map(|column| u64::from(column.count)).sum();
    let dropped: u64 = view.series.iter().map(|series| series.dropped).sum();
    let words = words::count(samples, "sample", "samples");
    if dropped == 0 {
        return words;
    }
    format!(
        "{words}, {} older ones no longer kept",
        words::count(dropped, "", "").trim_end()
    )
}

/// Which of the fields are in the chart; those of other topics that are kept are among them.
fn fields(props: &HeadProps) -> Html {
    let (state, choices) = (&props.state, &props.choices);
    let chosen = &state.look.chosen;
    let others = state
        .choices()
        .filter(|choice| choices.iter().all(|own| own.name != choice.name));
    let all: Vec<Choice> = choices.iter().cloned().chain(others).collect();
    let is_full = chosen.len() >= SERIES;
    let row = |choice: &Choice| {
        let checked = chosen.contains(&choice.name);
        let onchange = {
            let choice = choice.clone();
            props.act.reform(move |_: Event| Act::Choose(choice.clone()))
        };
        html! {
            <label class="check" key={format!("{}\n{}", choice.name.topic, choice.label)}>
                <input type="checkbox" {checked} disabled={is_full && !checked} {onchange} /><bdi>{choice.label.clone()}</bdi></label>
        }
    };
    let kept = props.kept;
    let keep = props.keep.reform(move |_: Event| !kept);
    let summary = match (state.labels.first(), state.labels.len()) {
        (None, _) => html! { {"Fields"} },
        (Some(label), 1) => html! { <bdi>{label.clone()}</bdi> },
        (Some(_), count) => html! { {format!("{count} fields")} },
    };
    html! {
        <Pick testid="chart-fields">
            <summary class="btn btn--dense"><span class="clip">{summary}</span><Icon name="down" small=true /></summary>
            <fieldset class="pick__list"><legend class="vh">{"Fields in the chart"}</legend>
                { for all.iter().map(row) }
                <label class="check pick__keep"><input type="checkbox" checked={kept} onchange={keep} />{"Keep these when I open another topic"}</label>
                if is_full { <p class="hint">{"Six are all that can be told apart."}</p> }
                if props.refused > 0 { <p class="hint" data-testid="chart-refused">{"This topic has more fields than are followed. These are the first; all of them are in the payload."}</p> }
            </fieldset>
        </Pick>
    }
}

/// What [`Legend`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct LegendProps {
    pub(crate) state: State,
    pub(crate) is_dense: bool,
    pub(crate) act: Callback<Act>,
}

/// The series by colour and dash; a click hides one.
#[component]
pub(crate) fn Legend(props: &LegendProps) -> Html {
    let (state, act) = (&props.state, &props.act);
    let numbers = state.look.chosen.iter().filter(|name| !name.is_state).count();
    let check = |checked: bool, act: Callback<Event>, words: &'static str| {
        html! { <label class="check"><input type="checkbox" {checked} onchange={act} />{words}</label> }
    };
    html! {
        if state.labels.len() > 1 || props.is_dense {
            <div class="legend" role="group" aria-label="Series">
                { for state.labels.iter().enumerate().map(|(slot, label)| {
                    let shown = !state.look.hidden.contains(&slot);
                    html! {
                        <button type="button" key={slot} aria-pressed={shown.to_string()} onclick={act.reform(move |_: MouseEvent| Act::Toggle(slot))}>
                            {swatch(slot)}<bdi>{label.clone()}</bdi></button>
                    }
                })}
                if numbers > 1 { {check(state.look.one_scale, act.reform(|_: Event| Act::OneScale), "One scale")} }
                if props.is_dense { {check(state.look.band, act.reform(|_: Event| Act::Band), "Min–max band")} }
            </div>
        }
    }
}
