//! PINGREQ and PINGRESP: two packets without a body.

use crate::{codec::reader::Reader, error::DecodeError};

/// Checks that there is no body.
pub(super) fn decode(reader: Reader<'_>, name: &'static str) -> Result<(), DecodeError> {
    reader.finish(name)
}
