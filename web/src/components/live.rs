//! The connections that are live: which there are, which is shown, another one, one less.

use yew::prelude::*;

use super::{icon::Icon, shell, text::visible};
use crate::{
    hooks::{EngineHandle, Engines, MOST_ENGINES, use_connection, use_counters, use_engines, use_replay},
    platform::locale,
    wire::ConnectionState,
};

/// In the header, when there are several: shows another.
#[component]
pub(crate) fn Switcher() -> Html {
    let Some(engines) = use_engines().filter(|engines| engines.all.len() > 1) else {
        return Html::default();
    };
    html! {
        <div class="switcher" role="group" aria-label="Live connections" data-testid="live-connections">
            {each(&engines, |_| html! { <Shown /> })}
        </div>
    }
}

/// On the Connect page: all of them, with what ends one.
#[component]
pub(crate) fn Live() -> Html {
    let Some(engines) = use_engines() else {
        return Html::default();
    };
    let on_add = {
        let engines = engines.clone();
        Callback::from(move |_: MouseEvent| engines.add())
    };
    let full = engines.are_full();
    html! {
        <div class="live">
            if engines.all.len() > 1 {
                <ul>{each(&engines, |_| html! { <Line /> })}</ul>
            }
            <button class="btn btn--dense" type="button" data-testid="connect-beside" disabled={full} onclick={on_add}>
                {"Another connection"}</button>
            if full { <p class="hint">{format!("{MOST_ENGINES} connections are the most at one time.")}</p> }
        </div>
    }
}

/// Something for each engine, which sees that engine as its own.
fn each(engines: &Engines, what: impl Fn(&EngineHandle) -> Html) -> Html {
    let one = |engine: &EngineHandle| {
        html! {
            <ContextProvider<EngineHandle> context={engine.clone()}>{what(engine)}</ContextProvider<EngineHandle>>
        }
    };
    engines.all.iter().map(one).collect()
}

#[component]
fn Shown() -> Html {
    let (connection, engines, engine) = (use_connection(), use_engines(), crate::hooks::use_engine());
    let name = use_name(&connection.name);
    let Some(engines) = engines else {
        return Html::default();
    };
    let pressed = engines.is_shown(&engine);
    let bad = matches!(connection.state, ConnectionState::Waiting | ConnectionState::Down);
    let onclick = Callback::from(move |_: MouseEvent| engines.show(&engine));
    html! {
        <button class="btn btn--dense" type="button" data-testid="live-connection" aria-pressed={pressed.to_string()} {onclick}
            title={shell::state_words(connection.state)}>
            if bad { <Icon name="x" small=true /> }
            <span class="clip"><bdi>{name}</bdi></span>
        </button>
    }
}

#[component]
fn Line() -> Html {
    let (connection, counters, engines) = (use_connection(), use_counters(), use_engines());
    let engine = crate::hooks::use_engine();
    let name = use_name(&connection.name);
    let Some(engines) = engines else {
        return Html::default();
    };
    let shown = engines.is_shown(&engine);
    let (on_show, on_end) = {
        let (to_show, to_end, engine) = (engines.clone(), engines, engine);
        let ended = engine.clone();
        (
            Callback::from(move |_: MouseEvent| to_show.show(&engine)),
            Callback::from(move |_: MouseEvent| to_end.end(&ended)),
        )
    };
    let state = shell::state_words(connection.state);
    let received = locale::number(&counters.received.to_string());
    html! {
        <li class="profile__row">
            <button class="profile" type="button" aria-current={shown.then_some("true")} onclick={on_show}>
                <span class="tile"><Icon name="link" /></span>
                <span class="grow"><strong class="clip2"><bdi>{name.clone()}</bdi></strong>
                    <small class="clip">{format!("{state} · {received} messages")}</small></span>
            </button>
            <button class="btn btn--quiet btn--icon" type="button" data-testid="live-end" onclick={on_end}
                aria-label={format!("End {name}")}><Icon name="x" /></button>
        </li>
    }
}

/// What a connection is called; a recording that is shown by its file.
#[hook]
fn use_name(name: &str) -> String {
    match use_replay().filter(|replay| replay.demonstration) {
        Some(replay) => visible(&replay.name),
        None if name.is_empty() => "New connection".to_owned(),
        None => visible(name),
    }
}
