//! The address of a broker's WebSocket listener, in the parts that the form shows. Pure.

/// `ws://` or `wss://`, host, port, path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) secure: bool,
    pub(crate) host: String,
    /// Empty: the scheme's own (80 or 443).
    pub(crate) port: String,
    /// With the leading slash.
    pub(crate) path: String,
}

/// A whole address as somebody typed or pasted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pasted {
    /// `None`: no scheme was written.
    pub(crate) secure: Option<bool>,
    pub(crate) host: String,
    pub(crate) port: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
}

/// Why a text is no address of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AddressError {
    /// `mqtt://`, `tcp://`, …: a browser cannot open these.
    NotForBrowsers(String),
    Empty,
    /// Blanks or characters that no host name has.
    Host(String),
    /// Not from 1 to 65535.
    Port(String),
}

impl AddressError {
    /// What to do about it.
    pub(crate) fn fix(&self) -> String {
        match self {
            Self::NotForBrowsers(scheme) => format!(
                "Browsers cannot open {scheme}://. Enter the broker’s WebSocket address: ws:// or wss://, usually port 9001 or 8884."
            ),
            Self::Empty => "Enter the host name or address of the broker.".to_owned(),
            Self::Host(host) => format!("“{host}” is not a host name. Remove blanks and special characters."),
            Self::Port(port) => {
                format!("“{port}” is not a port. Enter a number from 1 to 65535, or leave it empty.")
            }
        }
    }
}

impl Address {
    /// The URL that is dialled.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        let colon = if self.port.is_empty() { "" } else { ":" };
        let host = if self.host.contains(':') && !self.host.starts_with('[') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        let path = if self.path.starts_with('/') {
            self.path.clone()
        } else {
            format!("/{}", self.path)
        };
        format!("{scheme}://{host}{colon}{}{path}", self.port)
    }

    /// The first thing that is wrong with it.
    pub(crate) fn check(&self) -> Result<(), AddressError> {
        if self.host.is_empty() {
            return Err(AddressError::Empty);
        }
        let bracketed = self.host.starts_with('[') && self.host.ends_with(']');
        let foreign = |c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '/' | '?' | '#' | '@' | '<' | '>' | '"' | '\\')
        };
        if self.host.contains(foreign) || (self.host.matches(':').count() == 1 && !bracketed) {
            return Err(AddressError::Host(self.host.clone()));
        }
        if !self.port.is_empty() && !self.port.parse::<u16>().is_ok_and(|port| port > 0) {
            return Err(AddressError::Port(self.port.clone()));
        }
        Ok(())
    }
}

/// Takes a whole address apart: `wss://user@host:8884/mqtt`, `host:9001`, `host/mqtt`, `[::1]:9001`, `host`.
pub(crate) fn parse(text: &str) -> Result<Pasted, AddressError> {
    let text = text.trim();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
        None => (None, text),
    };
    let secure = match scheme.as_deref() {
        None => None,
        Some("ws" | "http") => Some(false),
        Some("wss" | "https") => Some(true),
        Some(other) => return Err(AddressError::NotForBrowsers(other.to_owned())),
    };
    let cut = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(cut).unwrap_or((rest, ""));
    let path = path.split('#').next().unwrap_or_default();
    let (user, place) = authority
        .rsplit_once('@')
        .map_or((None, authority), |(user, place)| (Some(user), place));
    let (username, password) = match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
        Some((name, password)) => (filled(name), filled(password)),
        None => (None, None),
    };
    let (host, port) = split_port(place);
    if host.is_empty() {
        return Err(AddressError::Empty);
    }
    Ok(Pasted {
        secure,
        host: host.to_owned(),
        port: port.map(str::to_owned),
        path: filled(path),
        username,
        password,
    })
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| crate::pages::route::decode(text))
}

fn split_port(place: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = place.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match place.split_once(':') {
        // More than one colon without brackets is an IPv6 address.
        Some((_, rest)) if rest.contains(':') => (place, None),
        Some((host, port)) => (host, Some(port)),
        None => (place, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, secure: Option<bool>, host: &str, port: Option<&str>, path: Option<&str>) {
        let pasted = parse(text).unwrap();
        assert_eq!(
            (
                pasted.secure,
                pasted.host.as_str(),
                pasted.port.as_deref(),
                pasted.path.as_deref()
            ),
            (secure, host, port, path),
            "{text}"
        );
    }

    #[test]
    fn a_whole_address_falls_into_its_parts() {
        check(
            "wss://broker.home.lan:8884/mqtt",
            Some(true),
            "broker.home.lan",
            Some("8884"),
            Some("/mqtt"),
        );
        check(
            " ws://10.0.0.2:9001 ",
            Some(false),
            "10.0.0.2",
            Some("9001"),
            None,
        );
        check("https://h/a/b?c=d#e", Some(true), "h", None, Some("/a/b?c=d"));
        check("broker", None, "broker", None, None);
        check("broker:9001/ws", None, "broker", Some("9001"), Some("/ws"));
        check("[::1]:9001", None, "::1", Some("9001"), None);
        check("fe80::1", None, "fe80::1", None, None);
    }

    #[test]
    fn user_name_and_password_are_taken_out_of_the_address() {
        let pasted = parse("wss://me:p%40ss@h/mqtt").unwrap();
        assert_eq!(
            (pasted.username.as_deref(), pasted.password.as_deref()),
            (Some("me"), Some("p@ss"))
        );
    }

    #[test]
    fn a_scheme_that_browsers_cannot_open_is_explained() {
        let error = parse("mqtt://broker:1883").unwrap_err();
        assert_eq!(error, AddressError::NotForBrowsers("mqtt".into()));
        assert!(error.fix().contains("WebSocket address"));
    }

    #[test]
    fn the_full_address_is_what_is_dialled() {
        let address = |host: &str, port: &str, path: &str| Address {
            secure: false,
            host: host.into(),
            port: port.into(),
            path: path.into(),
        };
        assert_eq!(address("h", "", "mqtt").url(), "ws://h/mqtt");
        assert_eq!(address("::1", "9001", "/").url(), "ws://[::1]:9001/");
        assert_eq!(address("", "", "").check(), Err(AddressError::Empty));
        assert_eq!(
            address("a b", "", "").check(),
            Err(AddressError::Host("a b".into()))
        );
        assert_eq!(address("h", "0", "").check(), Err(AddressError::Port("0".into())));
        assert_eq!(
            address("h", "65536", "").check(),
            Err(AddressError::Port("65536".into()))
        );
        assert_eq!(address("::1", "9001", "/").check(), Ok(()));
    }
}
