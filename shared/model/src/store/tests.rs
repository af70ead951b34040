use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::series::Series;

fn small(memory_budget_bytes: usize) -> Store {
    Store::new(StoreOptions {
        memory_budget_bytes,
        ..StoreOptions::default()
    })
}

fn topic<'a>(store: &'a Store, name: &str) -> &'a Topic {
    store.topic(store.find(name).unwrap()).unwrap()
}

#[test]
fn what_the_broker_had_kept_is_no_sample() {
    let mut store = Store::new(StoreOptions::default());
    let say = |store: &mut Store, at_ms: u64, payload: &[u8], retain: bool| {
        let arrival = Arrival {
            retain,
            ..Arrival::new("home/kitchen/air", payload)
        };
        store.apply(at_ms, &arrival);
        let field = topic(store, "home/kitchen/air").field("humidity", false).unwrap();
        let samples = field.series.samples().map(|sample| (sample.at_ms, sample.number));
        (samples.collect::<Vec<_>>(), field.kept)
    };
    let said = say(&mut store, 5_000, br#"{"humidity":47}"#, true);
    assert_eq!(said, (vec![], Some(47.0)), "nobody knows when it was measured");
    let said = say(&mut store, 6_000, br#"{"humidity":48}"#, false);
    assert_eq!(said, (vec![(6_000, 48.0)], None));
    // After a break the broker hands out what it kept once more.
    let said = say(&mut store, 9_000, br#"{"humidity":48}"#, true);
    assert_eq!(said, (vec![(6_000, 48.0)], Some(48.0)));
}

#[test]
fn a_message_is_kept_with_everything_it_came_with() {
    let mut store = Store::new(StoreOptions::default());
    let arrival = Arrival {
        topic: "home/kitchen/air",
        payload: br#"{"temperature":21.5,"humidity":47}"#,
        qos: 1,
        retain: true,
        dup: true,
        properties: b"\x01\x01",
    };
    let change = store.apply(5000, &arrival);
    assert!(matches!(change, Change::Added(_)));
    let held = topic(&store, "home/kitchen/air");
    assert_eq!(Some(held.node()), change.id());
    assert_eq!(held.last().payload, arrival.payload);
    assert_eq!(
        (held.last().qos, held.last().retain, held.last().dup),
        (1, true, true)
    );
    assert_eq!(held.last().properties, b"\x01\x01");
    assert_eq!(held.retained(), Retained::Kept);
    assert!(store.topic(store.find("home/kitchen").unwrap()).is_none());
}

#[test]
fn retained_messages_are_listed_by_filter_text_and_what_the_broker_said() {
    let mut store = Store::new(StoreOptions::default());
    for name in ["b/2", "a/10", "a/2", "$SYS/uptime", "a"] {
        let arrival = Arrival {
            retain: true,
            ..Arrival::new(name, b"1")
        };
        store.apply(1, &arrival);
    }
    store.apply(2, &Arrival::new("a/live", b"1"));
    let names = |store: &mut Store, text: &str| {
        let found = store.retained(Query::plain(text).as_ref());
        found.iter().map(|id| store.name(*id)).collect::<Vec<_>>()
    };
    assert_eq!(names(&mut store, ""), ["a", "a/2", "a/10", "b/2"]);
    assert_eq!(names(&mut store, "a/#"), ["a", "a/2", "a/10"]);
    assert_eq!(names(&mut store, "+/2"), ["a/2", "b/2"]);
    assert_eq!(names(&mut store, "B/"), ["b/2"]);
    let id = store.find("a/2").unwrap();
    store.set_retained(id, Retained::Cleared);
    assert_eq!(names(&mut store, "a/+"), ["a/10"]);
    store.set_retained(id, Retained::Kept);
    assert_eq!(names(&mut store, "a/+"), ["a/2", "a/10"]);
}

#[test]
fn clearing_a_retained_message_is_remembered() {
    let mut store = Store::new(StoreOptions::default());
    let retained = |payload: &'static [u8], retain| Arrival {
        retain,
        ..Arrival::new("t", payload)
    };
    for (payload, retain, expected) in [
        (&b""[..], false, Retained::Unknown),
        (b"1", true, Retained::Kept),
        (b"2", false, Retained::Kept),
        (b"", false, Retained::Cleared),
        (b"3", false, Retained::Cleared),
        (b"4", true, Retained::Kept),
        (b"", true, Retained::Cleared),
    ] {
        store.apply(0, &retained(payload, retain));
        assert_eq!(topic(&store, "t").retained(), expected, "{payload:?} {retain}");
    }
    assert_eq!(topic(&store, "t").history_len(), 7);
}

#[test]
fn topics_beyond_the_cap_are_refused_and_counted() {
    let mut store = Store::new(StoreOptions {
        maximum_topics: 2,
        ..StoreOptions::default()
    });
    for name in ["a", "b", "c", "c", "a"] {
        store.apply(0, &Arrival::new(name, b""));
    }
    assert_eq!(
        (
            store.topics(),
            store.counters().topics_refused,
            store.counters().messages
        ),
        (2, 2, 5)
    );
    assert_eq!(store.find("c"), None);
}

#[test]
fn a_long_payload_is_cut_and_says_so() {
    let mut store = Store::new(StoreOptions {
        payload_cap_bytes: 10,
        ..StoreOptions::default()
    });
    store.apply(0, &Arrival::new("a", &[7; 25]));
    let last = topic(&store, "a").last();
    assert_eq!(
        (last.payload.len(), last.payload_len, last.is_cut()),
        (10, 25, true)
    );
    assert_eq!(store.counters().payloads_cut, 1);
}

#[test]
fn fields_beyond_the_cap_are_counted() {
    let numbers = NumberLimits {
        fields: 2,
        ..NumberLimits::default()
    };
    let mut store = Store::new(StoreOptions {
        numbers,
        ..StoreOptions::default()
    });
    store.apply(0, &Arrival::new("a", br#"{"x":1,"y":2,"z":3}"#));
    assert_eq!(topic(&store, "a").fields().len(), 2);
    assert_eq!(
        (
            topic(&store, "a").fields_refused(),
            store.counters().fields_refused
        ),
        (1, 1)
    );
}

#[test]
fn states_are_kept_beside_the_numbers_of_the_same_field() {
    let mut store = Store::new(StoreOptions::default());
    for (at, payload) in ["unavailable", "21.5", "online", "22"].iter().enumerate() {
        store.apply(at as u64, &Arrival::new("a", payload.as_bytes()));
    }
    store.apply(9, &Arrival::new("b", br#"{"on":true,"t":1}"#));
    let numbers = |topic: &Topic, path: &str, is_state| -> Vec<f64> {
        let field = topic.field(path, is_state).unwrap();
        field.series.samples().map(|sample| sample.number).collect()
    };
    let held = topic(&store, "a");
    assert_eq!(numbers(held, "", false), [21.5, 22.0]);
    assert_eq!(numbers(held, "", true), [0.0, 1.0]);
    assert_eq!(held.series("").unwrap().len(), 2);
    let held = topic(&store, "b");
    assert_eq!(numbers(held, "on", true), [1.0]);
    assert_eq!(held.field("on", true).unwrap().word, Some(BinaryWord::TrueFalse));
    assert!(held.series("on").is_none());
}

#[test]
fn many_states_leave_room_for_numbers() {
    let numbers = NumberLimits {
        fields: 1,
        ..NumberLimits::default()
    };
    let mut store = Store::new(StoreOptions {
        numbers,
        ..StoreOptions::default()
    });
    store.apply(0, &Arrival::new("a", br#"{"p":true,"q":false,"x":1,"y":2}"#));
    let paths: Vec<_> = topic(&store, "a")
        .fields()
        .iter()
        .map(|field| &*field.path)
        .collect();
    assert_eq!(paths, ["p", "x"]);
    assert_eq!(topic(&store, "a").fields_refused(), 2);
}

#[test]
fn broken_json_leaves_no_samples() {
    let mut store = Store::new(StoreOptions::default());
    store.apply(0, &Arrival::new("a", br#"{"x":1,"y":"#));
    assert!(topic(&store, "a").fields().is_empty());
    store.apply(0, &Arrival::new("a", br#"{"y":2,"x":1}"#));
    let paths: Vec<_> = topic(&store, "a")
        .fields()
        .iter()
        .map(|field| &*field.path)
        .collect();
    assert_eq!(paths, ["y", "x"]);
}

#[test]
fn a_flood_on_one_topic_leaves_the_history_of_the_others() {
    let mut store = small(4 * 1024 * 1024);
    for at in 0..50 {
        store.apply(at, &Arrival::new("slow", b"20.5"));
    }
    for at in 50..200_000 {
        store.apply(at, &Arrival::new("fast", br#"{"power":86.4,"total":12.31}"#));
    }
    assert_eq!(topic(&store, "slow").history_len(), 50);
    assert!(topic(&store, "fast").history_len() > 500);
    assert!(store.counters().history_dropped > 0);
    assert!(store.memory_bytes() <= 4 * 1024 * 1024);
}

#[test]
fn oldest_history_goes_first_and_the_newest_message_never() {
    let mut store = small(1024 * 1024);
    let payload = vec![b'x'; 900];
    for at in 0..5000_u64 {
        store.apply(at, &Arrival::new(&format!("t/{}", at % 50), &payload));
    }
    assert!(store.memory_bytes() <= 1024 * 1024);
    let oldest: Vec<u64> = store
        .iter()
        .map(|topic| topic.history_from(0).next().unwrap().received_at_ms)
        .collect();
    let (first, last) = (oldest.iter().min().unwrap(), oldest.iter().max().unwrap());
    assert!(
        last - first < 2000,
        "topics lost history evenly: {first} to {last}"
    );
    for topic in store.iter() {
        assert_eq!(topic.last().payload, payload);
        assert_eq!(
            topic.history_len() as u64 + topic.history_dropped(),
            topic.count()
        );
    }
}

#[test]
fn a_smaller_budget_takes_effect_at_once() {
    let mut store = Store::new(StoreOptions::default());
    for at in 0..20_000_u64 {
        store.apply(at, &Arrival::new(&format!("t/{}", at % 20), b"123456789"));
    }
    assert!(store.memory_bytes() > 200_000);
    store.set_options(StoreOptions {
        memory_budget_bytes: 100_000,
        ..StoreOptions::default()
    });
    assert!(store.memory_bytes() <= 100_000);
    assert_eq!(store.topics(), 20);
}

#[test]
fn a_hundred_thousand_topics_fit() {
    let mut store = Store::new(StoreOptions::default());
    for number in 0..100_000 {
        let name = format!(
            "building/{}/floor/{}/sensor{number}/temperature",
            number % 10,
            number % 77
        );
        store.apply(
            0,
            &Arrival {
                retain: true,
                ..Arrival::new(&name, b"21.5")
            },
        );
    }
    assert_eq!((store.topics(), store.counters().topics_refused), (100_000, 0));
    let mut view = TreeView::new();
    assert_eq!(
        view.window(&mut store, 0, Anchor::Place(0), 50).rows[0].topics,
        100_000
    );
}

#[test]
fn a_flood_of_topics_beyond_the_budget_is_refused_without_a_search() {
    let mut store = small(200_000);
    for number in 0..100_000 {
        store.apply(number, &Arrival::new(&format!("t/{number}"), b"{\"a\":1}"));
    }
    assert!(store.memory_bytes() <= 200_000);
    assert_eq!(store.topics() as u64 + store.counters().topics_refused, 100_000);
}

#[derive(Clone, Debug)]
struct Message {
    topic: u8,
    size: usize,
    properties: usize,
    retain: bool,
    number: bool,
}

fn messages(sizes: usize) -> impl Strategy<Value = Vec<Message>> {
    let one = (0..20_u8, 0..sizes, 0..40_usize, any::<bool>(), any::<bool>()).prop_map(
        |(topic, size, properties, retain, number)| Message {
            topic,
            size,
            properties,
            retain,
            number,
        },
    );
    prop::collection::vec(one, 0..400)
}

fn payload(message: &Message, at: usize) -> Vec<u8> {
    if message.number {
        return format!(
            r#"{{"a":{at},"f{}":1.5,"pad":"{}"}}"#,
            at % 40,
            "p".repeat(message.size)
        )
        .into_bytes();
    }
    vec![b'x'; message.size]
}

fn recounted(store: &Store) -> usize {
    let topics = store.topics.iter();
    let kept: usize = topics
        .map(|topic| {
            topic.history.bytes()
                + topic
                    .fields
                    .iter()
                    .map(|field| field.series.bytes())
                    .sum::<usize>()
        })
        .sum();
    let last: usize = store
        .topics
        .iter()
        .map(|topic| topic.last.bytes() + TOPIC_BYTES)
        .sum();
    let fields: usize = store
        .topics
        .iter()
        .flat_map(|topic| &topic.fields)
        .map(|field| FIELD_BYTES + field.path.len())
        .sum();
    kept + last + fields + store.tree.bytes() - Tree::new(0).bytes()
}

proptest! {
    #[test]
    fn memory_never_exceeds_the_budget(sent in messages(4000), budget in 20_000_usize..300_000) {
        let mut store = small(budget);
        for (at, message) in sent.iter().enumerate() {
            let name = format!("t/{}/{}", message.topic % 5, message.topic);
            let payload = payload(message, at);
            let properties = vec![1; message.properties];
            store.apply(at as u64, &Arrival { properties: &properties, ..Arrival::new(&name, &payload) });
            prop_assert!(store.memory_bytes() <= budget, "{} > {budget} after {at}", store.memory_bytes());
        }
        prop_assert!(recounted(&store) <= store.memory_bytes());
    }

    #[test]
    fn counts_and_newest_messages_are_those_of_a_plain_map(sent in messages(60)) {
        let mut store = Store::new(StoreOptions::default());
        let mut plain: HashMap<String, Vec<Vec<u8>>> = HashMap::new();
        for (at, message) in sent.iter().enumerate() {
            let name = format!("t/{}/{}", message.topic % 5, message.topic);
            let payload = payload(message, at);
            let known = plain.contains_key(&name);
            let change = store.apply(at as u64, &Arrival { retain: message.retain, ..Arrival::new(&name, &payload) });
            prop_assert_eq!(matches!(change, Change::Updated(_)), known);
            plain.entry(name).or_default().push(payload);
        }
        prop_assert_eq!(store.topics(), plain.len());
        for (name, payloads) in &plain {
            let held = topic(&store, name);
            let kept: Vec<Vec<u8>> = held.history_from(0).map(|message| message.payload.to_vec()).collect();
            prop_assert_eq!(&kept, payloads);
            prop_assert_eq!(held.count(), payloads.len() as u64);
            prop_assert_eq!(held.last().payload, &payloads[payloads.len() - 1][..]);
        }
        let mut view = TreeView::new();
        for level in 0..5 {
            let name = format!("t/{level}");
            let below: Vec<_> = plain.iter().filter(|(topic, _)| topic.starts_with(&format!("{name}/"))).collect();
            let Some(id) = store.find(&name) else {
                prop_assert!(below.is_empty());
                continue;
            };
            let row = view.row(&store, 0, 0.0, id).unwrap();
            prop_assert_eq!(row.topics as usize, below.len());
            prop_assert_eq!(row.messages as usize, below.iter().map(|(_, payloads)| payloads.len()).sum::<usize>());
        }
        view.reveal(&store, NodeId::ROOT);
    }
}

/// What a scan of each payload alone finds, by path and kind.
fn scanned(payloads: &[Vec<u8>], options: &StoreOptions) -> HashMap<(String, bool), Vec<f64>> {
    let mut samples: HashMap<_, Vec<f64>> = HashMap::new();
    for payload in payloads {
        let mut found = Vec::new();
        let whole = NumberScan::default().scan(payload, &options.numbers, |one| {
            let path = String::from_utf8(one.path.to_vec());
            found.extend(path.map(|path| ((path, one.word.is_some()), one.number)));
        });
        for (field, number) in found.into_iter().filter(|_| whole) {
            samples.entry(field).or_default().push(number);
        }
    }
    samples
}

fn sampled(store: &Store) -> HashMap<(String, bool), Vec<f64>> {
    let fields = topic(store, "t").fields().iter();
    fields
        .map(|field| {
            let numbers = field.series.samples().map(|sample| sample.number).collect();
            ((field.path.to_string(), field.word.is_some()), numbers)
        })
        .collect()
}

fn check_samples(payloads: &[&str]) {
    let payloads: Vec<_> = payloads.iter().map(|text| text.as_bytes().to_vec()).collect();
    let mut store = Store::new(StoreOptions::default());
    for payload in &payloads {
        store.apply(1, &Arrival::new("t", payload));
    }
    assert_eq!(sampled(&store), scanned(&payloads, store.options()));
}

#[test]
fn a_payload_like_the_one_before_is_read_the_same() {
    check_samples(&[r#"{"a":1,"b":"C","c":true}"#, r#"{"a":-20.5,"b":"C","c":true}"#]);
    check_samples(&[
        r#"{"a":1,"b":"ON"}"#,
        r#"{"a":2,"b":"OFF"}"#,
        r#"{"a":3,"b":"OFF"}"#,
    ]);
    check_samples(&[r#"{"a":1}"#, r#"{"a":1e3}"#, r#"{"a":1e999}"#, r#"{"a":2}"#]);
    check_samples(&[
        r#"{"a":1}"#,
        r#"{"a":01}"#,
        r#"{"a":1.}"#,
        r#"{"a":2}x"#,
        r#"{"a":3"#,
        r#"{"a":4}"#,
    ]);
    check_samples(&[r#"{"a":1,"a":2}"#, r#"{"a":3,"a":4}"#]);
    check_samples(&[r#"{"a":1,"b":2}"#, r#"{"b":3,"a":4}"#, r#"{"b":5,"a":6}"#]);
    check_samples(&["[1,2]", "[3,4]", "[3,4,5]", "[6,7]", "[ 8,9]"]);
    check_samples(&["5", "ON", "6", r#"{"a":1}"#, "7", r#"{"a":2}"#]);
    check_samples(&[r#"{"a":"1"}"#, r#"{"a":1}"#, r#"{"a":"2"}"#, "", r#"{"a":3}"#]);
    check_samples(&[
        r#"{"n":1234567890123456,"a":1}"#,
        r#"{"n":1234567890123457,"a":2}"#,
    ]);
}

#[test]
fn a_cut_payload_is_no_measure_for_the_next() {
    let options = StoreOptions {
        payload_cap_bytes: 8,
        ..StoreOptions::default()
    };
    let mut store = Store::new(options);
    let payloads = [
        r#"{"a":1}"#,
        r#"{"a":11}"#,
        r#"{"a":111}"#,
        r#"{"a":112}"#,
        r#"{"a":1}"#,
    ];
    let payloads = payloads.map(|text| text.as_bytes().to_vec());
    for payload in &payloads {
        store.apply(1, &Arrival::new("t", payload));
    }
    assert_eq!(store.counters().payloads_cut, 2);
    assert_eq!(sampled(&store), scanned(&payloads, &options));

    // What is kept of the cut one goes on like the next, which is broken.
    for payloads in [
        [r#"{"a":1}"#, r#"{"a":111}"#, r#"{"a":222"#],
        [r#"{"b":1}"#, r#"{"a":111}"#, r#"{"a":222"#],
    ] {
        let payloads = payloads.map(|text| text.as_bytes().to_vec());
        let mut store = Store::new(options);
        for payload in &payloads {
            store.apply(1, &Arrival::new("t", payload));
        }
        assert_eq!(sampled(&store), scanned(&payloads, &options));
    }
}

#[test]
fn a_payload_like_the_one_before_needs_no_scan() {
    let is_alike = |before: &str, payload: &str| {
        let mut store = Store::new(StoreOptions::default());
        store.apply(1, &Arrival::new("t", before.as_bytes()));
        let topic = store.topics.get_mut(0).unwrap();
        topic.read_alike(payload.as_bytes(), &mut Vec::new())
    };
    let before = r#" {"a":1,"b":[2,"ON"]}"#;
    assert!(is_alike(before, r#" {"a":20,"b":[-3.5,"ON"]}"#));
    assert!(!is_alike(before, r#" {"a":1,"b":[2,"OFF"]}"#));
    assert!(!is_alike("1", "2"), "read as quickly");
}

#[test]
fn fields_beyond_the_limit_are_refused_in_every_payload() {
    let mut options = StoreOptions::default();
    options.numbers.fields = 1;
    let mut store = Store::new(options);
    for _ in 0..3 {
        store.apply(1, &Arrival::new("t", br#"{"a":1,"b":2}"#));
    }
    assert_eq!(store.counters().fields_refused, 3);
}

#[test]
fn new_limits_hold_for_a_payload_like_the_one_before() {
    let mut store = Store::new(StoreOptions::default());
    let say = |store: &mut Store, payload: &str| {
        store.apply(1, &Arrival::new("t", payload.as_bytes()));
        let numbers = topic(store, "t").series("a.b").map(Series::len);
        numbers.unwrap_or_default()
    };
    assert_eq!(say(&mut store, r#"{"a":{"b":1}}"#), 1);
    assert_eq!(say(&mut store, r#"{"a":{"b":2}}"#), 2);
    let mut options = *store.options();
    options.numbers.depth = 1;
    store.set_options(options);
    assert_eq!(say(&mut store, r#"{"a":{"b":3}}"#), 2);
    options.numbers.depth = 2;
    options.scan_cap_bytes = 13;
    store.set_options(options);
    assert_eq!(say(&mut store, r#"{"a":{"b":4}}"#), 3);
    assert_eq!(say(&mut store, r#"{"a":{"b":55}}"#), 3, "longer than is scanned");
    assert_eq!(say(&mut store, r#"{"a":{"b":6}}"#), 4);
}

proptest! {
    /// Each payload is the one before it with a byte exchanged or added, so that both ways of reading take turns.
    #[test]
    fn any_change_of_a_payload_is_read_as_by_a_scan(
        first in prop::sample::select(vec![
            r#"{"value":21.5,"unit":"C","seq":100000000}"#,
            r#"{"a":[1,{"b":-0.5},"ON",true],"c":null,"d":12}"#,
            r#" [1, 2 ,3]"#,
        ]),
        changes in prop::collection::vec((0_usize..50, prop::sample::select(b"0123456789-.eE+,:}]{[\"tN ".to_vec()), any::<bool>()), 1..40),
    ) {
        let mut payloads = vec![first.as_bytes().to_vec()];
        for (place, byte, is_inserted) in changes {
            let mut payload = payloads.last().cloned().unwrap();
            let place = place % payload.len();
            if is_inserted {
                payload.insert(place, byte);
            } else {
                payload[place] = byte;
            }
            // Every other one is whole again, so that there is something to be like.
            payloads.push(payload);
            payloads.push(first.as_bytes().to_vec());
        }
        let mut store = Store::new(StoreOptions::default());
        for payload in &payloads {
            store.apply(1, &Arrival::new("t", payload));
        }
        prop_assert_eq!(sampled(&store), scanned(&payloads, store.options()));
    }

    #[test]
    fn other_numbers_in_the_same_payload_are_read_as_by_a_scan(
        numbers in prop::collection::vec(("-?(0|[1-9][0-9]{0,16})([.][0-9]{1,9})?(e[0-9])?", "[0-9.-]{0,6}"), 2..20),
    ) {
        let payloads: Vec<_> = numbers
            .iter()
            .map(|(good, any)| format!(r#"{{"value":{good},"unit":"C","list":[{any},"OFF"]}}"#).into_bytes())
            .collect();
        let mut store = Store::new(StoreOptions::default());
        for payload in &payloads {
            store.apply(1, &Arrival::new("t", payload));
        }
        prop_assert_eq!(sampled(&store), scanned(&payloads, store.options()));
    }
}
