//! What the page needs later, or never.
//!
//! A module of WebAssembly of its own, without anything of JavaScript: the engine fetches it when it is first asked for,
//! gives it bytes and takes bytes. It has its own memory with an upper limit, so what a payload does to it cannot hurt
//! the engine; after a trap the engine throws it away and takes a new one.
//!
//! ```text
//! room(len) → where the engine writes a request
//! call() → length of the answer, which lies at answer()
//! ```
//! A request is one byte that says what is wanted, and what that needs ([`perform`]). The first byte of an answer is 0,
//! or 1 and the rest says why not.

use std::cell::RefCell;

use hearth_decoders::{Packing, decode, recognize};
use hearth_model::recording::{self, Form, Pending};
use hearth_templates::{Engine, Variable};

thread_local! {
    static TEMPLATES: RefCell<Engine> = RefCell::default();
    static REQUEST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Makes room for a request of `len` bytes, and says where.
#[unsafe(no_mangle)]
pub extern "C" fn room(len: usize) -> *mut u8 {
    REQUEST.with_borrow_mut(|request| {
        request.clear();
        request.resize(len, 0);
        request.as_mut_ptr()
    })
}

/// Answers the request; gives the length of the answer.
#[unsafe(no_mangle)]
pub extern "C" fn call() -> usize {
    let answered = REQUEST.with_borrow(|request| perform(request));
    ANSWER.with_borrow_mut(|answer| {
        *answer = answered;
        answer.len()
    })
}

/// Where the answer lies, until the next call.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    ANSWER.with_borrow(|answer| answer.as_ptr())
}

/// A packing and a payload: what it says. See [`Packing::word`].
pub const DECODE: u8 = 1;
/// A media type and a payload: the word of the packing and what it says, or nothing when there is none.
pub const RECOGNIZE: u8 = 2;
/// A template; then `p` and the payload that it reads, or variables: each `t` or `n`, for a text or a number, its name and
/// what it is, both with a 0 behind them. Gives the text that the template makes.
pub const RENDER: u8 = 3;

/// A form of file and messages ([`recording::Record`]): that part of the file.
pub const WRITE: u8 = 16;
/// `LINES LAST` and bytes of a file: the messages in them ([`recording::ReadPart`]). `LINES` is how many lines came before, `LAST`
/// is 1 when nothing follows.
pub const READ: u8 = 17;

/// The request without its border: a byte that says what is wanted, a text that ends with 0, and bytes.
///
/// Templates are remembered from one request to the next; otherwise each stands for itself.
#[must_use]
pub fn perform(request: &[u8]) -> Vec<u8> {
    match answer_of(request) {
        Ok(mut answer) => {
            answer.insert(0, 0);
            answer
        }
        Err(reason) => [&[1], reason.as_bytes()].concat(),
    }
}

fn answer_of(request: &[u8]) -> Result<Vec<u8>, String> {
    let malformed = || "the engine asked for something unknown".to_owned();
    let (wanted, rest) = request.split_first().ok_or_else(malformed)?;
    let end = rest.iter().position(|byte| *byte == 0).ok_or_else(malformed)?;
    let (word, payload) = rest.split_at_checked(end).ok_or_else(malformed)?;
    let word = std::str::from_utf8(word).map_err(|_| malformed())?;
    let payload = payload.get(1..).unwrap_or_default();
    match *wanted {
        DECODE => {
            let packing = Packing::parse(word).ok_or_else(malformed)?;
            decode(packing, payload).map_err(|error| error.to_string())
        }
        RECOGNIZE => {
            let Some(packing) = recognize(payload, Some(word)) else {
                return Ok(Vec::new());
            };
            let said = decode(packing, payload).map_err(|error| error.to_string())?;
            Ok([packing.word().as_bytes(), &[0], &said].concat())
        }
        RENDER => match payload.split_first() {
            Some((b'p', payload)) => {
                let payload = std::str::from_utf8(payload).map_err(|_| malformed())?;
                render(word, Some(payload), &[])
            }
            _ => render(word, None, &variables(payload).ok_or_else(malformed)?),
        },
        WRITE => {
            let form = Form::parse(word).ok_or_else(malformed)?;
            Ok(recording::write(form, payload).into_bytes())
        }
        READ => {
            let (lines, is_last) = word.split_once(' ').ok_or_else(malformed)?;
            let pending = Pending {
                bytes: payload,
                lines_before: lines.parse().map_err(|_| malformed())?,
                is_last: is_last == "1",
            };
            Ok(recording::read(pending).to_bytes())
        }
        _ => Err(malformed()),
    }
}

fn variables(mut bytes: &[u8]) -> Option<Vec<(&str, Variable<'_>)>> {
    let mut variables = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        let mut parts = rest.splitn(3, |byte| *byte == 0);
        let (name, value) = (parts.next()?, parts.next()?);
        let (name, value) = (std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?);
        bytes = parts.next()?;
        variables.push(match kind {
            b't' => (name, Variable::Text(value)),
            b'n' => (name, Variable::Number(value.parse().ok()?)),
            _ => return None,
        });
    }
    Some(variables)
}

fn render(source: &str, payload: Option<&str>, named: &[(&str, Variable<'_>)]) -> Result<Vec<u8>, String> {
    let rendered = TEMPLATES.with_borrow_mut(|engine| engine.render(source, payload, named));
    rendered
        .map(String::into_bytes)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered_or_refused_with_a_reason() {
        let ask = |request: &[u8]| String::from_utf8_lossy(&perform(request)).into_owned();
        assert_eq!(ask(b"\x01cbor\0\xa1\x61\x61\x01"), "\0{\"a\":1}");
        assert_eq!(
            ask(b"\x01cbor\0\xa1"),
            "\u{1}it ends in the middle of a value, at byte 1"
        );
        assert_eq!(ask(b"\x02\0\xa1\x61\x61\xf5"), "\0cbor\0{\"a\":true}");
        assert_eq!(ask(b"\x02text/plain\0on"), "\0");
        assert_eq!(
            ask(b"\x03{{ value_json.t | round(1) }}\0p{\"t\":21.47}"),
            "\x0021.5"
        );
        assert_eq!(ask(b"\x03{{ a }}{{ b + 1 }}\0ta\0x\0nb\x0041\0"), "\0x42");
        assert!(ask(b"\x03{{ 'x' * 99999999 }}\0px").starts_with('\u{1}'));
        let read = recording::ReadPart::from_bytes(&perform(b"\x110 1\0a/b on\n")[1..]).unwrap();
        let csv = perform(&[b"\x10csv\0", &*read.records].concat());
        assert_eq!(String::from_utf8_lossy(&csv), "\0,,a/b,0,0,0,0,2,text,on,\r\n");
        for unknown in [
            &b""[..],
            b"\x01",
            b"\x01nothing\0",
            b"\x09cbor\0",
            b"\x01\xff\0",
            b"\x03a\0nb\0x\0",
            b"\x03a\0tb",
            b"\x10pdf\0",
            b"\x11now 1\0",
        ] {
            assert_eq!(ask(unknown), "\u{1}the engine asked for something unknown");
        }
    }
}
