//! Topic names, topic filters, and matching one against the other.

/// What a topic name and a topic filter have in common: a checked text that is shared.
macro_rules! checked_text {
    ($name:ident, $error:ident) => {
        impl $name {
            /// Checks the rules of section 4.7 once; every later holder relies on them.
            ///
            /// # Errors
            #[doc = concat!("[`", stringify!($error), "`] says which rule `text` breaks.")]
            pub fn parse(text: &str) -> Result<Self, $error> {
                Self::check(text.as_bytes())?;
                Ok(Self(text.into()))
            }

            /// The same check for a string that is already shared: nothing is copied.
            ///
            /// # Errors
            #[doc = concat!("[`", stringify!($error), "`] says which rule `text` breaks.")]
            pub fn from_shared(text: ByteString) -> Result<Self, $error> {
                Self::check(text.as_bytes())?;
                Ok(Self(text))
            }

            /// For text that has passed the check.
            pub(crate) fn from_checked(text: ByteString) -> Self {
                Self(text)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text as a shared string.
            #[must_use]
            pub fn as_shared(&self) -> &ByteString {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.as_str())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
    };
}

mod filter;
mod name;
mod trie;

pub use filter::{SharedFilter, TopicFilter, TopicFilterError};
pub use name::{TopicName, TopicNameError};
pub use trie::TopicTrie;
