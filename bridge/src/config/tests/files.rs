use tempfile::TempDir;

use super::*;

/// A pipe would keep the bridge waiting until somebody writes to it.
#[test]
fn only_regular_files_are_read() {
    let folder = TempDir::new().unwrap();
    let no_file = folder.path().display();
    for text in [
        format!("[[broker.embedded.users]]\nname = \"ada\"\npassword_file = \"{no_file}\""),
        format!("[broker.home]\nurl = \"mqtt://home\"\ncredentials.sat_file = \"{no_file}\""),
        format!("[broker.home]\nurl = \"mqtts://home\"\ntls.ca_file = \"{no_file}\""),
        format!("dapr_component = \"{no_file}\""),
        format!(
            "[http.tls]\ncert_file = \"{no_file}\"\nkey_file = \"{}/Cargo.toml\"",
            env!("CARGO_MANIFEST_DIR")
        ),
    ] {
        check(&text, &["cannot be read: this is not a regular file"]);
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_is_a_file_and_one_to_a_device_is_none() {
    let folder = TempDir::new().unwrap();
    let (file, link, device) = (
        folder.path().join("file"),
        folder.path().join("link"),
        folder.path().join("device"),
    );
    std::fs::write(&file, "hunter2").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    std::os::unix::fs::symlink("/dev/null", &device).unwrap();
    assert!(open_regular(&link).is_ok());
    assert!(open_regular(&device).is_err());
}

#[test]
fn a_file_in_another_encoding_is_to_be_saved_as_utf_8() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("hearth.toml");
    let utf_16: Vec<u8> = "\u{feff}[log]\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    std::fs::write(&file, utf_16).unwrap();
    let said = Config::load(Some(&file), &BTreeMap::new(), &Overrides::default())
        .unwrap_err()
        .to_string();
    assert!(said.contains("fix: save it as UTF-8"), "{said}");
}

#[test]
fn https_without_a_key_is_shown_the_name_of_a_key() {
    check(
        concat!(
            "[http.tls]\ncert_file = \"",
            env!("CARGO_MANIFEST_DIR"),
            "/Cargo.toml\""
        ),
        &["`http.tls.key_file`", "key_file = \"/etc/hearth/https.key\""],
    );
}
