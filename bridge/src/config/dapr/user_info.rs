//! `user:password@` in an address, which Dapr has there.

/// The address without, and `user:password` decoded.
pub(super) fn without_user_info(url: &str) -> (String, Option<(String, Option<String>)>) {
    let parts = url
        .split_once("://")
        .and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)));
    let Some((scheme, (user_info, host))) = parts else {
        return (url.to_owned(), None);
    };
    let (user, password) = match user_info.split_once(':') {
        Some((user, password)) => (user, Some(percent_decoded(password))),
        None => (user_info, None),
    };
    let credentials = (!user_info.is_empty()).then(|| (percent_decoded(user), password));
    (format!("{scheme}://{host}"), credentials)
}

/// `%40` is an `@`; what is no such escape stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let escape = match (byte, after) {
            (b'%', [high, low, ..]) => std::str::from_utf8(&[*high, *low])
                .ok()
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        decoded.push(escape.unwrap_or(*byte));
        rest = after
            .get(if escape.is_some() { 2 } else { 0 }..)
            .unwrap_or_default();
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_an_address_are_decoded_and_half_ones_kept() {
        assert_eq!(percent_decoded("p%40ss%2"), "p@ss%2");
        assert_eq!(percent_decoded("%zz%+1%ff"), "%zz%+1%ff");
        assert_eq!(
            without_user_info("tcp://:@home"),
            ("tcp://home".into(), Some((String::new(), Some(String::new()))))
        );
        assert_eq!(without_user_info("tcp://@home"), ("tcp://home".into(), None));
    }
}
