//! Connect: where the broker is, what the connection is like, and why there is none.

use std::rc::Rc;

use web_sys::HtmlElement;
use yew::prelude::*;

use super::{
    known::Known,
    profiles::{self, use_connection_form, use_submit},
    subscriptions::Subscriptions,
};
use crate::{
    components::form::{
        connect::{ConnectForm, Edit},
        connection::ConnectionForm,
        doctor::{Doctor, Remedy},
    },
    hooks::{use_connection, use_engine, use_subscriptions},
    wire::{Command, ConnectionState},
};

/// The page of the connection.
#[component]
pub(crate) fn Connect() -> Html {
    let (connection, subscriptions, engine) = (use_connection(), use_subscriptions(), use_engine());
    let form = use_connection_form();
    let (errors, on_submit) = use_submit(&form);
    let password = use_node_ref();
    let on_change = {
        let form = form.clone();
        Callback::from(move |changed| form.set(Rc::new(changed)))
    };
    let on_remedy = use_remedy(&form, &on_submit, &password);
    let on_disconnect = {
        let engine = engine.clone();
        Callback::from(move |()| {
            profiles::note_used(None);
            engine.send(Command::Disconnect);
        })
    };
    let in_trouble = matches!(connection.state, ConnectionState::Waiting | ConnectionState::Down);
    let problem = connection.problem.clone().filter(|_| in_trouble);
    let edit = Edit {
        form: (*form).clone(),
        errors,
        problem_field: problem.as_ref().and_then(|problem| problem.field.clone()),
        on_change,
    };
    let on_choose = {
        let form = form.clone();
        Callback::from(move |chosen| form.set(Rc::new(chosen)))
    };
    html! {
        <div class="connect">
            <Known connection={connection.clone()} {on_choose} />
            <ConnectForm {edit} {problem} {password} {on_submit} {on_disconnect}
                connected={!matches!(connection.state, ConnectionState::None | ConnectionState::Down)} />
            <div class="stack connect__side">
                <Doctor connection={connection.clone()} subscriptions={subscriptions.clone()} path={form.path.clone()} {on_remedy} />
                if connection.state == ConnectionState::Connected {
                    <Subscriptions />
                }
            </div>
        </div>
    }
}

/// Changes that a remedy makes are sent after the form took them over.
#[hook]
fn use_remedy(
    form: &UseStateHandle<Rc<ConnectionForm>>,
    on_submit: &Callback<()>,
    password: &NodeRef,
) -> Callback<Remedy> {
    let engine = use_engine();
    let due = use_state(|| false);
    {
        let (due, on_submit) = (due.clone(), on_submit.clone());
        use_effect_with((*due, form.clone()), move |(is_due, _)| {
            if *is_due {
                due.set(false);
                on_submit.emit(());
            }
        });
    }
    let (form, on_submit, password) = (form.clone(), on_submit.clone(), password.clone());
    Callback::from(move |remedy| {
        let mut changed = (**form).clone();
        match remedy {
            Remedy::UsePath(path) => changed.path = path,
            Remedy::UseSecure => changed.secure = true,
            Remedy::EnterPassword => {
                if let Some(input) = password.cast::<HtmlElement>() {
                    // An element that cannot take the focus is not on the screen.
                    drop(input.focus());
                }
                return;
            }
            Remedy::TryNow => return engine.send(Command::RetryNow),
            Remedy::Reconnect => return on_submit.emit(()),
        }
        form.set(Rc::new(changed));
        due.set(true);
    })
}
