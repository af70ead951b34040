//! What of the bytes that came in goes on, without copying what passes as it is.

use std::ops::Range;

/// What goes on: the first bytes of the input as they are, and what follows them.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// How many bytes from the beginning of the input.
    pub(crate) unchanged: usize,
    /// What comes behind them.
    pub(crate) rest: Vec<u8>,
}

impl Passed {
    /// All of the input.
    pub(crate) fn whole(len: usize) -> Self {
        Self {
            unchanged: len,
            rest: Vec::new(),
        }
    }

    /// All of it in one piece.
    #[cfg(test)]
    pub(crate) fn concat(&self, input: &[u8]) -> Vec<u8> {
        let mut all = input.get(..self.unchanged).unwrap_or_default().to_vec();
        all.extend_from_slice(&self.rest);
        all
    }
}

/// Gathers what goes on while the input is read.
pub(super) struct Flow<'a> {
    pub(super) input: &'a [u8],
    passed: Passed,
}

impl<'a> Flow<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            passed: Passed::default(),
        }
    }

    /// A piece of the input goes on as it is.
    pub(super) fn pass(&mut self, piece: Range<usize>) {
        if self.passed.rest.is_empty() && piece.start == self.passed.unchanged {
            self.passed.unchanged = piece.end;
        } else {
            self.put(self.input.get(piece).unwrap_or_default());
        }
    }

    /// Other bytes go on at this place.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.passed.rest.extend_from_slice(bytes);
    }

    /// The same, taking the memory over where that is possible.
    pub(super) fn put_owned(&mut self, bytes: Vec<u8>) {
        if self.passed.rest.is_empty() {
            self.passed.rest = bytes;
        } else {
            self.put(&bytes);
        }
    }

    pub(super) fn finish(self) -> Passed {
        self.passed
    }
}
