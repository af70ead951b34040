use proptest::{collection::vec, prelude::*};

use super::*;

const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len @ 126..=0xFFFF => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    frame
}

/// Feeds `bytes` in pieces of `piece`, and gives back payload and control.
fn read(bytes: &[u8], piece: usize) -> Result<(Vec<u8>, Control), Close> {
    let (mut reader, mut control, mut payload) =
        (FrameReader::of_browser(100_000, 100), Control::default(), vec![]);
    for part in bytes.chunks(piece) {
        let mut part = part.to_vec();
        let len = reader.read(&mut part, &mut control)?;
        payload.extend_from_slice(&part[..len]);
    }
    Ok((payload, control))
}

#[test]
fn payload_is_the_same_however_frames_and_reads_are_cut() {
    let message: Vec<u8> = (0..70_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let mut stream = vec![];
    stream.extend(masked(0x82, &message[..1]));
    stream.extend(masked(0x02, &message[1..125]));
    stream.extend(masked(0x89, b"are you there"));
    stream.extend(masked(0x00, &message[125..400]));
    stream.extend(masked(0x80, b""));
    stream.extend(masked(0x82, b""));
    stream.extend(masked(0x82, &message[400..]));
    for piece in [1, 2, 3, 5, 7, 13, 64, 1_000, 65_536, stream.len()] {
        let (payload, control) = read(&stream, piece).unwrap();
        assert!(payload == message, "pieces of {piece}");
        assert_eq!(
            control.ping.as_deref(),
            Some(&b"are you there"[..]),
            "pieces of {piece}"
        );
        assert_eq!(control.close, None);
    }
}

#[test]
fn nothing_is_read_after_a_close_frame() {
    let mut stream = masked(0x82, b"before");
    stream.extend(masked(0x88, &[0x03, 0xE8, b'o', b'k']));
    stream.extend(masked(0x82, b"after"));
    let (payload, control) = read(&stream, stream.len()).unwrap();
    assert_eq!(
        (payload.as_slice(), control.close),
        (&b"before"[..], Some(Some(1000)))
    );
    assert_eq!(read(&masked(0x88, b""), 1).unwrap().1.close, Some(None));
}

#[test]
fn what_follows_a_refused_frame_is_dropped() {
    let check = |mut reader: FrameReader, start: &[u8]| {
        let mut control = Control::default();
        assert!(
            reader.read(&mut start.to_vec(), &mut control).is_err(),
            "{start:02x?}"
        );
        for _ in 0..3 {
            let mut more = masked(0x88, &[0xFF; 40]);
            assert_eq!(reader.read(&mut more, &mut control), Ok(0), "after {start:02x?}");
        }
        assert_eq!(control, Control::default());
    };
    for start in [
        &[0x82, 0x05][..],
        &[0xC2, 0x85],
        &[0x83, 0x80],
        &[0x82, 0xFE, 0, 1, 0, 0, 0, 0],
    ] {
        check(FrameReader::of_browser(100_000, 100), start);
    }
    for start in [
        &[0x82, 0x85][..],
        &[0xC2, 0x05],
        &[0x83, 0x00],
        &[0x82, 126, 0, 1],
    ] {
        check(FrameReader::of_broker(), start);
    }
}

#[test]
fn broken_frames_are_refused_with_the_right_code() {
    let check = |bytes: &[u8], code: u16, part: &str| {
        let refused = read(bytes, bytes.len()).unwrap_err();
        assert_eq!(refused.code, code, "{bytes:02x?}: {}", refused.reason);
        assert!(refused.reason.contains(part), "{bytes:02x?}: {}", refused.reason);
    };
    check(&masked(0x81, b"text"), 1003, "text frames");
    check(&[0x82, 0x01, 0x00], 1002, "masked");
    check(&masked(0xC2, b""), 1002, "reserved");
    check(&masked(0x83, b""), 1002, "opcode");
    check(&masked(0x8B, b""), 1002, "opcode");
    check(&masked(0x80, b""), 1002, "without a message");
    check(
        &[masked(0x02, b"a"), masked(0x82, b"b")].concat(),
        1002,
        "before the last one",
    );
    check(&masked(0x09, b""), 1002, "in pieces");
    check(&masked(0x89, &[0; 126]), 1002, "more than 125");
    check(&masked(0x88, &[0x03]), 1002, "one byte");
    check(&masked(0x88, &[0x03, 0xED]), 1002, "may not be sent");
    check(&masked(0x88, &[0x03, 0xE8, 0xFF]), 1007, "UTF-8");
    check(&[0x82, 0xFE, 0x00, 0x7D, 0, 0, 0, 0], 1002, "longer than needed");
    check(
        &[0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0],
        1002,
        "longer than needed",
    );
    check(
        &[0x82, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        1009,
        "100000 bytes",
    );
}

#[test]
fn what_goes_to_a_broker_is_what_a_server_reads() {
    for len in [0, 1, 7, 8, 9, 125, 126, 1_000, 65_535, 65_536, 70_000] {
        let payload: Vec<u8> = (0..len).map(|n: u32| (n * 7 % 251) as u8).collect();
        let mut room = vec![0xEE; MASKED_HEADER_BYTES + payload.len() + 3];
        let start = write_masked_binary(&mut room, &payload, MASK);
        let written = &room[start..MASKED_HEADER_BYTES + payload.len()];
        assert!(written == masked(0x82, &payload), "{len} bytes");
        let (read_back, _) = read(written, 4_096).unwrap();
        assert!(read_back == payload, "{len} bytes");
    }
    assert_eq!(masked_pong_frame(b"there", MASK), masked(0x8A, b"there"));
    assert_eq!(masked_close_echo(None, MASK), masked(0x88, b""));
    assert_eq!(masked_close_echo(Some(1000), MASK), masked(0x88, &[3, 0xE8]));
    let close = Close::new(1002, "why");
    assert_eq!(close.masked_frame(MASK), masked(0x88, b"\x03\xEAwhy"));
}

/// What we write to browsers is what a broker may write to us.
#[test]
fn frames_of_a_broker_are_not_masked_and_not_bounded() {
    let message: Vec<u8> = (0..200_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let mut stream = pong_frame(b"early");
    for part in [
        &message[..1],
        &message[1..126],
        &message[126..70_000],
        &message[70_000..],
    ] {
        stream.extend(binary_frame(part, &[]));
    }
    stream.extend(Close::new(1008, "not you").frame());
    for piece in [1, 2, 3, 7, 64, 65_536, stream.len()] {
        let (mut reader, mut control, mut payload) = (FrameReader::of_broker(), Control::default(), vec![]);
        for part in stream.chunks(piece) {
            let mut part = part.to_vec();
            let len = reader.read(&mut part, &mut control).unwrap();
            payload.extend_from_slice(&part[..len]);
        }
        assert!(payload == message, "pieces of {piece}");
        assert_eq!(
            (control.close, control.close_reason.as_str()),
            (Some(Some(1008)), "not you")
        );
    }
    let mut stream = masked(0x82, b"x");
    let refused = FrameReader::of_broker()
        .read(&mut stream, &mut Control::default())
        .unwrap_err();
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (1002, "frames from a broker must not be masked")
    );
}

#[test]
fn a_message_in_pieces_is_bounded_as_a_whole() {
    let piece = masked(0x00, &[0; 40_000]);
    let stream = [masked(0x02, &[0; 40_000]), piece.clone(), piece].concat();
    assert_eq!(read(&stream, 4_096).unwrap_err().code, 1009);
}

#[test]
fn a_message_may_have_only_so_many_frames_however_small() {
    let message = |frames: usize| {
        [
            masked(0x02, b""),
            masked(0x00, b"").repeat(frames - 2),
            masked(0x80, b""),
        ]
        .concat()
    };
    assert!(read(&message(100).repeat(3), 4_096).is_ok());
    let refused = read(&message(101), 4_096).unwrap_err();
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (1009, "a message in more than 100 frames")
    );
}

#[test]
fn headers_are_as_short_as_can_be() {
    let check = |len: usize, expected: &[u8]| {
        let mut room = [0; HEADER_ROOM];
        let header_len = write_binary_header(&mut room, len);
        assert_eq!(&room[HEADER_ROOM - header_len..], expected, "{len}");
    };
    check(1, &[0x82, 1]);
    check(125, &[0x82, 125]);
    check(126, &[0x82, 126, 0, 126]);
    check(65_535, &[0x82, 126, 0xFF, 0xFF]);
    check(65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
}

#[test]
fn a_long_close_reason_is_cut_at_a_character() {
    let frame = Close::new(4502, "ü".repeat(100)).frame();
    assert_eq!(frame.len(), 2 + 2 + 122);
    assert!(std::str::from_utf8(&frame[4..]).is_ok());
}

proptest! {
    /// Whatever arrives, the reader says the same about it however it is cut, and never panics.
    #[test]
    fn any_bytes_mean_the_same_in_any_cut(bytes in vec(any::<u8>(), 0..200), cuts in vec(1..20_usize, 1..10)) {
        // Half of all random frames would be refused for their first byte alone.
        let mut bytes = bytes;
        if let [first, second, ..] = bytes.as_mut_slice() {
            *first = [0x82, 0x02, 0x89, 0x88, *first][usize::from(*first % 5)];
            *second |= 0x80;
        }
        prop_assert_eq!(read_with(&bytes, &cuts), read_with(&bytes, &[bytes.len().max(1)]));
    }

    #[test]
    fn frames_of_any_length_are_understood(payload in vec(any::<u8>(), 0..3_000), piece in 1..4_000_usize) {
        let (read_back, _) = read(&masked(0x82, &payload), piece).unwrap();
        prop_assert_eq!(read_back, payload);
    }
}

/// As `read`, with the lengths of the pieces given in turn; a refusal keeps the payload out.
fn read_with(bytes: &[u8], cuts: &[usize]) -> Result<(Vec<u8>, Control), Close> {
    let (mut reader, mut control, mut payload, mut rest) = (
        FrameReader::of_browser(100_000, 100),
        Control::default(),
        vec![],
        bytes,
    );
    for cut in cuts.iter().cycle() {
        let (part, tail) = rest.split_at((*cut).min(rest.len()));
        let mut part = part.to_vec();
        let len = reader.read(&mut part, &mut control)?;
        payload.extend_from_slice(&part[..len]);
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    Ok((payload, control))
}
