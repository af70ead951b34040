//! Which packing a payload has, when that is beyond doubt.

use super::{Packing, decode};

/// The packing that the sender names or that the bytes prove: by the media type of MQTT 5, by the first bytes that a
/// format has for this, or because all of it reads as one object with names. `None` for every text, and when in doubt:
/// almost any few bytes are valid MessagePack.
#[must_use]
pub fn recognize(payload: &[u8], content_type: Option<&str>) -> Option<Packing> {
    let named = content_type.and_then(by_media_type);
    if named.is_some_and(|packing| decode(packing, payload).is_ok()) {
        return named;
    }
    let reads = |packing| decode(packing, payload).is_ok();
    match payload {
        [0x1f, 0x8b, 8, ..] => Some(Packing::Compressed).filter(|packing| reads(*packing)),
        [0xd9, 0xd9, 0xf7, ..] => Some(Packing::Cbor).filter(|packing| reads(*packing)),
        _ if is_text(payload) => None,
        // 2 bits of the first two bytes are free for a sum: with the whole stream and its checksum, no accident.
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => Some(Packing::Compressed).filter(|packing| reads(*packing)),
        _ => {
            // An object whose first name is a text of at least one character.
            let is_map = |text: &[u8]| {
                text.starts_with(b"{\"") && !text.starts_with(b"{\"\"") && !text.starts_with(b"{\"$")
            };
            let named = |packing: &Packing| {
                decode(*packing, payload).is_ok_and(|json| is_map(&json))
                    && begins_with_name(*packing, payload)
            };
            [Packing::Cbor, Packing::MessagePack].into_iter().find(named)
        }
    }
}

/// Whether the first key of the map is a text.
fn begins_with_name(packing: Packing, payload: &[u8]) -> bool {
    match (packing, payload) {
        (Packing::Cbor, [0xa1..=0xb7 | 0xbf, key, ..]) => matches!(key, 0x61..=0x78),
        (Packing::Cbor, [0xb8, _, key, ..] | [0xb9, _, _, key, ..]) => matches!(key, 0x61..=0x78),
        (Packing::MessagePack, [0x81..=0x8f, key, ..] | [0xde, _, _, key, ..]) => {
            matches!(key, 0xa1..=0xbf | 0xd9)
        }
        _ => false,
    }
}

fn by_media_type(content_type: &str) -> Option<Packing> {
    let media_type = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let kind = media_type.strip_prefix("application/")?;
    match kind {
        "cbor" => Some(Packing::Cbor),
        "msgpack" | "x-msgpack" | "vnd.msgpack" => Some(Packing::MessagePack),
        "protobuf" | "x-protobuf" | "vnd.google.protobuf" => Some(Packing::Protobuf),
        "gzip" | "x-gzip" | "zlib" => Some(Packing::Compressed),
        kind if kind.ends_with("+cbor") => Some(Packing::Cbor),
        _ => None,
    }
}

/// UTF-8 without the control characters that no text has.
fn is_text(payload: &[u8]) -> bool {
    std::str::from_utf8(payload).is_ok_and(|text| {
        !text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{1b}'))
    })
}
