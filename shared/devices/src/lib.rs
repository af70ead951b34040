//! From topics and payloads to devices: what is in the home, what each thing says, and what can be done with it.
//!
//! Devices that announce themselves are read by what they announce ([`announced`]); all others by the form of topics
//! and payloads alone, and whatever is read so is a guess and marked as one. Nothing here opens a socket, reads a clock (`now_ms` is always an argument) or touches a page, and no input panics.
//!
//! ```
//! use hearth_devices::{Action, DeviceOptions, Devices};
//! use hearth_model::store::Arrival;
//!
//! let mut devices = Devices::new(DeviceOptions::default());
//! devices.apply(1_000, &Arrival::new("zigbee2mqtt/Kitchen/Worktop", br#"{"state":"ON","brightness":127}"#));
//!
//! let (id, device) = devices.iter().next().unwrap();
//! assert_eq!((&*device.name, device.room.as_deref(), device.kind.name()), ("Worktop", Some("Kitchen"), "light"));
//! let command = devices.command(id, "state", &Action::TurnOff).unwrap();
//! assert_eq!((&*command.topic, &*command.payload), ("zigbee2mqtt/Kitchen/Worktop/set", br#"{"state":"OFF"}"#.as_slice()));
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod announced;
mod arrange;
mod arrangement;
mod called;
mod class;
mod cloud_events;
mod command;
mod control;
mod correct;
mod device;
mod entity;
mod facts;
mod flat;
mod guesses;
mod kind;
mod metric;
mod names;
mod options;
mod place;
mod presence;
mod registry;
mod rhythm;
mod takes;
mod text_rule;
mod together;
mod unit;

#[cfg(test)]
mod tests;

pub use arrange::Part;
pub use arrangement::{Arrangement, Correction, named};
pub use class::Class;
pub use command::{Action, Answers, Code, Command, CommandError, Control, ControlKind, Payload, Verb, Write};
pub use correct::{EntityCorrection, OwnEntity, unit_of};
pub use device::{
    CONCEALED, Details, Device, DeviceId, DeviceKind, Entity, EntityKind, Liveness, Own, Source, Value,
};
pub use facts::{Attention, Facts, Reason, Share};
pub use flat::Scalar;
pub use options::{DeviceCounters, DeviceOptions};
pub use registry::{Devices, Room};
pub use takes::{Takes, packet_bytes};
pub use text_rule::TextRule;
