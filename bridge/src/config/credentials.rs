//! `[broker.ID.credentials]`: what the bridge shows to a broker instead of what the page sends.

use std::path::PathBuf;

use super::{Secret, files::secret_file, reader::Section};

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
    /// A file, read anew at each connection; line breaks at its end do not count, blanks do.
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
        let user_name = read_user_name(&section);
        let password = read_password(&section);
        let sat_file = secret_file(&section, "sat_file");
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
                if section.is_in_file() && !keys.iter().any(|key| section.is_set(key)) {
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

fn read_user_name(section: &Section<'_>) -> Option<String> {
    let user_name = section.text::<String>("user_name")?;
    if user_name.is_empty() {
        let fix = "write the name that the broker knows the bridge by";
        section.mistake("user_name", "the user name is empty".into(), fix.into());
        return None;
    }
    Some(user_name)
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
        "password" => {
            let password = section.secret("password")?;
            if password.expose().is_empty() {
                let fix = "write the password, or remove the key for a user name alone";
                section.mistake("password", "the password is empty".into(), fix.into());
                return None;
            }
            Some(PasswordSource::Text(password))
        }
        "password_file" => secret_file(section, "password_file").map(PasswordSource::File),
        _ => password_of_variable(section).map(PasswordSource::Text),
    }
}

fn password_of_variable(section: &Section<'_>) -> Option<Secret> {
    let variable = section.secret("password_env")?;
    let name = variable.expose();
    let wrong = match section.variable_of_environment(name) {
        None => "is not set",
        Some("") => "is empty",
        Some(password) => return Some(Secret::new(password)),
    };
    // What does not look like the name of a variable may be the password itself.
    let is_name = name
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let message = match is_name {
        true => format!("the environment variable {name} {wrong}"),
        false => format!("the environment variable of this name {wrong}"),
    };
    let fix = "name a variable that the bridge is started with, such as MQTT_PASSWORD, or use password_file";
    section.mistake("password_env", message, fix.into());
    None
}
