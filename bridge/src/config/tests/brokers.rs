use super::*;

#[test]
fn a_broker_without_an_id_is_told_once() {
    check(
        "[broker]\nurl = \"mqtt://home\"\nname = \"Home\"",
        &[
            "hearth.toml:2:1",
            "`broker.url`",
            "a broker needs an id: [broker.home]",
            "under a line [broker.home]",
        ],
    );
    check(
        "[[broker]]\nurl = \"mqtt://home\"",
        &[
            "hearth.toml:1:",
            "`broker`",
            "a broker needs an id",
            "[broker.home]",
        ],
    );
    check(
        "[broker]\nembedded = true",
        &[
            "hearth.toml:2:1",
            "`broker.embedded`",
            "under a line [broker.embedded]",
        ],
    );
    // Asked for twice, told once.
    check(
        "broker = 3\n[demo]\nenabled = true",
        &["hearth.toml:1:1", "a broker needs an id"],
    );
}

#[test]
fn a_key_of_a_section_below_is_shown_its_place() {
    let home = "[broker.home]\nurl = \"mqtt://home\"\n";
    for (text, part) in [
        (
            format!("{home}user_name = \"ada\""),
            "belongs into the section broker.home.credentials",
        ),
        (
            format!("{home}password = \"hunter2\""),
            "belongs into the section broker.home.credentials",
        ),
        (
            format!("{home}ca_file = \"/etc/ca.pem\""),
            "belongs into the section broker.home.tls",
        ),
        (
            "default_role = \"admin\"".to_owned(),
            "belongs into the section auth",
        ),
    ] {
        check(&text, &["unknown key", part]);
        assert!(!parse(&text).unwrap_err().to_string().contains("hunter2"));
    }
    let swapped = parse("[broker.home]\nulr = \"mqtt://home\"").unwrap_err();
    assert!(swapped.to_string().contains("did you mean `url`?"), "{swapped}");
}

#[test]
fn a_folder_of_secrets_for_no_component_is_named() {
    for (text, key) in [
        ("dapr_secrets_dir = \"secrets\"", "dapr_secrets_dir"),
        (
            "[broker.home]\nurl = \"mqtt://home\"\ndapr_secrets_dir = \"secrets\"",
            "broker.home.dapr_secrets_dir",
        ),
    ] {
        let warnings = parse(text).unwrap().warnings;
        let [warning] = warnings.as_slice() else {
            panic!("one warning, not {warnings:?}");
        };
        assert_eq!(warning.key, key);
        assert!(warning.message.contains("without dapr_component"), "{warning}");
    }
}
