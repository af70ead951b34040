//! Messages to a file.

use hearth_model::recording::{self, Form};

use super::*;
use crate::wire::{ExportOrder, ExportState, ExportView};

impl Bench {
    /// Writes what the engine wants written, in virtual time; the file, if there is one in the end.
    fn written(&mut self) -> (String, Option<String>) {
        let (mut text, mut done, mut number) = (String::new(), None, 0);
        while self
            .calls
            .iter()
            .any(|call| matches!(call, Call::WriteFile { .. } | Call::EndFile | Call::DropFile))
        {
            for call in std::mem::take(&mut self.calls) {
                match call {
                    Call::WriteFile { file, form, records } => {
                        if file != number {
                            number = file;
                            text = recording::head(form).to_owned();
                        }
                        let part = recording::write(form, &records);
                        let result = Ok(part.len() as u64);
                        text.push_str(&part);
                        self.input(Input::FileWritten { file, result });
                    }
                    Call::EndFile => done = Some(text.clone()),
                    Call::DropFile => text.clear(),
                    _ => {}
                }
            }
            self.wait(5);
        }
        (text, done)
    }

    fn export(&mut self, topic: &str, below: bool, csv: bool) {
        let topic = topic.to_owned();
        self.command(Command::Export(Some(ExportOrder { topic, below, csv })));
    }

    fn export_view(&mut self) -> ExportView {
        self.wait(200);
        let views = self.patches.iter().rev().filter_map(|patch| match patch {
            Patch::Export(view) => Some(view.clone()),
            _ => None,
        });
        views.into_iter().next().unwrap()
    }
}

fn topics(file: &str) -> Vec<&str> {
    file.lines()
        .map(|line| {
            line.split("\"topic\":\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
        })
        .collect()
}

#[test]
fn a_branch_is_written_in_the_order_its_messages_came() {
    let mut bench = Bench::connected();
    for (topic, payload) in [
        ("a/b", "1"),
        ("a/c", "2"),
        ("a", "3"),
        ("ab", "4"),
        ("a/b", "5"),
        ("a/b/d", "6"),
    ] {
        bench.publish(topic, payload);
        bench.wait(10);
    }
    bench.export("a", true, false);
    let file = bench.written().1.unwrap();
    assert_eq!(topics(&file), ["a/b", "a/c", "a", "a/b", "a/b/d"]);
    assert!(
        file.contains(r#""topic":"a/b","number":2,"qos":0,"retain":false,"dup":false,"payload":"5""#),
        "{file}"
    );
    let view = bench.export_view();
    assert_eq!((view.state, view.written, view.total), (ExportState::Done, 5, 5));
    assert_eq!(view.bytes, file.len() as u64);
    bench.export("a", false, false);
    assert_eq!(topics(&bench.written().1.unwrap()), ["a"]);
    bench.export("", true, false);
    assert_eq!(topics(&bench.written().1.unwrap()).len(), 6);
    bench.export("nothing/here", true, true);
    assert_eq!(bench.written().1.unwrap(), recording::head(Form::Csv));
}

#[test]
fn what_history_dropped_is_said_and_what_it_drops_meanwhile_is_counted() {
    let mut bench = Bench::new();
    bench.command(Command::Limit(Limits {
        history: 10,
        ..Limits::default()
    }));
    bench.command(Command::Connect(Box::new(options())));
    bench.input(Input::Opened);
    bench.answer_connect(ReasonCode::SUCCESS);
    let long = "x".repeat(60_000);
    for n in 0..40 {
        bench.publish("t", &format!("{n}{long}"));
    }
    bench.export("t", false, false);
    // The first part is being written; messages go on.
    for n in 40..45 {
        bench.publish("t", &format!("{n}{long}"));
    }
    let file = bench.written().1.unwrap();
    let view = bench.export_view();
    assert_eq!(view.dropped_before + view.total, 40);
    assert!(view.dropped_before > 0 && view.dropped_meanwhile > 0, "{view:?}");
    assert_eq!(view.written + view.dropped_meanwhile, view.total);
    assert_eq!(file.lines().count() as u64, view.written);
}

#[test]
fn a_large_history_is_written_part_by_part() {
    let mut bench = Bench::connected();
    for n in 0..3_000 {
        bench.publish(
            &format!("room/{}", n % 7),
            &format!("{{\"temperature\":{n}.5,\"text\":\"{}\"}}", "y".repeat(200)),
        );
    }
    bench.export("room", true, true);
    let first = bench
        .calls
        .iter()
        .filter(|call| matches!(call, Call::WriteFile { .. }))
        .count();
    assert_eq!(first, 1, "one part at a time");
    // Messages of the broker have their turn between two parts.
    bench.publish("room/9", "meanwhile");
    let file = bench.written().1.unwrap();
    assert_eq!(file.lines().count(), 3_001);
    assert!(
        !file.contains("meanwhile"),
        "only what was there at the beginning"
    );
}

#[test]
fn a_stopped_export_gives_no_file_and_the_next_begins_anew() {
    let mut bench = Bench::connected();
    bench.publish("t", "1");
    bench.export("t", false, false);
    bench.command(Command::Export(None));
    assert_eq!(bench.written(), (String::new(), None));
    assert_eq!(bench.export_view().state, ExportState::Stopped);
    bench.export("t", false, true);
    // What is late from the stopped one changes nothing.
    bench.input(Input::FileWritten {
        file: 1,
        result: Err("late".into()),
    });
    let file = bench.written().1.unwrap();
    assert_eq!(file.lines().count(), 2);
    bench.export("t", false, true);
    let Some(Call::WriteFile { file, .. }) = bench.calls.pop() else {
        panic!()
    };
    bench.input(Input::FileWritten {
        file,
        result: Err("no room".into()),
    });
    assert_eq!(bench.export_view().state, ExportState::Failed("no room".into()));
}

#[test]
fn a_file_is_named_by_letters_of_its_topic() {
    let name = |topic: &str, csv| {
        ExportOrder {
            topic: topic.to_owned(),
            below: false,
            csv,
        }
        .file_name()
    };
    assert_eq!(name("home/Küche/../t", true), "hearth-home-K-che-t.csv");
    assert_eq!(name("", false), "hearth.jsonl");
    assert_eq!(name("///", false), "hearth.jsonl");
}
