use tempfile::TempDir;

use super::*;

#[test]
fn an_empty_password_of_a_user_is_refused_under_the_key_that_was_set() {
    check(
        "[[broker.embedded.users]]\nname = \"ada\"\npassword = \"\"",
        &[
            "hearth.toml:3:12",
            "`broker.embedded.users.password`",
            "the password is empty",
            "write a password",
        ],
    );
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("password");
    for content in ["", "\r\n"] {
        std::fs::write(&file, content).unwrap();
        check(
            &format!(
                "[[broker.embedded.users]]\nname = \"ada\"\npassword_file = \"{}\"",
                file.display()
            ),
            &[
                "hearth.toml:3:17",
                "`broker.embedded.users.password_file`",
                "the password is empty",
            ],
        );
    }
}

#[test]
fn what_is_no_section_in_a_list_of_users_is_refused() {
    check(
        "[broker.embedded]\nusers = [{name = \"ada\", password = \"a\"},\n\"hunter2\"]",
        &[
            "hearth.toml:3:1",
            "`broker.embedded.users`",
            "expected a section; found a text",
            "[[broker.embedded.users]]",
        ],
    );
}

#[test]
fn a_broker_that_lets_nobody_in_is_named() {
    let users = "[[broker.embedded.users]]\nname = \"ada\"\npassword = \"a\"";
    let closed = "[broker.embedded]\nallow_anonymous = false\n";
    let warnings = parse(closed).unwrap().warnings;
    let [warning] = warnings.as_slice() else {
        panic!("one warning, not {warnings:?}");
    };
    assert_eq!(warning.key, "broker.embedded.allow_anonymous");
    assert!(warning.message.contains("nobody can come in"), "{warning}");
    assert_eq!(parse(&format!("{closed}{users}")).unwrap().warnings, []);
    assert_eq!(parse("[broker.embedded]").unwrap().warnings, []);
}
