//! Tokens → statements. [`expression`] has the other half.

mod expression;

use crate::ast::{CAPTURED, Expr, ExprKind, For, Statement, Target};
use crate::error::{Error, Result};
use crate::lexer::{self, Kind, Token};

/// How deep brackets and blocks may lie in each other; the depth of expressions is counted in the tree.
const NESTING: usize = 40;

pub(crate) fn parse(source: &str) -> Result<Vec<Statement>> {
    let tokens = lexer::tokens(source)?;
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
        nesting: 0,
        loops: 0,
    };
    let (body, _) = parser.body(&[])?;
    Ok(body)
}

struct Parser<'t, 's> {
    tokens: &'t [Token<'s>],
    at: usize,
    nesting: usize,
    /// How many loops lie around this place.
    loops: usize,
}

impl<'t, 's> Parser<'t, 's> {
    fn error<T>(&self, what: impl Into<String>) -> Result<T> {
        let token = self.tokens.get(self.at).or_else(|| self.tokens.last());
        Err(Error::Syntax {
            line: token.map_or(1, |token| token.line),
            what: what.into(),
        })
    }

    fn kind(&self) -> Option<&'t Kind<'s>> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn kind_behind(&self, tokens: usize) -> Option<&'t Kind<'s>> {
        self.tokens.get(self.at + tokens).map(|token| &token.kind)
    }

    fn is_op(&self, op: &str) -> bool {
        matches!(self.kind(), Some(Kind::Op(found)) if *found == op)
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(self.kind(), Some(Kind::Name(found)) if *found == name)
    }

    fn skip_op(&mut self, op: &str) -> bool {
        let found = self.is_op(op);
        self.at += usize::from(found);
        found
    }

    fn skip_name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        self.at += usize::from(found);
        found
    }

    fn expect_op(&mut self, op: &str) -> Result<()> {
        if self.skip_op(op) {
            return Ok(());
        }
        self.error(format!("expected `{op}`, found {}", self.found()))
    }

    fn expect_name(&mut self) -> Result<&'s str> {
        if let Some(Kind::Name(name)) = self.kind() {
            self.at += 1;
            return Ok(name);
        }
        self.error(format!("expected a name, found {}", self.found()))
    }

    fn expect_end(&mut self) -> Result<()> {
        if self.kind() == Some(&Kind::End) {
            self.at += 1;
            return Ok(());
        }
        self.error(format!("expected the end of the tag, found {}", self.found()))
    }

    fn found(&self) -> String {
        match self.kind() {
            None => "the end of the template".to_owned(),
            Some(Kind::End) => "the end of the tag".to_owned(),
            Some(Kind::Name(name)) => format!("`{}`", crate::value::shortened(name)),
            Some(Kind::Op(op)) => format!("`{op}`"),
            Some(Kind::Str(_)) => "a string".to_owned(),
            Some(Kind::Int(_) | Kind::Float(_)) => "a number".to_owned(),
            Some(Kind::Text(_) | Kind::Print | Kind::Block) => "text".to_owned(),
        }
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting >= NESTING {
            return Err(Error::TooDeep { limit: NESTING });
        }
        self.nesting += 1;
        let parsed = parse(self);
        self.nesting -= 1;
        parsed
    }

    /// Statements up to one of the named tags; which one it was, its name skipped.
    fn body(&mut self, until: &[&'static str]) -> Result<(Vec<Statement>, &'static str)> {
        let mut body = Vec::new();
        while let Some(kind) = self.kind() {
            self.at += 1;
            match kind {
                Kind::Text(text) => body.push(Statement::Text(Box::from(*text))),
                Kind::Print => {
                    let value = self.tuple(true)?;
                    self.expect_end()?;
                    body.push(Statement::Print(value));
                }
                Kind::Block => {
                    let name = self.expect_name()?;
                    if let Some(end) = until.iter().find(|end| **end == name) {
                        return Ok((body, end));
                    }
                    let statement = self.nested(|this| this.statement(name))?;
                    body.push(statement);
                }
                _ => return self.error("unexpected text in a tag"),
            }
        }
        if let Some(end) = until.last() {
            return self.error(format!("`{{% {end} %}}` is missing"));
        }
        Ok((body, ""))
    }

    /// A body and the end of its last tag.
    fn body_to(&mut self, end: &'static str) -> Result<Vec<Statement>> {
        let (body, _) = self.body(&[end])?;
        self.expect_end()?;
        Ok(body)
    }

    fn statement(&mut self, name: &'s str) -> Result<Statement> {
        match name {
            "if" => self.if_statement(),
            "for" => self.for_statement(),
            "set" => self.set_statement(),
            "with" => self.with_statement(),
            "filter" => self.filter_statement(),
            "do" => {
                let value = self.tuple(true)?;
                self.expect_end()?;
                Ok(Statement::Do(value))
            }
            "break" | "continue" => {
                if self.loops == 0 {
                    return self.error(format!("`{name}` outside of a loop"));
                }
                self.expect_end()?;
                Ok(if name == "break" {
                    Statement::Break
                } else {
                    Statement::Continue
                })
            }
            "macro" | "call" | "include" | "import" | "from" | "extends" | "block" | "autoescape"
            | "trans" => Err(Error::Unsupported {
                what: "the statement",
                name: name.to_owned(),
            }),
            unknown => self.error(format!(
                "there is no statement `{}`",
                crate::value::shortened(unknown)
            )),
        }
    }

    fn if_statement(&mut self) -> Result<Statement> {
        let mut branches = Vec::new();
        loop {
            let condition = self.tuple(false)?;
            self.expect_end()?;
            let (body, end) = self.body(&["elif", "else", "endif"])?;
            branches.push((condition, body));
            match end {
                "elif" => {}
                "else" => {
                    self.expect_end()?;
                    return Ok(Statement::If(branches, self.body_to("endif")?));
                }
                _ => {
                    self.expect_end()?;
                    return Ok(Statement::If(branches, Vec::new()));
                }
            }
        }
    }

    fn for_statement(&mut self) -> Result<Statement> {
        let target = self.target(false)?;
        if !self.skip_name("in") {
            return self.error(format!("expected `in`, found {}", self.found()));
        }
        let iterable = self.tuple(false)?;
        let condition = if self.skip_name("if") {
            Some(self.expression()?)
        } else {
            None
        };
        if self.is_name("recursive") {
            return Err(Error::Unsupported {
                what: "the loop that is",
                name: "recursive".to_owned(),
            });
        }
        self.expect_end()?;
        self.loops += 1;
        let (body, end) = self.body(&["else", "endfor"])?;
        self.loops -= 1;
        self.expect_end()?;
        let otherwise = if end == "else" {
            self.body_to("endfor")?
        } else {
            Vec::new()
        };
        Ok(Statement::For(Box::new(For {
            target,
            iterable,
            condition,
            body,
            otherwise,
        })))
    }

    fn set_statement(&mut self) -> Result<Statement> {
        let target = self.target(true)?;
        if self.skip_op("=") {
            let value = self.tuple(true)?;
            self.expect_end()?;
            return Ok(Statement::Set(target, value));
        }
        let filters = self.filters_of_captured()?;
        self.expect_end()?;
        Ok(Statement::SetBlock(target, filters, self.body_to("endset")?))
    }

    fn filter_statement(&mut self) -> Result<Statement> {
        let captured = Expr::new(ExprKind::Name(Box::from(CAPTURED)))?;
        let first = self.filter(captured)?;
        let filters = self.filters(first)?;
        self.expect_end()?;
        Ok(Statement::FilterBlock(filters, self.body_to("endfilter")?))
    }

    fn filters_of_captured(&mut self) -> Result<Expr> {
        let captured = Expr::new(ExprKind::Name(Box::from(CAPTURED)))?;
        self.filters(captured)
    }

    fn with_statement(&mut self) -> Result<Statement> {
        let mut variables = Vec::new();
        while self.kind() != Some(&Kind::End) {
            if !variables.is_empty() {
                self.expect_op(",")?;
            }
            let target = self.target(false)?;
            self.expect_op("=")?;
            variables.push((target, self.expression()?));
        }
        self.expect_end()?;
        Ok(Statement::With(variables, self.body_to("endwith")?))
    }

    /// One name, or several with commas; in `set` also `namespace.attribute`.
    fn target(&mut self, with_namespace: bool) -> Result<Target> {
        if with_namespace && self.kind_behind(1) == Some(&Kind::Op(".")) {
            let namespace = Box::from(self.expect_name()?);
            self.at += 1;
            return Ok(Target::Namespace(namespace, Box::from(self.expect_name()?)));
        }
        let first = self.one_target()?;
        if !self.is_op(",") {
            return Ok(first);
        }
        let mut targets = vec![first];
        while self.skip_op(",") {
            if !matches!(self.kind(), Some(Kind::Name(name)) if *name != "in") && !self.is_op("(") {
                break;
            }
            targets.push(self.one_target()?);
        }
        Ok(Target::Tuple(targets))
    }

    fn one_target(&mut self) -> Result<Target> {
        if self.skip_op("(") {
            let inner = self.nested(|this| this.target(false))?;
            self.expect_op(")")?;
            return Ok(match inner {
                Target::Tuple(targets) => Target::Tuple(targets),
                other => Target::Tuple(vec![other]),
            });
        }
        let name = self.expect_name()?;
        if matches!(
            name,
            "true" | "false" | "none" | "True" | "False" | "None" | "loop"
        ) {
            return self.error(format!("`{name}` cannot be set"));
        }
        Ok(Target::Name(Box::from(name)))
    }
}
