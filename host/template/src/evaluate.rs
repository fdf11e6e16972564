//! Runs a [`Program`] over an event.

use crate::error::line_and_column;
use crate::format;
use crate::functions::{Arguments, Function};
use crate::limits::{Budget, DEPTH_MAX, Limits, Output};
use crate::methods;
use crate::program::{Branch, Command, Expression, Node, Pipe, Program};
use crate::value::{IntKind, Value};

/// Depth of bodies and pipelines within each other, over all `{{template}}` calls.
const STACK_MAX: usize = 4 * DEPTH_MAX;

/// What failed, and where in the source.
pub(crate) struct Failure {
    pub(crate) offset: usize,
    pub(crate) message: String,
}

impl Failure {
    /// Line, column and message.
    pub(crate) fn place(self, source: &str) -> (usize, usize, String) {
        let (line, column) = line_and_column(source, self.offset);
        (line, column, self.message)
    }
}

/// How a list of nodes ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// Renders a program with dot as given.
///
/// # Errors
/// What failed first.
pub(crate) fn render<'a>(
    program: &'a Program,
    dot: Value<'a>,
    limits: Limits,
) -> Result<String, Failure> {
    let budget = Budget::new(limits);
    let mut evaluator = Evaluator {
        out: budget.output(),
        budget,
        program,
        variables: vec![Value::Nil; program.bodies[0].slots],
        base: 0,
        stack: 0,
        offset: 0,
    };
    evaluator.variables[0] = dot.clone();
    let flow = evaluator.nodes(&program.bodies[0].nodes, &dot);
    match flow {
        Ok(_) => Ok(evaluator.out.into_string()),
        Err(message) => Err(Failure {
            offset: evaluator.offset,
            message,
        }),
    }
}

struct Evaluator<'a> {
    program: &'a Program,
    budget: Budget,
    out: Output,
    /// The variables of all running bodies; those of the innermost begin at `base`.
    variables: Vec<Value<'a>>,
    base: usize,
    stack: usize,
    /// Where the command stands that is running or failed.
    offset: usize,
}

impl<'a> Evaluator<'a> {
    fn nodes(&mut self, nodes: &'a [Node], dot: &Value<'a>) -> Result<Flow, String> {
        self.deeper()?;
        let mut flow = Flow::Next;
        for node in nodes {
            self.budget.steps(1)?;
            flow = self.node(node, dot)?;
            if flow != Flow::Next {
                break;
            }
        }
        self.stack -= 1;
        Ok(flow)
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.stack += 1;
        if self.stack > STACK_MAX {
            return Err(format!(
                "templates and blocks call each other deeper than {STACK_MAX}"
            ));
        }
        Ok(())
    }

    fn node(&mut self, node: &'a Node, dot: &Value<'a>) -> Result<Flow, String> {
        match node {
            Node::Text(text) => self.out.push(text)?,
            Node::Action(pipe) => {
                let value = self.pipe(pipe, dot)?;
                if pipe.targets.is_empty() {
                    self.offset = pipe.commands.first().map_or(0, |command| command.offset);
                    format::action(&mut self.out, &value)?;
                } else {
                    self.set(pipe, value);
                }
            }
            Node::If(branch) => return self.branch(branch, dot, false),
            Node::With(branch) => return self.branch(branch, dot, true),
            Node::Range(branch) => return self.range(branch, dot),
            Node::Template(offset, body, pipe) => self.template(*offset, *body, pipe, dot)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn branch(&mut self, branch: &'a Branch, dot: &Value<'a>, with: bool) -> Result<Flow, String> {
        let value = self.pipe(&branch.pipe, dot)?;
        if !branch.pipe.targets.is_empty() {
            self.set(&branch.pipe, value.clone());
        }
        match (value.is_true(), with) {
            (true, true) => self.nodes(&branch.body, &value),
            (true, false) => self.nodes(&branch.body, dot),
            (false, _) => self.nodes(&branch.otherwise, dot),
        }
    }

    fn range(&mut self, branch: &'a Branch, dot: &Value<'a>) -> Result<Flow, String> {
        let value = self.pipe(&branch.pipe, dot)?;
        let mut any = false;
        if let Value::Int(count, kind) = value {
            // Not collected: the number may be large, and the steps bound it.
            for number in 0..count {
                any = true;
                let item = Value::Int(number, kind);
                if self.iterate(branch, Some(item.clone()), item)? {
                    break;
                }
            }
        } else {
            let items: Vec<(Option<Value<'a>>, Value<'a>)> = self.items(&value)?;
            self.budget.memory(items.len() * size_of::<Value<'_>>())?;
            for (key, item) in items {
                any = true;
                if self.iterate(branch, key, item)? {
                    break;
                }
            }
        }
        if any {
            return Ok(Flow::Next);
        }
        self.nodes(&branch.otherwise, dot)
    }

    /// What a range goes over: keys and items. `None` for a key is the item's index.
    fn items(&mut self, value: &Value<'a>) -> Result<Vec<(Option<Value<'a>>, Value<'a>)>, String> {
        match value {
            Value::Nil => Ok(Vec::new()),
            Value::List(list) => {
                let items = list.items.iter().enumerate();
                Ok(items
                    .map(|(at, item)| (Some(Value::int(at as i64)), item.clone()))
                    .collect())
            }
            Value::Bytes(bytes) => {
                let items = bytes.bytes().enumerate();
                Ok(items
                    .map(|(at, byte)| (Some(Value::int(at as i64)), Value::int(i64::from(byte))))
                    .collect())
            }
            other => match other.members() {
                Some(members) => Ok(members
                    .into_iter()
                    .map(|(key, item)| (Some(Value::Text(key)), item))
                    .collect()),
                None => Err(format!(
                    "range can't iterate over a value of type {}; expected a list, a map or an integer",
                    other.type_name()
                )),
            },
        }
    }

    /// One turn of a range; whether it was the last.
    fn iterate(
        &mut self,
        branch: &'a Branch,
        key: Option<Value<'a>>,
        item: Value<'a>,
    ) -> Result<bool, String> {
        self.budget.steps(1)?;
        match (branch.pipe.targets.as_slice(), key) {
            ([slot], _) => self.variables[self.base + slot] = item.clone(),
            ([first, second], Some(key)) => {
                self.variables[self.base + first] = key;
                self.variables[self.base + second] = item.clone();
            }
            _ => {}
        }
        Ok(self.nodes(&branch.body, &item)? == Flow::Break)
    }

    fn template(
        &mut self,
        offset: usize,
        body: usize,
        pipe: &'a Option<Pipe>,
        dot: &Value<'a>,
    ) -> Result<(), String> {
        let argument = match pipe {
            Some(pipe) => self.pipe(pipe, dot)?,
            None => Value::Nil,
        };
        self.offset = offset;
        let body = &self.program.bodies[body];
        let outer = self.base;
        self.base = self.variables.len();
        self.variables.resize(self.base + body.slots, Value::Nil);
        self.variables[self.base] = argument.clone();
        self.nodes(&body.nodes, &argument)?;
        self.variables.truncate(self.base);
        self.base = outer;
        Ok(())
    }

    fn set(&mut self, pipe: &Pipe, value: Value<'a>) {
        for slot in &pipe.targets {
            self.variables[self.base + slot] = value.clone();
        }
    }

    fn pipe(&mut self, pipe: &'a Pipe, dot: &Value<'a>) -> Result<Value<'a>, String> {
        self.deeper()?;
        let mut last = None;
        for command in &pipe.commands {
            last = Some(self.command(command, dot, last)?);
        }
        self.stack -= 1;
        Ok(last.unwrap_or(Value::Nil))
    }

    fn command(
        &mut self,
        command: &'a Command,
        dot: &Value<'a>,
        last: Option<Value<'a>>,
    ) -> Result<Value<'a>, String> {
        self.budget.steps(1)?;
        self.offset = command.offset;
        match &command.head {
            Expression::Function(function) => {
                let arguments = self.arguments(&command.arguments, dot, last)?;
                self.offset = command.offset;
                self.call(function, &arguments)
            }
            Expression::And => self.logic(&command.arguments, dot, last, false),
            Expression::Or => self.logic(&command.arguments, dot, last, true),
            Expression::Field(fields) => {
                let arguments = self.arguments(&command.arguments, dot, last)?;
                self.offset = command.offset;
                self.chain(dot.clone(), fields, &arguments)
            }
            Expression::Variable(slot, fields) if !fields.is_empty() => {
                let arguments = self.arguments(&command.arguments, dot, last)?;
                self.offset = command.offset;
                self.chain(self.variables[self.base + slot].clone(), fields, &arguments)
            }
            Expression::Chain(inner, fields) if !fields.is_empty() => {
                let value = self.pipe(inner, dot)?;
                let arguments = self.arguments(&command.arguments, dot, last)?;
                self.offset = command.offset;
                self.chain(value, fields, &arguments)
            }
            head => {
                if !command.arguments.is_empty() || last.is_some() {
                    return Err("can't give an argument to what is no function; a function has to stand first".to_owned());
                }
                if matches!(head, Expression::Nil) {
                    return Err("nil is not a command".to_owned());
                }
                self.expression(head, dot)
            }
        }
    }

    fn arguments(
        &mut self,
        expressions: &'a [Expression],
        dot: &Value<'a>,
        last: Option<Value<'a>>,
    ) -> Result<Vec<Value<'a>>, String> {
        let mut arguments = Vec::with_capacity(expressions.len() + 1);
        for expression in expressions {
            arguments.push(self.expression(expression, dot)?);
        }
        arguments.extend(last);
        Ok(arguments)
    }

    /// `and` and `or` evaluate no more than they need.
    fn logic(
        &mut self,
        expressions: &'a [Expression],
        dot: &Value<'a>,
        last: Option<Value<'a>>,
        until: bool,
    ) -> Result<Value<'a>, String> {
        let mut value = None;
        for expression in expressions {
            let next = self.expression(expression, dot)?;
            if next.is_true() == until {
                return Ok(next);
            }
            value = Some(next);
        }
        last.or(value)
            .ok_or_else(|| "and/or want at least one argument".to_owned())
    }

    fn expression(
        &mut self,
        expression: &'a Expression,
        dot: &Value<'a>,
    ) -> Result<Value<'a>, String> {
        self.budget.steps(1)?;
        Ok(match expression {
            Expression::Dot => dot.clone(),
            Expression::Nil => Value::Nil,
            Expression::Bool(value) => Value::Bool(*value),
            Expression::Int(value) => Value::Int(*value, IntKind::Int),
            Expression::Float(value) => Value::Float(*value),
            Expression::Text(text) => Value::borrowed(text),
            Expression::Field(fields) => self.chain(dot.clone(), fields, &[])?,
            Expression::Variable(slot, fields) => {
                self.chain(self.variables[self.base + slot].clone(), fields, &[])?
            }
            Expression::Chain(inner, fields) => {
                let value = self.pipe(inner, dot)?;
                if !inner.targets.is_empty() {
                    self.set(inner, value.clone());
                }
                self.chain(value, fields, &[])?
            }
            Expression::Function(function) => self.call(function, &[])?,
            Expression::And | Expression::Or => {
                return Err("and/or want at least one argument".to_owned());
            }
        })
    }

    /// The fields of a value one after another; arguments are those of the last.
    fn chain(
        &mut self,
        mut value: Value<'a>,
        fields: &'a [String],
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, String> {
        for (at, name) in fields.iter().enumerate() {
            let own = if at + 1 == fields.len() {
                arguments
            } else {
                &[]
            };
            value = self.field(&value, name, own)?;
        }
        Ok(value)
    }

    fn field(
        &mut self,
        value: &Value<'a>,
        name: &'a str,
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, String> {
        if let Some(result) = methods::call(&mut self.budget, value, name, arguments) {
            let result = result.map_err(|message| format!("{name}: {message}"))?;
            self.budget.memory(result.bytes())?;
            return Ok(result);
        }
        if !arguments.is_empty() {
            return Err(format!(
                "{name} has arguments but cannot be invoked as function"
            ));
        }
        match value {
            Value::Struct(value) => value.field(name).ok_or_else(|| {
                format!(
                    "can't evaluate field {name} in type {}; it has {}",
                    value.type_name(),
                    value.names().join(", ")
                )
            }),
            Value::Map(_) | Value::Labels(_) => {
                Ok(value.member(name).unwrap_or_else(|| value.missing()))
            }
            Value::Nil => Err(format!("nil data; no entry for key {name:?}")),
            Value::NilPointer(type_name) => {
                Err(format!("nil pointer evaluating *{type_name}.{name}"))
            }
            other => Err(format!(
                "can't evaluate field {name} in type {}",
                other.type_name()
            )),
        }
    }

    fn call(
        &mut self,
        function: &'static Function,
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, String> {
        function.check(arguments.len())?;
        // A function touches each item of its lists at least once.
        let touched: usize = arguments.iter().filter_map(touched).sum();
        self.budget.steps(1 + touched)?;
        let called = (function.call)(&mut self.budget, &Arguments(arguments));
        let result = called.map_err(|message| format!("{}: {message}", function.name))?;
        self.budget.memory(result.bytes())?;
        Ok(result)
    }
}

/// The steps that an argument costs: its items, and one for each 64 bytes of text.
fn touched(value: &Value<'_>) -> Option<usize> {
    match value {
        Value::Text(text) | Value::Bytes(text) => Some(text.len() / 64),
        other => other.length(),
    }
}
