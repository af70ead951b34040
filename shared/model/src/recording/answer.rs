//! What the second module says of a part of a file.

use super::record::part;

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1; in a file that is one document the message, from 1.
    pub line: u64,
    /// Why not, as the second half of a sentence.
    pub reason: String,
}

/// What was read of a part of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadPart {
    /// Bytes that were read; the rest comes again with what follows it.
    pub consumed: usize,
    /// Whether the file has to be given whole.
    pub wants_whole: bool,
    /// Lines that were read.
    pub lines: u64,
    /// Lines that could not be read, in all.
    pub faulty: u64,
    /// The first of them.
    pub faults: Vec<Fault>,
    /// What was read, as [`Record`](super::Record)s.
    pub records: Vec<u8>,
}

impl ReadPart {
    /// As bytes, for the border of the second module.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.records.len() + 64);
        out.extend_from_slice(&(self.consumed as u64).to_le_bytes());
        out.push(u8::from(self.wants_whole));
        out.extend_from_slice(&self.lines.to_le_bytes());
        out.extend_from_slice(&self.faulty.to_le_bytes());
        out.push(u8::try_from(self.faults.len()).unwrap_or(u8::MAX));
        for fault in self.faults.iter().take(usize::from(u8::MAX)) {
            out.extend_from_slice(&fault.line.to_le_bytes());
            let len = u32::try_from(fault.reason.len()).unwrap_or(u32::MAX);
            out.extend_from_slice(&len.to_le_bytes());
            out.extend_from_slice(fault.reason.as_bytes());
        }
        out.extend_from_slice(&self.records);
        out
    }

    /// Back from bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (consumed, rest) = number(bytes)?;
        let (wants_whole, rest) = rest.split_first()?;
        let (lines, rest) = number(rest)?;
        let (faulty, rest) = number(rest)?;
        let (count, mut rest) = rest.split_first()?;
        let mut faults = Vec::new();
        for _ in 0..*count {
            let (line, tail) = number(rest)?;
            let (reason, tail) = part(tail)?;
            let reason = String::from_utf8_lossy(reason).into_owned();
            faults.push(Fault { line, reason });
            rest = tail;
        }
        Some(Self {
            consumed: usize::try_from(consumed).ok()?,
            wants_whole: *wants_whole != 0,
            lines,
            faulty,
            faults,
            records: rest.to_vec(),
        })
    }
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), rest))
}
