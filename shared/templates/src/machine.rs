//! Runs a template: statements write, names have scopes.

mod expression;

use std::cell::RefCell;
use std::rc::Rc;

use crate::ast::{CAPTURED, Expr, For, Statement, Target};
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::functions;
use crate::value::{Dict, Loop, Seq, SeqKind, Value};

/// One rendering.
pub(crate) struct Machine<'a> {
    pub(crate) budget: Budget,
    /// Names, the innermost last.
    scopes: Vec<Vec<(Box<str>, Value)>>,
    variables: &'a [(Box<str>, Value)],
    out: String,
    /// Loops around this place.
    loops: usize,
}

/// Whether the loop around goes on as usual.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(budget: Budget, variables: &'a [(Box<str>, Value)]) -> Self {
        Self {
            budget,
            scopes: vec![Vec::new()],
            variables,
            out: String::new(),
            loops: 0,
        }
    }

    pub(crate) fn run(&mut self, body: &[Statement]) -> Result<String> {
        self.body(body)?;
        Ok(std::mem::take(&mut self.out))
    }

    fn body(&mut self, body: &[Statement]) -> Result<Flow> {
        for statement in body {
            let flow = self.statement(statement)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &Statement) -> Result<Flow> {
        self.budget.spend(1)?;
        match statement {
            Statement::Text(text) => self.write(&Value::from(&**text))?,
            Statement::Print(value) => {
                let value = self.eval(value)?;
                self.write(&value)?;
            }
            Statement::Do(value) => {
                self.eval(value)?;
            }
            Statement::Set(target, value) => {
                let value = self.eval(value)?;
                self.assign(target, value)?;
            }
            Statement::SetBlock(target, filters, body) => {
                let value = self.captured(filters, body)?;
                self.assign(target, value)?;
            }
            Statement::FilterBlock(filters, body) => {
                let value = self.captured(filters, body)?;
                self.write(&value)?;
            }
            Statement::If(branches, otherwise) => return self.if_statement(branches, otherwise),
            Statement::For(for_loop) => self.for_statement(for_loop)?,
            Statement::With(variables, body) => return self.with_statement(variables, body),
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn write(&mut self, value: &Value) -> Result<()> {
        value.write(&self.budget, &mut self.out)?;
        let limit = self.budget.limits().output_bytes;
        if self.out.len() > limit {
            return Err(Error::OutputTooLong { limit });
        }
        Ok(())
    }

    fn if_statement(&mut self, branches: &[(Expr, Vec<Statement>)], otherwise: &[Statement]) -> Result<Flow> {
        for (condition, body) in branches {
            if self.eval(condition)?.is_true() {
                return self.body(body);
            }
        }
        self.body(otherwise)
    }

    fn with_statement(&mut self, variables: &[(Target, Expr)], body: &[Statement]) -> Result<Flow> {
        // All values are read before any name is set.
        let mut values = Vec::with_capacity(variables.len());
        for (_, value) in variables {
            values.push(self.eval(value)?);
        }
        self.scopes.push(Vec::new());
        let run = || {
            for ((target, _), value) in variables.iter().zip(values) {
                self.assign(target, value)?;
            }
            self.body(body)
        };
        let flow = run();
        self.scopes.pop();
        flow
    }

    fn for_statement(&mut self, for_loop: &For) -> Result<()> {
        let iterable = self.eval(&for_loop.iterable)?;
        if let Value::Undefined(_) = iterable {
            self.body(&for_loop.otherwise)?;
            return Ok(());
        }
        let mut items = iterable.elements(&self.budget)?;
        if let Some(condition) = &for_loop.condition {
            let mut kept = Vec::new();
            for item in &items.items {
                let keep = self.scoped(|this| {
                    this.assign(&for_loop.target, item.clone())?;
                    Ok(this.eval(condition)?.is_true())
                })?;
                if keep {
                    kept.push(item.clone());
                }
            }
            let Value::Seq(kept) = Seq::value(SeqKind::List, kept)? else {
                return Ok(());
            };
            items = kept;
        }
        if items.items.is_empty() {
            self.body(&for_loop.otherwise)?;
            return Ok(());
        }
        self.loops += 1;
        for (index0, item) in items.items.iter().enumerate() {
            let this_loop = Value::Loop(Rc::new(Loop {
                index0,
                items: items.clone(),
                depth0: self.loops - 1,
            }));
            let flow = self.scoped(|this| {
                this.budget.spend(1)?;
                this.set("loop", this_loop);
                this.assign(&for_loop.target, item.clone())?;
                this.body(&for_loop.body)
            })?;
            if flow == Flow::Break {
                break;
            }
        }
        self.loops -= 1;
        Ok(())
    }

    fn scoped<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.scopes.push(Vec::new());
        let result = run(self);
        self.scopes.pop();
        result
    }

    /// What the body writes, through filters.
    fn captured(&mut self, filters: &Expr, body: &[Statement]) -> Result<Value> {
        let outer = std::mem::take(&mut self.out);
        let flow = self.scoped(|this| this.body(body));
        let inner = std::mem::replace(&mut self.out, outer);
        flow?;
        self.scoped(|this| {
            this.set(CAPTURED, Value::from(inner));
            this.eval(filters)
        })
    }

    fn set(&mut self, name: &str, value: Value) {
        let Some(scope) = self.scopes.last_mut() else {
            return;
        };
        match scope.iter_mut().find(|(present, _)| **present == *name) {
            Some((_, present)) => *present = value,
            None => scope.push((Box::from(name), value)),
        }
    }

    fn assign(&mut self, target: &Target, value: Value) -> Result<()> {
        match target {
            Target::Name(name) => self.set(name, value),
            Target::Namespace(name, attribute) => {
                let Value::Namespace(namespace) = self.name(name)? else {
                    return Err(Error::value("cannot assign attribute on non-namespace object"));
                };
                namespace
                    .borrow_mut()
                    .insert(&self.budget, Value::from(&**attribute), value)?;
            }
            Target::Tuple(targets) => {
                value.defined()?;
                let values = value.elements(&self.budget)?;
                if values.items.len() != targets.len() {
                    return Err(Error::value(format!(
                        "expected {} values to unpack, got {}",
                        targets.len(),
                        values.items.len()
                    )));
                }
                for (target, value) in targets.iter().zip(&values.items) {
                    self.assign(target, value.clone())?;
                }
            }
        }
        Ok(())
    }

    fn name(&self, name: &str) -> Result<Value> {
        let inner = self.scopes.iter().rev().flatten();
        for (present, value) in inner.chain(self.variables) {
            if **present == *name {
                return Ok(value.clone());
            }
        }
        functions::global(name)
    }
}

/// `namespace(…)`
pub(crate) fn namespace(dict: Dict) -> Value {
    Value::Namespace(Rc::new(RefCell::new(dict)))
}
