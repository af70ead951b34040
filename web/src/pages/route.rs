//! Hash routes: what the part of the address after `#` means, and back.
//!
//! Hash routes work on any static host and under any sub-path.

/// A page of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `#/`, with the room to show first.
    Home { room: Option<String> },
    /// `#/device/{id}`
    Device { id: String },
    /// `#/explorer?topic=…`
    Explorer { topic: Option<String> },
    /// `#/explorer?retained=…`, with the topics to look for.
    Retained { search: String },
    /// `#/boards`, `#/boards/{id}`
    Boards,
    /// `#/history`
    History,
    /// `#/connect`
    Connect,
    /// `#/settings`
    Settings,
    /// `#/replay`
    Replay,
    /// Anything else, as it was written.
    NotFound(String),
}

impl Route {
    /// Reads a hash such as `#/explorer?topic=a%2Fb`.
    ///
    /// `None` when the hash is not a route at all (`#main`): the page stays where it is.
    pub(crate) fn parse(hash: &str) -> Option<Self> {
        let path = hash.strip_prefix('#').unwrap_or(hash);
        if path.is_empty() {
            return Some(Self::Home { room: None });
        }
        let path = path.strip_prefix('/')?;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut levels = path.split('/').filter(|level| !level.is_empty());
        let route = match (levels.next(), levels.next(), levels.next()) {
            (None, _, _) => Self::Home {
                room: query_value(query, "room"),
            },
            (Some("device"), Some(id), None) => Self::Device { id: decode(id) },
            (Some("explorer"), None, None) => match query_value(query, "retained") {
                Some(search) => Self::Retained { search },
                None => Self::Explorer {
                    topic: query_value(query, "topic"),
                },
            },
            (Some("boards"), _, None) => Self::Boards,
            (Some("history"), None, None) => Self::History,
            (Some("connect"), None, None) => Self::Connect,
            (Some("settings"), None, None) => Self::Settings,
            (Some("replay"), None, None) => Self::Replay,
            _ => Self::NotFound(decode(path)),
        };
        Some(route)
    }

    /// The hash that leads here, for `href`.
    pub(crate) fn href(&self) -> String {
        match self {
            Self::Home { room: None } => "#/".to_owned(),
            Self::Home { room: Some(room) } => format!("#/?room={}", encode(room)),
            Self::Device { id } => format!("#/device/{}", encode(id)),
            Self::Explorer { topic: None } => "#/explorer".to_owned(),
            Self::Explorer { topic: Some(topic) } => format!("#/explorer?topic={}", encode(topic)),
            Self::Retained { search } => format!("#/explorer?retained={}", encode(search)),
            Self::Boards => "#/boards".to_owned(),
            Self::History => "#/history".to_owned(),
            Self::Connect => "#/connect".to_owned(),
            Self::Settings => "#/settings".to_owned(),
            Self::Replay => "#/replay".to_owned(),
            Self::NotFound(path) => format!("#/{path}"),
        }
    }

    /// Whether it is a part of Explorer.
    pub(crate) fn is_explorer(&self) -> bool {
        matches!(self, Self::Explorer { .. } | Self::Retained { .. })
    }

    /// What the page is called in the header and the window title.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::Home { .. } => "Home",
            Self::Device { .. } => "Device",
            Self::Explorer { .. } | Self::Retained { .. } => "Explorer",
            Self::Boards => "Boards",
            Self::History => "History",
            Self::Connect => "Connect",
            Self::Settings => "Settings",
            Self::Replay => "Recording",
            Self::NotFound(_) => "No such page",
        }
    }
}

fn query_value(query: &str, key: &str) -> Option<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == key)
        .map(|(_, value)| decode(&value.replace('+', " ")))
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
            out.push('%');
            out.push(digit(byte >> 4).to_ascii_uppercase());
            out.push(digit(byte & 15).to_ascii_uppercase());
        }
    }
    out
}

/// Undoes [`encode`]; what is not a valid escape stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let escaped = (byte == b'%')
            .then(|| {
                let mut ahead = bytes.clone();
                let high = char::from(ahead.next()?).to_digit(16)?;
                let low = char::from(ahead.next()?).to_digit(16)?;
                bytes = ahead;
                u8::try_from(high * 16 + low).ok()
            })
            .flatten();
        out.push(escaped.unwrap_or(byte));
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hash: &str, route: Route) {
        assert_eq!(Route::parse(hash), Some(route.clone()), "{hash}");
        assert_eq!(Route::parse(&route.href()), Some(route), "there and back: {hash}");
    }

    #[test]
    fn every_route_is_read_and_leads_back_to_itself() {
        check("", Route::Home { room: None });
        check("#/", Route::Home { room: None });
        check("#/?connect=1&url=ws://x", Route::Home { room: None });
        check(
            "#/?room=K%C3%BCche",
            Route::Home {
                room: Some("Küche".into()),
            },
        );
        check(
            "#/device/plain%3Ahome%2Fdoor",
            Route::Device {
                id: "plain:home/door".into(),
            },
        );
        check("#/explorer", Route::Explorer { topic: None });
        check(
            "#/explorer?retained=a%2F%23",
            Route::Retained { search: "a/#".into() },
        );
        check(
            "#/explorer?topic=a%2Fb%20c",
            Route::Explorer {
                topic: Some("a/b c".into()),
            },
        );
        check(
            "#/explorer?topic=%24SYS%2Fbroker",
            Route::Explorer {
                topic: Some("$SYS/broker".into()),
            },
        );
        check("#/boards/3?kiosk", Route::Boards);
        check("#/history?from=1", Route::History);
        check("#/connect?broker=main", Route::Connect);
        check("#/settings", Route::Settings);
        check("#/replay", Route::Replay);
        check("#/nothing/here", Route::NotFound("nothing/here".into()));
    }

    #[test]
    fn an_anchor_is_not_a_route() {
        assert_eq!(Route::parse("#main"), None);
    }

    #[test]
    fn a_topic_with_every_reserved_character_survives() {
        let topic = "a&b=c?d#e+f%2F/😀\u{202e}";
        let href = Route::Explorer {
            topic: Some(topic.into()),
        }
        .href();
        assert_eq!(
            Route::parse(&href),
            Some(Route::Explorer {
                topic: Some(topic.into())
            })
        );
    }

    #[test]
    fn broken_escapes_stay_as_written() {
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz%4"), "%zz%4");
        assert_eq!(decode("%ff"), "\u{fffd}");
    }
}
