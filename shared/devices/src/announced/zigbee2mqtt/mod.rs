//! zigbee2mqtt: the lists of devices and groups that its bridge keeps at the broker.
//!
//! `<base>/bridge/devices` and `/groups` say everything; states come on `<base>/<friendly name>`. The bridge itself is a device too:
//! whether it runs, and letting new devices in.

mod exposes;
mod specific;

use std::collections::{BTreeSet, HashMap};

use hearth_model::store::Arrival;

use super::extract::Extract;
use super::json::{Json, JsonLimits, quoted};
use super::model::{
    AnnouncedEntity, Announcement, Availability, AvailabilityCheck, AvailabilityMode, Part, PartControl,
    Shows, StateRead,
};
use super::parts::{either, is_topic, single, switch, told};
use super::{Announcements, Format, identify};
use crate::class::Class;
use crate::command::{ControlKind, Payload, Verb, Write};
use crate::device::{EntityKind, Source};

/// Bridges whose devices are remembered for their groups.
const BRIDGES: usize = 64;
/// Letting devices in ends by itself after so many seconds; the most that the bridge takes. It says when in
/// `permit_join_end`, ms since epoch.
const JOIN_SECONDS: &str = "254";

/// Longest word that is told of an interview, in characters.
const WORD: usize = 40;

/// The format.
#[derive(Debug, Default)]
pub(super) struct Zigbee2mqtt {
    bridges: HashMap<String, Bridge>,
}

/// What groups are made of.
#[derive(Debug, Default)]
struct Bridge {
    /// The lights, switches, covers, … of each device, by IEEE address.
    exposes: HashMap<String, Vec<Json>>,
    groups: Vec<Json>,
    /// States are said value by value, each on a topic of its own (`advanced.output`).
    says_apart: bool,
}

fn base_of(topic: &str) -> Option<(&str, &str)> {
    let (rest, list) = topic.rsplit_once('/')?;
    let base = rest.strip_suffix("/bridge")?;
    (matches!(list, "devices" | "groups" | "info") && !base.is_empty()).then_some((base, list))
}

impl Format for Zigbee2mqtt {
    fn wants(&self, topic: &str) -> bool {
        base_of(topic).is_some()
    }

    fn takes(&self, topic: &str) -> bool {
        base_of(topic).is_some_and(|(base, list)| list != "info" || self.bridges.contains_key(base))
    }

    fn filters(&self) -> &'static [&'static str] {
        &[
            "+/bridge/devices",
            "+/bridge/groups",
            "+/bridge/info",
            "+/bridge/state",
        ]
    }

    fn apply(&mut self, now_ms: u64, arrival: &Arrival<'_>, announcements: &mut Announcements) {
        let topic = arrival.topic;
        let Some((base, list)) = base_of(topic) else {
            return;
        };
        if list == "info" {
            return self.settings(base, arrival.payload, announcements);
        }
        let below = format!("{topic}#");
        if arrival.payload.trim_ascii().is_empty() {
            announcements.forget_payload(topic);
            announcements.forget_problems(topic);
            announcements.remove_below(&below, &BTreeSet::new());
            return;
        }
        if !announcements.is_news(topic, arrival.payload) {
            return;
        }
        announcements.forget_problems(topic);
        let parsed = match Json::parse(arrival.payload, JsonLimits::ANNOUNCEMENT) {
            Ok(parsed @ Json::List(_)) => parsed,
            Ok(_) => return announcements.refuse(now_ms, topic, "it is no list"),
            Err(fault) => return announcements.refuse(now_ms, topic, fault.reason()),
        };
        if !self.bridges.contains_key(base) && self.bridges.len() >= BRIDGES {
            return announcements.refuse(now_ms, topic, "there are too many bridges");
        }
        let bridge = self.bridges.entry(base.to_owned()).or_default();
        let place = Place {
            base,
            topic,
            now_ms,
            says_apart: bridge.says_apart,
        };
        if list == "devices" {
            place.devices(parsed.list(), bridge, announcements);
        } else {
            bridge.groups = parsed.list().to_vec();
            place.groups(bridge, announcements);
        }
    }
}

impl Zigbee2mqtt {
    /// Of the bridge's settings, only how it says states; what is read besides is read by topic. They are hundreds of kB, and
    /// written without spaces.
    fn settings(&mut self, base: &str, payload: &[u8], announcements: &mut Announcements) {
        const APART: &[u8] = b"\"output\":\"attribute\"";
        let says_apart = payload.windows(APART.len()).any(|part| part == APART);
        let known = self.bridges.get(base).is_some_and(|bridge| bridge.says_apart);
        let has_room = self.bridges.len() < BRIDGES || self.bridges.contains_key(base);
        if says_apart == known || !has_room {
            return;
        }
        self.bridges.entry(base.to_owned()).or_default().says_apart = says_apart;
        for list in ["devices", "groups"] {
            announcements.read_again(format!("{base}/bridge/{list}"));
        }
    }
}

/// How far the bridge is in asking a device what it can do: one word in newer versions, two marks in all.
fn interview(device: &Json) -> String {
    let is = |name: &str| device.get(name).and_then(Json::bool);
    let said = match device.get("interview_state").and_then(Json::text) {
        Some("PENDING") => "Not begun",
        Some("IN_PROGRESS") => "In progress",
        Some("SUCCESSFUL") => "Completed",
        Some("FAILED") => "Failed",
        // What later versions say, in their own words.
        Some(other) => other,
        None => match (is("interview_completed"), is("interviewing")) {
            (Some(true), _) => "Completed",
            (_, Some(true)) => "In progress",
            (Some(false), _) => "Not completed",
            (None, _) => "",
        },
    };
    said.chars().take(WORD).collect()
}

struct Place<'a> {
    base: &'a str,
    topic: &'a str,
    now_ms: u64,
    says_apart: bool,
}

impl Place<'_> {
    /// Reads each value on its own topic, too: `<friendly name>/update-installed_version`. Of colours only their parts are said.
    fn apart(&self, entities: &mut [AnnouncedEntity]) {
        if !self.says_apart {
            return;
        }
        let parts = entities.iter_mut().flat_map(|entity| &mut entity.parts);
        for part in parts.filter(|part| part.kind != EntityKind::Color) {
            let more = part.reads.iter().filter_map(|read| {
                let names = read.extract.names()?.join("-");
                let topic = format!("{}/{names}", read.topic);
                Some(StateRead::new(&topic, Extract::Plain))
            });
            let more: Vec<StateRead> = more.collect();
            // First: what it is charted by.
            part.reads.splice(..0, more);
        }
    }

    fn devices(&self, devices: &[Json], bridge: &mut Bridge, announcements: &mut Announcements) {
        let mut kept = BTreeSet::new();
        let mut coordinator = String::new();
        bridge.exposes.clear();
        for device in devices {
            let text = |name: &str| device.get(name).and_then(Json::text).unwrap_or_default();
            if text("type") == "Coordinator" {
                text("ieee_address").clone_into(&mut coordinator);
                continue;
            }
            if device.get("disabled").and_then(Json::bool) == Some(true) || text("ieee_address").is_empty() {
                continue;
            }
            let exposed = device
                .get("definition")
                .and_then(|definition| definition.get("exposes"));
            let exposed = exposed.map(Json::list).unwrap_or_default();
            let grouped = exposed.iter().filter(|one| one.get("features").is_some());
            bridge
                .exposes
                .insert(text("ieee_address").to_owned(), grouped.cloned().collect());
            match self.device(device, exposed, &coordinator) {
                Ok(announcement) => {
                    kept.insert(announcement.key.clone());
                    announcements.set(announcement);
                }
                Err(reason) => announcements.refuse(self.now_ms, self.topic, &reason),
            }
        }
        let own = self.bridge(&coordinator);
        kept.insert(own.key.clone());
        announcements.set(own);
        announcements.remove_below(&format!("{}#", self.topic), &kept);
        if !bridge.groups.is_empty() {
            let topic = format!("{}/bridge/groups", self.base);
            let place = Place {
                topic: &topic,
                ..*self
            };
            place.groups(bridge, announcements);
        }
    }

    fn device(&self, device: &Json, exposed: &[Json], coordinator: &str) -> Result<Announcement, String> {
        let text = |name: &str| {
            device
                .get(name)
                .and_then(Json::text)
                .unwrap_or_default()
                .to_owned()
        };
        let (name, address) = (text("friendly_name"), text("ieee_address"));
        if !is_topic(&name) {
            return Err(format!(
                "the device {address} has a friendly_name that cannot be in a topic"
            ));
        }
        let mut announcement = self.announcement(&address, &name);
        identify("z2m", &address, &mut announcement.identifiers);
        let definition = |name: &str| {
            let found = device
                .get("definition")
                .and_then(|definition| definition.get(name));
            found.and_then(Json::text).unwrap_or_default().to_owned()
        };
        let details = &mut announcement.details;
        details.manufacturer = definition("vendor");
        details.model = match (definition("description"), definition("model")) {
            (description, model) if description.is_empty() => model,
            (description, model) => format!("{description} ({model})"),
        };
        if details.model.is_empty() {
            details.model = text("model_id");
        }
        details.software = text("software_build_id");
        details.interview = interview(device);
        announcement.via = via(coordinator);
        let topic = format!("{}/{name}", self.base);
        announcement.entities = exposes::entities(&topic, exposed);
        if exposed.is_empty() {
            // Not known to the bridge yet: all that it says is how well it is heard.
            let read = StateRead::new(&topic, Extract::path(["linkquality"]));
            let part = super::parts::measured(&["linkquality"], "lqi", read);
            announcement
                .entities
                .push(single("linkquality", Some("Linkquality"), part));
        }
        let is_updated = device
            .get("definition")
            .and_then(|known| known.get("supports_ota"));
        if is_updated.and_then(Json::bool) == Some(true) {
            announcement.entities.push(self.update(&address, &name));
        }
        self.apart(&mut announcement.entities);
        announcement.entities.extend(exposes::read_again(&topic, exposed));
        announcement.entities.push(self.rename(&address, &name));
        Ok(announcement)
    }

    fn announcement(&self, id: &str, name: &str) -> Announcement {
        Announcement {
            key: format!("{}#{id}", self.topic),
            topic: self.topic.to_owned(),
            source: Source::Zigbee2mqttBridge,
            name: Some(name.to_owned()),
            availability: Some(Availability {
                mode: AvailabilityMode::All,
                checks: vec![
                    said(&format!("{}/bridge/state", self.base)),
                    said(&format!("{}/{name}/availability", self.base)),
                ],
            }),
            ..Announcement::default()
        }
    }

    /// Its program's version, and a newer one by the bridge.
    fn update(&self, address: &str, name: &str) -> AnnouncedEntity {
        let topic = format!("{}/{name}", self.base);
        let version = |id, label, member| Part {
            id,
            label,
            kind: EntityKind::Update,
            class: Class::Internal,
            reads: vec![StateRead::new(&topic, Extract::path(["update", member]))],
            ..Part::default()
        };
        let transaction = transaction(&format!("update-{address}"));
        let payload = format!(
            "{{\"id\":{},\"transaction\":{}}}",
            quoted(name),
            quoted(&transaction)
        );
        let at = |word: &str| format!("{}/bridge/{word}/device/ota_update/update", self.base);
        let mut install = super::parts::button(&at("request"), Payload::Fixed(payload));
        install.control = install
            .control
            .map(|control| control.answered(&at("response"), &transaction).asking());
        AnnouncedEntity {
            id: "update".to_owned(),
            diagnostic: true,
            parts: vec![
                version("", "Installed version", "installed_version"),
                version("latest", "Latest version", "latest_version"),
                Part {
                    id: "install",
                    label: "Install update",
                    ..install
                },
            ],
            ..AnnouncedEntity::default()
        }
    }

    /// Another name, by the bridge.
    fn rename(&self, address: &str, name: &str) -> AnnouncedEntity {
        let transaction = transaction(&format!("rename-{address}"));
        let payload = Payload::Json {
            before: format!("{{\"from\":{},\"to\":", quoted(name)),
            after: format!(",\"transaction\":{}}}", quoted(&transaction)),
        };
        let topic = format!("{}/bridge/request/device/rename", self.base);
        let part = Part {
            kind: EntityKind::Text,
            class: Class::Internal,
            control: Some(
                PartControl::new(
                    ControlKind::Text { longest: 100 },
                    vec![Write::new(Verb::Choose, &topic, payload)],
                )
                .answered(
                    &format!("{}/bridge/response/device/rename", self.base),
                    &transaction,
                )
                .asking(),
            ),
            ..Part::default()
        };
        single("rename", Some("New name"), part)
    }

    /// The bridge itself.
    fn bridge(&self, coordinator: &str) -> Announcement {
        let at = |rest: &str| format!("{}/bridge/{rest}", self.base);
        let info = |name: &str| StateRead::new(&at("info"), Extract::path([name]));
        let transaction = transaction("permit_join");
        let join = |seconds: &str| {
            let payload = format!("{{\"time\":{seconds},\"transaction\":{}}}", quoted(&transaction));
            Payload::Fixed(payload)
        };
        let mut permit = switch(
            EntityKind::Switch,
            ("true", "false"),
            Some(info("permit_join")),
            &at("request/permit_join"),
            (join(JOIN_SECONDS), join("0")),
        );
        let answers = at("response/permit_join");
        permit.control = permit
            .control
            .map(|control| control.answered(&answers, &transaction).asking());
        let until = Part {
            kind: EntityKind::Until,
            shows: Shows::number(),
            reads: vec![info("permit_join_end")],
            ..Part::default()
        };
        let mut restart = super::parts::button(&at("request/restart"), Payload::Fixed(String::new()));
        restart.control = restart.control.map(|control| PartControl {
            for_admins: true,
            ..control.asking()
        });
        let running = Part {
            kind: EntityKind::Binary,
            class: Class::Connection,
            shows: Shows::switch("online", "offline"),
            unwrap: Some("state"),
            reads: vec![StateRead::new(&at("state"), Extract::Plain)],
            ..Part::default()
        };
        let needs_restart = Part {
            class: Class::Problem,
            ..either(&["restart_required"], "true", "false", info("restart_required"))
        };
        let mut announcement = self.announcement("bridge", "Zigbee2MQTT");
        announcement.availability = Some(Availability {
            mode: AvailabilityMode::All,
            checks: vec![said(&at("state"))],
        });
        identify("z2m-bridge", self.base, &mut announcement.identifiers);
        identify("z2m", coordinator, &mut announcement.identifiers);
        announcement.entities = vec![
            single("connection", Some("Bridge"), running),
            single("permit_join", Some("Let new devices in"), permit),
            single("permit_join_end", Some("Open for new devices"), until),
            single("restart", Some("Restart"), restart),
            single("restart_required", Some("Restart required"), needs_restart),
            single("version", Some("Version"), told(&["version"], info("version"))),
        ];
        announcement
    }

    fn groups(&self, bridge: &Bridge, announcements: &mut Announcements) {
        let mut kept = BTreeSet::new();
        for group in &bridge.groups {
            let name = group
                .get("friendly_name")
                .and_then(Json::text)
                .unwrap_or_default();
            let Some(id) = group.get("id").map(Json::spelled) else {
                continue;
            };
            if !is_topic(name) {
                let reason = format!("the group {id} has a friendly_name that cannot be in a topic");
                announcements.refuse(self.now_ms, self.topic, &reason);
                continue;
            }
            let members = group.get("members").map(Json::list).unwrap_or_default();
            let members: Vec<&[Json]> = members
                .iter()
                .filter_map(|member| bridge.exposes.get(member.get("ieee_address")?.text()?))
                .map(Vec::as_slice)
                .collect();
            let topic = format!("{}/{name}", self.base);
            let mut entities = exposes::entities(&topic, &exposes::common(&members));
            self.apart(&mut entities);
            entities.extend(self.scenes(group, &topic));
            if entities.is_empty() {
                continue;
            }
            let mut announcement = self.announcement(&id, name);
            identify(
                "z2m-group",
                &format!("{}/{id}", self.base),
                &mut announcement.identifiers,
            );
            announcement.details.model = "Group".to_owned();
            announcement.entities = entities;
            kept.insert(announcement.key.clone());
            announcements.set(announcement);
        }
        announcements.remove_below(&format!("{}#", self.topic), &kept);
    }

    fn scenes(&self, group: &Json, topic: &str) -> Option<AnnouncedEntity> {
        let scenes = group.get("scenes").map(Json::list).unwrap_or_default();
        let set = format!("{topic}/set");
        let mut options = Vec::new();
        let mut writes = Vec::new();
        for scene in scenes {
            let id = scene.get("id")?.spelled();
            let name = scene
                .get("name")
                .and_then(Json::text)
                .map_or_else(|| format!("Scene {id}"), str::to_owned);
            writes.push(Write::new(
                Verb::Option(name.clone()),
                &set,
                Payload::Fixed(format!("{{\"scene_recall\":{id}}}")),
            ));
            options.push(name);
        }
        let part = Part {
            kind: EntityKind::Scene,
            control: Some(PartControl::new(ControlKind::Buttons { options }, writes)),
            ..Part::default()
        };
        (!scenes.is_empty()).then(|| single("scenes", Some("Scenes"), part))
    }
}

/// What a request of ours is called in its answer.
fn transaction(of: &str) -> String {
    format!("hearth-{of}")
}

/// The bridge that a device is reached through.
fn via(coordinator: &str) -> Option<String> {
    let mut ids = Vec::new();
    identify("z2m", coordinator, &mut ids);
    ids.into_iter().next()
}

/// `online` as JSON, and as the bare word of versions before 1.30.
fn said(topic: &str) -> AvailabilityCheck {
    let both = |word: &str| vec![word.to_owned(), format!("{{\"state\":\"{word}\"}}")];
    AvailabilityCheck {
        online: both("online"),
        offline: both("offline"),
        ..AvailabilityCheck::new(topic, "", "")
    }
}
