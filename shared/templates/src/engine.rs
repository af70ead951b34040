//! Many templates over many messages: templates are read once, and a message's JSON once for all templates that read it.

use std::collections::HashMap;

use crate::{Error, Limits, Template, Variables};

/// Templates that are kept read. More are read again each time.
const KEPT: usize = 4_096;
/// The same in bytes of their text; what is kept of one is some ten times as much.
const KEPT_BYTES: usize = 1024 * 1024;

/// What [`Engine::render`] is asked without a message and variables to hear how many steps were taken since it was last asked. A
/// comment, so that it is a template as well.
pub const STEPS: &str = "{# steps #}";

/// A value that a template gets by name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Variable<'a> {
    /// A text.
    Text(&'a str),
    /// A number; whole ones print without a point.
    Number(f64),
}

/// Renders templates and remembers them.
#[derive(Debug, Default)]
pub struct Engine {
    limits: Limits,
    read: HashMap<String, Result<Template, Error>>,
    /// The newest message, with its JSON.
    message: Option<(String, Variables)>,
    read_bytes: usize,
    stopped: u64,
    /// Since somebody asked.
    steps: u64,
}

impl Engine {
    /// An engine with limits of its own.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// How often a limit stopped a template.
    #[must_use]
    pub fn stopped(&self) -> u64 {
        self.stopped
    }

    /// Renders a template with a message (`value`, `value_json`) and variables by name.
    ///
    /// # Errors
    /// Why there is no text; the same template is wrong again next time, without being read again.
    pub fn render(
        &mut self,
        source: &str,
        payload: Option<&str>,
        named: &[(&str, Variable<'_>)],
    ) -> Result<String, Error> {
        if source == STEPS && payload.is_none() && named.is_empty() {
            return Ok(std::mem::take(&mut self.steps).to_string());
        }
        let result = self.rendered(source, payload, named);
        self.stopped += u64::from(result.as_ref().is_err_and(Error::is_limit));
        result
    }

    fn rendered(
        &mut self,
        source: &str,
        payload: Option<&str>,
        named: &[(&str, Variable<'_>)],
    ) -> Result<String, Error> {
        // A template that is too long is not kept either.
        if source.len() > self.limits.source_bytes {
            return Template::parse(source, &self.limits)?.render(&Variables::default(), &self.limits);
        }
        if let Some(payload) = payload
            && self.message.as_ref().is_none_or(|(known, _)| known != payload)
        {
            self.message = Some((payload.to_owned(), Variables::of_message(payload)));
        }
        if !self.read.contains_key(source) {
            if self.read.len() >= KEPT || self.read_bytes + source.len() > KEPT_BYTES {
                self.read.clear();
                self.read_bytes = 0;
            }
            self.read_bytes += source.len();
            // Reading it is work, too.
            self.steps += source.len() as u64;
            self.read
                .insert(source.to_owned(), Template::parse(source, &self.limits));
        }
        let template = match self.read.get(source) {
            Some(Ok(template)) => template,
            Some(Err(error)) => return Err(error.clone()),
            None => return Err(Error::value("the template is not there")),
        };
        let message = self.message.as_ref().filter(|_| payload.is_some());
        let (result, steps) = match message {
            Some((_, variables)) if named.is_empty() => template.counted(variables, &self.limits),
            message => {
                let mut variables = message
                    .map(|(_, variables)| variables.clone())
                    .unwrap_or_default();
                for (name, value) in named {
                    variables = match value {
                        Variable::Text(text) => variables.with_text(name, text),
                        Variable::Number(number) => variables.with_number(name, *number),
                    };
                }
                template.counted(&variables, &self.limits)
            }
        };
        self.steps += steps;
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_and_variables_are_what_a_template_sees() {
        let mut engine = Engine::default();
        let value = [("value", Variable::Number(40.0)), ("mode", Variable::Text("eco"))];
        assert_eq!(
            engine
                .render("{{ value_json.a }}", Some(r#"{"a":1}"#), &[])
                .as_deref(),
            Ok("1")
        );
        assert_eq!(
            engine
                .render("{{ value_json.a }}", Some(r#"{"a":2}"#), &[])
                .as_deref(),
            Ok("2")
        );
        assert_eq!(
            engine.render("{{ value }}{{ mode }}", None, &value).as_deref(),
            Ok("40eco")
        );
        assert_eq!(
            engine
                .render("{{ value_json is defined }}", None, &value)
                .as_deref(),
            Ok("False"),
            "the message of another rendering"
        );
        assert_eq!(
            engine
                .render("{{ mode ~ value_json.a }}", Some(r#"{"a":2}"#), &value)
                .as_deref(),
            Ok("eco2")
        );
    }

    #[test]
    fn a_template_that_is_wrong_stays_wrong_and_limits_are_counted() {
        let mut engine = Engine::default();
        for _ in 0..2 {
            assert!(engine.render("{% if %}", Some("x"), &[]).is_err());
        }
        assert_eq!(engine.stopped(), 0);
        assert!(engine.render("{{ 'x' * 99999999 }}", Some("x"), &[]).is_err());
        assert!(engine.render(&"x".repeat(99_999), Some("x"), &[]).is_err());
        assert_eq!(engine.stopped(), 2);
    }

    #[test]
    fn the_steps_of_renderings_are_told_once_whether_or_not_they_made_a_text() {
        let mut engine = Engine::default();
        let asked =
            |engine: &mut Engine| -> u64 { engine.render(STEPS, None, &[]).unwrap().parse().unwrap() };
        assert_eq!(asked(&mut engine), 0);
        engine.render("{{ value }}", Some("1"), &[]).unwrap();
        let steps = asked(&mut engine);
        assert!((1..100).contains(&steps), "{steps}");
        assert_eq!(asked(&mut engine), 0, "since it was last asked");
        let endless =
            "{% for i in range(9999) %}{% for j in range(9999) %}{% set x = j %}{% endfor %}{% endfor %}";
        assert!(engine.render(endless, Some("1"), &[]).is_err());
        let steps = asked(&mut engine);
        assert!((100_000..201_000).contains(&steps), "{steps}");
        assert_eq!(
            engine.render(STEPS, Some("1"), &[]).as_deref(),
            Ok(""),
            "a device's template"
        );
    }

    #[test]
    fn more_templates_than_are_kept_are_rendered_all_the_same() {
        let mut engine = Engine::default();
        for number in 0..KEPT + 10 {
            let rendered = engine.render(&format!("{{{{ {number} }}}}"), None, &[]);
            assert_eq!(rendered, Ok(number.to_string()));
        }
        assert!(engine.read.len() <= KEPT);
        for number in 0..200 {
            let long = format!("{number}{}", " ".repeat(30_000));
            assert_eq!(engine.render(&long, None, &[]), Ok(number.to_string()));
        }
        assert!(engine.read_bytes <= KEPT_BYTES && engine.read.len() < 50);
    }
}
