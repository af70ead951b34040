//! MQTT 3.1.1 and 5.0 for clients: codec, framer, topics, and a session without I/O.
//!
//! Everything here is pure: bytes and times come in as arguments, bytes and events go out. No bytes from
//! outside can make it panic.

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
pub use error::{DecodeError, EncodeError, Malformed, ProtocolError, Rule};
pub use frame::{FixedHeader, Frame, Framer};
pub use packet::{
    Ack, Auth, Connack, Connect, Disconnect, Packet, PacketId, PacketType, Properties, Property, PropertyId,
    Publish, Qos, ReasonCode, RetainHandling, Suback, Subscribe, SubscriptionOptions, Unsuback, Unsubscribe,
    Will,
};
pub use time::MonoTime;
pub use topic::{SharedFilter, TopicFilter, TopicFilterError, TopicName, TopicNameError, TopicTrie};
pub use version::{ProtocolVersion, Role};
