//! MessagePack: exactly one value.

use super::{DecodeError, Fault, MAXIMUM_DEPTH, Reader, json::Json};

pub(crate) fn decode(payload: &[u8]) -> Result<String, DecodeError> {
    let mut reading = Reading {
        reader: Reader::new(payload),
        json: Json::default(),
    };
    reading.value(0)?;
    if !reading.reader.is_empty() {
        return Err(reading.reader.fail(Fault::TrailingBytes));
    }
    Ok(reading.json.into_text())
}

struct Reading<'a> {
    reader: Reader<'a>,
    json: Json,
}

impl Reading<'_> {
    fn write(&mut self, write: impl FnOnce(&mut Json) -> Result<(), Fault>) -> Result<(), DecodeError> {
        write(&mut self.json).map_err(|fault| self.reader.fail(fault))
    }

    fn value(&mut self, depth: usize) -> Result<(), DecodeError> {
        if depth > MAXIMUM_DEPTH {
            return Err(self.reader.fail(Fault::TooDeep));
        }
        let marker = self.reader.byte()?;
        match marker {
            0x00..=0x7f => self.write(|json| json.whole(marker)),
            0x80..=0x8f => self.map(usize::from(marker & 0x0f), depth),
            0x90..=0x9f => self.array(usize::from(marker & 0x0f), depth),
            0xa0..=0xbf => self.text(usize::from(marker & 0x1f)),
            0xc0 => self.write(|json| json.raw("null")),
            0xc1 => Err(self.reader.fail(Fault::Invalid)),
            0xc2 => self.write(|json| json.raw("false")),
            0xc3 => self.write(|json| json.raw("true")),
            0xc4..=0xc6 => {
                let len = self.reader.len(1 << (marker - 0xc4))?;
                let bytes = self.reader.take(len)?;
                self.write(|json| json.bytes(bytes))
            }
            0xc7..=0xc9 => {
                let len = self.reader.len(1 << (marker - 0xc7))?;
                self.extension(len)
            }
            0xca => {
                let number = f32::from_be_bytes(self.reader.array()?);
                self.write(|json| json.single(number))
            }
            0xcb => {
                let number = f64::from_be_bytes(self.reader.array()?);
                self.write(|json| json.float(number))
            }
            0xcc..=0xcf => {
                let number = self.reader.whole(1 << (marker - 0xcc))?;
                self.write(|json| json.whole(number))
            }
            0xd0..=0xd3 => {
                let bytes = 1 << (marker - 0xd0);
                let shift = 64 - 8 * bytes;
                let number = (self.reader.whole(bytes)? << shift).cast_signed() >> shift;
                self.write(|json| json.whole(number))
            }
            0xd4..=0xd8 => self.extension(1 << (marker - 0xd4)),
            0xd9..=0xdb => {
                let len = self.reader.len(1 << (marker - 0xd9))?;
                self.text(len)
            }
            0xdc | 0xdd => {
                let len = self.reader.len(2 << (marker - 0xdc))?;
                self.array(len, depth)
            }
            0xde | 0xdf => {
                let len = self.reader.len(2 << (marker - 0xde))?;
                self.map(len, depth)
            }
            0xe0..=0xff => self.write(|json| json.whole(marker.cast_signed())),
        }
    }

    fn text(&mut self, len: usize) -> Result<(), DecodeError> {
        let text = self.reader.text(len)?;
        self.write(|json| json.text(text))
    }

    /// A type of the sender's own, -1 is a time.
    fn extension(&mut self, len: usize) -> Result<(), DecodeError> {
        let kind = self.reader.byte()?.cast_signed();
        let bytes = self.reader.take(len)?;
        self.write(|json| {
            json.raw("{\"$ext\":")?;
            json.whole(kind)?;
            json.raw(",\"hex\":")?;
            json.hex(bytes)?;
            json.raw("}")
        })
    }

    fn array(&mut self, len: usize, depth: usize) -> Result<(), DecodeError> {
        self.write(|json| json.raw("["))?;
        for place in 0..len {
            self.write(|json| json.raw(if place > 0 { "," } else { "" }))?;
            self.value(depth + 1)?;
        }
        self.write(|json| json.raw("]"))
    }

    fn map(&mut self, len: usize, depth: usize) -> Result<(), DecodeError> {
        self.write(|json| json.raw("{"))?;
        for place in 0..len {
            self.write(|json| json.raw(if place > 0 { "," } else { "" }))?;
            let mark = self.json.mark();
            self.value(depth + 1)?;
            self.write(|json| {
                json.make_key(mark)?;
                json.raw(":")
            })?;
            self.value(depth + 1)?;
        }
        self.write(|json| json.raw("}"))
    }
}
