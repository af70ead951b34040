//! Explorer: every topic of the broker, live. On the phone the tree and a topic are two screens.

use std::rc::Rc;

use yew::prelude::*;

use super::{
    retained::Retained, route::Route, subscriptions::Subscriptions, topic::Topic, tree_tools::Tools,
    waiting::WaitingMessages,
};
use crate::{
    components::{
        icon::Icon,
        text::visible,
        tree::{Marker, Range, Tree},
        words,
    },
    hooks::{use_connection, use_counters, use_engine, use_subscriptions, use_tree},
    platform::locale,
    wire::{BusiestBranch, Command, ConnectionState, ExportOrder, TreeCommand, TreeSort, TreeWindow},
};

/// Rows asked for before the tree has measured itself.
const FIRST_ROWS: u32 = 100;

/// What [`Explorer`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct ExplorerProps {
    pub(crate) topic: Option<String>,
    /// Retained messages are looked at, those with this in their topics.
    #[prop_or_default]
    pub(crate) retained: Option<String>,
}

/// Tree and topic.
#[component]
pub(crate) fn Explorer(props: &ExplorerProps) -> Html {
    html! {
        <div class={classes!("explorer", (props.topic.is_some() || props.retained.is_some()).then_some("explorer--detail"))}>
            <TreePane selected={props.topic.clone()} />
            <section class="detail" id="topic" aria-label="Selected topic">
                if let Some(topic) = props.topic.as_ref().filter(|topic| !topic.is_empty()) {
                    <Topic key={topic.clone()} topic={topic.clone()} />
                } else if let Some(search) = &props.retained {
                    <Retained key={search.clone()} search={search.clone()} />
                } else {
                    // On a phone this is a screen of its own: the one of no topic.
                    <p class="only-detail"><a class="btn btn--dense" href={Route::Explorer { topic: None }.href()}><Icon name="left" small=true />{"Topics"}</a></p>
                    <p class="detail__none only-wide">{"Choose a topic to see its messages and to publish to it."}</p>
                    <div class="detail__pair">
                        <super::topic::Publish topic="" />
                        <Subscriptions />
                    </div>
                    <p class="hint"><a class="link" href={Route::Replay.href()}>{"Show or publish a recording"}</a></p>
                }
            </section>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct TreePaneProps {
    selected: Option<String>,
}

#[component]
fn TreePane(props: &TreePaneProps) -> Html {
    let window = use_state(|| TreeWindow {
        rows: FIRST_ROWS,
        ..TreeWindow::default()
    });
    let (tree, engine) = (use_tree((*window).clone()), use_engine());
    // Several changes may come before the next rendering: each starts from the latest window.
    let latest = use_mut_ref(|| (*window).clone());
    let on_change = {
        let window = window.clone();
        use_callback((), move |change: Box<dyn FnOnce(&mut TreeWindow)>, ()| {
            let mut next = latest.borrow().clone();
            change(&mut next);
            if *latest.borrow() != next {
                *latest.borrow_mut() = next.clone();
                window.set(next);
            }
        })
    };
    let on_export = use_callback(engine.clone(), |order: ExportOrder, engine| {
        engine.send(Command::Export(Some(order)));
    });
    let on_command = use_callback(engine, |command: TreeCommand, engine| {
        engine.send(Command::Tree(command));
    });
    {
        let (on_change, on_command, view) = (on_change.clone(), on_command.clone(), tree.clone());
        use_effect_with(props.selected.clone(), move |selected| {
            let Some(topic) = selected.clone() else { return };
            let is_there = view.is_some_and(|view| view.rows.iter().any(|row| row.topic == topic));
            on_command.emit(TreeCommand::Reveal(topic.clone()));
            if !is_there {
                on_change.emit(Box::new(move |window| window.anchor = Some(topic)));
            }
        });
    }
    let on_range = on_change.reform(|range: Range| -> Box<dyn FnOnce(&mut TreeWindow)> {
        Box::new(move |window| {
            (window.first_row, window.rows, window.anchor) = (range.first_row, range.rows, range.anchor);
        })
    });
    let on_hold = on_change.reform(|hold: bool| -> Box<dyn FnOnce(&mut TreeWindow)> {
        // An order by name needs no holding.
        Box::new(move |window| window.hold_order = hold && window.sort != TreeSort::Name)
    });
    let marker = use_memo((window.search.clone(), window.pattern), |(search, pattern)| {
        Marker::new(search, *pattern).map(Rc::new)
    });
    let resort = on_command.reform(|_: MouseEvent| TreeCommand::Resort);
    let view = tree.clone().unwrap_or_default();
    html! {
        <section class="treepane" aria-label="Topics" id="topics">
            <Tools window={(*window).clone()} {on_change} on_command={on_command.clone()} view={view.clone()} />
            <div class="tree__head" aria-hidden="true"><span>{"Topic"}</span><span>{"Last value"}</span><span>{"Rate"}</span></div>
            <div class="treepane__body">
                <Tree view={view.clone()} search={window.search.clone()} selected={props.selected.clone()} {on_range} {on_command} {on_hold}
                    marker={(*marker).clone()} {on_export} />
                if view.total_rows == 0 { <NoRows search={window.search.clone()} /> }
                if window.paused {
                    <p class="heldback" role="status" data-testid="tree-held" data-value={view.held_back.to_string()}>
                        {format!("Paused. {} since", words::count(view.held_back, "message", "messages"))}
                    </p>
                } else if view.order_held {
                    <p class="heldback">{"Order held while you are here "}<button class="link" type="button" onclick={resort} data-testid="tree-resort">{"Sort now"}</button></p>
                }
            </div>
            <Foot matching={(!window.search.is_empty()).then_some(view.matching)} busiest={view.busiest.clone()} />
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct NoRowsProps {
    search: AttrValue,
}

/// Why there is nothing to see.
#[component]
fn NoRows(props: &NoRowsProps) -> Html {
    let (connection, subscriptions) = (use_connection(), use_subscriptions());
    let all_refused =
        !subscriptions.is_empty() && subscriptions.iter().all(|subscription| subscription.refused);
    let text = match (props.search.is_empty(), connection.state) {
        (false, _) => "No topic matches this filter.",
        (true, ConnectionState::Connected) if all_refused => {
            "Connected, but the broker refused every subscription, so nothing can arrive. Connect shows its answers."
        }
        (true, ConnectionState::Connected) => "Connected. Waiting for the first message.",
        (true, ConnectionState::Connecting) => "Connecting to the broker…",
        (true, ConnectionState::None | ConnectionState::Waiting | ConnectionState::Down) => {
            "Not connected, so there are no topics yet. Connect says why."
        }
    };
    html! { <p class="tree__none" role="status">{text}</p> }
}

#[derive(Properties, PartialEq)]
struct FootProps {
    matching: Option<u32>,
    busiest: Option<BusiestBranch>,
}

/// What was counted; nothing is lost in silence.
#[component]
fn Foot(props: &FootProps) -> Html {
    let counters = use_counters();
    let number = |value: u64| locale::number(&value.to_string());
    html! {
        <div class="treepane__foot" role="group" aria-label="Counters">
            <span>
                if let Some(matching) = props.matching { {format!("{} of ", number(u64::from(matching)))} }
                <span class="num ch-4">{number(u64::from(counters.topics))}</span>{" topics"}
            </span>
            <span><span class="num ch-5" data-testid="messages-received" data-value={counters.received.to_string()}>{number(counters.received)}</span>{" messages"}</span>
            <span><span class="num ch-4" data-testid="messages-rate" data-value={format!("{:.0}", counters.rate)}>{words::rate(counters.rate)}</span>{"/s"}</span>
            <span><span data-testid="messages-dropped" data-value={counters.dropped.to_string()}>{number(counters.dropped)}</span>{" no longer kept"}</span>
            if let Some(busiest) = &props.busiest { {floods(busiest)} }
            <WaitingMessages />
            <a class="link only-detail" href={Route::Explorer { topic: Some(String::new()) }.href()} data-testid="publish-open">{"Publish, subscribe"}</a>
        </div>
    }
}

/// Who sends the most, and the way there.
fn floods(busiest: &BusiestBranch) -> Html {
    let topic = &busiest.topic;
    let href = Route::Explorer {
        topic: Some(topic.clone()),
    }
    .href();
    let percent = (busiest.share * 100.0).round() as u32;
    let name = if topic.is_empty() {
        "(empty level)".to_owned()
    } else {
        visible(topic)
    };
    html! {
        <span class="floods" data-testid="busiest-branch" data-topic={topic.clone()} data-share={percent.to_string()}>
            {"Busiest "}<a {href}><bdi>{name}</bdi></a>{format!(" {percent} %, {}/s", words::rate(busiest.rate))}
        </span>
    }
}
