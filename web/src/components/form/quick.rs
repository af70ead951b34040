//! The short form of a first visit: one address, and user name and password if needed.

use std::rc::Rc;

use yew::prelude::*;

use super::{
    connect::Edit,
    connection::{ConnectionForm, FieldError, Secret},
    event_value,
    field::Field,
};
use crate::{
    components::{icon::Icon, text::visible},
    wire::Problem,
};

/// What [`QuickForm`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct QuickFormProps {
    pub(crate) form: Rc<ConnectionForm>,
    pub(crate) errors: Rc<Vec<FieldError>>,
    pub(crate) problem: Option<Problem>,
    pub(crate) on_change: Callback<ConnectionForm>,
    pub(crate) on_submit: Callback<()>,
}

/// "Broker address", Connect.
#[component]
pub(crate) fn QuickForm(props: &QuickFormProps) -> Html {
    let form = &props.form;
    let edit = Edit {
        form: form.clone(),
        errors: props.errors.clone(),
        problem_field: None,
        on_change: props.on_change.clone(),
    };
    let error = match (props.errors.first(), &props.problem) {
        (Some(error), _) => Some(error.fix.clone()),
        (None, Some(problem)) => Some(format!(
            "{}. {} {}",
            problem.title, problem.what_happened, problem.what_to_do
        )),
        (None, None) => None,
    };
    let oninput = edit.with(|form, event: InputEvent| {
        form.host = event_value(&event);
        form.port = String::new();
        form.path = "/mqtt".to_owned();
    });
    let onsubmit = props
        .on_submit
        .reform(|event: SubmitEvent| event.prevent_default());
    html! {
        <form class="panel" {onsubmit} novalidate=true>
            <div class="field">
                <label for="url">{"Broker address"}</label>
                <div class="empty__url">
                    <input class="input" id="url" placeholder="wss://broker.home.lan:8884/mqtt" inputmode="url" spellcheck="false"
                        autocapitalize="off" autocomplete="url" value={form.host.clone()} {oninput} data-testid="connect-url"
                        aria-invalid={error.as_ref().map(|_| "true")} aria-describedby="url-note" />
                    <button class="btn btn--primary" type="submit" data-testid="connect-submit">{"Connect"}</button>
                </div>
                if let Some(error) = error {
                    <p class="err" role="alert" id="url-note" data-testid="connect-error">
                        <Icon name="crit" small=true /><span>{visible(&error)}</span>
                    </p>
                } else if form.host.is_empty() {
                    <p class="hint" id="url-note">{"The address of its WebSocket listener, often port 9001 or 8884."}</p>
                } else {
                    <p class="hint" id="url-note">{"Full address: "}<code>{form.address().url()}</code></p>
                }
            </div>
            <details open={!form.username.is_empty()}>
                <summary><Icon name="right" small=true />{"User name and password"}</summary>
                <div class="form-grid fgroup__more">
                    <Field id="quick-user" label="User name" value={form.username.clone()} autocomplete="username"
                        testid="connect-username" on_input={edit.with(|form, text| form.username = text)} />
                    <Field id="quick-password" label="Password" kind="password" value={form.password.0.clone()}
                        autocomplete="current-password" testid="connect-password"
                        on_input={edit.with(|form, text| form.password = Secret(text))} />
                </div>
            </details>
        </form>
    }
}
