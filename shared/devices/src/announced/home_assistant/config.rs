//! A configuration as it was announced: options by their long names, whatever they were called.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use hearth_mqtt::topic::TopicFilter;

use super::super::extract::{Extract, TEMPLATE_BYTES};
use super::super::json::Json;
use super::super::model::StateRead;
use crate::command::{Payload, Verb, Write};

/// Words of option names and how they are abbreviated. An abbreviated name is made of abbreviated words, but for
/// [`PHRASES`]; the tests compare with the list of all of them.
const WORDS: &str = "action:act activity:act after:aft attributes:attr availability:avty available:avail \
    battery:bat blue:b brightness:bri bypass:b category:cat charging:chrg class:cla clean:cln cleaning:cln close:cls \
    closed:clsd code:cod color:clr command:cmd components:cmps connections:cns content:cont current:curr default:def \
    delay:dly device:dev direction:dir disarm:dis discovery:discvry display:dsp docked:dock duration:dur effect:fx \
    encoding:e entity:ent error:err event:evt expire:exp features:feat flash:flsh force:frc format:form forward:fwd \
    green:g high:hi horizontal:h humidity:hum icon:ic identifiers:ids image:img initial:init install:inst invert:inv jammed:jam \
    kelvin:k latest:l level:lev locate:loc low:lo manufacturer:mf measurement:meas migrate:migr mireds:mirs model:mdl \
    mowing:mw night:nite object:obj opened:opnd optimistic:opt options:ops origin:o oscillation:osc pattern:ptrn \
    payload:pl percentage:pct picture:pic platform:p position:pos power:pow precision:prc preset:pr press:prs range:rng \
    red:r release:rel required:req reset:rst retain:ret reverse:rev scale:scl source:src speed:spd speeds:spds spot:sp \
    start:strt state:stat subtype:stype suggested:sug summary:s support:sup supported:sup temperature:temp template:tpl \
    title:tit topic:t transition:trns trigger:trig types:typ unique:uniq unlock:unlk update:upd value:val version:ver \
    white:whit";

/// Beginnings of option names that are abbreviated as a whole.
const PHRASES: &[(&str, &str)] = &[
    ("automation_type", "atype"),
    ("available_tones", "av_tones"),
    ("color_mode", "clrm"),
    ("enabled_by_default", "en"),
    ("fan_speed_list", "fanspd_lst"),
    ("fan_speed", "fanspd"),
    ("flash_time_long", "flsh_tlng"),
    ("flash_time_short", "flsh_tsht"),
    ("target_humidity_state_template", "hum_state_tpl"),
    ("target_humidity", "hum"),
    ("last_reset", "lrst"),
    ("pause_command", "pause_mw_cmd"),
    ("payload_disarm", "pl_disarm"),
    ("payload_pause", "pl_paus"),
    ("payload_return_to_base", "pl_ret"),
    ("payload_start_pause", "pl_stpa"),
    ("payload_turn_off", "pl_toff"),
    ("payload_turn_on", "pl_ton"),
    ("reports_position", "pos"),
    ("release_url", "rel_u"),
    ("support_volume_set", "sup_vol"),
    ("supported_color_modes", "sup_clrm"),
    ("configuration_url", "cu"),
    ("hw_version", "hw"),
    ("sw_version", "sw"),
    ("suggested_area", "sa"),
    ("serial_number", "sn"),
];

/// Longest text that is taken over, in characters.
const TEXT_CHARACTERS: usize = 256;
/// Most options of one select, and most payloads of one list.
const OPTIONS: usize = 512;

/// An option by its long name, or by its abbreviation. The long name counts when both are there.
pub(super) fn option<'a>(config: &'a Json, name: &str) -> Option<&'a Json> {
    if config.members().is_empty() {
        return None;
    }
    if let Some(value) = config.get(name) {
        return Some(value);
    }
    by_abbreviation(config, name)
}

fn by_abbreviation<'a>(config: &'a Json, name: &str) -> Option<&'a Json> {
    for (phrase, short) in PHRASES {
        if let Some(rest) = name.strip_prefix(phrase) {
            let short = format!("{short}{}", abbreviate(rest));
            if let Some(value) = config.get(&short) {
                return Some(value);
            }
        }
    }
    let short = abbreviate(name);
    if short == name { None } else { config.get(&short) }
}

/// Whether any option may be abbreviated: most bridges write long names only.
fn abbreviates(config: &Json) -> bool {
    static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let words = pairs().map(|(_, short)| short);
        let phrases = PHRASES.iter().flat_map(|(_, short)| short.split('_'));
        words.chain(phrases).collect()
    });
    let mut names = config.members().iter().map(|(name, _)| name);
    names.any(|name| name.split('_').any(|word| KNOWN.contains(word)))
}

fn abbreviate(name: &str) -> String {
    static KNOWN: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| pairs().collect());
    let mut out = String::with_capacity(name.len());
    for (at, word) in name.split('_').enumerate() {
        if at > 0 {
            out.push('_');
        }
        out.push_str(KNOWN.get(word).unwrap_or(&word));
    }
    out
}

fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    WORDS
        .split_ascii_whitespace()
        .filter_map(|pair| pair.split_once(':'))
}

/// The options of one thing, with those that it shares with the others of its device.
#[derive(Clone, Copy)]
pub(super) struct Config<'a> {
    own: &'a Json,
    shared: &'a Json,
    abbreviates: bool,
}

impl<'a> Config<'a> {
    pub(super) fn new(own: &'a Json, shared: &'a Json) -> Self {
        Self {
            own,
            shared,
            abbreviates: abbreviates(own),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Json> {
        let said = self.own.get(name);
        if said.is_some() || !self.abbreviates {
            return said;
        }
        by_abbreviation(self.own, name)
    }

    /// An option that may stand at the top of the device's announcement.
    pub(super) fn shared(&self, name: &str) -> Option<&'a Json> {
        self.get(name).or_else(|| option(self.shared, name))
    }

    /// Whether nothing is said but what it was.
    pub(super) fn is_removed(&self) -> bool {
        self.own
            .members()
            .iter()
            .all(|(name, _)| matches!(&**name, "p" | "platform"))
    }

    /// A text of bounded length; numbers and states as they are written in Python.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(text_of)
    }

    /// A payload, or what it is when nothing is said. `null` says that there is none.
    pub(super) fn payload(&self, name: &str, default: &str) -> Option<String> {
        match self.get(name) {
            None => Some(default.to_owned()),
            Some(Json::Null) => None,
            Some(value) => Some(value.spelled()),
        }
    }

    /// As [`Self::payload`], where there always is one.
    pub(super) fn word(&self, name: &str, default: &str) -> String {
        self.payload(name, default).unwrap_or_else(|| default.to_owned())
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.get(name)
            .and_then(Json::number)
            .filter(|number| number.is_finite())
    }

    /// `true`, and the words that stand for it.
    pub(super) fn is(&self, name: &str) -> bool {
        self.get(name).is_some_and(is_true)
    }

    pub(super) fn words(&self, name: &str) -> Vec<String> {
        match self.get(name) {
            Some(list @ Json::List(_)) => list.list().iter().take(OPTIONS).filter_map(text_of).collect(),
            Some(Json::Text(word)) => vec![word.clone()],
            _ => Vec::new(),
        }
    }

    /// A topic that messages go to, with `~` at its beginning or end replaced.
    pub(super) fn topic(&self, name: &str) -> Option<String> {
        self.filter(name).filter(|topic| !topic.contains(['+', '#']))
    }

    /// A topic that is read, which may have wildcards.
    pub(super) fn filter(&self, name: &str) -> Option<String> {
        let topic = self
            .shared(name)
            .filter(|_| matches!(name, "state_topic" | "command_topic"));
        self.get(name).or(topic).and_then(|topic| self.resolve(topic))
    }

    pub(super) fn resolve(&self, topic: &Json) -> Option<String> {
        let topic = topic.text().filter(|topic| !topic.is_empty())?;
        let base = self.shared("~").and_then(Json::text);
        let mut resolved = topic.to_owned();
        if let Some(base) = base {
            if let Some(rest) = topic.strip_prefix('~') {
                resolved = format!("{base}{rest}");
            } else if let Some(rest) = topic.strip_suffix('~') {
                resolved = format!("{rest}{base}");
            }
        }
        let is_read = resolved.len() <= 1024 && TopicFilter::parse(&resolved).is_ok();
        is_read.then_some(resolved)
    }

    /// A template, when there is one that says something.
    pub(super) fn template(&self, name: &str) -> Option<&'a str> {
        let source = self.get(name).and_then(Json::text)?;
        (!source.trim().is_empty() && source.len() <= TEMPLATE_BYTES).then_some(source)
    }

    /// A topic and the template that reads it.
    pub(super) fn read(&self, topic: &str, template: &str) -> Option<StateRead> {
        let extract = self.template(template).map_or(Extract::Plain, Extract::template);
        Some(StateRead::new(&self.filter(topic)?, extract))
    }

    /// A message of these fixed words, through a template when there is one.
    pub(super) fn says(&self, verb: Verb, topic: &str, template: &str, words: &str) -> Option<Write> {
        let payload = match self.command_template(template) {
            Some(source) => Payload::Template {
                source,
                name: "",
                fixed: Some(words.to_owned()),
            },
            None => Payload::Fixed(words.to_owned()),
        };
        self.write(verb, topic, payload)
    }

    /// A message of the number, word or colour that is asked for, through a template when there is one.
    pub(super) fn sets(&self, verb: Verb, topic: &str, template: &str, name: &'static str) -> Option<Write> {
        let payload = match self.command_template(template) {
            Some(source) => Payload::Template {
                source,
                name,
                fixed: None,
            },
            None => Payload::Value,
        };
        self.write(verb, topic, payload)
    }

    pub(super) fn write(&self, verb: Verb, topic: &str, payload: Payload) -> Option<Write> {
        let qos = self.shared("qos").and_then(Json::number);
        Some(Write {
            // At least once: a command that got lost looks like a broken device.
            qos: if qos == Some(2.0) { 2 } else { 1 },
            retain: self.is("retain"),
            ..Write::new(verb, &self.topic(topic)?, payload)
        })
    }

    fn command_template(&self, name: &str) -> Option<String> {
        let source = self.template(name)?;
        let is_plain = source
            .trim()
            .trim_start_matches("{{")
            .trim_end_matches("}}")
            .trim()
            == "value";
        (!is_plain).then(|| source.to_owned())
    }
}

/// Whether a template names a variable, as far as that can be told without the engine.
pub(super) fn uses(source: &str, variable: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let inside = |open, close| {
        let pieces = source.split(open).skip(1);
        pieces.filter_map(move |after: &str| after.split(close).next())
    };
    inside("{{", "}}").chain(inside("{%", "%}")).any(|piece| {
        piece
            .split(|letter| !is_word(letter))
            .any(|word| word == variable)
    })
}

pub(super) fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::Null | Json::List(_) | Json::Object(_) => None,
        value => Some(value.spelled().chars().take(TEXT_CHARACTERS).collect()),
    }
}

pub(super) fn is_true(value: &Json) -> bool {
    match value {
        Json::Bool(value) => *value,
        Json::Text(word) => matches!(
            &*word.to_ascii_lowercase(),
            "true" | "yes" | "on" | "enable" | "1"
        ),
        Json::Number(number, _) => *number != 0.0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_abbreviation_is_known() {
        let list = include_str!("../../../tests/fixtures/home_assistant/abbreviations.txt");
        let pairs: Vec<(&str, &str)> = list
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(' '))
            .collect();
        assert!(pairs.len() > 280, "{}", pairs.len());
        for (short, long) in pairs {
            let short = short.trim_start_matches("device.");
            let config = Json::Object(vec![(short.to_owned(), Json::Bool(true))]);
            assert_eq!(option(&config, long), Some(&Json::Bool(true)), "{short} {long}");
        }
    }

    #[test]
    fn the_long_name_counts_before_the_short_one() {
        let config = Json::Object(vec![
            ("state_topic".into(), Json::Text("long".into())),
            ("stat_t".into(), Json::Text("short".into())),
        ]);
        assert_eq!(option(&config, "state_topic").and_then(Json::text), Some("long"));
    }

    #[test]
    fn a_variable_is_told_from_a_member_of_the_payload() {
        for (source, is_used) in [
            ("{\"tone\": \"{{ value }}\"}", false),
            ("{\"x\": {{ tone }}}", true),
            ("{% if tone is defined %}1{% endif %}", true),
            ("{{ value }} tone {{ ringtone }}", false),
            ("{{ tone", true),
            ("tone", false),
            ("", false),
        ] {
            assert_eq!(uses(source, "tone"), is_used, "{source}");
        }
    }

    #[test]
    fn the_base_stands_at_the_beginning_or_the_end() {
        let config = Json::Object(vec![
            ("~".into(), Json::Text("base".into())),
            ("stat_t".into(), Json::Text("~/state".into())),
            ("cmd_t".into(), Json::Text("set/~".into())),
            ("pos_t".into(), Json::Text("a/~/b".into())),
            ("t".into(), Json::Text("a/+/b".into())),
        ]);
        let config = Config::new(&config, &Json::Null);
        assert_eq!(config.topic("state_topic").as_deref(), Some("base/state"));
        assert_eq!(config.topic("command_topic").as_deref(), Some("set/base"));
        assert_eq!(config.topic("position_topic").as_deref(), Some("a/~/b"));
        assert_eq!(config.topic("topic"), None, "nothing is sent to a filter");
        assert_eq!(config.filter("topic").as_deref(), Some("a/+/b"));
    }
}
