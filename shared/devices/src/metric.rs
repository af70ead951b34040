//! A number for a metric of Sparkplug B, as a message of protocol buffers (Sparkplug 3.0, chapters 6.4.1 and 6.4.16).

use hearth_model::json::parse_number;

/// A metric that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// By which it is named instead, when its birth said one: commands then have no name.
    pub alias: Option<u64>,
    /// One of a number, or 11.
    pub datatype: u32,
    /// What a boolean is set to.
    pub fixed: Option<bool>,
}

impl Metric {
    /// The message that sets it to this; `None` when its type cannot hold that.
    pub(crate) fn payload(&self, words: &str) -> Option<Vec<u8>> {
        let number = match self.fixed {
            Some(is_on) => f64::from(u8::from(is_on)),
            None => parse_number(words.trim().as_bytes())?,
        };
        number_of(&self.name, self.alias, self.datatype, number)
    }
}

/// A message with one metric of this name and datatype; `None` when the type cannot hold the number, or is none of a
/// number.
fn number_of(name: &str, alias: Option<u64>, datatype: u32, number: f64) -> Option<Vec<u8>> {
    let mut metric = Vec::new();
    match alias {
        Some(alias) => {
            varint(&mut metric, 2 << 3);
            varint(&mut metric, alias);
        }
        None => field(&mut metric, 1, name.as_bytes()),
    }
    varint(&mut metric, 4 << 3);
    varint(&mut metric, datatype.into());
    match datatype {
        1..=8 => {
            let (least, most) = range(datatype);
            if number.fract() != 0.0 || !(least..=most).contains(&number) {
                return None;
            }
            // Small signed numbers travel as unsigned ones of 32 bits, in their own two's complement.
            let bits = match datatype {
                1..=3 => u64::from((number as i32).cast_unsigned()),
                4 => (number as i64).cast_unsigned(),
                _ => number as u64,
            };
            let is_long = matches!(datatype, 4 | 7 | 8);
            varint(&mut metric, if is_long { 11 << 3 } else { 10 << 3 });
            varint(&mut metric, bits);
        }
        9 => {
            varint(&mut metric, 12 << 3 | 5);
            metric.extend((number as f32).to_le_bytes());
        }
        10 => {
            varint(&mut metric, 13 << 3 | 1);
            metric.extend(number.to_le_bytes());
        }
        11 => {
            varint(&mut metric, 14 << 3);
            varint(&mut metric, u64::from(number != 0.0));
        }
        _ => return None,
    }
    // A timestamp: nobody has a clock here.
    let mut message = vec![0x08, 0x00];
    field(&mut message, 2, &metric);
    Some(message)
}

/// What the types of whole numbers hold; beyond 2^53 a number here is no longer exact.
fn range(datatype: u32) -> (f64, f64) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match datatype {
        1 => (-128.0, 127.0),
        2 => (-32_768.0, 32_767.0),
        3 => (-2_147_483_648.0, 2_147_483_647.0),
        4 => (-EXACT, EXACT),
        5 => (0.0, 255.0),
        6 => (0.0, 65_535.0),
        7 => (0.0, 4_294_967_295.0),
        _ => (0.0, EXACT),
    }
}

fn field(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_their_types_want_them() {
        let written = |datatype, value| {
            let bytes = number_of("N", None, datatype, value)?;
            // Behind the timestamp, the metric's length, its name and its type.
            assert_eq!(bytes[..3], [0x08, 0x00, 0x12]);
            assert_eq!(bytes[4..9], [0x0a, 1, b'N', 0x20, datatype as u8]);
            assert_eq!(usize::from(bytes[3]), bytes.len() - 4);
            Some(bytes[9..].to_vec())
        };
        assert_eq!(written(3, 300.0), Some(vec![0x50, 0xac, 0x02]));
        assert_eq!(written(1, -1.0), Some(vec![0x50, 0xff, 0xff, 0xff, 0xff, 0x0f]));
        assert_eq!(written(8, 5.0), Some(vec![0x58, 5]));
        assert_eq!(written(9, 1.5), Some(vec![0x65, 0, 0, 0xc0, 0x3f]));
        assert_eq!(
            written(10, 21.5),
            Some(vec![0x69, 0, 0, 0, 0, 0, 0x80, 0x35, 0x40])
        );
        // What has an alias is named by it alone.
        let bytes = number_of("N", Some(300), 11, 1.0);
        let expected = [0x08, 0x00, 0x12, 7, 0x10, 0xac, 0x02, 0x20, 11, 0x70, 1];
        assert_eq!(bytes.as_deref(), Some(&expected[..]));
        for (datatype, value) in [
            (1, 128.0),
            (5, -1.0),
            (6, 0.5),
            (7, 1e12),
            (8, f64::NAN),
            (12, 1.0),
            (0, 1.0),
        ] {
            assert_eq!(written(datatype, value), None, "{datatype} {value}");
        }
    }
}
