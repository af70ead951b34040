//! ntex-mqtt, of which only the codecs are used.

use std::hint::black_box;

use ntex_bytes::BytesMut;
use ntex_codec::Decoder;
use ntex_mqtt::{v3, v5};

use crate::{
    Entry,
    work::{self, Stream},
};

const NAME: &str = "ntex-mqtt 8";

macro_rules! decode {
    ($function:ident, $version:ident) => {
        pub(crate) fn $function(stream: &Stream) -> Entry {
            let stream = stream.clone();
            Entry::new(NAME, move || {
                stream.for_each_part(|_, chunks| {
                    let codec = $version::codec::Codec::new();
                    let mut buffer = BytesMut::with_capacity(work::CHUNK);
                    let mut packets = 0;
                    for chunk in chunks {
                        buffer.extend_from_slice(chunk);
                        while let Some(decoded) = codec.decode(&mut buffer).expect("sound") {
                            // The rest of a payload that straddles comes by itself.
                            let whole = !matches!(decoded, $version::codec::Decoded::PayloadChunk(..));
                            packets += usize::from(whole);
                            black_box(decoded);
                        }
                    }
                    packets
                })
            })
        }
    };
}
decode!(decode_v3, v3);
decode!(decode_v5, v5);
