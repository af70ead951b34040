//! Settings: theme, what the page keeps and has counted, and what it is.

use yew::prelude::*;

use crate::{
    components::{
        form::field::{Choice, Field},
        text::visible,
        vars::Styled,
        words,
    },
    hooks::{Start, limits, use_connection, use_counters, use_engine, use_start},
    platform::{document, locale},
    wire::{Command, Counters, Limits},
};

/// The page of settings.
#[component]
pub(crate) fn Settings() -> Html {
    let start = use_start();
    html! {
        <div class="settings">
            {account(&start)}
            <Theme />
            <Memory />
            <Caps />
            <About />
        </div>
    }
}

/// Who is logged in at the bridge, and the way out.
fn account(start: &Start) -> Html {
    let Some(user) = start.bridge.as_ref().and_then(|bridge| bridge.user.as_ref()) else {
        return Html::default();
    };
    html! {
        <section class="panel" aria-labelledby="account-h">
            <header class="panel__head"><h2 id="account-h">{"Account"}</h2></header>
            <form class="panel__body stack" method="post" action="logout" data-testid="account">
                <p><strong><bdi>{&user.name}</bdi></strong>{", "}{user.role.word()}</p>
                if start.has_login() {
                    <input type="hidden" name="token" value={user.form_token.clone()} />
                    <div class="row row--wrap">
                        <button class="btn" data-testid="log-out">{"Log out"}</button>
                        <button class="btn" name="everywhere" value="1" data-testid="log-out-everywhere">{"Log out everywhere"}</button>
                    </div>
                }
            </form>
        </section>
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
                {count("Chart samples no longer kept", counters.samples_dropped)}
                {count("Readings beyond the limits of devices and fields", counters.readings_refused)}
                {count("Waiting for the broker", u64::from(counters.queued))}
            </dl>
        </section>
    }
}

/// A limit: id, words, hint, smallest and largest, and its place in [`Limits`].
type Cap = (
    &'static str,
    &'static str,
    &'static str,
    std::ops::RangeInclusive<u32>,
    fn(&mut Limits) -> &mut u32,
);

/// The largest keep a phone's tab or a 32-bit address space from running over.
const CAPS: [Cap; 12] = [
    (
        "limit-memory",
        "Memory, MiB",
        "For topics and their history.",
        8..=1_024,
        |limits| &mut limits.memory_mib,
    ),
    (
        "limit-topics",
        "Topics",
        "Later ones are refused.",
        100..=2_000_000,
        |limits| &mut limits.topics,
    ),
    (
        "limit-payload",
        "Payload, KiB",
        "Longer ones are cut.",
        1..=65_536,
        |limits| &mut limits.payload_kib,
    ),
    (
        "limit-history",
        "Messages per topic",
        "Older ones go first.",
        0..=100_000,
        |limits| &mut limits.history,
    ),
    (
        "limit-devices",
        "Devices on Home",
        "Explorer shows the rest.",
        1..=20_000,
        |limits| &mut limits.devices,
    ),
    (
        "limit-queued",
        "Messages waiting for the broker",
        "From the next connection on.",
        1..=1_000_000,
        |limits| &mut limits.queued,
    ),
    (
        "limit-packet",
        "Packet from the broker, MiB",
        "From the next connection on.",
        1..=256,
        |limits| &mut limits.packet_mib,
    ),
    (
        "limit-entities",
        "Values of a device",
        "Explorer shows the rest.",
        1..=512,
        |limits| &mut limits.entities,
    ),
    (
        "silent-intervals",
        "Silent after usual intervals",
        "Of devices that speak in a rhythm. A device's own page has its own time.",
        2..=100,
        |limits| &mut limits.silent_intervals,
    ),
    (
        "silent-floor",
        "But not sooner than, s",
        "For devices that speak often.",
        5..=86_400,
        |limits| &mut limits.silent_floor_s,
    ),
    (
        "open-after",
        "Open doors and windows, min",
        "After this time they need attention; 0 is at once.",
        0..=1_440,
        |limits| &mut limits.open_min,
    ),
    (
        "battery-low",
        "Low battery, %",
        "At this charge it needs attention.",
        0..=100,
        |limits| &mut limits.battery_percent,
    ),
];
/// The first of [`CAPS`] that is about attention rather than memory.
const ATTENTION: usize = 8;

/// What is wrong with a limit as typed.
fn cap_of(text: &str, range: &std::ops::RangeInclusive<u32>) -> Result<u32, String> {
    let number = text.trim().parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("Enter a whole number from {} to {}.", range.start(), range.end()))
}

#[component]
fn Caps() -> Html {
    html! {
        <section class="panel" aria-labelledby="limits-h">
            <header class="panel__head"><h2 id="limits-h">{"Limits"}</h2></header>
            <div class="panel__body form-grid">
                { for (0..ATTENTION).map(|index| html! { <OneCap {index} /> }) }
            </div>
            <header class="panel__head"><h2>{"What needs attention"}</h2></header>
            <div class="panel__body form-grid">
                { for (ATTENTION..CAPS.len()).map(|index| html! { <OneCap {index} /> }) }
            </div>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct OneCapProps {
    index: usize,
}

#[component]
fn OneCap(props: &OneCapProps) -> Html {
    let engine = use_engine();
    let index = props.index;
    let mut limits = engine.limits();
    let typed = use_state(|| {
        let cap = CAPS.get(index);
        cap.map_or_else(String::new, |(.., place)| place(&mut limits).to_string())
    });
    let Some((id, label, hint, range, place)) = CAPS.get(index) else {
        return Html::default();
    };
    let on_input = {
        let typed = typed.clone();
        Callback::from(move |text: String| {
            if let Ok(number) = cap_of(&text, range) {
                let mut changed = engine.limits();
                *place(&mut changed) = number;
                limits::choose(changed);
                engine.send(Command::Limit(changed));
            }
            typed.set(text);
        })
    };
    let error = cap_of(&typed, range).err().map(AttrValue::from);
    html! {
        <Field {id} label={*label} value={(*typed).clone()} inputmode="numeric" testid={*id} hint={*hint} {error} {on_input} />
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
                <dt>{"Client ID of this window"}</dt><dd class="mono"><bdi>{visible(&connection.client_id)}</bdi></dd>
                <dt>{"Licence"}</dt><dd>{"MIT or Apache-2.0, as you choose"}</dd>
            </dl>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::render;

    #[test]
    fn every_limit_is_shown_with_its_default_inside_its_range() {
        let html = render::<Caps>(());
        for (id, .., range, place) in &CAPS {
            let number = *place(&mut Limits::default());
            assert!(range.contains(&number), "{id}");
            assert!(
                html.contains(&format!(r#"value="{number}""#)) && html.contains(id),
                "{id}: {html}"
            );
        }
        assert!(!html.contains("aria-invalid"), "{html}");
    }

    #[test]
    fn a_limit_out_of_its_range_is_refused_with_the_range() {
        assert_eq!(cap_of(" 8 ", &(8..=9)), Ok(8));
        for text in ["", "7", "10", "-1", "x"] {
            assert!(
                cap_of(text, &(8..=9)).is_err_and(|why| why.contains("8 to 9")),
                "{text}"
            );
        }
    }
}
