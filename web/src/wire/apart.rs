//! What is read and written apart from the rest, because only pages need it that a first visit does not load: without this
//! a derived implementation becomes one function with all there is to read in it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[inline(never)]
pub(super) fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    value.serialize(serializer)
}

#[inline(never)]
pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::deserialize(deserializer)
}
