//! Why there is no connection, in words: what happened, how we know, what to do.
//!
//! Browsers hide why a WebSocket failed, so every text says what we saw or tried ourselves.

mod bridge;

use std::borrow::Cow;

use hearth_mqtt::{
    ReasonCode,
    session::{ClosedReason, Misbehaviour, ReconnectAdvice},
};

pub use bridge::bridge_closed;

use super::{
    address::{Address, AddressError},
    input::Findings,
};
use crate::wire::{Problem, ProblemKind};

/// Ports on which brokers speak MQTT without WebSocket.
const PLAIN_MQTT_PORTS: [u16; 2] = [1883, 8883];

fn problem(
    kind: ProblemKind,
    title: &str,
    what_happened: String,
    how_we_know: String,
    what_to_do: String,
) -> Problem {
    Problem {
        kind,
        title: title.to_owned(),
        what_happened,
        how_we_know,
        what_to_do,
        field: None,
    }
}

fn with_field(mut problem: Problem, field: &str) -> Problem {
    problem.field = Some(field.to_owned());
    problem
}

/// The text typed as address is none.
pub fn bad_address(url: &str, error: AddressError) -> Problem {
    let (what, to_do, field) = match error {
        AddressError::Scheme => (
            "It does not begin with ws:// or wss://.",
            "Use ws:// for a plain connection, wss:// for an encrypted one.",
            "url",
        ),
        AddressError::Host => (
            "There is no host name in it.",
            "Type the broker's name or IP address.",
            "url",
        ),
        AddressError::Port => (
            "The port is not a number from 1 to 65535.",
            "Type the port of the broker's WebSocket listener, often 9001, 8083 or 8080.",
            "port",
        ),
        AddressError::Credentials => (
            "It has a user name in it, and addresses are kept and shown.",
            "Put user name and password into their own fields.",
            "username",
        ),
        AddressError::Fragment => (
            "It has a # in it, which a WebSocket address cannot have.",
            "Remove the # and what follows.",
            "path",
        ),
        AddressError::Character => (
            "It has a blank or an invisible character in it.",
            "Type the address again without blanks.",
            "url",
        ),
    };
    let how = match error {
        AddressError::Credentials => "There is an @ before the host. Nothing was dialled.".to_owned(),
        _ => format!("The address reads “{url}”. Nothing was dialled."),
    };
    with_field(
        problem(
            ProblemKind::BadAddress,
            "The address cannot be dialled",
            what.to_owned(),
            how,
            to_do.to_owned(),
        ),
        field,
    )
}

/// The browser itself refused the address.
pub fn refused_by_browser(url: &str) -> Problem {
    let how = format!("The browser refused to open {url}.");
    let to_do = "Check host, port and path; some ports are closed to every page.".to_owned();
    with_field(
        problem(
            ProblemKind::BadAddress,
            "The browser will not dial this address",
            "No connection was tried.".to_owned(),
            how,
            to_do,
        ),
        "url",
    )
}

/// The page came by https, the broker is dialled by ws.
pub fn mixed_content(address: &Address) -> Problem {
    with_field(
        problem(
            ProblemKind::MixedContent,
            "This page may only open encrypted connections",
            format!("The page came over https, and browsers then forbid {address}."),
            "The address begins with ws:// and the page with https://.".to_owned(),
            "Use wss:// if the broker has a TLS listener. Or connect through a Hearth bridge, or open this page over http.".to_owned(),
        ),
        "url",
    )
}

/// Nobody answered within the time we wait.
pub fn dial_timeout(address: &Address, waited_s: u64) -> Problem {
    with_field(
        problem(
            ProblemKind::Unreachable,
            "Nobody answers at this address",
            format!("{} did not answer.", address.authority()),
            format!("The connection was given {waited_s} s to open."),
            "Check that the host is on and on the same network, and that no firewall holds the port back."
                .to_owned(),
        ),
        "url",
    )
}

/// A WebSocket could not be opened; `findings` say what else was tried.
pub fn not_opened(address: &Address, findings: Option<&Findings>) -> Problem {
    match findings {
        Some(Findings { opens_without_mqtt: true, .. }) => with_field(
            problem(
                ProblemKind::NotMqtt,
                "There is a WebSocket, but it does not speak MQTT",
                format!("{address} opens a WebSocket but does not agree to the subprotocol mqtt."),
                "The same address opened when mqtt was not asked for.".to_owned(),
                other_path(findings).unwrap_or_else(|| "Check the path: another program seems to answer on this one.".to_owned()),
            ),
            "path",
        ),
        Some(findings @ Findings { answers_http: true, .. }) => with_field(
            problem(
                ProblemKind::WrongPath,
                "Something answers, but not on this path",
                format!("{} answers, but {} is no MQTT WebSocket there.", address.authority(), address.path),
                match &findings.works_at_path {
                    Some(path) => format!("An HTTP request was answered, the WebSocket was refused. {path} on the same host accepts one."),
                    None => "An HTTP request was answered, the WebSocket was refused. /mqtt, /ws and / were tried as well.".to_owned(),
                },
                other_path(Some(findings))
                    .unwrap_or_else(|| "Look up the path of the broker's WebSocket listener, often /mqtt, /ws or /.".to_owned()),
            ),
            "path",
        ),
        Some(_) | None => unreachable(address),
    }
}

fn other_path(findings: Option<&Findings>) -> Option<String> {
    let path = findings?.works_at_path.as_ref()?;
    Some(format!("Use {path} as the path."))
}

fn unreachable(address: &Address) -> Problem {
    let port = address.port_number();
    let mut to_do = if PLAIN_MQTT_PORTS.contains(&port) {
        format!(
            "Port {port} is usually MQTT without WebSocket, which browsers cannot speak. Use the broker's WebSocket listener, often 9001, 8083 or 8080, or go through a Hearth bridge."
        )
    } else {
        "Check that the broker runs, has a WebSocket listener, and that host and port are right (often 9001, 8083 or 8080). A port that speaks plain MQTT looks the same from a browser.".to_owned()
    };
    if address.secure {
        let page = address.with_path("/").http();
        to_do.push_str(&format!(
            " If its certificate is your own, open {page} once and trust it, or use a Hearth bridge."
        ));
    }
    let field = if PLAIN_MQTT_PORTS.contains(&port) {
        "port"
    } else {
        "url"
    };
    with_field(
        problem(
            ProblemKind::Unreachable,
            "Nobody answers at this address",
            format!("No WebSocket opens at {}.", address.authority()),
            "Neither a WebSocket nor an HTTP request to this host and port was answered.".to_owned(),
            to_do,
        ),
        field,
    )
}

/// The session ended; `None`: by the user.
///
/// `close`: code and reason of the WebSocket's end.
pub fn session_closed(
    reason: &ClosedReason,
    client_id: &str,
    username: Option<&str>,
    close: Option<&(u16, String)>,
) -> Option<Problem> {
    Some(match reason {
        ClosedReason::ServerRefused { code, reason_string, server_reference } => {
            let refused = refused(*code, reason_string.as_deref(), client_id, username);
            elsewhere(refused, *code, server_reference.as_deref())
        }
        ClosedReason::Server { code, reason_string, server_reference } => {
            let to_do = match reason.advice() {
                ReconnectAdvice::AfterChange => "It would end like this again, so it is not tried again by itself. Change what the broker names, or ask who runs it; then connect again.",
                ReconnectAdvice::AtOnce | ReconnectAdvice::AfterBackoff => "The connection is tried again; if it keeps ending, look into the broker's log.",
            };
            let ended = problem(
                ProblemKind::ServerClosed,
                "The broker ended the connection",
                format!("The broker said goodbye: {}.", farewell(*code)),
                said(*code, reason_string.as_deref()),
                to_do.to_owned(),
            );
            elsewhere(ended, *code, server_reference.as_deref())
        }
        ClosedReason::ServerMisbehaved(fault) => misbehaved(fault),
        ClosedReason::KeepAliveTimeout | ClosedReason::AuthenticationTimeout | ClosedReason::TakesNothing => {
            let (what, how) = match reason {
                ClosedReason::AuthenticationTimeout => (
                    "The broker did not end the renewal of the login in time.",
                    "A re-authentication was not answered in time.",
                ),
                ClosedReason::TakesNothing => (
                    "The broker sends, but reads nothing of what this page sends.",
                    "What it asked for piled up.",
                ),
                _ => (
                    "The network connection is open but nothing comes back.",
                    "A PINGREQ was not answered in time.",
                ),
            };
            problem(
                ProblemKind::Silent,
                "The broker stopped answering",
                what.to_owned(),
                how.to_owned(),
                "Nothing, if the network was away for a moment: the connection is tried again.".to_owned(),
            )
        }
        ClosedReason::ConnackTimeout => problem(
            ProblemKind::NotMqtt,
            "A WebSocket opened, but no MQTT broker answers in it",
            "The server took the connection request and said nothing.".to_owned(),
            "No CONNACK came in time.".to_owned(),
            "Check the path: another program may answer on this one. A broker under heavy load may also be this slow.".to_owned(),
        ),
        ClosedReason::TakenOver { .. } => taken_over(client_id, "The broker said so: session taken over (0x8E)."),
        ClosedReason::CannotConnect { what } => problem(
            ProblemKind::Refused,
            "These settings cannot be sent",
            format!("{what}."),
            "The connection request could not be written.".to_owned(),
            "Change the settings and connect again.".to_owned(),
        ),
        ClosedReason::Application => return None,
        // `NetworkClosed`, `VersionFellBack`, and reasons still to come.
        _ => network_closed(close),
    })
}

/// Reason code 0 in the words of 3.14.2.1.
fn farewell(code: ReasonCode) -> &'static str {
    match code {
        ReasonCode::SUCCESS => "Normal disconnection",
        _ => code.description(),
    }
}

/// How the WebSocket ended, if that was more than silence.
fn how_it_closed(close: Option<&(u16, String)>) -> Option<String> {
    // The browser's own words for "no code came" and "it broke" (RFC 6455, 7.4.1).
    let (code, reason) = close.filter(|(code, _)| !matches!(code, 1005 | 1006))?;
    Some(if reason.is_empty() {
        format!("The WebSocket was closed with code {code}.")
    } else {
        format!(
            "The WebSocket was closed with code {code}, and the server says: {}",
            shortened(reason)
        )
    })
}

/// The network connection ended without a word of MQTT.
fn network_closed(close: Option<&(u16, String)>) -> Problem {
    let nothing = || "The browser reported the WebSocket as closed; browsers do not say why.".to_owned();
    problem(
        ProblemKind::NetworkClosed,
        "The connection broke",
        "The network connection ended without a goodbye.".to_owned(),
        how_it_closed(close).unwrap_or_else(nothing),
        "Nothing, if broker or network are being restarted: the connection comes back by itself.".to_owned(),
    )
}

/// The WebSocket opened and was closed before the broker answered CONNECT.
pub fn closed_before_connack(client_id: &str, close: Option<&(u16, String)>) -> Problem {
    let client_id = shortened(client_id);
    let how = how_it_closed(close)
        .map(|how| format!(" {how}"))
        .unwrap_or_default();
    problem(
        ProblemKind::NotMqtt,
        "The server hung up before it answered",
        "A WebSocket opened, and was closed without an answer to the connection request.".to_owned(),
        format!(
            "No CONNACK came before the end. Brokers do this to a client they do not like, other servers because they do not speak MQTT.{how}"
        ),
        // RabbitMQ closes like this when the password is wrong.
        format!(
            "Check user name and password, path, protocol version and client id ({client_id}); the broker's log may say more."
        ),
    )
}

/// A broker that sends its clients to another one may say which.
fn elsewhere(mut problem: Problem, code: ReasonCode, server_reference: Option<&str>) -> Problem {
    match server_reference {
        Some(other) => {
            problem.what_to_do = format!(
                "It names another broker: {}. Connect to that one.",
                shortened(other)
            );
        }
        None if matches!(code, ReasonCode::USE_ANOTHER_SERVER | ReasonCode::SERVER_MOVED) => {
            "Ask who runs it which address is the right one now.".clone_into(&mut problem.what_to_do);
        }
        None => {}
    }
    problem
}

/// Someone else connects with our client id.
pub fn taken_over(client_id: &str, how_we_know: &str) -> Problem {
    let client_id = shortened(client_id);
    with_field(
        problem(
            ProblemKind::TakenOver,
            "Another client uses the same client id",
            format!(
                "A second client connected as {client_id}, and the broker allows only one. Going on would make the two throw each other out for ever."
            ),
            how_we_know.to_owned(),
            "Close the other one, or use another client id here; then connect again.".to_owned(),
        ),
        "client_id",
    )
}

/// Characters of a broker's own words that are shown; it may send 65,535 bytes, a page of thousands of lines.
const WORDS_SHOWN: usize = 400;

/// The beginning, and how much there was.
fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(WORDS_SHOWN) {
        Some((end, _)) => {
            let start = text.get(..end).unwrap_or_default();
            Cow::Owned(format!("{start}… ({} bytes in all)", text.len()))
        }
        None => Cow::Borrowed(text),
    }
}

fn said(code: ReasonCode, reason_string: Option<&str>) -> String {
    match reason_string {
        Some(text) => format!(
            "Reason code 0x{:02X}, {}. The broker adds: {}",
            code.0,
            code.description(),
            shortened(text)
        ),
        None => format!("Reason code 0x{:02X}, {}.", code.0, code.description()),
    }
}

fn refused(
    code: ReasonCode,
    reason_string: Option<&str>,
    client_id: &str,
    username: Option<&str>,
) -> Problem {
    let how = said(code, reason_string);
    let (kind, title, to_do, field) = match code {
        ReasonCode::BAD_USER_NAME_OR_PASSWORD => (
            ProblemKind::Credentials,
            "The broker refused user name or password",
            "Type both again; capital letters matter. The broker does not say which of the two is wrong."
                .to_owned(),
            Some("username"),
        ),
        // Many brokers, Mosquitto among them, answer a wrong password with this code.
        ReasonCode::NOT_AUTHORIZED if username.is_some() => (
            ProblemKind::Credentials,
            "The broker refused user name or password",
            "Type both again; capital letters matter. If they are right, this user may not connect: ask who runs the broker."
                .to_owned(),
            Some("username"),
        ),
        ReasonCode::NOT_AUTHORIZED => (
            ProblemKind::Credentials,
            "The broker wants a user name and password",
            "Type them in; none were sent.".to_owned(),
            Some("username"),
        ),
        ReasonCode::CLIENT_IDENTIFIER_NOT_VALID => (
            ProblemKind::Refused,
            "The broker does not accept the client id",
            format!(
                "Use another client id than {client_id}: some brokers allow only certain prefixes or lengths. Mosquitto says the same in MQTT 3.1.1 when the keep-alive is longer than it allows, or off."
            ),
            Some("client_id"),
        ),
        ReasonCode::UNSUPPORTED_PROTOCOL_VERSION => (
            ProblemKind::Refused,
            "The broker does not speak this version of MQTT",
            "Choose the version \u{201c}automatic\u{201d}, or the other one.".to_owned(),
            Some("version"),
        ),
        ReasonCode::QOS_NOT_SUPPORTED | ReasonCode::RETAIN_NOT_SUPPORTED | ReasonCode::TOPIC_NAME_INVALID => (
            ProblemKind::Refused,
            "The broker does not take the last will",
            "Choose quality of service 0 for it, do not retain it, or choose another topic, as the broker says."
                .to_owned(),
            Some("will_topic"),
        ),
        ReasonCode::SERVER_UNAVAILABLE | ReasonCode::SERVER_BUSY => (
            ProblemKind::Refused,
            "The broker is too busy right now",
            "Nothing: it is asked again in a moment.".to_owned(),
            None,
        ),
        _ => (
            ProblemKind::Refused,
            "The broker refused the connection",
            "The broker's log may say more.".to_owned(),
            None,
        ),
    };
    let what = format!(
        "The broker answered the connection request with \u{201c}{}\u{201d}.",
        code.description()
    );
    let refused = problem(kind, title, what, how, to_do);
    match field {
        Some(field) => with_field(refused, field),
        None => refused,
    }
}

fn misbehaved(fault: &Misbehaviour) -> Problem {
    problem(
        ProblemKind::ServerMisbehaved,
        "The broker broke the rules of MQTT",
        format!("{fault}."),
        format!(
            "Statement {} of the specification. The connection was ended with reason code 0x{:02X}.",
            fault.statement(),
            fault.reason_code().0
        ),
        "Check that the path leads to an MQTT broker; if it does, its makers would like to know.".to_owned(),
    )
}

#[cfg(test)]
mod tests;
