//! The templates that devices announce with Home Assistant's discovery: Jinja2 with Home Assistant's filters, for values that come
//! from outside.
//!
//! A template is somebody else's program, so that everything it does is paid for before it is done: time and memory are bounded by
//! [`Limits`], nothing recurses deeper than a constant, and no input panics. Texts, numbers and truth are Python's (`1.0`, `1e+16`,
//! `True`, `['a', 1]`), because that is what the templates were written for; the tests compare with Jinja2 itself.
//!
//! ```
//! use hearth_templates::{Limits, Template, Variables};
//!
//! let template = Template::parse("{{ value_json.battery | round(1) }}", &Limits::default()).unwrap();
//! let message = Variables::of_message(r#"{"battery": 87.25}"#);
//! assert_eq!(template.render(&message, &Limits::default()).unwrap(), "87.2");
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod access;
mod arguments;
mod ast;
mod budget;
mod engine;
mod error;
mod filters;
mod format;
mod functions;
mod json;
mod lexer;
mod machine;
mod methods;
mod number;
mod operators;
mod parser;
mod regex;
mod tests;
mod text;
mod value;

pub use budget::Limits;
pub use engine::{Engine, STEPS, Variable};
pub use error::Error;

use budget::Budget;
use machine::Machine;
use value::Value;

/// A template that was read.
#[derive(Debug, Clone)]
pub struct Template {
    body: Vec<ast::Statement>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it: it is no template, too long, too deep, or uses what is not supported.
    pub fn parse(source: &str, limits: &Limits) -> Result<Self, Error> {
        if source.len() > limits.source_bytes {
            return Err(Error::SourceTooLong {
                bytes: source.len(),
                limit: limits.source_bytes,
            });
        }
        let body = parser::parse(source)?;
        Ok(Self { body })
    }

    /// Renders the template. White space at both ends is cut off, as Home Assistant does.
    ///
    /// # Errors
    /// What went wrong: a value of the wrong type, a limit, a filter that is not known. Nothing is rendered then.
    pub fn render(&self, variables: &Variables, limits: &Limits) -> Result<String, Error> {
        self.counted(variables, limits).0
    }

    /// The same, and how many steps it took, whether or not there is a text.
    fn counted(&self, variables: &Variables, limits: &Limits) -> (Result<String, Error>, u64) {
        let mut machine = Machine::new(Budget::new(*limits), &variables.named);
        let text = machine.run(&self.body).map(|text| {
            let trimmed = text.trim();
            if trimmed.len() == text.len() {
                text
            } else {
                trimmed.to_owned()
            }
        });
        (text, machine.budget.spent())
    }
}

/// The names that a template can use. Made once for a message, used for all templates that read it.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    named: Vec<(Box<str>, Value)>,
}

impl Variables {
    /// `value`, and `value_json` if the payload is JSON.
    #[must_use]
    pub fn of_message(payload: &str) -> Self {
        let mut variables = Self::default();
        variables.push("value", Value::from(payload));
        if let Some(parsed) = json::parse(payload) {
            variables.push("value_json", parsed);
        }
        variables
    }

    fn push(&mut self, name: &str, value: Value) {
        self.named.retain(|(present, _)| **present != *name);
        self.named.push((Box::from(name), value));
    }

    /// Adds a text.
    #[must_use]
    pub fn with_text(mut self, name: &str, text: &str) -> Self {
        self.push(name, Value::from(text));
        self
    }

    /// Adds a number. A whole one prints without a point.
    #[must_use]
    pub fn with_number(mut self, name: &str, number: f64) -> Self {
        let whole = number::float_to_int(number).filter(|whole| *whole as f64 == number);
        self.push(name, whole.map_or(Value::Float(number), Value::Int));
        self
    }

    /// Adds yes or no.
    #[must_use]
    pub fn with_bool(mut self, name: &str, yes: bool) -> Self {
        self.push(name, Value::Bool(yes));
        self
    }

    /// Adds a value that is written as JSON; nothing if it is none.
    #[must_use]
    pub fn with_json(mut self, name: &str, json: &str) -> Self {
        if let Some(value) = json::parse(json) {
            self.push(name, value);
        }
        self
    }
}
