//! Requests to a zigbee2mqtt bridge, which says what became of them.

use super::*;

const DEVICES: &str = r#"[{"ieee_address":"0x01","type":"EndDevice","friendly_name":"Plug","supported":true,"disabled":false,
    "definition":{"model":"P","vendor":"V","description":"Plug","exposes":[{"type":"switch","features":[
    {"type":"binary","name":"state","property":"state","access":7,"value_on":"ON","value_off":"OFF"}]}],"options":[]}}]"#;
const RENAME: &str = "zigbee2mqtt/bridge/response/device/rename";

impl Bench {
    fn at_bridge() -> Self {
        let mut bench = Self::connected();
        bench.command(Command::Open(View::Home));
        bench.publish("zigbee2mqtt/bridge/devices", DEVICES);
        bench.publish("zigbee2mqtt/bridge/info", r#"{"permit_join":false}"#);
        bench.wait(1_000);
        bench
    }

    fn id_of(&self, name: &str) -> String {
        let mut cards = self.cards().into_iter().rev();
        let card = cards.find(|card| card.name == name);
        card.map(|card| card.id.clone()).expect("a card")
    }

    fn ask(&mut self, device: &str, entity: &str, action: Action) {
        self.command(Command::Control {
            request: 1,
            device: device.to_owned(),
            entity: entity.to_owned(),
            action,
        });
        self.wait(10);
    }

    fn entity(&mut self, device: &str, entity: &str) -> crate::wire::EntityView {
        self.command(Command::Open(View::Device {
            id: device.to_owned(),
        }));
        self.wait(1_000);
        let shown = self.patches.iter().rev().find_map(|patch| match patch {
            Patch::Device {
                device: Some(device), ..
            } => Some(device.card.entities.clone()),
            _ => None,
        });
        let entities = shown.expect("the device is there");
        entities
            .into_iter()
            .find(|known| known.id == entity)
            .expect("an entity")
    }

    fn state(&mut self, device: &str, entity: &str) -> ControlState {
        self.entity(device, entity).control.expect("a control").state
    }
}

#[test]
fn a_name_is_refused_in_the_words_of_the_bridge_and_the_next_one_is_confirmed() {
    let mut bench = Bench::at_bridge();
    let plug = bench.id_of("Plug");
    bench.ask(&plug, "rename", Action::Choose("Lamp".into()));
    assert!(
        matches!(bench.state(&plug, "rename"), ControlState::Sent(_)),
        "acknowledged is not answered"
    );
    bench.publish(
        RENAME,
        r#"{"data":{},"status":"error","error":"friendly_name 'Lamp' is already in use","transaction":"hearth-rename-0x01"}"#,
    );
    bench.wait(1_000);
    let ControlState::Failed(why, _) = bench.state(&plug, "rename") else {
        panic!("it was refused");
    };
    assert_eq!(why, "Refused: friendly_name 'Lamp' is already in use");
    bench.ask(&plug, "rename", Action::Choose("Socket".into()));
    bench.publish(
        RENAME,
        r#"{"status":"error","error":"x","transaction":"of somebody else"}"#,
    );
    bench.wait(200);
    assert!(matches!(bench.state(&plug, "rename"), ControlState::Sent(_)));
    bench.publish(
        RENAME,
        r#"{"data":{"from":"Plug","to":"Socket"},"status":"ok","transaction":"hearth-rename-0x01"}"#,
    );
    bench.wait(1_000);
    assert_eq!(bench.state(&plug, "rename"), ControlState::Confirmed);
    bench.ask(&plug, "rename", Action::Choose("Third".into()));
    bench.wait(6_000);
    assert!(
        matches!(bench.state(&plug, "rename"), ControlState::Failed(why, _) if why.contains("No answer"))
    );
}

#[test]
fn letting_devices_in_counts_down_to_what_the_bridge_says() {
    let mut bench = Bench::at_bridge();
    let bridge = bench.id_of("Zigbee2MQTT");
    bench.ask(&bridge, "permit_join", Action::Turn(true));
    let end = WALL_AT_ZERO_MS + bench.ms + 254_000;
    bench.publish(
        "zigbee2mqtt/bridge/info",
        &format!(r#"{{"permit_join":true,"permit_join_end":{end}}}"#),
    );
    bench.wait(1_000);
    assert_eq!(bench.state(&bridge, "permit_join"), ControlState::Confirmed);
    let until = bench.entity(&bridge, "permit_join_end");
    assert!(
        until.kind == "until"
            && matches!(until.value, EntityValue::Number { value, .. } if value == end as f64)
    );
    assert!(
        bench
            .entity(&bridge, "permit_join")
            .control
            .is_some_and(|control| control.for_admins)
    );
}
