//! How the bytes of a payload are written in a form: as text, in hex, in Base64, or in a file. Pure.

use std::{borrow::Cow, rc::Rc};

use hearth_model::{
    payload::{PayloadKind, detect},
    recording::{base64, from_base64},
};

/// More than this is not written into a field but kept as it is, like a file, bytes: fields become slow.
pub(crate) const MOST_TYPED: usize = 64 << 10;
/// The largest file that is read, bytes. What the way to the broker lets through is known when it is sent.
pub(crate) const MOST_FILE: u32 = 16 << 20;
/// Characters per line of Base64, as in mail.
const BASE64_LINE: usize = 76;

/// How a payload is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Written {
    #[default]
    Text,
    Hex,
    Base64,
    File,
}

impl Written {
    const ALL: [Self; 4] = [Self::Text, Self::Hex, Self::Base64, Self::File];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Hex => "hex",
            Self::Base64 => "base64",
            Self::File => "file",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|written| written.word() == word)
    }

    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn of_number(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or_default()
    }
}

/// Bytes that are no typed text: a file, or a message too long for a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) name: String,
    pub(crate) bytes: Rc<[u8]>,
}

/// What stands for a payload in a form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Payload {
    pub(crate) written: Written,
    /// What is typed; nothing when it is a file.
    pub(crate) text: String,
    pub(crate) file: Option<Held>,
}

impl Payload {
    /// The bytes that are meant.
    ///
    /// # Errors
    /// What is wrong, where, and how to put it right.
    pub(crate) fn bytes(&self) -> Result<Cow<'_, [u8]>, String> {
        match (self.written, &self.file) {
            (Written::Text, _) => Ok(Cow::Borrowed(self.text.as_bytes())),
            (Written::Hex, _) => hex(&self.text).map(Cow::Owned),
            (Written::Base64, _) => of_base64(&self.text).map(Cow::Owned),
            (Written::File, Some(file)) => Ok(Cow::Borrowed(&file.bytes)),
            (Written::File, None) => {
                Err("Choose the file whose bytes are the payload, or drop it here.".to_owned())
            }
        }
    }

    /// These bytes, written so that none is lost: as text where they are text, else in hex, and like a file called `name`
    /// where they are many.
    pub(crate) fn of(bytes: &[u8], name: &str) -> Self {
        if bytes.len() > MOST_TYPED {
            return Self {
                written: Written::File,
                file: Some(Held {
                    name: name.to_owned(),
                    bytes: bytes.into(),
                }),
                ..Self::default()
            };
        }
        let as_text = written(bytes, Written::Text).map(|text| (Written::Text, text));
        let (written, text) = as_text.unwrap_or_else(|| (Written::Hex, hex_of(bytes)));
        Self {
            written,
            text,
            file: None,
        }
    }

    /// The same bytes written another way. What cannot be written so stays as it was typed.
    pub(crate) fn rewritten(&self, to: Written) -> Self {
        let same = match self.bytes() {
            Ok(bytes) if !bytes.is_empty() && bytes.len() <= MOST_TYPED => written(&bytes, to),
            _ => None,
        };
        Self {
            written: to,
            text: same.unwrap_or_else(|| self.text.clone()),
            file: self.file.clone(),
        }
    }
}

/// `None`: not without a loss.
fn written(bytes: &[u8], to: Written) -> Option<String> {
    match to {
        // A field for several lines makes every end of a line a line feed, and shows no controls.
        Written::Text => std::str::from_utf8(bytes)
            .ok()
            .filter(|text| !text.contains(['\r', '\0']) && detect(bytes) != PayloadKind::Binary)
            .map(str::to_owned),
        Written::Hex => Some(hex_of(bytes)),
        Written::Base64 => Some(base64(bytes, Some(BASE64_LINE))),
        Written::File => None,
    }
}

/// `0f a0`
fn hex_of(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 3);
    for byte in bytes {
        if !out.is_empty() {
            out.push(' ');
        }
        for digit in [byte >> 4, byte & 15] {
            out.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    out
}

/// Digits in pairs; between them blanks, ends of lines, `:`, `-`, `,` and `0x`.
fn hex(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    // The first digit of a byte, and a `0x` without digits so far, with their places.
    let (mut high, mut prefix) = (None::<(u32, char, usize)>, None::<usize>);
    let mut starts = true;
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c.is_whitespace() || matches!(c, ':' | '-' | ',') {
            whole(text, high, prefix)?;
            starts = true;
            continue;
        }
        if starts && c == '0' && rest.next_if(|(_, next)| matches!(next, 'x' | 'X')).is_some() {
            (starts, prefix) = (false, Some(at));
            continue;
        }
        let digit = c.to_digit(16).ok_or_else(|| {
            format!(
                "“{c}” ({}) is no hex digit: they are 0 to 9 and a to f.",
                place(text, at)
            )
        })?;
        (starts, prefix) = (false, None);
        match high.take() {
            None => high = Some((digit, c, at)),
            Some((high, ..)) => bytes.extend(u8::try_from(high << 4 | digit)),
        }
    }
    whole(text, high, prefix)?;
    Ok(bytes)
}

/// No byte is begun and not ended.
fn whole(text: &str, high: Option<(u32, char, usize)>, prefix: Option<usize>) -> Result<(), String> {
    if let Some((_, c, at)) = high {
        return Err(format!(
            "The hex digit “{c}” ({}) stands alone: a byte has two, such as 0{c}.",
            place(text, at)
        ));
    }
    match prefix {
        Some(at) => Err(format!("No hex digits follow “0x” ({}).", place(text, at))),
        None => Ok(()),
    }
}

/// Either alphabet, with or without `=` at the end, blanks and ends of lines anywhere.
fn of_base64(text: &str) -> Result<Vec<u8>, String> {
    let mut digits = String::with_capacity(text.len());
    let (mut pads, mut last) = (0, 0);
    for (at, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
        match c {
            '=' => {
                pads += 1;
                continue;
            }
            _ if pads > 0 => {
                return Err(format!(
                    "“{c}” ({}) comes after “=”, which ends Base64.",
                    place(text, at)
                ));
            }
            '-' => digits.push('+'),
            '_' => digits.push('/'),
            '+' | '/' | '0'..='9' | 'A'..='Z' | 'a'..='z' => digits.push(c),
            _ => {
                return Err(format!(
                    "“{c}” ({}) is no character of Base64: they are A to Z, a to z, 0 to 9, + and /.",
                    place(text, at)
                ));
            }
        }
        last = at;
    }
    let decoded =
        from_base64(&digits).filter(|_| pads == 0 || (pads < 3 && (digits.len() + pads).is_multiple_of(4)));
    decoded.ok_or_else(|| {
        if digits.is_empty() {
            return "There is only “=”, and nothing before it.".to_owned();
        }
        format!(
            "The Base64 ends in the middle of a byte ({}). Is something missing at its end?",
            place(text, last)
        )
    })
}

/// Where in a text, as people count.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let character = line.chars().count() + 1;
    match before.matches('\n').count() {
        0 => format!("character {character}"),
        lines => format!("line {}, character {character}", lines + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(written: Written, text: &str) -> Payload {
        Payload {
            written,
            text: text.into(),
            file: None,
        }
    }

    fn bytes(written: Written, text: &str) -> Result<Vec<u8>, String> {
        typed(written, text).bytes().map(Cow::into_owned)
    }

    #[test]
    fn hex_is_read_as_people_write_it() {
        for text in [
            "00ff1a",
            "00 FF 1a",
            "00:ff:1A",
            "00-ff-1a",
            "0x00ff1a",
            "0x00, 0xff, 0X1a\n",
            " 00ff\n1a ",
        ] {
            assert_eq!(bytes(Written::Hex, text), Ok(vec![0x00, 0xff, 0x1a]), "{text}");
        }
        assert_eq!(bytes(Written::Hex, " \n"), Ok(vec![]));
    }

    #[test]
    fn wrong_hex_is_named_with_its_place() {
        for (text, said) in [
            ("00 fg", "“g” (character 5) is no hex digit"),
            ("abc", "“c” (character 3) stands alone"),
            (
                "0 1",
                "“0” (character 1) stands alone: a byte has two, such as 00",
            ),
            ("ff\n0x", "“0x” (line 2, character 1)"),
            ("ffx1", "“x” (character 3)"),
            ("00 é", "“é” (character 4)"),
        ] {
            let refused = bytes(Written::Hex, text).unwrap_err();
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }

    #[test]
    fn base64_is_read_in_either_alphabet_and_wrong_base64_is_named_with_its_place() {
        for text in ["+/8A", "-_8A", " +/\n8A "] {
            assert_eq!(bytes(Written::Base64, text), Ok(vec![0xfb, 0xff, 0x00]), "{text}");
        }
        for text in ["/w==", "/w", "_w\n=="] {
            assert_eq!(bytes(Written::Base64, text), Ok(vec![0xff]), "{text}");
        }
        assert_eq!(bytes(Written::Base64, ""), Ok(vec![]));
        for (text, said) in [
            ("AA*A", "“*” (character 3)"),
            ("AA==\nAA", "“A” (line 2, character 1) comes after"),
            ("AAAAA", "middle of a byte (character 5)"),
            ("/x==", "middle of a byte (character 2)"),
            ("/w=", "middle of a byte"),
            ("AAA==", "middle of a byte"),
            ("=", "only “=”"),
        ] {
            let refused = bytes(Written::Base64, text).unwrap_err();
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }

    #[test]
    fn bytes_come_back_as_they_were_however_they_are_written() {
        let all: Vec<u8> = (0..=255).collect();
        for bytes in [
            &all[..],
            b"",
            b"ON",
            b"{\"a\": 1}\n",
            b"a\r\nb",
            b"a\0",
            "Küche 😀".as_bytes(),
            b"\xff\xfe",
            &[0; 100],
        ] {
            let payload = Payload::of(bytes, "m");
            assert_eq!(payload.bytes().as_deref(), Ok(bytes));
            for written in [Written::Hex, Written::Base64, Written::Text] {
                let other = payload.rewritten(written);
                assert_eq!(other.written, written);
                if written != Written::Text {
                    assert_eq!(other.bytes().as_deref(), Ok(bytes), "{written:?}");
                    assert_eq!(other.rewritten(Written::Hex).bytes().as_deref(), Ok(bytes));
                }
            }
        }
        // A field would make one line feed of these two.
        assert_eq!(Payload::of(b"a\r\nb", "m").written, Written::Hex);
        assert_eq!(Payload::of(b"\xff\x00", "m").text, "ff 00");
        assert_eq!(Payload::of(b"ON", "m"), typed(Written::Text, "ON"));
    }

    #[test]
    fn many_bytes_are_held_like_a_file_and_no_bytes_are_said_to_be_missing() {
        let many = vec![7; MOST_TYPED + 1];
        let payload = Payload::of(&many, "of a camera");
        assert_eq!((payload.written, payload.text.as_str()), (Written::File, ""));
        assert_eq!(payload.bytes().as_deref(), Ok(&many[..]));
        // Written out it would be too long for a field: the file stays where it is.
        let hex = payload.rewritten(Written::Hex);
        assert_eq!((hex.text.as_str(), hex.file.is_some()), ("", true));
        assert!(bytes(Written::File, "").unwrap_err().contains("Choose the file"));
    }

    #[test]
    fn what_is_no_text_stays_as_it_was_typed() {
        let typed = typed(Written::Hex, "ff00").rewritten(Written::Text);
        assert_eq!((typed.written, typed.text.as_str()), (Written::Text, "ff00"));
    }
}
