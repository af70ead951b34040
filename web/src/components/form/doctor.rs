//! The connection doctor: what was checked, where it failed, and what to do, as far as the engine found out.

use yew::prelude::*;

use crate::{
    components::{icon::Icon, text::visible, words},
    platform::locale,
    wire::{ConnectionState, ConnectionView, Problem, ProblemKind, SubscriptionView},
};

/// The checks in the order in which a connection passes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Check {
    Page,
    Host,
    Path,
    Subprotocol,
    Broker,
    SignIn,
    Subscription,
    Stays,
}

const CHECKS: [(Check, &str, &str); 8] = [
    (Check::Page, "page", "This page may open the address"),
    (Check::Host, "host", "The host answers"),
    (Check::Path, "path", "The path speaks WebSocket"),
    (Check::Subprotocol, "subprotocol", "Both agree on MQTT"),
    (Check::Broker, "broker", "The bridge reaches its broker"),
    (Check::SignIn, "sign-in", "The broker accepts the sign-in"),
    (
        Check::Subscription,
        "subscription",
        "The first subscription is granted",
    ),
    (Check::Stays, "stays", "The connection stays open"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    Passed,
    Failed,
    Unknown,
}

/// Where a problem of this kind stops the connection.
fn failing(kind: ProblemKind) -> Option<Check> {
    Some(match kind {
        ProblemKind::BadAddress | ProblemKind::MixedContent => Check::Page,
        ProblemKind::Unreachable => Check::Host,
        ProblemKind::WrongPath => Check::Path,
        ProblemKind::NotMqtt => Check::Subprotocol,
        ProblemKind::BrokerUnreachable => Check::Broker,
        ProblemKind::Credentials | ProblemKind::Refused | ProblemKind::LoggedOut => Check::SignIn,
        ProblemKind::ServerMisbehaved
        | ProblemKind::Silent
        | ProblemKind::ServerClosed
        | ProblemKind::NetworkClosed
        | ProblemKind::TakenOver => Check::Stays,
        ProblemKind::ByUser => return None,
    })
}

fn finding(check: Check, connection: &ConnectionView, subscriptions: &[SubscriptionView]) -> Finding {
    let failed = connection
        .problem
        .as_ref()
        .and_then(|problem| failing(problem.kind));
    match (connection.state, failed) {
        (ConnectionState::Connected, _) if check == Check::Subscription => match subscriptions.first() {
            Some(first) if first.refused => Finding::Failed,
            Some(first) if first.result.starts_with("granted") => Finding::Passed,
            _ => Finding::Unknown,
        },
        (ConnectionState::Connected, _) => Finding::Passed,
        (_, Some(failed)) if check == failed => Finding::Failed,
        // A connection that broke later had passed what comes before; its subscription is not known any more.
        (_, Some(failed)) if check < failed && check != Check::Subscription => Finding::Passed,
        _ => Finding::Unknown,
    }
}

/// What the doctor can do about a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Change the path and connect.
    UsePath(String),
    /// Change to `wss://` and connect.
    UseSecure,
    EnterPassword,
    TryNow,
    Reconnect,
}

/// The remedy that fits best, with the words of its button.
pub(crate) fn remedy(connection: &ConnectionView, path: &str) -> Option<(Remedy, String)> {
    let problem = connection.problem.as_ref()?;
    let remedy = match problem.kind {
        ProblemKind::WrongPath | ProblemKind::NotMqtt => {
            let other =
                named_path(&problem.what_to_do).unwrap_or(if path == "/mqtt" { "/ws" } else { "/mqtt" });
            (
                Remedy::UsePath(other.to_owned()),
                format!("Use {other} and connect"),
            )
        }
        ProblemKind::MixedContent => (Remedy::UseSecure, "Use wss:// and connect".to_owned()),
        ProblemKind::Credentials => (Remedy::EnterPassword, "Enter the password again".to_owned()),
        ProblemKind::BadAddress => return None,
        _ if connection.state == ConnectionState::Waiting => (Remedy::TryNow, "Try again now".to_owned()),
        _ => (Remedy::Reconnect, "Connect again".to_owned()),
    };
    Some(remedy)
}

/// The path that was found to work, if the text names one.
fn named_path(what_to_do: &str) -> Option<&str> {
    let (_, rest) = what_to_do.split_once("Use /")?;
    let (path, _) = rest.split_once(" as the path")?;
    let start = what_to_do.len() - rest.len() - 1;
    what_to_do.get(start..=start + path.len())
}

/// What [`Doctor`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct DoctorProps {
    pub(crate) connection: std::rc::Rc<ConnectionView>,
    pub(crate) subscriptions: std::rc::Rc<Vec<SubscriptionView>>,
    /// Path in the form.
    pub(crate) path: AttrValue,
    pub(crate) on_remedy: Callback<Remedy>,
}

/// Verdict and checks; absent before the first try.
#[component]
pub(crate) fn Doctor(props: &DoctorProps) -> Html {
    let connection = &*props.connection;
    if connection.state == ConnectionState::None && connection.problem.is_none() {
        return Html::default();
    }
    let bridged = connection
        .problem
        .as_ref()
        .is_some_and(|problem| problem.kind == ProblemKind::BrokerUnreachable);
    // Ended by hand: there is nothing to find out.
    let ended = connection.state == ConnectionState::Down && connection.problem.is_none();
    let checks = CHECKS
        .iter()
        .filter(|_| !ended)
        .filter(|(check, ..)| *check != Check::Broker || bridged);
    html! {
        <section class="panel doctor" aria-labelledby="doc-h" aria-live="polite">
            {verdict(connection)}
            <ol>
                { for checks.map(|(check, name, words)| {
                    let finding = finding(*check, connection, &props.subscriptions);
                    match (finding, connection.problem.as_ref()) {
                        (Finding::Failed, Some(problem)) => failed(props, name, words, problem),
                        _ => line(name, words, finding),
                    }
                })}
            </ol>
        </section>
    }
}

fn verdict(connection: &ConnectionView) -> Html {
    let at = locale::time_long(connection.since);
    let (tile, icon, title, sub) = match (connection.state, &connection.problem) {
        (ConnectionState::Connected, _) => {
            let version = if connection.version.is_empty() {
                String::new()
            } else {
                format!("MQTT {}, ", connection.version)
            };
            (
                "verdict--ok",
                "check",
                "Connected".to_owned(),
                format!("{version}since {at}"),
            )
        }
        (ConnectionState::Connecting, _) => (
            "verdict--idle",
            "pulse",
            "Connecting…".to_owned(),
            connection.url.clone(),
        ),
        (_, Some(problem)) => {
            let tries = match connection.failed_tries {
                0 | 1 => String::new(),
                n => format!(", {} in a row", words::count(u64::from(n), "try", "tries")),
            };
            (
                "verdict--bad",
                "crit",
                problem.title.clone(),
                format!("Connection doctor, {at}{tries}"),
            )
        }
        (_, None) => (
            "verdict--idle",
            "minus",
            "Not connected".to_owned(),
            format!("You ended the connection at {at}. Connect again whenever you like."),
        ),
    };
    html! {
        <header class={classes!("verdict", tile)}>
            <span class="tile"><Icon name={icon} /></span>
            <div><h2 id="doc-h">{visible(&title)}</h2><p><bdi>{visible(&sub)}</bdi></p></div>
        </header>
    }
}

fn line(name: &'static str, words: &'static str, finding: Finding) -> Html {
    let (class, icon, result, said) = match finding {
        Finding::Passed => ("doc--pass", "check", "passed", "passed"),
        Finding::Failed => ("doc--fail", "x", "failed", "failed"),
        Finding::Unknown => ("doc--skip", "minus", "unknown", "not checked yet"),
    };
    html! {
        <li class={classes!("doc", class)} data-testid="doctor-finding" data-check={name} data-result={result}>
            <span class="doc__m"><Icon name={icon} /></span>
            if finding == Finding::Unknown { <p class="doc__t">{words}</p> } else { <h3>{words}</h3> }
            <span class="doc__r">{said}</span>
        </li>
    }
}

fn failed(props: &DoctorProps, name: &'static str, words: &'static str, problem: &Problem) -> Html {
    let remedy = remedy(&props.connection, &props.path);
    let part = |title: &'static str, text: &str| {
        if text.is_empty() {
            return Html::default();
        }
        html! { <div><dt>{title}</dt><dd>{visible(text)}</dd></div> }
    };
    html! {
        <li class="doc doc--fail" data-testid="doctor-finding" data-check={name} data-result="failed">
            <span class="doc__m"><Icon name="x" /></span>
            <h3>{words}</h3><span class="doc__r">{"failed"}</span>
            <div class="doc__b">
                <dl>
                    {part("What happened", &problem.what_happened)}
                    {part("How we know", &problem.how_we_know)}
                    {part("What to do", &problem.what_to_do)}
                </dl>
                if let Some((remedy, words)) = remedy {
                    <div class="row row--wrap">
                        <button class="btn btn--primary" type="button"
                            onclick={props.on_remedy.reform(move |_: MouseEvent| remedy.clone())}>{words}</button>
                    </div>
                }
            </div>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::render;

    fn doctor(state: ConnectionState, kind: Option<ProblemKind>) -> String {
        let problem = kind.map(|kind| Problem {
            kind,
            title: "The title".into(),
            what_happened: "It happened".into(),
            how_we_know: "We know".into(),
            what_to_do: "Do this".into(),
            field: None,
        });
        let connection = ConnectionView {
            state,
            problem,
            ..ConnectionView::default()
        };
        render::<Doctor>(DoctorProps {
            connection: connection.into(),
            subscriptions: Vec::new().into(),
            path: "/".into(),
            on_remedy: Callback::noop(),
        })
    }

    fn has(html: &str, check: &str, result: &str) {
        assert!(
            html.contains(&format!(r#"data-check="{check}" data-result="{result}""#)),
            "{check} {result}: {html}"
        );
    }

    #[test]
    fn checks_before_the_failed_one_passed_and_later_ones_are_unknown() {
        let html = doctor(ConnectionState::Waiting, Some(ProblemKind::WrongPath));
        has(&html, "host", "passed");
        has(&html, "path", "failed");
        has(&html, "sign-in", "unknown");
        for text in ["It happened", "We know", "Do this", "Use /mqtt and connect"] {
            assert!(html.contains(text), "{text}: {html}");
        }
        assert!(
            !html.contains(r#"data-check="broker""#),
            "no bridge, no such check"
        );
    }

    #[test]
    fn the_path_that_works_is_offered() {
        assert_eq!(named_path("Use /broker/ws as the path."), Some("/broker/ws"));
        assert_eq!(named_path("Look up the path, often /mqtt or /ws."), None);
    }

    #[test]
    fn a_connection_has_passed_and_no_try_is_no_finding() {
        has(&doctor(ConnectionState::Connected, None), "sign-in", "passed");
        assert_eq!(doctor(ConnectionState::None, None), "");
    }

    #[test]
    fn every_kind_of_problem_names_what_to_do() {
        use ProblemKind as K;
        for kind in [
            K::MixedContent,
            K::Unreachable,
            K::WrongPath,
            K::NotMqtt,
            K::Credentials,
            K::Refused,
            K::BrokerUnreachable,
            K::ServerMisbehaved,
            K::Silent,
            K::ServerClosed,
            K::NetworkClosed,
            K::TakenOver,
        ] {
            let html = doctor(ConnectionState::Waiting, Some(kind));
            assert!(
                html.contains("Do this") && html.contains("btn--primary"),
                "{kind:?}: {html}"
            );
        }
    }
}
