//! What a filter, test or function is called with.

use std::rc::Rc;

use crate::error::{Error, Result};
use crate::value::Value;

#[derive(Debug, Default, Clone)]
pub(crate) struct Values {
    pub(crate) positional: Vec<Value>,
    pub(crate) named: Vec<(Rc<str>, Value)>,
}

impl Values {
    /// By place or by name.
    pub(crate) fn get(&self, place: usize, name: &str) -> Option<&Value> {
        self.positional.get(place).or_else(|| self.named(name))
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Value> {
        self.named
            .iter()
            .find(|(found, _)| **found == *name)
            .map(|(_, value)| value)
    }

    pub(crate) fn need(&self, place: usize, name: &str) -> Result<&Value> {
        self.get(place, name)
            .ok_or_else(|| Error::value(format!("the argument '{name}' is missing")))
    }

    pub(crate) fn int(&self, place: usize, name: &str, default: i64) -> Result<i64> {
        self.get(place, name).map_or(Ok(default), Value::as_int)
    }

    pub(crate) fn flag(&self, place: usize, name: &str, default: bool) -> bool {
        self.get(place, name).map_or(default, Value::is_true)
    }

    pub(crate) fn text(&self, place: usize, name: &str, default: &str) -> Result<Rc<str>> {
        match self.get(place, name) {
            None => Ok(Rc::from(default)),
            Some(Value::Str(text)) => Ok(text.clone()),
            Some(other) => Err(Error::value(format!(
                "'{name}' must be str, not {}",
                other.type_name()
            ))),
        }
    }

    /// Without the first by place.
    pub(crate) fn rest(&self) -> Self {
        Self {
            positional: self.positional.get(1..).unwrap_or_default().to_vec(),
            named: self.named.clone(),
        }
    }
}
