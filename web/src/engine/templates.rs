//! The templates that devices announce, rendered by the second module: it is fetched when the first one is met.

use hearth_devices::announced::{TemplateError, TemplateInput, TemplateValue, Templates};
use hearth_model::decimal;

use super::input::Ask;

/// The word for "render" in a request to `hearth_extras::perform`.
const RENDER: u8 = 3;
/// The engine of [`Templates`] that the second module holds.
#[derive(Debug)]
pub struct Rendering(pub Ask);

impl Templates for Rendering {
    fn render(&mut self, source: &str, input: TemplateInput<'_>) -> Result<String, TemplateError> {
        let answer = (self.0.0)(&request(source, input)).map_err(TemplateError::Failed)?;
        String::from_utf8(answer).map_err(|_| TemplateError::Failed("it made no text".to_owned()))
    }
}

/// The template, and either the payload that it reads, or the variables that it is given.
fn request(source: &str, input: TemplateInput<'_>) -> Vec<u8> {
    let mut request = vec![RENDER];
    push(&mut request, source);
    if let Some(payload) = input.payload {
        request.push(b'p');
        request.extend_from_slice(payload.as_bytes());
        return request;
    }
    for (name, value) in input.variables {
        let (kind, text) = match value {
            TemplateValue::Text(text) => (b't', (*text).to_owned()),
            TemplateValue::Number(number) => (b'n', decimal::shortest(*number)),
        };
        request.push(kind);
        push(&mut request, name);
        push(&mut request, &text);
    }
    request
}

/// A text and the 0 that ends it; nothing may end where it does not.
fn push(request: &mut Vec<u8>, text: &str) {
    request.extend(text.bytes().map(|byte| if byte == 0 { b' ' } else { byte }));
    request.push(0);
}
