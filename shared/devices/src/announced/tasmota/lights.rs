//! Lights: one with all its channels, colour and white apart, or each channel for itself.

use super::Device;
use crate::announced::color::ColorForm;
use crate::announced::extract::{Extract, Step};
use crate::announced::json::Json;
use crate::announced::model::{Part, PartControl, Shows, StateRead};
use crate::announced::parts::{color, level, switch, white};
use crate::class::Class;
use crate::command::{ControlKind, Payload, Verb};
use crate::device::{EntityKind, Value};

impl Device<'_> {
    pub(super) fn light(&self, at: usize, outputs: usize, lights: usize) -> Vec<Part> {
        let state = Part {
            kind: EntityKind::Light,
            ..self.power(at, outputs)
        };
        let number = |name: &str| self.config.get(name).and_then(Json::number).unwrap_or_default() as u32;
        // 0 is the lamp of a fan, 1 one channel, 2 cold and warm, 3 colour, 4 and 5 both.
        let kind = number("lt_st");
        let mut parts = vec![state];
        if kind == 0 && !self.option("68") {
            return parts;
        }
        let channel = self.relays.iter().take(at).filter(|kind| **kind == 2).count();
        if lights > 1 && (self.option("68") || kind < 4) {
            let name = format!("Channel{}", channel + 1);
            let path = vec![Step::Member("Channel".to_owned()), Step::Item(channel)];
            let mut reads = self.state(&name, &path);
            reads.extend(self.member(&name));
            parts.push(self.dimmer(&name, reads));
            return parts;
        }
        // Colour is the first of two lights, white the second (SetOption37).
        let apart = lights > 1 && number("lk") == 0;
        let name = match channel {
            0 if apart => "Dimmer1",
            _ if apart => "Dimmer2",
            // Behind another processor the third is the light's.
            _ if number("ty") == 1 => "Dimmer3",
            _ => "Dimmer",
        };
        let said = if name == "Dimmer3" { "Dimmer" } else { name };
        parts.push(self.dimmer(name, self.member(said)));
        let has_color = kind >= 3 && !(apart && channel > 0);
        if matches!(kind, 2 | 5) && !(apart && channel == 0) {
            let range = if self.option("82") {
                (200.0, 380.0)
            } else {
                (153.0, 500.0)
            };
            let part = white(range, "mired", nowhere(), Some(self.sets(Verb::Set, "CT")));
            parts.push(self.says_of(part, "CT"));
        }
        if has_color {
            let set = self.sets(Verb::Choose, "HSBColor");
            parts.push(self.says_of(color(ColorForm::Hsv, nowhere(), Some(set)), "HSBColor"));
        }
        if kind == 4 && !apart {
            let set = self.sets(Verb::Set, "White");
            let part = level(("white", "White"), Class::Brightness, 1.0, None, Some(set));
            parts.push(self.says_of(part, "White"));
        }
        if !apart || channel == 0 {
            parts.extend([self.scheme(), self.fade()]);
        }
        parts
    }

    fn says_of(&self, part: Part, name: &str) -> Part {
        Part {
            reads: self.member(name),
            ..part
        }
    }

    fn dimmer(&self, name: &str, reads: Vec<StateRead>) -> Part {
        let set = Some(self.sets(Verb::Set, name));
        let part = level(("brightness", "Brightness"), Class::Brightness, 1.0, None, set);
        Part { reads, ..part }
    }

    /// What it does by itself.
    fn scheme(&self) -> Part {
        let (mut options, mut words, mut writes) = (Vec::new(), Vec::new(), Vec::new());
        for (at, name) in ["None", "Wake up", "Cycle up", "Cycle down", "Random"]
            .into_iter()
            .enumerate()
        {
            options.push(name.to_owned());
            words.push((at.to_string(), Value::Text(name.to_owned())));
            writes.push(self.says(Verb::Option(name.to_owned()), "Scheme", &at.to_string()));
        }
        Part {
            id: "scheme",
            label: "Effect",
            kind: EntityKind::Select,
            shows: Shows::States(words),
            reads: self.member("Scheme"),
            control: Some(PartControl::new(ControlKind::Select { options }, writes)),
            ..Part::default()
        }
    }

    fn fade(&self) -> Part {
        let payload = |word: &str| Payload::Fixed(word.to_owned());
        let topic = self.command("Fade");
        let part = switch(
            EntityKind::Switch,
            ("ON", "OFF"),
            None,
            &topic,
            (payload("1"), payload("0")),
        );
        let part = Part {
            id: "fade",
            label: "Fade",
            class: Class::Internal,
            ..part
        };
        self.says_of(part, "Fade")
    }
}

fn nowhere() -> StateRead {
    StateRead::new("", Extract::Plain)
}
