//! What page and bridge know about messages.

pub mod api;
