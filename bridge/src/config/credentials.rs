//! `[broker.ID.credentials]`: what the bridge shows to a broker instead of what the page sends.

use std::{fs::File, path::PathBuf};

use super::{Secret, reader::Section};

/// The credentials that the bridge puts into CONNECT. Without them the page's own are passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialsConfig {
    /// A user name, most often with a password.
    UserName {
        /// The user name.
        user_name: String,
        /// Where the password comes from.
        password: Option<PasswordSource>,
    },
    /// A Kubernetes service account token.
    ServiceAccountToken {
        /// The file that Kubernetes keeps fresh.
        file: PathBuf,
        /// User name `K8S-SAT` and the token as password instead of enhanced authentication, which needs MQTT 5.
        as_password: bool,
    },
}

/// Where a password comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// The configuration, or an environment variable.
    Text(Secret),
    /// A file, read anew at each connection; a line break at its end does not count.
    File(PathBuf),
}

impl CredentialsConfig {
    /// The file that the credentials are in, if they are in one.
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::UserName {
                password: Some(PasswordSource::File(file)),
                ..
            }
            | Self::ServiceAccountToken { file, .. } => Some(file),
            Self::UserName { .. } => None,
        }
    }

    /// Nothing when the section is absent or a mistake was found.
    pub(crate) fn read(section: Section<'_>) -> Option<Self> {
        let is_present = section.is_in_file() || section.is_set_outside();
        let user_name = section.text::<String>("user_name");
        let password = read_password(&section);
        let sat_file = readable_file(&section, "sat_file");
        let as_password = section.flag("sat_as_password", false);
        let credentials = match (user_name, sat_file) {
            (Some(_), _) if section.is_set("sat_file") => {
                let message = "a user name and a service account token exclude each other".to_owned();
                let fix = "keep sat_file or user_name; with sat_as_password = true the user name is K8S-SAT";
                section.mistake("sat_file", message, fix.into());
                None
            }
            (Some(user_name), _) => Some(Self::UserName { user_name, password }),
            (None, Some(file)) => Some(Self::ServiceAccountToken { file, as_password }),
            (None, None) => {
                let keys = [
                    "user_name",
                    "password",
                    "password_file",
                    "password_env",
                    "sat_file",
                    "sat_as_password",
                ];
                if is_present && !keys.iter().any(|key| section.is_set(key)) {
                    let message = "credentials need a user name or a token".to_owned();
                    let fix = "add user_name = \"…\" or sat_file = \"…\", or remove the section";
                    section.mistake("user_name", message, fix.into());
                }
                None
            }
        };
        if as_password && !section.is_set("sat_file") {
            let message = "there is no token that could be the password".to_owned();
            section.mistake("sat_as_password", message, "add sat_file = \"…\"".into());
        }
        section.finish();
        credentials
    }
}

fn read_password(section: &Section<'_>) -> Option<PasswordSource> {
    let sources = ["password", "password_file", "password_env"];
    let set: Vec<&'static str> = sources.into_iter().filter(|key| section.is_set(key)).collect();
    if let [first, second, ..] = set.as_slice() {
        let message = format!("{first} and {second} exclude each other");
        section.mistake(second, message, "keep one of them".into());
        return None;
    }
    let key = *set.first()?;
    if !section.is_set("user_name") {
        // [MQTT311-3.1.2-22]
        let (message, fix) = match section.is_set("sat_file") {
            true => ("the token stands in place of a password", "remove it"),
            false => ("a password needs a user name", "add user_name = \"…\""),
        };
        section.mistake(key, message.into(), fix.into());
    }
    match key {
        "password" => section.secret("password").map(PasswordSource::Text),
        "password_file" => readable_file(section, "password_file").map(PasswordSource::File),
        _ => {
            let variable = section.text::<String>("password_env")?;
            let value = section.variable_of_environment(&variable);
            if value.is_none() {
                let message = format!("the environment variable {variable} is not set");
                let fix = "name a variable that the bridge is started with, or use password_file".to_owned();
                section.mistake("password_env", message, fix);
            }
            Some(PasswordSource::Text(Secret::new(value?)))
        }
    }
}

/// A file that can be opened now; it is read when it is needed.
pub(super) fn readable_file(section: &Section<'_>, key: &'static str) -> Option<PathBuf> {
    let file: PathBuf = section.text(key)?;
    if let Err(error) = File::open(&file) {
        let message = format!("{} cannot be read: {error}", file.display());
        section.mistake(key, message, "name a file that the bridge may read".into());
    }
    Some(file)
}
