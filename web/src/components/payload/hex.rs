//! Bytes as offset, hex digits and characters. Pure.

/// Bytes in a row.
const ROW: usize = 16;

/// One row of a hex dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HexRow {
    /// "0010"
    pub(crate) offset: String,
    /// "7b 22 …", padded to the width of a full row.
    pub(crate) digits: String,
    /// Printable ASCII, dots for the rest.
    pub(crate) text: String,
}

/// How many rows `len` bytes need.
pub(crate) fn row_count(len: usize) -> usize {
    len.div_ceil(ROW)
}

/// Row `index` of a dump.
pub(crate) fn row(bytes: &[u8], index: usize) -> HexRow {
    let start = index * ROW;
    let row = bytes.get(start..bytes.len().min(start + ROW)).unwrap_or_default();
    let mut digits = String::with_capacity(ROW * 3 + 1);
    for at in 0..ROW {
        if at == ROW / 2 {
            digits.push(' ');
        }
        match row.get(at) {
            Some(byte) => digits.push_str(&format!("{byte:02x} ")),
            None => digits.push_str("   "),
        }
    }
    let text = row
        .iter()
        .map(|byte| {
            if (0x20..0x7f).contains(byte) {
                char::from(*byte)
            } else {
                '·'
            }
        })
        .collect();
    HexRow {
        offset: format!("{start:04x}"),
        digits,
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_last_row_is_as_wide_as_the_others() {
        let bytes: Vec<u8> = (0..18).collect();
        assert_eq!(row_count(bytes.len()), 2);
        let (first, last) = (row(&bytes, 0), row(&bytes, 1));
        assert_eq!(last.offset, "0010");
        assert_eq!(first.digits.len(), last.digits.len());
        assert!(last.digits.starts_with("10 11 "));
        assert_eq!(row(b"a\xffz", 0).text, "a·z");
        assert_eq!(row_count(0), 0);
    }
}
