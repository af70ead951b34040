//! What to conclude when a WebSocket is open.

use hearth_mqtt::ReasonCode;

use crate::api::close;

use super::{Facts, Finding, Kind, MqttAnswer, Opened, finding};

pub(super) fn conclude(facts: &Facts, opened: &Opened) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !opened.accept_fits {
        findings.push(finding(
            Kind::NotMqtt,
            "The answer does not belong to our question",
            "The key of the handshake was answered wrongly; browsers then hang up.",
            "Sec-WebSocket-Accept is not what the key asks for.",
            "Something in between answers in the place of the listener, perhaps from a cache; take it out of the way.",
        ));
    } else if opened.subprotocol.as_deref() != Some("mqtt") {
        findings.push(not_agreed(facts, opened));
    }
    findings.push(answer(facts, opened));
    findings
}

fn not_agreed(facts: &Facts, opened: &Opened) -> Finding {
    let answered = match &opened.subprotocol {
        Some(other) => format!("it answered \"{other}\""),
        None => "its answer does not name it".to_owned(),
    };
    let is_broker = opened.v5.is_connack() || opened.v311.is_connack();
    finding(
        Kind::NotMqtt,
        "The WebSocket does not agree to the subprotocol mqtt",
        format!("{} opens, and browsers hang up at once.", facts.listener),
        format!("Sec-WebSocket-Protocol: mqtt was sent; {answered}."),
        match is_broker {
            true => {
                "A broker is behind it: something in between loses the header Sec-WebSocket-Protocol; let it through."
            }
            false => "Check the path: another program seems to answer on this one.",
        },
    )
}

fn answer(facts: &Facts, opened: &Opened) -> Finding {
    let seen = format!("MQTT 5.0: {}. MQTT 3.1.1: {}.", opened.v5, opened.v311);
    match (&opened.v5, &opened.v311) {
        (MqttAnswer::Accepted { .. }, _) => works(facts, "", seen),
        (_, MqttAnswer::Accepted { .. }) => {
            works(facts, "Choose version 3.1.1: 5.0 is not spoken there.", seen)
        }
        (MqttAnswer::Refused { code, .. }, _) if asks_for_credentials(*code) => needs_credentials(seen),
        (_, MqttAnswer::Refused { code, .. }) if asks_for_credentials(*code) => needs_credentials(seen),
        (MqttAnswer::Refused { .. }, _) | (_, MqttAnswer::Refused { .. }) => finding(
            Kind::Refused,
            "The broker refuses",
            "A broker answers, and does not let us in.",
            seen,
            "Look into the broker's log for the reason it gives.",
        ),
        (
            MqttAnswer::Closed {
                code: Some(close::NOT_LOGGED_IN),
                ..
            },
            _,
        ) => finding(
            Kind::NeedsCredentials,
            "A Hearth bridge answers, and asks who you are",
            "It has accounts of its own, and lets in only browsers that are logged in.",
            seen,
            "Log in on its page.",
        ),
        (
            MqttAnswer::Closed {
                code: Some(4_000..=4_999),
                ..
            },
            _,
        ) => finding(
            Kind::Refused,
            "The bridge ended the WebSocket and says why",
            "A Hearth bridge answers, and does not let this through to a broker.",
            seen,
            "Do what its reason says; `hearth check` at the bridge dials its brokers one by one.",
        ),
        (MqttAnswer::Silent { .. }, _) => finding(
            Kind::NotMqtt,
            "A WebSocket opened, but no MQTT broker answers in it",
            "The server took the connection request and said nothing.",
            seen,
            "Check the path: another program may answer on this one. A broker under heavy load may also be this slow.",
        ),
        (MqttAnswer::NotMqtt(_), _) | (_, MqttAnswer::NotMqtt(_)) => finding(
            Kind::NotMqtt,
            "What answers in the WebSocket is not MQTT",
            "A WebSocket opened, and the connection request was answered with something else.",
            seen,
            "Check the path: another program seems to answer on this one.",
        ),
        _ => finding(
            Kind::NotMqtt,
            "The server hung up before it answered",
            "A WebSocket opened, and was closed without an answer to the connection request.",
            seen,
            "Brokers do this to a client they do not like, other servers because they do not speak MQTT: check the path, and the broker's log.",
        ),
    }
}

fn works(facts: &Facts, advice: &str, seen: String) -> Finding {
    finding(
        Kind::Works,
        "A broker answers",
        format!(
            "{} is MQTT over WebSocket, and lets clients in without a user name.",
            facts.listener
        ),
        seen,
        advice,
    )
}

fn needs_credentials(seen: String) -> Finding {
    finding(
        Kind::NeedsCredentials,
        "A broker answers, and asks who you are",
        "Address, path and subprotocol are right; the broker wants a user name and a password.",
        seen,
        "Give them on the page.",
    )
}

fn asks_for_credentials(code: u8) -> bool {
    matches!(
        ReasonCode(code),
        ReasonCode::BAD_USER_NAME_OR_PASSWORD
            | ReasonCode::NOT_AUTHORIZED
            | ReasonCode::BAD_AUTHENTICATION_METHOD
    )
}
