//! Reading and writing the data types of MQTT.

pub(crate) mod reader;
pub(crate) mod utf8_string;
pub mod variable_byte_integer;
pub(crate) mod writer;
