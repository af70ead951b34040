//! Lengths and appending, the counterpart of the reader. What is written here has been checked before.

use bytes::{BufMut, BytesMut};

use super::{utf8_string, variable_byte_integer};
use crate::{
    error::{EncodeError, Rule},
    packet::{Properties, ReasonCode},
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
    if properties.is_empty() {
        return Ok(());
    }
    v5_only(version, true, "properties")?;
    properties
        .check_allowed(allowed)
        .map_err(|(rule, field)| EncodeError::Breaks { rule, field })
}

/// Property Length and properties; nothing in 3.1.1.
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
            variable_byte_integer::write(u32::try_from(raw.len()).unwrap_or(u32::MAX), self);
            self.put_slice(raw);
        }
    }
}
