//! Topic names, topic filters, and matching one against the other.

mod filter;
mod name;
mod trie;

pub use filter::{SharedFilter, TopicFilter, TopicFilterError};
pub use name::{TopicName, TopicNameError};
pub use trie::TopicTrie;
