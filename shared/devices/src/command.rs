//! What can be done with an entity, and the message that does it.

use crate::announced::color::{ColorForm, channels};
use crate::announced::extract::{Engine, TemplateError, TemplateInput, TemplateValue};
use crate::announced::json::quoted;
use crate::text_rule::TextRule;
use hearth_model::decimal;
use hearth_model::letters::{is_lower, lower};
use hearth_model::pattern::Pattern;

/// How a control looks.
#[derive(Clone, Debug, PartialEq)]
pub enum ControlKind {
    /// On and off.
    Switch,
    /// A number in a range, set while dragging.
    Slider {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
        /// Between two settings.
        step: f64,
    },
    /// A number in a range, set in steps.
    Stepper {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
        /// Between two settings.
        step: f64,
    },
    /// Open, stop, close.
    Cover,
    /// Lock and unlock.
    Lock,
    /// One of several words is in force.
    Select {
        /// As they are shown and said.
        options: Vec<String>,
    },
    /// Several things that it can be told to do.
    Buttons {
        /// As they are shown and said.
        options: Vec<String>,
    },
    /// One thing that it can be told to do.
    Button,
    /// Words.
    Text {
        /// Most characters.
        longest: u32,
    },
    /// A colour.
    Color(ColorForm),
}

/// A control of an entity and how to use it.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// How it looks.
    pub kind: ControlKind,
    /// Nothing announced it: it is a guess from the form of topic and payload.
    pub is_guess: bool,
    /// A person is asked before it acts.
    pub asks: bool,
    /// Its messages.
    pub(crate) writes: Vec<Write>,
    /// What the device wants for one of the unit shown.
    pub(crate) scale: f64,
    /// What the device wants for nothing.
    pub(crate) offset: f64,
    /// Whether it wants whole numbers.
    pub(crate) whole: bool,
    /// The code that a person has to know.
    pub code: Option<Code>,
    /// Where the device says what became of a command, and under which name it was sent.
    pub answers: Option<Answers>,
    /// It changes what belongs to the home, not what goes on in it: for those who look after it.
    pub for_admins: bool,
    /// What the ids of those begin with whose values are sent with this one.
    pub(crate) together: String,
    /// What a text has to be.
    pub(crate) rule: TextRule,
}

/// Where a device says what became of a command: JSON with `status`, `error` and the `transaction` of the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// The topic of the answers.
    pub topic: String,
    /// As it stands in the command.
    pub transaction: String,
}

/// A code that is asked for before a control acts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// It has digits only.
    pub is_number: bool,
    /// What is checked here, before anything is sent; the device may check more.
    pub(crate) check: CodeCheck,
    /// Options that need none.
    pub free: Vec<String>,
}

/// What a code has to be.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum CodeCheck {
    /// Anything: the device knows it.
    #[default]
    Any,
    /// This.
    Word(String),
    /// What this expression finds.
    Pattern(String),
}

impl std::fmt::Debug for CodeCheck {
    /// A code never prints.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeCheck(…)")
    }
}

impl Code {
    /// Whether this action needs it.
    #[must_use]
    pub fn is_for(&self, action: &Action) -> bool {
        !matches!(action, Action::Choose(option) if self.free.contains(option))
    }

    fn allows(&self, typed: &str) -> bool {
        match &self.check {
            CodeCheck::Any => !typed.is_empty(),
            CodeCheck::Word(word) => word == typed,
            // An expression that cannot be read is the device's to check.
            CodeCheck::Pattern(pattern) => {
                Pattern::parse(pattern).map_or(!typed.is_empty(), |pattern| pattern.is_match(typed))
            }
        }
    }
}

/// One message that a control sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What it is sent for.
    pub verb: Verb,
    /// The topic name.
    pub topic: String,
    /// How the payload is made.
    pub payload: Payload,
    /// Quality of service; 1 unless the device announced another.
    pub qos: u8,
    /// Whether it is kept by the broker; only when the device announced it so.
    pub retain: bool,
}

impl Write {
    /// At QoS 1, not retained.
    #[must_use]
    pub fn new(verb: Verb, topic: &str, payload: Payload) -> Self {
        Self {
            verb,
            topic: topic.to_owned(),
            payload,
            qos: 1,
            retain: false,
        }
    }
}

/// What a message is sent for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Verb {
    On,
    Off,
    Open,
    Close,
    Stop,
    Lock,
    Unlock,
    Press,
    /// A number.
    Set,
    /// Any word or colour.
    Choose,
    /// This word.
    Option(String),
}

/// How a command's payload is made of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// These words, whatever was asked for.
    Fixed(String),
    /// The bare number, word or colour.
    Value,
    /// The number, word or colour as JSON, between these texts.
    Json {
        /// `{"brightness":`
        before: String,
        /// `}`
        after: String,
    },
    /// What a template makes of it.
    Template {
        /// The template.
        source: String,
        /// What the number or word is called, besides `value`; empty: nothing else.
        name: &'static str,
        /// The value when it is always the same.
        fixed: Option<String>,
    },
    /// A metric of Sparkplug B.
    Metric(crate::metric::Metric),
}

impl Payload {
    /// A JSON object with this member only.
    #[must_use]
    pub fn member(name: &str) -> Self {
        Self::Json {
            before: format!("{{{}:", quoted(name)),
            after: "}".to_owned(),
        }
    }
}

/// What someone wants an entity to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Switch on.
    TurnOn,
    /// Switch off.
    TurnOff,
    /// Set a number, in the entity's unit.
    Set(f64),
    /// Open a cover.
    Open,
    /// Close a cover.
    Close,
    /// Stop a cover.
    Stop,
    /// Lock.
    Lock,
    /// Unlock.
    Unlock,
    /// One of several, a text, or a colour as `#rrggbb`.
    Choose(String),
    /// Do the one thing.
    Press,
}

/// A message that asks a device to do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The topic name.
    pub topic: String,
    /// The payload.
    pub payload: Vec<u8>,
    /// Quality of service.
    pub qos: u8,
    /// Whether the broker keeps it.
    pub retain: bool,
    /// No device has announced this command.
    pub is_guess: bool,
}

/// Why there is no command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// The entity is gone, or cannot do that.
    Impossible,
    /// Its template needs an engine that is not there yet: try again soon.
    NotLoaded,
    /// Its template could not be used: why.
    Template(String),
    /// It needs another code, or any.
    Code,
    /// Its text is not what the device takes: why, a sentence without a full stop.
    Text(String),
}

impl Control {
    /// States in these words, on the bare topic.
    pub(crate) fn plain(kind: ControlKind, topic: &str, on: &str, off: &str) -> Self {
        Self::guess(kind, topic, on, off, |value| match value {
            Some(word) => Payload::Fixed(word.to_owned()),
            None => Payload::Value,
        })
    }

    /// States in these words, as a member of a JSON object.
    pub(crate) fn json(kind: ControlKind, topic: &str, member: &str, on: &str, off: &str) -> Self {
        Self::guess(kind, topic, on, off, |value| match value {
            Some(word) => Payload::Fixed(format!("{{{}:{}}}", quoted(member), json_word(word))),
            None => Payload::member(member),
        })
    }

    fn guess(
        kind: ControlKind,
        topic: &str,
        on: &str,
        off: &str,
        payload: impl Fn(Option<&str>) -> Payload,
    ) -> Self {
        let is_lower = on.chars().all(is_lower);
        let said = |verb, word: &str| {
            let word = if is_lower { lower(word) } else { word.to_owned() };
            Write::new(verb, topic, payload(Some(&word)))
        };
        let writes = match kind {
            ControlKind::Switch => vec![
                Write::new(Verb::On, topic, payload(Some(on))),
                Write::new(Verb::Off, topic, payload(Some(off))),
            ],
            ControlKind::Cover => vec![
                said(Verb::Open, "OPEN"),
                said(Verb::Close, "CLOSE"),
                said(Verb::Stop, "STOP"),
            ],
            ControlKind::Lock => vec![said(Verb::Lock, "LOCK"), said(Verb::Unlock, "UNLOCK")],
            ControlKind::Slider { .. } | ControlKind::Stepper { .. } => {
                vec![Write::new(Verb::Set, topic, payload(None))]
            }
            _ => vec![Write::new(Verb::Choose, topic, payload(None))],
        };
        Self {
            kind,
            is_guess: true,
            asks: false,
            writes,
            scale: 1.0,
            offset: 0.0,
            whole: false,
            code: None,
            answers: None,
            for_admins: false,
            together: String::new(),
            rule: TextRule::default(),
        }
    }

    /// The device counts differently from what is shown, in whole numbers.
    pub(crate) fn scaled(self, scale: f64) -> Self {
        Self {
            scale,
            whole: true,
            ..self
        }
    }

    /// Where commands go, or the first of several topics.
    #[must_use]
    pub fn topic(&self) -> &str {
        self.writes.first().map_or("", |write| &write.topic)
    }

    /// The message for an action.
    pub(crate) fn command(
        &self,
        action: &Action,
        code: &str,
        engine: &mut Engine,
    ) -> Result<Command, CommandError> {
        if self
            .code
            .as_ref()
            .is_some_and(|known| known.is_for(action) && !known.allows(code))
        {
            return Err(CommandError::Code);
        }
        if let (Action::Choose(text), ControlKind::Text { longest }) = (action, &self.kind) {
            self.rule.check(text, *longest)?;
        }
        let write = self.writes.iter().find(|write| write.verb.is_for(action));
        let write = write.ok_or(CommandError::Impossible)?;
        let asked = self.asked(action).ok_or(CommandError::Impossible)?;
        Ok(Command {
            topic: write.topic.clone(),
            payload: asked.payload(&write.payload, code, engine)?,
            qos: write.qos,
            retain: write.retain,
            is_guess: self.is_guess,
        })
    }

    /// What is asked for, in the device's words; `None` when it is out of the question.
    fn asked(&self, action: &Action) -> Option<Asked> {
        let mut shown = None;
        let number = match (action, &self.kind) {
            (
                Action::Set(number),
                ControlKind::Slider { min, max, .. } | ControlKind::Stepper { min, max, .. },
            ) => {
                if !number.is_finite() {
                    return None;
                }
                let number = number.max(*min).min(*max);
                shown = Some(number);
                let number = number * self.scale + self.offset;
                Some(if self.whole {
                    number.round()
                } else {
                    // Without the noise of binary fractions.
                    (number * 1e6).round() / 1e6
                })
            }
            (Action::Set(_), _) => return None,
            _ => None,
        };
        let mut asked = Asked {
            number,
            shown,
            ..Asked::default()
        };
        match (action, &self.kind) {
            (Action::Choose(color), ControlKind::Color(form)) => {
                asked.plain = form.write(color, false)?;
                asked.json = form.write(color, true)?;
                asked.color.clone_from(color);
            }
            (Action::Choose(option), ControlKind::Select { options } | ControlKind::Buttons { options }) => {
                if !options.contains(option) {
                    return None;
                }
                asked.plain.clone_from(option);
                asked.json = quoted(option);
            }
            (Action::Choose(text), ControlKind::Text { .. }) => {
                asked.plain.clone_from(text);
                asked.json = quoted(text);
            }
            (Action::Choose(_), _) => return None,
            _ => {
                // The shortest spelling: 21.5, 60.
                asked.plain = number.map(decimal::shortest).unwrap_or_default();
                asked.json.clone_from(&asked.plain);
            }
        }
        Some(asked)
    }
}

impl Verb {
    fn is_for(&self, action: &Action) -> bool {
        match (self, action) {
            (Self::Option(option), Action::Choose(chosen)) => option == chosen,
            (Self::On, Action::TurnOn)
            | (Self::Off, Action::TurnOff)
            | (Self::Set, Action::Set(_))
            | (Self::Open, Action::Open)
            | (Self::Close, Action::Close)
            | (Self::Stop, Action::Stop)
            | (Self::Lock, Action::Lock)
            | (Self::Unlock, Action::Unlock)
            | (Self::Choose, Action::Choose(_))
            | (Self::Press, Action::Press) => true,
            _ => false,
        }
    }
}

/// What is asked for, in the device's words.
#[derive(Debug, Default)]
struct Asked {
    /// As the device counts.
    number: Option<f64>,
    /// As it is shown.
    shown: Option<f64>,
    plain: String,
    json: String,
    color: String,
}

impl Asked {
    fn payload(&self, payload: &Payload, code: &str, engine: &mut Engine) -> Result<Vec<u8>, CommandError> {
        if let Payload::Metric(metric) = payload {
            return metric.payload(&self.plain).ok_or(CommandError::Impossible);
        }
        let words = match payload {
            Payload::Metric(_) => String::new(),
            Payload::Fixed(words) => words.clone(),
            Payload::Value => self.plain.clone(),
            Payload::Json { before, after } => format!("{before}{}{after}", self.json),
            Payload::Template { source, name, fixed } => {
                let value = match (self.number, fixed) {
                    (_, Some(fixed)) => TemplateValue::Text(fixed),
                    (Some(number), None) => TemplateValue::Number(number),
                    (None, None) => TemplateValue::Text(&self.plain),
                };
                let mut variables = vec![("value", value)];
                if !code.is_empty() {
                    variables.push(("code", TemplateValue::Text(code)));
                }
                match (*name, self.shown) {
                    ("", _) => {}
                    // In %, whatever range the device counts in.
                    ("position" | "tilt_position", Some(shown)) => {
                        variables.push((name, TemplateValue::Number(shown)));
                    }
                    (name, _) => variables.push((name, value)),
                }
                let channels = channels(&self.color).into_iter().flatten();
                variables.extend(channels.map(|(name, number)| (name, TemplateValue::Number(number))));
                let input = TemplateInput {
                    payload: None,
                    variables: &variables,
                };
                engine.render(source, input).map_err(|error| match error {
                    TemplateError::NotLoaded => CommandError::NotLoaded,
                    TemplateError::Unsupported(why) | TemplateError::Failed(why) => {
                        CommandError::Template(why)
                    }
                })?
            }
        };
        Ok(words.into_bytes())
    }
}

/// A JSON string; `true` and `false` stay words of JSON.
fn json_word(word: &str) -> String {
    if matches!(word, "true" | "false") {
        return word.to_owned();
    }
    quoted(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_spelled_as_the_device_speaks() {
        let slider = ControlKind::Slider {
            min: 0.0,
            max: 254.0,
            step: 1.0,
        };
        for (control, action, expected) in [
            (
                Control::json(ControlKind::Switch, "t/set", "state", "ON", "OFF"),
                Action::TurnOn,
                Some(r#"{"state":"ON"}"#),
            ),
            (
                Control::json(slider.clone(), "t/set", "brightness", "", ""),
                Action::Set(300.0),
                Some(r#"{"brightness":254}"#),
            ),
            (
                Control::plain(ControlKind::Switch, "t/set", "on", "off"),
                Action::TurnOff,
                Some("off"),
            ),
            (
                Control::plain(ControlKind::Switch, "t/set", "true", "false"),
                Action::TurnOn,
                Some("true"),
            ),
            (
                Control::json(ControlKind::Cover, "t/set", "state", "OPEN", "CLOSE"),
                Action::Stop,
                Some(r#"{"state":"STOP"}"#),
            ),
            (
                Control::plain(ControlKind::Cover, "t", "open", "close"),
                Action::Stop,
                Some("stop"),
            ),
            (
                Control::json(ControlKind::Lock, "t/set", "state", "LOCK", "UNLOCK"),
                Action::Lock,
                Some(r#"{"state":"LOCK"}"#),
            ),
            (
                Control::plain(slider.clone(), "t/set", "", ""),
                Action::Set(21.5),
                Some("21.5"),
            ),
            (
                Control::plain(slider.clone(), "t/set", "", ""),
                Action::Set(f64::NAN),
                None,
            ),
            (
                Control::plain(ControlKind::Lock, "t/set", "LOCK", "UNLOCK"),
                Action::TurnOn,
                None,
            ),
        ] {
            assert_eq!(
                control
                    .command(&action, "", &mut Engine::default())
                    .ok()
                    .map(|command| String::from_utf8(command.payload).unwrap())
                    .as_deref(),
                expected,
                "{control:?}"
            );
        }
    }
}
