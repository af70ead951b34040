//! A connection as it is kept: `name=value`, one a field. Fields that are not known are left out, missing ones have their default.
//!
//! By hand, because a derived reader of so many fields is three kilobytes of every first visit.

use super::connection::ConnectionForm;
use crate::{hooks::filter_and_qos, wire::Version};

type Place<T> = fn(&mut ConnectionForm) -> &mut T;

const TEXTS: [(&str, Place<String>); 11] = [
    ("name", |form| &mut form.name),
    ("host", |form| &mut form.host),
    ("port", |form| &mut form.port),
    ("path", |form| &mut form.path),
    ("username", |form| &mut form.username),
    ("keep_alive", |form| &mut form.keep_alive),
    ("session_expiry", |form| &mut form.session_expiry),
    ("receive_maximum", |form| &mut form.receive_maximum),
    ("will_topic", |form| &mut form.will_topic),
    ("will_payload", |form| &mut form.will_payload),
    ("will_delay", |form| &mut form.will_delay),
];

const FLAGS: [(&str, Place<bool>); 5] = [
    ("secure", |form| &mut form.secure),
    ("remember", |form| &mut form.remember),
    ("clean_start", |form| &mut form.clean_start),
    ("will", |form| &mut form.will),
    ("will_retain", |form| &mut form.will_retain),
];

/// Its fields, but for the password and the client id: neither is kept with it.
pub(crate) fn fields(form: &ConnectionForm) -> Vec<String> {
    let mut form = form.clone();
    let mut fields = Vec::new();
    for (name, place) in TEXTS {
        fields.push(format!("{name}={}", place(&mut form)));
    }
    for (name, place) in FLAGS {
        fields.push(format!("{name}={}", u8::from(*place(&mut form))));
    }
    let version = match form.version {
        Version::Auto => "auto",
        Version::V5 => "5",
        Version::V311 => "3.1.1",
    };
    fields.push(format!("version={version}"));
    fields.push(format!("will_qos={}", form.will_qos));
    for (filter, options) in &form.subscriptions {
        fields.push(format!("subscribe={}", subscription(filter, *options)));
    }
    fields
}

/// As [`filter_and_qos`] reads it.
pub(crate) fn subscription(filter: &str, options: u8) -> String {
    match options {
        0..=2 => format!("{filter}@{options}"),
        _ => format!("{filter}@{options:#04x}"),
    }
}

/// The form that has these fields.
pub(crate) fn form(fields: &[String]) -> ConnectionForm {
    let mut form = ConnectionForm::default();
    for (name, value) in fields.iter().filter_map(|field| field.split_once('=')) {
        if let Some((_, place)) = TEXTS.iter().find(|(known, _)| *known == name) {
            value.clone_into(place(&mut form));
        }
        if let Some((_, place)) = FLAGS.iter().find(|(known, _)| *known == name) {
            *place(&mut form) = value == "1";
        }
        match name {
            "version" => form.version = Version::parse(value),
            "will_qos" => form.will_qos = value.parse().unwrap_or_default(),
            "subscribe" => form.subscriptions.push(filter_and_qos(value)),
            _ => {}
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::form::connection::Secret;

    #[test]
    fn a_form_comes_back_as_it_was_but_for_password_and_client_id() {
        let mut whole = ConnectionForm {
            version: Version::V311,
            will_qos: 2,
            subscriptions: vec![("a@b/+=#".into(), 1), ("#".into(), 0), ("x".into(), 0x2d)],
            ..ConnectionForm::default()
        };
        for (name, place) in TEXTS {
            *place(&mut whole) = format!("{name}=x\n");
        }
        for (_, place) in FLAGS {
            let flag = place(&mut whole);
            *flag = !*flag;
        }
        let secret = ConnectionForm {
            password: Secret("hunter2".into()),
            client_id: "tab".into(),
            ..whole.clone()
        };
        assert!(fields(&secret).iter().all(|field| !field.contains("hunter2")));
        assert_eq!(form(&fields(&secret)), whole);
    }

    #[test]
    fn what_is_missing_or_unknown_does_no_harm() {
        let kept = ["host=b", "colour=red", "nonsense", "will_qos=x"].map(str::to_owned);
        let expected = ConnectionForm {
            host: "b".into(),
            ..ConnectionForm::default()
        };
        assert_eq!(form(&kept), expected);
    }
}
