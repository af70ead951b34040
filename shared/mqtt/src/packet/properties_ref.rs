//! [`PropertiesRef`]: the properties of a packet, borrowed from it.

use std::fmt;

use super::{
    Property, PropertyId,
    property::{SEVERAL_SUBSCRIPTION_IDENTIFIERS, bit, split_property},
};
use crate::error::Rule;

/// The properties of one packet, borrowed from it: what [`Properties`](super::Properties) owns.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct PropertiesRef<'a> {
    /// The properties as they are on the wire, without the Property Length.
    bytes: &'a [u8],
    /// As in [`Properties`](super::Properties).
    present: u64,
}

impl<'a> PropertiesRef<'a> {
    /// For validated bytes, with what validating returned.
    #[inline]
    pub(crate) const fn from_validated(bytes: &'a [u8], present: u64) -> Self {
        Self { bytes, present }
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.present == 0
    }

    /// How many bytes they take, without the Property Length before them.
    #[must_use]
    #[inline]
    pub const fn len_bytes(self) -> usize {
        self.bytes.len()
    }

    /// The properties as they are on the wire, without the Property Length.
    #[must_use]
    #[inline]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// All properties in their order on the wire.
    #[must_use]
    pub const fn iter(self) -> Iter<'a> {
        Iter::over(self.bytes)
    }

    /// Fails with rule and field when a property is not among `allowed`.
    #[inline]
    pub(crate) fn check_allowed(self, allowed: u64) -> Result<(), (Rule, &'static str)> {
        match self.present & !allowed {
            0 => Ok(()),
            foreign => Err(refusal(foreign)),
        }
    }

    /// Whether this property is there.
    #[must_use]
    #[inline]
    pub fn contains(self, id: PropertyId) -> bool {
        self.present & bit(id) != 0
    }

    /// The first property with this identifier.
    #[must_use]
    pub fn find(self, id: PropertyId) -> Option<Property<'a>> {
        if !self.contains(id) {
            return None;
        }
        let mut rest = self.bytes;
        while let Some((found, value, tail)) = split_property(rest) {
            if found == id {
                return Property::from_raw(found, value);
            }
            rest = tail;
        }
        None
    }

    /// All properties, or none at all when none has this identifier.
    fn iter_for(self, id: PropertyId) -> Iter<'a> {
        Iter::over(if self.contains(id) { self.bytes } else { &[] })
    }

    /// Names and values of the User Properties, in their order.
    pub fn user_properties(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.iter_for(PropertyId::UserProperty)
            .filter_map(|property| match property {
                Property::UserProperty(name, value) => Some((name, value)),
                _ => None,
            })
    }

    /// All Subscription Identifiers: a PUBLISH to a client has one for each subscription that it matched.
    pub fn subscription_identifiers(self) -> impl Iterator<Item = u32> + 'a {
        self.iter_for(PropertyId::SubscriptionIdentifier)
            .filter_map(|property| match property {
                Property::SubscriptionIdentifier(id) => Some(id),
                _ => None,
            })
    }
}

/// Why these properties may not stand there.
#[cold]
fn refusal(foreign: u64) -> (Rule, &'static str) {
    if foreign == SEVERAL_SUBSCRIPTION_IDENTIFIERS {
        return (Rule::DuplicateProperty, PropertyId::SubscriptionIdentifier.name());
    }
    let first = PropertyId::ALL.iter().find(|id| foreign & bit(**id) != 0);
    (Rule::ForeignProperty, first.map_or("Properties", |id| id.name()))
}

impl fmt::Debug for PropertiesRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for PropertiesRef<'a> {
    type IntoIter = Iter<'a>;
    type Item = Property<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Goes through the properties of a packet.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iter<'a> {
    /// Ends at the first that is no property.
    pub(super) const fn over(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Property<'a>;

    fn next(&mut self) -> Option<Property<'a>> {
        let (id, value, rest) = split_property(self.rest)?;
        self.rest = rest;
        Property::from_raw(id, value)
    }
}
