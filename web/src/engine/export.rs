//! Messages of a topic or a branch to a file, in the order they came: part by part, so that neither Worker nor page
//! waits for it, and without a copy of the store.

use std::{cmp::Reverse, collections::BinaryHeap};

use hearth_model::{
    recording::{Form, Record},
    store::{NodeId, Store, Topic},
};
use hearth_mqtt::MonoTime;

use super::{
    input::{Call, Now},
    views::Pace,
};
use crate::wire::{ExportOrder, ExportState, ExportView};

/// A part is written when it has this many bytes: a few milliseconds of work.
const PART_BYTES: usize = 128 * 1024;
/// How often the page is told, ms.
const TELL_MS: u64 = 100;

/// The export that goes on, or the last one.
#[derive(Debug, Default)]
pub struct Export {
    view: ExportView,
    /// Counts exports.
    file: u32,
    /// Its first part was written: that of CSV has a head line.
    is_begun: bool,
    form: Option<Form>,
    topics: Vec<Cursor>,
    /// Time of the next message and place in `topics`, earliest first.
    next: BinaryHeap<Reverse<(u64, usize)>>,
    /// When the next part is made; `None` while one is being written.
    due: Option<MonoTime>,
    pace: Pace,
    calls: Vec<Call>,
}

/// Numbers of a topic's messages: the next, and the last that is to be written.
#[derive(Debug)]
struct Cursor {
    node: NodeId,
    name: String,
    next: u64,
    last: u64,
}

impl Export {
    /// Begins with what is kept now; an export that is going on ends without a file.
    pub fn begin(&mut self, now: Now, store: &Store, order: ExportOrder) {
        self.stop();
        *self = Self {
            calls: std::mem::take(&mut self.calls),
            file: self.file + 1,
            ..Self::default()
        };
        let node = match (&*order.topic, order.below) {
            ("", true) => Some(NodeId::ROOT),
            (name, _) => store.find(name),
        };
        let is_wanted = |topic: &&Topic| order.below || Some(topic.node()) == node;
        for topic in node
            .iter()
            .flat_map(|node| store.topics_below(*node))
            .filter(is_wanted)
        {
            self.view.dropped_before += topic.history_dropped();
            let oldest = topic.oldest();
            self.view.total += topic.count() + 1 - oldest;
            if let Some(first) = topic.messages_from(oldest).next() {
                self.next.push(Reverse((first.received_at_ms, self.topics.len())));
            }
            self.topics.push(Cursor {
                node: topic.node(),
                name: store.name(topic.node()),
                next: oldest,
                last: topic.count(),
            });
        }
        self.form = Some(if order.csv { Form::Csv } else { Form::JsonLines });
        self.view.order = order;
        self.due = Some(now.mono);
        self.pace.note_change();
    }

    /// Ends without a file.
    pub fn stop(&mut self) {
        if self.form.is_some() {
            self.end(ExportState::Stopped);
            self.calls.push(Call::DropFile);
        }
    }

    fn end(&mut self, state: ExportState) {
        self.view.state = state;
        (self.form, self.due) = (None, None);
        (self.topics, self.next) = (Vec::new(), BinaryHeap::new());
        self.pace.note_change();
    }

    /// A part was written, of so many bytes, or could not be.
    pub fn handle_written(&mut self, now: Now, file: u32, result: Result<u64, String>) {
        if self.form.is_none() || file != self.file {
            return;
        }
        match result {
            Ok(bytes) => {
                self.view.bytes += bytes;
                self.pace.note_change();
                // Messages of the broker have their turn before.
                self.due = Some(now.mono + 1);
            }
            Err(why) => {
                self.end(ExportState::Failed(why));
                self.calls.push(Call::DropFile);
            }
        }
    }

    /// Makes the next part when it is time.
    pub fn advance(&mut self, now: Now, store: &Store) {
        let Some(form) = self.form else { return };
        if self.due.is_none_or(|due| due > now.mono) {
            return;
        }
        self.due = None;
        self.write_part(form, store);
    }

    #[inline(never)]
    fn write_part(&mut self, form: Form, store: &Store) {
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        let mut records = Vec::new();
        while records.len() < PART_BYTES
            && let Some(Reverse((_, place))) = self.next.pop()
        {
            self.write_one(store, place, &mut records);
        }
        if records.is_empty() && !(is_first && form == Form::Csv) {
            self.calls.push(Call::EndFile);
            return self.end(ExportState::Done);
        }
        self.calls.push(Call::WriteFile {
            file: self.file,
            form,
            records,
        });
    }

    fn write_one(&mut self, store: &Store, place: usize, records: &mut Vec<u8>) {
        let Some(cursor) = self.topics.get_mut(place) else {
            return;
        };
        let Some(topic) = store.topic(cursor.node) else {
            return;
        };
        let gone = topic.oldest().min(cursor.last + 1).saturating_sub(cursor.next);
        self.view.dropped_meanwhile += gone;
        cursor.next += gone;
        let mut messages = topic.messages_from(cursor.next);
        // What came after a gap has its turn in the order of its time.
        if gone == 0
            && let Some(message) = messages.next()
        {
            let record = Record::of(&cursor.name, cursor.next, &message);
            self.view.cut += u64::from(record.is_cut());
            self.view.written += 1;
            record.write(records);
            cursor.next += 1;
        }
        if cursor.next <= cursor.last
            && let Some(next) = messages.next()
        {
            self.next.push(Reverse((next.received_at_ms, place)));
        }
    }

    /// What is to be done with the file next.
    pub fn poll_call(&mut self) -> Option<Call> {
        (!self.calls.is_empty()).then(|| self.calls.remove(0))
    }

    /// When [`Self::advance`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<MonoTime> {
        self.due
    }

    /// When the page should be told.
    #[must_use]
    pub fn poll_change(&self) -> Option<MonoTime> {
        self.pace.poll_timeout()
    }

    /// What the page should be told now.
    pub fn take_change(&mut self, now: Now) -> Option<ExportView> {
        self.pace.take_due(now.mono, TELL_MS).then(|| self.view.clone())
    }
}
