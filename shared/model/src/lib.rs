//! What page and bridge know about messages.
