//! One row of the tree.

use std::rc::Rc;

use hearth_model::decimal;
use yew::prelude::*;

use super::mark::{self, Marker};
use crate::{
    components::{
        icon::Icon,
        text::{language, visible},
        vars::use_vars,
        words,
    },
    pages::route::Route,
    platform::locale,
    wire::{TreeCommand, TreeRow},
};

/// A topic that sends so often stands out.
const HOT: f32 = 10.0;
/// Deeper levels are not moved further in.
const DEEPEST: u16 = 15;

/// What [`Row`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct RowProps {
    pub(crate) row: TreeRow,
    pub(crate) index: u32,
    pub(crate) active: bool,
    pub(crate) selected: bool,
    pub(crate) marker: Option<Rc<Marker>>,
    pub(crate) on_command: Callback<TreeCommand>,
}

/// Name, compact value, rate.
#[component]
pub(crate) fn Row(props: &RowProps) -> Html {
    let row = &props.row;
    let toggle = {
        let (topic, open) = (row.topic.clone(), row.expanded != Some(true));
        props.on_command.reform(move |event: MouseEvent| {
            event.prevent_default();
            event.stop_propagation();
            TreeCommand::Toggle(topic.clone(), open)
        })
    };
    // A branch without a message of its own has nothing to show: it opens.
    let onclick = (!row.is_topic && row.expanded.is_some()).then(|| toggle.clone());
    let bar = use_node_ref();
    let percent = (row.share * 100.0).round() as u32;
    use_vars(&bar, vec![("--share", format!("{percent}%"))]);
    let marker = props.marker.as_deref();
    let system = row.level == 0 && row.name.starts_with('$');
    let level = format!("lvl-{}", row.level.min(DEEPEST));
    html! {
        <div id={super::row_id(props.index)} role="row" data-testid="topic-row" data-topic={row.topic.clone()}
            data-retained={row.retained.to_string()} aria-level={(row.level + 1).to_string()}
            aria-rowindex={(props.index + 1).to_string()} aria-expanded={row.expanded.map(|open| open.to_string())}
            aria-selected={props.selected.to_string()}
            class={classes!("tree__row", level, props.active.then_some("tree__row--active"), system.then_some("tree__row--system"))}>
            <span class="tree__name" role="gridcell" aria-label={spoken_name(row)}>
                if row.expanded.is_some() {
                    <span class="tw" onclick={toggle}><Icon name="right" small=true /></span>
                } else {
                    <span class="tw"></span>
                }
                <a class="n" href={Route::Explorer { topic: Some(row.topic.clone()) }.href()} tabindex="-1"
                    lang={language(&row.name)} {onclick}><bdi>{name(marker, row)}</bdi></a>
                if row.topics_below > 0 {
                    // With a blank, because who speaks to the page says what stands there, and the cell's name has it so.
                    {" "}<span class="c">{locale::number(&row.topics_below.to_string())}</span>
                }
                if row.retained {
                    <span class="ret" title="Retained"><Icon name="pin" small=true /></span>
                }
            </span>
            <span class="tree__val" role="gridcell" data-testid="topic-value"><bdi>{mark::value(marker, row)}</bdi></span>
            <span ref={bar} class={classes!("tree__rate", (row.rate >= HOT).then_some("hot"))} role="gridcell"
                data-testid="topic-rate" data-value={decimal::fixed(f64::from(row.rate), 3)} data-share={percent.to_string()}
                aria-label={spoken_rate(row.rate, percent)}>{rate(row.rate)}</span>
        </div>
    }
}

/// An empty level is a level too.
fn name(marker: Option<&Marker>, row: &TreeRow) -> Html {
    if row.name.is_empty() {
        return html! { <span class="muted">{"(empty level)"}</span> };
    }
    mark::name(marker, row)
}

/// What a screen reader says of the name, where more is drawn than it. Hidden text for it would be three layers a row, and each
/// frame that changes anything goes through all of them.
fn spoken_name(row: &TreeRow) -> Option<String> {
    if row.topics_below == 0 && !row.retained {
        return None;
    }
    let mut said = match row.name.as_str() {
        "" => "empty level".to_owned(),
        name => visible(name),
    };
    if row.topics_below > 0 {
        said += ", ";
        said += &words::count(u64::from(row.topics_below), "topic", "topics");
    }
    if row.retained {
        said += ", retained";
    }
    Some(said)
}

fn is_quiet(per_second: f32) -> bool {
    per_second < 0.05
}

/// The same of the rate.
fn spoken_rate(per_second: f32, percent: u32) -> Option<String> {
    match percent {
        0 => is_quiet(per_second).then(|| "quiet".to_owned()),
        _ => Some(format!("{}, {percent} % of all messages", rate(per_second))),
    }
}

fn rate(per_second: f32) -> String {
    match is_quiet(per_second) {
        true => "–".to_owned(),
        false => format!("{}/s", words::rate(per_second)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::render;

    #[test]
    fn a_topic_that_looks_like_markup_stays_text() {
        let row = TreeRow {
            topic: "a/<img src=x onerror=alert(1)>".into(),
            name: "<img src=x onerror=alert(1)>".into(),
            level: 1,
            is_topic: true,
            retained: true,
            preview: "</span><script>\u{202e}".into(),
            ..TreeRow::default()
        };
        let html = render::<Row>(RowProps {
            row,
            index: 4,
            active: false,
            selected: true,
            marker: None,
            on_command: Callback::noop(),
        });
        assert!(
            !html.contains("<img src=x onerror=alert(1)></bdi>") && !html.contains("<script"),
            "{html}"
        );
        assert!(
            html.contains("⟨U+202E⟩") && html.contains(r#"data-retained="true""#),
            "{html}"
        );
        assert!(
            html.contains(r#"aria-level="2""#) && html.contains(r#"aria-rowindex="5""#),
            "{html}"
        );
    }
}
