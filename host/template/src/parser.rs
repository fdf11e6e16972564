//! From a template's text to a [`Program`]: Go's grammar. Functions, variables and templates are resolved
//! on the way, and what is unknown is refused. `pipeline.rs` has what stands in an action.

use crate::error::TemplateError;
use crate::lexer::{Kind, Token, error_at, tokens};
use crate::limits::{DEPTH_MAX, TEMPLATE_BYTES_MAX};
use crate::lookups;
use crate::program::{Body, Branch, Node, Program};

/// Parses a template.
///
/// # Errors
/// The first thing that is wrong, and where.
pub(crate) fn parse(source: &str) -> Result<Program, TemplateError> {
    if source.len() > TEMPLATE_BYTES_MAX {
        let length = source.len();
        let message =
            format!("the template has {length} bytes; at most {TEMPLATE_BYTES_MAX} are allowed");
        return Err(error_at(source, 0, message));
    }
    let mut parser = Parser {
        source,
        tokens: tokens(source)?,
        at: 0,
        definitions: vec![Definition::default()],
        scope: Scope::default(),
        depth: 0,
    };
    let (nodes, end) = parser.list(true)?;
    if let Some((word, offset)) = end {
        return Err(parser.error(
            offset,
            format!("unexpected {{{{{word}}}}}; no block is open"),
        ));
    }
    let slots = parser.scope.slots;
    parser.definitions[0].body = Some(Body { nodes, slots });
    parser.program()
}

/// A template that is defined or called.
#[derive(Default)]
struct Definition {
    name: String,
    /// Where it is first called.
    called: usize,
    body: Option<Body>,
}

/// What is known while a body is parsed.
pub(crate) struct Scope {
    /// The variables; a variable's place is its slot.
    pub(crate) variables: Vec<String>,
    pub(crate) slots: usize,
    /// How many ranges are open.
    ranges: usize,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            variables: vec!["$".to_owned()],
            slots: 1,
            ranges: 0,
        }
    }
}

pub(crate) struct Parser<'t> {
    source: &'t str,
    pub(crate) tokens: Vec<Token<'t>>,
    pub(crate) at: usize,
    /// The first is the template itself.
    definitions: Vec<Definition>,
    pub(crate) scope: Scope,
    pub(crate) depth: usize,
}

/// How a list ended: with `end` or `else`, and where; `None` at the end of the template.
type End = Option<(&'static str, usize)>;

impl<'t> Parser<'t> {
    fn program(self) -> Result<Program, TemplateError> {
        let mut bodies = Vec::with_capacity(self.definitions.len());
        for definition in self.definitions {
            let Some(body) = definition.body else {
                let name = definition.name;
                let message = format!(
                    "template {name:?} is not defined; write {{{{define {name:?}}}}}…{{{{end}}}}"
                );
                return Err(error_at(self.source, definition.called, message));
            };
            bodies.push(body);
        }
        Ok(Program {
            source: self.source.to_owned(),
            reads_lookups: lookups::read_by(&bodies),
            bodies,
        })
    }

    pub(crate) fn error(&self, offset: usize, message: impl Into<String>) -> TemplateError {
        error_at(self.source, offset, message.into())
    }

    /// The next token, which stays.
    pub(crate) fn peek(&self) -> &Token<'t> {
        // The last token is `End`, and `next` does not go beyond it.
        &self.tokens[self.at]
    }

    pub(crate) fn next(&mut self) -> Token<'t> {
        let token = self.tokens[self.at].clone();
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    pub(crate) fn skip_space(&mut self) {
        while self.peek().kind == Kind::Space {
            self.at += 1;
        }
    }

    pub(crate) fn next_after_space(&mut self) -> Token<'t> {
        self.skip_space();
        self.next()
    }

    pub(crate) fn deeper(&mut self, offset: usize) -> Result<(), TemplateError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error(
                offset,
                format!("parentheses or blocks are nested deeper than {DEPTH_MAX}"),
            ));
        }
        Ok(())
    }

    pub(crate) fn unexpected<T>(
        &self,
        token: &Token<'_>,
        context: &str,
        expected: &str,
    ) -> Result<T, TemplateError> {
        let found = match &token.kind {
            Kind::End => "the end of the template".to_owned(),
            Kind::Close => "}}".to_owned(),
            Kind::Word(word) => format!("<{word}>"),
            Kind::Quoted(text) => format!("{text:?}"),
            _ => {
                let end = self
                    .tokens
                    .iter()
                    .map(|other| other.offset)
                    .find(|offset| *offset > token.offset);
                format!(
                    "{:?}",
                    &self.source[token.offset..end.unwrap_or(self.source.len())]
                )
            }
        };
        Err(self.error(
            token.offset,
            format!("unexpected {found} in {context}; expected {expected}"),
        ))
    }

    /// Nodes up to an `end` or `else`, or to the end of the template.
    fn list(&mut self, top: bool) -> Result<(Vec<Node>, End), TemplateError> {
        let mut nodes = Vec::new();
        loop {
            let token = self.next();
            match token.kind {
                Kind::Text(text) => nodes.push(Node::Text(text.to_owned())),
                Kind::Open => {
                    self.skip_space();
                    let word = match self.peek().kind {
                        Kind::Word(word) => word,
                        _ => "",
                    };
                    match word {
                        "end" => {
                            self.at += 1;
                            self.close("end")?;
                            return Ok((nodes, Some(("end", token.offset))));
                        }
                        "else" => {
                            self.at += 1;
                            return Ok((nodes, Some(("else", token.offset))));
                        }
                        "define" if top && self.depth == 0 => self.define()?,
                        "define" => {
                            return Err(self.error(
                                token.offset,
                                "unexpected {{define}}; it stands outside of all blocks",
                            ));
                        }
                        word => nodes.push(self.action(word, token.offset)?),
                    }
                }
                _ => return Ok((nodes, None)),
            }
        }
    }

    fn close(&mut self, context: &str) -> Result<(), TemplateError> {
        let token = self.next_after_space();
        match token.kind {
            Kind::Close => Ok(()),
            _ => self.unexpected(&token, context, "}}"),
        }
    }

    fn action(&mut self, word: &'t str, offset: usize) -> Result<Node, TemplateError> {
        match word {
            "if" | "with" | "range" => {
                self.at += 1;
                let branch = self.branch(word, offset)?;
                Ok(match word {
                    "if" => Node::If(branch),
                    "with" => Node::With(branch),
                    _ => Node::Range(branch),
                })
            }
            "break" | "continue" => {
                self.at += 1;
                self.close(word)?;
                if self.scope.ranges == 0 {
                    return Err(self.error(offset, format!("{{{{{word}}}}} outside {{{{range}}}}")));
                }
                Ok(if word == "break" {
                    Node::Break
                } else {
                    Node::Continue
                })
            }
            "template" => {
                self.at += 1;
                let name = self.template_name("template")?;
                self.skip_space();
                let pipe = match self.peek().kind {
                    Kind::Close => {
                        self.at += 1;
                        None
                    }
                    _ => Some(self.pipe("template", &Kind::Close)?),
                };
                Ok(Node::Template(offset, self.definition(&name, offset), pipe))
            }
            "block" => {
                self.at += 1;
                let name = self.template_name("block")?;
                let pipe = self.pipe("block", &Kind::Close)?;
                let body = self.body("block", offset)?;
                let definition = self.definition(&name, offset);
                self.set_body(definition, body);
                Ok(Node::Template(offset, definition, Some(pipe)))
            }
            _ => Ok(Node::Action(self.pipe("command", &Kind::Close)?)),
        }
    }

    fn template_name(&mut self, context: &str) -> Result<String, TemplateError> {
        let token = self.next_after_space();
        match token.kind {
            Kind::Quoted(name) => Ok(name),
            _ => self.unexpected(&token, &format!("{context} clause"), "a name in quotes"),
        }
    }

    /// The place of a definition, which may come later.
    fn definition(&mut self, name: &str, called: usize) -> usize {
        let known = self
            .definitions
            .iter()
            .skip(1)
            .position(|known| known.name == name);
        if let Some(known) = known {
            return known + 1;
        }
        self.definitions.push(Definition {
            name: name.to_owned(),
            called,
            body: None,
        });
        self.definitions.len() - 1
    }

    /// A later definition replaces an earlier one, unless it is empty.
    fn set_body(&mut self, definition: usize, body: Body) {
        let blank = |node: &Node| matches!(node, Node::Text(text) if text.trim().is_empty());
        let kept = &mut self.definitions[definition].body;
        if kept.is_none() || !body.nodes.iter().all(blank) {
            *kept = Some(body);
        }
    }

    fn define(&mut self) -> Result<(), TemplateError> {
        let offset = self.next().offset;
        let name = self.template_name("define")?;
        self.close("define clause")?;
        let body = self.body("define", offset)?;
        let definition = self.definition(&name, offset);
        self.set_body(definition, body);
        Ok(())
    }

    /// The body of a definition: it knows no variable but its own `$`.
    fn body(&mut self, word: &str, offset: usize) -> Result<Body, TemplateError> {
        self.deeper(offset)?;
        let outer = std::mem::take(&mut self.scope);
        let (nodes, end) = self.list(false)?;
        let inner = std::mem::replace(&mut self.scope, outer);
        self.depth -= 1;
        self.ended(end, word, offset, false)?;
        Ok(Body {
            nodes,
            slots: inner.slots,
        })
    }

    /// Whether the list of a block ended with `else`, where it may.
    fn ended(
        &self,
        end: End,
        word: &str,
        offset: usize,
        with_else: bool,
    ) -> Result<bool, TemplateError> {
        match end {
            Some(("end", _)) => Ok(false),
            Some((_, _)) if with_else => Ok(true),
            Some((found, at)) => Err(self.error(
                at,
                format!("unexpected {{{{{found}}}}} in {word}; expected {{{{end}}}}"),
            )),
            None => {
                let message = format!("unexpected EOF: the {{{{{word}}}}} here has no {{{{end}}}}");
                let last = self.source.len();
                let begins = crate::error::line_and_column(self.source, offset).0;
                Err(self.error(last, format!("{message} (it begins on line {begins})")))
            }
        }
    }

    /// The rest of an `if`, `with` or `range`.
    fn branch(&mut self, word: &str, offset: usize) -> Result<Branch, TemplateError> {
        self.deeper(offset)?;
        let outer = self.scope.variables.len();
        let pipe = self.pipe(word, &Kind::Close)?;
        let inner = self.scope.variables.len();
        let range = usize::from(word == "range");
        self.scope.ranges += range;
        let (body, end) = self.list(false)?;
        self.scope.ranges -= range;
        self.scope.variables.truncate(inner);
        let otherwise = match self.ended(end, word, offset, true)? {
            true => self.otherwise(word, offset)?,
            false => Vec::new(),
        };
        self.scope.variables.truncate(outer);
        self.depth -= 1;
        Ok(Branch {
            pipe,
            body,
            otherwise,
        })
    }

    /// What comes after an `else`: a body, or `if` or `with` again, which has the `end` of both.
    fn otherwise(&mut self, word: &str, offset: usize) -> Result<Vec<Node>, TemplateError> {
        self.skip_space();
        let again = matches!(self.peek().kind, Kind::Word(next) if next == word && word != "range");
        if again {
            self.at += 1;
            let branch = self.branch(word, offset)?;
            return Ok(vec![if word == "if" {
                Node::If(branch)
            } else {
                Node::With(branch)
            }]);
        }
        self.close("else")?;
        let (nodes, end) = self.list(false)?;
        self.ended(end, word, offset, false)?;
        Ok(nodes)
    }
}
