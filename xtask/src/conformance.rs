//! `cargo xtask conformance`: which test proves which normative statement, read from the citations in the tests.
//!
//! The statements stand in `shared/mqtt/conformance/`, a line each; `gaps.txt` beside them says why a statement that binds a client
//! has no test. A gap that is not listed, and a listed one that is closed, fail `cargo xtask check`: the list only gets shorter.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{fs, iter};

use anyhow::{Context, Result, bail};

use crate::process::root;

/// Where tests are that may cite.
const SOURCES: [&str; 6] = [
    "shared/mqtt/tests",
    "shared/mqtt/src",
    "bridge/tests",
    "bridge/src",
    "web/src",
    "e2e/tests",
];
const TABLE: &str = "shared/mqtt/conformance";
const REPORT: &str = "CONFORMANCE.md";
/// A statement with more tests than this names the first ones and counts the others.
const TESTS_NAMED: usize = 3;

const VERSIONS: [Version; 2] = [
    Version {
        name: "MQTT 5.0",
        prefix: "MQTT5-",
        file: "v5.txt",
    },
    Version {
        name: "MQTT 3.1.1",
        prefix: "MQTT311-",
        file: "v311.txt",
    },
];

struct Version {
    name: &'static str,
    prefix: &'static str,
    file: &'static str,
}

/// One line of the table.
struct Statement {
    id: String,
    /// Client, server or both.
    binds: String,
    summary: String,
}

impl Statement {
    fn binds_client(&self) -> bool {
        self.binds != "server"
    }
}

/// Statement to the tests that cite it.
type Citations = BTreeMap<String, BTreeSet<String>>;

pub(crate) fn conformance() -> Result<()> {
    let (report, faults) = report(&root())?;
    fs::write(root().join(REPORT), report)?;
    println!("wrote {REPORT}");
    complain(&faults)
}

/// Fails when the report is stale, or the list of gaps is not what the tests leave.
pub(crate) fn check() -> Result<()> {
    let (report, mut faults) = report(&root())?;
    if fs::read_to_string(root().join(REPORT)).unwrap_or_default() != report {
        faults.push(format!("{REPORT} is stale: run `cargo xtask conformance`"));
    }
    complain(&faults)
}

fn complain(faults: &[String]) -> Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    bail!("conformance:\n  {}", faults.join("\n  "))
}

/// The text of the report, and what is wrong with the list of gaps or the citations.
fn report(root: &Path) -> Result<(String, Vec<String>)> {
    let mut citations = Citations::new();
    let mut mentioned = BTreeMap::new();
    for source in SOURCES {
        for file in files(&root.join(source))? {
            let text = fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
            let file = file.strip_prefix(root)?;
            mentioned.extend(ids(&text).map(|id| (id, file.to_owned())));
            scan(file, &text, &mut citations);
        }
    }
    let gaps = gaps(&fs::read_to_string(root.join(TABLE).join("gaps.txt"))?)?;
    let mut faults = Vec::new();
    let mut known = BTreeSet::new();
    let mut sections = String::new();
    let mut counts = String::new();
    for version in &VERSIONS {
        let statements = statements(version, &fs::read_to_string(root.join(TABLE).join(version.file))?)?;
        known.extend(statements.iter().map(|statement| statement.id.clone()));
        faults.extend(gap_faults(&statements, &citations, &gaps));
        write_version(
            version,
            &statements,
            &citations,
            &gaps,
            &mut counts,
            &mut sections,
        )?;
    }
    faults.extend(
        mentioned
            .iter()
            .filter(|(id, _)| !known.contains(*id))
            .map(|(id, file)| format!("there is no statement {id}, which {} names", file.display())),
    );
    faults.extend(
        gaps.keys()
            .filter(|id| !known.contains(*id))
            .map(|id| format!("gaps.txt names {id}, which does not exist")),
    );
    Ok((
        format!(
            "# Conformance\n\n<!-- Written by `cargo xtask conformance` from citations in the tests. -->\n\n\
             Which test proves which normative statement of the MQTT specifications, in our own words. Hearth is a client: statements \
             that bind a server alone need no test here, but some have one, where a client must notice the breach.\n\n\
             | | statements | bind a client | with a test | gaps |\n|---|---|---|---|---|\n{counts}\n{sections}"
        ),
        faults,
    ))
}

/// New gaps, and gaps that are none any more.
fn gap_faults(
    statements: &[Statement],
    citations: &Citations,
    gaps: &BTreeMap<String, String>,
) -> Vec<String> {
    let fault = |statement: &Statement| {
        let id = &statement.id;
        match (citations.contains_key(id), gaps.contains_key(id)) {
            (false, false) if statement.binds_client() => {
                Some(format!("{id} has no test: {}", statement.summary))
            }
            (true, true) => Some(format!("{id} has a test: take it out of gaps.txt")),
            (true | false, true | false) => None,
        }
    };
    statements.iter().filter_map(fault).collect()
}

fn write_version(
    version: &Version,
    statements: &[Statement],
    citations: &Citations,
    gaps: &BTreeMap<String, String>,
    counts: &mut String,
    sections: &mut String,
) -> Result<()> {
    let clients = || statements.iter().filter(|statement| statement.binds_client());
    let tested = clients()
        .filter(|statement| citations.contains_key(&statement.id))
        .count();
    writeln!(
        counts,
        "| {} | {} | {} | {tested} | {} |",
        version.name,
        statements.len(),
        clients().count(),
        clients().count() - tested
    )?;
    writeln!(
        sections,
        "## {}\n\n| statement | binds | in short | tests |\n|---|---|---|---|",
        version.name
    )?;
    for statement in statements {
        let Statement { id, binds, summary } = statement;
        let tests = match (citations.get(id), gaps.get(id)) {
            (Some(tests), _) => named(tests),
            (None, Some(reason)) => format!("gap: {reason}"),
            (None, None) => "–".to_owned(),
        };
        writeln!(sections, "| {id} | {binds} | {summary} | {tests} |")?;
    }
    writeln!(sections)?;
    Ok(())
}

fn named(tests: &BTreeSet<String>) -> String {
    let mut names: Vec<_> = tests
        .iter()
        .take(TESTS_NAMED)
        .map(|test| format!("`{test}`"))
        .collect();
    if tests.len() > TESTS_NAMED {
        names.push(format!("{} more", tests.len() - TESTS_NAMED));
    }
    names.join(", ")
}

/// The lines of a table that say something.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn statements(version: &Version, text: &str) -> Result<Vec<Statement>> {
    lines(text)
        .map(|line| {
            let mut parts = line.splitn(3, ' ');
            let (Some(id), Some(binds @ ("client" | "server" | "both")), Some(summary)) =
                (parts.next(), parts.next(), parts.next())
            else {
                bail!("{}: not a statement: {line}", version.file);
            };
            Ok(Statement {
                id: format!("{}{id}", version.prefix),
                binds: binds.to_owned(),
                summary: summary.to_owned(),
            })
        })
        .collect()
}

fn gaps(text: &str) -> Result<BTreeMap<String, String>> {
    lines(text)
        .map(|line| {
            let (id, reason) = line
                .split_once(' ')
                .with_context(|| format!("gaps.txt: no reason: {line}"))?;
            Ok((id.to_owned(), reason.to_owned()))
        })
        .collect()
}

/// All Rust files and tables below a folder, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(folder)
        .with_context(|| format!("{}", folder.display()))?
        .collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            found.extend(files(&path)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "rs" || extension == "txt")
        {
            found.push(path);
        }
    }
    Ok(found)
}

/// Notes what the tests of one file cite.
fn scan(file: &Path, text: &str, citations: &mut Citations) {
    let name = file.with_extension("");
    let module: Vec<_> = name
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let module = module
        .iter()
        .map(String::as_str)
        .filter(|part| !matches!(*part, "shared" | "src" | "tests" | "mod" | "main"))
        .collect::<Vec<_>>();
    // `bridge::bridge::x` and `mqtt::codec::x` say the same in one word.
    let skip = usize::from(module.len() > 2 && name.to_string_lossy().contains("tests/"));
    let module = module.get(skip..).unwrap_or_default().join("::");
    let found = if file.extension().is_some_and(|extension| extension == "txt") {
        let table = file.file_name().unwrap_or_default().to_string_lossy();
        rows(text).map(|id| (id, format!("verdicts/{table}"))).collect()
    } else {
        tests(text)
            .into_iter()
            .map(|(id, test)| (id, format!("{module}::{test}")))
            .collect::<Vec<_>>()
    };
    for (id, test) in found {
        citations.entry(id).or_default().insert(test);
    }
}

/// What the rows of a verdict table prove: those about packets that are refused.
fn rows(text: &str) -> impl Iterator<Item = String> {
    lines(text)
        .filter(|line| !line.starts_with("accept"))
        .flat_map(|line| ids(line.split_once(']').map_or("", |(head, _)| head)))
}

/// Statement and test for each citation in a comment before or in a test.
fn tests(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (mut pending, mut is_test, mut current) = (Vec::new(), false, None);
    for line in text.lines().map(str::trim) {
        if line.starts_with("///") {
            pending.extend(ids(line));
        } else if line.starts_with("#[") {
            is_test |= line.contains("test]") || line.contains("test(");
        } else if let Some(name) = function(line) {
            current = is_test.then(|| name.to_owned());
            found.extend(
                pending
                    .drain(..)
                    .zip(iter::repeat_with(|| current.clone()))
                    .filter_map(|(id, test)| Some((id, test?))),
            );
            is_test = false;
        } else {
            pending.clear();
            is_test = false;
            if let (Some((_, comment)), Some(test)) = (line.split_once("//"), &current) {
                found.extend(ids(comment).map(|id| (id, test.clone())));
            }
        }
    }
    found
}

/// The name of the function that starts here.
fn function(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let begins = before
        .split_whitespace()
        .all(|word| matches!(word, "pub" | "pub(crate)" | "pub(super)" | "async" | "const"));
    let name = after.split(['(', '<']).next()?;
    (begins && after.contains('(')).then_some(name)
}

/// The statements named in a text; sections such as `MQTT5-2.2.2.2` are none.
fn ids(text: &str) -> impl Iterator<Item = String> {
    VERSIONS.iter().flat_map(move |version| {
        text.match_indices(version.prefix)
            .filter_map(move |(at, prefix)| {
                let rest = text.get(at + prefix.len()..)?;
                let end = rest
                    .find(|character: char| !matches!(character, '0'..='9' | '.' | '-'))
                    .unwrap_or(rest.len());
                let id = rest.get(..end)?.trim_end_matches(['.', '-']);
                id.contains('-').then(|| format!("{prefix}{id}"))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::{check, gaps, ids, report, rows, tests};
    use std::collections::BTreeMap;

    #[test]
    fn the_report_is_what_the_tests_say() {
        let outcome = check().map_err(|error| error.to_string());
        assert_eq!(outcome, Ok(()));
    }

    #[test]
    fn citations_belong_to_the_test_they_stand_at() {
        let text = "\
            /// [MQTT5-1.5.5-1] why\n#[test]\nfn one() {\n    // [MQTT311-2.2.2-2]\n}\n\
            /// [MQTT5-1.5.4-1]\nfn no_test() {\n    // [MQTT5-1.5.4-2]\n}\n\
            #[test]\nasync fn two() { // [MQTT5-4.2-1] [MQTT5-2.2.2.2]\n    let id = \"MQTT5-1.5.4-3\"; // and [MQTT5-3.1.0-1].\n}\n";
        let found = tests(text);
        let expected = [
            ("MQTT5-1.5.5-1", "one"),
            ("MQTT311-2.2.2-2", "one"),
            ("MQTT5-3.1.0-1", "two"),
        ]
        .map(|(id, test)| (id.to_owned(), test.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn rows_about_good_packets_prove_nothing() {
        let text = "# [MQTT5-1.5.4-1]\naccept client [MQTT5-1.5.4-2] 00\nmalformed client [MQTT5-1.2 MQTT5-1.5.4-3] 00 # MQTT5-1.5.7-1\n";
        assert_eq!(rows(text).collect::<Vec<_>>(), ["MQTT5-1.5.4-3"]);
        assert_eq!(ids("MQTT5-2.2.2.2, MQTT311-4.7").count(), 0);
    }

    #[test]
    fn every_gap_has_a_reason() {
        assert!(gaps("MQTT5-1.5.4-1").is_err());
        let found = gaps("# why\nMQTT5-1.5.4-1 the reason\n").unwrap_or_default();
        assert_eq!(
            found,
            BTreeMap::from([("MQTT5-1.5.4-1".to_owned(), "the reason".to_owned())])
        );
    }

    #[test]
    fn the_tables_can_be_read() {
        assert!(report(&crate::process::root()).is_ok());
    }
}
