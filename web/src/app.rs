//! The whole page: routes, the shell, and what is said everywhere.

use gloo_timers::callback::Timeout;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::{
    components::{
        empty::Explained,
        icon::Icon,
        live::Switcher,
        shell::{ConnectionPill, Rail, TopBar},
        text::{shortened, visible},
        words,
    },
    hooks::{
        EngineProvider, Tools, use_connection, use_counters, use_crash, use_done, use_engine, use_look_only,
        use_notices, use_now, use_start, use_tools,
    },
    pages::{
        connect::Connect,
        device::Device,
        explorer::Explorer,
        export::Exporting,
        home::{Home, open_search},
        replay::{self, Playing, Replay},
        route::Route,
        settings::Settings,
        waiting::WaitingMessages,
    },
    platform::{document, files, locale, page, parts},
    wire::{Arrange, Command, ConnectionState, Problem, ProblemKind},
};

/// The root component.
#[component]
pub fn App() -> Html {
    html! { <EngineProvider><Shell /></EngineProvider> }
}

#[component]
fn Shell() -> Html {
    let route = use_route();
    let tools = use_tools();
    let (part, load_again) = use_part(parts_of(&route, tools.arranging));
    use_connect_page();
    let look_only = use_look_only();
    use_title(&route);
    let skip = Callback::from(|event: MouseEvent| {
        // The hash is the route: a plain anchor would leave the page.
        event.prevent_default();
        document::focus_id("main");
    });
    // A file dropped anywhere is a recording.
    let ondragover = Callback::from(|event: DragEvent| {
        if files::are_dragged(&event) {
            event.prevent_default();
        }
    });
    let engine = use_engine();
    let ondrop = Callback::from(move |event: DragEvent| {
        if let Some(file) = files::dropped(&event) {
            event.prevent_default();
            replay::give(&engine, file);
            document::go(&Route::Replay.href());
        }
    });
    html! {
        <>
            <a class="skip" href="#main" onclick={skip}>{"Skip to content"}</a>
            <div class="app" {ondragover} {ondrop}>
                <Rail route={route.clone()} />
                <Header route={route.clone()} />
                <main id="main" class={classes!("main", route.is_explorer().then_some("main--full"))} tabindex="-1">
                    <Crash />
                    <Playing />
                    if let (Route::Home { .. } | Route::Device { .. }, Some(why)) = (&route, look_only) {
                        <p class="hint" data-testid="look-only">{why}</p>
                    }
                    {match part {
                        Part::Here => page_of(&route),
                        Part::Loading => Html::default(),
                        Part::Missing => missing(&load_again),
                    }}
                    if !route.is_explorer() { <Counts /> }
                </main>
                <Messages on_connect_page={route == Route::Connect} />
            </div>
        </>
    }
}

/// What has been counted, in a quiet line below every page; Explorer has its own.
#[component]
fn Counts() -> Html {
    let counters = use_counters();
    let number = |value: u64| locale::number(&value.to_string());
    html! {
        <footer class="counts">
            <div class="counts__all"><div class="still">
            <span><span class="num ch-6" data-testid="messages-received" data-value={counters.received.to_string()}>{number(counters.received)}</span>{" messages received"}</span>
            <span><span class="num ch-4" data-testid="messages-rate" data-value={format!("{:.0}", counters.rate)}>{words::rate(counters.rate)}</span>{"/s"}</span>
            <span><span data-testid="messages-dropped" data-value={counters.dropped.to_string()}>{number(counters.dropped)}</span>{" no longer kept"}</span>
            </div></div>
            <WaitingMessages />
        </footer>
    }
}

fn page_of(route: &Route) -> Html {
    let later = |title: &'static str, text: &'static str| {
        html! {
            <div class="empty"><Explained {title} {text}><a class="btn btn--primary" href="#/">{"Go home"}</a></Explained></div>
        }
    };
    match route {
        Route::Home { room } => html! { <Home room={room.clone()} /> },
        Route::Device { id } => html! { <Device key={id.clone()} id={id.clone()} /> },
        Route::Explorer { topic } => html! { <Explorer topic={topic.clone()} /> },
        Route::Retained { search } => html! { <Explorer topic={None::<String>} retained={search.clone()} /> },
        Route::Connect => html! { <Connect /> },
        Route::Settings => html! { <Settings /> },
        Route::Replay => html! { <Replay /> },
        Route::Boards => later(
            "There are no boards yet",
            "This version of Hearth has no boards. Home shows every device by itself.",
        ),
        Route::History => later(
            "There is no history page yet",
            "This version of Hearth keeps the messages of this visit only. Explorer shows them for every topic.",
        ),
        Route::NotFound(_) => later(
            "There is no such page",
            "The address may be mistyped or from another version of Hearth.",
        ),
    }
}

/// How far the part of the page's program is that draws a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Here,
    Loading,
    Missing,
}

/// What draws the route, beside what is always here.
fn parts_of(route: &Route, arranging: bool) -> &'static [&'static str] {
    match route {
        Route::Home { .. } if arranging => &[parts::PAGES],
        Route::Connect => &[parts::CONNECT],
        // It shows the subscriptions, as Connect does.
        Route::Explorer { .. } | Route::Retained { .. } => &[parts::PAGES, parts::CONNECT],
        Route::Device { .. } | Route::Replay | Route::Settings => &[parts::PAGES],
        Route::Home { .. } | Route::Boards | Route::History | Route::NotFound(_) => &[],
    }
}

/// Loads these parts of the page's program; and what loads them again.
#[hook]
fn use_part(wanted: &'static [&'static str]) -> (Part, Callback<MouseEvent>) {
    let is_needed = wanted.iter().any(|part| !parts::is_here(part));
    // How often it could not be loaded, and how often it was asked for again.
    let (missed, asked) = (use_state(|| 0), use_state(|| 0));
    let (miss, redraw) = (missed.setter(), use_force_update());
    use_effect_with((is_needed, wanted, *asked), move |(is_needed, wanted, asked)| {
        if *is_needed {
            let (wanted, asked) = (*wanted, *asked);
            spawn_local(async move {
                for part in wanted {
                    if parts::load(part).await.is_err() {
                        return miss.set(asked + 1);
                    }
                }
                redraw.force_update();
            });
        }
    });
    let part = match is_needed {
        true if *missed > *asked => Part::Missing,
        true => Part::Loading,
        false => Part::Here,
    };
    let again = Callback::from(move |_| asked.set(*missed));
    (part, again)
}

/// How long after the first connection the page is loaded that finds out why one is lost, ms: when it is asked, its server
/// may be gone, too.
const CONNECT_PAGE_MS: u32 = 20_000;

/// Loads the Connect page before it is needed.
#[hook]
fn use_connect_page() {
    let is_connected = use_connection().state == ConnectionState::Connected;
    use_effect_with(is_connected, |is_connected| {
        let due = is_connected.then(|| {
            Timeout::new(CONNECT_PAGE_MS, || {
                spawn_local(async {
                    // Its route says it when it could not.
                    let _ = parts::load(parts::CONNECT).await;
                });
            })
        });
        move || drop(due)
    });
}

fn missing(load_again: &Callback<MouseEvent>) -> Html {
    html! {
        <div class="empty">
            <Explained title="This page could not be loaded" text="The server that Hearth came from did not give it. Is it still there?">
                <button class="btn btn--primary" type="button" onclick={load_again}>{"Try again"}</button>
            </Explained>
        </div>
    }
}

/// The route of the address; an anchor leaves it as it was.
#[hook]
fn use_route() -> Route {
    let route = use_state(|| Route::parse(&document::hash()).unwrap_or(Route::Home { room: None }));
    let shown = route.clone();
    use_effect_with((), move |()| {
        page::on_route(move || {
            if let Some(next) = Route::parse(&document::hash()) {
                document::scroll_to_top();
                shown.set(next);
            }
        });
    });
    (*route).clone()
}

#[hook]
fn use_title(route: &Route) {
    let title = match route {
        Route::Explorer { topic: Some(topic) } => {
            format!("{} · Explorer · Hearth", shortened(&visible(topic), 80))
        }
        route => format!("{} · Hearth", route.title()),
    };
    use_effect_with(title, |title| document::set_title(title));
    // Another page begins at its beginning, also for the keyboard and a screen reader.
    let opened = use_mut_ref(|| false);
    use_effect_with(route.title(), move |_| {
        if opened.replace(true) {
            document::focus_id("main");
        }
    });
}

#[derive(Properties, PartialEq)]
struct HeaderProps {
    route: Route,
}

/// Title, mark of a simulation, connection, theme.
#[component]
fn Header(props: &HeaderProps) -> Html {
    let (connection, start, minute) = (use_connection(), use_start(), use_now(30));
    let on_theme = Callback::from(|()| {
        document::choose_theme(Some(if document::is_dark() { "light" } else { "dark" }));
    });
    let named = connection.state != ConnectionState::None && !connection.name.is_empty();
    let (title, sub) = match &props.route {
        Route::Home { .. } if named => (connection.name.clone(), locale::day_and_time(minute)),
        Route::Explorer { .. } | Route::Retained { .. } if named => {
            (props.route.title().to_owned(), connection.name.clone())
        }
        route => (route.title().to_owned(), String::new()),
    };
    let simulated = start.is_simulated(&connection.url, &page::folder());
    html! { <TopBar {title} {sub} {simulated} {on_theme}>
        if matches!(props.route, Route::Home { .. }) { <HomeTools /> }
        <Switcher /><Pill />
    </TopBar> }
}

/// What can be done with Home as a whole.
#[component]
fn HomeTools() -> Html {
    let (engine, tools) = (use_engine(), use_tools());
    let on_search = {
        let engine = engine.clone();
        Callback::from(move |_: MouseEvent| open_search(&engine))
    };
    let (arranging, other) = (tools.arranging, !tools.arranging);
    let on_edit = Callback::from(move |_: MouseEvent| {
        engine.use_tools(Tools {
            arranging: other,
            ..tools.clone()
        });
    });
    html! {
        <>
            <button class="btn btn--quiet btn--icon" type="button" onclick={on_search} aria-label="Search rooms and devices"
                aria-keyshortcuts="/" data-testid="open-search"><Icon name="search" /></button>
            <button class="btn btn--quiet hide-s" type="button" onclick={on_edit} aria-pressed={arranging.to_string()}
                data-testid="arrange"><Icon name="pencil" />{"Edit"}</button>
        </>
    }
}

#[component]
fn Pill() -> Html {
    let connection = use_connection();
    let step = if connection.state == ConnectionState::Waiting {
        1
    } else {
        3_600
    };
    let now = use_now(step);
    html! { <ConnectionPill {connection} {now} /> }
}

/// The engine stopped: what happened, and the way out.
#[component]
fn Crash() -> Html {
    let (crash, engine) = (use_crash(), use_engine());
    let Some(reason) = crash else {
        return Html::default();
    };
    let restart = Callback::from(move |_: MouseEvent| engine.restart());
    html! {
        <div class="banner banner--crit" role="alert" data-testid="engine-crash">
            <Icon name="crit" />
            <p class="grow"><strong>{"The engine of this page stopped."}</strong>{" What it had heard is gone. The fault is Hearth’s: "}
                <code>{visible(&reason)}</code></p>
            <button class="btn" type="button" onclick={restart}>{"Start it again"}</button>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct MessagesProps {
    on_connect_page: bool,
}

/// What must be known on every page, above the content and out of its flow: nothing moves because of it.
#[component]
fn Messages(props: &MessagesProps) -> Html {
    let (notices, engine) = (use_notices(), use_engine());
    html! {
        <div class="toasts" role="region" aria-label="Notices">
            <div class="toasts__notices">
            { for notices.iter().enumerate().map(|(index, notice)| {
                let engine = engine.clone();
                let dismiss = Callback::from(move |_: MouseEvent| engine.dismiss_notice(index));
                html! {
                    <div class="toast" data-testid="notice" role={if notice.urgent { "alert" } else { "status" }}>
                        <p class="grow"><strong>{visible(&notice.title)}</strong>{" "}{visible(&notice.text)}</p>
                        <button class="btn btn--dense" type="button" onclick={dismiss}>{"Got it"}</button>
                    </div>
                }
            })}
            <DoneToast />
            </div>
            <Exporting />
            if !props.on_connect_page { <Lost /> }
        </div>
    }
}

/// How long the word about what was done stays, ms. The way back stays in reach: "Edit" has it, too.
const DONE_MS: u32 = 20_000;

/// What was done by hand last, and the way back.
#[component]
fn DoneToast() -> Html {
    let (done, engine) = (use_done(), use_engine());
    {
        let engine = engine.clone();
        use_effect_with(done.clone(), move |done| {
            let ends = done
                .is_some()
                .then(|| Timeout::new(DONE_MS, move || engine.put_done_away()));
            move || drop(ends)
        });
    }
    let undo = {
        let engine = engine.clone();
        Callback::from(move |_: MouseEvent| engine.arrange(Arrange::Undo))
    };
    let away = Callback::from(move |_: MouseEvent| engine.put_done_away());
    html! {
        <div role="status">
            if let Some(done) = done {
                <div class="toast" data-testid="done">
                    <p class="grow">{visible(&done.said)}</p>
                    if done.undo {
                        <button class="btn btn--dense" type="button" onclick={undo} data-testid="undo">{"Undo"}</button>
                    }
                    <button class="btn btn--dense" type="button" onclick={away}>{"Got it"}</button>
                </div>
            }
        </div>
    }
}

/// The connection is down: why, and the way to get it back.
#[component]
fn Lost() -> Html {
    let (connection, engine) = (use_connection(), use_engine());
    let down = matches!(connection.state, ConnectionState::Waiting | ConnectionState::Down);
    let wanted = |problem: &&Problem| down && problem.kind != ProblemKind::ByUser;
    let Some(problem) = connection.problem.as_ref().filter(wanted) else {
        return Html::default();
    };
    let retry = Callback::from(move |_: MouseEvent| engine.send(Command::RetryNow));
    html! {
        <div class="toast toast--crit" role="status">
            <Icon name="crit" />
            <p class="grow"><strong>{visible(&problem.title)}{"."}</strong>{" Values may be old. "}
                <span class="toast__more">{visible(&problem.what_to_do)}</span></p>
            <span class="row">
                <button class="btn btn--dense" type="button" onclick={retry}>{"Try again now"}</button>
                <a class="btn btn--dense" href={Route::Connect.href()}>{"Find out why"}</a>
            </span>
        </div>
    }
}
