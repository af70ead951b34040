//! A chart as a table: the same samples, in pages.

use std::rc::Rc;

use hearth_model::format::decimals_of;
use yew::prelude::*;

use super::{
    read::{Row, csv, number_in, rows, value},
    state::Act,
};
use crate::{
    components::{copy::Copy, icon::Icon},
    platform::locale,
    wire::ChartView,
};

/// Rows of a page.
const PAGE: usize = 50;

/// What [`Table`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct TableProps {
    pub(crate) view: Rc<ChartView>,
    /// Places of the series, and what they are called.
    pub(crate) shown: Vec<usize>,
    pub(crate) labels: Vec<AttrValue>,
    pub(crate) page: usize,
    pub(crate) act: Callback<Act>,
}

/// The newest samples first.
#[component]
pub(crate) fn Table(props: &TableProps) -> Html {
    let rows = Rc::new(rows(&props.view, &props.shown));
    let pages = rows.len().div_ceil(PAGE).max(1);
    let page = props.page.min(pages - 1);
    let label = |place: usize| label_of(&props.shown, &props.labels, place);
    let copy = {
        let (view, shown, labels) = (props.view.clone(), props.shown.clone(), props.labels.clone());
        let all = rows.clone();
        Callback::from(move |()| csv(&view, &all, |place| label_of(&shown, &labels, place)))
    };
    let turn = |to: Option<usize>, icon: &'static str, words: &'static str| {
        let onclick = props.act.reform(move |_: MouseEvent| Act::Table(to));
        html! {
            <button class="btn btn--dense btn--icon" type="button" aria-label={words} disabled={to.is_none()} {onclick}><Icon name={icon} small=true /></button>
        }
    };
    let samples = rows.iter().any(|row| row.count > 1);
    html! {
        <>
            <div class="row row--wrap">
                {turn(page.checked_sub(1), "left", "Newer")}
                <span class="sub" role="status">{format!("Page {} of {pages}, newest first", page + 1)}</span>
                {turn(Some(page + 1).filter(|next| *next < pages), "right", "Older")}
                <Copy words="Copy as CSV" text={copy} testid="chart-copy" />
                if samples { <span class="sub">{"Some rows are the mean of many samples; zoom in for each of them."}</span> }
            </div>
            <div class="scroll-x history" tabindex="0" role="region" aria-label="Samples">
                <table class="table table--dense" data-testid="chart-table">
                    <thead><tr>
                        <th scope="col">{"Time"}</th><th scope="col">{"Series"}</th><th scope="col" class="r">{"Value"}</th>
                        <th scope="col" class="r">{"Lowest"}</th><th scope="col" class="r">{"Highest"}</th><th scope="col" class="r">{"Samples"}</th>
                    </tr></thead>
                    <tbody>{ for rows.iter().skip(page * PAGE).take(PAGE).map(|row| row_html(props, row, label(row.place))) }</tbody>
                </table>
            </div>
        </>
    }
}

fn label_of(shown: &[usize], labels: &[AttrValue], place: usize) -> String {
    let found = shown.iter().zip(labels).find(|(shown, _)| **shown == place);
    found.map(|(_, label)| label.to_string()).unwrap_or_default()
}

fn row_html(props: &TableProps, row: &Row, label: String) -> Html {
    let Some(series) = props.view.series.get(row.place) else {
        return Html::default();
    };
    // Each row with the decimals of its own samples: the table is exact where the chart need not be.
    let exact = |number: f64| match series.words {
        Some(_) => value(series, number),
        None => number_in(number, decimals_of(number)),
    };
    html! {
        <tr>
            <th scope="row">{format!("{}, {}", locale::day_short(row.at_ms), locale::time_long(row.at_ms))}</th>
            <td><bdi>{label}</bdi></td><td class="r">{value(series, row.number)}</td>
            <td class="r">{exact(row.low)}</td><td class="r">{exact(row.high)}</td>
            <td class="r">{locale::number(&row.count.to_string())}</td>
        </tr>
    }
}
