//! Numbers over time: every sample kept in columns, decimated to pixel columns when drawn.

use std::collections::VecDeque;

use crate::order::sort_by_key;

/// Samples in a full chunk of a series that has memory to itself.
const CHUNK_SAMPLES: usize = 512;
/// Room in the first chunk: most fields of a home change seldom.
const FEWEST_SAMPLES: usize = 4;
/// Samples that say what is usual.
const RHYTHM_SAMPLES: usize = 200;
/// Intervals needed before anything is usual.
const RHYTHM_NEEDED: usize = 8;
/// A series has a rhythm when nine of ten intervals are at most this many times the one in the middle.
const RHYTHM_SPREAD: u64 = 5;
/// So many of its long intervals are a gap, but never less than this, in ms: brokers and browsers hesitate too.
const GAP_INTERVALS: u64 = 4;
const GAP_FLOOR_MS: u64 = 2_000;
/// Bytes of a sample in a chunk.
pub(crate) const SAMPLE_BYTES: usize = size_of::<Row>();

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
    /// All samples added up.
    pub sum: f64,
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
            sum: sample.number,
            count: 1,
        }
    }

    /// The mean of the samples.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum / f64::from(self.count.max(1))
    }

    /// The samples through which a line is drawn, oldest first: up to four, no sample twice.
    pub fn line(&self) -> impl Iterator<Item = Sample> {
        let mut inner = [self.minimum, self.maximum];
        if inner[0].at_ms > inner[1].at_ms {
            inner.reverse();
        }
        let [early, late] = inner;
        let (first, last, count) = (self.first, self.last, self.count);
        let between = [early, late]
            .into_iter()
            .filter(move |sample| *sample != first && *sample != last);
        std::iter::once(first)
            .chain(between)
            .chain((count > 1).then_some(last))
    }

    fn push(&mut self, sample: Sample) {
        self.last = sample;
        self.sum += sample.number;
        if sample.number < self.minimum.number {
            self.minimum = sample;
        }
        if sample.number > self.maximum.number {
            self.maximum = sample;
        }
        self.count = self.count.saturating_add(1);
    }
}

/// A sample in a chunk, without the padding that would make it a third larger.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed(4))]
struct Row {
    offset: u32,
    number: f64,
}

/// Samples side by side in one piece of memory: a push touches one place.
#[derive(Clone, Debug, Default)]
struct Chunk {
    base_ms: u64,
    rows: Vec<Row>,
}

impl Chunk {
    fn heap_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row>()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.heap_bytes()
    }

    fn sample(&self, row: Row) -> Sample {
        Sample {
            at_ms: self.base_ms + u64::from(row.offset),
            number: row.number,
        }
    }

    fn first(&self) -> Option<Sample> {
        self.rows.first().map(|row| self.sample(*row))
    }

    fn last(&self) -> Option<Sample> {
        self.rows.last().map(|row| self.sample(*row))
    }

    fn samples(&self) -> impl DoubleEndedIterator<Item = Sample> + '_ {
        self.rows.iter().map(|row| self.sample(*row))
    }

    /// Whether any sample may lie in `from_ms..to_ms`.
    fn overlaps(&self, from_ms: u64, to_ms: u64) -> bool {
        self.first().is_some_and(|first| first.at_ms < to_ms)
            && self.last().is_some_and(|last| last.at_ms >= from_ms)
    }
}

/// The samples of one field, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Series {
    full: VecDeque<Chunk>,
    /// The chunk being written, kept here so that a push need not look for it.
    open: Chunk,
    /// The offset of its newest sample, here because a push would have to wait for the memory where that lies.
    newest: u32,
    /// Chunks that went before the first of `full`: their number is the serial of the first.
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

    fn chunks(&self) -> impl DoubleEndedIterator<Item = &Chunk> {
        self.full.iter().chain([&self.open])
    }

    /// The oldest sample kept.
    #[must_use]
    pub fn first(&self) -> Option<Sample> {
        self.chunks().find_map(Chunk::first)
    }

    /// The newest sample.
    #[must_use]
    pub fn last(&self) -> Option<Sample> {
        self.chunks().rev().find_map(Chunk::last)
    }

    /// Every sample kept, oldest first.
    pub fn samples(&self) -> impl DoubleEndedIterator<Item = Sample> + '_ {
        self.chunks().flat_map(Chunk::samples)
    }

    /// The samples received in `from_ms..to_ms`, at most `limit` (the newest of them), oldest first.
    #[must_use]
    pub fn range(&self, from_ms: u64, to_ms: u64, limit: usize) -> Vec<Sample> {
        let inside = self.chunks().rev().filter(|chunk| chunk.overlaps(from_ms, to_ms));
        let mut found: Vec<Sample> = inside
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
        let span = u128::from(to_ms - from_ms);
        let place = |at_ms: u64| u128::from(at_ms - from_ms) * columns as u128 / span;
        // The first moment after a column, so that samples in a row need no division.
        let end_of = |place: u128| {
            let end = ((place + 1) * span).div_ceil(columns as u128);
            from_ms.saturating_add(u64::try_from(end).unwrap_or(u64::MAX))
        };
        let (mut current, mut current_end) = (0, from_ms);
        for chunk in self.chunks().filter(|chunk| chunk.overlaps(from_ms, to_ms)) {
            for sample in chunk
                .samples()
                .filter(|sample| (from_ms..to_ms).contains(&sample.at_ms))
            {
                if sample.at_ms >= current_end {
                    let place = place(sample.at_ms);
                    current = usize::try_from(place).unwrap_or(usize::MAX);
                    current_end = end_of(place);
                }
                merge(&mut out, current, sample);
            }
        }
        out
    }

    /// The newest sample before `at_ms`.
    #[must_use]
    pub fn before(&self, at_ms: u64) -> Option<Sample> {
        self.chunks()
            .rev()
            .filter(|chunk| chunk.first().is_some_and(|first| first.at_ms < at_ms))
            .find_map(|chunk| chunk.samples().rev().find(|sample| sample.at_ms < at_ms))
    }

    /// The oldest sample at `at_ms` or later.
    #[must_use]
    pub fn after(&self, at_ms: u64) -> Option<Sample> {
        self.chunks()
            .filter(|chunk| chunk.last().is_some_and(|last| last.at_ms >= at_ms))
            .find_map(|chunk| chunk.samples().find(|sample| sample.at_ms >= at_ms))
    }

    /// The silence from which on samples are missing, in ms: a few times what is usual between two of the newest.
    /// `None` while nothing is usual, and of a series that speaks when it likes.
    #[must_use]
    pub fn gap_ms(&self) -> Option<u64> {
        let mut newest = self
            .samples()
            .rev()
            .take(RHYTHM_SAMPLES)
            .map(|sample| sample.at_ms);
        let mut later = newest.next()?;
        let mut intervals = Vec::with_capacity(RHYTHM_SAMPLES);
        for at_ms in newest {
            intervals.push(later - at_ms);
            later = at_ms;
        }
        if intervals.len() < RHYTHM_NEEDED {
            return None;
        }
        sort_by_key(&mut intervals, |interval| *interval);
        let at = |tenths: usize| intervals.get(intervals.len() * tenths / 10).copied();
        let (usual, long) = (at(5)?.max(1), at(9)?);
        (long <= usual.saturating_mul(RHYTHM_SPREAD))
            .then(|| (long.max(usual) * GAP_INTERVALS).max(GAP_FLOOR_MS))
    }

    /// Takes a sample; the oldest go when more than `capacity` are kept. Time never runs back: an earlier `at_ms`
    /// counts as that of the newest sample.
    pub fn push(&mut self, sample: Sample, capacity: usize) {
        self.push_counted(sample, capacity, CHUNK_SAMPLES);
    }

    /// Chunks get at most `chunk_samples`: smaller ones when many series share a budget, so that the oldest samples
    /// of all can go together.
    #[inline]
    pub(crate) fn push_counted(&mut self, sample: Sample, capacity: usize, chunk_samples: usize) -> Pushed {
        let chunk_samples = chunk_samples.clamp(FEWEST_SAMPLES, CHUNK_SAMPLES);
        let mut pushed = Pushed::default();
        let offset = u32::try_from(sample.at_ms.saturating_sub(self.open.base_ms));
        let len = self.open.rows.len();
        match offset {
            Ok(offset) if len > 0 && len < chunk_samples => {
                if len == self.open.rows.capacity() {
                    let before = self.open.heap_bytes();
                    self.open.rows.reserve_exact(len.min(chunk_samples - len));
                    pushed.bytes += (self.open.heap_bytes() - before).cast_signed();
                }
                self.newest = self.newest.max(offset);
                self.open.rows.push(Row {
                    offset: self.newest,
                    number: sample.number,
                });
            }
            _ => self.start_chunk(sample, chunk_samples, &mut pushed),
        }
        self.len += 1;
        while self.len > capacity.max(1) && !self.full.is_empty() {
            let (bytes, samples) = self.drop_oldest_chunk();
            pushed.bytes -= bytes.cast_signed();
            pushed.dropped += samples;
        }
        pushed
    }

    fn start_chunk(&mut self, sample: Sample, chunk_samples: usize, pushed: &mut Pushed) {
        let (mut at_ms, mut capacity) = (sample.at_ms, FEWEST_SAMPLES);
        if let Some(newest) = self.open.last() {
            at_ms = at_ms.max(newest.at_ms);
            capacity = chunk_samples;
            pushed.sealed = Some(self.first_serial + self.full.len() as u64);
            pushed.bytes += size_of::<Chunk>().cast_signed();
            self.full.push_back(std::mem::take(&mut self.open));
        }
        self.open.base_ms = at_ms;
        self.newest = 0;
        let before = self.open.heap_bytes();
        self.open.rows.reserve_exact(capacity);
        pushed.bytes += (self.open.heap_bytes() - before).cast_signed();
        self.open.rows.push(Row {
            offset: 0,
            number: sample.number,
        });
    }

    /// Serial of the oldest chunk kept.
    pub(crate) fn first_serial(&self) -> u64 {
        self.first_serial
    }

    /// When the newest sample of the chunk being written came.
    pub(crate) fn open_chunk_at(&self) -> Option<u64> {
        self.open.last().map(|sample| sample.at_ms)
    }

    /// Gives the bytes and the samples that went.
    pub(crate) fn drop_oldest_chunk(&mut self) -> (usize, u32) {
        let (chunk, bytes) = match self.full.pop_front() {
            Some(chunk) => {
                let bytes = chunk.bytes();
                (chunk, bytes)
            }
            None => {
                let chunk = std::mem::take(&mut self.open);
                let bytes = chunk.heap_bytes();
                (chunk, bytes)
            }
        };
        self.first_serial += 1;
        let samples = chunk.rows.len();
        self.len -= samples;
        self.dropped += samples as u64;
        (bytes, u32::try_from(samples).unwrap_or(u32::MAX))
    }

    /// Bytes held by the chunks.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.full.iter().map(Chunk::bytes).sum::<usize>() + self.open.heap_bytes()
    }
}

fn merge(out: &mut [Option<Column>], place: usize, sample: Sample) {
    match out.get_mut(place) {
        Some(Some(held)) => held.push(sample),
        Some(empty) => *empty = Some(Column::new(sample)),
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

    /// What a line through `points` covers in each pixel column: lowest and highest, with where it enters and leaves.
    fn covered(points: &[Sample], from: u64, span: u64, columns: u64) -> Vec<Option<(f64, f64)>> {
        let mut out: Vec<Option<(f64, f64)>> = vec![None; columns as usize];
        let mut cover = |column: u64, number: f64| {
            let held = &mut out[column as usize];
            let (low, high) = held.unwrap_or((number, number));
            *held = Some((low.min(number), high.max(number)));
        };
        let place = |at_ms: u64| (at_ms - from) * columns / span;
        for point in points {
            cover(place(point.at_ms), point.number);
        }
        for pair in points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            for border in place(a.at_ms) + 1..=place(b.at_ms) {
                let border_at = border as f64 * span as f64 / columns as f64 + from as f64;
                let part = (border_at - a.at_ms as f64) / (b.at_ms - a.at_ms) as f64;
                let number = a.number + (b.number - a.number) * part;
                cover(border - 1, number);
                cover(border, number);
            }
        }
        out
    }

    proptest! {
        #[test]
        fn the_line_through_columns_covers_the_pixels_of_the_line_through_every_sample(
            steps in prop::collection::vec((0_u64..50, -100_i32..100), 1..2000),
            from in 0_u64..5_000, span in 1_u64..40_000, columns in 1_u64..300,
        ) {
            let mut series = Series::new();
            let mut at_ms = 0;
            for (step, number) in steps {
                at_ms += step;
                series.push(Sample { at_ms, number: f64::from(number) }, usize::MAX);
            }
            let every = series.range(from, from + span, usize::MAX);
            let line: Vec<_> = series
                .columns(from, from + span, columns as usize)
                .iter()
                .flatten()
                .flat_map(Column::line)
                .collect();
            prop_assert!(line.len() <= 4 * columns as usize);
            prop_assert!(line.is_sorted_by_key(|sample| sample.at_ms));
            prop_assert!(line.iter().all(|sample| every.contains(sample)));
            prop_assert_eq!(covered(&line, from, span, columns), covered(&every, from, span, columns));
        }

        #[test]
        fn the_neighbours_of_a_range_are_the_nearest_samples_outside(
            steps in prop::collection::vec(0_u64..50, 0..1500), at in 0_u64..40_000,
        ) {
            let mut series = Series::new();
            let mut at_ms = 0;
            for step in steps {
                at_ms += step;
                series.push(Sample { at_ms, number: at_ms as f64 }, usize::MAX);
            }
            let before = series.samples().rfind(|sample| sample.at_ms < at);
            let after = series.samples().find(|sample| sample.at_ms >= at);
            prop_assert_eq!(series.before(at).map(|s| s.at_ms), before.map(|s| s.at_ms));
            prop_assert_eq!(series.after(at), after);
        }
    }

    #[test]
    fn columns_know_the_mean_of_their_samples() {
        let mut series = Series::new();
        for (at_ms, number) in [(0, 1.0), (1, 2.0), (2, 6.0)] {
            series.push(Sample { at_ms, number }, 10);
        }
        let columns = series.columns(0, 3, 1);
        assert_eq!(columns[0].map(|column| column.mean()), Some(3.0));
    }

    #[test]
    fn a_silence_of_several_usual_intervals_is_a_gap() {
        let after = |intervals: &[u64]| {
            let mut series = Series::new();
            let mut at_ms = 0;
            for interval in std::iter::once(&0).chain(intervals) {
                at_ms += interval;
                series.push(Sample { at_ms, number: 1.0 }, 1000);
            }
            series.gap_ms()
        };
        assert_eq!(after(&[1_000; 7]), None, "too few to know");
        assert_eq!(after(&[1_000; 20]), Some(4_000));
        assert_eq!(after(&[10; 20]), Some(2_000), "a hiccup is no gap");
        let mut with_a_gap = [1_000; 20];
        with_a_gap[10] = 3_600_000;
        assert_eq!(after(&with_a_gap), Some(4_000), "a gap is not usual");
        let jittery: Vec<u64> = (0..40).map(|n| 900 + n % 5 * 50).collect();
        assert_eq!(after(&jittery), Some(4_400));
        let at_will: Vec<u64> = (0..40).map(|n| 1 << (n % 12)).collect();
        assert_eq!(after(&at_will), None, "a door has no usual interval");
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
