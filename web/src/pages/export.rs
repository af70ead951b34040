//! Messages to a file: what to take, and how far it is.

use std::rc::Rc;

use yew::prelude::*;

use crate::{
    components::{
        form::field::{Check, Choice},
        icon::Icon,
        pick::{self, Pick},
        text::visible,
        words,
    },
    hooks::{use_engine, use_export},
    platform::locale,
    wire::{Command, ExportOrder, ExportState, ExportView},
};

/// What [`ExportButton`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct ExportProps {
    pub(crate) topic: AttrValue,
}

/// "Export" with its choices, for one topic or for all below it.
#[component]
pub(crate) fn ExportButton(props: &ExportProps) -> Html {
    let engine = use_engine();
    let (csv, below, open) = (use_state_eq(|| 0), use_state_eq(|| false), use_node_ref());
    let on_csv = Callback::from({
        let csv = csv.clone();
        move |chosen| csv.set(chosen)
    });
    let on_below = Callback::from({
        let below = below.clone();
        move |on| below.set(on)
    });
    let order = ExportOrder {
        topic: props.topic.to_string(),
        below: *below,
        csv: *csv == 1,
    };
    let onclick = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| {
            engine.send(Command::Export(Some(order.clone())));
            pick::close(&open);
        })
    };
    html! {
        <Pick class="pick--end" node={open}>
            <summary class="btn btn--dense btn--quiet" data-testid="export-open">{"Export"}<Icon name="download" small=true /></summary>
            <div class="pick__list stack">
                <Choice legend="File" name="export-form" chosen={*csv} on_choose={on_csv}
                    options={vec![(0, "JSON Lines", Some("export-jsonl")), (1, "CSV", Some("export-csv"))]} />
                <Check checked={*below} testid="export-below" on_check={on_below}>{"With all topics below"}</Check>
                <button class="btn btn--primary" type="button" {onclick} data-testid="export-begin">{"Export messages"}</button>
            </div>
        </Pick>
    }
}

/// How far the export is; until it is put away.
#[component]
pub(crate) fn Exporting() -> Html {
    let (view, engine) = (use_export(), use_engine());
    let put_away = use_state(|| None::<Rc<ExportView>>);
    let Some(view) = view.filter(|view| put_away.as_ref() != Some(view)) else {
        return Html::default();
    };
    let running = view.state == ExportState::Running;
    let onclick = {
        let view = view.clone();
        Callback::from(move |_: MouseEvent| {
            if running {
                engine.send(Command::Export(None));
            } else {
                put_away.set(Some(view.clone()));
            }
        })
    };
    html! { <Progress {view} {onclick} /> }
}

#[derive(Properties, PartialEq, Clone)]
struct ProgressProps {
    view: Rc<ExportView>,
    onclick: Callback<MouseEvent>,
}

#[component]
fn Progress(props: &ProgressProps) -> Html {
    let view = &props.view;
    let (state, title) = match &view.state {
        ExportState::Running => ("running", "Exporting"),
        ExportState::Done => ("done", "Exported"),
        ExportState::Stopped => ("stopped", "The export was stopped"),
        ExportState::Failed(_) => ("failed", "The export failed"),
    };
    let of = |topic: &str| {
        if topic.is_empty() {
            "all topics".to_owned()
        } else {
            visible(topic)
        }
    };
    html! {
        <div class="toast" role={if view.state == ExportState::Running { "group" } else { "status" }} data-testid="export-progress" data-state={state}
            data-written={view.written.to_string()} data-total={view.total.to_string()} data-dropped={view.dropped_before.to_string()}>
            <p class="grow"><strong>{title}{": "}<bdi>{of(&view.order.topic)}</bdi>{"."}</strong>{" "}{said(view)}</p>
            <button class="btn btn--dense" type="button" onclick={props.onclick.clone()} data-testid="export-end">
                {if state == "running" { "Stop" } else { "Got it" }}</button>
        </div>
    }
}

/// How much it is, and what is not in it.
fn said(view: &ExportView) -> String {
    let number = |n: u64| locale::number(&n.to_string());
    let mut said = match &view.state {
        ExportState::Failed(why) => return visible(why),
        ExportState::Stopped => return "No file was made.".to_owned(),
        ExportState::Running => format!("{} of {} messages.", number(view.written), number(view.total)),
        ExportState::Done => {
            let all = words::count(view.written, "message", "messages");
            format!("{all}, {}.", words::bytes(view.bytes))
        }
    };
    let mut note = |count: u64, text: &str| {
        if count > 0 {
            said.push_str(&format!(" {} {text}", number(count)));
        }
    };
    note(view.dropped_before, "older ones were no longer kept.");
    note(
        view.dropped_meanwhile,
        "were dropped from history before they were written.",
    );
    note(view.cut, "have a payload that was kept in part only, and say so.");
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::render;

    #[test]
    fn what_is_not_in_the_file_is_said() {
        let view = ExportView {
            order: ExportOrder {
                topic: "<b>home</b>".into(),
                below: true,
                csv: false,
            },
            state: ExportState::Done,
            written: 12_000,
            total: 12_003,
            bytes: 2_400_000,
            dropped_before: 5_000,
            dropped_meanwhile: 3,
            cut: 1,
        };
        let html = render::<Progress>(ProgressProps {
            view: Rc::new(view),
            onclick: Callback::noop(),
        });
        for part in [
            "&lt;b&gt;home",
            "12,000 messages, 2.4 MB.",
            "5,000 older ones were no longer kept.",
            "3 were dropped from history before they were written.",
            "1 have a payload",
            r#"data-state="done""#,
            "Got it",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }
}
