//! What a template says, as a tree that is never deep.

use crate::budget::DEPTH;
use crate::error::{Error, Result};

/// An expression. Its depth is counted when it is made, so that whatever walks the tree may recurse.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    depth: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum ExprKind {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Box<str>),
    Name(Box<str>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Attribute(Box<Expr>, Box<str>),
    Item(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, [Option<Box<Expr>>; 3]),
    Call(Box<Expr>, Arguments),
    Filter(Box<Expr>, Box<str>, Arguments),
    Test(Box<Expr>, Box<str>, Arguments),
    Negative(Box<Expr>),
    Positive(Box<Expr>),
    Not(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Concat(Vec<Expr>),
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    /// Condition, then, else.
    If(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Arguments {
    pub(crate) positional: Vec<Expr>,
    pub(crate) named: Vec<(Box<str>, Expr)>,
    /// `*args`
    pub(crate) star: Option<Box<Expr>>,
    /// `**kwargs`
    pub(crate) double_star: Option<Box<Expr>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Rem,
    Pow,
}

impl Operator {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::FloorDiv => "//",
            Self::Rem => "%",
            Self::Pow => "**",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
}

impl Arguments {
    fn depth(&self) -> usize {
        let named = self.named.iter().map(|(_, expr)| expr);
        deepest(self.positional.iter().chain(named)).max(deepest(
            self.star
                .as_deref()
                .into_iter()
                .chain(self.double_star.as_deref()),
        ))
    }
}

fn deepest<'e>(expressions: impl IntoIterator<Item = &'e Expr>) -> usize {
    expressions.into_iter().map(|expr| expr.depth).max().unwrap_or(0)
}

impl Expr {
    pub(crate) fn new(kind: ExprKind) -> Result<Self> {
        use ExprKind as K;
        let below = match &kind {
            K::None | K::Bool(_) | K::Int(_) | K::Float(_) | K::Str(_) | K::Name(_) => 0,
            K::List(items) | K::Tuple(items) | K::Concat(items) => deepest(items),
            K::Dict(pairs) => pairs
                .iter()
                .map(|(key, value)| key.depth.max(value.depth))
                .max()
                .unwrap_or(0),
            K::Attribute(of, _) | K::Negative(of) | K::Positive(of) | K::Not(of) => of.depth,
            K::Item(a, b) | K::Binary(_, a, b) | K::And(a, b) | K::Or(a, b) => a.depth.max(b.depth),
            K::Slice(of, parts) => of.depth.max(deepest(parts.iter().flatten().map(|part| &**part))),
            K::Call(of, arguments) | K::Filter(of, _, arguments) | K::Test(of, _, arguments) => {
                of.depth.max(arguments.depth())
            }
            K::Compare(first, others) => first.depth.max(deepest(others.iter().map(|(_, expr)| expr))),
            K::If(condition, then, otherwise) => {
                condition.depth.max(then.depth).max(deepest(otherwise.as_deref()))
            }
        };
        if below >= DEPTH {
            return Err(Error::TooDeep { limit: DEPTH });
        }
        Ok(Self {
            kind,
            depth: below + 1,
        })
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Target {
    Name(Box<str>),
    /// `set ns.attribute = …`
    Namespace(Box<str>, Box<str>),
    Tuple(Vec<Target>),
}

#[derive(Debug, Clone)]
pub(crate) enum Statement {
    Text(Box<str>),
    Print(Expr),
    Set(Target, Expr),
    /// What the body writes, through the filters of the expression, in which it has the name [`CAPTURED`].
    SetBlock(Target, Expr, Vec<Statement>),
    FilterBlock(Expr, Vec<Statement>),
    If(Vec<(Expr, Vec<Statement>)>, Vec<Statement>),
    For(Box<For>),
    With(Vec<(Target, Expr)>, Vec<Statement>),
    Do(Expr),
    Break,
    Continue,
}

#[derive(Debug, Clone)]
pub(crate) struct For {
    pub(crate) target: Target,
    pub(crate) iterable: Expr,
    pub(crate) condition: Option<Expr>,
    pub(crate) body: Vec<Statement>,
    pub(crate) otherwise: Vec<Statement>,
}

/// No name that a template could write.
pub(crate) const CAPTURED: &str = "{}";
