//! Payloads that are no text, made readable.
//!
//! [`decode`] turns CBOR, MessagePack and Protobuf without a schema into JSON text, and unpacks gzip and zlib. What JSON
//! cannot say is an object with one member that begins with `$`: `{"$hex": "0a0b"}` for bytes, `{"$float": "NaN"}`,
//! `{"$tag": 1, "value": …}`, `{"$simple": 23}`, `{"$ext": 5, "hex": "…"}`. Whole numbers keep all their digits.
//!
//! [`recognize()`] is careful: it names a format only when the bytes say so themselves, never for text.
//!
//! Nothing here recurses without bound, no length in the input is believed before the bytes are there, and what is
//! written is limited: [`MAXIMUM_DEPTH`], [`MAXIMUM_OUTPUT`].

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod cbor;
mod inflate;
mod json;
mod message_pack;
mod protobuf;
mod recognize;

pub use recognize::recognize;

/// Containers within containers.
pub const MAXIMUM_DEPTH: usize = 128;
/// Bytes of JSON or of unpacked data.
pub const MAXIMUM_OUTPUT: usize = 8 * 1024 * 1024;

/// How a payload is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// RFC 8949
    Cbor,
    /// The MessagePack specification of 2013.
    MessagePack,
    /// Protocol Buffers: fields by number, values as the wire tells them.
    Protobuf,
    /// gzip (RFC 1952) or zlib (RFC 1950).
    Compressed,
}

impl Packing {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Cbor, Self::MessagePack, Self::Protobuf, Self::Compressed];

    /// As it is written everywhere.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Cbor => "cbor",
            Self::MessagePack => "msgpack",
            Self::Protobuf => "protobuf",
            Self::Compressed => "gzip",
        }
    }

    /// The packing that is written so.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|packing| packing.word() == word)
    }
}

/// Why a payload cannot be decoded, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}, at byte {at}")]
pub struct DecodeError {
    /// What is wrong.
    pub fault: Fault,
    /// Bytes that were read before.
    pub at: usize,
}

/// What is wrong with a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes end inside a value.
    #[error("it ends in the middle of a value")]
    Truncated,
    /// Bytes that the format does not have.
    #[error("these bytes are not of this format")]
    Invalid,
    /// A text that is no UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// There is more after the value.
    #[error("there are more bytes after the end")]
    TrailingBytes,
    /// Nested too deeply.
    #[error("it is nested deeper than {MAXIMUM_DEPTH} levels")]
    TooDeep,
    /// What it would become is too large.
    #[error("it would become larger than {} MiB", MAXIMUM_OUTPUT / 1024 / 1024)]
    TooLarge,
    /// The checksum says that bytes changed on the way.
    #[error("its checksum is wrong")]
    Checksum,
}

/// Decodes a whole payload: JSON text, or the unpacked bytes of what is compressed.
///
/// # Errors
/// What is wrong with it.
pub fn decode(packing: Packing, payload: &[u8]) -> Result<Vec<u8>, DecodeError> {
    match packing {
        Packing::Cbor => cbor::decode(payload).map(String::into_bytes),
        Packing::MessagePack => message_pack::decode(payload).map(String::into_bytes),
        Packing::Protobuf => protobuf::decode(payload).map(String::into_bytes),
        Packing::Compressed => inflate::decode(payload),
    }
}

/// Reads bytes one after the other, never beyond the end.
#[derive(Clone, Copy, Debug)]
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn fail(&self, fault: Fault) -> DecodeError {
        DecodeError { fault, at: self.at }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let end = self.at.checked_add(len);
        let taken = end
            .and_then(|end| self.bytes.get(self.at..end))
            .ok_or_else(|| self.fail(Fault::Truncated))?;
        self.at += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| self.fail(Fault::Truncated))
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    /// A number of `len` bytes, largest first.
    fn whole(&mut self, len: usize) -> Result<u64, DecodeError> {
        let bytes = self.take(len)?;
        Ok(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn len(&mut self, bytes: usize) -> Result<usize, DecodeError> {
        let len = self.whole(bytes)?;
        usize::try_from(len).map_err(|_| self.fail(Fault::Truncated))
    }

    fn text(&mut self, len: usize) -> Result<&'a str, DecodeError> {
        let at = self.at;
        std::str::from_utf8(self.take(len)?).map_err(|_| DecodeError {
            fault: Fault::NotUtf8,
            at,
        })
    }
}
