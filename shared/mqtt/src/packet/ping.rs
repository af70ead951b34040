//! PINGREQ and PINGRESP: two packets without a body.

use bytes::BytesMut;

use super::{Body, PacketType};
use crate::{
    codec::reader::Reader,
    error::{DecodeError, EncodeError},
    version::ProtocolVersion,
};

/// Checks that there is no body.
pub(super) fn decode(reader: Reader<'_>, name: &'static str) -> Result<(), DecodeError> {
    reader.finish(name)
}

/// The body that is not there.
pub(super) struct Ping;

impl Body for Ping {
    fn check(&self, _version: ProtocolVersion, _packet: PacketType) -> Result<(), EncodeError> {
        Ok(())
    }

    fn remaining_len(&self, _version: ProtocolVersion) -> usize {
        0
    }

    fn write(&self, _version: ProtocolVersion, _out: &mut BytesMut) {}
}
