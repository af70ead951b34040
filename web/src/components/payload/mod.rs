//! A payload as JSON, as text, as hex, and compared with the one before. Large ones are drawn by the screenful.

mod compare;
mod diff;
pub(crate) mod hex;
mod image;
pub(crate) mod json;
mod lines;
mod paths;
pub(crate) mod viewer;
