//! Which part of a payload is the value: by path, or by template.
//!
//! The templates that most devices send (`{{ value }}`, `{{ value_json.a.b }}`, `{{ value_json['k'] }}`) are paths
//! and are read here. All others go to an engine that the owner of the registry provides.

use hearth_model::decimal;
use std::fmt;

use hearth_model::json::parse_number;

use super::json::{Json, JsonLimits};
use crate::flat::Scalar;

/// Longest template that is taken, in bytes.
pub const TEMPLATE_BYTES: usize = 16 * 1024;

/// Asks an engine how many steps its renderings took since it was last asked: `hearth_templates::STEPS`.
const STEPS: &str = "{# steps #}";
/// What a rendering counts for when the engine does not say.
const UNKNOWN_STEPS: u64 = 200_000;

/// Which part of a payload is the value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Extract {
    /// All of it.
    #[default]
    Plain,
    /// All of it as a text, also when it looks like a number or like nothing, and with its spaces. One byte 0 is the empty
    /// text; no bytes are it only where this is so.
    Text {
        /// Whether no bytes are the empty text.
        may_be_empty: bool,
    },
    /// A member of a JSON object, by the way to it.
    Path(Vec<Step>),
    /// What this template makes of it.
    Template(String),
    /// A member of the JSON object that is found so; nothing when it is none.
    Within(Box<Self>, &'static str),
}

/// One step into a JSON value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A member of an object.
    Member(String),
    /// An item of a list.
    Item(usize),
}

impl Extract {
    /// A member of a JSON object.
    #[must_use]
    pub fn path<'a>(members: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Path(
            members
                .into_iter()
                .map(|name| Step::Member(name.to_owned()))
                .collect(),
        )
    }

    /// What a value template says; an empty one says nothing.
    #[must_use]
    pub fn template(source: &str) -> Self {
        let trimmed = source.trim();
        if trimmed.is_empty() {
            return Self::Plain;
        }
        match expression(trimmed).map(|inner| inner.strip_suffix("| is_defined").unwrap_or(inner).trim()) {
            Some("value") => Self::Plain,
            Some(inner) => match path_of(inner) {
                Some(path) => Self::Path(path),
                None => Self::Template(source.to_owned()),
            },
            None => Self::Template(source.to_owned()),
        }
    }

    /// A member of the JSON object that this finds.
    #[must_use]
    pub fn within(&self, member: &'static str) -> Self {
        match self {
            Self::Path(path) => Self::Path([&path[..], &[Step::Member(member.to_owned())]].concat()),
            Self::Plain => Self::path([member]),
            whole => Self::Within(Box::new(whole.clone()), member),
        }
    }

    /// Whether it waits for the engine.
    #[must_use]
    pub(crate) fn is_template(&self) -> bool {
        match self {
            Self::Template(_) => true,
            Self::Within(whole, _) => whole.is_template(),
            Self::Plain | Self::Text { .. } | Self::Path(_) => false,
        }
    }

    /// The value's place in the payload as the store's series names it; `None` when it has none.
    #[must_use]
    pub(crate) fn field(&self) -> Option<String> {
        self.names().map(hearth_model::json::member_path)
    }

    /// The names on the way to a member; `None` when it is none.
    #[must_use]
    pub(crate) fn names(&self) -> Option<Vec<&str>> {
        let Self::Path(path) = self else { return None };
        let names = path.iter().map(|step| match step {
            Step::Member(name) => Some(&**name),
            Step::Item(_) => None,
        });
        names.collect()
    }
}

/// What stands between `{{` and `}}` when that is all there is.
fn expression(source: &str) -> Option<&str> {
    let inner = source.strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner);
    (!inner.contains("}}") && !inner.contains("{{")).then(|| inner.trim())
}

/// `value_json.a['b'][0]` as a path.
fn path_of(expression: &str) -> Option<Vec<Step>> {
    let mut rest = expression.strip_prefix("value_json")?;
    let mut path = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after
                .find(|character: char| !character.is_alphanumeric() && character != '_')
                .unwrap_or(after.len());
            let (name, left) = after.split_at_checked(end)?;
            // A number behind a dot is an item of a list, or a member with that name.
            if name.is_empty() || left.starts_with('(') {
                return None;
            }
            path.push(Step::Member(name.to_owned()));
            rest = left;
        } else {
            let after = rest.strip_prefix('[')?.trim_start();
            let quote = after.chars().next()?;
            if matches!(quote, '\'' | '"') {
                let (name, left) = after.get(1..)?.split_once(quote)?;
                if name.contains('\\') {
                    return None;
                }
                path.push(Step::Member(name.to_owned()));
                rest = left.trim_start().strip_prefix(']')?;
            } else {
                let (index, left) = after.split_once(']')?;
                path.push(Step::Item(index.trim().parse().ok()?));
                rest = left;
            }
        }
    }
    Some(path)
}

/// Renders templates: what the owner of a registry gives it.
///
/// The context is that of Home Assistant: `value` is the payload as text, `value_json` the payload read as JSON,
/// command templates get their variables by name.
pub trait Templates: fmt::Debug + Send {
    /// The text that a template makes of its input.
    ///
    /// # Errors
    /// Why there is none; the value is then shown raw, with a mark.
    fn render(&mut self, source: &str, input: TemplateInput<'_>) -> Result<String, TemplateError>;
}

/// What a template is rendered with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TemplateInput<'a> {
    /// A payload: `value`, and `value_json` when it is JSON.
    pub payload: Option<&'a str>,
    /// Variables by name.
    pub variables: &'a [(&'a str, TemplateValue<'a>)],
}

/// The value of a variable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TemplateValue<'a> {
    /// A string.
    Text(&'a str),
    /// A number; whole ones are integers.
    Number(f64),
}

/// Why there is no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// There is no engine yet: the registry reads again when it comes ([`Devices::set_templates`](crate::Devices::set_templates)).
    NotLoaded,
    /// The template uses what the engine does not know, or breaks its limits; for people.
    Unsupported(String),
    /// The template is wrong for this input; for people.
    Failed(String),
}

/// No engine.
#[derive(Debug, Default)]
pub(crate) struct NoTemplates;

impl Templates for NoTemplates {
    fn render(&mut self, _: &str, _: TemplateInput<'_>) -> Result<String, TemplateError> {
        Err(TemplateError::NotLoaded)
    }
}

/// The engine that a registry has, and whether one was missed.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) templates: Box<dyn Templates>,
    pub(crate) is_missed: bool,
    /// It could not be had so far: what waits for it is shown as it came.
    pub(crate) is_late: bool,
    /// Steps of work that are left in this turn; `None` when nobody counts them.
    pub(crate) fuel: Option<u64>,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            templates: Box::new(NoTemplates),
            is_missed: false,
            is_late: false,
            fuel: None,
        }
    }
}

/// What was found in a payload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    Value(Scalar),
    /// The payload says nothing about it.
    Nothing,
    /// There is no engine for the template yet.
    NotLoaded,
    /// The template could not be used: why.
    Unreadable(String),
}

/// A payload that is read several times.
#[derive(Debug)]
pub(crate) struct PayloadRead<'a> {
    pub(crate) bytes: &'a [u8],
    text: Option<&'a str>,
    json: Option<Option<Json>>,
}

impl<'a> PayloadRead<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            text: std::str::from_utf8(bytes).ok(),
            json: None,
        }
    }

    fn json(&mut self) -> Option<&Json> {
        let bytes = self.bytes;
        self.json
            .get_or_insert_with(|| Json::parse(bytes, JsonLimits::STATE).ok())
            .as_ref()
    }

    /// The part that an extract names.
    pub(crate) fn find(&mut self, extract: &Extract, engine: &mut Engine) -> Found {
        match extract {
            Extract::Plain => match self.text {
                Some("") => Found::Value(Scalar::Null),
                Some(text) => Found::Value(scalar_of(text)),
                None => Found::Unreadable("it is no text".to_owned()),
            },
            Extract::Text { may_be_empty } => match self.text {
                Some("") if !may_be_empty => Found::Value(Scalar::Null),
                Some("" | "\0") => Found::Value(Scalar::Text(String::new())),
                Some(text) => Found::Value(Scalar::Text(text.to_owned())),
                None => Found::Unreadable("it is no text".to_owned()),
            },
            Extract::Path(path) => match self.json().and_then(|json| follow(json, path)) {
                Some(json) => Found::Value(scalar_of_json(json)),
                None => Found::Nothing,
            },
            Extract::Within(whole, member) => match self.find(whole, engine) {
                Found::Value(Scalar::Text(text)) => {
                    let json = Json::parse(text.as_bytes(), JsonLimits::STATE).ok();
                    let member = json.as_ref().and_then(|json| json.get(member));
                    member.map_or(Found::Nothing, |member| Found::Value(scalar_of_json(member)))
                }
                Found::Value(_) => Found::Nothing,
                other => other,
            },
            Extract::Template(source) => {
                let Some(text) = self.text else {
                    return Found::Unreadable("it is no text".to_owned());
                };
                let input = TemplateInput {
                    payload: Some(text),
                    variables: &[],
                };
                match engine.render(source, input) {
                    // What a template leaves out is not said.
                    Ok(text) if text.trim().is_empty() => Found::Nothing,
                    Ok(text) => Found::Value(scalar_of(&text)),
                    Err(TemplateError::NotLoaded) => Found::NotLoaded,
                    Err(TemplateError::Unsupported(why) | TemplateError::Failed(why)) => {
                        Found::Unreadable(why)
                    }
                }
            }
        }
    }
}

impl Engine {
    pub(crate) fn with(templates: Box<dyn Templates>) -> Self {
        Self {
            templates,
            ..Self::default()
        }
    }

    /// Renders a template; those that only put variables into a text need no engine.
    pub(crate) fn render(&mut self, source: &str, input: TemplateInput<'_>) -> Result<String, TemplateError> {
        if source.len() > TEMPLATE_BYTES {
            return Err(TemplateError::Unsupported("the template is too long".to_owned()));
        }
        if let Some(text) = fill_in(source, input) {
            return Ok(text);
        }
        let result = self.templates.render(source, input);
        if result == Err(TemplateError::NotLoaded) {
            self.is_missed = true;
        } else if self.fuel.is_some() {
            let steps = self.templates.render(STEPS, TemplateInput::default()).ok();
            self.pay(
                steps
                    .and_then(|steps| steps.parse().ok())
                    .unwrap_or(UNKNOWN_STEPS),
            );
        }
        result
    }

    /// Pays for work; `false` when nothing is left, so that it is for another turn.
    pub(crate) fn pay(&mut self, steps: u64) -> bool {
        match &mut self.fuel {
            Some(0) => false,
            Some(left) => {
                *left = left.saturating_sub(steps);
                true
            }
            None => true,
        }
    }
}

/// A text with nothing but variables in it.
fn fill_in(source: &str, input: TemplateInput<'_>) -> Option<String> {
    if source.contains("{%") || source.contains("{#") {
        return None;
    }
    let mut out = String::new();
    let mut rest = source;
    let mut json = None;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inner, left) = after.split_once("}}")?;
        if inner.starts_with('-') || inner.ends_with('-') {
            return None;
        }
        out.push_str(before);
        match inner.trim() {
            "value" if input.payload.is_some() => out.push_str(input.payload?),
            name if name.starts_with("value_json") => {
                let path = path_of(name)?;
                let payload = input.payload?.as_bytes();
                let json = json.get_or_insert_with(|| Json::parse(payload, JsonLimits::STATE).ok());
                // What is not there is written as nothing.
                if let Some(value) = json.as_ref().and_then(|json| follow(json, &path)) {
                    // Containers are written as Python does, which is the engine's work.
                    if !value.list().is_empty() || !value.members().is_empty() {
                        return None;
                    }
                    out.push_str(&value.spelled());
                }
            }
            name => match input.variables.iter().find(|(known, _)| *known == name)?.1 {
                TemplateValue::Text(text) => out.push_str(text),
                TemplateValue::Number(number) => out.push_str(&decimal::shortest(number)),
            },
        }
        rest = left;
    }
    out.push_str(rest);
    Some(out)
}

pub(crate) fn follow<'a>(json: &'a Json, path: &[Step]) -> Option<&'a Json> {
    path.iter().try_fold(json, |json, step| match step {
        Step::Member(name) => json
            .get(name)
            .or_else(|| json.list().get(name.parse::<usize>().ok()?)),
        Step::Item(at) => json.list().get(*at),
    })
}

/// A payload, or what a template made of it: a number when it is one, nothing when it says so.
pub(crate) fn scalar_of(text: &str) -> Scalar {
    let trimmed = text.trim();
    match parse_number(trimmed.as_bytes()) {
        Some(number) => Scalar::Number(number, trimmed.to_owned()),
        None if trimmed == "None" => Scalar::Null,
        None => Scalar::Text(trimmed.to_owned()),
    }
}

pub(crate) fn scalar_of_json(json: &Json) -> Scalar {
    match json {
        Json::Null => Scalar::Null,
        Json::Bool(value) => Scalar::Bool(*value),
        Json::Number(number, spelled) => Scalar::Number(*number, spelled.clone()),
        Json::Text(text) => scalar_of(text),
        Json::List(_) | Json::Object(_) => Scalar::Text(json.to_json()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(template: &str, payload: &str) -> Found {
        PayloadRead::new(payload.as_bytes()).find(&Extract::template(template), &mut Engine::default())
    }

    #[test]
    fn the_usual_templates_need_no_engine() {
        let payload = r#"{"a":{"b c":[1.50,true]},"s":"ON","n":null}"#;
        for (template, expected) in [
            ("{{ value_json.s }}", Found::Value(Scalar::Text("ON".into()))),
            (
                "{{value_json['a'][\"b c\"][0]}}",
                Found::Value(Scalar::Number(1.5, "1.50".into())),
            ),
            ("{{ value_json.a['b c'][1] }}", Found::Value(Scalar::Bool(true))),
            (
                "{{ value_json.s | is_defined }}",
                Found::Value(Scalar::Text("ON".into())),
            ),
            ("{{ value_json.n }}", Found::Value(Scalar::Null)),
            ("{{ value_json.gone.deep }}", Found::Nothing),
            ("{{ value_json.s|lower }}", Found::NotLoaded),
            ("{{ value_json.a.get('x') }}", Found::NotLoaded),
            (
                "{{ value_json.s }} {{ value_json.n }}",
                Found::Value(Scalar::Text("ON None".into())),
            ),
        ] {
            assert_eq!(found(template, payload), expected, "{template}");
        }
        assert_eq!(
            found("{{ value }}", "21.0"),
            Found::Value(Scalar::Number(21.0, "21.0".into()))
        );
        assert_eq!(found("", "x"), Found::Value(Scalar::Text("x".into())));
        assert_eq!(found("{{ value_json.a }}", "no json"), Found::Nothing);
    }

    #[test]
    fn a_text_is_taken_as_it_is() {
        let found = |payload: &str, may_be_empty| {
            PayloadRead::new(payload.as_bytes()).find(&Extract::Text { may_be_empty }, &mut Engine::default())
        };
        for text in ["None", " day", "007", "x"] {
            assert_eq!(found(text, false), Found::Value(Scalar::Text(text.into())));
        }
        let empty = || Found::Value(Scalar::Text(String::new()));
        assert_eq!(found("\0", false), empty());
        assert_eq!(
            (found("", false), found("", true)),
            (Found::Value(Scalar::Null), empty())
        );
    }

    #[test]
    fn variables_are_filled_in_without_an_engine() {
        let variables = [
            ("value", TemplateValue::Number(40.0)),
            ("state", TemplateValue::Text("ON")),
        ];
        let input = TemplateInput {
            payload: None,
            variables: &variables,
        };
        let mut engine = Engine::default();
        for (source, text) in [
            (
                r#"{"position": {{ value }}, "s":"{{state}}"}"#,
                Ok(r#"{"position": 40, "s":"ON"}"#.to_owned()),
            ),
            ("no variable", Ok("no variable".to_owned())),
            ("{{ value | int }}", Err(TemplateError::NotLoaded)),
            ("{{ other }}", Err(TemplateError::NotLoaded)),
            ("{% if x %}", Err(TemplateError::NotLoaded)),
        ] {
            assert_eq!(engine.render(source, input), text);
        }
    }
}
