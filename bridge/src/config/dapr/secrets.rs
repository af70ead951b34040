//! Where `secretKeyRef` leads: into the folder of secrets, then into the environment.

use std::{
    io::{self, ErrorKind},
    path::PathBuf,
};

use super::{Component, Found, Node, open_regular};

impl Component<'_> {
    /// The first that is there. One that is there and cannot be read is a mistake: what comes after it may be another secret.
    pub(super) fn secret(&self, reference: &Node, whole: &str) -> Option<Found> {
        let place = reference.place;
        self.name_unknown(reference, &format!("{whole}.secretKeyRef."), &["name", "key"]);
        let name = reference.get("name").and_then(Node::text).unwrap_or_default();
        let key = reference.get("key");
        if name.is_empty() || key.is_some_and(|key| key.text().is_none()) {
            let message = "the reference to a secret needs a name, and a text as its key".to_owned();
            let fix = "write secretKeyRef: {name: …, key: …}";
            self.mistake(Some(place), whole, message, fix);
            return None;
        }
        // As Dapr has it, a secret without keys has its own name as the key.
        let key = key
            .and_then(Node::text)
            .filter(|key| !key.is_empty())
            .unwrap_or(name);
        let files = self.files_of_secret(name, key);
        for file in &files {
            match open_regular(file).and_then(io::read_to_string) {
                Ok(text) => {
                    return Some(Found {
                        place,
                        text: text.trim_end_matches(['\r', '\n']).to_owned(),
                        file: Some(file.clone()),
                    });
                }
                // Where the folder NAME could be stands the file KEY, when the two are called the same.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                Err(error) => {
                    let message = format!("the secret {} cannot be read: {error}", file.display());
                    let fix = "make it a file of text that the bridge may read, or remove it";
                    self.mistake(Some(place), whole, message, fix);
                    return None;
                }
            }
        }
        let variables = variables_of_secret(name, key);
        let set = variables
            .iter()
            .find_map(|name| self.source.environment.get(name));
        if let Some(text) = set {
            return Some(Found {
                place,
                text: text.clone(),
                file: None,
            });
        }
        let files = files.iter().map(|file| file.display().to_string());
        let variables = variables
            .iter()
            .map(|name| format!("the environment variable {name}"));
        let tried: Vec<String> = files.chain(variables).collect();
        let message = format!("the secret is in none of: {}", tried.join(", "));
        let fix = "set dapr_secrets_dir (--dapr-secrets) to the folder with the secrets, or the variable";
        self.mistake(Some(place), whole, message, fix);
        None
    }

    /// `name/key`, then `key`, and never outside the folder.
    fn files_of_secret(&self, name: &str, key: &str) -> Vec<PathBuf> {
        let plain =
            |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['/', '\\', '\0']);
        match &self.secrets_dir {
            Some(folder) if plain(name) && plain(key) => vec![folder.join(name).join(key), folder.join(key)],
            Some(_) | None => Vec::new(),
        }
    }
}

/// `NAME_KEY`, then the names as they are.
fn variables_of_secret(name: &str, key: &str) -> Vec<String> {
    let capitals = |text: &str| {
        text.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
            .to_ascii_uppercase()
    };
    let mut variables = vec![
        format!("{}_{}", capitals(name), capitals(key)),
        key.to_owned(),
        name.to_owned(),
    ];
    variables.dedup();
    variables
}
