//! From a template's text to a [`Program`]. `gotmpl` parses; here functions, variables and templates
//! are resolved, and what is unknown is refused.

use gotmpl::parse::{
    BranchNode, CommandNode, DefineNode, Expr, ListNode, Node as Parsed, Number, Parser, PipeNode,
    Pos, is_empty_tree,
};

use crate::error::{TemplateError, line_and_column};
use crate::functions;
use crate::limits::{DEPTH_MAX, TEMPLATE_BYTES_MAX};
use crate::lookups;
use crate::program::{Body, Branch, Command, Expression, Node, Pipe, Program};

/// Compiles a template.
///
/// # Errors
/// The first thing that is wrong, and where.
pub(crate) fn compile(source: &str) -> Result<Program, TemplateError> {
    guard(source)?;
    let (list, defines) = Parser::new(source, "{{", "}}")
        .and_then(Parser::parse)
        .map_err(parser_error)?;
    let mut names = vec![""];
    let mut lists = vec![&list];
    for define in &defines {
        add_define(define, &mut names, &mut lists);
    }
    let mut bodies = Vec::with_capacity(lists.len());
    for list in &lists {
        let mut compiler = Compiler {
            source,
            names: &names,
            variables: vec!["$".to_owned()],
            slots: 1,
        };
        let nodes = compiler.list(list)?;
        bodies.push(Body {
            nodes,
            slots: compiler.slots,
        });
    }
    Ok(Program {
        source: source.to_owned(),
        reads_lookups: lookups::read_by(&bodies),
        bodies,
    })
}

/// A later definition replaces an earlier one, unless it is empty.
fn add_define<'t>(define: &'t DefineNode, names: &mut Vec<&'t str>, lists: &mut Vec<&'t ListNode>) {
    match names.iter().skip(1).position(|name| *name == define.name.as_str()) {
        Some(at) if define.body.nodes.iter().all(is_empty_tree) => {
            let _kept = at;
        }
        Some(at) => lists[at + 1] = &define.body,
        None => {
            names.push(&define.name);
            lists.push(&define.body);
        }
    }
}

/// The parser recurses: a text that nests too deep is refused before it is parsed. Parentheses and
/// blocks are counted in the raw text, so that those in quotes count as well.
fn guard(source: &str) -> Result<(), TemplateError> {
    let refuse = |offset: usize, message: String| {
        let (line, column) = line_and_column(source, offset);
        Err(TemplateError {
            line,
            column,
            message,
        })
    };
    if source.len() > TEMPLATE_BYTES_MAX {
        let length = source.len();
        return refuse(0, format!("the template has {length} bytes; at most {TEMPLATE_BYTES_MAX} are allowed"));
    }
    let too_deep = format!("parentheses or blocks are nested deeper than {DEPTH_MAX}");
    let mut blocks = 0_usize;
    let mut elses = 0_usize;
    for (offset, _) in source.match_indices("{{") {
        let action = &source[offset + 2..];
        let action = &action[..action.find("{{").unwrap_or(action.len())];
        if action.matches('(').count() > DEPTH_MAX {
            return refuse(offset, too_deep);
        }
        let words = action.strip_prefix('-').unwrap_or(action).trim_start();
        let starts = |word: &str| words.starts_with(word);
        if ["if", "range", "with", "block", "define"].into_iter().any(starts) {
            blocks += 1;
        } else if starts("end") {
            blocks = blocks.saturating_sub(1);
        } else if starts("else") {
            elses += 1;
        }
        if blocks > DEPTH_MAX || elses > 4 * DEPTH_MAX {
            return refuse(offset, too_deep);
        }
    }
    Ok(())
}

fn parser_error(error: gotmpl::TemplateError) -> TemplateError {
    match error {
        gotmpl::TemplateError::Parse { line, col, message, .. }
        | gotmpl::TemplateError::Lex { line, col, message, .. } => TemplateError {
            line,
            column: col,
            message,
        },
        other => TemplateError {
            line: 1,
            column: 1,
            message: other.to_string(),
        },
    }
}

struct Compiler<'t> {
    source: &'t str,
    /// The names of the bodies.
    names: &'t [&'t str],
    /// The variables in scope; a variable's place is its slot.
    variables: Vec<String>,
    slots: usize,
}

impl Compiler<'_> {
    fn list(&mut self, list: &ListNode) -> Result<Vec<Node>, TemplateError> {
        let mut nodes = Vec::with_capacity(list.nodes.len());
        for node in &list.nodes {
            match node {
                Parsed::List(list) => nodes.extend(self.list(list)?),
                // Definitions are bodies of their own.
                Parsed::Define(_) => {}
                other => nodes.push(self.node(other)?),
            }
        }
        Ok(nodes)
    }

    fn node(&mut self, node: &Parsed) -> Result<Node, TemplateError> {
        Ok(match node {
            Parsed::Text(text) => Node::Text(text.text.to_string()),
            Parsed::Action(action) => Node::Action(self.pipe(&action.pipe)?),
            Parsed::If(branch) => Node::If(self.branch(branch)?),
            Parsed::With(branch) => Node::With(self.branch(branch)?),
            Parsed::Range(branch) => Node::Range(self.branch(branch)?),
            Parsed::Template(call) => {
                let found = self.names.iter().skip(1).position(|name| *name == call.name.as_str());
                let Some(found) = found else {
                    let message = format!("no template {:?} is defined here; write {{{{define {:?}}}}}…{{{{end}}}}", call.name, call.name);
                    return Err(self.error(call.pos, message));
                };
                let pipe = call.pipe.as_ref().map(|pipe| self.pipe(pipe)).transpose()?;
                Node::Template(call.pos.offset, found + 1, pipe)
            }
            Parsed::Break(_) => Node::Break,
            Parsed::Continue(_) => Node::Continue,
            Parsed::List(_) | Parsed::Define(_) => Node::Text(String::new()),
        })
    }

    /// Variables of the pipeline are known to both bodies, those of a body to none after it.
    fn branch(&mut self, branch: &BranchNode) -> Result<Branch, TemplateError> {
        let outer = self.variables.len();
        let pipe = self.pipe(&branch.pipe)?;
        let inner = self.variables.len();
        let body = self.list(&branch.body)?;
        self.variables.truncate(inner);
        let otherwise = match &branch.else_body {
            Some(list) => self.list(list)?,
            None => Vec::new(),
        };
        self.variables.truncate(outer);
        Ok(Branch {
            pipe,
            body,
            otherwise,
        })
    }

    fn pipe(&mut self, pipe: &PipeNode) -> Result<Pipe, TemplateError> {
        let commands = pipe
            .commands
            .iter()
            .map(|command| self.command(command))
            .collect::<Result<Vec<_>, _>>()?;
        let mut targets = Vec::with_capacity(pipe.decl.len());
        for name in &pipe.decl {
            if pipe.is_assign {
                targets.push(self.variable(pipe.pos, name)?);
            } else {
                targets.push(self.variables.len());
                self.variables.push(name.to_string());
                self.slots = self.slots.max(self.variables.len());
            }
        }
        Ok(Pipe { targets, commands })
    }

    fn command(&mut self, command: &CommandNode) -> Result<Command, TemplateError> {
        let Some((head, arguments)) = command.args.split_first() else {
            return Err(self.error(command.pos, "an empty command; expected a value or a function".to_owned()));
        };
        Ok(Command {
            offset: head.pos().offset,
            head: self.expression(head)?,
            arguments: arguments
                .iter()
                .map(|argument| self.expression(argument))
                .collect::<Result<_, _>>()?,
        })
    }

    fn expression(&mut self, expression: &Expr) -> Result<Expression, TemplateError> {
        let owned = |fields: &[gotmpl::parse::SmolStr]| fields.iter().map(ToString::to_string).collect();
        Ok(match expression {
            Expr::Dot(_) => Expression::Dot,
            Expr::Nil(_) => Expression::Nil,
            Expr::Bool(_, value) => Expression::Bool(*value),
            Expr::String(_, text) => Expression::Text((**text).into()),
            Expr::Number(pos, number) => match number {
                Number::Int(number) => Expression::Int(*number),
                Number::Float(number) => Expression::Float(*number),
                Number::Uint(number) => {
                    return Err(self.error(*pos, format!("{number} overflows int")));
                }
            },
            Expr::Field(_, fields) => Expression::Field(owned(fields)),
            Expr::Variable(pos, name, fields) => {
                Expression::Variable(self.variable(*pos, name)?, owned(fields))
            }
            Expr::Pipe(_, pipe) => Expression::Chain(Box::new(self.pipe(pipe)?), Vec::new()),
            Expr::Chain(pos, inner, fields) => {
                let head = self.expression(inner)?;
                let command = Command {
                    offset: pos.offset,
                    head,
                    arguments: Vec::new(),
                };
                let pipe = Pipe {
                    targets: Vec::new(),
                    commands: vec![command],
                };
                Expression::Chain(Box::new(pipe), owned(fields))
            }
            Expr::Identifier(pos, name) => self.function(*pos, name)?,
        })
    }

    fn function(&self, pos: Pos, name: &str) -> Result<Expression, TemplateError> {
        match name {
            "and" => return Ok(Expression::And),
            "or" => return Ok(Expression::Or),
            _ => {}
        }
        match functions::find(name) {
            Ok(function) => Ok(Expression::Function(function)),
            Err(message) => Err(self.error(pos, message)),
        }
    }

    fn variable(&self, pos: Pos, name: &str) -> Result<usize, TemplateError> {
        // The innermost of a name counts.
        let found = self.variables.iter().rposition(|known| known == name);
        found.ok_or_else(|| {
            let known = self.variables.join(", ");
            self.error(pos, format!("undefined variable {name:?}; known here: {known}"))
        })
    }

    fn error(&self, pos: Pos, message: String) -> TemplateError {
        let (line, column) = line_and_column(self.source, pos.offset);
        TemplateError {
            line,
            column,
            message,
        }
    }
}
