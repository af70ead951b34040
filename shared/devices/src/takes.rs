//! How much a device takes at once: small ones drop what does not fit their packet buffer, and say nothing.

use crate::device::{Device, DeviceId, Source};
use crate::registry::Devices;

/// Tasmota's `MQTT_MAX_PACKET_SIZE`, <https://github.com/arendst/Tasmota/blob/development/lib/default/TasmotaPubSubClient/src/PubSubClient.h>.
const TASMOTA_BYTES: usize = 1_200;
/// What 256dpi/arduino-mqtt has for a packet unless it is told otherwise, <https://github.com/256dpi/arduino-mqtt#api>;
/// PubSubClient has 256.
const SMALL_BYTES: usize = 128;
/// Of a packet besides topic and payload: first byte, two bytes of length, two of the topic's length, two of the identifier.
const HEAD_BYTES: usize = 7;

/// How much a device takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takes {
    /// Of a whole packet.
    pub bytes: usize,
    /// It is what this program is known to have; otherwise what the smallest have.
    pub is_known: bool,
}

/// Bytes of the packet that brings this message to a device.
#[must_use]
pub fn packet_bytes(topic: &str, payload: &[u8]) -> usize {
    HEAD_BYTES + topic.len() + payload.len()
}

impl Device {
    /// The buffer of what it runs on; `None` where nothing is known to be small.
    #[must_use]
    pub fn takes(&self) -> Option<Takes> {
        let is = |source| self.source == source || self.announced_by.contains(&source);
        if is(Source::Tasmota) || is(Source::TasmotaDiscovery) {
            Some(Takes {
                bytes: TASMOTA_BYTES,
                is_known: true,
            })
        } else {
            // Whatever speaks so plainly may have been made of any library.
            (is(Source::Plain) && !self.is_announced).then_some(Takes {
                bytes: SMALL_BYTES,
                is_known: false,
            })
        }
    }
}

impl Devices {
    /// The device that is told something on this topic: by one of its controls, or beside them, as `cmnd/plug/Backlog` is.
    #[must_use]
    pub fn told_on(&self, topic: &str) -> Option<(DeviceId, &Device)> {
        let (above, _) = topic.rsplit_once('/')?;
        let is_beside = |known: &str| known.rsplit_once('/').is_some_and(|(levels, _)| levels == above);
        self.iter().find(|(_, device)| {
            let mut controls = device
                .entities
                .iter()
                .filter_map(|entity| entity.control.as_ref());
            controls.any(|control| is_beside(control.topic()))
        })
    }
}

#[cfg(test)]
mod tests {
    use hearth_model::store::Arrival;

    use super::*;
    use crate::DeviceOptions;

    #[test]
    fn tasmota_is_known_to_have_a_small_buffer_and_is_found_by_any_of_its_commands() {
        let mut devices = Devices::new(DeviceOptions::default());
        let config = r#"{"ip":"192.168.0.9","dn":"Plug","fn":["Plug",null],"hn":"plug","mac":"AABBCCDDEEFF","md":"Plug","ty":0,"if":0,"ofln":"Offline","onln":"Online","state":["OFF","ON","TOGGLE","HOLD"],"sw":"14.2.0","t":"plug","ft":"%prefix%/%topic%/","tp":["cmnd","stat","tele"],"rl":[1,0],"so":{"4":0},"lk":0,"lt_st":0,"bat":0,"dslp":0,"ver":1}"#;
        let say = |devices: &mut Devices, topic: &str, payload: &str| {
            devices.apply(1_000, &Arrival::new(topic, payload.as_bytes()));
            devices.settle(1_000);
        };
        say(&mut devices, "tasmota/discovery/AABBCCDDEEFF/config", config);
        say(&mut devices, "home/hall/lamp/state", "ON");
        say(&mut devices, "zigbee2mqtt/Lamp", r#"{"state":"ON"}"#);
        let takes = |topic: &str| devices.told_on(topic).map(|(_, device)| device.takes());
        let tasmota = Takes {
            bytes: 1_200,
            is_known: true,
        };
        assert_eq!(takes("cmnd/plug/Backlog"), Some(Some(tasmota)));
        assert_eq!(takes("cmnd/other/Backlog"), None);
        assert_eq!(takes("zigbee2mqtt/Lamp/set"), Some(None));
        let plain = devices.iter().find(|(_, device)| device.source == Source::Plain);
        assert_eq!(
            plain
                .and_then(|(_, device)| device.takes())
                .map(|takes| takes.bytes),
            Some(128)
        );
    }
}
