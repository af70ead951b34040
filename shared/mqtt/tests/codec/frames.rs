//! The framer under any split of the stream.

use hearth_mqtt::{Bytes, Frame, Framer, Packet, ProtocolVersion, ReasonCode, Role, Rule};
use proptest::prelude::*;

use crate::support::{framed, hex};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn all_frames(framer: &mut Framer) -> Vec<Frame> {
    std::iter::from_fn(|| framer.poll_frame().expect("a sound stream")).collect()
}

/// A stream with small, empty and larger packets.
fn stream() -> (Bytes, Vec<Frame>) {
    let mut bytes = Vec::new();
    for body in [0, 1, 2, 127, 128, 300, 0] {
        bytes.extend_from_slice(&framed(0x30, &vec![body as u8; body]));
        bytes.extend_from_slice(&hex("d0 00"));
    }
    let bytes = Bytes::from(bytes);
    let mut framer = Framer::new(u32::MAX);
    framer.push(bytes.clone());
    let frames = all_frames(&mut framer);
    assert_eq!(frames.len(), 14);
    assert!(framer.is_empty());
    (bytes, frames)
}

#[test]
fn every_split_in_two_gives_the_same_packets() {
    let (bytes, frames) = stream();
    for at in 0..=bytes.len() {
        let mut framer = Framer::new(u32::MAX);
        framer.push(bytes.slice(..at));
        let mut found = all_frames(&mut framer);
        framer.push(bytes.slice(at..));
        found.extend(all_frames(&mut framer));
        assert_eq!(found, frames, "split at {at}");
        assert!(framer.is_empty());
    }
}

#[test]
fn byte_by_byte_gives_the_same_packets() {
    let (bytes, frames) = stream();
    let mut framer = Framer::new(u32::MAX);
    let mut found = Vec::new();
    for at in 0..bytes.len() {
        framer.push(bytes.slice(at..=at));
        found.extend(all_frames(&mut framer));
    }
    assert_eq!(found, frames);
}

#[test]
fn several_pushes_before_polling_lose_nothing() {
    let (bytes, frames) = stream();
    for step in 1..40 {
        let mut framer = Framer::new(u32::MAX);
        for part in bytes.chunks(step) {
            framer.push(bytes.slice_ref(part));
        }
        assert_eq!(framer.buffered_bytes(), bytes.len());
        assert_eq!(all_frames(&mut framer), frames, "chunks of {step}");
    }
}

#[test]
fn packets_of_one_chunk_share_its_buffer() {
    let (bytes, frames) = stream();
    let range = bytes.as_ptr_range();
    for frame in frames.iter().filter(|frame| !frame.body.is_empty()) {
        assert!(range.contains(&frame.body.as_ptr()));
    }
}

/// [MQTT5-3.1.2-24] too large is known from the fixed header alone
#[test]
fn too_large_a_packet_is_refused_before_its_body_comes() {
    let mut framer = Framer::new(130);
    framer.push(framed(0x30, &[0; 127]));
    assert_eq!(all_frames(&mut framer).len(), 1);
    framer.push(hex("30 80 01"));
    let error = framer.poll_frame().expect_err("131 bytes in all");
    assert_eq!(error.rule(), Rule::PacketTooLarge);
    assert_eq!(error.reason_code(), ReasonCode::PACKET_TOO_LARGE);
    framer.push(hex("c0 00"));
    assert_eq!(framer.poll_frame(), Err(error), "the stream stays broken");
    assert_eq!(framer.buffered_bytes(), 0);
}

/// [MQTT5-1.5.5-1] five bytes are too many
#[test]
fn a_remaining_length_of_five_bytes_is_malformed() {
    for split in 0..5 {
        let bytes = hex("30 ff ff ff ff 01");
        let mut framer = Framer::new(u32::MAX);
        framer.push(bytes.slice(..split));
        assert_eq!(framer.poll_frame(), Ok(None), "split at {split}");
        framer.push(bytes.slice(split..));
        assert_eq!(
            framer.poll_frame().expect_err("no length").rule(),
            Rule::VariableByteInteger
        );
    }
}

/// What a header claims is not reserved until it comes.
#[test]
fn a_claimed_length_holds_no_memory() {
    let mut framer = Framer::new(u32::MAX);
    framer.push(hex("30 ff ff ff 7f 00"));
    assert_eq!(framer.poll_frame(), Ok(None));
    assert_eq!(framer.buffered_bytes(), 6);
}

proptest! {
    #[test]
    fn any_split_gives_the_same_packets(cuts in prop::collection::vec(0..600_usize, 0..12)) {
        let (bytes, frames) = stream();
        let mut cuts: Vec<_> = cuts.into_iter().map(|at| at.min(bytes.len())).chain([0, bytes.len()]).collect();
        cuts.sort_unstable();
        let mut framer = Framer::new(u32::MAX);
        let mut found = Vec::new();
        for (from, to) in cuts.iter().zip(cuts.iter().skip(1)) {
            framer.push(bytes.slice(*from..*to));
            found.extend(all_frames(&mut framer));
        }
        prop_assert_eq!(found, frames);
    }

    #[test]
    fn no_bytes_can_make_the_framer_panic(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
        let mut framer = Framer::new(1000);
        for chunk in chunks {
            framer.push(chunk.into());
            while let Ok(Some(frame)) = framer.poll_frame() {
                prop_assert_eq!(frame.body.len(), frame.header.remaining_length as usize);
            }
        }
    }
}

/// The framer decodes short packets by a way of its own.
#[test]
fn a_framer_decodes_every_short_packet_as_it_is_decoded_alone() {
    for first_byte in 0..=u8::MAX {
        for body in [
            &[][..],
            &[0, 1],
            &[0, 0],
            &[0xFF, 0xFF],
            &[0, 1, 0],
            &[0, 1, 0, 0],
        ] {
            for (version, receiver) in [
                (ProtocolVersion::V311, Role::Client),
                (ProtocolVersion::V311, Role::Server),
                (ProtocolVersion::V5, Role::Client),
                (ProtocolVersion::V5, Role::Server),
            ] {
                let packet = framed(first_byte, body);
                let mut framer = Framer::new(u32::MAX);
                // With bytes behind it, and as the last.
                framer.push([&packet[..], &packet[..]].concat().into());
                let alone = Packet::decode_exact(version, receiver, packet).map(Some);
                assert_eq!(
                    framer.poll_packet(version, receiver),
                    alone,
                    "{first_byte:#x} {body:?}"
                );
                assert_eq!(
                    framer.poll_packet(version, receiver),
                    alone,
                    "{first_byte:#x} {body:?}"
                );
                assert_eq!(framer.poll_packet(version, receiver), Ok(None));
            }
        }
    }
}
