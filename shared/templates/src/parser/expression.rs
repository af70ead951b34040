//! Expressions, in Jinja2's order of precedence: `if` · `or` · `and` · `not` · comparisons · `+ -` · `~` · `* / // %` · `**` · signs,
//! then what follows a value: `.name`, `[item]`, `(call)`, `| filter`, `is test`.

use super::Parser;
use crate::ast::{Arguments, Comparison, Expr, ExprKind, Operator};
use crate::error::Result;
use crate::lexer::Kind;

fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}

impl Parser<'_, '_> {
    /// One expression.
    pub(super) fn expression(&mut self) -> Result<Expr> {
        self.nested(Self::conditional)
    }

    /// One expression, or a tuple of several with commas.
    pub(super) fn tuple(&mut self, conditional: bool) -> Result<Expr> {
        let one = |this: &mut Self| {
            if conditional {
                this.expression()
            } else {
                this.nested(Self::or)
            }
        };
        let first = one(self)?;
        if !self.is_op(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.skip_op(",") {
            if self.ends_tuple() {
                break;
            }
            items.push(one(self)?);
        }
        Expr::new(ExprKind::Tuple(items))
    }

    fn ends_tuple(&self) -> bool {
        matches!(self.kind(), None | Some(Kind::End | Kind::Op(")")))
    }

    fn conditional(&mut self) -> Result<Expr> {
        let mut value = self.or()?;
        while self.skip_name("if") {
            let condition = self.or()?;
            let otherwise = if self.skip_name("else") {
                Some(boxed(self.expression()?))
            } else {
                None
            };
            value = Expr::new(ExprKind::If(boxed(condition), boxed(value), otherwise))?;
        }
        Ok(value)
    }

    pub(super) fn or(&mut self) -> Result<Expr> {
        let mut left = self.and()?;
        while self.skip_name("or") {
            left = Expr::new(ExprKind::Or(boxed(left), boxed(self.and()?)))?;
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr> {
        let mut left = self.not()?;
        while self.skip_name("and") {
            left = Expr::new(ExprKind::And(boxed(left), boxed(self.not()?)))?;
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr> {
        if self.skip_name("not") {
            let of = self.nested(Self::not)?;
            return Expr::new(ExprKind::Not(boxed(of)));
        }
        self.compare()
    }

    fn compare(&mut self) -> Result<Expr> {
        let first = self.sum()?;
        let mut others = Vec::new();
        while let Some(comparison) = self.comparison() {
            others.push((comparison, self.sum()?));
        }
        if others.is_empty() {
            return Ok(first);
        }
        Expr::new(ExprKind::Compare(boxed(first), others))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let (comparison, tokens) = match self.kind()? {
            Kind::Op("==") => (Comparison::Equal, 1),
            Kind::Op("!=") => (Comparison::NotEqual, 1),
            Kind::Op("<") => (Comparison::Less, 1),
            Kind::Op("<=") => (Comparison::LessEqual, 1),
            Kind::Op(">") => (Comparison::Greater, 1),
            Kind::Op(">=") => (Comparison::GreaterEqual, 1),
            Kind::Name("in") => (Comparison::In, 1),
            Kind::Name("not") if self.kind_behind(1) == Some(&Kind::Name("in")) => (Comparison::NotIn, 2),
            _ => return None,
        };
        self.at += tokens;
        Some(comparison)
    }

    fn sum(&mut self) -> Result<Expr> {
        let mut left = self.concat()?;
        loop {
            let operator = match self.kind() {
                Some(Kind::Op("+")) => Operator::Add,
                Some(Kind::Op("-")) => Operator::Sub,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::new(ExprKind::Binary(operator, boxed(left), boxed(self.concat()?)))?;
        }
    }

    fn concat(&mut self) -> Result<Expr> {
        let first = self.product()?;
        if !self.is_op("~") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.skip_op("~") {
            parts.push(self.product()?);
        }
        Expr::new(ExprKind::Concat(parts))
    }

    fn product(&mut self) -> Result<Expr> {
        let mut left = self.power()?;
        loop {
            let operator = match self.kind() {
                Some(Kind::Op("*")) => Operator::Mul,
                Some(Kind::Op("/")) => Operator::Div,
                Some(Kind::Op("//")) => Operator::FloorDiv,
                Some(Kind::Op("%")) => Operator::Rem,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::new(ExprKind::Binary(operator, boxed(left), boxed(self.power()?)))?;
        }
    }

    /// From the left, as Jinja2 reads it, and unlike Python.
    fn power(&mut self) -> Result<Expr> {
        let mut left = self.unary(true)?;
        while self.skip_op("**") {
            left = Expr::new(ExprKind::Binary(
                Operator::Pow,
                boxed(left),
                boxed(self.unary(true)?),
            ))?;
        }
        Ok(left)
    }

    fn unary(&mut self, with_filters: bool) -> Result<Expr> {
        let signed = if self.skip_op("-") {
            let of = self.nested(|this| this.unary(false))?;
            Expr::new(ExprKind::Negative(boxed(of)))?
        } else if self.skip_op("+") {
            let of = self.nested(|this| this.unary(false))?;
            Expr::new(ExprKind::Positive(boxed(of)))?
        } else {
            self.primary()?
        };
        let value = self.postfix(signed)?;
        if with_filters {
            self.filters_and_tests(value)
        } else {
            Ok(value)
        }
    }

    fn primary(&mut self) -> Result<Expr> {
        let kind = match self.kind() {
            Some(Kind::Name(name)) => match *name {
                "true" | "True" => ExprKind::Bool(true),
                "false" | "False" => ExprKind::Bool(false),
                "none" | "None" => ExprKind::None,
                name => ExprKind::Name(Box::from(name)),
            },
            Some(Kind::Int(number)) => ExprKind::Int(*number),
            Some(Kind::Float(number)) => ExprKind::Float(*number),
            Some(Kind::Str(_)) => return self.strings(),
            Some(Kind::Op("(")) => return self.parentheses(),
            Some(Kind::Op("[")) => {
                self.at += 1;
                let items = self.until("]", Self::expression)?;
                return Expr::new(ExprKind::List(items));
            }
            Some(Kind::Op("{")) => {
                self.at += 1;
                let pairs = self.until("}", |this| {
                    let key = this.expression()?;
                    this.expect_op(":")?;
                    Ok((key, this.expression()?))
                })?;
                return Expr::new(ExprKind::Dict(pairs));
            }
            _ => return self.error(format!("expected a value, found {}", self.found())),
        };
        self.at += 1;
        Expr::new(kind)
    }

    /// Strings one behind the other are one.
    fn strings(&mut self) -> Result<Expr> {
        let mut text = String::new();
        while let Some(Kind::Str(part)) = self.kind() {
            text.push_str(part);
            self.at += 1;
        }
        Expr::new(ExprKind::Str(text.into()))
    }

    fn parentheses(&mut self) -> Result<Expr> {
        self.at += 1;
        if self.skip_op(")") {
            return Expr::new(ExprKind::Tuple(Vec::new()));
        }
        let inner = self.tuple(true)?;
        self.expect_op(")")?;
        Ok(inner)
    }

    /// Elements with commas, up to a bracket that is skipped.
    fn until<T>(&mut self, end: &str, mut element: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut elements = Vec::new();
        while !self.skip_op(end) {
            if !elements.is_empty() {
                self.expect_op(",")?;
                if self.skip_op(end) {
                    break;
                }
            }
            elements.push(element(self)?);
        }
        Ok(elements)
    }

    fn postfix(&mut self, mut value: Expr) -> Result<Expr> {
        loop {
            value = if self.skip_op(".") {
                self.attribute(value)?
            } else if self.skip_op("[") {
                self.subscript(value)?
            } else if self.skip_op("(") {
                let arguments = self.arguments()?;
                Expr::new(ExprKind::Call(boxed(value), arguments))?
            } else {
                return Ok(value);
            };
        }
    }

    fn attribute(&mut self, of: Expr) -> Result<Expr> {
        if let Some(Kind::Int(index)) = self.kind() {
            self.at += 1;
            let index = Expr::new(ExprKind::Int(*index))?;
            return Expr::new(ExprKind::Item(boxed(of), boxed(index)));
        }
        let name = self.expect_name()?;
        Expr::new(ExprKind::Attribute(boxed(of), Box::from(name)))
    }

    fn subscript(&mut self, of: Expr) -> Result<Expr> {
        let mut parts: [Option<Box<Expr>>; 3] = [None, None, None];
        let mut colons = 0;
        while !self.skip_op("]") {
            if self.skip_op(":") {
                colons += 1;
                continue;
            }
            match parts.get_mut(colons) {
                Some(part @ None) => *part = Some(boxed(self.tuple(true)?)),
                _ => return self.error(format!("expected `]`, found {}", self.found())),
            }
        }
        if colons > 0 {
            return Expr::new(ExprKind::Slice(boxed(of), parts));
        }
        match parts {
            [Some(index), None, None] => Expr::new(ExprKind::Item(boxed(of), index)),
            _ => self.error("expected an index"),
        }
    }

    /// What stands in the brackets of a call; the first bracket was skipped.
    fn arguments(&mut self) -> Result<Arguments> {
        let mut arguments = Arguments::default();
        let mut first = true;
        while !self.skip_op(")") {
            if !first {
                self.expect_op(",")?;
                if self.skip_op(")") {
                    break;
                }
            }
            first = false;
            if self.skip_op("**") {
                arguments.double_star = Some(boxed(self.expression()?));
            } else if self.skip_op("*") {
                arguments.star = Some(boxed(self.expression()?));
            } else if let (Some(Kind::Name(name)), Some(Kind::Op("="))) = (self.kind(), self.kind_behind(1)) {
                self.at += 2;
                arguments.named.push((Box::from(*name), self.expression()?));
            } else if arguments.named.is_empty() {
                arguments.positional.push(self.expression()?);
            } else {
                return self.error("an argument without a name behind one with a name");
            }
        }
        Ok(arguments)
    }

    fn filters_and_tests(&mut self, mut value: Expr) -> Result<Expr> {
        loop {
            value = if self.is_op("|") {
                self.filters(value)?
            } else if self.skip_name("is") {
                self.test(value)?
            } else if self.skip_op("(") {
                let arguments = self.arguments()?;
                Expr::new(ExprKind::Call(boxed(value), arguments))?
            } else {
                return Ok(value);
            };
        }
    }

    /// `| filter | filter`
    pub(super) fn filters(&mut self, mut value: Expr) -> Result<Expr> {
        while self.skip_op("|") {
            value = self.filter(value)?;
        }
        Ok(value)
    }

    pub(super) fn filter(&mut self, value: Expr) -> Result<Expr> {
        let name = self.dotted_name()?;
        let arguments = if self.skip_op("(") {
            self.arguments()?
        } else {
            Arguments::default()
        };
        Expr::new(ExprKind::Filter(boxed(value), name, arguments))
    }

    fn dotted_name(&mut self) -> Result<Box<str>> {
        let mut name = self.expect_name()?.to_owned();
        while self.skip_op(".") {
            name.push('.');
            name.push_str(self.expect_name()?);
        }
        Ok(name.into())
    }

    fn test(&mut self, value: Expr) -> Result<Expr> {
        let negated = self.skip_name("not");
        let name = self.dotted_name()?;
        let mut arguments = Arguments::default();
        if self.skip_op("(") {
            arguments = self.arguments()?;
        } else if self.begins_argument() {
            let argument = self.nested(Self::primary)?;
            arguments.positional.push(self.postfix(argument)?);
        }
        let test = Expr::new(ExprKind::Test(boxed(value), name, arguments))?;
        if negated {
            Expr::new(ExprKind::Not(boxed(test)))
        } else {
            Ok(test)
        }
    }

    fn begins_argument(&self) -> bool {
        match self.kind() {
            Some(Kind::Name(name)) => !matches!(*name, "else" | "or" | "and" | "is" | "if" | "in" | "not"),
            Some(Kind::Str(_) | Kind::Int(_) | Kind::Float(_)) => true,
            Some(Kind::Op(op)) => matches!(*op, "(" | "[" | "{"),
            _ => false,
        }
    }
}
