//! What a text has to be before it is sent.

use hearth_model::pattern::Pattern;

use crate::command::CommandError;

/// What a text has to be, besides no longer than its control takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextRule {
    /// Fewest characters.
    pub shortest: u32,
    /// The expression that finds it, from its beginning; empty: any.
    pub pattern: String,
}

impl TextRule {
    pub(crate) fn check(&self, text: &str, longest: u32) -> Result<(), CommandError> {
        let count = text.chars().count();
        let wrong = |why: String| Err(CommandError::Text(why));
        if count > longest as usize {
            return wrong(format!(
                "The text may have {longest} characters or fewer, this one has {count}"
            ));
        }
        if count < self.shortest as usize {
            return wrong(format!(
                "The text must have {} characters or more, this one has {count}",
                self.shortest
            ));
        }
        // An expression that cannot be read is the device's to check.
        let pattern = Pattern::parse(&format!("^(?:{})", self.pattern));
        if pattern.is_ok_and(|pattern| !pattern.is_match(text)) {
            return wrong(format!("The device takes only texts like {}", self.pattern));
        }
        Ok(())
    }
}
