//! The same texts as Jinja2 itself: `expected.json` holds what it made of the templates of `corpus/`, which are what devices and
//! gateways send. `cargo xtask templates` writes it anew.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what the tests' helpers do not expect fails the test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hearth_templates::{Error, Limits, Template, Variables};
use serde_json::Value;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn table() -> Value {
    serde_json::from_str(&read("expected.json")).expect("the table is JSON")
}

/// Templates that are known to differ, and why.
fn exceptions() -> BTreeMap<String, String> {
    let text = read("exceptions.txt");
    let mut lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "));
    let mut exceptions = BTreeMap::new();
    while let (Some(template), Some(reason)) = (lines.next(), lines.next()) {
        let reason = reason.strip_prefix("= ").expect("a reason behind each template");
        exceptions.insert(template.replace('⏎', "\n"), reason.to_owned());
    }
    exceptions
}

/// What a line of the corpus gives to a template: a payload, or variables by name.
fn variables(given: &str) -> Variables {
    let Some(named) = given.strip_prefix(">> ") else {
        return Variables::of_message(given.strip_prefix("> ").expect("a payload"));
    };
    let named: Value = serde_json::from_str(named).expect("variables are JSON");
    let named = named.as_object().expect("variables have names");
    named
        .iter()
        .fold(Variables::default(), |variables, (name, value)| {
            variables.with_json(name, &value.to_string())
        })
}

fn rendered(template: &str, given: &str) -> Result<String, Error> {
    let limits = Limits::default();
    Template::parse(template, &limits)?.render(&variables(given), &limits)
}

#[test]
fn templates_of_devices_give_the_same_text_as_jinja2() {
    let (table, mut exceptions) = (table(), exceptions());
    let mut templates = 0;
    let mut results = 0;
    let mut differences = Vec::new();
    for (group, rows) in table["groups"].as_object().expect("groups") {
        for row in rows.as_array().expect("rows") {
            let template = row["template"].as_str().expect("a template");
            let mut differs = Vec::new();
            templates += 1;
            for result in row["results"].as_array().expect("results") {
                results += 1;
                let given = result[0].as_str().expect("an input");
                let ours = rendered(template, given);
                let same = match (&ours, result[1].as_str()) {
                    (Ok(ours), Some(theirs)) => ours == theirs,
                    (Err(error), None) => !error.is_limit(),
                    _ => false,
                };
                if !same {
                    differs.push(format!(
                        "  of {given}\n    Jinja2: {}\n    ours:   {ours:?}",
                        result[1]
                    ));
                }
            }
            match (differs.is_empty(), exceptions.remove(template)) {
                (true, Some(_)) => {
                    differences.push(format!("{group}: an exception that is none: {template}"));
                }
                (false, None) => differences.push(format!("{group}: {template}\n{}", differs.join("\n"))),
                _ => {}
            }
        }
    }
    differences.extend(
        exceptions
            .keys()
            .map(|template| format!("an exception of no group: {template}")),
    );
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
    assert!(
        templates >= 300 && results >= 1000,
        "{templates} templates, {results} results"
    );
}

#[test]
fn the_table_holds_the_whole_corpus() {
    let table = table();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    for file in fs::read_dir(folder).expect("the corpus") {
        let path = file.expect("a file").path();
        let text = fs::read_to_string(&path).expect("text");
        assert!(
            text.starts_with("# "),
            "{} does not say its source",
            path.display()
        );
        let group = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let listed = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with(['#', '>']))
            .map(|line| line.replace('⏎', "\n"));
        let rows = table["groups"][group]
            .as_array()
            .expect("the group is in the table");
        let known = rows.iter().filter_map(|row| row["template"].as_str());
        assert!(listed.eq(known), "{group} changed: run `cargo xtask templates`");
    }
}
