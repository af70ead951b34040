//! The words for what went wrong.

use hearth_model::doctor::{self, Finding};

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
    let all = [
        close::SHUTTING_DOWN,
        close::TEXT_FRAME,
        close::MESSAGE_TOO_BIG,
        close::BROKER_LOST,
        close::NOT_MQTT,
        close::NOT_LOGGED_IN,
        close::NOT_AUTHORIZED,
        close::HANDSHAKE_TIMEOUT,
        close::CLIENT_ID_IN_USE,
        close::IDLE_TIMEOUT,
        close::STALLED,
        close::BAD_PACKET,
        close::MQTT_5_NEEDED,
        close::TOO_MANY_CONNECTIONS,
        close::TOO_MANY_FROM_ADDRESS,
        close::TOO_MANY_FROM_USER,
        close::NO_ROOM,
        close::CREDENTIALS_UNAVAILABLE,
        close::BROKER_UNREACHABLE,
        close::BROKER_TLS_FAILED,
        close::BROKER_TIMEOUT,
        close::BROKER_STALLED,
        close::BROKER_SILENT,
    ];
    for code in all {
        let problem = bridge_closed(code, "because").unwrap();
        assert_ne!(problem.title, "The bridge ended the connection", "{code}");
        assert_eq!(problem.how_we_know, "The bridge says: because");
    }
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
