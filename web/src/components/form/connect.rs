//! The connection form in full.

use std::rc::Rc;

use yew::prelude::*;

use super::{
    connection::{ConnectionForm, FieldError, Secret},
    event_value,
    field::{Check, Field},
    will::Will,
};
use crate::{
    components::{icon::Icon, text::visible},
    wire::{Problem, ProblemKind, Version},
};

/// A form that is being edited.
#[derive(Clone, PartialEq)]
pub(crate) struct Edit {
    pub(crate) form: Rc<ConnectionForm>,
    /// Found when it was sent; cleared field by field.
    pub(crate) errors: Rc<Vec<FieldError>>,
    /// Field and fix, from the connection's problem.
    pub(crate) problem_field: Option<String>,
    pub(crate) on_change: Callback<ConnectionForm>,
}

impl Edit {
    /// A callback that changes one field.
    pub(crate) fn with<T: 'static>(&self, change: impl Fn(&mut ConnectionForm, T) + 'static) -> Callback<T> {
        let (form, on_change) = (self.form.clone(), self.on_change.clone());
        Callback::from(move |value| {
            let mut form = (*form).clone();
            change(&mut form, value);
            on_change.emit(form);
        })
    }

    /// What is wrong with a field.
    pub(crate) fn error(&self, field: &str) -> Option<AttrValue> {
        let error = self.errors.iter().find(|error| error.field == field)?;
        Some(error.fix.clone().into())
    }

    fn is_bad(&self, field: &str) -> bool {
        self.error(field).is_some() || self.problem_field.as_deref() == Some(field)
    }
}

/// What [`ConnectForm`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct ConnectFormProps {
    pub(crate) edit: Edit,
    /// Why there is no connection.
    pub(crate) problem: Option<Problem>,
    pub(crate) password: NodeRef,
    pub(crate) connected: bool,
    pub(crate) on_submit: Callback<()>,
    pub(crate) on_disconnect: Callback<()>,
}

/// Broker, sign-in, session, last will.
#[component]
pub(crate) fn ConnectForm(props: &ConnectFormProps) -> Html {
    let onsubmit = props
        .on_submit
        .reform(|event: SubmitEvent| event.prevent_default());
    let title = match props.edit.form.name.as_str() {
        "" => "New connection".to_owned(),
        name => visible(name),
    };
    html! {
        <section class="panel" aria-labelledby="form-h">
            <header class="panel__head">
                <h2 id="form-h" class="grow"><bdi>{title}</bdi></h2>
                <span class="sub hide-s">{"Passwords go to the broker only"}</span>
            </header>
            <form {onsubmit} novalidate=true>
                {broker(props)}
                {sign_in(props)}
                {session(props)}
                <Will edit={props.edit.clone()} />
                <div class="formfoot">
                    <button class="btn btn--primary" type="submit" data-testid="connect-submit">{"Connect"}</button>
                    if props.connected {
                        <button class="btn" type="button" data-testid="connect-disconnect" onclick={props.on_disconnect.reform(|_: MouseEvent| ())}>{"Disconnect"}</button>
                    }
                </div>
            </form>
        </section>
    }
}

fn broker(props: &ConnectFormProps) -> Html {
    let (edit, form) = (&props.edit, &props.edit.form);
    let part = |id: &'static str,
                label: &'static str,
                testid: &'static str,
                field: &'static str,
                value: &str,
                numeric: bool,
                change: Callback<String>| {
        let spread = edit.with(|form, ()| form.spread_address());
        html! {
            <div class="field">
                <label for={id}>{label}</label>
                <input class="input" {id} value={value.to_owned()} inputmode={if numeric { "numeric" } else { "url" }}
                    spellcheck="false" autocapitalize="off" autocomplete="off" data-testid={testid}
                    aria-invalid={edit.is_bad(field).then_some("true")} aria-describedby="address-note"
                    oninput={change.reform(|event: InputEvent| event_value(&event))}
                    onchange={spread.reform(|_: Event| ())} />
            </div>
        }
    };
    html! {
        <fieldset class="fgroup"><legend>{"Broker"}</legend>
            <div class="field">
                <div class="urlrow">
                    <div class="field"><label for="scheme">{"Scheme"}</label>
                        <select class="select" id="scheme" data-testid="connect-scheme"
                            aria-invalid={edit.is_bad("scheme").then_some("true")}
                            onchange={edit.with(|form, event: Event| form.secure = event_value(&event) == "wss")}>
                            <option value="wss" selected={form.secure}>{"wss://"}</option>
                            <option value="ws" selected={!form.secure}>{"ws://"}</option>
                        </select>
                    </div>
                    {part("host", "Host", "connect-url", "url", &form.host, false, edit.with(|form, text| form.host = text))}
                    {part("port", "Port", "connect-port", "port", &form.port, true, edit.with(|form, text| form.port = text))}
                    {part("path", "Path", "connect-path", "path", &form.path, false, edit.with(|form, text| form.path = text))}
                </div>
                {errors(props)}
                <p class="hint" id="address-note">
                    if form.host.is_empty() {
                        {"Paste a whole address into Host and it falls into place."}
                    } else {
                        {"Full address: "}<code data-testid="connect-full-url">{form.address().url()}</code>
                    }
                </p>
            </div>
            <div class="form-grid">
                <div class="field">
                    <label for="version">{"MQTT version"}</label>
                    <select class="select" id="version" data-testid="connect-version" aria-describedby="version-note"
                        onchange={edit.with(|form, event: Event| form.version = version_of(&event_value(&event)))}>
                        { for VERSIONS.iter().map(|(version, value, words)| html! {
                            <option value={*value} selected={form.version == *version}>{*words}</option>
                        })}
                    </select>
                    <p class="hint" id="version-note">{"Automatic asks for 5.0 and falls back to 3.1.1."}</p>
                </div>
                <Field id="client-id" label="Client ID" value={form.client_id.clone()} testid="connect-client-id"
                    hint="Each open window needs its own."
                    error={edit.is_bad("client_id").then(|| client_id_words(props.problem.as_ref()))} on_input={edit.with(|form, text| form.client_id = text)} />
            </div>
        </fieldset>
    }
}

/// What keeps it from connecting, with the fix: a wrong field, else the connection's problem.
fn errors(props: &ConnectFormProps) -> Html {
    let typed: Vec<String> = props.edit.errors.iter().map(|error| error.fix.clone()).collect();
    let problem = props.problem.as_ref().map(|problem| {
        html! { <><strong>{visible(&problem.title)}{". "}</strong>{visible(&problem.what_happened)}{" "}{visible(&problem.what_to_do)}</> }
    });
    let text = match (typed.is_empty(), problem) {
        (false, _) => html! { {typed.join(" ")} },
        (true, Some(problem)) => problem,
        (true, None) => return Html::default(),
    };
    html! {
        <p class="err" role="alert" data-testid="connect-error"><Icon name="crit" small=true /><span>{text}</span></p>
    }
}

fn sign_in(props: &ConnectFormProps) -> Html {
    let (edit, form) = (&props.edit, &props.edit.form);
    let (username, password) = match edit.is_bad("username") || edit.is_bad("password") {
        true => sign_in_words(props.problem.as_ref(), form.username.is_empty()),
        false => (None, None),
    };
    html! {
        <fieldset class="fgroup"><legend>{"Sign-in"}</legend>
            <div class="form-grid">
                <Field id="username" label="User name" value={form.username.clone()} testid="connect-username" autocomplete="username"
                    error={username}
                    on_input={edit.with(|form, text| form.username = text)} />
                <Field id="password" label="Password" kind="password" value={form.password.0.clone()} testid="connect-password"
                    autocomplete="current-password" node={props.password.clone()}
                    error={password}
                    on_input={edit.with(|form, text| form.password = Secret(text))} />
            </div>
            <Check checked={form.remember} on_check={edit.with(|form, on| form.remember = on)}>
                {"Remember the password on this device"}
            </Check>
        </fieldset>
    }
}

fn session(props: &ConnectFormProps) -> Html {
    let (edit, form) = (&props.edit, &props.edit.form);
    html! {
        <fieldset class="fgroup"><legend>{"Session"}</legend>
            <div class="form-grid">
                <Field id="keep-alive" label="Keep alive, seconds" value={form.keep_alive.clone()} inputmode="numeric"
                    testid="connect-keep-alive" hint="0 turns it off." error={edit.error("keep_alive")}
                    on_input={edit.with(|form, text| form.keep_alive = text)} />
                <Field id="session-expiry" label="Session expires after, seconds" value={form.session_expiry.clone()}
                    inputmode="numeric" hint="0 ends it when the window closes." error={edit.error("session_expiry")}
                    on_input={edit.with(|form, text| form.session_expiry = text)} />
            </div>
            <Check checked={form.clean_start} testid="connect-clean-start" on_check={edit.with(|form, on| form.clean_start = on)}>
                {"Clean start: forget what the broker kept for this client"}
            </Check>
            <details open={edit.error("receive_maximum").is_some()}>
                <summary><Icon name="right" small=true />{"Advanced"}</summary>
                <div class="form-grid fgroup__more">
                    <Field id="receive-maximum" label="Receive maximum" value={form.receive_maximum.clone()} inputmode="numeric"
                        hint="QoS 1 and 2 messages that may be under way to this window at once. MQTT 5.0 only."
                        error={edit.error("receive_maximum")} on_input={edit.with(|form, text| form.receive_maximum = text)} />
                </div>
            </details>
        </fieldset>
    }
}

/// What is wrong with the client id, beside its field.
fn client_id_words(problem: Option<&Problem>) -> &'static str {
    match problem.map(|problem| problem.kind) {
        Some(ProblemKind::TakenOver) => "In use by another window or device.",
        _ => "Not accepted by the broker.",
    }
}

/// What is wrong with user name and password, beside their fields.
fn sign_in_words(problem: Option<&Problem>, no_name: bool) -> (Option<&'static str>, Option<&'static str>) {
    match (problem.map(|problem| problem.kind), no_name) {
        (Some(ProblemKind::BadAddress), _) => (Some("Type it here, not into the address."), None),
        (_, true) => (Some("The broker wants one."), None),
        (_, false) => (
            Some("Refused by the broker. Check capital letters."),
            Some("Enter it again."),
        ),
    }
}

const VERSIONS: [(Version, &str, &str); 3] = [
    (Version::Auto, "auto", "Automatic"),
    (Version::V5, "5", "5.0"),
    (Version::V311, "3.1.1", "3.1.1"),
];

fn version_of(value: &str) -> Version {
    VERSIONS
        .iter()
        .find(|(_, known, _)| *known == value)
        .map_or(Version::Auto, |(version, ..)| *version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(kind: ProblemKind) -> Problem {
        Problem {
            kind,
            title: String::new(),
            what_happened: String::new(),
            how_we_know: String::new(),
            what_to_do: String::new(),
            field: None,
        }
    }

    #[test]
    fn a_field_says_what_the_problem_says() {
        let taken = problem(ProblemKind::TakenOver);
        assert!(client_id_words(Some(&taken)).contains("another window"));
        let refused = problem(ProblemKind::Refused);
        assert!(client_id_words(Some(&refused)).contains("Not accepted"));
        let credentials = problem(ProblemKind::Credentials);
        let said = |problem, no_name| sign_in_words(Some(problem), no_name).0.unwrap_or_default();
        assert!(said(&credentials, false).contains("Refused"));
        assert!(said(&credentials, true).contains("wants one"));
        assert!(said(&problem(ProblemKind::BadAddress), false).contains("not into the address"));
    }
}
