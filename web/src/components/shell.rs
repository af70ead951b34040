//! The frame of every page: rail or tab bar, header, connection pill.

use yew::prelude::*;

use super::{
    icon::Icon,
    text::{Foreign, shortened, visible},
};
use crate::{
    pages::route::Route,
    platform::locale,
    wire::{ConnectionState, ConnectionView},
};

/// What [`Rail`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct RailProps {
    pub(crate) route: Route,
}

/// Main navigation: a rail on the left, on the phone a bar at the bottom.
#[component]
pub(crate) fn Rail(props: &RailProps) -> Html {
    let tab = |route: Route, icon: &'static str, current: bool| {
        html! {
            <li><a class="tab" href={route.href()} aria-current={current.then_some("page")}>
                <Icon name={icon} /><span>{route.title()}</span>
            </a></li>
        }
    };
    let here = &props.route;
    html! {
        <nav class="rail" aria-label="Main">
            <a class="rail__brand" href="#/" aria-label="Hearth, home"><Brand /></a>
            <ul>
                {tab(Route::Home { room: None }, "home", matches!(here, Route::Home { .. } | Route::Device { .. }))}
                {tab(Route::Explorer { topic: None }, "tree", here.is_explorer())}
                {tab(Route::Connect, "link", *here == Route::Connect)}
                {tab(Route::Settings, "gear", *here == Route::Settings)}
            </ul>
        </nav>
    }
}

#[component]
fn Brand() -> Html {
    html! {
        <svg width="30" height="30" viewBox="0 0 30 30" fill="none" aria-hidden="true">
            <path d="M4 26V13.5L15 4l11 9.5V26" stroke="currentColor" stroke-width="2.5" stroke-linecap="round"
                stroke-linejoin="round" />
            <path class="brand__f" d="M15 12.5c.3 3.2 4 4.7 4 8.7a4 4 0 0 1-8 0c0-1.9.9-3 1.6-4 .3 1.1.7 1.6 1.3 1.9-.3-2.2.1-4.6 1.1-6.6z" />
        </svg>
    }
}

/// What [`TopBar`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct TopBarProps {
    pub(crate) title: AttrValue,
    #[prop_or_default]
    pub(crate) sub: AttrValue,
    /// The home behind the bridge is a simulation.
    #[prop_or_default]
    pub(crate) simulated: bool,
    pub(crate) on_theme: Callback<()>,
    /// The connection pill.
    pub(crate) children: Html,
}

/// Title, tools, connection, theme.
#[component]
pub(crate) fn TopBar(props: &TopBarProps) -> Html {
    html! {
        <header class="topbar">
            <div class="topbar__title">
                <h1><Foreign text={props.title.clone()} /></h1>
                if !props.sub.is_empty() {
                    <span class="topbar__sub"><Foreign text={props.sub.clone()} /></span>
                }
                if props.simulated {
                    <span class="mark mark--accent mark--sim">
                        <Icon name="sim" /><span>{"Simulated"}<span class="hide-s">{" home"}</span></span>
                    </span>
                }
            </div>
            <div class="topbar__tools">
                {props.children.clone()}
                <button class="btn btn--quiet btn--icon" type="button" onclick={props.on_theme.reform(|_: MouseEvent| ())}
                    aria-label="Switch between light and dark theme"><Icon name="theme" /></button>
            </div>
        </header>
    }
}

/// What [`ConnectionPill`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct ConnectionPillProps {
    pub(crate) connection: std::rc::Rc<ConnectionView>,
    pub(crate) now: u64,
}

/// The connection in a few words, with the reason when it is down; opens Connect.
#[component]
pub(crate) fn ConnectionPill(props: &ConnectionPillProps) -> Html {
    let connection = &*props.connection;
    let (class, icon) = match connection.state {
        ConnectionState::Connected => (None, "check"),
        ConnectionState::Connecting | ConnectionState::None => (Some("conn--idle"), "minus"),
        ConnectionState::Waiting | ConnectionState::Down => (Some("conn--bad"), "x"),
    };
    let why = reason(connection);
    html! {
        <a class={classes!("conn", class)} href={Route::Connect.href()} data-testid="connection-state"
            data-state={state_name(connection.state)}>
            <span class="conn__mark"><Icon name={icon} /></span>
            <span class="conn__t">
                <span role="status">
                    {state_words(connection.state)}
                    if let Some(why) = &why {
                        <span class="conn__why">{": "}{why}</span>
                    }
                </span>
                if let Some(seconds) = countdown(connection, props.now) {
                    <span class="conn__next">{format!(" Next try in {seconds} s")}</span>
                }
            </span>
            if let (ConnectionState::Connected, Some(ms)) = (connection.state, connection.round_trip_ms) {
                <span class="conn__ms"><span class="num ch-3">{locale::number(&ms.to_string())}</span>{" ms"}</span>
            }
        </a>
    }
}

/// `data-state` of the pill.
pub(crate) fn state_name(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::None => "none",
        ConnectionState::Connecting => "connecting",
        ConnectionState::Connected => "connected",
        ConnectionState::Waiting => "waiting",
        ConnectionState::Down => "down",
    }
}

/// The state in the words of the pill.
pub(crate) fn state_words(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::None => "No broker yet",
        ConnectionState::Connecting => "Connecting…",
        ConnectionState::Connected => "Connected",
        ConnectionState::Waiting | ConnectionState::Down => "Not connected",
    }
}

fn reason(connection: &ConnectionView) -> Option<String> {
    match connection.state {
        ConnectionState::Waiting | ConnectionState::Down => match &connection.problem {
            Some(problem) => Some(shortened(&visible(&problem.title), 90)),
            None => (connection.state == ConnectionState::Down).then(|| "you ended it".to_owned()),
        },
        ConnectionState::None | ConnectionState::Connecting | ConnectionState::Connected => None,
    }
}

/// Seconds to the next try, at least 1 while it is waited for.
pub(crate) fn countdown(connection: &ConnectionView, now: u64) -> Option<u64> {
    let at = connection
        .next_try_at
        .filter(|_| connection.state == ConnectionState::Waiting)?;
    Some(at.saturating_sub(now).div_ceil(1_000).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        components::testing::render,
        wire::{Problem, ProblemKind},
    };

    fn pill(connection: ConnectionView) -> String {
        render::<ConnectionPill>(ConnectionPillProps {
            connection: connection.into(),
            now: 10_000,
        })
    }

    #[test]
    fn a_pill_that_waits_says_why_and_when_the_next_try_is() {
        let html = pill(ConnectionView {
            state: ConnectionState::Waiting,
            next_try_at: Some(14_200),
            problem: Some(Problem {
                kind: ProblemKind::Unreachable,
                title: "Nobody answers at this address".into(),
                what_happened: String::new(),
                how_we_know: String::new(),
                what_to_do: String::new(),
                field: None,
            }),
            ..ConnectionView::default()
        });
        assert!(
            html.contains(r#"data-testid="connection-state" data-state="waiting""#),
            "{html}"
        );
        assert!(
            html.contains("Nobody answers at this address") && html.contains("Next try in 5 s"),
            "{html}"
        );
    }

    #[test]
    fn a_connection_that_was_ended_by_hand_says_so() {
        let html = pill(ConnectionView {
            state: ConnectionState::Down,
            ..ConnectionView::default()
        });
        assert!(
            html.contains("Not connected") && html.contains("you ended it"),
            "{html}"
        );
    }

    #[test]
    fn a_connected_pill_has_the_round_trip_and_no_countdown() {
        let html = pill(ConnectionView {
            state: ConnectionState::Connected,
            round_trip_ms: Some(38),
            next_try_at: Some(20_000),
            ..ConnectionView::default()
        });
        assert!(
            html.contains("Connected") && html.contains("38") && !html.contains("Next try"),
            "{html}"
        );
    }
}
