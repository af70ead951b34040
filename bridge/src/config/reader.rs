//! Reads settings from flags, environment and file, and remembers every mistake.
//!
//! A section is asked for each of its keys once; what the file holds beyond that is an unknown key. So the keys that are
//! known are those that are read, and there is no second list to keep.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ops::{Range, RangeInclusive},
    time::Duration,
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    problem::{Origin, Problem, nearest},
    shown::{describe, describe_no_section, without_credentials},
};

/// A setting that is written as text.
pub(crate) trait FromText: Sized {
    /// What is expected, with an example.
    const EXPECTED: &'static str;
    /// Reads it, or says what is wrong with it.
    fn from_text(text: &str) -> Result<Self, String>;
}

/// What a flag says about a key.
pub(crate) struct FlagValue {
    pub(crate) flag: &'static str,
    pub(crate) text: String,
}

/// Everything that settings can come from; later ones win: file, environment, flags.
pub(crate) struct Source<'t> {
    pub(crate) file: String,
    pub(crate) text: &'t str,
    pub(crate) environment: &'t BTreeMap<String, String>,
    pub(crate) flags: BTreeMap<&'static str, FlagValue>,
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
    variables: RefCell<BTreeSet<String>>,
    keys: RefCell<BTreeSet<String>>,
}

impl<'t> Source<'t> {
    pub(crate) fn new(
        file: String,
        text: &'t str,
        environment: &'t BTreeMap<String, String>,
        flags: BTreeMap<&'static str, FlagValue>,
    ) -> Self {
        Self {
            file,
            text,
            environment,
            flags,
            problems: RefCell::default(),
            warnings: RefCell::default(),
            variables: RefCell::default(),
            keys: RefCell::default(),
        }
    }

    pub(crate) fn place(&self, span: Range<usize>) -> Origin {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Origin::File {
            file: self.file.clone(),
            line,
            column,
        }
    }

    pub(crate) fn report(&self, problem: Problem) {
        add(&mut self.problems.borrow_mut(), problem);
    }

    /// Something without effect, which keeps nobody from starting.
    pub(crate) fn warn(&self, warning: Problem) {
        add(&mut self.warnings.borrow_mut(), warning);
    }

    pub(crate) fn take_warnings(&self) -> Vec<Problem> {
        self.warnings.take()
    }

    /// Was a mistake found in this file?
    pub(crate) fn has_problems_of(&self, name: &str) -> bool {
        let is_there =
            |problem: &Problem| matches!(&problem.origin, Origin::File { file, .. } if file == name);
        self.problems.borrow().iter().any(is_there)
    }

    /// In the order of the file; what is said elsewhere comes after.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| match &problem.origin {
            Origin::File { file, line, column } => (*file != self.file, *line, *column),
            Origin::Environment(_) | Origin::Flag(_) | Origin::WholeFile(_) => (true, usize::MAX, 0),
        });
        problems
    }

    /// Every key that was asked for, with the path of its section.
    #[cfg(test)]
    pub(super) fn known_keys(&self) -> Vec<String> {
        self.keys.borrow().iter().cloned().collect()
    }

    /// A variable that is set for a key of the section `path` or below it, of the keys that were asked for.
    pub(crate) fn variable_set_below(&self, path: &str) -> Option<String> {
        let is_below = |key: &str| key.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
        let keys = self.keys.borrow();
        keys.iter()
            .filter(|key| is_below(key))
            .map(|key| variable_of(key))
            .find(|name| self.environment.contains_key(name))
    }

    /// `HEARTH_…` variables that nothing asked for, with the one that was perhaps meant.
    pub(crate) fn unknown_variables(&self) -> Vec<(String, Option<String>)> {
        let known = self.variables.borrow();
        self.environment
            .keys()
            .filter(|name| name.starts_with("HEARTH_") && !known.contains(*name))
            .map(|name| {
                let meant = nearest(name, known.iter().map(String::as_str));
                (name.clone(), meant.map(str::to_owned))
            })
            .collect()
    }
}

/// A section that is read twice says the same twice.
fn add(problems: &mut Vec<Problem>, problem: Problem) {
    if !problems.contains(&problem) {
        problems.push(problem);
    }
}

/// `relay.max_connections` is `HEARTH_RELAY_MAX_CONNECTIONS`.
fn variable_of(key: &str) -> String {
    let name = key.replace(['.', '-'], "_").to_ascii_uppercase();
    format!("HEARTH_{name}")
}

/// One value, from wherever it came.
enum Raw<'s> {
    File(&'s Spanned<DeValue<'s>>),
    Text(Origin, &'s str),
}

/// One table of the file with what the environment and the flags say about its keys.
pub(crate) struct Section<'s> {
    source: &'s Source<'s>,
    /// Dotted, empty at the top.
    path: String,
    table: Option<&'s DeTable<'s>>,
    span: Range<usize>,
    known: RefCell<Vec<&'static str>>,
}

impl<'s> Section<'s> {
    pub(crate) fn top(source: &'s Source<'s>, table: &'s DeTable<'s>) -> Self {
        Self {
            source,
            path: String::new(),
            table: Some(table),
            span: 0..0,
            known: RefCell::default(),
        }
    }

    pub(crate) fn key(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    fn variable(&self, key: &str) -> String {
        variable_of(&self.key(key))
    }

    /// A variable that a setting names, whatever it is called.
    pub(crate) fn variable_of_environment(&self, name: &str) -> Option<&'s str> {
        self.source.environment.get(name).map(String::as_str)
    }

    pub(crate) fn is_in_file(&self) -> bool {
        self.table.is_some()
    }

    /// Where the section begins, for mistakes about the section as a whole.
    pub(crate) fn origin(&self) -> Origin {
        match self.table {
            Some(_) => self.source.place(self.span.clone()),
            None => Origin::Environment(self.variable("…")),
        }
    }

    /// Is any of its keys set by a variable or a flag? Only keys that were asked for count: variables of others may begin alike.
    fn is_set_outside(&self) -> bool {
        let dotted = self.key("");
        self.source.variable_set_below(&self.path).is_some()
            || self.source.flags.keys().any(|key| key.starts_with(&dotted))
    }

    /// Does the file, a variable or a flag say anything here? To be asked when the section has been read.
    pub(crate) fn is_set_anywhere(&self) -> bool {
        self.is_in_file() || self.is_set_outside()
    }

    /// Is this key set anywhere?
    pub(crate) fn is_set(&self, key: &'static str) -> bool {
        self.raw(key).is_some()
    }

    /// The table under `key`, present or not.
    pub(crate) fn section(&self, key: &'static str) -> Section<'s> {
        self.knows(key);
        self.child(key)
    }

    /// Tables under this one whose names are chosen by the user.
    pub(crate) fn children(&self) -> Vec<(String, Section<'s>)> {
        let Some(table) = self.table else {
            return Vec::new();
        };
        let tables = table.iter().filter(|(_, value)| value.get_ref().is_table());
        let names = tables.map(|(name, _)| name.get_ref().to_string());
        names.map(|name| (name.clone(), self.child(&name))).collect()
    }

    /// Where the first key stands that is no such table, and its name; `except` does not count.
    pub(crate) fn first_beside_children(&self, except: &str) -> Option<(String, Origin)> {
        let (name, _) = self
            .table?
            .iter()
            .filter(|(name, value)| !value.get_ref().is_table() && **name.get_ref() != *except)
            .min_by_key(|(name, _)| name.span().start)?;
        Some((name.get_ref().to_string(), self.source.place(name.span())))
    }

    /// A child that only the environment knows of.
    pub(crate) fn child(&self, name: &str) -> Section<'s> {
        let entry = self.table.and_then(|table| table.get_key_value(name));
        let table = entry.and_then(|(key, value)| {
            let table = value.get_ref().as_table();
            if table.is_none() {
                let fix = match self.key(name).as_str() {
                    "broker" => "a broker needs an id: write its keys under a line [broker.home]".to_owned(),
                    path => format!("write the keys of this section under a line [{path}]"),
                };
                self.source.report(Problem {
                    origin: self.source.place(key.span()),
                    key: self.key(name),
                    message: format!(
                        "expected a section; found {}",
                        describe_no_section(value.get_ref())
                    ),
                    fix,
                });
            }
            table
        });
        let span = entry.map_or(0..0, |(key, _)| key.span());
        Section {
            source: self.source,
            path: self.key(name),
            table,
            span,
            known: RefCell::default(),
        }
    }

    /// Tables written as `[[path.key]]`.
    pub(crate) fn list(&self, key: &'static str) -> Vec<Section<'s>> {
        self.knows(key);
        let Some(value) = self.table.and_then(|table| table.get(key)) else {
            return Vec::new();
        };
        let path = self.key(key);
        let fix = format!("write each one under a line [[{path}]]");
        let items = value.get_ref().as_array();
        let Some(items) = items.filter(|items| items.iter().any(|item| item.get_ref().is_table())) else {
            self.wrong(key, &Raw::File(value), "a list of sections", &fix);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in items {
            let Some(table) = item.get_ref().as_table() else {
                let found = describe_no_section(item.get_ref());
                let message = format!("expected a section; found {found}");
                self.report(key, &Raw::File(item), message, fix.clone());
                continue;
            };
            sections.push(Section {
                source: self.source,
                path: path.clone(),
                table: Some(table),
                span: item.span(),
                known: RefCell::default(),
            });
        }
        sections
    }

    /// A text that `T` understands.
    pub(crate) fn text<T: FromText>(&self, key: &'static str) -> Option<T> {
        let raw = self.raw(key)?;
        let expected = T::EXPECTED;
        let Some(text) = raw_text(&raw) else {
            self.wrong(key, &raw, expected, &format!("write {expected}, in quotes"));
            return None;
        };
        match T::from_text(text) {
            Ok(value) => Some(value),
            Err(reason) => {
                let found = without_credentials(text);
                let message = format!("{reason}; expected {expected}; found \"{found}\"");
                self.report(key, &raw, message, format!("write {expected}"));
                None
            }
        }
    }

    /// A text that must not be shown when it is wrong.
    pub(crate) fn secret(&self, key: &'static str) -> Option<super::Secret> {
        let raw = self.raw(key)?;
        let secret = raw_text(&raw).map(super::Secret::new);
        if secret.is_none() {
            self.report(
                key,
                &raw,
                "expected a text".into(),
                "put the value in quotes".into(),
            );
        }
        secret
    }

    /// A list of texts that `T` understands; a variable holds them with commas between.
    pub(crate) fn texts<T: FromText>(&self, key: &'static str) -> Vec<T> {
        let Some(raw) = self.raw(key) else {
            return Vec::new();
        };
        let expected = T::EXPECTED;
        // Each with its own place: a list may go over many lines.
        let items: Option<Vec<Raw<'_>>> = match &raw {
            Raw::Text(origin, text) => Some(
                text.split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(|item| Raw::Text(origin.clone(), item))
                    .collect(),
            ),
            Raw::File(value) => match value.get_ref() {
                DeValue::Array(items) => Some(items.iter().map(Raw::File).collect()),
                _ => None,
            },
        };
        let Some(items) = items else {
            self.wrong(
                key,
                &raw,
                &format!("a list of texts, each {expected}"),
                &format!("write {key} = [\"…\"]"),
            );
            return Vec::new();
        };
        let mut values = Vec::new();
        for item in items {
            let Some(text) = raw_text(&item) else {
                self.wrong(key, &item, expected, &format!("write {expected}, in quotes"));
                continue;
            };
            match T::from_text(text) {
                Ok(value) => values.push(value),
                Err(reason) => {
                    let found = without_credentials(text);
                    let message = format!("{reason}; expected {expected}; found \"{found}\"");
                    self.report(key, &item, message, format!("write {expected}"));
                }
            }
        }
        values
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, key: &'static str, default: bool) -> bool {
        let Some(raw) = self.raw(key) else { return default };
        let value = match &raw {
            Raw::File(value) => value.get_ref().as_bool(),
            Raw::Text(_, text) => match text.trim() {
                "true" | "1" | "yes" | "on" => Some(true),
                "false" | "0" | "no" | "off" => Some(false),
                _ => None,
            },
        };
        if value.is_none() {
            self.wrong(
                key,
                &raw,
                "true or false",
                &format!("write {key} = {default} (the default) or {key} = {}", !default),
            );
        }
        value.unwrap_or(default)
    }

    /// A whole number within a range.
    pub(crate) fn integer(&self, key: &'static str, range: RangeInclusive<u64>, default: u64) -> u64 {
        let Some(raw) = self.raw(key) else { return default };
        let value = match &raw {
            Raw::Text(_, text) => text.trim().replace('_', "").parse().ok(),
            Raw::File(value) => match value.get_ref() {
                DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
                _ => None,
            },
        };
        match value.filter(|value| range.contains(value)) {
            Some(value) => value,
            None => {
                let expected = format!("a whole number from {} to {}", range.start(), range.end());
                self.wrong(
                    key,
                    &raw,
                    &expected,
                    &format!("write {key} = {default} (the default), or another number in that range"),
                );
                default
            }
        }
    }

    /// A time in milliseconds.
    pub(crate) fn duration_ms(
        &self,
        key: &'static str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Duration {
        Duration::from_millis(self.integer(key, range, default))
    }

    /// Names what the file holds here and nothing asked for.
    pub(crate) fn finish(self) {
        let known = self.known.borrow();
        let Some(table) = self.table else { return };
        for (name, _) in table
            .iter()
            .filter(|(name, _)| !known.contains(&name.get_ref().as_ref()))
        {
            let typed = name.get_ref();
            let place = if self.path.is_empty() {
                "the top of the file".into()
            } else {
                format!("[{}]", self.path)
            };
            let fix = if let Some(section) = self.section_below_with(typed) {
                format!("it belongs into the section {section}")
            } else if let Some(meant) = nearest(typed, known.iter().copied()) {
                format!("did you mean `{meant}`?")
            } else {
                format!("remove it; {place} knows: {}", known.join(", "))
            };
            self.source.report(Problem {
                origin: self.source.place(name.span()),
                key: self.key(typed),
                message: format!("unknown key in {place}"),
                fix,
            });
        }
    }

    /// The section below this one that knows such a key, if there is one alone.
    fn section_below_with(&self, typed: &str) -> Option<String> {
        let (dotted, ending) = (self.key(""), format!(".{typed}"));
        let keys = self.source.keys.borrow();
        let mut sections = keys
            .iter()
            .filter_map(|key| key.strip_suffix(&ending))
            .filter(|section| section.starts_with(&dotted));
        let section = sections.next()?.to_owned();
        sections.next().is_none().then_some(section)
    }

    fn knows(&self, key: &'static str) {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
    }

    /// A mistake about the value of `key`, wherever it came from.
    pub(crate) fn mistake(&self, key: &'static str, message: String, fix: String) {
        match self.raw(key) {
            Some(raw) => self.report(key, &raw, message, fix),
            None => self.source.report(Problem {
                origin: self.origin(),
                key: self.key(key),
                message,
                fix,
            }),
        }
    }

    /// Something about the value of `key` that somebody should think about, and that keeps nobody from starting.
    pub(crate) fn warning(&self, key: &'static str, message: String, fix: String) {
        let origin = match self.raw(key) {
            Some(Raw::File(value)) => self.source.place(value.span()),
            Some(Raw::Text(origin, _)) => origin,
            None => self.origin(),
        };
        self.source.warn(Problem {
            origin,
            key: self.key(key),
            message,
            fix,
        });
    }

    /// The value that wins: flag, then environment, then file.
    fn raw(&self, key: &'static str) -> Option<Raw<'s>> {
        self.knows(key);
        let variable = self.variable(key);
        self.source.variables.borrow_mut().insert(variable.clone());
        self.source.keys.borrow_mut().insert(self.key(key));
        if let Some(value) = self.source.flags.get(self.key(key).as_str()) {
            return Some(Raw::Text(Origin::Flag(value.flag), &value.text));
        }
        if let Some(text) = self.source.environment.get(&variable) {
            return Some(Raw::Text(Origin::Environment(variable), text));
        }
        self.table?.get(key).map(Raw::File)
    }

    fn wrong(&self, key: &str, raw: &Raw<'_>, expected: &str, fix: &str) {
        let found = match raw {
            Raw::File(value) => describe(value.get_ref()),
            Raw::Text(_, text) => format!("\"{}\"", without_credentials(text)),
        };
        self.report(
            key,
            raw,
            format!("expected {expected}; found {found}"),
            fix.to_owned(),
        );
    }

    fn report(&self, key: &str, raw: &Raw<'_>, message: String, fix: String) {
        let origin = match raw {
            Raw::File(value) => self.source.place(value.span()),
            Raw::Text(origin, _) => origin.clone(),
        };
        self.source.report(Problem {
            origin,
            key: self.key(key),
            message,
            fix,
        });
    }
}

fn raw_text<'s>(raw: &Raw<'s>) -> Option<&'s str> {
    match raw {
        Raw::Text(_, text) => Some(text),
        Raw::File(value) => value.get_ref().as_str(),
    }
}
