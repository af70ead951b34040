//! Hearth's page, as a person uses it: known only by its `data-testid` names.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::wait::until;

/// In WebDriver's code.
const BACKSPACE: &str = "\u{e003}";

/// The page in a browser window.
pub struct Page {
    browser: Browser,
}

/// A finder for elements: a test id, narrowed down by attributes, within other elements.
#[derive(Clone, Debug)]
pub struct By(String);

/// The elements with this test id.
#[must_use]
pub fn by(testid: &str) -> By {
    By(format!("[data-testid=\"{testid}\"]"))
}

impl By {
    /// Those of them whose attribute has this value.
    #[must_use]
    pub fn with(self, attribute: &str, value: &str) -> Self {
        // In a CSS string these two need an escape; control characters need their number.
        let mut text = String::new();
        for c in value.chars() {
            match c {
                '"' | '\\' => text.extend(['\\', c]),
                c if c.is_control() => text.push_str(&format!("\\{:x} ", u32::from(c))),
                c => text.push(c),
            }
        }
        Self(format!("{}[{attribute}=\"{text}\"]", self.0))
    }

    /// Elements of another finder inside these.
    #[must_use]
    pub fn inside(self, inner: &By) -> Self {
        Self(format!("{} {}", self.0, inner.0))
    }
}

impl Page {
    /// A page that has not been opened yet.
    #[must_use]
    pub fn new(browser: Browser) -> Self {
        Self { browser }
    }

    /// The browser window it is in.
    #[must_use]
    pub fn browser(&self) -> &Browser {
        &self.browser
    }

    /// Opens an address.
    pub fn open(&self, url: &str) -> Result<()> {
        self.browser.open(url)
    }

    /// Opens another of the page's routes without loading it anew.
    pub fn go_to(&self, route: &str) -> Result<()> {
        self.script::<Value>("location.hash = arguments[0]", &[json!(route)])
            .map(drop)
    }

    /// Runs a function body in the page.
    pub fn script<T: serde::de::DeserializeOwned>(&self, body: &str, arguments: &[Value]) -> Result<T> {
        self.browser.session().script(body, arguments)
    }

    /// How many such elements there are.
    pub fn count(&self, by: &By) -> Result<usize> {
        self.script(
            "return document.querySelectorAll(arguments[0]).length",
            &[json!(by.0)],
        )
    }

    /// The visible text of the first such element, when there is one.
    pub fn text(&self, by: &By) -> Result<Option<String>> {
        self.script(
            "return document.querySelector(arguments[0])?.innerText.trim() ?? null",
            &[json!(by.0)],
        )
    }

    /// An attribute of the first such element.
    pub fn attribute(&self, by: &By, name: &str) -> Result<Option<String>> {
        let body = "return document.querySelector(arguments[0])?.getAttribute(arguments[1]) ?? null";
        self.script(body, &[json!(by.0), json!(name)])
    }

    /// Waits until such an element is there.
    pub fn wait_for(&self, by: &By) -> Result<()> {
        until(&format!("an element {}", by.0), || {
            Ok((self.count(by)? > 0).then_some(()))
        })
        .with_context(|| self.what_is_there())
    }

    /// Waits until no such element is there.
    pub fn wait_until_gone(&self, by: &By) -> Result<()> {
        until(&format!("the end of {}", by.0), || {
            Ok((self.count(by)? == 0).then_some(()))
        })
    }

    /// Waits until the text of the first such element contains `part`, and returns the text.
    pub fn wait_for_text(&self, by: &By, part: &str) -> Result<String> {
        until(&format!("`{part}` in {}", by.0), || {
            Ok(self.text(by)?.filter(|text| text.contains(part)))
        })
        .with_context(|| format!("it says {:?}; {}", self.text(by), self.what_is_there()))
    }

    /// Waits until an attribute of the first such element has one of these values.
    pub fn wait_for_attribute(&self, by: &By, name: &str, values: &[&str]) -> Result<()> {
        until(&format!("{name} {values:?} of {}", by.0), || {
            Ok(self
                .attribute(by, name)?
                .filter(|value| values.contains(&value.as_str())))
        })
        .with_context(|| format!("it is {:?}", self.attribute(by, name)))
        .map(drop)
    }

    /// Clicks the first such element, once it is there and nothing covers it.
    pub fn click(&self, by: &By) -> Result<()> {
        self.wait_for(by)?;
        let session = self.browser.session();
        until(&format!("a click on {}", by.0), || {
            session.click(&session.find(&by.0)?)?;
            Ok(Some(()))
        })
    }

    /// Holds the first such element for so long, as a person does with a mouse.
    pub fn hold(&self, by: &By, ms: u32) -> Result<()> {
        self.wait_for(by)?;
        let body =
            "const there = document.querySelector(arguments[0]); there.scrollIntoView({block: 'center'});
            const box = there.getBoundingClientRect();
            return [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)]";
        let (x, y): (i32, i32) = self.script(body, &[json!(by.0)])?;
        let moves = json!([
            {"type": "pointerMove", "duration": 0, "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pause", "duration": ms},
            {"type": "pointerUp", "button": 0},
        ]);
        let pointer = json!({"type": "pointer", "id": "mouse", "actions": moves});
        self.browser
            .session()
            .send("actions", &json!({"actions": [pointer]}))
            .map(drop)
    }

    /// Replaces what stands in a text field, as people do: selects all and types. WebDriver's own way to empty a field tells the
    /// page of it in another way than any keyboard, and the page may put its text back.
    pub fn fill(&self, by: &By, text: &str) -> Result<()> {
        self.wait_for(by)?;
        let session = self.browser.session();
        let field = session.find(&by.0)?;
        // Not by control and `a`: Firefox would take what follows with the key held.
        let body = "const field = document.querySelector(arguments[0]); field.focus(); field.select()";
        session.script::<Value>(body, &[json!(by.0)])?;
        session.type_text(&field, if text.is_empty() { BACKSPACE } else { text })
    }

    /// Chooses an option of a select field by its value.
    pub fn choose(&self, by: &By, value: &str) -> Result<()> {
        self.wait_for(by)?;
        let body = "const field = document.querySelector(arguments[0]); field.value = arguments[1];
            field.dispatchEvent(new Event('input', {bubbles: true}));
            field.dispatchEvent(new Event('change', {bubbles: true})); return field.value";
        let chosen: String = self.script(body, &[json!(by.0), json!(value)])?;
        anyhow::ensure!(chosen == value, "{} has no option `{value}`", by.0);
        Ok(())
    }

    /// Waits until the header says that the page is connected, and how quickly the broker answered SUBSCRIBE: what is published
    /// before that may not come.
    pub fn wait_until_connected(&self) -> Result<()> {
        self.wait_for_state(&["connected"])?;
        self.wait_for(&By("[data-testid=connection-state] .conn__ms".to_owned()))
    }

    /// Waits until the header shows one of these connection states.
    pub fn wait_for_state(&self, states: &[&str]) -> Result<()> {
        let state = by("connection-state");
        self.wait_for_attribute(&state, "data-state", states)
            .with_context(|| {
                format!(
                    "the header says {:?}; {}",
                    self.text(&state),
                    self.what_is_there()
                )
            })
    }

    /// The plain integer that an element shows.
    pub fn number(&self, by: &By) -> Result<Option<u64>> {
        let value = match self.attribute(by, "data-value")? {
            Some(value) => Some(value),
            None => self.text(by)?,
        };
        Ok(value.and_then(|value| value.parse().ok()))
    }

    /// Opens the Explorer at a topic and waits for its row.
    pub fn explore(&self, topic: &str) -> Result<By> {
        self.go_to(&format!("#/explorer?topic={}", percent_encoded(topic)))?;
        let row = by("topic-row").with("data-topic", topic);
        self.wait_for(&row)?;
        Ok(row)
    }

    /// The address and the first words of the page, for messages.
    fn what_is_there(&self) -> String {
        let body =
            "return location.href + ' shows: ' + document.body.innerText.replace(/\\s+/g, ' ').slice(0, 400)";
        self.script(body, &[])
            .unwrap_or_else(|error| format!("(the page does not answer: {error:#})"))
    }
}

/// Text for the query of an address.
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
