//! Expressions → values.

use std::rc::Rc;

use super::Machine;
use crate::arguments::Values;
use crate::ast::{Arguments, Comparison, Expr, ExprKind};
use crate::error::{Error, Result};
use crate::value::{Dict, Value};
use crate::{access, filters, functions, methods, operators, tests};

impl Machine<'_> {
    pub(super) fn eval(&self, expr: &Expr) -> Result<Value> {
        self.budget.spend(1)?;
        Ok(match &expr.kind {
            ExprKind::None => Value::None,
            ExprKind::Bool(yes) => Value::Bool(*yes),
            ExprKind::Int(number) => Value::Int(*number),
            ExprKind::Float(number) => Value::Float(*number),
            ExprKind::Str(text) => {
                self.budget.spend_bytes(text.len())?;
                Value::from(&**text)
            }
            ExprKind::Name(name) => self.name(name)?,
            ExprKind::List(items) => Value::list(self.eval_all(items)?)?,
            ExprKind::Tuple(items) => Value::tuple(self.eval_all(items)?)?,
            ExprKind::Dict(pairs) => self.eval_dict(pairs)?,
            ExprKind::Attribute(of, name) => access::attribute(&self.budget, &self.eval(of)?, name)?,
            ExprKind::Item(of, index) => access::item(&self.budget, &self.eval(of)?, &self.eval(index)?)?,
            ExprKind::Slice(of, parts) => self.eval_slice(of, parts)?,
            ExprKind::Call(callee, arguments) => self.eval_call(callee, arguments)?,
            ExprKind::Filter(of, name, arguments) => self.eval_filter(of, name, arguments)?,
            ExprKind::Test(of, name, arguments) => {
                let value = self.eval(of)?;
                let values = self.eval_arguments(arguments)?;
                Value::Bool(tests::test(&self.budget, name, &value, &values)?)
            }
            ExprKind::Negative(of) => operators::negative(&self.eval(of)?)?,
            ExprKind::Positive(of) => operators::positive(&self.eval(of)?)?,
            ExprKind::Not(of) => Value::Bool(!self.eval(of)?.is_true()),
            ExprKind::Binary(operator, left, right) => {
                operators::binary(&self.budget, *operator, &self.eval(left)?, &self.eval(right)?)?
            }
            ExprKind::Concat(parts) => {
                let mut text = String::new();
                for part in parts {
                    self.eval(part)?.write(&self.budget, &mut text)?;
                }
                Value::from(text)
            }
            ExprKind::Compare(first, others) => self.eval_compare(first, others)?,
            ExprKind::And(left, right) => {
                let left = self.eval(left)?;
                if left.is_true() { self.eval(right)? } else { left }
            }
            ExprKind::Or(left, right) => {
                let left = self.eval(left)?;
                if left.is_true() { left } else { self.eval(right)? }
            }
            ExprKind::If(condition, then, otherwise) => {
                if self.eval(condition)?.is_true() {
                    self.eval(then)?
                } else if let Some(otherwise) = otherwise {
                    self.eval(otherwise)?
                } else {
                    Value::Undefined(Rc::from(
                        "the inline if-expression was false and no else section was defined",
                    ))
                }
            }
        })
    }

    fn eval_all(&self, items: &[Expr]) -> Result<Vec<Value>> {
        items.iter().map(|item| self.eval(item)).collect()
    }

    fn eval_dict(&self, pairs: &[(Expr, Expr)]) -> Result<Value> {
        let mut dict = Dict::default();
        for (key, value) in pairs {
            let key = self.eval(key)?;
            dict.insert(&self.budget, key, self.eval(value)?)?;
        }
        Ok(Value::Dict(Rc::new(dict)))
    }

    fn eval_slice(&self, of: &Expr, parts: &[Option<Box<Expr>>; 3]) -> Result<Value> {
        let of = self.eval(of)?;
        let mut bounds = [None, None, None];
        for (bound, part) in bounds.iter_mut().zip(parts) {
            if let Some(part) = part {
                let value = self.eval(part)?;
                *bound = if matches!(value, Value::None) {
                    None
                } else {
                    Some(value.as_int()?)
                };
            }
        }
        access::slice(&self.budget, &of, bounds)
    }

    fn eval_arguments(&self, arguments: &Arguments) -> Result<Values> {
        let mut values = Values {
            positional: self.eval_all(&arguments.positional)?,
            named: Vec::new(),
        };
        if let Some(star) = &arguments.star {
            values.positional.extend(self.eval(star)?.to_vec(&self.budget)?);
        }
        for (name, value) in &arguments.named {
            values.named.push((Rc::from(&**name), self.eval(value)?));
        }
        if let Some(double_star) = &arguments.double_star {
            let Value::Dict(dict) = self.eval(double_star)? else {
                return Err(Error::value("`**` needs a dict"));
            };
            self.budget.spend(dict.entries().len())?;
            for (key, value) in dict.entries() {
                values.named.push((key.text(&self.budget)?, value.clone()));
            }
        }
        Ok(values)
    }

    fn eval_call(&self, callee: &Expr, arguments: &Arguments) -> Result<Value> {
        if let ExprKind::Attribute(of, name) = &callee.kind {
            let of = self.eval(of)?;
            let values = self.eval_arguments(arguments)?;
            return methods::call(&self.budget, &of, name, &values);
        }
        match self.eval(callee)? {
            Value::Function(name) => functions::call(&self.budget, name, &self.eval_arguments(arguments)?),
            Value::Undefined(why) => Err(Error::Undefined(why.to_string())),
            other => Err(Error::value(format!(
                "'{}' object is not callable",
                other.type_name()
            ))),
        }
    }

    fn eval_filter(&self, of: &Expr, name: &str, arguments: &Arguments) -> Result<Value> {
        let value = self.eval(of)?;
        let values = self.eval_arguments(arguments)?;
        filters::filter(&self.budget, name, &value, &values)
    }

    fn eval_compare(&self, first: &Expr, others: &[(Comparison, Expr)]) -> Result<Value> {
        let mut left = self.eval(first)?;
        for (comparison, right) in others {
            let right = self.eval(right)?;
            if !operators::compare(&self.budget, *comparison, &left, &right)? {
                return Ok(Value::Bool(false));
            }
            left = right;
        }
        Ok(Value::Bool(true))
    }
}
