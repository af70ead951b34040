//! Values of a template: Python's, as far as templates can see them.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

use crate::budget::{Budget, DEPTH};
use crate::error::{Error, Result};
use crate::number;

/// A value that a template works with.
///
/// Whatever lies in another value is immutable, so there are no cycles, and no deeper than a limit, so that everything may recurse.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Not there; the text says what was looked for.
    Undefined(Rc<str>),
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Rc<str>),
    Seq(Rc<Seq>),
    Dict(Rc<Dict>),
    /// The one value that can be changed. It lies in no other value.
    Namespace(Rc<RefCell<Dict>>),
    Loop(Rc<Loop>),
    /// A function, by its name.
    Function(&'static str),
}

/// The sequences of Python, which differ in how they print and what they allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeqKind {
    List,
    Tuple,
    Range,
    Set,
    Keys,
    Values,
    Items,
    /// What `map`, `select` and `zip` give: no length, no index, always true.
    Generator,
}

#[derive(Debug)]
pub(crate) struct Seq {
    pub(crate) kind: SeqKind,
    pub(crate) items: Vec<Value>,
    depth: usize,
}

/// Pairs in the order of their insertion.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dict {
    entries: Vec<(Value, Value)>,
    depth: usize,
}

#[derive(Debug)]
pub(crate) struct Loop {
    pub(crate) index0: usize,
    pub(crate) items: Rc<Seq>,
    /// How many loops lie around this one.
    pub(crate) depth0: usize,
}

fn one_deeper(depth: usize) -> Result<usize> {
    if depth >= DEPTH {
        return Err(Error::TooDeep { limit: DEPTH });
    }
    Ok(depth + 1)
}

impl Seq {
    pub(crate) fn value(kind: SeqKind, items: Vec<Value>) -> Result<Value> {
        let mut depth = 0;
        for item in &items {
            if matches!(item, Value::Namespace(_) | Value::Loop(_)) {
                return Err(Error::value("a namespace or loop cannot lie in a list"));
            }
            depth = depth.max(item.depth());
        }
        Ok(Value::Seq(Rc::new(Self {
            kind,
            items,
            depth: one_deeper(depth)?,
        })))
    }
}

impl Dict {
    pub(crate) fn entries(&self) -> &[(Value, Value)] {
        &self.entries
    }

    /// Sets a key. A key that is there keeps its place.
    pub(crate) fn insert(&mut self, budget: &Budget, key: Value, value: Value) -> Result<()> {
        if matches!(&key, Value::Dict(_)) || matches!(&key, Value::Seq(seq) if !key_kind(seq.kind)) {
            return Err(Error::value(format!("unhashable type: '{}'", key.type_name())));
        }
        if matches!(value, Value::Namespace(_) | Value::Loop(_)) {
            return Err(Error::value("a namespace or loop cannot lie in a value"));
        }
        self.depth = self.depth.max(one_deeper(value.depth().max(key.depth()))?);
        for (present, old) in &mut self.entries {
            if equal(budget, present, &key)? {
                *old = value;
                return Ok(());
            }
        }
        self.entries.push((key, value));
        Ok(())
    }

    /// Adds a key that is known to be new.
    pub(crate) fn push_new(&mut self, key: &str, value: Value) -> Result<()> {
        self.depth = self.depth.max(one_deeper(value.depth())?);
        self.entries.push((Value::from(key), value));
        Ok(())
    }

    pub(crate) fn get(&self, budget: &Budget, key: &Value) -> Result<Option<&Value>> {
        for (present, value) in &self.entries {
            if equal(budget, present, key)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    pub(crate) fn get_str(&self, key: &str) -> Option<&Value> {
        self.entries.iter().find_map(|(present, value)| match present {
            Value::Str(present) if &**present == key => Some(value),
            _ => None,
        })
    }
}

fn key_kind(kind: SeqKind) -> bool {
    matches!(kind, SeqKind::Tuple | SeqKind::Range)
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(Rc::from(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(Rc::from(text))
    }
}

impl Value {
    pub(crate) fn list(items: Vec<Self>) -> Result<Self> {
        Seq::value(SeqKind::List, items)
    }

    pub(crate) fn tuple(items: Vec<Self>) -> Result<Self> {
        Seq::value(SeqKind::Tuple, items)
    }

    pub(crate) fn generator(items: Vec<Self>) -> Result<Self> {
        Seq::value(SeqKind::Generator, items)
    }

    pub(crate) fn undefined(name: &str) -> Self {
        Self::Undefined(Rc::from(format!("'{}' is undefined", shortened(name))))
    }

    fn depth(&self) -> usize {
        match self {
            Self::Seq(seq) => seq.depth,
            Self::Dict(dict) => dict.depth,
            Self::Namespace(dict) => dict.borrow().depth,
            _ => 0,
        }
    }

    pub(crate) fn is_undefined(&self) -> bool {
        matches!(self, Self::Undefined(_))
    }

    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Undefined(_) | Self::None => false,
            Self::Bool(yes) => *yes,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Seq(seq) => seq.kind == SeqKind::Generator || !seq.items.is_empty(),
            Self::Dict(dict) => !dict.entries.is_empty(),
            Self::Namespace(_) | Self::Loop(_) | Self::Function(_) => true,
        }
    }

    /// Python's name of the type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Undefined(_) => "Undefined",
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Seq(seq) => match seq.kind {
                SeqKind::List => "list",
                SeqKind::Tuple => "tuple",
                SeqKind::Range => "range",
                SeqKind::Set => "set",
                SeqKind::Keys => "dict_keys",
                SeqKind::Values => "dict_values",
                SeqKind::Items => "dict_items",
                SeqKind::Generator => "generator",
            },
            Self::Dict(_) => "dict",
            Self::Namespace(_) => "Namespace",
            Self::Loop(_) => "LoopContext",
            Self::Function(_) => "function",
        }
    }

    /// The text that Python's `str()` gives.
    pub(crate) fn text(&self, budget: &Budget) -> Result<Rc<str>> {
        if let Self::Str(text) = self {
            return Ok(text.clone());
        }
        let mut text = String::new();
        self.write(budget, &mut text)?;
        Ok(Rc::from(text))
    }

    /// Writes what Python's `str()` gives.
    pub(crate) fn write(&self, budget: &Budget, out: &mut String) -> Result<()> {
        match self {
            Self::Undefined(_) => Ok(()),
            Self::Str(text) => budget.push(out, text),
            other => other.write_repr(budget, out),
        }
    }

    /// Writes what Python's `repr()` gives.
    pub(crate) fn write_repr(&self, budget: &Budget, out: &mut String) -> Result<()> {
        budget.spend(1)?;
        match self {
            Self::Undefined(_) => budget.push(out, "Undefined"),
            Self::None => budget.push(out, "None"),
            Self::Bool(true) => budget.push(out, "True"),
            Self::Bool(false) => budget.push(out, "False"),
            Self::Int(number) => budget.push(out, &number.to_string()),
            Self::Float(number) => budget.push(out, &number::float_repr(*number)),
            Self::Str(text) => write_str_repr(budget, text, out),
            Self::Seq(seq) => write_seq(budget, seq, out),
            Self::Dict(dict) => write_dict(budget, dict, out),
            Self::Namespace(dict) => {
                budget.push(out, "<Namespace ")?;
                write_dict(budget, &dict.borrow(), out)?;
                budget.push(out, ">")
            }
            Self::Loop(this) => {
                let text = format!("<LoopContext {}/{}>", this.index0 + 1, this.items.items.len());
                budget.push(out, &text)
            }
            Self::Function(name) => Err(Error::value(format!(
                "`{name}` is a function; it prints as no text"
            ))),
        }
    }

    /// The elements, in order. Of a text its characters, of a dict its keys.
    pub(crate) fn elements(&self, budget: &Budget) -> Result<Rc<Seq>> {
        let items = match self {
            Self::Seq(seq) => {
                budget.spend(seq.items.len())?;
                return Ok(seq.clone());
            }
            Self::Undefined(_) => Vec::new(),
            Self::Str(text) => {
                budget.spend(text.len())?;
                text.chars()
                    .map(|char| Self::from(&*char.encode_utf8(&mut [0; 4])))
                    .collect()
            }
            Self::Dict(dict) => {
                budget.spend(dict.entries.len())?;
                dict.entries.iter().map(|(key, _)| key.clone()).collect()
            }
            other => {
                return Err(Error::value(format!(
                    "'{}' object is not iterable",
                    other.type_name()
                )));
            }
        };
        Ok(Rc::new(Seq {
            kind: SeqKind::List,
            items,
            depth: self.depth() + 1,
        }))
    }

    /// A copy of the elements.
    pub(crate) fn to_vec(&self, budget: &Budget) -> Result<Vec<Self>> {
        Ok(self.elements(budget)?.items.clone())
    }

    /// Python's `len()`.
    pub(crate) fn len(&self) -> Result<usize> {
        match self {
            Self::Str(text) => Ok(text.chars().count()),
            Self::Seq(seq) if seq.kind != SeqKind::Generator => Ok(seq.items.len()),
            Self::Dict(dict) => Ok(dict.entries.len()),
            Self::Undefined(_) => Ok(0),
            other => Err(Error::value(format!(
                "object of type '{}' has no len()",
                other.type_name()
            ))),
        }
    }

    /// As a number where Python would use it as one: `True` is 1.
    pub(crate) fn as_number(&self) -> Option<Number> {
        match self {
            Self::Bool(yes) => Some(Number::Int(i64::from(*yes))),
            Self::Int(number) => Some(Number::Int(*number)),
            Self::Float(number) => Some(Number::Float(*number)),
            _ => None,
        }
    }

    /// As a whole number, where an argument has to be one.
    pub(crate) fn as_int(&self) -> Result<i64> {
        match self.as_number() {
            Some(Number::Int(number)) => Ok(number),
            _ => Err(Error::value(format!(
                "'{}' object cannot be interpreted as an integer",
                self.type_name()
            ))),
        }
    }

    /// An error if nothing is there.
    pub(crate) fn defined(&self) -> Result<()> {
        match self {
            Self::Undefined(why) => Err(Error::Undefined(why.to_string())),
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    pub(crate) fn as_float(self) -> f64 {
        match self {
            // As Python does: the nearest double.
            Self::Int(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

/// The first characters of a name from outside.
pub(crate) fn shortened(name: &str) -> String {
    const LONG: usize = 60;
    let mut short: String = name.chars().take(LONG).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    short
}

/// Python's `==`.
pub(crate) fn equal(budget: &Budget, left: &Value, right: &Value) -> Result<bool> {
    budget.spend(1)?;
    if let (Some(left), Some(right)) = (left.as_number(), right.as_number()) {
        return Ok(number::compare(left, right) == Some(Ordering::Equal));
    }
    Ok(match (left, right) {
        (Value::Undefined(_), Value::Undefined(_)) | (Value::None, Value::None) => true,
        (Value::Str(left), Value::Str(right)) => {
            left.len() == right.len() && {
                budget.spend_bytes(left.len())?;
                left == right
            }
        }
        (Value::Seq(left), Value::Seq(right)) => {
            left.kind == right.kind
                && left.items.len() == right.items.len()
                && all_equal(budget, &left.items, &right.items)?
        }
        (Value::Dict(left), Value::Dict(right)) => {
            if left.entries.len() != right.entries.len() {
                return Ok(false);
            }
            for (key, value) in &left.entries {
                match right.get(budget, key)? {
                    Some(other) if equal(budget, value, other)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Value::Namespace(left), Value::Namespace(right)) => Rc::ptr_eq(left, right),
        (Value::Function(left), Value::Function(right)) => left == right,
        _ => false,
    })
}

fn all_equal(budget: &Budget, left: &[Value], right: &[Value]) -> Result<bool> {
    for (left, right) in left.iter().zip(right) {
        if !equal(budget, left, right)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Python's `<` and its kin; `None` when it is not a number.
pub(crate) fn order(budget: &Budget, left: &Value, right: &Value) -> Result<Option<Ordering>> {
    budget.spend(1)?;
    left.defined()?;
    right.defined()?;
    if let (Some(left), Some(right)) = (left.as_number(), right.as_number()) {
        return Ok(number::compare(left, right));
    }
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => {
            budget.spend_bytes(left.len().min(right.len()))?;
            Ok(Some(left.cmp(right)))
        }
        (Value::Seq(left), Value::Seq(right))
            if left.kind == right.kind && matches!(left.kind, SeqKind::List | SeqKind::Tuple) =>
        {
            for (left, right) in left.items.iter().zip(&right.items) {
                if !equal(budget, left, right)? {
                    return order(budget, left, right);
                }
            }
            Ok(Some(left.items.len().cmp(&right.items.len())))
        }
        _ => Err(Error::value(format!(
            "'<' not supported between instances of '{}' and '{}'",
            left.type_name(),
            right.type_name()
        ))),
    }
}

fn write_str_repr(budget: &Budget, text: &str, out: &mut String) -> Result<()> {
    budget.spend_bytes(text.len())?;
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for char in text.chars() {
        match char {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            char if char == quote => {
                out.push('\\');
                out.push(char);
            }
            char if char.is_control() || char == '\u{ad}' => {
                let code = char as u32;
                budget.spend(1)?;
                out.push_str(&if code < 0x100 {
                    format!("\\x{code:02x}")
                } else {
                    format!("\\u{code:04x}")
                });
            }
            char => out.push(char),
        }
    }
    out.push(quote);
    Ok(())
}

fn write_items(budget: &Budget, items: &[Value], out: &mut String) -> Result<()> {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        item.write_repr(budget, out)?;
    }
    Ok(())
}

fn write_seq(budget: &Budget, seq: &Seq, out: &mut String) -> Result<()> {
    let (before, after) = match seq.kind {
        SeqKind::List => ("[", "]"),
        SeqKind::Tuple if seq.items.len() == 1 => ("(", ",)"),
        SeqKind::Tuple => ("(", ")"),
        SeqKind::Set if seq.items.is_empty() => ("set(", ")"),
        SeqKind::Set => ("{", "}"),
        SeqKind::Keys => ("dict_keys([", "])"),
        SeqKind::Values => ("dict_values([", "])"),
        SeqKind::Items => ("dict_items([", "])"),
        SeqKind::Range => return write_range(budget, &seq.items, out),
        SeqKind::Generator => return Err(Error::value("a generator prints as no text; add `| list`")),
    };
    budget.push(out, before)?;
    write_items(budget, &seq.items, out)?;
    budget.push(out, after)
}

fn write_range(budget: &Budget, items: &[Value], out: &mut String) -> Result<()> {
    let (start, stop, step) = match items {
        [] => (0, 0, 1),
        [Value::Int(first)] => (*first, first.saturating_add(1), 1),
        [Value::Int(first), Value::Int(second), ..] => {
            let step = second.saturating_sub(*first);
            let len = i64::try_from(items.len()).unwrap_or(i64::MAX);
            (*first, first.saturating_add(step.saturating_mul(len)), step)
        }
        _ => (0, 0, 1),
    };
    budget.push(
        out,
        &if step == 1 {
            format!("range({start}, {stop})")
        } else {
            format!("range({start}, {stop}, {step})")
        },
    )
}

fn write_dict(budget: &Budget, dict: &Dict, out: &mut String) -> Result<()> {
    budget.push(out, "{")?;
    for (index, (key, value)) in dict.entries.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        key.write_repr(budget, out)?;
        out.push_str(": ");
        value.write_repr(budget, out)?;
    }
    budget.push(out, "}")
}
