//! Names, filters, matching, the trie, and aliases.

use hearth_mqtt::{SharedFilter, TopicFilter, TopicFilterError, TopicName, TopicNameError, TopicTrie};
use proptest::prelude::*;

use crate::{
    arbitrary::{topic_filters, topic_names},
    support::{filter, name},
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Filter, names that match, names that do not: the examples of section 4.7 and the edges.
const MATCHES: &[(&str, &[&str], &[&str])] = &[
    ("a/b", &["a/b"], &["a", "a/b/", "/a/b", "A/b", "a/b/c"]),
    (
        "sport/tennis/player1/#",
        &[
            "sport/tennis/player1",
            "sport/tennis/player1/ranking",
            "sport/tennis/player1/score/x",
        ],
        &["sport/tennis/player2", "sport/tennis"],
    ),
    (
        "sport/#",
        &["sport", "sport/", "sport/a/b"],
        &["sports", "/sport"],
    ),
    ("#", &["a", "/", "a/b/c", "//"], &["$SYS", "$SYS/a", "$"]),
    ("+", &["a", "a b"], &["/a", "a/", "/", "$SYS"]),
    ("/+", &["/finance", "/"], &["finance", "/a/b"]),
    ("+/+", &["/finance", "/", "a/b"], &["a", "$SYS/b", "a/b/c"]),
    ("sport/+", &["sport/", "sport/a"], &["sport", "sport/a/b"]),
    (
        "+/tennis/#",
        &["a/tennis", "/tennis/b/c"],
        &["tennis", "$a/tennis"],
    ),
    (
        "+/monitor/Clients",
        &["a/monitor/Clients"],
        &["$SYS/monitor/Clients"],
    ),
    ("$SYS/#", &["$SYS", "$SYS/monitor/Clients"], &["a", "SYS"]),
    ("$SYS/monitor/+", &["$SYS/monitor/Clients"], &["$SYS/monitor"]),
    ("/", &["/"], &["a", "//", "/a"]),
    ("//", &["//"], &["/", "///"]),
    ("+/#", &["a", "a/b", "/"], &["$a"]),
    ("a//c", &["a//c"], &["a/c", "a/b/c"]),
    ("a/+/c", &["a//c", "a/b/c"], &["a/c"]),
    ("$share/g/a/+", &["a/b"], &["$share/g/a/b", "a"]),
    ("$share/g/#", &["a/b"], &["$SYS/a"]),
    ("$share/g//finance", &["/finance"], &["finance"]),
    (
        "température/日本/+",
        &["température/日本/🏠"],
        &["temperature/日本/🏠"],
    ),
];

#[test]
fn filters_match_as_section_4_7_says() {
    for (text, yes, no) in MATCHES {
        for topic in *yes {
            assert!(filter(text).matches(&name(topic)), "{text} matches {topic}");
        }
        for topic in *no {
            assert!(
                !filter(text).matches(&name(topic)),
                "{text} does not match {topic}"
            );
        }
    }
}

#[test]
fn the_trie_finds_what_the_filters_match() {
    let mut trie = TopicTrie::new();
    for (index, (text, ..)) in MATCHES.iter().enumerate() {
        assert_eq!(trie.insert(filter(text), index), None);
    }
    assert_eq!(trie.len(), MATCHES.len());
    for topic in MATCHES.iter().flat_map(|(_, yes, no)| yes.iter().chain(*no)) {
        let mut found: Vec<_> = trie
            .matches(&name(topic))
            .into_iter()
            .map(|(_, index)| *index)
            .collect();
        found.sort_unstable();
        let wanted: Vec<_> = (0..MATCHES.len())
            .filter(|at| filter(MATCHES[*at].0).matches(&name(topic)))
            .collect();
        assert_eq!(found, wanted, "{topic}");
    }
}

#[test]
fn the_trie_keeps_one_value_per_filter() {
    let mut trie = TopicTrie::new();
    assert_eq!(trie.insert(filter("a/#"), 1), None);
    assert_eq!(trie.insert(filter("a/#"), 2), Some(1));
    assert_eq!(trie.insert(filter("$share/g/a/#"), 3), None);
    assert_eq!(trie.get(&filter("a/#")), Some(&2));
    assert_eq!(trie.get(&filter("a")), None);
    assert_eq!(trie.matches(&name("a/b")).len(), 2);
    assert_eq!(trie.remove(&filter("a/#")), Some(2));
    assert_eq!(trie.remove(&filter("a/#")), None);
    assert_eq!(trie.remove(&filter("$share/g/a/#")), Some(3));
    assert!(trie.is_empty() && trie.iter().next().is_none());
}

#[test]
fn very_deep_filters_and_names_are_only_long() {
    let deep = "/".repeat(65_535);
    let mut trie = TopicTrie::new();
    trie.insert(filter(&deep), ());
    trie.insert(filter(&format!("{}#", &deep[1..])), ());
    trie.insert(filter(&"+/".repeat(30_000)), ());
    assert_eq!(trie.matches(&name(&deep)).len(), 2);
    assert_eq!(trie.remove(&filter(&deep)), Some(()));
}

proptest! {
    #[test]
    fn the_trie_agrees_with_the_filters(
        filters in prop::collection::vec(topic_filters(), 0..40),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        names in prop::collection::vec(prop_oneof![topic_names(), "[a-c/$]{1,7}".prop_map(|text| name(&text))], 1..10),
    ) {
        let mut trie = TopicTrie::new();
        let mut list: Vec<TopicFilter> = Vec::new();
        for filter in filters {
            trie.insert(filter.clone(), ());
            if !list.contains(&filter) {
                list.push(filter);
            }
        }
        for index in removed {
            if !list.is_empty() {
                let filter = list.swap_remove(index.index(list.len()));
                prop_assert_eq!(trie.remove(&filter), Some(()));
            }
        }
        prop_assert_eq!(trie.len(), list.len());
        for name in names {
            let mut found: Vec<_> = trie.matches(&name).into_iter().map(|(filter, ())| filter.clone()).collect();
            let mut wanted: Vec<_> = list.iter().filter(|filter| filter.matches(&name)).cloned().collect();
            found.sort();
            wanted.sort();
            prop_assert_eq!(found, wanted);
        }
        for filter in list {
            prop_assert_eq!(trie.remove(&filter), Some(()));
        }
        prop_assert!(trie.is_empty());
    }

    #[test]
    fn texts_are_names_or_filters_as_their_characters_say(text in "[ab/+#$\0é]{0,10}") {
        let has = |c| text.contains(c);
        let may_be_name = !text.is_empty() && !has('\0') && !has('+') && !has('#');
        prop_assert_eq!(TopicName::parse(&text).is_ok(), may_be_name);
        let levels: Vec<_> = text.split('/').collect();
        let sound = levels.iter().enumerate().all(|(at, level)| {
            *level == "+" || (*level == "#" && at + 1 == levels.len()) || !level.contains(['+', '#', '\0'])
        });
        prop_assert_eq!(TopicFilter::parse(&text).is_ok(), !text.is_empty() && sound);
    }
}

/// [MQTT5-4.7.3-3] [MQTT311-4.7.3-3]
#[test]
fn names_say_what_is_wrong_with_them() {
    assert_eq!(TopicName::parse(""), Err(TopicNameError::Empty));
    assert_eq!(TopicName::parse("a/+"), Err(TopicNameError::Wildcard('+')));
    assert_eq!(
        TopicName::parse("0123456789#"),
        Err(TopicNameError::Wildcard('#'))
    );
    assert_eq!(TopicName::parse("a\0"), Err(TopicNameError::Nul));
    assert_eq!(
        TopicName::parse(&"a".repeat(65_536)),
        Err(TopicNameError::TooLong(65_536))
    );
    assert!(TopicName::parse(&"a".repeat(65_535)).is_ok());
}

#[test]
fn filters_say_what_is_wrong_with_them() {
    assert_eq!(TopicFilter::parse(""), Err(TopicFilterError::Empty));
    assert_eq!(
        TopicFilter::parse(&"a".repeat(65_536)),
        Err(TopicFilterError::TooLong(65_536))
    );
    assert_eq!(
        TopicFilter::parse("sport/tennis#"),
        Err(TopicFilterError::MultiLevelWildcard)
    );
    assert_eq!(
        TopicFilter::parse("sport/tennis/#/ranking"),
        Err(TopicFilterError::MultiLevelWildcard)
    );
    assert_eq!(
        TopicFilter::parse("sport+"),
        Err(TopicFilterError::SingleLevelWildcard)
    );
    assert_eq!(TopicFilter::parse("a\0"), Err(TopicFilterError::Nul));
    for (text, error) in [
        ("a", TopicFilterError::NotShared),
        ("$share/", TopicFilterError::ShareName),
        ("$share//a", TopicFilterError::ShareName),
        ("$share/+/a", TopicFilterError::ShareNameWildcard),
        ("$share/g", TopicFilterError::ShareWithoutFilter),
        ("$share/g/", TopicFilterError::ShareWithoutFilter),
    ] {
        assert_eq!(SharedFilter::parse(text), Err(error), "{text}");
    }
    let shared = SharedFilter::parse("$share/g/a/#").expect("a shared filter");
    assert_eq!((&*shared.share_name, shared.filter.as_str()), ("g", "a/#"));
    assert_eq!(shared.to_string(), "$share/g/a/#");
}
