//! Pipelines and their commands, operands and variables: what stands in an action.

use crate::error::TemplateError;
use crate::functions;
use crate::lexer::{Kind, Token};
use crate::parser::Parser;
use crate::program::{Command, Expression, Pipe};

impl<'t> Parser<'t> {
    /// A pipeline up to and with the token that ends it.
    pub(crate) fn pipe(&mut self, context: &str, end: &Kind<'_>) -> Result<Pipe, TemplateError> {
        self.skip_space();
        let start = self.peek().offset;
        let (names, assign) = self.targets(context)?;
        let mut commands: Vec<Command> = Vec::new();
        loop {
            let token = self.next_after_space();
            if token.kind == *end {
                break;
            }
            let begins = matches!(
                token.kind,
                Kind::Word(_)
                    | Kind::Dot
                    | Kind::Field(_)
                    | Kind::Variable(_)
                    | Kind::Quoted(_)
                    | Kind::Int(_)
                    | Kind::Float(_)
                    | Kind::LeftParen
            );
            if !begins {
                let closing = if *end == Kind::Close {
                    "a value or }}"
                } else {
                    "a value or )"
                };
                return self.unexpected(&token, context, closing);
            }
            self.at -= 1;
            let command = self.command()?;
            let literal = matches!(
                command.head,
                Expression::Dot
                    | Expression::Nil
                    | Expression::Bool(_)
                    | Expression::Int(_)
                    | Expression::Float(_)
                    | Expression::Text(_)
            );
            if !commands.is_empty() && literal {
                let message = format!(
                    "non executable command in pipeline stage {}; expected a function or a method",
                    commands.len() + 1
                );
                return Err(self.error(command.offset, message));
            }
            commands.push(command);
        }
        if commands.is_empty() {
            return Err(self.error(start, format!("missing value for {context}")));
        }
        let targets = self.bind(names, assign, start)?;
        Ok(Pipe { targets, commands })
    }

    /// `$x :=`, `$x =`, and for a range two names: the names, and whether they are assigned.
    fn targets(&mut self, context: &str) -> Result<(Vec<&'t str>, bool), TemplateError> {
        let before = self.at;
        let mut names = Vec::new();
        while let Kind::Variable(name) = self.peek().kind {
            let offset = self.next().offset;
            names.push(name);
            self.skip_space();
            match self.peek().kind {
                Kind::Declare | Kind::Assign => {
                    let assign = self.next().kind == Kind::Assign;
                    return Ok((names, assign));
                }
                Kind::Comma if context == "range" && names.len() == 1 => {
                    self.at += 1;
                    self.skip_space();
                }
                Kind::Comma => {
                    return Err(self.error(offset, format!("too many declarations in {context}; expected one variable, in a range two")));
                }
                _ => break,
            }
        }
        self.at = before;
        Ok((Vec::new(), false))
    }

    fn bind(
        &mut self,
        names: Vec<&'t str>,
        assign: bool,
        offset: usize,
    ) -> Result<Vec<usize>, TemplateError> {
        let mut targets = Vec::with_capacity(names.len());
        for name in names {
            if assign {
                targets.push(self.variable(name, offset)?);
                continue;
            }
            targets.push(self.scope.variables.len());
            self.scope.variables.push(name.to_owned());
            self.scope.slots = self.scope.slots.max(self.scope.variables.len());
        }
        Ok(targets)
    }

    /// A command up to a `|`, which it takes, or to what ends the pipeline, which stays.
    fn command(&mut self) -> Result<Command, TemplateError> {
        self.skip_space();
        let offset = self.peek().offset;
        let head = self.operand()?;
        let mut arguments = Vec::new();
        loop {
            let token = self.peek().clone();
            match token.kind {
                Kind::Space => {
                    self.skip_space();
                    if !matches!(
                        self.peek().kind,
                        Kind::Close | Kind::RightParen | Kind::Pipe
                    ) {
                        arguments.push(self.operand()?);
                    }
                }
                Kind::Close | Kind::RightParen => break,
                Kind::Pipe => {
                    self.at += 1;
                    break;
                }
                _ => return self.unexpected(&token, "operand", "a space, |, ) or }}"),
            }
        }
        Ok(Command {
            offset,
            head,
            arguments,
        })
    }

    /// A term with the fields that follow it.
    fn operand(&mut self) -> Result<Expression, TemplateError> {
        let token = self.next();
        let term = self.term(&token)?;
        let mut fields: Vec<String> = Vec::new();
        while let Kind::Field(name) = self.peek().kind {
            let place = self.next();
            if matches!(
                term,
                Expression::Bool(_)
                    | Expression::Int(_)
                    | Expression::Float(_)
                    | Expression::Text(_)
                    | Expression::Nil
                    | Expression::Dot
            ) {
                return self.unexpected(&place, "operand", "no field after this value");
            }
            fields.push(name.to_owned());
        }
        if fields.is_empty() {
            return Ok(term);
        }
        Ok(match term {
            Expression::Field(first) => Expression::Field([first, fields].concat()),
            Expression::Variable(slot, _) => Expression::Variable(slot, fields),
            Expression::Chain(pipe, _) => Expression::Chain(pipe, fields),
            function => {
                let command = Command {
                    offset: token.offset,
                    head: function,
                    arguments: Vec::new(),
                };
                let pipe = Pipe {
                    targets: Vec::new(),
                    commands: vec![command],
                };
                Expression::Chain(Box::new(pipe), fields)
            }
        })
    }

    fn term(&mut self, token: &Token<'t>) -> Result<Expression, TemplateError> {
        Ok(match &token.kind {
            Kind::Dot => Expression::Dot,
            Kind::Field(name) => Expression::Field(vec![(*name).to_owned()]),
            Kind::Variable(name) => {
                Expression::Variable(self.variable(name, token.offset)?, Vec::new())
            }
            Kind::Quoted(text) => Expression::Text(text.as_str().into()),
            Kind::Int(number) => Expression::Int(*number),
            Kind::Float(number) => Expression::Float(*number),
            Kind::Word("nil") => Expression::Nil,
            Kind::Word(flag @ ("true" | "false")) => Expression::Bool(*flag == "true"),
            Kind::Word(
                "if" | "else" | "end" | "range" | "with" | "define" | "template" | "block"
                | "break" | "continue",
            ) => return self.unexpected(token, "command", "a value or a function"),
            Kind::Word("and") => Expression::And,
            Kind::Word("or") => Expression::Or,
            Kind::Word(name) => match functions::find(name) {
                Ok(function) => Expression::Function(function),
                Err(message) => return Err(self.error(token.offset, message)),
            },
            Kind::LeftParen => {
                self.deeper(token.offset)?;
                let pipe = self.pipe("parenthesized pipeline", &Kind::RightParen)?;
                self.depth -= 1;
                Expression::Chain(Box::new(pipe), Vec::new())
            }
            _ => return self.unexpected(token, "command", "a value or a function"),
        })
    }

    /// The slot of a variable; the innermost of a name counts.
    fn variable(&self, name: &str, offset: usize) -> Result<usize, TemplateError> {
        let variables = &self.scope.variables;
        variables
            .iter()
            .rposition(|known| known == name)
            .ok_or_else(|| {
                let known = variables.join(", ");
                self.error(
                    offset,
                    format!("undefined variable {name:?}; known here: {known}"),
                )
            })
    }
}
