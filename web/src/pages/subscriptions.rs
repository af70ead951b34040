//! What the page is subscribed to: edited here, with the broker's answer to each.

use std::rc::Rc;

use hearth_mqtt::TopicFilter;
use yew::prelude::*;

use super::profiles;
use crate::{
    components::{
        form::field::{Check, Choice, Field},
        icon::Icon,
        text::visible,
    },
    hooks::{use_connection, use_engine, use_subscriptions},
    platform::document,
    wire::{Command, SubscriptionView},
};

/// Where a filter is typed.
const FIELD: &str = "subscription-filter";
const NO_LOCAL: u8 = 4;
const RETAIN_AS_PUBLISHED: u8 = 8;
const NUMBERED: u8 = 0x40;

/// Filters with their options.
type Filters = Vec<(String, u8)>;

/// A filter that is being typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Draft {
    filter: String,
    options: u8,
    /// The filter that it takes the place of.
    instead: Option<String>,
}

/// The list, and a form to add and change.
#[component]
pub(crate) fn Subscriptions() -> Html {
    let (engine, connection, shown) = (use_engine(), use_connection(), use_subscriptions());
    let draft = use_state(|| Rc::new(Draft::default()));
    let error = use_state(|| None::<String>);
    let removed = use_state(|| None::<(String, Filters)>);
    let wanted: Filters = shown
        .iter()
        .map(|view| (view.filter.clone(), view.options))
        .collect();
    let url = connection.url.clone();
    let set = Callback::from(move |filters: Filters| {
        profiles::keep_subscriptions(&url, &filters);
        engine.send(Command::Subscribe(filters));
    });
    let set_again = set.clone();
    let remove = {
        let (wanted, removed, set) = (wanted.clone(), removed.clone(), set.clone());
        Callback::from(move |filter: String| {
            let left = wanted.iter().filter(|(known, _)| *known != filter).cloned();
            set.emit(left.collect());
            removed.set(Some((filter, wanted.clone())));
        })
    };
    let edit = {
        let (draft, error) = (draft.clone(), error.clone());
        Callback::from(move |(filter, options): (String, u8)| {
            error.set(None);
            document::focus_id(FIELD);
            let instead = Some(filter.clone());
            draft.set(Rc::new(Draft {
                filter,
                options,
                instead,
            }));
        })
    };
    let on_submit = {
        let (draft, error, removed) = (draft.clone(), error.clone(), removed.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            match changed(&wanted, &draft) {
                Ok(filters) => {
                    set.emit(filters);
                    draft.set(Rc::default());
                    removed.set(None);
                    error.set(None);
                }
                Err(why) => error.set(Some(why)),
            }
        })
    };
    let undo = removed.as_ref().map(|(filter, before)| {
        let (before, removed) = (before.clone(), removed.clone());
        let undo = Callback::from(move |_: MouseEvent| {
            set_again.emit(before.clone());
            removed.set(None);
        });
        (filter.clone(), undo)
    });
    html! {
        <section class="panel" aria-labelledby="subs-h">
            <header class="panel__head"><h2 id="subs-h">{"Subscriptions"}</h2></header>
            {table(&shown, &edit, &remove)}
            <div class="panel__body stack" role="status">
                if let Some((filter, on_undo)) = undo {
                    <p class="row row--wrap">{visible(&filter)}{" is not subscribed to any more."}
                        <button class="btn btn--dense" type="button" onclick={on_undo} data-testid="subscription-undo">{"Undo"}</button></p>
                }
            </div>
            {form(&draft, &error, on_submit)}
        </section>
    }
}

fn table(shown: &[SubscriptionView], edit: &Callback<(String, u8)>, remove: &Callback<String>) -> Html {
    html! {
        <div class="scroll-x" tabindex="0" role="region" aria-label="List of subscriptions">
            <table class="table">
                <thead><tr><th scope="col">{"Filter"}</th><th scope="col">{"Asked"}</th><th scope="col">{"Result"}</th>
                    <th scope="col"><span class="vh">{"Change"}</span></th></tr></thead>
                <tbody>{ for shown.iter().map(|view| {
                    let (filter, options) = (view.filter.clone(), view.options);
                    let change = edit.reform(move |_: MouseEvent| (filter.clone(), options));
                    let filter = view.filter.clone();
                    let remove = remove.reform(move |_: MouseEvent| filter.clone());
                    let name = visible(&view.filter);
                    let (class, icon) = match &*view.result {
                        _ if view.refused => ("mark--crit", Some("x")),
                        SubscriptionView::WAITING => ("mark--line", None),
                        _ => ("mark--ok", Some("check")),
                    };
                    html! {
                        <tr key={view.filter.clone()} data-testid="subscription" data-filter={view.filter.clone()}
                            data-refused={view.refused.to_string()}>
                            <th scope="row" class="mono"><bdi>{name.clone()}</bdi></th>
                            <td>{asked(view.options)}if view.id > 0 { <span data-testid="subscription-id">{format!(", identifier {}", view.id)}</span> }</td>
                            <td><span class={classes!("mark", "mark--wrap", class)}>
                                if let Some(icon) = icon { <Icon name={icon} /> }{visible(&view.result)}
                            </span></td>
                            <td class="r"><span class="row">
                                <button class="btn btn--dense btn--quiet" type="button" onclick={change}
                                    data-testid="subscription-change" aria-label={format!("Change {name}")}>{"Change"}</button>
                                <button class="btn btn--dense btn--icon btn--quiet" type="button" onclick={remove} data-testid="subscription-remove"
                                    aria-label={format!("Remove {name}")}><Icon name="trash" small=true /></button>
                            </span></td>
                        </tr>
                    }
                })}</tbody>
            </table>
        </div>
    }
}

/// What was asked for, in words.
fn asked(options: u8) -> String {
    let mut words = format!("QoS {}", options & 3);
    let mut add = |is: bool, more: &str| {
        if is {
            words.push_str(more);
        }
    };
    add(options & NO_LOCAL != 0, ", no local");
    add(options & RETAIN_AS_PUBLISHED != 0, ", retain as published");
    add(options & 0x30 == 0x10, ", retained if new");
    add(options & 0x30 == 0x20, ", no retained");
    words
}

fn form(
    draft: &UseStateHandle<Rc<Draft>>,
    error: &UseStateHandle<Option<String>>,
    onsubmit: Callback<SubmitEvent>,
) -> Html {
    let with = |options: u8| {
        let draft = draft.clone();
        move |bits: u8| {
            let mut changed = (**draft).clone();
            changed.options = changed.options & !options | bits;
            draft.set(Rc::new(changed));
        }
    };
    let on_filter = {
        let (draft, error) = (draft.clone(), error.clone());
        Callback::from(move |filter: String| {
            // It was about what stood there before.
            error.set(None);
            draft.set(Rc::new(Draft {
                filter,
                ..(**draft).clone()
            }));
        })
    };
    let (qos, no_local, as_published, handling, numbered) = (
        with(3),
        with(NO_LOCAL),
        with(RETAIN_AS_PUBLISHED),
        with(0x30),
        with(NUMBERED),
    );
    let on_cancel = {
        let (draft, error) = (draft.clone(), error.clone());
        Callback::from(move |_: MouseEvent| {
            draft.set(Rc::default());
            error.set(None);
        })
    };
    let is_change = draft.instead.is_some();
    let is_shared = is_shared(draft.filter.trim());
    html! {
        <form class="panel__body stack" {onsubmit} novalidate=true>
            <Field id={FIELD} label={if is_change { "Change the filter" } else { "Subscribe to another filter" }}
                value={draft.filter.clone()} mono=true placeholder="home/+/state" testid="subscription-filter" error={(**error).clone().map(AttrValue::from)}
                on_input={on_filter} />
            <Choice legend="QoS at most" name="subscription-qos" chosen={draft.options & 3}
                options={vec![(0, "QoS 0", Some("subscription-qos-0")), (1, "1", Some("subscription-qos-1")), (2, "2", Some("subscription-qos-2"))]}
                on_choose={Callback::from(qos)} />
            <details>
                <summary><Icon name="right" small=true />{"MQTT 5 options "}</summary>
                <div class="stack fgroup__more">
                    if is_shared {
                        <p class="hint" data-testid="subscription-shared">{"No Local is not possible here: others share this subscription."}</p>
                    } else {
                        <Check checked={draft.options & NO_LOCAL != 0} testid="subscription-no-local"
                            on_check={Callback::from(move |on: bool| no_local(if on { NO_LOCAL } else { 0 }))}>{"No Local: not what this page publishes"}</Check>
                    }
                    <Check checked={draft.options & RETAIN_AS_PUBLISHED != 0} testid="subscription-retain-as-published"
                        on_check={Callback::from(move |on: bool| as_published(if on { RETAIN_AS_PUBLISHED } else { 0 }))}>
                        {"Retain As Published: keep the flag of the publisher"}</Check>
                    <Check checked={draft.options & NUMBERED != 0} testid="subscription-numbered"
                        on_check={Callback::from(move |on: bool| numbered(if on { NUMBERED } else { 0 }))}>
                        {"Subscription Identifier: each message says which filters brought it"}</Check>
                    <Choice legend="Retained messages" name="subscription-retain" chosen={draft.options >> 4 & 3}
                        options={vec![(0, "Send", Some("subscription-retained-send")), (1, "If new", Some("subscription-retained-new")), (2, "Do not send", Some("subscription-retained-none"))]}
                        on_choose={Callback::from(move |way: u8| handling(way << 4))} />
                </div>
            </details>
            <div class="row row--wrap">
                <button class="btn grow" type="submit" data-testid="subscription-add">{if is_change { "Change" } else { "Subscribe" }}</button>
                if is_change { <button class="btn btn--quiet" type="button" onclick={on_cancel} data-testid="subscription-cancel">{"Cancel"}</button> }
            </div>
        </form>
    }
}

fn is_shared(filter: &str) -> bool {
    filter.starts_with("$share/")
}

/// What is wanted with the draft in it, or what is wrong with the draft.
fn changed(wanted: &[(String, u8)], draft: &Draft) -> Result<Filters, String> {
    let filter = draft.filter.trim();
    if filter.is_empty() {
        return Err("Enter a topic filter. # is everything.".to_owned());
    }
    let parsed =
        TopicFilter::parse(filter).map_err(|error| format!("This filter cannot be used: {error}."))?;
    // [MQTT5-4.8.2-1] [MQTT5-4.8.2-2] some brokers hang up instead of refusing these.
    if let Some(error) = parsed.sharing_error() {
        return Err(format!(
            "This filter cannot be used: {error}. Write $share/NAME/FILTER: everybody who subscribes with the same name \
             gets a part of the messages."
        ));
    }
    // [MQTT5-3.8.3-4] it would be a Protocol Error, so the form does not offer it.
    let impossible = if is_shared(filter) { NO_LOCAL } else { 0 };
    let entry = (filter.to_owned(), draft.options & !impossible);
    let mut filters: Filters = wanted.to_vec();
    let instead = draft.instead.as_deref().unwrap_or(filter);
    match filters.iter().position(|(known, _)| known == instead) {
        Some(at) => {
            if let Some(place) = filters.get_mut(at) {
                *place = entry;
            }
        }
        None => filters.push(entry),
    }
    // The new name may have been in the list already.
    let mut seen = std::collections::BTreeSet::new();
    filters.retain(|(filter, _)| seen.insert(filter.clone()));
    Ok(filters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(filter: &str, options: u8, instead: Option<&str>) -> Draft {
        Draft {
            filter: filter.into(),
            options,
            instead: instead.map(str::to_owned),
        }
    }

    #[test]
    fn a_draft_adds_a_filter_or_takes_the_place_of_one() {
        let wanted = [("#".to_owned(), 0), ("a/+".to_owned(), 1)];
        let filters = |draft| changed(&wanted, &draft).unwrap();
        assert_eq!(filters(draft(" b ", 2, None)).last(), Some(&("b".to_owned(), 2)));
        assert_eq!(
            filters(draft("#", 1, None)),
            [("#".to_owned(), 1), ("a/+".to_owned(), 1)]
        );
        assert_eq!(
            filters(draft("c", 0, Some("#"))),
            [("c".to_owned(), 0), ("a/+".to_owned(), 1)]
        );
        assert_eq!(filters(draft("a/+", 2, Some("#"))), [("a/+".to_owned(), 2)]);
    }

    #[test]
    fn a_filter_that_cannot_be_is_refused_with_the_reason() {
        for (filter, said) in [
            ("", "Enter a topic filter"),
            ("a/#/b", "the last one"),
            ("a+", "a whole level"),
            ("$share//a", "the share name needs at least one character"),
            ("$share/+/a", "the share name may not contain"),
            ("$share/a#/a", "a whole level"),
            ("$share/g", "a filter must follow the share name"),
            ("$share/g/", "a filter must follow the share name"),
        ] {
            let refused = changed(&[], &draft(filter, 0, None)).unwrap_err();
            assert!(refused.contains(said), "{filter}: {refused}");
        }
    }

    #[test]
    fn a_shared_subscription_never_has_no_local() {
        let asked = |filter| changed(&[], &draft(filter, NO_LOCAL | 1, None)).unwrap();
        assert_eq!(asked("$share/g/a/+"), [("$share/g/a/+".to_owned(), 1)]);
        assert_eq!(asked("$shared/g/a"), [("$shared/g/a".to_owned(), NO_LOCAL | 1)]);
    }

    #[test]
    fn options_are_said_in_words() {
        assert_eq!(asked(1), "QoS 1");
        assert_eq!(asked(0x6e), "QoS 2, no local, retain as published, no retained");
    }
}
