//! MQTT 3.1.1 and 5.0 for clients: codec, framer, topics, and a session without I/O.
//!
//! Everything here is pure: bytes and times come in as arguments, bytes and events go out. No bytes from
//! outside can make it panic.
//!
//! # Is this packet allowed?
//!
//! [`Packet::decode_exact`] gives the verdict on the bytes of one packet, for either version and either
//! receiver: the packet, or a [`DecodeError`] that says whether it is a Malformed Packet or a Protocol Error
//! ([`DecodeError::class`]), which statement of the specification decides ([`DecodeError::statement`]), and
//! which field is at fault.
//!
//! ```
//! use hearth_mqtt::{Bytes, Class, Packet, ProtocolVersion, Role};
//!
//! // PUBLISH to the topic `a`, and PUBLISH with both QoS bits set.
//! let good = Bytes::from_static(&[0x30, 4, 0, 1, b'a', 0]);
//! let bad = Bytes::from_static(&[0x36, 6, 0, 1, b'a', 0, 1, 0]);
//!
//! assert!(Packet::decode_exact(ProtocolVersion::V5, Role::Client, good).is_ok());
//! let error = Packet::decode_exact(ProtocolVersion::V5, Role::Client, bad).unwrap_err();
//! assert_eq!(error.class(), Class::Malformed);
//! assert_eq!(error.statement(), "MQTT5-3.3.1-4");
//! assert_eq!(error.field(), "QoS");
//! ```
//!
//! The one check that is left to the caller is optional in the specification: whether a payload is the UTF-8
//! its Payload Format Indicator claims ([`Publish::payload_matches_format_indicator`]).

pub mod codec;
pub mod error;
pub mod frame;
pub mod packet;
pub mod session;
pub mod time;
pub mod topic;
pub mod version;

pub use bytes::{Bytes, BytesMut};
pub use bytestring::ByteString;
pub use error::{Class, DecodeError, EncodeError, Malformed, ProtocolError, Rule};
pub use frame::{FixedHeader, Frame, Framer};
pub use packet::{
    Ack, Auth, Connack, Connect, Disconnect, FilterEntry, Filters, Packet, PacketId, PacketType, Properties,
    PropertiesRef, Property, PropertyId, Publish, PublishParts, Qos, ReasonCode, RetainHandling, Suback,
    Subscribe, SubscriptionOptions, Unsuback, Unsubscribe, Will,
};
pub use time::MonoTime;
pub use topic::{SharedFilter, TopicFilter, TopicFilterError, TopicName, TopicNameError, TopicTrie};
pub use version::{ProtocolVersion, Role};
