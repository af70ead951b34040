//! What needs attention, most urgent first. Nothing joins or leaves while a pointer or the focus is inside.

use hearth_model::letters::upper_char;
use yew::prelude::*;

use super::{card::tone_class, icon::Icon, text::visible, words};
use crate::{
    pages::route::Route,
    wire::{AttentionItem, AttentionReason, Tone},
};

/// Items shown before "Show all", unless there are more reasons than that.
const SHOWN: usize = 3;

/// What [`Attention`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct AttentionProps {
    pub(crate) items: Vec<AttentionItem>,
    pub(crate) now: u64,
    /// A reason for attention of a device is put off.
    #[prop_or_default]
    pub(crate) on_later: Callback<(String, AttentionReason)>,
}

/// The strip below the glance; absent when empty.
#[component]
pub(crate) fn Attention(props: &AttentionProps) -> Html {
    let held = use_state(|| false);
    let all = use_state(|| false);
    let shown = use_mut_ref(Vec::<AttentionItem>::new);
    if *held {
        refresh(&mut shown.borrow_mut(), &props.items);
    } else {
        shown.borrow_mut().clone_from(&props.items);
    }
    let items = shown.borrow();
    if items.is_empty() {
        return Html::default();
    }
    let hold = |on: bool| {
        let held = held.clone();
        move || held.set(on)
    };
    let (enter, leave, focus, blur) = (hold(true), hold(false), hold(true), hold(false));
    let toggle = {
        let all = all.clone();
        Callback::from(move |_: MouseEvent| all.set(!*all))
    };
    let first = first(&items);
    let is_shown = |(at, _): &(usize, &AttentionItem)| *all || first.contains(at);
    let on_later = {
        let (shown, held, on_later) = (shown.clone(), held.clone(), props.on_later.clone());
        Callback::from(move |(device, reason): (String, AttentionReason)| {
            // Somebody points at it, so it would stay: but that is what they asked for. What is gone tells no more that the
            // pointer left it.
            held.set(false);
            shown
                .borrow_mut()
                .retain(|item| (&item.device, item.reason) != (&device, reason));
            on_later.emit((device, reason));
        })
    };
    html! {
        <section class="attn" aria-labelledby="attn-h" onpointerenter={move |_| enter()} onpointerleave={move |_| leave()}
            onfocusin={move |_| focus()} onfocusout={move |_| blur()}>
            <header class="attn__head">
                <h2 id="attn-h" class="grow">{"Needs attention "}<span class="muted">{items.len()}</span></h2>
                if items.len() > first.len() {
                    <button class="btn btn--quiet" type="button" aria-expanded={all.to_string()} onclick={toggle}>
                        {if *all { "Show fewer" } else { "Show all" }}
                    </button>
                }
            </header>
            <ul>{ for items.iter().enumerate().filter(is_shown).map(|(_, item)| row(item, props.now, &on_later)) }</ul>
        </section>
    }
}

/// The places of those that are shown first: the most urgent of each reason, so that three open doors do not hide an empty
/// battery, then the most urgent of the others.
fn first(items: &[AttentionItem]) -> Vec<usize> {
    let is_first_of_reason = |at: &usize| {
        let reason = items.get(*at).map(|item| item.reason);
        items.iter().position(|item| Some(item.reason) == reason) == Some(*at)
    };
    let mut first: Vec<usize> = (0..items.len()).filter(is_first_of_reason).collect();
    for at in 0..items.len() {
        if first.len() < SHOWN && !first.contains(&at) {
            first.push(at);
        }
    }
    first
}

/// Keeps the rows and their order; only their words change.
fn refresh(shown: &mut [AttentionItem], now: &[AttentionItem]) {
    for item in shown {
        if let Some(newer) = now
            .iter()
            .find(|newer| newer.device == item.device && newer.reason == item.reason)
        {
            item.clone_from(newer);
        }
    }
}

fn row(item: &AttentionItem, now: u64, on_later: &Callback<(String, AttentionReason)>) -> Html {
    let lasted = match now.saturating_sub(item.since) {
        _ if item.since == 0 => "Already when this page was opened.".to_owned(),
        age if age < 10_000 => "Just now.".to_owned(),
        age => format!("For {}.", words::lasting(age)),
    };
    let name = visible(&item.name);
    let (icon, tone, title, first, action) = match item.reason {
        AttentionReason::Open => ("dooropen", Tone::Crit, format!("{name} is open"), lasted, "Show"),
        AttentionReason::Silent => {
            let heard = words::ago(item.since, words::step_now(item.since, now));
            (
                "silent",
                Tone::Stale,
                format!("{name} is silent"),
                format!("Last heard {heard}."),
                "Find out why",
            )
        }
        AttentionReason::Battery => {
            let charge = if item.state.is_empty() { "low" } else { &item.state };
            // How long it lasts says more than since when.
            let since = if item.detail.is_empty() {
                lasted
            } else {
                String::new()
            };
            (
                "batt",
                Tone::Warn,
                format!("{name}: battery {charge}"),
                since,
                "Remind me",
            )
        }
        AttentionReason::Unavailable => (
            "silent",
            Tone::Stale,
            format!("{name} is offline"),
            lasted,
            "Find out why",
        ),
        AttentionReason::Alert => (
            "crit",
            Tone::Crit,
            format!("{name}: {}", item.state),
            lasted,
            "Show",
        ),
    };
    let detail = [first, sentence(&visible(&item.detail))]
        .into_iter()
        .filter(|part| !part.is_empty());
    html! {
        <li key={format!("{}/{}", item.device, item.reason.name())} data-testid="attention-item"
            data-reason={item.reason.name()} data-device={item.device.clone()}>
            <span class={classes!("tile", tone_class(tone))}><Icon name={icon} /></span>
            <p class="attn__t"><a href={Route::Device { id: item.device.clone() }.href()}><strong><bdi>{title}</bdi></strong></a><span>{detail.collect::<Vec<_>>().join(" ")}</span></p>
            if item.reason == AttentionReason::Battery {
                {later(item, action, &name, on_later)}
            } else {
            <a class="btn attn__act" href={Route::Device { id: item.device.clone() }.href()}>
                <span>{action}<span class="vh">{format!(": {name}")}</span></span>
                <Icon name="right" class="only-s" />
            </a>
            }
        </li>
    }
}

/// Puts the item off until tomorrow; nothing else can be done from here.
fn later(
    item: &AttentionItem,
    action: &'static str,
    name: &str,
    on_later: &Callback<(String, AttentionReason)>,
) -> Html {
    let of = (item.device.clone(), item.reason);
    html! {
        <button class="btn attn__act" type="button" onclick={on_later.reform(move |_: MouseEvent| of.clone())}
            data-testid="attention-later">
            <span>{action}<span class="vh">{format!(" tomorrow: {name}")}</span></span>
            <Icon name="right" class="only-s" />
        </button>
    }
}

/// "usually every 5 min" as a sentence of its own.
fn sentence(text: &str) -> String {
    let mut chars = text.trim().chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{end}", upper_char(first), chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::render;

    fn item(device: &str, reason: AttentionReason, detail: &str) -> AttentionItem {
        AttentionItem {
            device: device.into(),
            name: device.into(),
            reason,
            since: 1_000,
            state: String::new(),
            detail: detail.into(),
        }
    }

    #[test]
    fn a_held_list_keeps_its_rows_and_their_order_but_renews_their_words() {
        let mut shown = vec![
            item("door", AttentionReason::Open, "a"),
            item("gone", AttentionReason::Silent, "b"),
        ];
        refresh(
            &mut shown,
            &[
                item("new", AttentionReason::Open, "c"),
                item("door", AttentionReason::Open, "d"),
            ],
        );
        assert_eq!(
            shown
                .iter()
                .map(|item| (item.device.as_str(), item.detail.as_str()))
                .collect::<Vec<_>>(),
            [("door", "d"), ("gone", "b")]
        );
    }

    #[test]
    fn an_item_says_what_for_how_long_and_what_to_do() {
        let html = render::<Attention>(AttentionProps {
            items: vec![item(
                "Garage door",
                AttentionReason::Open,
                "usually closed by now",
            )],
            now: 42 * 60_000 + 1_000,
            on_later: Callback::default(),
        });
        assert!(
            html.contains(r#"data-testid="attention-item" data-reason="open""#),
            "{html}"
        );
        assert!(
            html.contains("Garage door is open") && html.contains("For 42 min. Usually closed by now."),
            "{html}"
        );
    }

    #[test]
    fn each_reason_is_shown_first_once_however_many_doors_are_open() {
        use AttentionReason::{Alert, Battery, Open, Silent, Unavailable};
        let places = |reasons: &[AttentionReason]| {
            let items: Vec<_> = reasons.iter().map(|reason| item("x", *reason, "")).collect();
            let mut places = first(&items);
            places.sort_unstable();
            places
        };
        assert_eq!(places(&[Open, Open, Open, Open]), [0, 1, 2]);
        assert_eq!(places(&[Open, Open, Open, Silent, Battery]), [0, 3, 4]);
        assert_eq!(places(&[Open, Open, Open, Battery, Battery]), [0, 1, 3]);
        assert_eq!(
            places(&[Alert, Open, Unavailable, Silent, Battery, Battery]),
            [0, 1, 2, 3, 4]
        );
        assert_eq!(places(&[Battery]), [0]);
        assert!(places(&[]).is_empty());
    }

    #[test]
    fn an_alarm_says_what_and_a_battery_how_long_it_lasts_when_that_is_known() {
        let html = |item: AttentionItem| {
            render::<Attention>(AttentionProps {
                items: vec![item],
                now: 42 * 60_000 + 1_000,
                on_later: Callback::default(),
            })
        };
        let smoke = AttentionItem {
            state: "smoke".into(),
            ..item("Rauchmelder Flur", AttentionReason::Alert, "")
        };
        assert!(html(smoke).contains("Rauchmelder Flur: smoke"));
        let battery = AttentionItem {
            state: "8 %".into(),
            ..item("Rauchmelder Flur", AttentionReason::Battery, "about 9 days left")
        };
        let known = html(battery.clone());
        assert!(
            known.contains("Rauchmelder Flur: battery 8 %")
                && known.contains("<span>About 9 days left.</span>"),
            "{known}"
        );
        let unknown = html(AttentionItem {
            detail: String::new(),
            ..battery
        });
        assert!(
            unknown.contains("For 42 min.") && !unknown.contains("left"),
            "{unknown}"
        );
    }

    #[test]
    fn an_empty_list_is_not_there() {
        assert_eq!(
            render::<Attention>(AttentionProps {
                items: vec![],
                now: 0,
                on_later: Callback::default(),
            }),
            ""
        );
    }
}
