//! Pages that are loaded again, killed at any moment, or without a storage that works.

mod chaos;

use super::*;
use crate::wire::Notice;

impl Bench {
    /// Connects with the options, to a broker that says whether it still has the session.
    fn connect(&mut self, options: ConnectionOptions, session_present: bool) -> bool {
        self.command(Command::Connect(Box::new(options)));
        self.open(session_present)
    }

    /// The WebSocket opens, and the broker accepts; what CONNECT said of Clean Start.
    fn open(&mut self, session_present: bool) -> bool {
        self.input(Input::Opened);
        let sent = self.sent();
        let [Packet::Connect(connect)] = sent.as_slice() else {
            panic!("{sent:?}")
        };
        let clean_start = connect.clean_start;
        self.send(&Packet::Connack(Connack {
            session_present,
            reason_code: ReasonCode::SUCCESS,
            properties: Properties::new(),
        }));
        clean_start
    }

    fn counters(&mut self) -> crate::wire::Counters {
        self.wait(300);
        let counters = self.patches.iter().rev().find_map(|patch| match patch {
            Patch::Counters(counters) => Some(*counters),
            _ => None,
        });
        counters.unwrap()
    }

    fn notices(&self) -> Vec<&Notice> {
        let notices = self.patches.iter().filter_map(|patch| match patch {
            Patch::Notice(notice) => Some(notice),
            _ => None,
        });
        notices.collect()
    }

    fn publishes(&mut self) -> Vec<PublishParts> {
        let sent = self.sent().into_iter().filter_map(|packet| match packet {
            Packet::Publish(publish) => Some(publish.into_parts()),
            _ => None,
        });
        sent.collect()
    }
}

fn many(repeat: u32, qos: u8) -> Command {
    let message = Publication {
        topic: "a".into(),
        payload: b"{n}".to_vec(),
        qos,
        repeat,
        ..Publication::default()
    };
    Command::Publish { request: 9, message }
}

#[test]
fn what_waits_is_there_after_a_reload_and_leaves_when_the_broker_is_back() {
    let mut bench = Bench::new();
    bench.connect(options(), false);
    bench.close(1006, "");
    bench.command(many(3, 1));
    assert_eq!((bench.counters().queued, bench.counters().discardable), (3, 3));
    let mut bench = bench.reload();
    bench.command(Command::Connect(Box::new(options())));
    assert_eq!(bench.counters().queued, 3);
    assert!(!bench.open(true), "the session goes on");
    let payloads: Vec<_> = bench
        .publishes()
        .into_iter()
        .map(|publish| publish.payload)
        .collect();
    assert_eq!(payloads, ["1", "2", "3"]);
}

#[test]
fn what_was_discarded_does_not_come_back() {
    let mut bench = Bench::new();
    bench.connect(options(), false);
    bench.close(1006, "");
    bench.command(many(3, 2));
    bench.command(Command::DiscardQueued);
    assert_eq!(bench.counters().queued, 0);
    let mut bench = bench.reload();
    bench.connect(options(), true);
    assert_eq!(bench.publishes(), []);
}

#[test]
fn a_reloaded_page_asks_for_retained_messages_again_and_forgets_other_filters() {
    let with = |filter: &str| ConnectionOptions {
        subscriptions: vec![(filter.into(), 1)],
        ..options()
    };
    let mut bench = Bench::new();
    bench.connect(with("old/#"), false);
    let Some(Packet::Subscribe(subscribe)) = bench.sent().into_iter().next() else {
        panic!("nothing was subscribed")
    };
    bench.send(&Packet::Suback(Suback {
        packet_id: subscribe.packet_id,
        reason_codes: vec![ReasonCode(1)],
        properties: Properties::new(),
    }));
    let mut bench = bench.reload();
    bench.connect(with("new/#"), true);
    let sent = bench.sent();
    let filters = |packet: &Packet| match packet {
        Packet::Subscribe(it) => format!("+{}", it.filters.first().unwrap().0),
        Packet::Unsubscribe(it) => format!("-{}", it.filters.first().unwrap()),
        other => format!("{other:?}"),
    };
    assert_eq!(sent.iter().map(filters).collect::<Vec<_>>(), ["-old/#", "+new/#"]);
}

#[test]
fn a_thousand_messages_need_few_transactions() {
    let mut bench = Bench::new();
    bench.connect(options(), false);
    let before = bench.disk.writes;
    bench.disk.hesitates = true;
    for _ in 0..1_000 {
        bench.command(publication(2));
    }
    assert_eq!(
        bench.publishes(),
        [],
        "nothing leaves before it is durable that it was sent"
    );
    bench.end_write();
    bench.end_write();
    assert_eq!((bench.publishes().len(), bench.disk.writes - before), (1_000, 2));
}

#[test]
fn qos_0_costs_no_transaction() {
    let mut bench = Bench::new();
    bench.connect(options(), false);
    bench.sent();
    let before = bench.disk.writes;
    for _ in 0..1_000 {
        bench.command(publication(0));
        bench.publish("b", "2");
    }
    assert_eq!((bench.publishes().len(), bench.disk.writes), (1_000, before));
}

#[test]
fn a_session_without_an_expiry_is_not_stored() {
    let mut bench = Bench::new();
    let fleeting = ConnectionOptions {
        session_expiry_interval: 0,
        ..options()
    };
    bench.connect(fleeting.clone(), false);
    bench.command(many(3, 2));
    assert_eq!(bench.publishes().len(), 3);
    assert_eq!((bench.disk.records.len(), bench.disk.heads.len()), (0, 0));
    let mut bench = bench.reload();
    assert!(bench.connect(fleeting, false), "and begins anew");
}

#[test]
fn a_second_connection_with_clean_start_forgets_what_waited() {
    let mut bench = Bench::new();
    bench.connect(options(), false);
    bench.close(1006, "");
    bench.command(many(3, 2));
    assert!(bench.connect(options(), false), "Clean Start is said");
    assert_eq!(bench.publishes(), []);
    assert_eq!(bench.notices().len(), 1, "and what was lost with it");
    assert!(
        bench.disk.records.len() < 5,
        "no messages: {:?}",
        bench.disk.records
    );
}

#[test]
fn a_page_without_storage_says_so_and_works() {
    let mut bench = Bench::with_disk(Disk {
        fault: Some("denied".into()),
        ..Disk::default()
    });
    bench.connect(options(), false);
    bench.command(many(3, 2));
    assert_eq!(bench.publishes().len(), 3);
    let notices = bench.notices();
    assert!(
        matches!(notices.as_slice(), [notice] if notice.text.contains("denied")),
        "{notices:?}"
    );
}

#[test]
fn a_disk_that_is_full_in_the_middle_lets_everything_pass_and_leaves_nothing_old() {
    let mut bench = Bench::new();
    bench.connect(options(), false);
    bench.command(many(3, 2));
    bench.disk.fault = Some("QuotaExceededError".into());
    bench.command(publication(2));
    assert_eq!(bench.publishes().len(), 4);
    assert_eq!(bench.notices().len(), 1);
    assert_eq!(
        bench.disk.records.len(),
        0,
        "old records would send messages twice"
    );
    bench.command(publication(2));
    assert_eq!(bench.publishes().len(), 1, "and it goes on without");
}

#[test]
fn storage_that_never_answers_holds_the_connection_up_for_half_a_minute() {
    let mut bench = Bench::with_disk(Disk {
        hesitates: true,
        ..Disk::default()
    });
    bench.command(Command::Connect(Box::new(options())));
    bench.input(Input::Opened);
    bench.command(many(2, 1));
    assert_eq!(bench.sent(), []);
    bench.wait(30_000);
    bench.answer_connect(ReasonCode::SUCCESS);
    assert_eq!(bench.publishes().len(), 2);
    assert_eq!(bench.notices().len(), 1);
}

#[test]
fn a_write_that_never_ends_is_given_up_after_half_a_minute() {
    let mut bench = Bench::new();
    bench.connect(options(), false);
    bench.disk.hesitates = true;
    bench.command(many(2, 2));
    assert_eq!(bench.publishes(), []);
    bench.wait(30_000);
    assert_eq!(bench.publishes().len(), 2);
    assert_eq!(bench.notices().len(), 1);
}

#[test]
fn sessions_of_closed_tabs_are_removed_after_their_expiry_and_living_ones_stay() {
    let tab = |id: &str| ConnectionOptions {
        client_id: id.into(),
        ..options()
    };
    let names = |bench: &Bench| bench.disk.heads.keys().cloned().collect::<Vec<_>>();
    let mut closed = Bench::new();
    closed.connect(tab("closed"), false);
    let mut living = closed.reload();
    living.connect(tab("living"), false);
    assert_eq!(names(&living).len(), 2);
    // A page in a quiet home still says that it lives.
    for _ in 0..10 {
        living.wait(60_000);
    }
    let mut new = living.reload();
    new.connect(tab("new"), false);
    assert_eq!(
        names(&new),
        [format!("{URL} living"), format!("{URL} new")],
        "the closed one was removed"
    );
    assert!(new.disk.records.keys().all(|(name, _)| !name.ends_with("closed")));
}

#[test]
fn records_that_make_no_sense_are_left_with_a_word_to_the_user() {
    let mut bench = Bench::new();
    bench.connect(options(), false);
    bench.command(many(3, 2));
    let mut bench = bench.reload();
    for bytes in bench.disk.records.values_mut() {
        *bytes = vec![0xff; 3];
    }
    assert!(bench.connect(options(), false), "a new session");
    assert_eq!(bench.notices().len(), 1);
    bench.command(publication(2));
    assert_eq!(bench.publishes().len(), 1);
    // And from here on it is stored again.
    let mut bench = bench.reload();
    assert!(!bench.connect(options(), true));
}

#[test]
fn another_broker_meanwhile_does_not_make_what_waits_at_the_first_one_old() {
    let elsewhere = ConnectionOptions {
        url: "ws://other:9001/mqtt".into(),
        ..options()
    };
    let lasting = ConnectionOptions {
        clean_start: false,
        ..options()
    };
    let mut bench = Bench::new();
    bench.connect(lasting.clone(), false);
    bench.command(publication(1));
    let [publish] = &bench.publishes()[..] else {
        panic!("one message")
    };
    // The acknowledgement comes while the write before it is under way, and the user goes elsewhere.
    bench.disk.hesitates = true;
    bench.send(&Packet::Puback(Ack {
        packet_id: publish.packet_id.unwrap(),
        reason_code: ReasonCode::SUCCESS,
        properties: Properties::new(),
    }));
    bench.command(Command::Connect(Box::new(elsewhere)));
    while !bench.disk.under_way.is_empty() {
        bench.end_write();
    }
    let mut bench = bench.reload();
    bench.disk.hesitates = false;
    bench.connect(lasting, true);
    assert_eq!(bench.publishes(), [], "the broker has it already");
}

#[test]
fn a_series_has_one_outcome() {
    let mut bench = Bench::new();
    bench.connect(options(), false);
    bench.command(many(2, 1));
    let outcomes = |bench: &Bench| -> Vec<Outcome> {
        let outcomes = bench.patches.iter().filter_map(|patch| match patch {
            Patch::Outcome { outcome, .. } => Some(outcome.clone()),
            _ => None,
        });
        outcomes.collect()
    };
    for publish in bench.publishes() {
        assert_eq!(outcomes(&bench), [Outcome::Queued]);
        bench.send(&Packet::Puback(Ack {
            packet_id: publish.packet_id.unwrap(),
            reason_code: ReasonCode::SUCCESS,
            properties: Properties::new(),
        }));
    }
    bench.wait(1);
    assert_eq!(
        outcomes(&bench),
        [Outcome::Queued, Outcome::Acknowledged("2 messages".into())]
    );
}
