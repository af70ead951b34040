//! A recording: read from a file part by part, kept, and played at a rate, into this engine or to the broker.

use bytes::Bytes;
use hearth_model::{
    order::sort_by_key,
    recording::{LARGEST_DOCUMENT, ReadPart, Record},
};
use hearth_mqtt::{
    MonoTime, Properties, Property, Qos, TopicName,
    session::{ApiMisuse, ApplicationMessage, Session},
};

use super::{
    connection::Connection,
    input::{Call, Now},
    views::Pace,
};
use crate::wire::{ReplayState, ReplayView};

/// A file is read in parts of this many bytes.
const PART_BYTES: u64 = 512 * 1024;
/// Longest line, in bytes: a message has at most 256 MB, and those of homes have a few.
const LONGEST_LINE: usize = 16 * 1024 * 1024;
/// Messages beyond this many bytes are not kept, and counted.
const MOST_BYTES: usize = 256 * 1024 * 1024;
/// Between messages of a file that says no times, ms.
const NO_TIME_STEP_MS: u64 = 100;
/// Messages that are played at once.
pub const SLICE: usize = 1_000;
/// When there were more, the next are played after this time, ms.
const SLICE_MS: u64 = 4;
/// How often the page is told, ms.
const TELL_MS: u64 = 100;
/// Faults that are named.
const NAMED_FAULTS: usize = 20;

/// The recording, if there is one.
#[derive(Debug, Default)]
pub struct Replay {
    view: ReplayView,
    is_open: bool,
    show_when_read: bool,
    /// Counts recordings.
    number: u32,
    file: Option<File>,
    /// [`Record`]s, as the second module gave them.
    parts: Vec<Vec<u8>>,
    messages: Vec<Message>,
    bytes: usize,
    /// Where the play was at a moment: since the first message, in ms of the recording.
    at: (MonoTime, u64),
    next: usize,
    /// When the next slice may be played.
    not_before: MonoTime,
    pace: Pace,
    calls: Vec<Call>,
}

/// How far the file is read.
#[derive(Debug, Default)]
struct File {
    from: u64,
    lines: u64,
    wants_whole: bool,
}

/// Where a message lies, and when it is played.
#[derive(Debug, Clone, Copy)]
struct Message {
    at_ms: u64,
    part: u32,
    offset: u32,
}

impl Replay {
    /// A file was given; what was read of another is forgotten.
    pub fn open(&mut self, name: String, bytes: u64) {
        let view = ReplayView {
            name,
            bytes,
            speed: 1,
            ..ReplayView::default()
        };
        *self = Self {
            view,
            is_open: true,
            file: Some(File::default()),
            number: self.number + 1,
            ..Self::default()
        };
        self.read_on(Vec::new());
    }

    /// Forgets the recording; `true` when it was shown.
    pub fn close(&mut self) -> bool {
        let was_shown = self.view.demonstration;
        *self = Self {
            number: self.number,
            ..Self::default()
        };
        self.pace.note_change();
        was_shown
    }

    fn read_on(&mut self, rest: Vec<u8>) {
        self.pace.note_change();
        let Some(file) = &mut self.file else { return };
        let to = (file.from + PART_BYTES).min(self.view.bytes);
        let part = file.from..to;
        file.from = to;
        self.calls.push(Call::ReadFile {
            file: self.number,
            part,
            rest,
            lines_before: file.lines,
            is_last: to == self.view.bytes,
        });
    }

    /// A part was read: what it says, and the bytes that were not consumed.
    pub fn handle_read(&mut self, now: Now, number: u32, result: Result<(ReadPart, Vec<u8>), String>) {
        let Some(file) = self.file.as_mut().filter(|_| number == self.number) else {
            return;
        };
        let (part, rest) = match result {
            Ok(read) => read,
            Err(why) => return self.fail(why),
        };
        file.lines += part.lines;
        file.wants_whole = part.wants_whole;
        let (from, line) = (file.from, file.lines + 1);
        self.view.read = from;
        self.view.faulty += part.faulty;
        let room = NAMED_FAULTS.saturating_sub(self.view.faults.len());
        let faults = part.faults.into_iter().take(room);
        self.view
            .faults
            .extend(faults.map(|fault| (fault.line, fault.reason)));
        self.keep(part.records);
        if from == self.view.bytes {
            return self.finish(now);
        }
        if part.wants_whole && self.view.bytes > LARGEST_DOCUMENT as u64 {
            let most = LARGEST_DOCUMENT >> 20;
            return self.fail(format!(
                "A file that is one JSON document may have {most} MiB. One JSON object per line may be longer."
            ));
        }
        if rest.len() > LONGEST_LINE {
            return self.fail(format!("Line {line} is longer than {} MiB.", LONGEST_LINE >> 20));
        }
        self.read_on(rest);
    }

    fn fail(&mut self, why: String) {
        self.file = None;
        self.view.state = ReplayState::Failed(why);
        self.pace.note_change();
    }

    fn keep(&mut self, records: Vec<u8>) {
        let mut rest = records.as_slice();
        let part = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        let is_full = self.bytes + records.len() > MOST_BYTES;
        while let Some((record, tail)) = Record::read(rest) {
            let offset = u32::try_from(records.len() - rest.len()).unwrap_or(u32::MAX);
            rest = tail;
            if is_full {
                self.view.beyond += 1;
                continue;
            }
            let at_ms = self.time_of(record.at_ms);
            self.messages.push(Message { at_ms, part, offset });
        }
        self.view.messages = self.messages.len() as u64;
        if !is_full && !records.is_empty() {
            self.bytes += records.len();
            self.parts.push(records);
        }
    }

    /// A message without a time comes with the one before it, or some time after it when no message has one.
    fn time_of(&mut self, said: Option<u64>) -> u64 {
        let before = self.messages.last().map_or(0, |message| message.at_ms);
        let is_first = self.view.to == 0;
        let Some(at_ms) = said else {
            return before + if is_first { NO_TIME_STEP_MS } else { 0 };
        };
        if is_first {
            self.view.from = at_ms;
            for message in &mut self.messages {
                message.at_ms = at_ms;
            }
        }
        self.view.from = self.view.from.min(at_ms);
        self.view.to = self.view.to.max(at_ms);
        at_ms
    }

    fn finish(&mut self, now: Now) {
        self.file = None;
        let in_order = self
            .messages
            .iter()
            .zip(self.messages.iter().skip(1))
            .all(|(a, b)| a.at_ms <= b.at_ms);
        if !in_order {
            sort_by_key(&mut self.messages, |message| message.at_ms);
        }
        self.view.state = if self.messages.is_empty() {
            ReplayState::Failed("There is no message in this file that can be read.".to_owned())
        } else {
            ReplayState::Ready
        };
        self.pace.note_change();
        if self.show_when_read {
            self.begin(now, true);
        }
    }

    /// Begins to play from the first message; a demonstration begins as soon as the file is read.
    pub fn begin(&mut self, now: Now, demonstration: bool) {
        self.show_when_read = demonstration;
        if matches!(self.view.state, ReplayState::Reading | ReplayState::Failed(_)) {
            return;
        }
        self.view.demonstration = demonstration;
        (self.view.played, self.view.failed, self.next) = (0, 0, 0);
        self.view.why.clear();
        self.at = (now.mono, 0);
        self.set_state(ReplayState::Playing);
    }

    /// Holds, and goes on where it was.
    pub fn pause(&mut self, now: Now, pause: bool) {
        match (&self.view.state, pause) {
            (ReplayState::Playing, true) => {
                self.at = (now.mono, self.position(now));
                self.set_state(ReplayState::Paused);
            }
            (ReplayState::Paused, false) => {
                self.at.0 = now.mono;
                self.set_state(ReplayState::Playing);
            }
            _ => {}
        }
    }

    /// Plays so many times as fast; 0: as fast as possible.
    pub fn set_speed(&mut self, now: Now, speed: u32) {
        if self.view.state == ReplayState::Playing {
            self.at = (now.mono, self.position(now));
        }
        self.view.speed = speed;
        self.pace.note_change();
    }

    /// Goes back to the beginning, and waits.
    pub fn stop(&mut self) {
        if !matches!(self.view.state, ReplayState::Reading | ReplayState::Failed(_)) {
            self.next = 0;
            self.set_state(ReplayState::Ready);
        }
    }

    fn set_state(&mut self, state: ReplayState) {
        self.view.state = state;
        self.pace.note_change();
    }

    /// Whether what this engine shows is a recording.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.view.demonstration
    }

    /// Whether it is being published.
    #[must_use]
    pub fn is_publishing(&self) -> bool {
        !self.view.demonstration && self.view.state == ReplayState::Playing
    }

    /// Whether messages keep the times they have in the file, because nobody could follow them as they come.
    #[must_use]
    pub fn keeps_times(&self) -> bool {
        self.view.speed == 0
    }

    /// When the present of what is shown ends, ms since epoch: a recording that keeps its times is looked at as of its
    /// last message.
    #[must_use]
    pub fn shown_until(&self) -> Option<u64> {
        let is_past = self.view.demonstration && self.keeps_times() && self.view.to > 0;
        is_past.then_some(self.view.to)
    }

    /// Since the first message, in ms of the recording.
    fn position(&self, now: Now) -> u64 {
        let (at, before) = self.at;
        match self.view.speed {
            0 => self.last_played(),
            speed => before + now.mono.ms_since(at) * u64::from(speed),
        }
    }

    fn first_ms(&self) -> u64 {
        self.messages.first().map_or(0, |message| message.at_ms)
    }

    fn last_played(&self) -> u64 {
        let last = self.next.checked_sub(1).and_then(|at| self.messages.get(at));
        last.map_or(0, |last| last.at_ms - self.first_ms())
    }

    /// The next message whose time has come.
    pub fn take_due(&mut self, now: Now) -> Option<Record<'_>> {
        if self.view.state != ReplayState::Playing {
            return None;
        }
        let position = self.position(now);
        let Some(message) = self.messages.get(self.next).copied() else {
            self.set_state(ReplayState::Ended);
            return None;
        };
        if self.view.speed > 0 && message.at_ms - self.first_ms() > position {
            return None;
        }
        self.next += 1;
        self.view.played = self.next as u64;
        self.pace.note_change();
        let part = self.parts.get(message.part as usize)?;
        let (record, _) = Record::read(part.get(message.offset as usize..)?)?;
        Some(Record {
            at_ms: Some(message.at_ms).filter(|_| self.view.to > 0),
            ..record
        })
    }

    /// More is due, and waits for a moment.
    pub fn wait(&mut self, now: Now, ms: u64) {
        self.not_before = now.mono + ms.max(SLICE_MS);
    }

    /// The last message has to wait for room: it is the next again.
    pub fn hold_back(&mut self, now: Now, ms: u64) {
        self.next = self.next.saturating_sub(1);
        self.view.played = self.next as u64;
        self.wait(now, ms);
    }

    /// The last message was not published.
    pub fn note_failed(&mut self, why: String) {
        self.view.failed += 1;
        self.view.why = why;
    }

    /// When the next message is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<MonoTime> {
        if self.view.state != ReplayState::Playing {
            return None;
        }
        let (at, before) = self.at;
        let due = match (self.messages.get(self.next), self.view.speed) {
            (None, _) | (_, 0) => at,
            (Some(message), speed) => {
                let away = (message.at_ms - self.first_ms()).saturating_sub(before);
                at + away.div_ceil(u64::from(speed))
            }
        };
        Some(due.max(self.not_before))
    }

    /// What is to be done with the file next.
    pub fn poll_call(&mut self) -> Option<Call> {
        self.calls.pop()
    }

    /// When the page should be told.
    #[must_use]
    pub fn poll_change(&self) -> Option<MonoTime> {
        self.pace.poll_timeout()
    }

    /// What the page should be told now.
    pub fn take_change(&mut self, now: Now) -> Option<Option<Box<ReplayView>>> {
        self.pace
            .take_due(now.mono, TELL_MS)
            .then(|| self.is_open.then(|| Box::new(self.view.clone())))
    }

    /// A page that starts anew is told again.
    pub fn show_again(&mut self) {
        if self.is_open {
            self.pace = Pace::due_at_once();
        }
    }
}

/// Messages of a recording that may wait for the broker.
const MOST_QUEUED: usize = 200;
/// What a PUBLISH has besides topic, properties and payload at most, in bytes.
const HEADERS: usize = 16;

/// Whether the broker takes more of a recording at present.
pub fn may_publish(connection: &mut Connection) -> bool {
    connection.is_connected()
        && connection
            .session()
            .is_some_and(|session: &mut Session| session.queued_messages() < MOST_QUEUED)
}

/// Publishes a message as it was; `false`: not now, what is on its way takes all the room.
///
/// # Errors
/// Why it was not published, for the user.
pub fn publish(now: Now, connection: &mut Connection, record: &Record<'_>) -> Result<bool, String> {
    if record.topic.starts_with('$') {
        return Err("Topics that begin with $ are the broker's own.".to_owned());
    }
    if record.is_cut() {
        return Err("The payload is not whole in the file.".to_owned());
    }
    let topic = TopicName::parse(record.topic).map_err(|error| error.to_string())?;
    // The broker gives its own to those who receive it.
    let kept: Vec<_> = Properties::read(record.properties)
        .filter(|property| {
            !matches!(
                property,
                Property::TopicAlias(_) | Property::SubscriptionIdentifier(_)
            )
        })
        .collect();
    let properties = Properties::of(&kept).map_err(|error| error.to_string())?;
    let bytes = record.topic.len() + record.payload.len() + properties.len_bytes() + HEADERS;
    let largest = connection.options().largest_packet;
    if largest.is_some_and(|largest| bytes > largest as usize) {
        return Err("The bridge does not pass on packets as large as this.".to_owned());
    }
    let message = ApplicationMessage::new(topic, Bytes::copy_from_slice(record.payload))
        .with_qos(Qos::from_bits(record.qos).unwrap_or_default())
        .with_retain(record.retain)
        .with_properties(properties);
    let session = connection.session().ok_or("There is no connection.")?;
    match session.publish(now.mono, message) {
        Ok(_) => Ok(true),
        // Where nothing waits there will be no more room than now.
        Err(ApiMisuse::QueueFull { bytes: 1.., .. }) => Ok(false),
        Err(error) => Err(error.to_string()),
    }
}
