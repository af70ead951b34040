//! Numbers over time: every sample kept in columns, decimated to pixel columns when drawn.

use std::collections::VecDeque;

/// Samples in a full chunk of a series that has memory to itself.
const CHUNK_SAMPLES: usize = 512;
/// Bytes of a sample in a chunk.
pub(crate) const SAMPLE_BYTES: usize = size_of::<u32>() + size_of::<f64>();

/// A number and when it was received.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// In ms since epoch.
    pub at_ms: u64,
    /// The number, finite.
    pub number: f64,
}

/// What one pixel column of a line chart needs: drawing these four looks the same as drawing every sample
/// (M4; Jugel et al., VLDB 2014).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// Oldest sample in the column.
    pub first: Sample,
    /// Newest sample in the column.
    pub last: Sample,
    /// The oldest of the smallest samples.
    pub minimum: Sample,
    /// The oldest of the largest samples.
    pub maximum: Sample,
    /// Samples in the column.
    pub count: u32,
}

impl Column {
    fn new(sample: Sample) -> Self {
        Self {
            first: sample,
            last: sample,
            minimum: sample,
            maximum: sample,
            count: 1,
        }
    }

    fn push(&mut self, sample: Sample) {
        self.last = sample;
        if sample.number < self.minimum.number {
            self.minimum = sample;
        }
        if sample.number > self.maximum.number {
            self.maximum = sample;
        }
        self.count = self.count.saturating_add(1);
    }

    fn append(&mut self, later: &Self) {
        self.last = later.last;
        if later.minimum.number < self.minimum.number {
            self.minimum = later.minimum;
        }
        if later.maximum.number > self.maximum.number {
            self.maximum = later.maximum;
        }
        self.count = self.count.saturating_add(later.count);
    }
}

#[derive(Clone, Debug)]
struct Chunk {
    base_ms: u64,
    offsets: Vec<u32>,
    numbers: Vec<f64>,
    /// Of the whole chunk, so that a chunk inside one pixel column is not read.
    summary: Column,
}

impl Chunk {
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.offsets.capacity() * size_of::<u32>()
            + self.numbers.capacity() * size_of::<f64>()
    }

    fn samples(&self) -> impl DoubleEndedIterator<Item = Sample> + '_ {
        self.offsets
            .iter()
            .zip(&self.numbers)
            .map(|(offset, number)| Sample {
                at_ms: self.base_ms + u64::from(*offset),
                number: *number,
            })
    }
}

/// The samples of one field, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Series {
    chunks: VecDeque<Chunk>,
    /// Chunks that went before the first of `chunks`: their number is the serial of the first.
    first_serial: u64,
    len: usize,
    dropped: u64,
}

/// What a push changed in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pushed {
    /// Bytes more (or less) than before.
    pub(crate) bytes: isize,
    /// A chunk became full: its serial.
    pub(crate) sealed: Option<u64>,
    /// Samples that fell out because of the cap.
    pub(crate) dropped: u32,
}

impl Series {
    /// An empty series.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Samples kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Samples that were received but are no longer kept.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The oldest sample kept.
    #[must_use]
    pub fn first(&self) -> Option<Sample> {
        self.chunks.front().map(|chunk| chunk.summary.first)
    }

    /// The newest sample.
    #[must_use]
    pub fn last(&self) -> Option<Sample> {
        self.chunks.back().map(|chunk| chunk.summary.last)
    }

    /// Every sample kept, oldest first.
    pub fn samples(&self) -> impl DoubleEndedIterator<Item = Sample> + '_ {
        self.chunks.iter().flat_map(Chunk::samples)
    }

    /// The samples received in `from_ms..to_ms`, at most `limit` (the newest of them), oldest first.
    #[must_use]
    pub fn range(&self, from_ms: u64, to_ms: u64, limit: usize) -> Vec<Sample> {
        let mut found: Vec<Sample> = self
            .chunks
            .iter()
            .rev()
            .skip_while(|chunk| chunk.summary.first.at_ms >= to_ms)
            .take_while(|chunk| chunk.summary.last.at_ms >= from_ms)
            .flat_map(|chunk| chunk.samples().rev())
            .filter(|sample| (from_ms..to_ms).contains(&sample.at_ms))
            .take(limit)
            .collect();
        found.reverse();
        found
    }

    /// The samples received in `from_ms..to_ms` as one [`Column`] per equal share of the span; `None` where nothing
    /// was received.
    ///
    /// The share of a sample is `floor((at − from) × columns / (to − from))`.
    #[must_use]
    pub fn columns(&self, from_ms: u64, to_ms: u64, columns: usize) -> Vec<Option<Column>> {
        let mut out = vec![None; columns];
        if columns == 0 || to_ms <= from_ms {
            return out;
        }
        let place = |at_ms: u64| {
            let share = u128::from(at_ms - from_ms) * columns as u128 / u128::from(to_ms - from_ms);
            usize::try_from(share).unwrap_or(usize::MAX)
        };
        let inside = |at_ms: u64| (from_ms..to_ms).contains(&at_ms);
        for chunk in &self.chunks {
            let (first, last) = (chunk.summary.first.at_ms, chunk.summary.last.at_ms);
            if last < from_ms || first >= to_ms {
                continue;
            }
            if inside(first) && inside(last) && place(first) == place(last) {
                merge(&mut out, place(first), &chunk.summary);
                continue;
            }
            for sample in chunk.samples().filter(|sample| inside(sample.at_ms)) {
                merge(&mut out, place(sample.at_ms), &Column::new(sample));
            }
        }
        out
    }

    /// Takes a sample; the oldest go when more than `capacity` are kept. Time never runs back: an earlier `at_ms`
    /// counts as that of the newest sample.
    pub fn push(&mut self, sample: Sample, capacity: usize) {
        self.push_counted(sample, capacity, CHUNK_SAMPLES);
    }

    /// Chunks get at most `chunk_samples`: smaller ones when many series share a budget, so that the oldest samples
    /// of all can go together.
    pub(crate) fn push_counted(&mut self, sample: Sample, capacity: usize, chunk_samples: usize) -> Pushed {
        let chunk_samples = chunk_samples.clamp(4, CHUNK_SAMPLES);
        let mut pushed = Pushed::default();
        if let Some(chunk) = self.chunks.back_mut()
            && chunk.numbers.len() < chunk_samples
            && let Ok(offset) = u32::try_from(sample.at_ms.saturating_sub(chunk.base_ms))
        {
            let at_ms = sample.at_ms.max(chunk.summary.last.at_ms);
            let offset = offset.max(u32::try_from(at_ms - chunk.base_ms).unwrap_or(offset));
            if chunk.numbers.len() == chunk.numbers.capacity() {
                let before = chunk.bytes();
                let more = chunk.numbers.len().min(chunk_samples - chunk.numbers.len());
                chunk.numbers.reserve_exact(more);
                chunk.offsets.reserve_exact(more);
                pushed.bytes += (chunk.bytes() - before).cast_signed();
            }
            chunk.offsets.push(offset);
            chunk.numbers.push(sample.number);
            chunk.summary.push(Sample { at_ms, ..sample });
        } else {
            self.start_chunk(sample, chunk_samples, &mut pushed);
        }
        self.len += 1;
        while self.len > capacity.max(1) && self.chunks.len() > 1 {
            let (bytes, samples) = self.drop_oldest_chunk();
            pushed.bytes -= bytes.cast_signed();
            pushed.dropped += samples;
        }
        pushed
    }

    fn start_chunk(&mut self, sample: Sample, chunk_samples: usize, pushed: &mut Pushed) {
        let mut at_ms = sample.at_ms;
        let mut capacity = 4;
        if let Some(full) = self.chunks.back() {
            at_ms = at_ms.max(full.summary.last.at_ms);
            capacity = chunk_samples;
            pushed.sealed = Some(self.first_serial + self.chunks.len() as u64 - 1);
        }
        let sample = Sample { at_ms, ..sample };
        let mut chunk = Chunk {
            base_ms: at_ms,
            offsets: Vec::with_capacity(capacity),
            numbers: Vec::with_capacity(capacity),
            summary: Column::new(sample),
        };
        chunk.offsets.push(0);
        chunk.numbers.push(sample.number);
        pushed.bytes += chunk.bytes().cast_signed();
        self.chunks.push_back(chunk);
    }

    /// Serial of the oldest chunk kept.
    pub(crate) fn first_serial(&self) -> u64 {
        self.first_serial
    }

    /// When the newest sample came, and whether there is only an unfinished chunk.
    pub(crate) fn open_chunk_at(&self) -> Option<u64> {
        self.chunks.back().map(|chunk| chunk.summary.last.at_ms)
    }

    /// Gives the bytes and the samples that went.
    pub(crate) fn drop_oldest_chunk(&mut self) -> (usize, u32) {
        let Some(chunk) = self.chunks.pop_front() else {
            return (0, 0);
        };
        self.first_serial += 1;
        self.len -= chunk.numbers.len();
        self.dropped += chunk.numbers.len() as u64;
        (chunk.bytes(), chunk.summary.count)
    }

    /// Bytes held by the chunks.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.chunks.iter().map(Chunk::bytes).sum()
    }
}

fn merge(out: &mut [Option<Column>], place: usize, column: &Column) {
    match out.get_mut(place) {
        Some(Some(held)) => held.append(column),
        Some(empty) => *empty = Some(*column),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(samples: &[Sample], from: u64, to: u64, columns: usize) -> Vec<Option<Column>> {
        let mut out: Vec<Option<Column>> = vec![None; columns];
        for sample in samples
            .iter()
            .filter(|sample| sample.at_ms >= from && sample.at_ms < to)
        {
            let place = ((sample.at_ms - from) as usize * columns) / (to - from) as usize;
            match &mut out[place] {
                Some(column) => column.push(*sample),
                empty => *empty = Some(Column::new(*sample)),
            }
        }
        out
    }

    proptest! {
        #[test]
        fn columns_are_those_of_every_sample_in_turn(
            steps in prop::collection::vec((0_u64..50, -100_i32..100), 0..3000),
            from in 0_u64..20_000, span in 1_u64..60_000, columns in 1_usize..300,
        ) {
            let mut series = Series::new();
            let mut all = Vec::new();
            let mut at_ms = 0;
            for (step, number) in steps {
                at_ms += step;
                let sample = Sample { at_ms, number: f64::from(number) };
                series.push(sample, usize::MAX);
                all.push(sample);
            }
            prop_assert_eq!(series.samples().collect::<Vec<_>>(), all.clone());
            prop_assert_eq!(series.columns(from, from + span, columns), naive(&all, from, from + span, columns));
            let expected: Vec<_> =
                all.iter().copied().filter(|sample| (from..from + span).contains(&sample.at_ms)).collect();
            prop_assert_eq!(series.range(from, from + span, usize::MAX), expected);
        }
    }

    #[test]
    fn samples_beyond_the_cap_are_counted() {
        let mut series = Series::new();
        for at_ms in 0..10_000 {
            series.push(Sample { at_ms, number: 1.0 }, 2000);
        }
        assert!(series.len() <= 2000 && series.len() > 2000 - CHUNK_SAMPLES);
        assert_eq!(series.len() as u64 + series.dropped(), 10_000);
        assert_eq!(series.last().map(|sample| sample.at_ms), Some(9999));
    }

    #[test]
    fn a_clock_that_steps_back_does_not_turn_the_line() {
        let mut series = Series::new();
        for at_ms in [100, 50, 120, 0] {
            series.push(Sample { at_ms, number: 1.0 }, 10);
        }
        let times: Vec<_> = series.samples().map(|sample| sample.at_ms).collect();
        assert_eq!(times, [100, 100, 120, 120]);
    }

    #[test]
    fn silence_of_months_starts_a_new_chunk() {
        let mut series = Series::new();
        let later = u64::from(u32::MAX) * 3;
        series.push(
            Sample {
                at_ms: 5,
                number: 1.0,
            },
            10,
        );
        series.push(
            Sample {
                at_ms: later,
                number: 2.0,
            },
            10,
        );
        assert_eq!(
            series.samples().map(|sample| sample.at_ms).collect::<Vec<_>>(),
            [5, later]
        );
        assert_eq!(series.columns(0, later + 1, 2).iter().flatten().count(), 2);
    }
}
