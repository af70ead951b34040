//! The opening handshake and the frames of a WebSocket: nothing panics, and frames mean the same however they are cut.

#![no_main]
#![allow(dead_code, reason = "parts of a larger crate")]

#[path = "../bridge/websocket.rs"]
mod websocket;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use websocket::{
    frame::{Control, FrameReader, HEADER_ROOM, write_binary_header},
    handshake::Handshake,
};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    match first & 3 {
        0 | 2 => shake_hands(rest),
        1 => read_frames(
            || FrameReader::of_browser(2_000, 20),
            usize::from(first >> 2),
            rest,
        ),
        _ => read_frames(FrameReader::of_broker, usize::from(first >> 2), rest),
    }
});

/// One header a line. Those that a handshake needs are there, unless a line takes their place.
fn shake_hands(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "mqtt"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for line in data.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) else {
            continue;
        };
        if value.len() % 2 == 0 {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
    if let Ok(handshake) = Handshake::read(&Method::GET, Version::HTTP_11, &headers) {
        let answer = handshake.headers().expect("an answer can be written");
        assert_eq!(answer["sec-websocket-protocol"], "mqtt");
        assert_eq!(answer["sec-websocket-accept"].len(), 28);
    }
}

/// The payload and how it ended, read in pieces of `piece`. What comes after a frame that was refused is read too, as a bridge
/// does that waits for the close frame.
fn read(mut reader: FrameReader, data: &[u8], piece: usize) -> (Vec<u8>, Control, Option<u16>) {
    let (mut payload, mut control, mut refused) = (Vec::new(), Control::default(), None);
    for part in data.chunks(piece.max(1)) {
        let mut part = part.to_vec();
        match reader.read(&mut part, &mut control) {
            Ok(len) => payload.extend_from_slice(&part[..len]),
            Err(close) => refused = refused.or(Some(close.code)),
        }
    }
    (payload, control, refused)
}

fn read_frames(reader: impl Fn() -> FrameReader, piece: usize, data: &[u8]) {
    let (whole, whole_control, whole_error) = read(reader(), data, usize::MAX);
    let (cut, cut_control, cut_error) = read(reader(), data, piece);
    assert_eq!(whole_error, cut_error);
    if whole_error.is_none() {
        assert_eq!(whole, cut);
        assert_eq!(whole_control, cut_control);
    }
    assert!(cut.len() <= data.len());
    // What the bridge writes to browsers, a client reads as it was, and a server refuses, for it is not masked.
    let mut room = [0; HEADER_ROOM];
    let header_len = write_binary_header(&mut room, data.len());
    let written = [&room[HEADER_ROOM - header_len..], data].concat();
    let (payload, _, error) = read(FrameReader::of_broker(), &written, piece);
    assert!(payload == data && error.is_none());
    let (_, _, error) = read(FrameReader::of_browser(u32::MAX, 20), &written, piece);
    assert_eq!(error, Some(1002));
}
