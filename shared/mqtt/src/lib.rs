//! MQTT 3.1.1 and 5.0 for clients: codec, framer, topics, and a session without I/O.
