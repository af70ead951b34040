//! Settings: theme, what the page keeps and has counted, and what it is.

use yew::prelude::*;

use crate::{
    components::{form::field::Choice, vars::Styled, words},
    hooks::{use_connection, use_counters, use_start},
    platform::{document, locale},
    wire::Counters,
};

/// The page of settings.
#[component]
pub(crate) fn Settings() -> Html {
    html! {
        <div class="settings">
            <Theme />
            <Memory />
            <About />
        </div>
    }
}

#[component]
fn Theme() -> Html {
    let choice = use_state(document::theme_choice);
    let chosen = match choice.as_deref() {
        Some("light") => 1,
        Some("dark") => 2,
        _ => 0,
    };
    let on_choose = Callback::from(move |number: u8| {
        let theme = match number {
            1 => Some("light"),
            2 => Some("dark"),
            _ => None,
        };
        document::choose_theme(theme);
        choice.set(theme.map(str::to_owned));
    });
    html! {
        <section class="panel" aria-labelledby="theme-h">
            <header class="panel__head"><h2 id="theme-h">{"Appearance"}</h2></header>
            <div class="panel__body stack">
                <Choice legend="Theme" name="theme" {chosen} {on_choose}
                    options={vec![(0, "As the system", None), (1, "Light", None), (2, "Dark", None)]} />
                <p class="hint">{"The words are English. Numbers, times and dates follow the language of your browser."}</p>
            </div>
        </section>
    }
}

#[component]
fn Memory() -> Html {
    let counters = use_counters();
    html! {
        <section class="panel" aria-labelledby="memory-h">
            <header class="panel__head"><h2 id="memory-h">{"Memory and messages"}</h2></header>
            <div class="panel__body stack">
                <p>{format!("{} of {} used by topics and their history.", words::bytes(counters.store_bytes),
                    words::bytes(counters.store_budget))}</p>
                {meter(&counters)}
                <p class="hint">{"When the budget is used up, the oldest history goes first, never the last value. What went is counted below."}</p>
            </div>
            <dl class="props">
                {count("Messages received", counters.received)}
                {count("Topics known", u64::from(counters.topics))}
                {count("Dropped from history or refused by a limit", counters.dropped)}
                {count("Payloads cut at the limit", counters.cut)}
                {count("Waiting for the broker", u64::from(counters.queued))}
            </dl>
        </section>
    }
}

fn meter(counters: &Counters) -> Html {
    if counters.store_budget == 0 {
        return Html::default();
    }
    let part = (counters.store_bytes as f64 / counters.store_budget as f64).clamp(0.0, 1.0);
    let label = format!("{:.0} percent of the memory budget used", part * 100.0);
    html! {
        <Styled class="meter" role="img" {label} vars={vec![("--v", format!("{part:.3}"))]}><i></i></Styled>
    }
}

fn count(name: &'static str, value: u64) -> Html {
    html! { <><dt>{name}</dt><dd>{locale::number(&value.to_string())}</dd></> }
}

#[component]
fn About() -> Html {
    let (start, connection) = (use_start(), use_connection());
    let bridge = start.bridge.as_ref();
    html! {
        <section class="panel" aria-labelledby="about-h">
            <header class="panel__head"><h2 id="about-h">{"About"}</h2></header>
            <dl class="props">
                <dt>{"Hearth"}</dt><dd>{env!("CARGO_PKG_VERSION")}</dd>
                <dt>{"Bridge"}</dt><dd>{bridge.map_or("None. This browser talks to the broker itself.", |bridge| bridge.version.as_str())}</dd>
                <dt>{"Home"}</dt><dd>{if bridge.is_some_and(|bridge| bridge.simulated) { "Simulated" } else { "Real devices" }}</dd>
                <dt>{"MQTT version"}</dt><dd>{if connection.version.is_empty() { "Not connected" } else { &connection.version }}</dd>
                <dt>{"Client ID of this window"}</dt><dd class="mono">{&connection.client_id}</dd>
                <dt>{"Licence"}</dt><dd>{"MIT or Apache-2.0, as you choose"}</dd>
            </dl>
        </section>
    }
}
