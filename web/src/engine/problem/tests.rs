//! The words for what went wrong.

use hearth_model::{
    api::close,
    doctor::{self, Finding},
};

use super::*;

fn assert_same(problem: &Problem, finding: &Finding) {
    assert_eq!(
        (
            &problem.title,
            &problem.what_happened,
            &problem.how_we_know,
            &problem.what_to_do
        ),
        (
            &finding.title,
            &finding.what_happened,
            &finding.how_we_know,
            &finding.what_to_do
        )
    );
}

/// The words stand here and there: calling the functions of the model would make the page's download longer.
#[test]
fn page_and_hearth_doctor_conclude_the_same_in_the_same_words() {
    for url in [
        "ws://broker:9001/x",
        "wss://broker/mqtt",
        "ws://broker:1883/",
        "wss://broker:8883/",
    ] {
        let address = Address::parse(url).unwrap();
        let (shown, authority) = (address.to_string(), address.authority());
        let page = address.secure.then(|| address.with_path("/").http());
        let unreachable = doctor::nobody_answers(&authority, address.port_number(), page.as_deref());
        assert_same(&not_opened(&address, None), &unreachable);
        assert_same(&dial_timeout(&address, 10), &doctor::no_answer(&authority, 10));
        assert_same(&mixed_content(&address), &doctor::mixed_content(&shown));
        for path in [None, Some("/mqtt")] {
            let mut findings = Findings {
                answers_http: true,
                works_at_path: path.map(str::to_owned),
                ..Findings::default()
            };
            let expected = doctor::wrong_path(&authority, &address.path, path);
            assert_same(&not_opened(&address, Some(&findings)), &expected);
            findings.opens_without_mqtt = true;
            let expected = doctor::no_subprotocol(&shown, path);
            assert_same(&not_opened(&address, Some(&findings)), &expected);
        }
    }
}

#[test]
fn every_way_in_which_the_bridge_ends_a_connection_has_words_of_its_own() {
    // A good end, and a fault of this page, are told as any WebSocket's.
    let own = close::ALL
        .into_iter()
        .filter(|code| ![close::BROKER_CLOSED, close::PROTOCOL_ERROR].contains(code));
    for code in own {
        let problem = bridge_closed(code, "because", true).unwrap();
        assert_ne!(problem.title, "The bridge ended the connection", "{code}");
        assert_eq!(problem.how_we_know, "The bridge says: because");
    }
}

#[test]
fn who_is_not_the_serving_bridge_does_not_speak_for_it() {
    for code in [close::BROKER_LOST, 3_000, 4_000, 4_999] {
        assert!(bridge_closed(code, "because", false).is_none(), "{code}");
    }
    let going = bridge_closed(close::SHUTTING_DOWN, "", false).unwrap();
    assert_eq!(going.how_we_know, "The server closed with code 1001.");
    // A bridge elsewhere explains itself; nobody is sent to the login of this one for it.
    let elsewhere = bridge_closed(close::NOT_LOGGED_IN, "log in first", false).unwrap();
    assert_eq!(elsewhere.kind, ProblemKind::Refused);
    assert!(bridge_closed(close::NOT_LOGGED_IN, "", false).is_none());
    let here = bridge_closed(close::NOT_LOGGED_IN, "log in first", true).unwrap();
    assert_eq!(here.kind, ProblemKind::LoggedOut);
}

#[test]
fn a_broker_that_still_sends_is_not_called_silent() {
    let what = |reason| session_closed(&reason, "id", None, None).unwrap().what_happened;
    let silence = what(ClosedReason::KeepAliveTimeout);
    assert!(silence.contains("nothing comes back"), "{silence}");
    let deaf = what(ClosedReason::TakesNothing);
    assert!(deaf.contains("sends, but reads nothing"), "{deaf}");
    let login = what(ClosedReason::AuthenticationTimeout);
    assert!(login.contains("renewal of the login"), "{login}");
}

#[test]
fn the_reason_of_a_close_is_told() {
    let how = |code, reason: &str| {
        let close = (code, reason.to_owned());
        let told = session_closed(&ClosedReason::NetworkClosed, "id", None, Some(&close));
        told.unwrap().how_we_know
    };
    assert_eq!(
        how(3_000, "gone fishing"),
        "The WebSocket was closed with code 3000, and the server says: gone fishing"
    );
    assert_eq!(how(1_012, ""), "The WebSocket was closed with code 1012.");
    assert!(how(1_006, "").contains("browsers do not say why"));
    let before = closed_before_connack("id", Some(&(1_011, "no database".to_owned())));
    assert!(before.how_we_know.ends_with("the server says: no database"));
}

#[test]
fn a_reason_as_long_as_the_protocol_allows_is_cut_and_says_so() {
    let told = said(ReasonCode(0x87), Some(&"ü".repeat(30_000)));
    assert!(
        told.chars().count() < 600 && told.ends_with("… (60000 bytes in all)"),
        "{told}"
    );
    assert!(said(ReasonCode(0x87), Some("No entry.")).ends_with("The broker adds: No entry."));
}
