//! `'%03d' % x` and `'{:.1f}'.format(x)`.

use crate::access;
use crate::arguments::Values;
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::number;
use crate::value::{Number, SeqKind, Value};

/// How one value is to be written.
#[derive(Debug, Clone)]
struct Spec {
    fill: char,
    /// `<`, `>`, `^`, or `=`: between sign and digits.
    align: Option<char>,
    /// What stands before numbers that are not negative.
    plus: Option<char>,
    alternate: bool,
    /// `,` or `_` between groups of digits.
    group: Option<char>,
    width: usize,
    precision: Option<usize>,
    kind: char,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            fill: ' ',
            align: None,
            plus: None,
            alternate: false,
            group: None,
            width: 0,
            precision: None,
            kind: 's',
        }
    }
}

/// Digits behind the point that are ever asked for in earnest, and more than a double has.
const PRECISION: usize = 400;

struct Chars<'t> {
    rest: std::str::Chars<'t>,
}

impl Chars<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        let found = self.peek().filter(|char| wanted(*char))?;
        self.rest.next();
        Some(found)
    }

    fn digits(&mut self) -> Option<usize> {
        let mut number: Option<usize> = None;
        while let Some(digit) = self.peek().and_then(|char| char.to_digit(10)) {
            self.rest.next();
            number = Some(
                number
                    .unwrap_or(0)
                    .saturating_mul(10)
                    .saturating_add(digit as usize),
            );
        }
        number
    }
}

/// Python's `text % value`.
pub(crate) fn printf(budget: &Budget, text: &str, value: &Value) -> Result<String> {
    let list = match value {
        Value::Seq(seq) if seq.kind == SeqKind::Tuple => seq.items.clone(),
        other => vec![other.clone()],
    };
    budget.spend_bytes(text.len())?;
    let mut values = list.iter();
    let mut out = String::new();
    let mut chars = Chars { rest: text.chars() };
    let mut by_name = false;
    while let Some(char) = chars.rest.next() {
        if char != '%' {
            out.push(char);
            continue;
        }
        if chars.skip(|char| char == '%').is_some() {
            out.push('%');
            continue;
        }
        let mut named = None;
        if chars.skip(|char| char == '(').is_some() {
            let mut name = String::new();
            while let Some(char) = chars.skip(|char| char != ')') {
                name.push(char);
            }
            chars.rest.next();
            named = Some(access::item(budget, value, &Value::from(name))?);
            by_name = true;
        }
        let mut next = || {
            values
                .next()
                .ok_or_else(|| Error::value("not enough arguments for format string"))
        };
        let spec = printf_spec(&mut chars, &mut next)?;
        let value = match &named {
            Some(value) => value,
            None => next()?,
        };
        one(budget, value, &spec, true, &mut out)?;
    }
    if !by_name && values.next().is_some() && !matches!(value, Value::Dict(_)) {
        return Err(Error::value(
            "not all arguments converted during string formatting",
        ));
    }
    Ok(out)
}

fn printf_spec<'v>(chars: &mut Chars<'_>, next: &mut impl FnMut() -> Result<&'v Value>) -> Result<Spec> {
    let mut spec = Spec {
        align: Some('>'),
        ..Spec::default()
    };
    let mut left = false;
    let mut zero = false;
    while let Some(flag) = chars.skip(|char| "-+ #0".contains(char)) {
        match flag {
            '-' => left = true,
            '+' => spec.plus = Some('+'),
            ' ' if spec.plus.is_none() => spec.plus = Some(' '),
            '#' => spec.alternate = true,
            '0' => zero = true,
            _ => {}
        }
    }
    let mut size = |chars: &mut Chars<'_>| -> Result<Option<usize>> {
        if chars.skip(|char| char == '*').is_some() {
            return Ok(usize::try_from(next()?.as_int()?).ok());
        }
        Ok(chars.digits())
    };
    spec.width = size(chars)?.unwrap_or(0);
    if chars.skip(|char| char == '.').is_some() {
        spec.precision = Some(size(chars)?.unwrap_or(0));
    }
    while chars.skip(|char| "hlL".contains(char)).is_some() {}
    spec.kind = chars
        .rest
        .next()
        .ok_or_else(|| Error::value("incomplete format"))?;
    if left {
        spec.align = Some('<');
    } else if zero && !matches!(spec.kind, 's' | 'r' | 'a' | 'c') {
        spec.align = Some('=');
        spec.fill = '0';
    }
    Ok(spec)
}

/// Python's `text.format(…)`.
pub(crate) fn str_format(budget: &Budget, text: &str, values: &Values) -> Result<String> {
    budget.spend_bytes(text.len())?;
    let mut out = String::new();
    let mut chars = Chars { rest: text.chars() };
    let mut next = 0;
    while let Some(char) = chars.rest.next() {
        match char {
            '{' if chars.skip(|char| char == '{').is_some() => out.push('{'),
            '}' if chars.skip(|char| char == '}').is_some() => out.push('}'),
            '{' => {
                let mut field = String::new();
                while let Some(char) = chars.skip(|char| char != '}') {
                    field.push(char);
                }
                if chars.rest.next().is_none() || field.contains('{') {
                    return Err(Error::value("a field of a format that is not understood"));
                }
                replacement(budget, &field, values, &mut next, &mut out)?;
            }
            '}' => return Err(Error::value("single '}' encountered in format string")),
            char => out.push(char),
        }
    }
    Ok(out)
}

/// `name.attribute[0]!r:spec`
fn replacement(
    budget: &Budget,
    field: &str,
    values: &Values,
    next: &mut usize,
    out: &mut String,
) -> Result<()> {
    let (field, spec) = field.split_once(':').unwrap_or((field, ""));
    let (field, conversion) = field
        .split_once('!')
        .map_or((field, None), |(field, kind)| (field, Some(kind)));
    let name_len = field.find(['.', '[']).unwrap_or(field.len());
    let (name, path) = field.split_at_checked(name_len).unwrap_or((field, ""));
    let mut value = if name.is_empty() {
        *next += 1;
        values.positional.get(*next - 1)
    } else if let Ok(place) = name.parse::<usize>() {
        values.positional.get(place)
    } else {
        values.named(name)
    }
    .ok_or_else(|| Error::value("replacement index out of range for the arguments of format"))?
    .clone();
    for step in path.split(['.', '[']).skip(1) {
        let step = step.strip_suffix(']').unwrap_or(step);
        let key = step.parse().map_or_else(|_| Value::from(step), Value::Int);
        value = access::item(budget, &value, &key)?;
    }
    if conversion == Some("r") {
        let mut text = String::new();
        value.write_repr(budget, &mut text)?;
        value = Value::from(text);
    } else if conversion == Some("s") {
        value = Value::Str(value.text(budget)?);
    }
    if spec.is_empty() {
        return value.write(budget, out);
    }
    one(budget, &value, &format_spec(spec, &value)?, false, out)
}

/// `[[fill]align][sign][#][0][width][,][.precision][type]`
fn format_spec(text: &str, value: &Value) -> Result<Spec> {
    let is_number = value.as_number().is_some() && !matches!(value, Value::Bool(_));
    let mut spec = Spec::default();
    let mut chars = Chars { rest: text.chars() };
    let aligns = |char: char| "<>^=".contains(char);
    let mut ahead = text.chars();
    match (ahead.next(), ahead.next()) {
        (Some(fill), Some(align)) if aligns(align) => {
            spec.fill = fill;
            spec.align = Some(align);
            chars.rest.next();
            chars.rest.next();
        }
        _ => spec.align = chars.skip(aligns),
    }
    spec.plus = chars
        .skip(|char| "+- ".contains(char))
        .filter(|sign| *sign != '-');
    spec.alternate = chars.skip(|char| char == '#').is_some();
    if chars.skip(|char| char == '0').is_some() && spec.align.is_none() {
        spec.fill = '0';
        spec.align = Some('=');
    }
    spec.width = chars.digits().unwrap_or(0);
    spec.group = chars.skip(|char| char == ',' || char == '_');
    if chars.skip(|char| char == '.').is_some() {
        spec.precision = Some(
            chars
                .digits()
                .ok_or_else(|| Error::value("format specifier missing precision"))?,
        );
    }
    let default = match value {
        Value::Float(_) => 'r',
        Value::Int(_) => 'd',
        _ => 's',
    };
    spec.kind = chars.rest.next().unwrap_or(default);
    if chars.rest.next().is_some() {
        return Err(Error::value("invalid format specifier"));
    }
    if spec.align.is_none() {
        spec.align = Some(if is_number { '>' } else { '<' });
    }
    Ok(spec)
}

/// Writes one value.
fn one(budget: &Budget, value: &Value, spec: &Spec, printf: bool, out: &mut String) -> Result<()> {
    if spec.precision.is_some_and(|precision| precision > PRECISION) && spec.kind != 's' {
        return Err(Error::value("a precision that is too large"));
    }
    let (sign, body) = match spec.kind {
        's' | 'r' | 'a' if printf || spec.kind == 's' => {
            let mut text = String::new();
            if spec.kind == 's' {
                value.write(budget, &mut text)?;
            } else {
                value.write_repr(budget, &mut text)?;
            }
            if let Some(precision) = spec.precision {
                text = text.chars().take(precision).collect();
            }
            (String::new(), text)
        }
        'c' => match value {
            Value::Str(text) => (String::new(), text.to_string()),
            other => {
                let code = u32::try_from(other.as_int()?).ok().and_then(char::from_u32);
                (
                    String::new(),
                    code.ok_or_else(|| Error::value("%c arg not in range"))?
                        .to_string(),
                )
            }
        },
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' | 'b' | 'n' => integer(value, spec, printf)?,
        'f' | 'F' | 'e' | 'E' | 'g' | 'G' | '%' | 'r' => float(value, spec)?,
        other => return Err(Error::value(format!("unsupported format character {other:?}"))),
    };
    padded(budget, spec, &sign, &body, out)
}

fn padded(budget: &Budget, spec: &Spec, sign: &str, body: &str, out: &mut String) -> Result<()> {
    let length = sign.chars().count() + body.chars().count();
    let padding = spec.width.saturating_sub(length);
    budget.spend_bytes(padding.saturating_mul(4) + body.len())?;
    let (before, between, behind) = match spec.align {
        Some('<') => (0, 0, padding),
        Some('^') => (padding / 2, 0, padding - padding / 2),
        Some('=') => (0, padding, 0),
        _ => (padding, 0, 0),
    };
    let mut fill = |count: usize, text: &str| {
        out.extend(std::iter::repeat_n(spec.fill, count));
        out.push_str(text);
    };
    fill(before, sign);
    fill(between, body);
    fill(behind, "");
    Ok(())
}

fn sign_of(negative: bool, spec: &Spec) -> String {
    if negative {
        "-".to_owned()
    } else {
        spec.plus.map(String::from).unwrap_or_default()
    }
}

fn integer(value: &Value, spec: &Spec, printf: bool) -> Result<(String, String)> {
    value.defined()?;
    let number = match value.as_number() {
        Some(Number::Int(number)) => number,
        Some(Number::Float(number)) if printf && matches!(spec.kind, 'd' | 'i' | 'u') => {
            number::float_to_int(number).ok_or_else(|| Error::value("a number with more than 64 bits"))?
        }
        _ => {
            return Err(Error::value(format!(
                "%{} format: a number is required, not {}",
                spec.kind,
                value.type_name()
            )));
        }
    };
    let magnitude = number.unsigned_abs();
    let (prefix, mut digits) = match spec.kind {
        'x' => ("0x", format!("{magnitude:x}")),
        'X' => ("0X", format!("{magnitude:X}")),
        'o' => ("0o", format!("{magnitude:o}")),
        'b' => ("0b", format!("{magnitude:b}")),
        _ => ("", magnitude.to_string()),
    };
    if let Some(precision) = spec.precision {
        digits = format!("{digits:0>precision$}");
    }
    if let Some(group) = spec.group {
        digits = grouped(&digits, group);
    }
    let mut sign = sign_of(number < 0, spec);
    if spec.alternate {
        sign.push_str(prefix);
    }
    Ok((sign, digits))
}

/// `1234567` → `1,234,567`; what follows a point stays.
fn grouped(digits: &str, separator: char) -> String {
    let (whole, rest) = digits
        .find('.')
        .and_then(|at| digits.split_at_checked(at))
        .unwrap_or((digits, ""));
    let mut text = String::new();
    for (index, char) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(char);
    }
    text.push_str(rest);
    text
}

fn float(value: &Value, spec: &Spec) -> Result<(String, String)> {
    value.defined()?;
    let Some(number) = value.as_number() else {
        return Err(Error::value(format!(
            "must be real number, not {}",
            value.type_name()
        )));
    };
    let number = number.as_float();
    let magnitude = number.abs();
    let sign = sign_of(number.is_sign_negative() && !number.is_nan(), spec);
    if !magnitude.is_finite() {
        return Ok((sign, if number.is_nan() { "nan" } else { "inf" }.to_owned()));
    }
    let precision = spec.precision.unwrap_or(6);
    let text = match spec.kind {
        'f' | 'F' => format!("{magnitude:.precision$}"),
        '%' => format!("{:.precision$}%", magnitude * 100.0),
        'e' | 'E' => scientific(magnitude, precision),
        'r' if spec.precision.is_none() => number::float_repr(magnitude),
        _ => general(magnitude, precision.max(1), spec.alternate),
    };
    let text = if spec.kind.is_uppercase() {
        text.to_uppercase()
    } else {
        text
    };
    Ok((
        sign,
        spec.group.map(|group| grouped(&text, group)).unwrap_or(text),
    ))
}

fn scientific(magnitude: f64, precision: usize) -> String {
    let text = format!("{magnitude:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{digits}{}", number::exponent_text(exponent.parse().unwrap_or(0)))
}

/// `%g`: so many digits in all, without zeros at the end.
fn general(magnitude: f64, precision: usize, keep_zeros: bool) -> String {
    let exponent = format!("{magnitude:.*e}", precision - 1)
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse::<i32>().ok())
        .unwrap_or(0);
    let trim = |text: &str| {
        if keep_zeros || !text.contains('.') {
            return text.to_owned();
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let digits = i32::try_from(precision).unwrap_or(i32::MAX);
    if exponent < -4 || exponent >= digits {
        let text = scientific(magnitude, precision - 1);
        let (body, exponent) = text.split_once('e').unwrap_or((&text, "+00"));
        return format!("{}e{exponent}", trim(body));
    }
    let behind = usize::try_from(digits - 1 - exponent).unwrap_or(0);
    trim(&format!("{magnitude:.behind$}"))
}
