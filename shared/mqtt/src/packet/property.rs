//! Properties of 5.0: one table says everything about each; decoder, encoder and tests read it.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::{PacketType, Qos};
use crate::{
    codec::{
        reader::Reader,
        utf8_string,
        variable_byte_integer::{self, Read},
    },
    error::{DecodeError, EncodeError, Rule},
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
const fn bit(id: PropertyId) -> u64 {
    1 << id as u8
}

/// The bit for several Subscription Identifiers in a set of properties.
const SEVERAL_SUBSCRIPTION_IDENTIFIERS: u64 = 1 << 63;

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

/// The set of properties that may stand in packets of this type.
pub(crate) const fn allowed_in(packet: PacketType) -> u64 {
    allowed(place(packet))
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
            fn from_raw(id: PropertyId, raw: &'a [u8]) -> Option<Self> {
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
fn split_property(raw: &[u8]) -> Option<(PropertyId, &[u8], &[u8])> {
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
    fn write(&self, out: &mut BytesMut) {
        out.put_u8(self.id() as u8);
        self.write_value(out);
    }

    /// Checks what can be checked without knowing the packet.
    fn check(&self) -> Result<(), EncodeError> {
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

/// The properties of one packet: their validated bytes, read when asked for.
///
/// One type serves every packet; which property may stand where is checked when a packet is decoded or
/// encoded. What is decoded stays a slice of the received buffer.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Properties {
    /// The properties as they are on the wire, without the Property Length.
    bytes: Bytes,
    /// Bit n: the property with identifier n is there. Bit 63: several Subscription Identifiers.
    present: u64,
}

impl Properties {
    /// No properties.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: Bytes::new(),
            present: 0,
        }
    }

    /// These properties, in this order.
    ///
    /// # Errors
    /// As [`Properties::push`].
    pub fn of(properties: &[Property<'_>]) -> Result<Self, EncodeError> {
        let mut all = Self::new();
        all.extend(properties)?;
        Ok(all)
    }

    /// Adds a property behind the others.
    ///
    /// Whether it may stand in a packet is checked when that packet is encoded.
    ///
    /// # Errors
    /// The value is not one the property may have, or the property is there already and may not repeat. Then
    /// nothing is changed.
    pub fn push(&mut self, property: &Property<'_>) -> Result<(), EncodeError> {
        self.extend(std::slice::from_ref(property))
    }

    /// Adds several properties at once, which copies less than adding one after the other.
    ///
    /// # Errors
    /// As [`Properties::push`].
    pub fn extend(&mut self, properties: &[Property<'_>]) -> Result<(), EncodeError> {
        let mut present = self.present;
        for property in properties {
            property.check()?;
            present = mark(present, property.id()).ok_or(EncodeError::Breaks {
                rule: Rule::DuplicateProperty,
                field: property.id().name(),
            })?;
        }
        let mut out = std::mem::take(&mut self.bytes)
            .try_into_mut()
            .unwrap_or_else(|shared| (&*shared).into());
        for property in properties {
            property.write(&mut out);
        }
        *self = Self {
            bytes: out.freeze(),
            present,
        };
        Ok(())
    }

    /// Takes all properties with this identifier out.
    pub fn remove(&mut self, id: PropertyId) {
        if !self.contains(id) {
            return;
        }
        let mut out = BytesMut::with_capacity(self.bytes.len());
        for property in self.iter().filter(|property| property.id() != id) {
            property.write(&mut out);
        }
        let several = if id == PropertyId::SubscriptionIdentifier {
            SEVERAL_SUBSCRIPTION_IDENTIFIERS
        } else {
            0
        };
        *self = Self {
            bytes: out.freeze(),
            present: self.present & !bit(id) & !several,
        };
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes they take, without the Property Length before them.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// All properties in their order on the wire.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.bytes }
    }

    /// The properties as they are on the wire, without the Property Length.
    pub(crate) fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// For bytes that [`Properties::validate`] has passed, with what it returned.
    pub(crate) fn from_validated(bytes: Bytes, present: u64) -> Self {
        Self { bytes, present }
    }

    /// Checks all that is in `reader` and returns which properties are there.
    pub(crate) fn validate(mut reader: Reader<'_>, allowed: u64) -> Result<u64, DecodeError> {
        const FIELD: &str = "Property Identifier";
        let mut present = 0;
        while !reader.is_empty() {
            // All identifiers of this version are below 0x80, so a Variable Byte Integer of several bytes is
            // either not in its shortest form or unknown: malformed both ways.
            let byte = reader.byte(FIELD)?;
            let Some(id) = PropertyId::from_byte(byte) else {
                return Err(reader.breaks(Rule::UnknownProperty, FIELD));
            };
            if allowed & bit(id) == 0 {
                return Err(reader.breaks(Rule::ForeignProperty, id.name()));
            }
            present = match mark(present, id) {
                Some(marked) if marked & SEVERAL_SUBSCRIPTION_IDENTIFIERS & !allowed == 0 => marked,
                _ => return Err(reader.breaks(Rule::DuplicateProperty, id.name())),
            };
            validate_value(&mut reader, id)?;
        }
        Ok(present)
    }

    /// Fails with rule and field when a property is not among `allowed`.
    pub(crate) fn check_allowed(&self, allowed: u64) -> Result<(), (Rule, &'static str)> {
        let foreign = self.present & !allowed;
        if foreign == 0 {
            return Ok(());
        }
        if foreign == SEVERAL_SUBSCRIPTION_IDENTIFIERS {
            return Err((Rule::DuplicateProperty, PropertyId::SubscriptionIdentifier.name()));
        }
        let first = PropertyId::ALL.iter().find(|id| foreign & bit(**id) != 0);
        Err((Rule::ForeignProperty, first.map_or("Properties", |id| id.name())))
    }

    /// Whether this property is there.
    #[must_use]
    pub fn contains(&self, id: PropertyId) -> bool {
        self.present & bit(id) != 0
    }

    /// The first property with this identifier.
    #[must_use]
    pub fn find(&self, id: PropertyId) -> Option<Property<'_>> {
        if !self.contains(id) {
            return None;
        }
        let mut rest: &[u8] = &self.bytes;
        while let Some((found, value, tail)) = split_property(rest) {
            if found == id {
                return Property::from_raw(found, value);
            }
            rest = tail;
        }
        None
    }

    /// Names and values of the User Properties, in their order.
    pub fn user_properties(&self) -> impl Iterator<Item = (&str, &str)> {
        let any = if self.contains(PropertyId::UserProperty) {
            self.iter()
        } else {
            Iter { rest: &[] }
        };
        any.filter_map(|property| match property {
            Property::UserProperty(name, value) => Some((name, value)),
            _ => None,
        })
    }

    /// All Subscription Identifiers: a PUBLISH to a client has one for each subscription that it matched.
    pub fn subscription_identifiers(&self) -> impl Iterator<Item = u32> + '_ {
        let any = if self.contains(PropertyId::SubscriptionIdentifier) {
            self.iter()
        } else {
            Iter { rest: &[] }
        };
        any.filter_map(|property| match property {
            Property::SubscriptionIdentifier(id) => Some(id),
            _ => None,
        })
    }
}

/// Checks one value.
fn validate_value(reader: &mut Reader<'_>, id: PropertyId) -> Result<(), DecodeError> {
    let field = id.name();
    let broken = match id.data_type() {
        DataType::Utf8StringPair => {
            reader.checked_string(field)?;
            reader.checked_string(field)?;
            None
        }
        DataType::Byte | DataType::Switch | DataType::QosByte => {
            (reader.byte(field)? > 1).then_some(Rule::PropertyValue)
        }
        DataType::TwoByteInteger => match (reader.two_byte_integer(field)?, id) {
            (0, PropertyId::TopicAlias) => Some(Rule::TopicAliasZero),
            (0, PropertyId::ReceiveMaximum) => Some(Rule::PropertyValue),
            _ => None,
        },
        DataType::FourByteInteger => {
            let value = reader.four_byte_integer(field)?;
            (value == 0 && id == PropertyId::MaximumPacketSize).then_some(Rule::PropertyValue)
        }
        DataType::VariableByteInteger => {
            (reader.variable_byte_integer(field)? == 0).then_some(Rule::PropertyValue)
        }
        DataType::Utf8String => {
            let text = reader.checked_string(field)?;
            (id == PropertyId::ResponseTopic && TopicName::check(text).is_err())
                .then_some(Rule::ResponseTopic)
        }
        DataType::BinaryData => {
            reader.prefixed(field)?;
            None
        }
    };
    broken.map_or(Ok(()), |rule| Err(reader.breaks(rule, field)))
}

/// Marks a property as present; `None` if it is already and may not repeat.
fn mark(present: u64, id: PropertyId) -> Option<u64> {
    match id {
        _ if present & bit(id) == 0 => Some(present | bit(id)),
        PropertyId::UserProperty => Some(present),
        PropertyId::SubscriptionIdentifier => Some(present | SEVERAL_SUBSCRIPTION_IDENTIFIERS),
        _ => None,
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<'a> IntoIterator for &'a Properties {
    type IntoIter = Iter<'a>;
    type Item = Property<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Goes through [`Properties`].
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = Property<'a>;

    fn next(&mut self) -> Option<Property<'a>> {
        let (id, value, rest) = split_property(self.rest)?;
        self.rest = rest;
        Property::from_raw(id, value)
    }
}
