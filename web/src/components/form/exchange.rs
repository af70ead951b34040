//! Connections from and to files: ours, those of MQTTX (Settings, "Export data", JSON) and of MQTT Explorer (its
//! `settings.json`). Secrets neither leave nor enter this way. Pure.

use hearth_model::json::{Json, JsonLimits};

use super::{connection::ConnectionForm, kept};
use crate::wire::Version;

/// The largest file that is read, in bytes: MQTTX writes its messages into the same file.
pub(crate) const MOST_BYTES: u32 = 16 << 20;
/// The member of a file of ours that holds the connections.
const OURS: &str = "hearth_connections";
/// The messages in an export of MQTTX are skipped, but have to be read.
const LIMITS: JsonLimits = JsonLimits {
    depth: 32,
    values: 2_000_000,
};
/// The member of MQTT Explorer's settings that holds the connections.
const EXPLORERS: &str = "ConnectionManager_connections";
/// Where brokers usually listen for WebSockets when the file names a port for TCP.
const USUAL_PORT: &str = "9001";

/// What a file gave.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Imported {
    pub(crate) forms: Vec<ConnectionForm>,
    /// What could not be taken as it was, for the user.
    pub(crate) remarks: Vec<String>,
}

/// The file for these connections, without passwords.
pub(crate) fn write<'a>(forms: impl Iterator<Item = &'a ConnectionForm>) -> String {
    let list = |form| Json::List(kept::fields(form).into_iter().map(Json::Text).collect());
    Json::Object(vec![(OURS.to_owned(), Json::List(forms.map(list).collect()))]).to_json()
}

/// The connections in a file.
///
/// # Errors
/// Why there are none, for the user.
pub(crate) fn read(text: &str) -> Result<Imported, String> {
    let file = Json::parse(text.trim_start_matches('\u{feff}').as_bytes(), LIMITS).map_err(|fault| {
        format!(
            "This file cannot be read: {}. MQTTX can export as JSON; choose that.",
            fault.reason()
        )
    })?;
    let mut imported = Imported::default();
    if let Some(ours) = file.get(OURS) {
        for fields in ours.list() {
            let fields: Vec<String> = fields
                .list()
                .iter()
                .filter_map(Json::text)
                .map(str::to_owned)
                .collect();
            imported.take(kept::form(&fields));
        }
    } else if let Some(known) = file.get(EXPLORERS) {
        for (_, one) in known.members() {
            imported.explorer(one);
        }
    } else {
        // MQTTX: a list; connections may lie in folders.
        mqttx(&mut imported, &file, 0);
    }
    if imported.forms.is_empty() {
        return Err(
            "There are no connections in this file. Files of Hearth, JSON exports of MQTTX and the \
                    settings.json of MQTT Explorer are understood."
                .to_owned(),
        );
    }
    Ok(imported)
}

/// MQTTX nests folders; no file of a person is deeper.
const DEEPEST: u8 = 8;

fn mqttx(imported: &mut Imported, value: &Json, depth: u8) {
    if depth > DEEPEST {
        return;
    }
    for one in value.list() {
        if one.get("host").is_some() && one.get("clientId").is_some() {
            imported.mqttx(one);
        } else {
            for inside in ["children", "connections"] {
                one.get(inside)
                    .into_iter()
                    .for_each(|inside| mqttx(imported, inside, depth + 1));
            }
        }
    }
    if let Some(inside) = value.get("connections") {
        mqttx(imported, inside, depth + 1);
    }
}

impl Imported {
    fn take(&mut self, form: ConnectionForm) {
        if form.host.is_empty() {
            self.remarks
                .push(format!("“{}” has no host and was left out.", form.name));
        } else {
            self.forms.push(form);
        }
    }

    fn mqttx(&mut self, one: &Json) {
        let mut form = ConnectionForm {
            keep_alive: number(one, "keepalive", "30"),
            clean_start: one.get("clean").and_then(Json::bool).unwrap_or(true),
            version: match text(one, "mqttVersion") {
                "5.0" | "5" => Version::V5,
                "3.1.1" | "3.1" => Version::V311,
                _ => Version::Auto,
            },
            ..common(one)
        };
        if let Some(properties) = one.get("properties") {
            form.session_expiry = number(properties, "sessionExpiryInterval", &form.session_expiry);
            form.receive_maximum = number(properties, "receiveMaximum", &form.receive_maximum);
        }
        let will = one.get("will").unwrap_or(&Json::Null);
        text(will, "lastWillTopic").clone_into(&mut form.will_topic);
        form.will = !form.will_topic.is_empty();
        text(will, "lastWillPayload").clone_into(&mut form.will_payload);
        form.will_qos = qos(will, "lastWillQos");
        form.will_retain = will.get("lastWillRetain").and_then(Json::bool) == Some(true);
        if let Some(properties) = will.get("properties") {
            form.will_delay = number(properties, "willDelayInterval", &form.will_delay);
        }
        let protocol = text(one, "protocol");
        let secure = protocol == "wss" || one.get("ssl").and_then(Json::bool) == Some(true);
        self.websocket(&mut form, protocol.starts_with("ws"), secure, text(one, "path"));
        self.take(form);
    }

    fn explorer(&mut self, one: &Json) {
        let mut form = common(one);
        let secure = one.get("encryption").and_then(Json::bool) == Some(true);
        self.websocket(
            &mut form,
            text(one, "protocol") == "ws",
            secure,
            text(one, "basePath"),
        );
        self.take(form);
    }

    /// Only WebSockets can be opened from here; of a TCP connection the port is replaced, and that is said.
    fn websocket(&mut self, form: &mut ConnectionForm, is_websocket: bool, secure: bool, path: &str) {
        form.secure = secure;
        if is_websocket {
            form.path = format!("/{}", path.trim_start_matches('/'));
            return;
        }
        let port = std::mem::replace(&mut form.port, USUAL_PORT.to_owned());
        self.remarks.push(format!(
            "{} uses TCP{}, which browsers cannot open. The usual port for WebSockets, {USUAL_PORT}, was put in its place.",
            if form.name.is_empty() { &form.host } else { &form.name },
            if port.is_empty() { port } else { format!(" on port {port}") },
        ));
    }
}

/// What both write alike.
fn common(one: &Json) -> ConnectionForm {
    let subscriptions = one
        .get("subscriptions")
        .map(Json::list)
        .unwrap_or_default()
        .iter();
    ConnectionForm {
        name: text(one, "name").to_owned(),
        // Some write the scheme into the host.
        host: text(one, "host")
            .rsplit("://")
            .next()
            .unwrap_or_default()
            .to_owned(),
        port: number(one, "port", ""),
        username: text(one, "username").to_owned(),
        subscriptions: subscriptions
            .filter_map(|subscription| {
                let filter = text(subscription, "topic");
                (!filter.is_empty()).then(|| (filter.to_owned(), qos(subscription, "qos")))
            })
            .collect(),
        ..ConnectionForm::default()
    }
}

fn text<'a>(value: &'a Json, name: &str) -> &'a str {
    value.get(name).and_then(Json::text).unwrap_or_default()
}

/// As the form has it; numbers may be written as text.
fn number(value: &Json, name: &str, default: &str) -> String {
    match value.get(name) {
        Some(Json::Number(_, number) | Json::Text(number)) if !number.is_empty() => number.clone(),
        _ => default.to_owned(),
    }
}

fn qos(value: &Json, name: &str) -> u8 {
    number(value, name, "0")
        .parse()
        .ok()
        .filter(|qos| *qos <= 2)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made up after the models of MQTTX 1.11 and MQTT Explorer 0.4; every secret in them is `hunter2`.
    const MQTTX: &str = r##"[{"clientId":"mqttx_1","name":"Home","clean":false,"protocol":"wss","host":"broker.example",
        "keepalive":60,"connectTimeout":10,"reconnect":true,"username":"hearth","password":"hunter2","path":"/mqtt",
        "port":8084,"ssl":true,"mqttVersion":"5.0","subscriptions":[{"topic":"home/#","qos":1}],"messages":[],
        "properties":{"sessionExpiryInterval":300,"receiveMaximum":20},
        "will":{"lastWillTopic":"home/gone","lastWillPayload":"x","lastWillQos":1,"lastWillRetain":true,
                "properties":{"willDelayInterval":5}}},
        {"isCollection":true,"name":"folder","children":[{"clientId":"c","name":"Barn","clean":true,"protocol":"mqtt",
        "host":"10.0.0.2","port":1883,"keepalive":60,"username":"","password":"","mqttVersion":"3.1.1"}]}]"##;
    const EXPLORER: &str = r##"{"ConnectionManager_connections":{"a":{"configVersion":1,"certValidation":true,
        "clientId":"mqtt-explorer-1","id":"a","name":"Attic","encryption":false,"password":"hunter2","basePath":"ws",
        "subscriptions":[{"topic":"#","qos":0},{"topic":"$SYS/#","qos":0}],"type":"mqtt","host":"attic.lan",
        "port":9001,"protocol":"ws"}},"Settings":{"theme":"dark"}}"##;

    #[test]
    fn an_export_of_mqttx_comes_with_everything_but_its_secrets() {
        let imported = read(MQTTX).unwrap();
        let [home, barn] = imported.forms.as_slice() else {
            panic!("{imported:?}")
        };
        let expected = ConnectionForm {
            name: "Home".into(),
            secure: true,
            host: "broker.example".into(),
            port: "8084".into(),
            username: "hearth".into(),
            version: Version::V5,
            clean_start: false,
            keep_alive: "60".into(),
            session_expiry: "300".into(),
            receive_maximum: "20".into(),
            will: true,
            will_topic: "home/gone".into(),
            will_payload: "x".into(),
            will_qos: 1,
            will_retain: true,
            will_delay: "5".into(),
            subscriptions: vec![("home/#".into(), 1)],
            ..ConnectionForm::default()
        };
        assert_eq!(*home, expected);
        assert_eq!(
            (barn.address().url().as_str(), barn.version),
            ("ws://10.0.0.2:9001/mqtt", Version::V311)
        );
        assert!(
            matches!(imported.remarks.as_slice(), [remark] if remark.contains("Barn") && remark.contains("1883")),
            "{:?}",
            imported.remarks
        );
    }

    #[test]
    fn settings_of_mqtt_explorer_are_understood() {
        let imported = read(EXPLORER).unwrap();
        assert_eq!(imported.remarks, Vec::<String>::new());
        let [attic] = imported.forms.as_slice() else {
            panic!("{imported:?}")
        };
        assert_eq!(attic.address().url(), "ws://attic.lan:9001/ws");
        assert_eq!(attic.subscriptions, [("#".into(), 0), ("$SYS/#".into(), 0)]);
        assert!(attic.password.0.is_empty());
    }

    #[test]
    fn what_is_written_is_read_again_and_holds_no_secret() {
        let mut forms = read(MQTTX).unwrap().forms;
        for form in &mut forms {
            form.password.0 = "hunter2".into();
        }
        let file = write(forms.iter());
        assert!(!file.contains("hunter2"), "{file}");
        for form in &mut forms {
            form.password.0.clear();
        }
        assert_eq!(read(&file).unwrap().forms, forms);
    }

    #[test]
    fn files_without_connections_are_refused_with_what_would_be_understood() {
        let deep = format!(
            "{}{}",
            "[{\"children\":".repeat(40),
            "[]".to_owned() + &"}]".repeat(40)
        );
        for (file, said) in [
            ("", "cannot be read"),
            ("connections:\n  - host: a", "not JSON"),
            ("[]", "MQTT Explorer"),
            ("{\"hearth_connections\":[[\"name=x\"]]}", "no connections"),
            ("{\"ConnectionManager_connections\":{\"a\":7}}", "no connections"),
            ("[{\"host\":7,\"clientId\":{}}]", "no connections"),
            (deep.as_str(), "too deeply"),
        ] {
            let refused = read(file).unwrap_err();
            assert!(refused.contains(said), "{file}: {refused}");
        }
    }
}
