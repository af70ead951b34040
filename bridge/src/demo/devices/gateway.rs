//! zigbee2mqtt itself: says that the bridge between Zigbee and MQTT is there.

use crate::demo::{Availability, Device, Message, Moment};

pub(super) struct Gateway;

impl Device for Gateway {
    fn client_id(&self) -> String {
        "simulated-zigbee2mqtt".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability {
            topic: "zigbee2mqtt/bridge/state".to_owned(),
            online: r#"{"state":"online"}"#,
            offline: r#"{"state":"offline"}"#,
        }
    }

    fn announce(&mut self, _now: Moment) -> Vec<Message> {
        Vec::new()
    }

    fn simulate(&mut self, _now: Moment) -> Vec<Message> {
        Vec::new()
    }
}
