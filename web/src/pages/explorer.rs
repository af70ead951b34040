//! Explorer: every topic of the broker, live. On the phone the tree and a topic are two screens.

use yew::prelude::*;

use super::{topic::Topic, waiting::WaitingMessages};
use crate::{
    components::{
        form::event_value,
        icon::Icon,
        tree::{Range, Tree},
        words,
    },
    hooks::{use_connection, use_counters, use_subscriptions, use_tree},
    platform::locale,
    wire::{ConnectionState, TreeWindow},
};

/// Rows asked for before the tree has measured itself.
const FIRST_ROWS: u32 = 100;

/// What [`Explorer`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct ExplorerProps {
    pub(crate) topic: Option<String>,
}

/// Tree and topic.
#[component]
pub(crate) fn Explorer(props: &ExplorerProps) -> Html {
    html! {
        <div class={classes!("explorer", props.topic.is_some().then_some("explorer--detail"))}>
            <TreePane selected={props.topic.clone()} />
            <section class="detail" id="topic" aria-label="Selected topic">
                if let Some(topic) = &props.topic {
                    <Topic key={topic.clone()} topic={topic.clone()} />
                } else {
                    <p class="detail__none">{"Choose a topic to see its messages and to publish to it."}</p>
                    <super::topic::Publish topic="" />
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
    let tree = use_tree((*window).clone());
    // Several changes may come before the next rendering: each starts from the latest window.
    let latest = use_mut_ref(|| (*window).clone());
    let change = {
        let window = window.clone();
        Callback::from(move |change: Box<dyn FnOnce(&mut TreeWindow)>| {
            let mut next = latest.borrow().clone();
            next.toggles.clear();
            change(&mut next);
            *latest.borrow_mut() = next.clone();
            window.set(next);
        })
    };
    {
        let (change, view) = (change.clone(), tree.clone());
        use_effect_with(props.selected.clone(), move |selected| {
            let Some(topic) = selected.clone() else { return };
            let is_there = view.is_some_and(|view| view.rows.iter().any(|row| row.topic == topic));
            change.emit(Box::new(move |window| {
                window.toggles = branches(&topic);
                if !is_there {
                    window.anchor = Some(topic);
                }
            }));
        });
    }
    let boxed = |f: Box<dyn FnOnce(&mut TreeWindow)>| f;
    let on_range = use_callback(change.clone(), move |range: Range, change| {
        change.emit(boxed(Box::new(move |window| {
            (window.first_row, window.rows, window.anchor) = (range.first_row, range.rows, range.anchor);
        })));
    });
    let on_toggle = use_callback(change.clone(), move |(topic, open): (String, bool), change| {
        change.emit(boxed(Box::new(move |window| {
            window.toggles = vec![(topic, open)];
        })));
    });
    let on_search = {
        let change = change.clone();
        Callback::from(move |event: InputEvent| {
            let search = event_value(&event);
            change.emit(Box::new(move |window| {
                (window.search, window.first_row, window.anchor) = (search, 0, None);
            }));
        })
    };
    let on_pause =
        Callback::from(move |_: MouseEvent| change.emit(Box::new(|window| window.paused = !window.paused)));
    let view = tree.clone().unwrap_or_default();
    html! {
        <section class="treepane" aria-label="Topics" id="topics">
            <div class="treepane__tools">
                <label class="grow"><span class="vh">{"Filter topics"}</span>
                    <input class="input input--dense" type="search" placeholder="Filter, + and # work" value={window.search.clone()}
                        oninput={on_search} data-testid="topic-search" spellcheck="false" autocapitalize="off" autocomplete="off" />
                </label>
                <button class="btn btn--dense" type="button" aria-pressed={window.paused.to_string()} onclick={on_pause}>
                    <Icon name={if window.paused { "play" } else { "pause" }} small=true />{if window.paused { "Paused" } else { "Pause" }}
                </button>
            </div>
            <div class="tree__head" aria-hidden="true"><span>{"Topic"}</span><span>{"Last value"}</span><span>{"Rate"}</span></div>
            <div class="treepane__body">
                <Tree view={view.clone()} search={window.search.clone()} selected={props.selected.clone()} {on_range} {on_toggle} />
                if view.total_rows == 0 { <NoRows search={window.search.clone()} /> }
                if view.held_back > 0 {
                    <p class="heldback" role="status">{format!("{} while paused", words::count(view.held_back, "new message", "new messages"))}</p>
                }
            </div>
            <Foot matching={(!window.search.is_empty()).then_some(view.matching)} />
        </section>
    }
}

/// The branches that must be open so that a topic can be seen in the tree.
fn branches(topic: &str) -> Vec<(String, bool)> {
    topic
        .match_indices('/')
        .filter_map(|(at, _)| Some((topic.get(..at)?.to_owned(), true)))
        .collect()
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
            <span class={classes!((counters.dropped > 0).then_some("warned"))}>
                <span data-testid="messages-dropped" data-value={counters.dropped.to_string()}>{number(counters.dropped)}</span>{" dropped"}
            </span>
            <WaitingMessages />
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_branch_above_a_topic_is_opened() {
        let opened = |topic: &str| {
            branches(topic)
                .into_iter()
                .map(|(branch, _)| branch)
                .collect::<Vec<_>>()
        };
        assert_eq!(opened("a/b/c"), ["a", "a/b"]);
        assert_eq!(opened("/a"), [""]);
        assert_eq!(opened("a"), [""; 0]);
    }
}
