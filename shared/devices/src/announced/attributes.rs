//! What entities say besides their values (`json_attributes_topic` of Home Assistant discovery): read when somebody looks.

use hearth_mqtt::topic::{TopicFilter, TopicName};

use super::extract::{Engine, Extract, Templates, follow};
use super::json::{Json, JsonLimits};
use super::live::is_filter;
use super::{TemplateError, TemplateInput};
use crate::device::DeviceId;
use crate::registry::Devices;

/// Sources of one device that are read; the others are counted.
const SOURCES: usize = 32;
/// Longest payload that is read, in bytes.
const BYTES: usize = 64 * 1024;
/// Members that are given; the others are counted.
const MEMBERS: usize = 64;
/// Longest text that is given of a name or a value, in characters; the others are counted.
const CHARACTERS: usize = 200;

/// A topic that says more about some entities of a device, in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeSource<'a> {
    /// Where it is said.
    pub topic: &'a str,
    /// Which part of the payload says it.
    pub extract: &'a Extract,
    /// Names of the entities.
    pub of: Vec<&'a str>,
    /// Members that are shown as values already.
    values: Vec<&'a str>,
}

/// One of the attributes of an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// As it was written.
    pub name: String,
    /// Text as it is, everything else as JSON.
    pub text: String,
    /// Characters that were left out at the end.
    pub cut: usize,
}

/// The attributes that a payload says, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// At most 64.
    pub members: Vec<Attribute>,
    /// How many more there were.
    pub beyond: usize,
}

impl Devices {
    /// Where a device says more than values, and how many more such places there are.
    #[must_use]
    pub fn attributes(&self, id: DeviceId) -> (Vec<AttributeSource<'_>>, usize) {
        let mut sources: Vec<AttributeSource<'_>> = Vec::new();
        let mut beyond = 0;
        let Some((device, bound)) = self.device(id).zip(self.announced.bound(id)) else {
            return (sources, beyond);
        };
        for (entity, bound) in device.entities.iter().zip(&bound.entities) {
            let Some(read) = &bound.attributes else { continue };
            let topic = if is_filter(&read.topic) {
                match device.topics.iter().find(|topic| matches(&read.topic, topic)) {
                    Some(topic) => topic,
                    None => continue,
                }
            } else {
                &read.topic
            };
            let known = sources
                .iter_mut()
                .find(|source| source.topic == topic && *source.extract == read.extract);
            if let Some(known) = known {
                known.of.push(&entity.name);
                continue;
            }
            if sources.len() >= SOURCES {
                beyond += 1;
                continue;
            }
            let values = device.entities.iter().filter(|entity| entity.topic == *topic);
            sources.push(AttributeSource {
                topic,
                extract: &read.extract,
                of: vec![&entity.name],
                values: values.filter_map(|entity| entity.field.as_deref()).collect(),
            });
        }
        (sources, beyond)
    }
}

fn matches(filter: &str, topic: &str) -> bool {
    let parsed = TopicFilter::parse(filter).ok().zip(TopicName::parse(topic).ok());
    parsed.is_some_and(|(filter, topic)| filter.matches(&topic))
}

impl AttributeSource<'_> {
    /// What a payload of the topic says besides values that are shown already.
    ///
    /// # Errors
    /// [`TemplateError::NotLoaded`] while there is no engine for its template, else why nothing can be read.
    pub fn read(
        &self,
        payload: &[u8],
        templates: Option<Box<dyn Templates>>,
    ) -> Result<Attributes, TemplateError> {
        let failed = |why: &str| TemplateError::Failed(why.to_owned());
        if payload.len() > BYTES {
            return Err(failed("it is longer than what is read here"));
        }
        let parse = |text: &[u8]| {
            let parsed = Json::parse(text, JsonLimits::STATE);
            parsed.map_err(|fault| failed(fault.reason()))
        };
        let json = match self.extract {
            Extract::Plain | Extract::Text { .. } | Extract::Within(..) => parse(payload)?,
            Extract::Path(path) => match follow(&parse(payload)?, path) {
                Some(json) => json.clone(),
                None => return Ok(Attributes::default()),
            },
            Extract::Template(source) => {
                let mut engine = templates.map_or_else(Engine::default, Engine::with);
                let payload = std::str::from_utf8(payload).map_err(|_| failed("it is no text"))?;
                let input = TemplateInput {
                    payload: Some(payload),
                    variables: &[],
                };
                parse(engine.render(source, input)?.as_bytes())?
            }
        };
        let Json::Object(members) = json else {
            return Err(failed("it is no JSON object"));
        };
        // A field names a member of the whole payload.
        let is_whole = matches!(self.extract, Extract::Plain | Extract::Text { .. });
        let is_new = |name: &str| {
            let field = hearth_model::json::member_path([name]);
            !is_whole || !self.values.contains(&&*field)
        };
        let mut attributes = Attributes::default();
        for (name, value) in members.iter().filter(|(name, _)| is_new(name)) {
            if attributes.members.len() >= MEMBERS {
                attributes.beyond += 1;
                continue;
            }
            let (text, cut) = match value {
                Json::Text(text) => beginning(text),
                other => beginning(&other.to_json()),
            };
            attributes.members.push(Attribute {
                name: beginning(name).0,
                text,
                cut,
            });
        }
        Ok(attributes)
    }
}

/// The beginning of a text, and how many characters are left out.
fn beginning(text: &str) -> (String, usize) {
    match text.char_indices().nth(CHARACTERS) {
        Some((at, _)) => {
            let (kept, left) = text.split_at(at);
            (kept.to_owned(), left.chars().count())
        }
        None => (text.to_owned(), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(extract: &Extract, payload: &str) -> Result<Attributes, TemplateError> {
        let source = AttributeSource {
            topic: "t",
            extract,
            of: vec!["Lamp"],
            values: vec!["state"],
        };
        source.read(payload.as_bytes(), None)
    }

    fn told(attributes: Result<Attributes, TemplateError>) -> String {
        let members = attributes.unwrap().members.into_iter();
        let told: Vec<String> = members.map(|one| format!("{}={}", one.name, one.text)).collect();
        told.join(" ")
    }

    #[test]
    fn members_are_told_as_text_without_those_that_are_values() {
        let payload = r#"{"state":"ON","effect":"x y","list":[1,2],"deep":{"a":null}}"#;
        assert_eq!(
            told(read(&Extract::Plain, payload)),
            r#"effect=x y list=[1,2] deep={"a":null}"#
        );
        let deep = Extract::template("{{ value_json.deep }}");
        assert_eq!(told(read(&deep, payload)), "a=null");
        assert_eq!(
            told(read(&Extract::template("{{ value_json.gone }}"), payload)),
            ""
        );
        let filled = Extract::template(r#"{"was":"{{ value_json.state }}","state":1}"#);
        assert_eq!(told(read(&filled, payload)), "was=ON state=1");
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let members: Vec<String> = (0..70).map(|n| format!("\"m{n}\":{n}")).collect();
        let many = read(&Extract::Plain, &format!("{{{}}}", members.join(","))).unwrap();
        assert_eq!((many.members.len(), many.beyond), (64, 6));
        let long = read(&Extract::Plain, &format!(r#"{{"l":"{}"}}"#, "ä".repeat(250))).unwrap();
        assert_eq!(
            (long.members[0].text.chars().count(), long.members[0].cut),
            (200, 50)
        );
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let failed = |payload: &str| match read(&Extract::Plain, payload) {
            Err(TemplateError::Failed(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(failed("[1]"), "it is no JSON object");
        assert!(!failed("{").is_empty());
        assert!(failed(&format!("{{\"a\":\"{}\"}}", "x".repeat(70_000))).contains("longer"));
        let template = Extract::template("{{ value_json.a | tojson }}");
        assert_eq!(read(&template, "{\"a\":{}}"), Err(TemplateError::NotLoaded));
    }
}
