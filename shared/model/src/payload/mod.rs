//! What a payload is, and how to show it: any bytes in, safe text out, in time linear in its length.

mod binary;
mod hex;
mod preview;

pub use binary::{BinaryState, BinaryWord, binary_state};
pub use hex::{HexRow, hex_row_count, hex_rows};
pub use preview::preview;

use crate::json::{is_json, parse_number};

/// What a payload looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PayloadKind {
    /// No bytes at all.
    Empty,
    /// One number in decimal notation.
    Number(f64),
    /// One of the words of two states, such as `ON` or `closed`.
    Word(BinaryState),
    /// A JSON object or list.
    Json,
    /// Any other UTF-8 text.
    Text,
    /// An image by its first bytes.
    Image(ImageFormat),
    /// Bytes that are no text.
    Binary,
}

impl PayloadKind {
    /// Whether the payload can be shown as text.
    #[must_use]
    pub fn is_text(self) -> bool {
        !matches!(self, Self::Image(_) | Self::Binary)
    }
}

/// Image formats that browsers show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFormat {
    /// JPEG
    Jpeg,
    /// PNG
    Png,
    /// GIF
    Gif,
    /// WebP
    Webp,
    /// Windows bitmap
    Bmp,
    /// AVIF
    Avif,
}

impl ImageFormat {
    /// The format's usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Gif => "GIF",
            Self::Webp => "WebP",
            Self::Bmp => "BMP",
            Self::Avif => "AVIF",
        }
    }

    /// The media type, for an image element.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Avif => "image/avif",
        }
    }
}

/// Looks at a payload. A JSON scalar counts as a number, word or text.
#[must_use]
pub fn detect(payload: &[u8]) -> PayloadKind {
    let trimmed = payload.trim_ascii();
    if payload.is_empty() {
        return PayloadKind::Empty;
    }
    if let Some(format) = image_format(payload) {
        return PayloadKind::Image(format);
    }
    match trimmed.first() {
        Some(b'{' | b'[') if is_json(payload) => return PayloadKind::Json,
        Some(b'0'..=b'9' | b'-' | b'+' | b'.') => {
            if let Some(number) = parse_number(payload) {
                return PayloadKind::Number(number);
            }
        }
        _ => {}
    }
    let Ok(text) = std::str::from_utf8(payload) else {
        return PayloadKind::Binary;
    };
    if let Some(state) = binary_state(text).filter(|state| state.word != BinaryWord::ZeroOne) {
        return PayloadKind::Word(state);
    }
    // A text may hold line ends and tabs; many other control characters mean that it is none.
    let controls = text
        .bytes()
        .filter(|byte| matches!(byte, 0..=8 | 0xe..=0x1a | 0x1c..=0x1f | 0x7f))
        .count();
    if controls * 10 > text.len() {
        PayloadKind::Binary
    } else {
        PayloadKind::Text
    }
}

/// The image format by the first bytes.
#[must_use]
pub fn image_format(payload: &[u8]) -> Option<ImageFormat> {
    match payload {
        [0xff, 0xd8, 0xff, ..] => Some(ImageFormat::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(ImageFormat::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(ImageFormat::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(ImageFormat::Webp),
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f', ..] => Some(ImageFormat::Avif),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some(ImageFormat::Bmp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_told_apart() {
        for (payload, kind) in [
            (&b""[..], PayloadKind::Empty),
            (b"21.5", PayloadKind::Number(21.5)),
            (b" 0\n", PayloadKind::Number(0.0)),
            (b"{\"a\":1}", PayloadKind::Json),
            (b"[]", PayloadKind::Json),
            (b"{\"a\":1", PayloadKind::Text),
            (b"hello", PayloadKind::Text),
            (b"12 W", PayloadKind::Text),
            (b"2025-11-19", PayloadKind::Text),
            ("아이 방".as_bytes(), PayloadKind::Text),
            (b"line\nline\ttab", PayloadKind::Text),
            (b"\x00\x01\x02\x03", PayloadKind::Binary),
            (b"\xff\xfe\x00", PayloadKind::Binary),
            (b"\xff\xd8\xff\xe0", PayloadKind::Image(ImageFormat::Jpeg)),
            (b"\x89PNG\r\n\x1a\n...", PayloadKind::Image(ImageFormat::Png)),
            (b"RIFF....WEBPVP8 ", PayloadKind::Image(ImageFormat::Webp)),
        ] {
            assert_eq!(detect(payload), kind, "{payload:?}");
        }
        let on = BinaryState {
            word: BinaryWord::OnOff,
            on: true,
        };
        assert_eq!(detect(b"ON"), PayloadKind::Word(on));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_something(payload in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let kind = detect(&payload);
            proptest::prop_assert!(!kind.is_text() || std::str::from_utf8(&payload).is_ok());
            let shown = preview(&payload, payload.len(), 60);
            proptest::prop_assert!(shown.chars().count() <= 600 && !shown.contains(crate::text::is_unsafe));
        }
    }
}
