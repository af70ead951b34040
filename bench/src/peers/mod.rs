//! The other projects' codecs, each cutting and decoding a stream of its own, and encoding.
//!
//! All get the same chunks and do their own framing; what they make is looked at and let go.

pub(crate) mod core;
pub(crate) mod ntex;
pub(crate) mod rumqttc;
