//! Bytes in rows of sixteen, only the rows that are looked at.

use std::fmt::Write as _;

/// Bytes in a row.
const ROW_BYTES: usize = 16;

/// One row of a hex dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HexRow {
    /// Position of the first byte.
    pub offset: usize,
    /// Two digits per byte, a space between bytes.
    pub hex: String,
    /// The bytes as ASCII, others as a dot.
    pub ascii: String,
}

/// How many rows a payload has.
#[must_use]
pub fn hex_row_count(payload: &[u8]) -> usize {
    payload.len().div_ceil(ROW_BYTES)
}

/// Rows `first..first + count`.
#[must_use]
pub fn hex_rows(payload: &[u8], first: usize, count: usize) -> Vec<HexRow> {
    let rows = payload.chunks(ROW_BYTES).enumerate().skip(first).take(count);
    rows.map(|(number, bytes)| {
        let mut hex = String::with_capacity(ROW_BYTES * 3);
        for byte in bytes {
            let space = if hex.is_empty() { "" } else { " " };
            // Writing to a string cannot fail.
            let _ = write!(hex, "{space}{byte:02x}");
        }
        let shown = |byte: &u8| {
            if matches!(byte, 0x20..0x7f) {
                char::from(*byte)
            } else {
                '.'
            }
        };
        HexRow {
            offset: number * ROW_BYTES,
            hex,
            ascii: bytes.iter().map(shown).collect(),
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_hold_sixteen_bytes_each() {
        let rows = hex_rows(b"{\"battery\":87,\"h\x00\xff", 0, 10);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].hex, "7b 22 62 61 74 74 65 72 79 22 3a 38 37 2c 22 68");
        assert_eq!(
            (rows[1].offset, &*rows[1].hex, &*rows[1].ascii),
            (16, "00 ff", "..")
        );
    }

    #[test]
    fn a_window_into_a_large_payload() {
        let payload = vec![0x41; 1024 * 1024];
        assert_eq!(hex_row_count(&payload), 65_536);
        let rows = hex_rows(&payload, 65_535, 10);
        assert_eq!((rows.len(), rows[0].offset), (1, 1_048_560));
        assert!(hex_rows(b"", 0, 10).is_empty());
    }
}
