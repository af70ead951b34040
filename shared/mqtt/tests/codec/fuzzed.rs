//! What the fuzz targets of `fuzz/` check for any bytes. The tests replay the seeds through the same code.

use hearth_mqtt::{
    Bytes, BytesMut, FixedHeader, Frame, Framer, Packet, ProtocolVersion, Role, TopicFilter, TopicName,
    TopicTrie,
};

const VERSIONS: [ProtocolVersion; 2] = [ProtocolVersion::V311, ProtocolVersion::V5];
const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// All frames of a stream that arrives in chunks of `step` bytes, and whether it broke.
fn frames(stream: &Bytes, step: usize) -> (Vec<Frame>, bool) {
    let mut framer = Framer::new(4096);
    let mut found = Vec::new();
    for chunk in stream.chunks(step.max(1)) {
        framer.push(stream.slice_ref(chunk));
        loop {
            match framer.poll_frame() {
                Ok(Some(frame)) => found.push(frame),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(framer.poll_frame(), Err(error), "broken stays broken");
                    return (found, true);
                }
            }
        }
        assert!(framer.buffered_bytes() <= 4096, "at most one packet waits");
    }
    (found, false)
}

/// However the stream is cut, the same packets come out. The first byte says how it is cut.
pub(crate) fn framer(data: &[u8]) {
    let Some((step, stream)) = data.split_first() else {
        return;
    };
    let stream = Bytes::copy_from_slice(stream);
    let whole = frames(&stream, stream.len());
    assert_eq!(whole, frames(&stream, usize::from(*step)));
    assert_eq!(whole, frames(&stream, 1));
}

/// The first byte of a packet and its body: a packet or a named fault, in one step as in two, and what was read is written
/// and read again as the same.
pub(crate) fn packet(data: &[u8]) {
    let Some((first_byte, body)) = data.split_first() else {
        return;
    };
    let remaining_length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let header = FixedHeader {
        first_byte: *first_byte,
        remaining_length,
        shortest_form: true,
    };
    let frame = Frame {
        header,
        body: Bytes::copy_from_slice(body),
    };
    let twice = on_the_wire(&frame).repeat(2);
    for version in VERSIONS {
        for receiver in ROLES {
            let decoded = Packet::decode(version, receiver, frame.clone());
            let mut framer = Framer::new(u32::MAX);
            framer.push(Bytes::from(twice.clone()));
            // With bytes behind it, and as the last: what a connection reads in one step is the same.
            for _ in 0..2 {
                assert_eq!(framer.poll_packet(version, receiver), decoded.clone().map(Some));
            }
            assert!(framer.is_empty());
            let packet = match decoded {
                Ok(packet) => packet,
                Err(error) => {
                    assert!(error.reason_code().is_error() && !error.to_string().is_empty());
                    continue;
                }
            };
            let mut out = BytesMut::new();
            packet
                .encode(version, &mut out)
                .expect("what was read can be written");
            assert_eq!(out.len(), packet.encoded_len(version));
            assert!(
                out.len() <= body.len() + 5,
                "never longer than what was read: {packet:?}"
            );
            assert_eq!(Packet::decode_exact(version, receiver, out.freeze()), Ok(packet));
        }
    }
}

/// The frame with its fixed header.
fn on_the_wire(frame: &Frame) -> Vec<u8> {
    let mut out = vec![frame.header.first_byte];
    let mut length = frame.body.len();
    while length > 0x7F {
        out.push((length & 0x7F) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(&frame.body);
    out
}

/// Lines of text as filters, the last as a name: the trie finds what the filters match.
pub(crate) fn topic(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (filters, name) = text.rsplit_once('\n').unwrap_or(("", text));
    let Ok(name) = TopicName::parse(name) else { return };
    let mut trie = TopicTrie::new();
    let mut list: Vec<TopicFilter> = filters
        .lines()
        .filter_map(|line| TopicFilter::parse(line).ok())
        .collect();
    list.sort();
    list.dedup();
    for filter in &list {
        assert_eq!(trie.insert(filter.clone(), ()), None);
        assert_eq!(
            filter.shared().is_ok(),
            filter.is_shared() && filter.sharing_error().is_none()
        );
    }
    let mut found: Vec<_> = trie
        .matches(&name)
        .into_iter()
        .map(|(filter, ())| filter.clone())
        .collect();
    found.sort();
    let wanted: Vec<_> = list
        .iter()
        .filter(|filter| filter.matches(&name))
        .cloned()
        .collect();
    assert_eq!(found, wanted);
    for filter in &list {
        assert_eq!(trie.remove(filter), Some(()));
    }
    assert!(trie.is_empty() && trie.matches(&name).is_empty());
}
