//! Lengths and appending, the counterpart of the reader. What is written here has been checked before.

use bytes::{BufMut, BytesMut};

use super::{utf8_string, variable_byte_integer};
use crate::{
    error::{EncodeError, Rule},
    packet::{Properties, PropertiesRef, ReasonCode},
    version::ProtocolVersion,
};

/// Fails unless `text` can be a UTF-8 Encoded String.
pub(crate) fn check_string(field: &'static str, text: &str) -> Result<(), EncodeError> {
    check_binary(field, text.as_bytes())?;
    if utf8_string::scan(text.as_bytes()).special {
        return Err(EncodeError::Breaks {
            rule: Rule::Nul,
            field,
        });
    }
    Ok(())
}

/// Fails unless `data` can be Binary Data.
pub(crate) fn check_binary(field: &'static str, data: &[u8]) -> Result<(), EncodeError> {
    if data.len() > usize::from(u16::MAX) {
        return Err(EncodeError::TooLong {
            field,
            bytes: data.len(),
        });
    }
    Ok(())
}

/// Fails when 3.1.1 is asked to say what only 5.0 can.
pub(crate) fn v5_only(version: ProtocolVersion, wanted: bool, what: &'static str) -> Result<(), EncodeError> {
    if wanted && !version.is_v5() {
        return Err(EncodeError::NotInVersion { version, what });
    }
    Ok(())
}

/// Fails when properties stand where they may not.
pub(crate) fn check_properties(
    version: ProtocolVersion,
    properties: &Properties,
    allowed: u64,
) -> Result<(), EncodeError> {
    check_properties_ref(version, properties.as_view(), allowed)
}

/// The same for borrowed ones.
#[inline(always)]
pub(crate) fn check_properties_ref(
    version: ProtocolVersion,
    properties: PropertiesRef<'_>,
    allowed: u64,
) -> Result<(), EncodeError> {
    if properties.is_empty() {
        return Ok(());
    }
    v5_only(version, true, "properties")?;
    properties
        .check_allowed(allowed)
        .map_err(|(rule, field)| EncodeError::Breaks { rule, field })
}

/// How many bytes a packet of this Remaining Length takes.
pub(crate) fn packet_len(remaining_len: usize) -> usize {
    let length = u32::try_from(remaining_len).unwrap_or(u32::MAX);
    1 + variable_byte_integer::encoded_len(length) + remaining_len
}

/// A Remaining Length that can be said.
#[inline(always)]
pub(crate) fn remaining_length(remaining_len: usize) -> Result<u32, EncodeError> {
    u32::try_from(remaining_len)
        .ok()
        .filter(|len| *len <= variable_byte_integer::MAX)
        .ok_or(EncodeError::PacketTooLarge { bytes: remaining_len })
}

/// Makes room for a packet of this Remaining Length.
#[inline(always)]
pub(crate) fn reserve(remaining_len: usize, out: &mut BytesMut) -> Result<u32, EncodeError> {
    let remaining_length = remaining_length(remaining_len)?;
    out.reserve(1 + variable_byte_integer::encoded_len(remaining_length) + remaining_len);
    Ok(remaining_length)
}

/// Appends the first byte and the Remaining Length in one store of a fixed size; the packet follows.
#[inline(always)]
pub(crate) fn put_fixed_header(first_byte: u8, remaining_length: u32, out: &mut BytesMut) {
    if remaining_length < 6 {
        return out.put_slice(&[first_byte, remaining_length as u8]);
    }
    // The packet has at least eight bytes and room for them: what is too much here is taken back.
    let (length, length_len) = variable_byte_integer::packed(remaining_length);
    let end = out.len() + 1 + length_len;
    out.put_u64_le(u64::from(first_byte) | u64::from(length) << 8);
    out.truncate(end);
}

/// The greatest Remaining Length of two bytes.
pub(crate) const SHORT: usize = 0x3FFF;

/// How many bytes the fixed header then takes at most.
pub(crate) const SHORT_HEADER: usize = 3;

/// The same with the length of the string that follows, in stores of constant size for packets of ordinary size.
#[inline(always)]
pub(crate) fn put_fixed_header_and_len(
    first_byte: u8,
    remaining_length: u32,
    string_len: u16,
    out: &mut BytesMut,
) {
    let [high, low] = string_len.to_be_bytes();
    let low_bits = remaining_length as u8;
    match remaining_length as usize {
        0..0x80 => out.put_slice(&[first_byte, low_bits, high, low]),
        0x80..=SHORT => {
            let high_bits = (remaining_length >> 7) as u8;
            out.put_slice(&[first_byte, low_bits | 0x80, high_bits, high, low]);
        }
        _ => {
            put_fixed_header(first_byte, remaining_length, out);
            out.put_u16(string_len);
        }
    }
}

/// Copies what is mostly short to a place of the same size: 8 to 64 bytes as two copies of constant size that overlap, which
/// spares the call and the decisions of a copy of any length.
#[inline(always)]
pub(crate) fn copy_short(from: &[u8], to: &mut [u8]) {
    match from.len() {
        8..=15 => copy_ends::<8>(from, to),
        16..=32 => copy_ends::<16>(from, to),
        33..=64 => copy_ends::<32>(from, to),
        _ => to.copy_from_slice(from),
    }
}

/// The first and the last `N` bytes, which together are all.
#[inline(always)]
fn copy_ends<const N: usize>(from: &[u8], to: &mut [u8]) {
    if let (Some(from), Some(to)) = (from.first_chunk::<N>(), to.first_chunk_mut()) {
        *to = *from;
    }
    if let (Some(from), Some(to)) = (from.last_chunk::<N>(), to.last_chunk_mut()) {
        *to = *from;
    }
}

/// Property Length and properties; nothing in 3.1.1.
#[inline(always)]
pub(crate) fn properties_len(version: ProtocolVersion, properties: &Properties) -> usize {
    if !version.is_v5() {
        return 0;
    }
    let len = properties.len_bytes();
    variable_byte_integer::encoded_len(u32::try_from(len).unwrap_or(u32::MAX)) + len
}

/// A length that has been checked, as the wire has it.
fn two_byte_len(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

/// Appending the data types of MQTT.
pub(crate) trait Writer {
    /// Length and bytes.
    fn put_prefixed(&mut self, data: &[u8]);
    /// One code.
    fn put_reason_code(&mut self, code: ReasonCode);
    /// Property Length and properties; nothing in 3.1.1.
    fn put_properties(&mut self, version: ProtocolVersion, properties: &Properties);
}

impl Writer for BytesMut {
    #[inline]
    fn put_prefixed(&mut self, data: &[u8]) {
        self.put_u16(two_byte_len(data.len()));
        self.put_slice(data);
    }

    fn put_reason_code(&mut self, code: ReasonCode) {
        self.put_u8(code.0);
    }

    #[inline]
    fn put_properties(&mut self, version: ProtocolVersion, properties: &Properties) {
        if version.is_v5() {
            let raw = properties.as_bytes();
            let len = u32::try_from(raw.len()).unwrap_or(u32::MAX);
            variable_byte_integer::write(len.min(variable_byte_integer::MAX), self);
            self.put_slice(raw);
        }
    }
}
