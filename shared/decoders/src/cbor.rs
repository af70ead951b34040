//! CBOR (RFC 8949): exactly one data item.

use ciborium_io::Read as _;
use ciborium_ll::{Decoder, Error, Header, simple};

use super::{DecodeError, Fault, MAXIMUM_DEPTH, json::Json};

/// Says "here comes CBOR" and nothing else.
const SELF_DESCRIBED: u64 = 55_799;

pub(crate) fn decode(payload: &[u8]) -> Result<String, DecodeError> {
    let mut reader = Reading {
        decoder: Decoder::from(payload),
        len: payload.len(),
        json: Json::default(),
    };
    let written = reader.pull().and_then(|header| reader.item(header, 0));
    let at = reader.decoder.offset().min(payload.len());
    match written {
        Ok(()) if at < payload.len() => Err(DecodeError {
            fault: Fault::TrailingBytes,
            at,
        }),
        Ok(()) => Ok(reader.json.into_text()),
        Err(fault) => Err(DecodeError { fault, at }),
    }
}

struct Reading<'a> {
    decoder: Decoder<&'a [u8]>,
    len: usize,
    json: Json,
}

impl Reading<'_> {
    fn pull(&mut self) -> Result<Header, Fault> {
        self.decoder.pull().map_err(|error| match error {
            Error::Io(_) => Fault::Truncated,
            Error::Syntax(_) => Fault::Invalid,
        })
    }

    fn item(&mut self, header: Header, depth: usize) -> Result<(), Fault> {
        if depth > MAXIMUM_DEPTH {
            return Err(Fault::TooDeep);
        }
        match header {
            Header::Positive(number) => self.json.whole(number),
            // The wire has -1 - n.
            Header::Negative(number) => self.json.whole(-1 - i128::from(number)),
            Header::Float(number) => self.json.float(number),
            Header::Simple(simple::FALSE) => self.json.raw("false"),
            Header::Simple(simple::TRUE) => self.json.raw("true"),
            Header::Simple(simple::NULL) => self.json.raw("null"),
            Header::Simple(other) => {
                self.json.raw("{\"$simple\":")?;
                self.json.whole(other)?;
                self.json.raw("}")
            }
            Header::Tag(SELF_DESCRIBED) if depth == 0 => {
                let header = self.pull()?;
                self.item(header, depth + 1)
            }
            Header::Tag(tag) => {
                self.json.raw("{\"$tag\":")?;
                self.json.whole(tag)?;
                self.json.raw(",\"value\":")?;
                let header = self.pull()?;
                self.item(header, depth + 1)?;
                self.json.raw("}")
            }
            Header::Bytes(len) => {
                let bytes = self.chunks(len, |header| match header {
                    Header::Bytes(len) => len,
                    _ => None,
                })?;
                self.json.bytes(&bytes)
            }
            Header::Text(len) => {
                let bytes = self.chunks(len, |header| match header {
                    Header::Text(len) => len,
                    _ => None,
                })?;
                self.json
                    .text(std::str::from_utf8(&bytes).map_err(|_| Fault::NotUtf8)?)
            }
            Header::Array(len) => self.array(len, depth),
            Header::Map(len) => self.map(len, depth),
            Header::Break => Err(Fault::Invalid),
        }
    }

    /// Bytes or text: of one length, or in chunks of the same kind until a break.
    fn chunks(
        &mut self,
        len: Option<usize>,
        of_chunk: fn(Header) -> Option<usize>,
    ) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        if let Some(len) = len {
            self.append(&mut bytes, len)?;
            return Ok(bytes);
        }
        loop {
            match self.pull()? {
                Header::Break => return Ok(bytes),
                header => {
                    let len = of_chunk(header).ok_or(Fault::Invalid)?;
                    self.append(&mut bytes, len)?;
                }
            }
        }
    }

    fn append(&mut self, bytes: &mut Vec<u8>, len: usize) -> Result<(), Fault> {
        // A length is believed when the bytes are there.
        if len > self.len.saturating_sub(self.decoder.offset()) {
            return Err(Fault::Truncated);
        }
        let start = bytes.len();
        bytes.resize(start + len, 0);
        let read = bytes.get_mut(start..).map(|into| self.decoder.read_exact(into));
        read.is_some_and(|read| read.is_ok())
            .then_some(())
            .ok_or(Fault::Truncated)
    }

    fn array(&mut self, len: Option<usize>, depth: usize) -> Result<(), Fault> {
        self.json.raw("[")?;
        let mut count = 0;
        while len.is_none_or(|len| count < len) {
            let header = self.pull()?;
            if header == Header::Break && len.is_none() {
                break;
            }
            self.json.raw(if count > 0 { "," } else { "" })?;
            self.item(header, depth + 1)?;
            count += 1;
        }
        self.json.raw("]")
    }

    fn map(&mut self, len: Option<usize>, depth: usize) -> Result<(), Fault> {
        self.json.raw("{")?;
        let mut count = 0;
        while len.is_none_or(|len| count < len) {
            let header = self.pull()?;
            if header == Header::Break && len.is_none() {
                break;
            }
            self.json.raw(if count > 0 { "," } else { "" })?;
            let mark = self.json.mark();
            self.item(header, depth + 1)?;
            self.json.make_key(mark)?;
            self.json.raw(":")?;
            let header = self.pull()?;
            self.item(header, depth + 1)?;
            count += 1;
        }
        self.json.raw("}")
    }
}
