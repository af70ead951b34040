//! The messages of a topic: the list to step through, and how they arrived.

use std::rc::Rc;

use yew::prelude::*;

use crate::{
    components::{icon::Icon, text::visible, words},
    hooks::use_now,
    platform::locale,
    wire::{Arrivals, HistoryRow, TopicSeen, TopicView},
};

/// Rows above the message that is shown when the list goes along with it.
const ALONG: u64 = 20;

/// What [`Messages`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct MessagesProps {
    pub(crate) view: Rc<TopicView>,
    pub(crate) seen: TopicSeen,
    pub(crate) on_seen: Callback<TopicSeen>,
}

/// Newest first. Rows stay where they are while a pointer or the focus is on them or an older message is shown.
#[component]
pub(crate) fn Messages(props: &MessagesProps) -> Html {
    let (view, seen) = (&*props.view, props.seen);
    let newest = view.history.first().map_or(view.count, |row| row.number);
    let oldest = view.arrivals.messages_dropped + 1;
    let last_row = view.history.last().map_or(newest, |row| row.number);
    let hold = {
        let until = Some(seen.until.unwrap_or(newest));
        props.on_seen.reform(move |()| TopicSeen { until, ..seen })
    };
    let go_on = {
        // Who looks at the past stays there.
        let until = seen
            .until
            .filter(|_| seen.shown.is_some() || seen.against.is_some());
        props.on_seen.reform(move |()| TopicSeen { until, ..seen })
    };
    let show = |number: u64| {
        let shown = (number < view.count).then_some(number);
        // The list goes along when what is shown is below its end.
        let end = if number < last_row { number + ALONG } else { newest };
        let until = shown.and(Some(end.max(number).min(view.count)));
        props
            .on_seen
            .reform(move |_: MouseEvent| TopicSeen { shown, until, ..seen })
    };
    let step = |to: Option<u64>, icon: &'static str, word: &'static str| {
        html! {
            <button class="btn btn--dense btn--icon" type="button" aria-label={word} disabled={to.is_none()}
                onclick={show(to.unwrap_or_default())}><Icon name={icon} small=true /></button>
        }
    };
    let earlier = props.on_seen.reform(move |_: MouseEvent| TopicSeen {
        until: Some(last_row - 1),
        ..seen
    });
    // A list that goes along may be a moment behind; its end is what is shown.
    let follows = seen.until.is_none() && view.shown == view.count;
    let (newer, marked) = match follows {
        true => (0, newest),
        false => (view.count.saturating_sub(newest), view.shown),
    };
    let to_newest = props.on_seen.reform(|_: MouseEvent| TopicSeen::default());
    let after = view
        .history
        .iter()
        .zip(view.history.iter().skip(1).map(Some).chain([None]));
    let today = locale::day_number(use_now(60));
    // Above the first row of a day that is not today, and where one day follows another.
    let mut day = today;
    html! {
        <section class="panel" aria-label="Messages">
            <header class="panel__head">
                <h2>{"Messages"}</h2><span class="sub">{kept(view)}</span>
                <div class="panel__end">
                    if newer > 0 || seen.shown.is_some() {
                        <button class="btn btn--dense" type="button" onclick={to_newest} data-testid="topic-newest">
                            {if newer > 0 { format!("{} new", locale::number(&newer.to_string())) } else { "Newest".to_owned() }}</button>
                    }
                    {step(view.shown.checked_sub(1).filter(|number| *number >= oldest), "left", "Older message")}
                    {step(Some(view.shown + 1).filter(|number| *number <= view.count), "right", "Newer message")}
                </div>
            </header>
            <div class="scroll-x history history--list" tabindex="0" role="region" aria-label="Message list"
                onpointerenter={hold.reform(|_: PointerEvent| ())} onpointerleave={go_on.reform(|_: PointerEvent| ())}
                onfocusin={hold.reform(|_: FocusEvent| ())} onfocusout={go_on.reform(|_: FocusEvent| ())}>
                <table class="table table--dense">
                    <thead><tr>
                        <th scope="col">{"Time"}</th><th scope="col" class="r">{"After"}</th><th scope="col">{"Payload"}</th>
                        <th scope="col" class="r">{"Size"}</th><th scope="col" class="r">{"QoS"}</th>
                        <th scope="col"><span class="vh">{"Compare"}</span></th>
                    </tr></thead>
                    // All in one list with keys: so a message that comes moves the other rows and does not write them anew.
                    <tbody>{ for after.flat_map(|(row, before)| {
                        let against = Some(row.number);
                        let compare = props.on_seen.reform(move |_: MouseEvent| TopicSeen { against, ..seen });
                        let is_other = std::mem::replace(&mut day, locale::day_number(row.received_at)) != day;
                        let row_of_day = is_other.then(|| day_html(row));
                        row_of_day.into_iter().chain([row_html(row, before, row.number == marked, show(row.number), compare)])
                    })}</tbody>
                </table>
                if last_row > oldest {
                    <button class="btn btn--dense btn--quiet" type="button" onclick={earlier}>{"Earlier messages"}</button>
                }
            </div>
        </section>
    }
}

fn day_html(row: &HistoryRow) -> Html {
    let day = locale::day_and_year(row.received_at);
    html! { <tr key={format!("day {}", row.number)} data-testid="topic-history-day"><th scope="rowgroup" colspan="6">{day}</th></tr> }
}

fn kept(view: &TopicView) -> String {
    let all = words::count(view.count, "message", "messages");
    match view.arrivals.messages_dropped {
        0 => all,
        dropped => format!(
            "{all}, {} of them no longer kept",
            locale::number(&dropped.to_string())
        ),
    }
}

/// No hidden text in it: that would be a layer each, and every message moves all rows.
fn row_html(
    row: &HistoryRow,
    before: Option<&HistoryRow>,
    is_shown: bool,
    show: Callback<MouseEvent>,
    compare: Callback<MouseEvent>,
) -> Html {
    let after = before.map(|before| words::interval(row.received_at.saturating_sub(before.received_at)));
    let time = locale::time_long(row.received_at);
    html! {
        <tr key={row.number.to_string()} data-testid="topic-history-row" data-number={row.number.to_string()}
            class={classes!(is_shown.then_some("sel"))} aria-current={is_shown.then_some("true")}>
            <th scope="row"><button class="link" type="button" aria-label={format!("Show the message of {time}")} onclick={show}>{time}</button></th>
            <td class="r">{after.unwrap_or_else(|| "–".to_owned())}</td>
            <td class="history__p mono"><bdi>{visible(&row.preview)}</bdi>
                if row.retained { <span class="ret" role="img" aria-label="retained"><Icon name="pin" small=true /></span> }
            </td>
            <td class="r">{words::bytes(row.bytes)}</td><td class="r">{row.qos}</td>
            <td class="r">
                if !is_shown {
                    <button class="link" type="button" aria-label={format!("Compare with message {}", row.number)} onclick={compare}
                        data-testid="topic-compare">{"Compare"}</button>
                }
            </td>
        </tr>
    }
}

/// What [`ArrivalPanel`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct ArrivalProps {
    pub(crate) count: u64,
    pub(crate) mean_interval_ms: Option<u64>,
    pub(crate) arrivals: Arrivals,
}

/// How often and how evenly messages come, how large they are, and what of them is gone.
#[component]
pub(crate) fn ArrivalPanel(props: &ArrivalProps) -> Html {
    let arrivals = &props.arrivals;
    let number = |n: u64| locale::number(&n.to_string());
    let interval = |ms: Option<u64>| ms.map_or_else(|| "Not known yet".to_owned(), words::interval);
    let retained = match arrivals.retained {
        Some(true) => "Kept by the broker",
        Some(false) => "Cleared",
        None => "None seen",
    };
    let rows = [
        ("Rate", format!("{}/s", words::rate(arrivals.rate))),
        ("Mean interval", interval(props.mean_interval_ms)),
        ("Jitter", interval(arrivals.jitter_ms)),
        ("Longest silence", interval(arrivals.longest_ms)),
        (
            "Mean size",
            words::bytes(arrivals.payload_bytes / props.count.max(1)),
        ),
        ("Size of all", words::bytes(arrivals.payload_bytes)),
        ("Retained message", retained.to_owned()),
        ("Duplicates (DUP)", number(arrivals.duplicates)),
        ("First message", locale::date_and_time(arrivals.first_at)),
        ("Messages no longer kept", number(arrivals.messages_dropped)),
        ("Samples no longer kept", number(arrivals.samples_dropped)),
        ("Values beyond the field limit", number(arrivals.fields_refused)),
    ];
    html! {
        <section class="panel" aria-label="Arrivals" data-testid="topic-arrivals">
            <header class="panel__head"><h2>{"Arrivals"}</h2><span class="sub">{words::count(props.count, "message", "messages")}</span></header>
            <dl class="props">
                { for rows.into_iter().map(|(name, value)| html! { <><dt>{name}</dt><dd>{value}</dd></> }) }
            </dl>
        </section>
    }
}
