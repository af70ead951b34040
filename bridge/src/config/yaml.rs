//! YAML as a tree whose nodes know their place. Scalars stay the text that was written; anchors are not followed, and a key that stands
//! twice in one mapping is refused, as YAML has it.

use saphyr_parser::{Event, Marker, Parser};

/// How deep lists and mappings may lie in each other.
const DEEPEST: usize = 32;

/// A place in a file; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) place: Place,
    pub(super) key: String,
    pub(super) node: Node,
}

impl Node {
    /// The documents of a file, or what is wrong and where.
    pub(super) fn parse(text: &str) -> Result<Vec<Self>, (Place, String)> {
        let mut documents = Vec::new();
        let mut open: Vec<Self> = Vec::new();
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| (place(*error.marker()), error.info().to_owned()))?;
            let place = place(span.start);
            let value = match event {
                Event::Scalar(text, ..) => Some(Value::Text(text.into_owned())),
                Event::SequenceStart(..) | Event::MappingStart(..) if open.len() == DEEPEST => {
                    return Err((place, format!("more than {DEEPEST} levels lie in each other")));
                }
                Event::SequenceStart(..) => {
                    open.push(Self {
                        place,
                        value: Value::List(Vec::new()),
                    });
                    None
                }
                Event::MappingStart(..) => {
                    open.push(Self {
                        place,
                        value: Value::Map(Vec::new()),
                    });
                    None
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    if let Some(done) = open.pop() {
                        put(&mut open, &mut documents, done)?;
                    }
                    None
                }
                Event::Alias(_) => {
                    return Err((place, "anchors (&name, *name) are not understood here".into()));
                }
                Event::Nothing
                | Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(_)
                | Event::DocumentEnd => None,
            };
            if let Some(value) = value {
                put(&mut open, &mut documents, Self { place, value })?;
            }
        }
        Ok(documents)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Text(_) | Value::List(_) => &[],
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.node)
    }
}

/// Into the list or mapping that is open, or among the documents. The first of two nodes in a mapping is the key.
fn put(open: &mut [Node], documents: &mut Vec<Node>, node: Node) -> Result<(), (Place, String)> {
    match open.last_mut().map(|parent| &mut parent.value) {
        None => documents.push(node),
        Some(Value::List(items)) => items.push(node),
        Some(Value::Map(entries)) => match entries.last_mut() {
            // A key waits for its value as an empty list, which no value can be before it is put here.
            Some(entry) if entry.node.place == WAITING => entry.node = node,
            Some(_) | None => {
                let key = node.text().unwrap_or_default().to_owned();
                // A key that is no text has no name here.
                let first = entries.iter().find(|entry| !key.is_empty() && entry.key == key);
                if let Some(first) = first {
                    let line = first.place.line;
                    return Err((
                        node.place,
                        format!("the key `{key}` stands twice, first in line {line}"),
                    ));
                }
                entries.push(Entry {
                    place: node.place,
                    key,
                    node: Node {
                        place: WAITING,
                        value: Value::List(Vec::new()),
                    },
                });
            }
        },
        Some(Value::Text(_)) => {}
    }
    Ok(())
}

/// No node of a file has this place.
const WAITING: Place = Place { line: 0, column: 0 };

fn place(marker: Marker) -> Place {
    Place {
        line: marker.line().max(1),
        column: marker.col() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_stay_as_written_and_know_their_place() {
        let documents = Node::parse("a: 01\nb:\n  - true\n  - {c: |\n      x\n      y\n    }\n---\nrest")
            .unwrap_or_default();
        let [first, second] = documents.as_slice() else {
            panic!("two documents, not {documents:?}");
        };
        assert_eq!(first.get("a").unwrap().text(), Some("01"));
        let Value::List(items) = &first.get("b").unwrap().value else {
            panic!("a list");
        };
        assert_eq!(
            (items[0].text(), items[0].place),
            (Some("true"), Place { line: 3, column: 5 })
        );
        assert_eq!(second.text(), Some("rest"));
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_place() {
        let (place, _) = Node::parse("a: [1,\nb: }").unwrap_err();
        assert_eq!(place.line, 2);
        let (_, reason) = Node::parse("a: &x 1\nb: *x").unwrap_err();
        assert!(reason.contains("anchors"));
        let (place, reason) = Node::parse(&"[".repeat(50)).unwrap_err();
        assert!(
            place.column == 33 && reason.contains("32 levels"),
            "{place:?} {reason}"
        );
        assert!(Node::parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn a_key_that_stands_twice_in_one_mapping_is_refused() {
        let (place, reason) = Node::parse("a: {b: 1}\nc:\n  b: 1\n  \"b\": 2").unwrap_err();
        assert_eq!(place.line, 4);
        assert!(reason.contains("`b` stands twice, first in line 3"), "{reason}");
        for text in [
            "a: {b: 1}\nb: {a: 1}",
            "- a: 1\n- a: 2",
            "a: 1\n---\na: 2",
            "[a]: 1\n[b]: 2",
        ] {
            assert!(Node::parse(text).is_ok(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[-a-z:{}\\[\\]&*|>'\"!#%@`, \n\t?0-9é]{0,80}") {
            let _either = Node::parse(&text);
        }
    }
}
