//! Bytes that want to do harm: named errors, in bounded time and memory.

use std::io::Write;
use std::time::{Duration, Instant};

use hearth_decoders::{Fault, MAXIMUM_OUTPUT, Packing, decode, recognize};
use proptest::prelude::*;

#[test]
fn lengths_are_not_believed() {
    for (packing, payload) in [
        (Packing::Cbor, &b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff"[..]),
        (Packing::Cbor, b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff"),
        (Packing::Cbor, b"\xbb\x00\x00\x00\xff\xff\xff\xff\xff"),
        (Packing::Cbor, b"\x5f\x5a\xff\xff\xff\xff"),
        (Packing::MessagePack, b"\xc6\xff\xff\xff\xff"),
        (Packing::MessagePack, b"\xdd\xff\xff\xff\xff\x00"),
        (Packing::MessagePack, b"\xdf\xff\xff\xff\xff"),
        (Packing::Protobuf, b"\x0a\xff\xff\xff\xff\x0f"),
    ] {
        assert_eq!(
            decode(packing, payload).unwrap_err().fault,
            Fault::Truncated,
            "{payload:x?}"
        );
    }
}

#[test]
fn depth_is_bounded() {
    for (packing, open) in [
        (Packing::Cbor, &b"\x81"[..]),
        (Packing::Cbor, b"\x9f"),
        (Packing::Cbor, b"\xc1"),
        (Packing::Cbor, b"\xa1\x00"),
        (Packing::MessagePack, b"\x91"),
        (Packing::MessagePack, b"\x81\x00"),
        (Packing::Protobuf, b"\x0b"),
    ] {
        let payload = open.repeat(500_000);
        assert_eq!(
            decode(packing, &payload).unwrap_err().fault,
            Fault::TooDeep,
            "{open:x?}"
        );
    }
}

#[test]
fn messages_within_messages_are_read_once_for_each_level_only() {
    let mut payload = vec![0xff];
    while payload.len() < 400_000 {
        let mut len = payload.len();
        let mut outer = vec![0x0a];
        while len > 0x7f {
            outer.push((len & 0x7f) as u8 | 0x80);
            len >>= 7;
        }
        outer.push(len as u8);
        outer.extend_from_slice(&payload);
        // Many fields beside the one that goes deeper.
        outer.extend_from_slice(&[0x10, 0x01].repeat(1_000));
        payload = outer;
    }
    let start = Instant::now();
    assert!(decode(Packing::Protobuf, &payload).is_ok());
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        encoder.write_all(&vec![0; 1024 * 1024]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert_eq!(
        decode(Packing::Compressed, &bomb).unwrap_err().fault,
        Fault::TooLarge
    );
    // 1 MiB of bytes is 2 MiB of hexadecimal digits, and five times that is too much.
    let mut many = vec![0x85];
    for _ in 0..5 {
        many.extend_from_slice(b"\x5a\x00\x10\x00\x00");
        many.extend_from_slice(&vec![0; 1024 * 1024]);
    }
    assert_eq!(decode(Packing::Cbor, &many).unwrap_err().fault, Fault::TooLarge);
}

#[test]
fn changed_bytes_are_told_by_the_checksum() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(b"twenty-one degrees").unwrap();
    let mut packed = encoder.finish().unwrap();
    let at = packed.windows(6).position(|six| six == b"twenty").unwrap();
    packed[at] = b'T';
    assert_eq!(
        decode(Packing::Compressed, &packed).unwrap_err().fault,
        Fault::Checksum
    );
    assert_eq!(recognize(&packed, None), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn any_bytes_give_json_or_a_named_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = recognize(&bytes, Some("application/cbor"));
        for packing in Packing::ALL {
            if let Ok(out) = decode(packing, &bytes) {
                prop_assert!(out.len() <= MAXIMUM_OUTPUT);
                let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&out).is_ok();
                prop_assert!(packing == Packing::Compressed || is_json, "{:?}", String::from_utf8_lossy(&out));
            }
        }
    }

    #[test]
    fn what_is_cut_off_is_never_whole(len in 0_usize..200) {
        let value = serde_json::json!({"a": [1, 2.5, "text", null], "b": {"c": true, "d": "x".repeat(150)}});
        let mut cbor = Vec::new();
        ciborium::into_writer(&value, &mut cbor).unwrap();
        if let Some(cut) = cbor.get(..len).filter(|cut| cut.len() < cbor.len()) {
            prop_assert_eq!(decode(Packing::Cbor, cut).unwrap_err().fault, Fault::Truncated);
        }
    }
}
