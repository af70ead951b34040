//! What the page makes of the simulated home: every format is read, and what is switched answers.

use super::home;
use crate::demo::{Device, Message, Moment};
use hearth_devices::{Action, DeviceId, DeviceOptions, Devices, Liveness, Reason, Source, Value};
use hearth_model::store::Arrival;
use std::collections::{BTreeMap, BTreeSet};

const NOVEMBER_EVENING_MS: u64 = 1_795_287_600_000;

/// The home, and a page that shows it.
struct Visit {
    home: Vec<Box<dyn Device>>,
    page: Devices,
    /// What the broker keeps, and what the page has of the rest.
    store: BTreeMap<String, (bool, Vec<u8>)>,
    now: Moment,
}

impl Visit {
    /// A home that began `since_start_ms` ago, and a page that has just come.
    fn new(since_start_ms: u64) -> Self {
        let now = Moment {
            since_start_ms: 0,
            home_ms: NOVEMBER_EVENING_MS,
        };
        let mut visit = Self {
            home: home(1),
            page: Devices::new(DeviceOptions::default()),
            store: BTreeMap::new(),
            now,
        };
        // Nothing here reads templates, and nobody waits for it.
        visit.page.miss_templates();
        let mut said = Vec::new();
        for device in &mut visit.home {
            said.extend(device.describe(now));
            said.extend(device.availability().message());
            said.extend(device.announce(now));
        }
        if since_start_ms == 0 {
            visit.hear(said);
            return visit;
        }
        // Of what was said before, a page gets what was retained.
        while visit.now.since_start_ms < since_start_ms {
            visit.wait(500);
            for device in &mut visit.home {
                said.extend(device.simulate(visit.now));
            }
        }
        said.retain(|message| message.retain);
        for message in said {
            visit.store.insert(message.topic, (true, message.payload));
        }
        for topic in visit.store.keys().cloned().collect::<Vec<_>>() {
            visit.read(&topic);
        }
        visit
    }

    fn wait(&mut self, ms: u64) {
        self.now.since_start_ms += ms;
        self.now.home_ms += ms;
    }

    /// So long, message by message.
    fn stay(&mut self, ms: u64) {
        let end = self.now.since_start_ms + ms;
        while self.now.since_start_ms < end {
            self.wait(500);
            let said: Vec<Message> = self
                .home
                .iter_mut()
                .flat_map(|device| device.simulate(self.now))
                .collect();
            self.hear(said);
            self.page.tick(self.now.home_ms);
        }
    }

    fn hear(&mut self, messages: Vec<Message>) {
        for message in messages {
            self.store.insert(message.topic.clone(), (false, message.payload));
            self.read(&message.topic);
        }
    }

    fn read(&mut self, topic: &str) {
        let Some((retain, payload)) = self.store.get(topic) else {
            return;
        };
        let arrival = Arrival {
            retain: *retain,
            ..Arrival::new(topic, payload)
        };
        self.page.apply(self.now.home_ms, &arrival);
        self.page.settle(self.now.home_ms);
        for topic in self.page.take_wanted() {
            self.read(&topic);
        }
    }

    fn find(&self, name: &str) -> DeviceId {
        let found = self.page.iter().find(|(_, device)| device.name == name);
        found
            .unwrap_or_else(|| panic!("no {name} in\n{}", self.table()))
            .0
    }

    fn value(&self, device: &str, entity: &str) -> Value {
        let device = self.page.device(self.find(device)).unwrap();
        let found = device.entity(entity);
        found
            .unwrap_or_else(|| panic!("no {entity} in {:?}", device.entities))
            .value
            .clone()
    }

    /// Does it, and lets the device hear it.
    fn act(&mut self, device: &str, entity: &str, action: &Action) -> String {
        self.act_on(self.find(device), entity, action)
    }

    fn act_on(&mut self, id: DeviceId, entity: &str, action: &Action) -> String {
        let command = self.page.command(id, entity, action).unwrap();
        let mut answers = Vec::new();
        for device in &mut self.home {
            if device
                .command_topics()
                .iter()
                .any(|filter| is_in(filter, &command.topic))
            {
                answers.extend(device.obey_bytes(self.now, &command.topic, &command.payload));
            }
        }
        self.hear(answers);
        format!("{} {}", command.topic, String::from_utf8_lossy(&command.payload))
    }

    fn table(&self) -> String {
        let mut lines: Vec<String> = self
            .page
            .iter()
            .map(|(_, device)| {
                let room = device.room.as_deref().unwrap_or("-");
                let values: Vec<String> = device
                    .entities
                    .iter()
                    .filter(|entity| !entity.diagnostic)
                    .map(|entity| {
                        format!(
                            "{} {}{}",
                            entity.id,
                            entity.words(),
                            if entity.unreadable { "!" } else { "" }
                        )
                    })
                    .collect();
                format!(
                    "{room} | {} | {} | {} | {:?} | {}",
                    device.name,
                    device.kind.name(),
                    device.liveness.name(),
                    device.announced_by,
                    values.join(", ")
                )
            })
            .collect();
        lines.sort();
        lines.join("\n")
    }
}

fn is_in(filter: &str, topic: &str) -> bool {
    let filter = hearth_mqtt::TopicFilter::parse(filter).unwrap();
    let name = hearth_mqtt::TopicName::parse(topic).unwrap();
    filter.matches(&name)
}

#[test]
fn every_format_is_spoken_and_nothing_that_announces_itself_is_guessed_at() {
    let mut visit = Visit::new(0);
    visit.stay(120_000);
    let spoken: BTreeSet<Source> = visit
        .page
        .iter()
        .flat_map(|(_, device)| device.announced_by.clone())
        .collect();
    for source in [
        Source::HomeAssistant,
        Source::Zigbee2mqttBridge,
        Source::TasmotaDiscovery,
        Source::Homie,
        Source::Shelly,
        Source::ShellyRpc,
        Source::EspHome,
        Source::Sparkplug,
    ] {
        assert!(spoken.contains(&source), "nobody speaks {source:?}");
    }
    let guessed: Vec<&str> = visit
        .page
        .iter()
        .filter(|(_, device)| !device.is_announced)
        .flat_map(|(_, device)| device.topics.first())
        .map(String::as_str)
        .collect();
    assert!(
        guessed.iter().all(|topic| topic.starts_with("home/")),
        "{guessed:?}"
    );
}

#[test]
fn a_light_in_each_format_is_switched_and_says_so() {
    let mut visit = Visit::new(0);
    let on = Value::Binary(true);
    for (device, entity, message) in [
        (
            "Ceiling light",
            "ceiling-light-01-light",
            r#"ceiling-light/light/set {"state":"ON"}"#,
        ),
        (
            "Lamp",
            "light",
            r#"zigbee2mqtt/Living room lamp/set {"state":"ON"}"#,
        ),
        (
            "Floor lamp",
            "light.power",
            "homie/5/floor-lamp/light/power/set true",
        ),
        (
            "Balcony lights",
            "lights.power",
            "homie/balcony-box/lights/power/set true",
        ),
        ("Worktop", "light0", "shellies/kitchen-worktop/light/0/command on"),
        (
            "Reading light",
            "light.reading_light",
            r#"bedroom-reading-light/light/reading_light/command {"state":"ON"}"#,
        ),
    ] {
        visit.act(device, entity, &Action::TurnOff);
        assert_eq!(visit.value(device, entity), Value::Binary(false), "{device}");
        assert_eq!(visit.act(device, entity, &Action::TurnOn), message);
        assert_eq!(visit.value(device, entity), on, "{device}");
    }
    // Three rooms have something that is called just Light.
    for (room, entity, topic, is_announced) in [
        ("Hallway", "power1", "cmnd/hallway-light/POWER", true),
        ("Garage", "light:0", "garage-light/rpc", true),
        (
            "Hauswirtschaftsraum",
            "Light",
            "spBv1.0/Lindenweg/DCMD/heating-room/Hauswirtschaftsraum light",
            true,
        ),
        ("Kitchen", "state", "home/kitchen/light/set", false),
    ] {
        let id = visit
            .page
            .iter()
            .find(|(_, device)| device.room.as_deref() == Some(room) && device.name == "Light")
            .unwrap()
            .0;
        assert_eq!(
            visit.page.device(id).unwrap().is_announced,
            is_announced,
            "{room}"
        );
        let sent = visit.act_on(id, entity, &Action::TurnOn);
        assert!(sent.starts_with(topic), "{sent}");
        assert_eq!(
            visit.page.device(id).unwrap().entity(entity).unwrap().value,
            on,
            "{room}"
        );
    }
}

#[test]
fn a_visitor_of_two_minutes_sees_every_fault() {
    let mut visit = Visit::new(7 * 60_000 + 40_000);
    let seen = |visit: &Visit, name: &str| visit.page.device(visit.find(name)).unwrap().liveness;
    let mut pump = BTreeSet::new();
    for _ in 0..240 {
        visit.stay(500);
        pump.insert(seen(&visit, "Fountain pump").name());
    }
    assert_eq!(
        Vec::from_iter(pump),
        ["offline", "online"],
        "the pump comes and goes"
    );
    assert_eq!(seen(&visit, "Old thermometer"), Liveness::Offline);
    assert!(
        visit
            .page
            .device(visit.find("Garden bed"))
            .unwrap()
            .entity("garden-bed-moisture")
            .unwrap()
            .unreadable
    );
    assert_eq!(
        visit.value("Door", "state"),
        Value::Binary(true),
        "the garage door is open"
    );
    let reasons: BTreeSet<Reason> = visit
        .page
        .attention(visit.now.home_ms + 5 * 60_000)
        .iter()
        .map(|item| item.reason)
        .collect();
    for reason in [Reason::Open, Reason::Battery, Reason::Unavailable] {
        assert!(reasons.contains(&reason), "{reason:?}: {reasons:?}");
    }
    assert_eq!(
        visit.value("Heat pump", "Setpoint"),
        Value::Number(38.0),
        "born again by now"
    );

    let mut first = Visit::new(0);
    first.stay(100_000);
    assert_eq!(seen(&first, "Gefriertruhe"), Liveness::Stale);
}

#[test]
fn the_gateway_answers_requests_and_the_heat_pump_takes_a_setpoint_and_a_rebirth() {
    let mut visit = Visit::new(60_000);
    visit.stay(10_000);
    let pump = visit.page.device(visit.find("Heat pump")).unwrap();
    assert!(
        pump.entity("Setpoint").is_none() && pump.entity("alias:4").is_some(),
        "{:?}",
        pump.entities
    );
    visit.act("heating-room", "rebirth", &Action::Press);
    assert_eq!(visit.value("Heat pump", "Setpoint"), Value::Number(38.0));

    visit.act("Heat pump", "Setpoint", &Action::Choose("41.5".into()));
    assert_eq!(visit.value("Heat pump", "Setpoint"), Value::Number(41.5));

    visit.act("Zigbee2MQTT", "permit_join", &Action::TurnOn);
    assert_eq!(visit.value("Zigbee2MQTT", "permit_join"), Value::Binary(true));
    visit.act("Zigbee2MQTT", "restart", &Action::Press);
    assert_eq!(visit.value("Zigbee2MQTT", "connection"), Value::Binary(false));
    visit.stay(10_000);
    assert_eq!(visit.value("Zigbee2MQTT", "connection"), Value::Binary(true));
    visit.act("Refrigerator", "ask_info", &Action::Press);
    let fridge = visit.page.device(visit.find("Refrigerator")).unwrap();
    assert_eq!(fridge.details.model, "PlusPlugS (SNPL-00112EU)");
    visit.act("Refrigerator", "ask_names", &Action::Press);
    let fridge = visit.page.device(visit.find("Refrigerator")).unwrap();
    assert_eq!(fridge.entity("switch:0").unwrap().name, "Kompressor");
}
