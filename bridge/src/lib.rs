//! The Hearth bridge.
