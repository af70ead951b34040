//! What stands above the topic tree: search, order, levels, pause.

use yew::prelude::*;

use super::route::Route;
use crate::{
    components::{
        form::{
            event_value,
            field::{Check, Choice},
        },
        icon::Icon,
        words,
    },
    platform::locale,
    wire::{TreeCommand, TreeSort, TreeView, TreeWindow},
};

const SORTS: [TreeSort; 3] = [TreeSort::Name, TreeSort::Newest, TreeSort::Rate];

/// A change of the window.
pub(crate) type Change = Callback<Box<dyn FnOnce(&mut TreeWindow)>>;

/// What [`Tools`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct ToolsProps {
    pub(crate) window: TreeWindow,
    pub(crate) on_change: Change,
    pub(crate) on_command: Callback<TreeCommand>,
    pub(crate) view: std::rc::Rc<TreeView>,
}

/// Search and pause, order and levels, and what was found.
#[component]
pub(crate) fn Tools(props: &ToolsProps) -> Html {
    let window = &props.window;
    let change = |apply: fn(&mut TreeWindow)| {
        props
            .on_change
            .reform(move |_: MouseEvent| -> Box<dyn FnOnce(&mut TreeWindow)> { Box::new(apply) })
    };
    let command = |command: TreeCommand| props.on_command.reform(move |_: MouseEvent| command.clone());
    let on_search = props
        .on_change
        .reform(|event: InputEvent| -> Box<dyn FnOnce(&mut TreeWindow)> {
            let search = event_value(&event);
            Box::new(move |window| (window.search, window.first_row, window.anchor) = (search, 0, None))
        });
    let from = props.view.found.map(|found| found.row);
    let onkeydown = props.on_command.clone();
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        if matches!(&*event.key(), "Enter" | "F3") {
            event.prevent_default();
            let backward = event.shift_key();
            onkeydown.emit(TreeCommand::Find { from, backward });
        }
    });
    let on_sort = props
        .on_change
        .reform(|sort: u8| -> Box<dyn FnOnce(&mut TreeWindow)> {
            let sort = SORTS.get(usize::from(sort)).copied().unwrap_or_default();
            Box::new(move |window| (window.sort, window.first_row, window.anchor) = (sort, 0, None))
        });
    let wrong = props.view.search_error.is_some() && !window.search.is_empty();
    let level = |label: &'static str, words: &'static str, what: TreeCommand, testid: &'static str| {
        html! {
            <button class="btn btn--dense btn--quiet" type="button" aria-label={label} title={label} onclick={command(what)}
                data-testid={testid}>{words}</button>
        }
    };
    html! {
        <div class="treetools">
            <div class="treepane__tools">
                <label class="grow"><span class="vh">{"Filter topics"}</span>
                    <input class="input input--dense" type="search" placeholder="Filter, + and # work" value={window.search.clone()}
                        oninput={on_search} {onkeydown} data-testid="topic-search" spellcheck="false" autocapitalize="off"
                        autocomplete="off" aria-invalid={wrong.then_some("true")} aria-describedby={(!window.search.is_empty()).then_some("search-note")} />
                </label>
                <button class="btn btn--dense" type="button" aria-pressed={window.paused.to_string()} data-testid="tree-pause"
                    onclick={change(|window| window.paused = !window.paused)}>
                    <Icon name={if window.paused { "play" } else { "pause" }} small=true />{if window.paused { "Paused" } else { "Pause" }}
                </button>
                <a class="btn btn--dense btn--icon" href={retained(window).href()} aria-label="Retained messages" title="Retained messages"
                    data-testid="retained-open"><Icon name="pin" small=true /></a>
                if window.paused {
                    <button class="btn btn--dense" type="button" onclick={command(TreeCommand::Step)} data-testid="tree-step"
                        title="Show the present once">{"Step"}</button>
                }
            </div>
            if !window.search.is_empty() { {found(props)} }
            <div class="treepane__tools treepane__order">
                <Choice legend="Order of topics" hidden_legend=true name="tree-sort" chosen={SORTS.iter().zip(0..).find(|(sort, _)| **sort == window.sort).map_or(0, |(_, at)| at)}
                    options={vec![(0, "Name", Some("tree-sort-name")), (1, "Newest", Some("tree-sort-newest")), (2, "Rate", Some("tree-sort-rate"))]}
                    on_choose={on_sort} />
                <div class="row" role="group" aria-label="Levels">
                    {level("+1 level: open one level more", "+1", TreeCommand::OpenLevel, "tree-open-level")}
                    {level("All levels: open everything", "All", TreeCommand::OpenAll, "tree-open-all")}
                    {level("None: close all levels", "None", TreeCommand::CloseAll, "tree-close-all")}
                </div>
            </div>
        </div>
    }
}

/// Retained messages among what is searched for.
fn retained(window: &TreeWindow) -> Route {
    let search = if window.pattern { "" } else { &window.search };
    Route::Retained {
        search: search.to_owned(),
    }
}

/// How the search goes, and how it is done.
fn found(props: &ToolsProps) -> Html {
    let (window, view) = (&props.window, &props.view);
    let set = |apply: fn(&mut TreeWindow, bool)| {
        props
            .on_change
            .reform(move |on: bool| -> Box<dyn FnOnce(&mut TreeWindow)> {
                Box::new(move |window| apply(window, on))
            })
    };
    let from = view.found.map(|found| found.row);
    let find = |backward| {
        props
            .on_command
            .reform(move |_: MouseEvent| TreeCommand::Find { from, backward })
    };
    let nothing = view.matching == 0;
    html! {
        <div class="treepane__tools treepane__found">
            <p class="small ink2 grow" id="search-note" role="status" data-testid="search-hits" data-value={view.matching.to_string()}>{hits(view)}</p>
            <button class="btn btn--dense btn--icon btn--quiet turned" type="button" aria-label="Previous topic found" disabled={nothing}
                onclick={find(true)} data-testid="search-previous"><Icon name="left" small=true /></button>
            <button class="btn btn--dense btn--icon btn--quiet turned" type="button" aria-label="Next topic found" disabled={nothing}
                onclick={find(false)} data-testid="search-next"><Icon name="right" small=true /></button>
            <div class="row row--wrap treepane__how">
                <Check checked={window.payloads} testid="search-payloads" on_check={set(|window, on| window.payloads = on)}>{"Payloads, too"}</Check>
                <Check checked={window.pattern} testid="search-pattern" on_check={set(|window, on| window.pattern = on)}>{"Regular expression"}</Check>
            </div>
            if window.payloads { <p class="hint">{"The newest payload of each topic as it came, its first 4 KiB."}</p> }
        </div>
    }
}

fn hits(view: &TreeView) -> String {
    if let Some(error) = &view.search_error {
        return format!("This expression is not complete: {error}.");
    }
    let mut text = words::count(u64::from(view.matching), "topic found", "topics found");
    if let Some(found) = view.found {
        let nth = locale::number(&found.nth.to_string());
        text = format!("{nth} of {text}");
    }
    if view.unsearched > 0 {
        let left = locale::number(&view.unsearched.to_string());
        text.push_str(&format!(", {left} still to be searched"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{components::testing::render, wire::FoundRow};

    fn tools(window: TreeWindow, view: TreeView) -> String {
        render::<Tools>(ToolsProps {
            window,
            on_change: Callback::noop(),
            on_command: Callback::noop(),
            view: view.into(),
        })
    }

    #[test]
    fn what_was_found_is_counted_and_what_is_not_searched_yet_is_said() {
        let window = TreeWindow {
            search: "x".into(),
            payloads: true,
            ..TreeWindow::default()
        };
        let view = TreeView {
            matching: 41,
            unsearched: 7,
            found: Some(FoundRow {
                serial: 1,
                row: 5,
                nth: 3,
            }),
            ..TreeView::default()
        };
        let html = tools(window, view);
        for part in [
            "3 of 41 topics found, 7 still to be searched",
            "first 4 KiB",
            r#"data-testid="search-next""#,
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn a_wrong_expression_is_explained_at_its_field() {
        let window = TreeWindow {
            search: "(".into(),
            pattern: true,
            ..TreeWindow::default()
        };
        let view = TreeView {
            search_error: Some("a group has no end: add ) (at character 1)".into()),
            ..TreeView::default()
        };
        let html = tools(window, view);
        assert!(
            html.contains(r#"aria-invalid="true""#) && html.contains("add )"),
            "{html}"
        );
    }

    #[test]
    fn a_paused_tree_can_be_stepped() {
        let step = r#"data-testid="tree-step""#;
        assert!(!tools(TreeWindow::default(), TreeView::default()).contains(step));
        let paused = TreeWindow {
            paused: true,
            ..TreeWindow::default()
        };
        assert!(tools(paused, TreeView::default()).contains(step));
    }
}
