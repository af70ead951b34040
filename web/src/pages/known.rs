//! Connections to choose from: brokers of the bridge, and what was used before or came from a file.

use std::rc::Rc;

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::{
    profiles::{self, Profile},
    route::Route,
};
use crate::{
    components::{
        form::{connection::ConnectionForm, exchange},
        icon::Icon,
        live::Live,
        text::visible,
        words,
    },
    hooks::{Start, use_engine, use_now, use_start},
    platform::{files, page},
    wire::{Command, ConnectionState, ConnectionView},
};

#[derive(Properties, PartialEq)]
pub(crate) struct KnownProps {
    pub(crate) connection: Rc<ConnectionView>,
    pub(crate) on_choose: Callback<ConnectionForm>,
}

/// Brokers of the bridge, and connections used before.
#[component]
pub(crate) fn Known(props: &KnownProps) -> Html {
    let start = use_start();
    let known = use_state(profiles::load);
    let removed = use_state(|| None::<Profile>);
    let brokers = start
        .bridge
        .as_ref()
        .map(|bridge| bridge.brokers.clone())
        .unwrap_or_default();
    let on_change = {
        let known = known.clone();
        Callback::from(move |()| known.set(profiles::load()))
    };
    {
        // What was just connected to is in the list at once.
        let (url, state) = (props.connection.url.clone(), props.connection.state);
        let on_change = on_change.clone();
        use_effect_with((url, state), move |_| on_change.emit(()));
    }
    let on_remove = {
        let (on_change, removed) = (on_change.clone(), removed.clone());
        Callback::from(move |profile: Profile| {
            profiles::forget(&profile);
            removed.set(Some(profile));
            on_change.emit(());
        })
    };
    let on_undo = removed.as_ref().map(|profile| {
        let (profile, on_change, removed) = (profile.clone(), on_change.clone(), removed.clone());
        Callback::from(move |_: MouseEvent| {
            profiles::restore(&profile);
            removed.set(None);
            on_change.emit(());
        })
    });
    html! {
        <section class="panel profiles" aria-labelledby="prof-h">
            <header class="panel__head"><h2 id="prof-h" class="grow">{"Connections"}</h2></header>
            <Live />
            if brokers.is_empty() && known.is_empty() {
                <p class="hint profiles__none">{"Connections you used are listed here, without their passwords."}</p>
            }
            <ul>
                { for brokers.iter().map(|broker| html! {
                    <Broker key={broker.id.clone()} id={broker.id.clone()} name={broker.name.clone()}
                        connection={props.connection.clone()} start={start.clone()} />
                })}
                { for known.iter().map(|profile| html! {
                    <Row profile={profile.clone()} client_id={start.client_id.clone()}
                        on_choose={props.on_choose.clone()} on_remove={on_remove.clone()} />
                })}
            </ul>
            <div role="status" class="profiles__said">
                if let Some(onclick) = on_undo {
                    <span class="grow">{"The connection was removed."}</span>
                    <button class="btn btn--dense" type="button" {onclick}>{"Undo"}</button>
                }
            </div>
            <Exchange known={(*known).clone()} {on_change} />
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct RowProps {
    profile: Profile,
    client_id: String,
    on_choose: Callback<ConnectionForm>,
    on_remove: Callback<Profile>,
}

/// A connection used before: choosing fills the form.
#[component]
fn Row(props: &RowProps) -> Html {
    let now = use_now(60);
    let profile = &props.profile;
    let chosen = profile.filled(&props.client_id);
    let onclick = props.on_choose.reform(move |_: MouseEvent| chosen.clone());
    let gone = profile.clone();
    let remove = props.on_remove.reform(move |_: MouseEvent| gone.clone());
    let address = profile.form.address().url();
    let name = if profile.form.name.is_empty() {
        &profile.form.host
    } else {
        &profile.form.name
    };
    let used = if profile.used_at == 0 {
        "Not used yet".to_owned()
    } else {
        format!("Used {}", words::ago(profile.used_at, now))
    };
    html! {
        <li class="profile__row">
            <button class="profile" type="button" data-testid="connect-known" {onclick}>
                <span class="tile"><Icon name="link" /></span>
                <span class="grow"><strong class="clip2"><bdi>{visible(name)}</bdi></strong>
                    <small class="clip"><bdi>{visible(&address)}</bdi></small><small class="clip">{used}</small></span>
            </button>
            <button class="btn btn--quiet btn--icon" type="button" onclick={remove}
                aria-label={format!("Forget {}", visible(&address))}><Icon name="trash" /></button>
        </li>
    }
}

#[derive(Properties, PartialEq)]
struct ExchangeProps {
    known: Vec<Profile>,
    on_change: Callback<()>,
}

/// Connections from and to a file.
#[component]
fn Exchange(props: &ExchangeProps) -> Html {
    let said = use_state(Vec::<String>::new);
    let on_file = {
        let (said, on_change) = (said.clone(), props.on_change.clone());
        Callback::from(move |event: Event| {
            let (said, on_change) = (said.clone(), on_change.clone());
            let input: HtmlInputElement = event.target_unchecked_into();
            files::chosen(&input, exchange::MOST_BYTES, move |file| {
                said.set(taken(file));
                on_change.emit(());
            });
        })
    };
    let on_export = {
        let (known, said) = (props.known.clone(), said.clone());
        Callback::from(move |_: MouseEvent| {
            let file = exchange::write(known.iter().map(|profile| &profile.form));
            if !files::save_text("hearth-connections.json", "application/json", &file) {
                said.set(vec!["The browser did not let the file be saved.".to_owned()]);
            }
        })
    };
    html! {
        <div class="profiles__files">
            <div class="row row--wrap">
                <label class="btn btn--dense file">{"Import…"}
                    <input class="vh" type="file" accept=".json,application/json" data-testid="connect-import" onchange={on_file} />
                </label>
                <button class="btn btn--dense" type="button" data-testid="connect-export" onclick={on_export}
                    disabled={props.known.is_empty()}>{"Export"}</button>
                <a class="btn btn--dense" href={Route::Replay.href()} data-testid="replay-open">{"Recording…"}</a>
            </div>
            <p class="hint">{"From Hearth, MQTTX or MQTT Explorer. Passwords are never in it."}</p>
            <div role="status" data-testid="connect-imported">
                { for said.iter().map(|line| html! { <p class="hint">{visible(line)}</p> }) }
            </div>
        </div>
    }
}

/// Takes over what is in a file; what to tell the user.
fn taken(file: Result<String, f64>) -> Vec<String> {
    let read = match file {
        Ok(text) => exchange::read(&text),
        Err(size) => Err(format!(
            "This file has {:.0} MiB; the most that is read is {} MiB. An export of MQTTX without messages is smaller.",
            size / f64::from(1 << 20),
            exchange::MOST_BYTES >> 20,
        )),
    };
    match read {
        Err(why) => vec![why],
        Ok(imported) => {
            let found = imported.forms.len();
            let (new, no_room) = profiles::add(imported.forms);
            let mut said = vec![format!(
                "{new} of {found} connections were new. Passwords were not taken over."
            )];
            if no_room > 0 {
                said.push(format!(
                    "There was no room for {no_room}: remove connections first."
                ));
            }
            said.extend(imported.remarks);
            said
        }
    }
}

#[derive(Properties, PartialEq)]
struct BrokerProps {
    id: String,
    name: String,
    connection: Rc<ConnectionView>,
    start: Rc<Start>,
}

/// A broker behind the bridge: one click connects, the bridge knows the rest.
#[component]
fn Broker(props: &BrokerProps) -> Html {
    let engine = use_engine();
    let mut start = (*props.start).clone();
    start.params.broker = Some(props.id.clone());
    start.params.url = None;
    let options = start.options(&page::folder());
    let current = options
        .as_ref()
        .is_some_and(|options| options.url == props.connection.url);
    let (tile, icon, words) = match (current, props.connection.state) {
        (true, ConnectionState::Connected) => ("tile--ok", "check", "Connected"),
        (true, ConnectionState::Connecting) => ("", "minus", "Connecting…"),
        (true, ConnectionState::Waiting | ConnectionState::Down) => ("tile--crit", "x", "Not connected"),
        (true, ConnectionState::None) | (false, _) => ("", "server", "Through the bridge"),
    };
    let id = props.id.clone();
    let onclick = Callback::from(move |_: MouseEvent| {
        if let Some(options) = &options {
            profiles::note_used(Some(&id));
            let options = profiles::with_subscriptions(options.clone());
            engine.send(Command::Connect(Box::new(options)));
        }
    });
    html! {
        <li><button class="profile" type="button" aria-current={current.then_some("true")} {onclick}>
            <span class={classes!("tile", tile)}><Icon name={icon} /></span>
            <span class="grow"><strong class="clip2"><bdi>{visible(&props.name)}</bdi></strong><small class="clip">{words}</small></span>
        </button></li>
    }
}
