//! gzip (RFC 1952, several members too) and zlib (RFC 1950), unpacked to a limit.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::{DecodeError, Fault, MAXIMUM_OUTPUT, Reader};

pub(crate) fn decode(payload: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut reader = Reader::new(payload);
    let mut out = Vec::new();
    if !payload.starts_with(&[0x1f, 0x8b]) {
        inflate(&mut reader, &mut out, TINFL_FLAG_PARSE_ZLIB_HEADER)?;
    } else {
        while !reader.is_empty() {
            let start = out.len();
            skip_header(&mut reader)?;
            inflate(&mut reader, &mut out, 0)?;
            let (sum, len) = (
                u32::from_le_bytes(reader.array()?),
                u32::from_le_bytes(reader.array()?),
            );
            let member = out.get(start..).unwrap_or_default();
            if sum != crc32(member) || len as usize != member.len() {
                return Err(reader.fail(Fault::Checksum));
            }
        }
    }
    if !reader.is_empty() {
        return Err(reader.fail(Fault::TrailingBytes));
    }
    Ok(out)
}

/// The header of a member: ten bytes, and what its flags announce.
fn skip_header(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    let [first, second, method, flags, ..] = reader.array::<10>()?;
    if [first, second, method] != [0x1f, 0x8b, 8] || flags & 0xe0 != 0 {
        return Err(reader.fail(Fault::Invalid));
    }
    if flags & 4 != 0 {
        let len = u16::from_le_bytes(reader.array()?);
        reader.take(usize::from(len))?;
    }
    for flag in [8, 16] {
        // A file name, a comment: up to a zero.
        while flags & flag != 0 && reader.byte()? != 0 {}
    }
    if flags & 2 != 0 {
        reader.take(2)?;
    }
    Ok(())
}

fn inflate(reader: &mut Reader<'_>, out: &mut Vec<u8>, flags: u32) -> Result<(), DecodeError> {
    let mut inflater = Box::<DecompressorOxide>::default();
    let flags = flags | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    // A member's matches reach back into this member only.
    let start = out.len();
    let mut written = 0;
    loop {
        let packed = reader.bytes.get(reader.at..).unwrap_or_default();
        let room = out.get_mut(start..).unwrap_or_default();
        let (status, read, more) = decompress(&mut inflater, packed, room, written, flags);
        reader.at += read;
        written += more;
        match status {
            TINFLStatus::Done => {
                out.truncate(start + written);
                return Ok(());
            }
            TINFLStatus::HasMoreOutput if out.len() < MAXIMUM_OUTPUT => {
                let len = (out.len() * 2).clamp(16 * 1024, MAXIMUM_OUTPUT);
                out.resize(len, 0);
            }
            TINFLStatus::HasMoreOutput => return Err(reader.fail(Fault::TooLarge)),
            TINFLStatus::NeedsMoreInput | TINFLStatus::FailedCannotMakeProgress => {
                return Err(reader.fail(Fault::Truncated));
            }
            TINFLStatus::Adler32Mismatch => return Err(reader.fail(Fault::Checksum)),
            _ => return Err(reader.fail(Fault::Invalid)),
        }
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg())
        })
    });
    !sum
}
