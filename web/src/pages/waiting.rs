//! The messages that wait for the broker, for the pages' last lines.

use yew::prelude::*;

use crate::{
    components::waiting::Waiting,
    hooks::{use_connection, use_counters, use_engine},
    wire::{Command, ConnectionState},
};

/// How many messages wait, and the button that discards them.
#[component]
pub(crate) fn WaitingMessages() -> Html {
    let (counters, connection, engine) = (use_counters(), use_connection(), use_engine());
    let on_discard = Callback::from(move |()| engine.send(Command::DiscardQueued));
    html! { <Waiting {counters} disconnected={connection.state != ConnectionState::Connected} {on_discard} /> }
}
