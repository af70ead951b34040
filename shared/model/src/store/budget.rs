//! One memory budget over everything a store holds: which history goes when.

use std::collections::VecDeque;

use super::Counters;
use super::topic::Topic;
use crate::order::sort_by_key;

/// A full page of messages or chunk of samples, which may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    topic: u32,
    /// Which field's samples; `None` for messages.
    field: Option<u32>,
    serial: u64,
}

impl Block {
    pub(crate) fn history(topic: usize, serial: u64) -> Self {
        Self {
            topic: u32::try_from(topic).unwrap_or(u32::MAX),
            field: None,
            serial,
        }
    }

    pub(crate) fn series(topic: usize, field: usize, serial: u64) -> Self {
        let field = Some(u32::try_from(field).unwrap_or(u32::MAX));
        Self {
            field,
            ..Self::history(topic, serial)
        }
    }

    /// Whether it went already, because of a cap per topic.
    fn is_stale(&self, topics: &[Topic]) -> bool {
        let first = topics
            .get(self.topic as usize)
            .and_then(|topic| match self.field {
                None => Some(topic.history.first_serial()),
                Some(field) => topic
                    .fields
                    .get(field as usize)
                    .map(|field| field.series.first_serial()),
            });
        first.is_none_or(|first| self.serial < first)
    }
}

/// Bounds of a block, in bytes: smaller ones would be mostly bookkeeping, larger ones go too much at once.
const SMALLEST_BLOCK: usize = 512;
const LARGEST_BLOCK: usize = 16 * 1024;

/// Bytes by what may go and what may not, and the order in which to let go.
#[derive(Debug)]
pub(crate) struct Budget {
    capacity: usize,
    /// Topics and newest messages: never let go.
    pub(crate) base: usize,
    /// Older messages and samples.
    kept: usize,
    /// Full blocks in the order they became full, which is the order of their newest entry.
    blocks: VecDeque<Block>,
    stale: usize,
    /// Histories and series that share the budget.
    pub(crate) streams: usize,
}

impl Budget {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            base: 0,
            kept: 0,
            blocks: VecDeque::new(),
            stale: 0,
            streams: 0,
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
    }

    pub(crate) fn used(&self) -> usize {
        self.base + self.kept + self.blocks.capacity() * size_of::<Block>()
    }

    /// Bytes free when all history goes.
    pub(crate) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.base)
    }

    /// Newest messages alone take so much that history would go as soon as it came.
    pub(crate) fn is_full_of_last_values(&self) -> bool {
        self.base > self.capacity / 8 * 7
    }

    /// Size of a block, in bytes: a fraction of every stream's share, so that blocks are finished and can go in the
    /// order of their age.
    pub(crate) fn block_bytes(&self) -> usize {
        let share = self.capacity.saturating_sub(self.base) / self.streams.max(1);
        (share / 8).clamp(SMALLEST_BLOCK, LARGEST_BLOCK)
    }

    pub(crate) fn add_kept(&mut self, bytes: isize) {
        self.kept = self.kept.saturating_add_signed(bytes);
    }

    pub(crate) fn seal(&mut self, block: Block) {
        self.blocks.push_back(block);
    }

    /// A block went because of a cap per topic; its entry is still in the order.
    pub(crate) fn note_stale(&mut self) {
        self.stale += 1;
    }

    /// Lets the oldest history go until `bytes` more fit; `false` when even without history they do not.
    pub(crate) fn make_room(&mut self, bytes: usize, topics: &mut [Topic], counters: &mut Counters) -> bool {
        if self.stale > 1024 && self.stale > self.blocks.len() / 2 {
            self.blocks.retain(|block| !block.is_stale(topics));
            self.blocks.shrink_to(self.blocks.len() * 2);
            self.stale = 0;
        }
        if self.used() + bytes <= self.capacity {
            return true;
        }
        // What cannot fit even without history is told at once: looking at every topic each time would be a freeze.
        if self.base + bytes > self.capacity {
            return false;
        }
        if self.kept == 0 && self.blocks.is_empty() {
            self.blocks.shrink_to_fit();
            return self.used() + bytes <= self.capacity;
        }
        while let Some(block) = self.blocks.pop_front() {
            if block.is_stale(topics) {
                self.stale = self.stale.saturating_sub(1);
                continue;
            }
            self.release(block, topics, counters);
            if self.used() + bytes <= self.capacity {
                return true;
            }
        }
        self.blocks.shrink_to_fit();
        self.release_unfinished(bytes, topics, counters);
        self.used() + bytes <= self.capacity
    }

    fn release(&mut self, block: Block, topics: &mut [Topic], counters: &mut Counters) {
        let Some(topic) = topics.get_mut(block.topic as usize) else {
            return;
        };
        let bytes = match block.field {
            None => {
                let (bytes, messages) = topic.history.drop_oldest_page();
                counters.history_dropped += u64::from(messages);
                bytes
            }
            Some(field) => {
                let series = topic
                    .fields
                    .get_mut(field as usize)
                    .map(|field| &mut field.series);
                let (bytes, samples) = series
                    .map(crate::series::Series::drop_oldest_chunk)
                    .unwrap_or_default();
                topic.samples_dropped += u64::from(samples);
                counters.samples_dropped += u64::from(samples);
                bytes
            }
        };
        self.kept -= bytes;
    }

    /// Lets pages and chunks go that are still being written, oldest first, and some more than asked, so that this
    /// walk over all topics is rare.
    fn release_unfinished(&mut self, bytes: usize, topics: &mut [Topic], counters: &mut Counters) {
        let mut open: Vec<(u64, Block)> = Vec::new();
        for (index, topic) in topics.iter().enumerate() {
            if let Some(at) = topic.history.open_page_at() {
                open.push((at, Block::history(index, 0)));
            }
            for (field, held) in topic.fields.iter().enumerate() {
                if let Some(at) = held.series.open_chunk_at() {
                    open.push((at, Block::series(index, field, 0)));
                }
            }
        }
        sort_by_key(&mut open, |(at, _)| *at);
        let goal = self.capacity - self.capacity / 16;
        for (_, block) in open {
            if self.used() + bytes <= goal {
                return;
            }
            self.release(block, topics, counters);
        }
    }
}
