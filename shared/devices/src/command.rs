//! What can be done with an entity, and the message that does it.

/// How a control looks.
#[derive(Clone, Copy, Debug, PartialEq)]
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
}

/// A control of an entity and how to use it. Nothing announced it: it is a guess from the form of topic and payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// How it looks.
    pub kind: ControlKind,
    /// Where commands go.
    pub topic: String,
    /// How a command is spelled.
    pub(crate) spelling: Spelling,
    /// What the device wants for one of the unit shown.
    pub(crate) scale: f64,
    /// Whether it wants whole numbers.
    pub(crate) whole: bool,
}

/// How a command's payload is made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Spelling {
    /// The bare word or number; states in these words.
    Plain { on: String, off: String },
    /// A JSON object with this member; states in these words.
    Json { member: String, on: String, off: String },
}

/// What someone wants an entity to do.
#[derive(Clone, Copy, Debug, PartialEq)]
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
}

/// A message that asks a device to do something: QoS 1, never retained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The topic name.
    pub topic: String,
    /// The payload.
    pub payload: String,
    /// Always true here: no device has announced this command.
    pub is_guess: bool,
}

impl Control {
    pub(crate) fn plain(kind: ControlKind, topic: String, on: &str, off: &str) -> Self {
        let (on, off) = (on.to_owned(), off.to_owned());
        Self::new(kind, topic, Spelling::Plain { on, off })
    }

    pub(crate) fn json(kind: ControlKind, topic: String, member: &str, on: &str, off: &str) -> Self {
        let (member, on, off) = (member.to_owned(), on.to_owned(), off.to_owned());
        Self::new(kind, topic, Spelling::Json { member, on, off })
    }

    fn new(kind: ControlKind, topic: String, spelling: Spelling) -> Self {
        Self {
            kind,
            topic,
            spelling,
            scale: 1.0,
            whole: false,
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

    /// The message for an action; `None` when this control cannot do it.
    #[must_use]
    pub fn command(&self, action: Action) -> Option<Command> {
        let (Spelling::Plain { on, off } | Spelling::Json { on, off, .. }) = &self.spelling;
        let lower = on.chars().all(char::is_lowercase);
        let spelled = |word: &str| {
            if lower {
                word.to_lowercase()
            } else {
                word.to_owned()
            }
        };
        let value = match (self.kind, action) {
            (ControlKind::Switch, Action::TurnOn) => quoted(on),
            (ControlKind::Switch, Action::TurnOff) => quoted(off),
            (
                ControlKind::Slider { min, max, .. } | ControlKind::Stepper { min, max, .. },
                Action::Set(number),
            ) if number.is_finite() => {
                let number = number.clamp(min, max) * self.scale;
                // The shortest spelling: 21.5, 60.
                format!("{}", if self.whole { number.round() } else { number })
            }
            (ControlKind::Cover, Action::Open) => quoted(&spelled("OPEN")),
            (ControlKind::Cover, Action::Close) => quoted(&spelled("CLOSE")),
            (ControlKind::Cover, Action::Stop) => quoted(&spelled("STOP")),
            (ControlKind::Lock, Action::Lock) => quoted(&spelled("LOCK")),
            (ControlKind::Lock, Action::Unlock) => quoted(&spelled("UNLOCK")),
            _ => return None,
        };
        let payload = match &self.spelling {
            Spelling::Plain { .. } => value.trim_matches('"').to_owned(),
            Spelling::Json { member, .. } => format!("{{{}:{value}}}", quoted(member)),
        };
        Some(Command {
            topic: self.topic.clone(),
            payload,
            is_guess: true,
        })
    }
}

/// A JSON string; `true` and `false` stay words of JSON.
fn quoted(word: &str) -> String {
    if matches!(word, "true" | "false") {
        return word.to_owned();
    }
    serde_json::Value::from(word).to_string()
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
                Control::json(ControlKind::Switch, "t/set".into(), "state", "ON", "OFF"),
                Action::TurnOn,
                Some(r#"{"state":"ON"}"#),
            ),
            (
                Control::json(slider, "t/set".into(), "brightness", "", ""),
                Action::Set(300.0),
                Some(r#"{"brightness":254}"#),
            ),
            (
                Control::plain(ControlKind::Switch, "t/set".into(), "on", "off"),
                Action::TurnOff,
                Some("off"),
            ),
            (
                Control::plain(ControlKind::Switch, "t/set".into(), "true", "false"),
                Action::TurnOn,
                Some("true"),
            ),
            (
                Control::json(ControlKind::Cover, "t/set".into(), "state", "OPEN", "CLOSE"),
                Action::Stop,
                Some(r#"{"state":"STOP"}"#),
            ),
            (
                Control::plain(ControlKind::Cover, "t".into(), "open", "close"),
                Action::Stop,
                Some("stop"),
            ),
            (
                Control::json(ControlKind::Lock, "t/set".into(), "state", "LOCK", "UNLOCK"),
                Action::Lock,
                Some(r#"{"state":"LOCK"}"#),
            ),
            (
                Control::plain(slider, "t/set".into(), "", ""),
                Action::Set(21.5),
                Some("21.5"),
            ),
            (
                Control::plain(slider, "t/set".into(), "", ""),
                Action::Set(f64::NAN),
                None,
            ),
            (
                Control::plain(ControlKind::Lock, "t/set".into(), "LOCK", "UNLOCK"),
                Action::TurnOn,
                None,
            ),
        ] {
            assert_eq!(
                control.command(action).map(|command| command.payload).as_deref(),
                expected,
                "{control:?}"
            );
        }
    }
}
