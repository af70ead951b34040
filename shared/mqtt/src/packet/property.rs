//! Properties of 5.0: one table says everything about each; decoder, encoder and tests read it.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::{PacketType, Properties, PropertiesRef, Qos};
use crate::{
    codec::{
        utf8_string,
        variable_byte_integer::{self, Read},
    },
    error::{EncodeError, Rule},
    topic::TopicName,
};

/// The data type of a property's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// One byte.
    Byte,
    /// One byte, 0 or 1: no or yes.
    Switch,
    /// One byte, 0 or 1: a QoS. QoS 2 is said by leaving the property out.
    QosByte,
    /// Two bytes, high byte first.
    TwoByteInteger,
    /// Four bytes, high byte first.
    FourByteInteger,
    /// One to four bytes.
    VariableByteInteger,
    /// Length and UTF-8 text.
    Utf8String,
    /// Length and bytes.
    BinaryData,
    /// Two strings: name and value.
    Utf8StringPair,
}

/// The Will's properties have a place of their own in the table: the bit of packet type 0, which is reserved.
const WILL: u16 = 1;

/// The bit for a packet type in a set of places.
const fn place(packet: PacketType) -> u16 {
    1 << packet as u8
}

/// User Property stands in every packet that has properties, and in the Will: in all but the two pings.
const EVERYWHERE: u16 = !(place(PacketType::Pingreq) | place(PacketType::Pingresp));

/// The bit for a property in a set of properties.
pub(super) const fn bit(id: PropertyId) -> u64 {
    1 << id as u8
}

/// The bit for several Subscription Identifiers in a set of properties.
pub(super) const SEVERAL_SUBSCRIPTION_IDENTIFIERS: u64 = 1 << 63;

/// The set of properties that have one of `places` in their row.
const fn allowed(places: u16) -> u64 {
    let mut set = 0;
    let mut byte = 0;
    while byte < 63 {
        if let Some(id) = PropertyId::from_byte(byte)
            && id.places() & places != 0
        {
            set |= bit(id);
        }
        byte += 1;
    }
    if places & place(PacketType::Publish) != 0 {
        set | SEVERAL_SUBSCRIPTION_IDENTIFIERS
    } else {
        set
    }
}

/// Where in a set of properties the packet type stands, for errors; no property has such a number.
const PACKET_AT: u32 = 48;

/// The set of properties that may stand in packets of this type.
pub(crate) const fn allowed_in(packet: PacketType) -> u64 {
    allowed(place(packet)) | (packet as u64) << PACKET_AT
}

/// The section that says how often a property may stand in the packet whose set this is, and with which values.
#[cold]
pub(super) const fn section(id: PropertyId, allowed: u64) -> Option<&'static str> {
    use PropertyId as Id;
    let packet = PacketType::from_bits((allowed >> PACKET_AT) as u8 & 0x0F);
    Some(match (packet, id) {
        (Some(PacketType::Connect), Id::SessionExpiryInterval) => "MQTT5-3.1.2.11.2",
        (Some(PacketType::Connect), Id::ReceiveMaximum) => "MQTT5-3.1.2.11.3",
        (Some(PacketType::Connect), Id::MaximumPacketSize) => "MQTT5-3.1.2.11.4",
        (Some(PacketType::Connect), Id::TopicAliasMaximum) => "MQTT5-3.1.2.11.5",
        (Some(PacketType::Connect), Id::RequestResponseInformation) => "MQTT5-3.1.2.11.6",
        (Some(PacketType::Connect), Id::RequestProblemInformation) => "MQTT5-3.1.2.11.7",
        (Some(PacketType::Connect), Id::AuthenticationMethod) => "MQTT5-3.1.2.11.9",
        (Some(PacketType::Connect), Id::AuthenticationData) => "MQTT5-3.1.2.11.10",
        (None, Id::WillDelayInterval) => "MQTT5-3.1.3.2.2",
        (None, Id::PayloadFormatIndicator) => "MQTT5-3.1.3.2.3",
        (None, Id::MessageExpiryInterval) => "MQTT5-3.1.3.2.4",
        (None, Id::ContentType) => "MQTT5-3.1.3.2.5",
        (None, Id::ResponseTopic) => "MQTT5-3.1.3.2.6",
        (None, Id::CorrelationData) => "MQTT5-3.1.3.2.7",
        (Some(PacketType::Connack), Id::SessionExpiryInterval) => "MQTT5-3.2.2.3.2",
        (Some(PacketType::Connack), Id::ReceiveMaximum) => "MQTT5-3.2.2.3.3",
        (Some(PacketType::Connack), Id::MaximumQos) => "MQTT5-3.2.2.3.4",
        (Some(PacketType::Connack), Id::RetainAvailable) => "MQTT5-3.2.2.3.5",
        (Some(PacketType::Connack), Id::MaximumPacketSize) => "MQTT5-3.2.2.3.6",
        (Some(PacketType::Connack), Id::AssignedClientIdentifier) => "MQTT5-3.2.2.3.7",
        (Some(PacketType::Connack), Id::TopicAliasMaximum) => "MQTT5-3.2.2.3.8",
        (Some(PacketType::Connack), Id::ReasonString) => "MQTT5-3.2.2.3.9",
        (Some(PacketType::Connack), Id::WildcardSubscriptionAvailable) => "MQTT5-3.2.2.3.11",
        (Some(PacketType::Connack), Id::SubscriptionIdentifierAvailable) => "MQTT5-3.2.2.3.12",
        (Some(PacketType::Connack), Id::SharedSubscriptionAvailable) => "MQTT5-3.2.2.3.13",
        (Some(PacketType::Connack), Id::ServerKeepAlive) => "MQTT5-3.2.2.3.14",
        (Some(PacketType::Connack), Id::ResponseInformation) => "MQTT5-3.2.2.3.15",
        (Some(PacketType::Connack), Id::ServerReference) => "MQTT5-3.2.2.3.16",
        (Some(PacketType::Connack), Id::AuthenticationMethod) => "MQTT5-3.2.2.3.17",
        (Some(PacketType::Connack), Id::AuthenticationData) => "MQTT5-3.2.2.3.18",
        (Some(PacketType::Publish), Id::PayloadFormatIndicator) => "MQTT5-3.3.2.3.2",
        (Some(PacketType::Publish), Id::MessageExpiryInterval) => "MQTT5-3.3.2.3.3",
        (Some(PacketType::Publish), Id::TopicAlias) => "MQTT5-3.3.2.3.4",
        (Some(PacketType::Publish), Id::ResponseTopic) => "MQTT5-3.3.2.3.5",
        (Some(PacketType::Publish), Id::CorrelationData) => "MQTT5-3.3.2.3.6",
        (Some(PacketType::Publish), Id::SubscriptionIdentifier) => "MQTT5-3.3.2.3.8",
        (Some(PacketType::Publish), Id::ContentType) => "MQTT5-3.3.2.3.9",
        (Some(PacketType::Puback), Id::ReasonString) => "MQTT5-3.4.2.2.2",
        (Some(PacketType::Pubrec), Id::ReasonString) => "MQTT5-3.5.2.2.2",
        (Some(PacketType::Pubrel), Id::ReasonString) => "MQTT5-3.6.2.2.2",
        (Some(PacketType::Pubcomp), Id::ReasonString) => "MQTT5-3.7.2.2.2",
        (Some(PacketType::Subscribe), Id::SubscriptionIdentifier) => "MQTT5-3.8.2.1.2",
        (Some(PacketType::Suback), Id::ReasonString) => "MQTT5-3.9.2.1.2",
        (Some(PacketType::Unsuback), Id::ReasonString) => "MQTT5-3.11.2.1.2",
        (Some(PacketType::Disconnect), Id::SessionExpiryInterval) => "MQTT5-3.14.2.2.2",
        (Some(PacketType::Disconnect), Id::ReasonString) => "MQTT5-3.14.2.2.3",
        (Some(PacketType::Disconnect), Id::ServerReference) => "MQTT5-3.14.2.2.5",
        (Some(PacketType::Auth), Id::AuthenticationMethod) => "MQTT5-3.15.2.2.2",
        (Some(PacketType::Auth), Id::AuthenticationData) => "MQTT5-3.15.2.2.3",
        (Some(PacketType::Auth), Id::ReasonString) => "MQTT5-3.15.2.2.4",
        _ => return None,
    })
}

/// The set of properties that may stand in the Will.
pub(crate) const ALLOWED_IN_WILL: u64 = allowed(WILL);

/// One row per property: name, identifier, words of the specification, data type and its value in Rust,
/// getter, and the packets it may stand in. The one pair, User Property, is written out.
macro_rules! properties {
    ($($name:ident = $id:literal, $text:literal, $kind:ident $value:ty, $getter:ident,
       [$($packet:ident)*] $($will:ident)?;)+) => {
        /// The identifier of a property.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum PropertyId {
            $(#[doc = $text] $name = $id,)+
            /// User Property
            UserProperty = 0x26,
        }

        /// One property with its value.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub enum Property<'a> {
            $(#[doc = $text] $name($value),)+
            /// User Property: name and value.
            UserProperty(&'a str, &'a str),
        }

        impl PropertyId {
            /// All properties.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+ Self::UserProperty];

            /// The property with this identifier.
            #[must_use]
            pub const fn from_byte(byte: u8) -> Option<Self> {
                Some(match byte {
                    $($id => Self::$name,)+
                    0x26 => Self::UserProperty,
                    _ => return None,
                })
            }

            /// The name as the specification writes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                    Self::UserProperty => "User Property",
                }
            }

            /// The bit for this property in a set of properties.
            pub(super) const fn bit(self) -> u64 {
                bit(self)
            }

            /// Whether this property may stand in packets of this type.
            #[must_use]
            pub const fn is_allowed_in(self, packet: PacketType) -> bool {
                self.places() & place(packet) != 0
            }

            /// Whether this property may stand in the Will Properties of CONNECT.
            #[must_use]
            pub const fn is_allowed_in_will(self) -> bool {
                self.places() & WILL != 0
            }

            /// The data type of the value.
            #[must_use]
            pub const fn data_type(self) -> DataType {
                match self {
                    $(Self::$name => DataType::$kind,)+
                    Self::UserProperty => DataType::Utf8StringPair,
                }
            }

            /// One bit per packet type that this property may stand in; bit 0 stands for the Will.
            const fn places(self) -> u16 {
                match self {
                    $(Self::$name => 0 $(| place(PacketType::$packet))* $(| $will)?,)+
                    Self::UserProperty => EVERYWHERE,
                }
            }
        }

        impl<'a> Property<'a> {
            /// The identifier.
            #[must_use]
            pub const fn id(&self) -> PropertyId {
                match self {
                    $(Self::$name(_) => PropertyId::$name,)+
                    Self::UserProperty(..) => PropertyId::UserProperty,
                }
            }

            /// The property for an identifier and the bytes of its value.
            pub(super) fn from_raw(id: PropertyId, raw: &'a [u8]) -> Option<Self> {
                Some(match id {
                    $(PropertyId::$name => Self::$name(value::$kind::read(raw)?),)+
                    PropertyId::UserProperty => {
                        let (name, rest) = split_prefixed(raw)?;
                        Self::UserProperty(std::str::from_utf8(name).ok()?, value::Utf8String::read(rest)?)
                    }
                })
            }

            /// The value; of a User Property that is the second string.
            fn single_value(&self) -> &dyn fmt::Debug {
                match self {
                    $(Self::$name(it) => it,)+
                    Self::UserProperty(_, it) => it,
                }
            }

            /// Appends the value.
            fn write_value(&self, out: &mut BytesMut) {
                match self {
                    $(Self::$name(it) => value::$kind::write(*it, out),)+
                    Self::UserProperty(name, it) => {
                        value::Utf8String::write(name, out);
                        value::Utf8String::write(it, out);
                    }
                }
            }
        }

        #[expect(clippy::needless_lifetimes, reason = "one pattern serves values with and without a lifetime")]
        impl Properties {
            $(#[doc = $text]
            #[must_use]
            pub fn $getter<'a>(&'a self) -> Option<$value> {
                self.as_view().$getter()
            })+
        }

        impl<'a> PropertiesRef<'a> {
            $(#[doc = $text]
            #[must_use]
            pub fn $getter(self) -> Option<$value> {
                match self.find(PropertyId::$name)? {
                    Property::$name(it) => Some(it),
                    _ => None,
                }
            })+
        }
    };
}

properties! {
    PayloadFormatIndicator = 0x01, "Payload Format Indicator", Byte u8, payload_format_indicator, [Publish] WILL;
    MessageExpiryInterval = 0x02, "Message Expiry Interval", FourByteInteger u32, message_expiry_interval, [Publish] WILL;
    ContentType = 0x03, "Content Type", Utf8String &'a str, content_type, [Publish] WILL;
    ResponseTopic = 0x08, "Response Topic", Utf8String &'a str, response_topic, [Publish] WILL;
    CorrelationData = 0x09, "Correlation Data", BinaryData &'a [u8], correlation_data, [Publish] WILL;
    SubscriptionIdentifier = 0x0B, "Subscription Identifier", VariableByteInteger u32, subscription_identifier, [Publish Subscribe];
    SessionExpiryInterval = 0x11, "Session Expiry Interval", FourByteInteger u32, session_expiry_interval, [Connect Connack Disconnect];
    AssignedClientIdentifier = 0x12, "Assigned Client Identifier", Utf8String &'a str, assigned_client_identifier, [Connack];
    ServerKeepAlive = 0x13, "Server Keep Alive", TwoByteInteger u16, server_keep_alive, [Connack];
    AuthenticationMethod = 0x15, "Authentication Method", Utf8String &'a str, authentication_method, [Connect Connack Auth];
    AuthenticationData = 0x16, "Authentication Data", BinaryData &'a [u8], authentication_data, [Connect Connack Auth];
    RequestProblemInformation = 0x17, "Request Problem Information", Switch bool, request_problem_information, [Connect];
    WillDelayInterval = 0x18, "Will Delay Interval", FourByteInteger u32, will_delay_interval, [] WILL;
    RequestResponseInformation = 0x19, "Request Response Information", Switch bool, request_response_information, [Connect];
    ResponseInformation = 0x1A, "Response Information", Utf8String &'a str, response_information, [Connack];
    ServerReference = 0x1C, "Server Reference", Utf8String &'a str, server_reference, [Connack Disconnect];
    ReasonString = 0x1F, "Reason String", Utf8String &'a str, reason_string,
        [Connack Puback Pubrec Pubrel Pubcomp Suback Unsuback Disconnect Auth];
    ReceiveMaximum = 0x21, "Receive Maximum", TwoByteInteger u16, receive_maximum, [Connect Connack];
    TopicAliasMaximum = 0x22, "Topic Alias Maximum", TwoByteInteger u16, topic_alias_maximum, [Connect Connack];
    TopicAlias = 0x23, "Topic Alias", TwoByteInteger u16, topic_alias, [Publish];
    MaximumQos = 0x24, "Maximum QoS", QosByte Qos, maximum_qos, [Connack];
    RetainAvailable = 0x25, "Retain Available", Switch bool, retain_available, [Connack];
    MaximumPacketSize = 0x27, "Maximum Packet Size", FourByteInteger u32, maximum_packet_size, [Connect Connack];
    WildcardSubscriptionAvailable = 0x28, "Wildcard Subscription Available", Switch bool, wildcard_subscription_available, [Connack];
    SubscriptionIdentifierAvailable = 0x29, "Subscription Identifier Available", Switch bool, subscription_identifier_available, [Connack];
    SharedSubscriptionAvailable = 0x2A, "Shared Subscription Available", Switch bool, shared_subscription_available, [Connack];
}

/// Splits a length-prefixed field from the front.
fn split_prefixed(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = raw.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))
}

/// Splits the first property from the front: its identifier, the bytes of its value, and the rest.
pub(super) fn split_property(raw: &[u8]) -> Option<(PropertyId, &[u8], &[u8])> {
    let (id, rest) = raw.split_first()?;
    let id = PropertyId::from_byte(*id)?;
    let prefixed = |raw: &[u8]| Some(split_prefixed(raw)?.0.len() + 2);
    let len = match id.data_type() {
        DataType::Byte | DataType::Switch | DataType::QosByte => 1,
        DataType::TwoByteInteger => 2,
        DataType::FourByteInteger => 4,
        DataType::VariableByteInteger => match variable_byte_integer::read(rest) {
            Read::Whole { len, .. } => len,
            Read::Incomplete | Read::TooLong => return None,
        },
        DataType::Utf8String | DataType::BinaryData => prefixed(rest)?,
        DataType::Utf8StringPair => {
            let name = prefixed(rest)?;
            name + prefixed(rest.get(name..)?)?
        }
    };
    let (value, rest) = rest.split_at_checked(len)?;
    Some((id, value, rest))
}

/// Reading and writing one value, by data type.
mod value {
    use super::{BufMut, BytesMut, Qos, Read, split_prefixed, variable_byte_integer};

    macro_rules! integers {
        ($($kind:ident $value:ty, $put:ident;)+) => {$(
            pub(super) struct $kind;

            impl $kind {
                pub(super) fn read(raw: &[u8]) -> Option<$value> {
                    Some(<$value>::from_be_bytes(raw.try_into().ok()?))
                }

                pub(super) fn write(value: $value, out: &mut BytesMut) {
                    out.$put(value);
                }
            }
        )+};
    }
    integers! {
        Byte u8, put_u8;
        TwoByteInteger u16, put_u16;
        FourByteInteger u32, put_u32;
    }

    pub(super) struct Switch;

    impl Switch {
        pub(super) fn read(raw: &[u8]) -> Option<bool> {
            Some(*raw.first()? != 0)
        }

        pub(super) fn write(value: bool, out: &mut BytesMut) {
            out.put_u8(u8::from(value));
        }
    }

    pub(super) struct QosByte;

    impl QosByte {
        pub(super) fn read(raw: &[u8]) -> Option<Qos> {
            Qos::from_bits(*raw.first()?)
        }

        pub(super) fn write(value: Qos, out: &mut BytesMut) {
            out.put_u8(value.bits());
        }
    }

    pub(super) struct VariableByteInteger;

    impl VariableByteInteger {
        pub(super) fn read(raw: &[u8]) -> Option<u32> {
            match variable_byte_integer::read(raw) {
                Read::Whole { value, .. } => Some(value),
                Read::Incomplete | Read::TooLong => None,
            }
        }

        pub(super) fn write(value: u32, out: &mut BytesMut) {
            variable_byte_integer::write(value, out);
        }
    }

    pub(super) struct BinaryData;

    impl BinaryData {
        pub(super) fn read(raw: &[u8]) -> Option<&[u8]> {
            Some(split_prefixed(raw)?.0)
        }

        /// The caller has checked the length.
        pub(super) fn write(value: &[u8], out: &mut BytesMut) {
            out.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
            out.put_slice(value);
        }
    }

    pub(super) struct Utf8String;

    impl Utf8String {
        pub(super) fn read(raw: &[u8]) -> Option<&str> {
            std::str::from_utf8(BinaryData::read(raw)?).ok()
        }

        pub(super) fn write(value: &str, out: &mut BytesMut) {
            BinaryData::write(value.as_bytes(), out);
        }
    }
}

impl Property<'_> {
    /// Appends identifier and value.
    pub(super) fn write(&self, out: &mut BytesMut) {
        out.put_u8(self.id() as u8);
        self.write_value(out);
    }

    /// Checks what can be checked without knowing the packet.
    pub(super) fn check(&self) -> Result<(), EncodeError> {
        let field = self.id().name();
        let breaks = |rule| Err(EncodeError::Breaks { rule, field });
        let string = |text: &str| match text.len() {
            bytes if bytes > usize::from(u16::MAX) => Err(EncodeError::TooLong { field, bytes }),
            _ if utf8_string::scan(text.as_bytes()).special => breaks(Rule::Nul),
            _ => Ok(()),
        };
        match *self {
            Self::PayloadFormatIndicator(2..) | Self::MaximumQos(Qos::ExactlyOnce) => {
                breaks(Rule::PropertyValue)
            }
            Self::ReceiveMaximum(0) | Self::MaximumPacketSize(0) => breaks(Rule::PropertyValue),
            Self::TopicAlias(0) => breaks(Rule::TopicAliasZero),
            Self::SubscriptionIdentifier(value) if value == 0 || value > variable_byte_integer::MAX => {
                breaks(Rule::PropertyValue)
            }
            Self::ResponseTopic(text) => {
                string(text)?;
                TopicName::check(text.as_bytes()).or_else(|_| breaks(Rule::ResponseTopic))
            }
            Self::ContentType(text)
            | Self::AssignedClientIdentifier(text)
            | Self::AuthenticationMethod(text)
            | Self::ResponseInformation(text)
            | Self::ServerReference(text)
            | Self::ReasonString(text) => string(text),
            Self::UserProperty(name, text) => string(name).and_then(|()| string(text)),
            Self::CorrelationData(data) | Self::AuthenticationData(data)
                if data.len() > usize::from(u16::MAX) =>
            {
                Err(EncodeError::TooLong {
                    field,
                    bytes: data.len(),
                })
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Property<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple(self.id().name());
        match self {
            // It may hold a secret.
            Self::AuthenticationData(data) => tuple.field(&format_args!("{} bytes", data.len())),
            Self::UserProperty(name, text) => tuple.field(name).field(text),
            _ => tuple.field(self.single_value()),
        };
        tuple.finish()
    }
}
