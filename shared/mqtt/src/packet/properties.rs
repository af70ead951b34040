//! [`Properties`]: the properties of one packet, as validated bytes.

use std::fmt;

use bytes::{Bytes, BytesMut};

use super::{
    Property, PropertyId,
    properties_ref::{Iter, PropertiesRef},
    property::{DataType, SEVERAL_SUBSCRIPTION_IDENTIFIERS, bit, section},
};
use crate::{
    codec::reader::Reader,
    error::{DecodeError, EncodeError, Rule},
    topic::TopicName,
};

/// The properties of one packet: their validated bytes, read when asked for.
///
/// One type serves every packet; which property may stand where is checked when a packet is decoded or
/// encoded. What is decoded stays a slice of the received buffer.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Properties {
    /// The properties as they are on the wire, without the Property Length; `None` when there are none, as in nearly
    /// all packets.
    bytes: Option<Bytes>,
    /// Bit n: the property with identifier n is there. Bit 63: several Subscription Identifiers.
    present: u64,
}

impl Properties {
    /// No properties.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: None,
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
            .unwrap_or_default()
            .try_into_mut()
            .unwrap_or_else(|shared| (&*shared).into());
        for property in properties {
            property.write(&mut out);
        }
        *self = Self::from_validated(out.freeze(), present);
        Ok(())
    }

    /// Takes all properties with this identifier out.
    pub fn remove(&mut self, id: PropertyId) {
        if !self.contains(id) {
            return;
        }
        let mut out = BytesMut::with_capacity(self.len_bytes());
        for property in self.iter().filter(|property| property.id() != id) {
            property.write(&mut out);
        }
        let several = if id == PropertyId::SubscriptionIdentifier {
            SEVERAL_SUBSCRIPTION_IDENTIFIERS
        } else {
            0
        };
        *self = Self::from_validated(out.freeze(), self.present & !bit(id) & !several);
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.present == 0
    }

    /// How many bytes they take, without the Property Length before them.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.bytes.as_ref().map_or(0, Bytes::len)
    }

    /// All properties in their order on the wire.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        self.as_view().iter()
    }

    /// The properties as they are on the wire, without the Property Length; [`Properties::read`] reads them again.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        static NONE: Bytes = Bytes::new();
        self.bytes.as_ref().unwrap_or(&NONE)
    }

    /// The properties in bytes that [`Properties::as_bytes`] gave; it ends at the first that is none.
    #[must_use]
    pub const fn read(bytes: &[u8]) -> Iter<'_> {
        Iter::over(bytes)
    }

    /// For bytes that [`Properties::validate`] has passed, with what it returned.
    pub(crate) fn from_validated(bytes: Bytes, present: u64) -> Self {
        Self {
            bytes: (!bytes.is_empty()).then_some(bytes),
            present,
        }
    }

    /// Checks all that is in `reader` and returns which properties are there.
    pub(crate) fn validate(mut reader: Reader<'_>, allowed: u64) -> Result<u64, DecodeError> {
        const FIELD: &str = "Property Identifier";
        let mut present = 0;
        while !reader.is_empty() {
            // All identifiers of this version are below 0x80: one byte, unless it is none of them.
            let Some(id) = reader
                .peek()
                .first()
                .and_then(|byte| PropertyId::from_byte(*byte))
            else {
                reader.variable_byte_integer(FIELD)?;
                return Err(reader.breaks(Rule::UnknownProperty, FIELD));
            };
            reader.byte(FIELD)?;
            if allowed & bit(id) == 0 {
                return Err(reader.breaks(Rule::ForeignProperty, id.name()));
            }
            present = match mark(present, id) {
                Some(marked) if marked & SEVERAL_SUBSCRIPTION_IDENTIFIERS & !allowed == 0 => marked,
                _ => return Err(breaks(&reader, Rule::DuplicateProperty, id, allowed)),
            };
            validate_value(&mut reader, id, allowed)?;
        }
        Ok(present)
    }

    /// Bit n: the property with identifier n is there.
    pub(super) const fn present(&self) -> u64 {
        self.present
    }

    /// The same, borrowed.
    #[must_use]
    #[inline]
    pub fn as_view(&self) -> PropertiesRef<'_> {
        PropertiesRef::from_validated(self.bytes.as_deref().unwrap_or_default(), self.present)
    }

    /// Whether this property is there.
    #[must_use]
    #[inline]
    pub fn contains(&self, id: PropertyId) -> bool {
        self.present & bit(id) != 0
    }

    /// The first property with this identifier.
    #[must_use]
    pub fn find(&self, id: PropertyId) -> Option<Property<'_>> {
        self.as_view().find(id)
    }

    /// Names and values of the User Properties, in their order.
    pub fn user_properties(&self) -> impl Iterator<Item = (&str, &str)> {
        self.as_view().user_properties()
    }

    /// All Subscription Identifiers: a PUBLISH to a client has one for each subscription that it matched.
    pub fn subscription_identifiers(&self) -> impl Iterator<Item = u32> + '_ {
        self.as_view().subscription_identifiers()
    }
}

/// The error for a property that may stand here, but not so: the section about it decides.
#[cold]
fn breaks(reader: &Reader<'_>, rule: Rule, id: PropertyId, allowed: u64) -> DecodeError {
    let error = reader.breaks(rule, id.name());
    match (rule, section(id, allowed)) {
        (Rule::DuplicateProperty | Rule::PropertyValue, Some(section)) => error.in_section(section),
        // The statement of PUBLISH does not speak of Will Properties.
        (Rule::ResponseTopic, Some("MQTT5-3.1.3.2.6")) => {
            error.in_section(Rule::WillTopicWildcard.v5_statement())
        }
        _ => error,
    }
}

/// Checks one value.
fn validate_value(reader: &mut Reader<'_>, id: PropertyId, allowed: u64) -> Result<(), DecodeError> {
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
            match id {
                PropertyId::ResponseTopic if text.is_empty() => Some(Rule::TopicEmpty),
                PropertyId::ResponseTopic if TopicName::check(text).is_err() => Some(Rule::ResponseTopic),
                _ => None,
            }
        }
        DataType::BinaryData => {
            reader.prefixed(field)?;
            None
        }
    };
    broken.map_or(Ok(()), |rule| Err(breaks(reader, rule, id, allowed)))
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
