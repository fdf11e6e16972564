//! A compiled template: names are resolved to functions, variables to slots.

use crate::functions::Function;

/// A template with all that it defines. `bodies[0]` is the template itself.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) source: String,
    pub(crate) bodies: Vec<Body>,
    pub(crate) reads_lookups: bool,
}

/// The nodes of one body, and how many variables it has at most. Slot 0 is `$`.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) nodes: Vec<Node>,
    pub(crate) slots: usize,
}

/// What gives output or steers.
#[derive(Debug)]
pub(crate) enum Node {
    Text(String),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    /// A call of `bodies[.0]` with what its dot is.
    Template(usize, usize, Option<Pipe>),
    Break,
    Continue,
}

#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) body: Vec<Node>,
    pub(crate) otherwise: Vec<Node>,
}

/// Commands, each with the one before as its last argument; the result goes into `targets` if there are any.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) targets: Vec<usize>,
    pub(crate) commands: Vec<Command>,
}

/// A value, function or method with its arguments, and where in the source it stands.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) offset: usize,
    pub(crate) head: Expression,
    pub(crate) arguments: Vec<Expression>,
}

#[derive(Debug)]
pub(crate) enum Expression {
    Dot,
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Box<str>),
    /// Fields of dot.
    Field(Vec<String>),
    /// Fields of a variable.
    Variable(usize, Vec<String>),
    /// Fields of a pipeline's result.
    Chain(Box<Pipe>, Vec<String>),
    Function(&'static Function),
    And,
    Or,
}
