//! From topics and payloads to devices.
