use super::super::{Arrival, StoreOptions};
use super::*;
use proptest::prelude::*;

fn store(topics: &[&str]) -> Store {
    let mut store = Store::new(StoreOptions::default());
    for topic in topics {
        store.apply(1000, &Arrival::new(topic, b"1"));
    }
    store
}

fn names(window: &TreeWindow) -> Vec<&str> {
    window.rows.iter().map(|row| row.name.as_str()).collect()
}

fn shown(view: &mut TreeView, store: &mut Store) -> Vec<String> {
    let window = view.window(store, 1000, Anchor::Place(0), usize::MAX);
    names(&window).into_iter().map(str::to_owned).collect()
}

#[test]
fn closed_levels_hide_what_is_below() {
    let mut store = store(&["b/x", "a/2", "a/10", "a", "$SYS/up"]);
    let mut view = TreeView::new();
    assert_eq!(shown(&mut view, &mut store), ["a", "b", "$SYS"]);
    view.set_expanded(store.find("a").unwrap(), true);
    assert_eq!(shown(&mut view, &mut store), ["a", "a/2", "a/10", "b", "$SYS"]);
}

#[test]
fn the_window_stays_on_its_row_when_topics_appear_above() {
    let mut store = store(&["m", "n", "o"]);
    let mut view = TreeView::new();
    let top = view.window(&mut store, 0, Anchor::Place(1), 2);
    let anchor = Anchor::Row {
        id: top.rows[0].id,
        place: top.first,
    };
    for topic in ["a", "b", "z"] {
        store.apply(2000, &Arrival::new(topic, b""));
    }
    let after = view.window(&mut store, 0, anchor, 2);
    assert_eq!((names(&after), after.first, after.total), (vec!["n", "o"], 3, 6));
}

#[test]
fn an_anchor_that_went_out_of_sight_gives_way_to_the_level_above() {
    let mut store = store(&["a/b/c", "x"]);
    let mut view = TreeView::new();
    let deep = store.find("a/b/c").unwrap();
    view.reveal(&store, deep);
    assert_eq!(view.place_of(&mut store, deep), Some(2));
    view.set_expanded(store.find("a").unwrap(), false);
    let window = view.window(&mut store, 0, Anchor::Row { id: deep, place: 2 }, 1);
    assert_eq!(names(&window), ["a"]);
}

#[test]
fn a_search_shows_matches_and_the_way_to_them() {
    let mut store = store(&[
        "home/Küche/temp",
        "home/bad/temp",
        "home/bad/door",
        "x/TEMPO",
        "$SYS/temp",
    ]);
    let mut view = TreeView::new();
    for (text, expected, matching) in [
        ("küche", vec!["home", "home/Küche", "home/Küche/temp"], 1),
        ("tempo", vec!["x", "x/TEMPO"], 1),
        ("home/+/door", vec!["home", "home/bad", "home/bad/door"], 1),
        ("nothing", vec![], 0),
        ("+/temp", vec![], 0),
        ("$SYS/#", vec!["$SYS", "$SYS/temp"], 1),
    ] {
        view.search(Query::plain(text), false);
        assert_eq!(shown(&mut view, &mut store), expected, "{text}");
        assert_eq!(
            view.window(&mut store, 0, Anchor::Place(0), 0).matching,
            matching,
            "{text}"
        );
    }
}

#[test]
fn an_order_by_news_stands_still_until_it_is_chosen_again() {
    let mut store = store(&["a", "b", "c"]);
    store.apply(2000, &Arrival::new("b", b"1"));
    let mut view = TreeView::new();
    view.sort(Sort::Newest);
    assert_eq!(shown(&mut view, &mut store), ["b", "a", "c"]);
    store.apply(3000, &Arrival::new("c", b"1"));
    store.apply(3000, &Arrival::new("aa", b"1"));
    assert_eq!(shown(&mut view, &mut store), ["b", "a", "c", "aa"]);
    view.sort(Sort::Newest);
    assert_eq!(shown(&mut view, &mut store), ["aa", "c", "b", "a"]);
}

#[test]
fn levels_are_opened_one_by_one_all_at_once_or_around_a_branch() {
    let mut store = store(&["a/b/c/d", "x/y/z", "x/w"]);
    let mut view = TreeView::new();
    view.unfold(Unfold::Level);
    assert_eq!(shown(&mut view, &mut store), ["a", "a/b", "x", "x/w", "x/y"]);
    view.unfold(Unfold::Level);
    assert_eq!(shown(&mut view, &mut store).len(), 7);
    view.unfold(Unfold::All);
    view.set_expanded(store.find("a/b").unwrap(), false);
    assert_eq!(
        shown(&mut view, &mut store),
        ["a", "a/b", "x", "x/w", "x/y", "x/y/z"]
    );
    view.unfold(Unfold::Nothing);
    assert_eq!(shown(&mut view, &mut store), ["a", "x"]);
    view.set_expanded_below(&store, store.find("a").unwrap(), true);
    assert_eq!(
        shown(&mut view, &mut store),
        ["a", "a/b", "a/b/c", "a/b/c/d", "x"]
    );
    view.set_expanded_below(&store, store.find("a").unwrap(), false);
    view.expand_siblings(&store, store.find("x").unwrap());
    assert_eq!(shown(&mut view, &mut store), ["a", "a/b", "x", "x/w", "x/y"]);
}

#[test]
fn a_held_view_shows_what_was_and_a_step_shows_the_present() {
    let mut store = store(&["a", "b/c"]);
    let mut view = TreeView::new();
    view.hold(&store, 1000);
    store.apply(2000, &Arrival::new("a", b"2"));
    store.apply(2000, &Arrival::new("aa", b"2"));
    store.apply(2000, &Arrival::new("b/c", b"2"));
    let previews = |view: &mut TreeView, store: &mut Store| -> Vec<(String, String)> {
        let window = view.window(store, 3000, Anchor::Place(0), 10);
        let rows = window.rows.into_iter();
        rows.map(|row| (row.name, row.preview)).collect()
    };
    let pair = |name: &str, preview: &str| (name.to_owned(), preview.to_owned());
    assert_eq!(previews(&mut view, &mut store), [pair("a", "1"), pair("b", "")]);
    view.unfold(Unfold::All);
    let rows = previews(&mut view, &mut store);
    assert_eq!(
        rows,
        [pair("a", "1"), pair("b", ""), pair("b/c", "1")],
        "from history"
    );
    view.hold(&store, 3000);
    assert_eq!(previews(&mut view, &mut store).get(1), Some(&pair("aa", "2")));
    view.release();
    store.apply(4000, &Arrival::new("a", b"3"));
    assert_eq!(previews(&mut view, &mut store).first(), Some(&pair("a", "3")));
}

#[test]
fn payloads_are_searched_when_asked_and_again_when_they_change() {
    let mut store = store(&["a/b", "a/c", "d"]);
    store.apply(1000, &Arrival::new("a/c", br#"{"state":"OPEN"}"#));
    let mut view = TreeView::new();
    view.search(Query::plain("open"), true);
    assert_eq!(shown(&mut view, &mut store), ["a", "a/c"]);
    let window = view.window(&mut store, 1000, Anchor::Place(0), 9);
    let hits: Vec<_> = window
        .rows
        .iter()
        .map(|row| (row.hit.name, row.hit.payload))
        .collect();
    assert_eq!(hits, [(false, false), (false, true)]);
    store.apply(2000, &Arrival::new("a/c", b"closed"));
    store.apply(2000, &Arrival::new("d", b"opened"));
    assert_eq!(shown(&mut view, &mut store), ["d"]);
    view.search(Query::plain("open"), false);
    assert_eq!(shown(&mut view, &mut store), [""; 0]);
    let pattern = crate::pattern::Pattern::parse("^(open|a/b$)").unwrap();
    view.search(Some(Query::Pattern(pattern)), true);
    assert_eq!(shown(&mut view, &mut store), ["a", "a/b", "d"]);
    assert_eq!(view.next_hit(&mut store, None, false), Some((1, 1)));
    assert_eq!(view.next_hit(&mut store, Some(1), false), Some((2, 2)));
    assert_eq!(
        view.next_hit(&mut store, Some(2), false),
        Some((1, 1)),
        "around the end"
    );
    assert_eq!(view.next_hit(&mut store, Some(1), true), Some((2, 2)));
}

#[test]
fn a_long_search_takes_turns_and_ends() {
    let mut store = Store::new(StoreOptions::default());
    let text = "x".repeat(4000);
    for n in 0..3000 {
        store.apply(1000, &Arrival::new(&format!("t/{n}"), text.as_bytes()));
    }
    let mut view = TreeView::new();
    view.search(Query::plain("xy"), true);
    let mut turns = 1;
    while view.window(&mut store, 1000, Anchor::Place(0), 1).unsearched > 0 {
        turns += 1;
    }
    assert!((3..20).contains(&turns), "{turns}");
}

#[test]
fn who_floods_is_found_and_dollar_topics_stand_apart() {
    let mut store = store(&["home/lamp", "home/meter/power", "zoo/x", "$SYS/a"]);
    for _ in 0..80 {
        store.apply(1000, &Arrival::new("home/meter/power", b"1"));
    }
    for _ in 0..500 {
        store.apply(1000, &Arrival::new("$SYS/a", b"1"));
    }
    let mut view = TreeView::new();
    view.sort(Sort::Rate);
    let window = view.window(&mut store, 1000, Anchor::Place(0), 9);
    assert_eq!(names(&window), ["home", "zoo", "$SYS"]);
    let shares: Vec<_> = window
        .rows
        .iter()
        .map(|row| (row.share * 100.0).round())
        .collect();
    assert_eq!(shares, [99.0, 1.0, 0.0]);
    let busiest = TreeView::busiest(&store, 1000).unwrap();
    assert_eq!(
        (busiest.name.as_str(), (busiest.share * 100.0).round()),
        ("home/meter/power", 98.0)
    );
}

/// Visible names by the plainest means: all levels of all topics, sorted, those with every level above open.
fn naive(topics: &[String], open: &[String]) -> Vec<String> {
    let mut paths: Vec<Vec<&str>> = Vec::new();
    for topic in topics {
        let levels: Vec<&str> = topic.split('/').collect();
        for len in 1..=levels.len() {
            paths.push(levels[..len].to_vec());
        }
    }
    paths.sort_by(|a, b| {
        let unequal = a
            .iter()
            .zip(b)
            .map(|(a, b)| super::super::compare_levels(a, b))
            .find(|order| order.is_ne());
        unequal.unwrap_or_else(|| a.len().cmp(&b.len()))
    });
    paths.dedup();
    let is_open = |path: &[&str]| (1..path.len()).all(|len| open.contains(&path[..len].join("/")));
    paths
        .iter()
        .filter(|path| is_open(path))
        .map(|path| path.join("/"))
        .collect()
}

proptest! {
    #[test]
    fn rows_are_those_of_a_naive_tree(
        topics in prop::collection::vec("[aB$1]{0,2}(/[ab1]{0,2}){0,3}", 0..60),
        open in prop::collection::vec("[aB$1]{0,2}(/[ab1]{0,2}){0,2}", 0..30),
        cut in 0_usize..60, first in 0_usize..40, count in 0_usize..20,
    ) {
        let mut store = Store::new(StoreOptions::default());
        let mut view = TreeView::new();
        let (early, late) = topics.split_at(cut.min(topics.len()));
        for part in [early, late] {
            for topic in part {
                store.apply(0, &Arrival::new(topic, b"x"));
            }
            for name in &open {
                if let Some(id) = store.find(name) {
                    view.set_expanded(id, true);
                }
            }
            shown(&mut view, &mut store);
        }
        let expected = naive(&topics, &open);
        let window = view.window(&mut store, 0, Anchor::Place(first), count);
        let end = (first + count).min(expected.len());
        prop_assert_eq!(window.total, expected.len());
        let found: Vec<String> = window.rows.iter().map(|row| row.name.clone()).collect();
        prop_assert_eq!(&found[..], expected.get(first..end).unwrap_or_default());
    }
}
