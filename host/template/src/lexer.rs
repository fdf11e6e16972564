//! A template's text in tokens, after the rules of Go's text/template/parse.

use crate::error::{TemplateError, line_and_column};

/// A token, and the byte where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token<'t> {
    pub(crate) kind: Kind<'t>,
    pub(crate) offset: usize,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind<'t> {
    /// Text outside of actions, trimmed.
    Text(&'t str),
    /// `{{` and `}}`.
    Open,
    Close,
    Space,
    Pipe,
    LeftParen,
    RightParen,
    Comma,
    Declare,
    Assign,
    Dot,
    /// `.Name`, without the dot.
    Field(&'t str),
    /// `$name`, with the dollar.
    Variable(&'t str),
    /// A keyword or a function.
    Word(&'t str),
    Quoted(String),
    Int(i64),
    Float(f64),
    /// The end of the template.
    End,
}

/// What `{{-` and `-}}` trim.
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// All tokens of a template; the last is [`Kind::End`].
///
/// # Errors
/// What is no token, and where.
pub(crate) fn tokens(source: &str) -> Result<Vec<Token<'_>>, TemplateError> {
    let mut lexer = Lexer {
        source,
        at: 0,
        tokens: Vec::new(),
    };
    lexer.run()?;
    Ok(lexer.tokens)
}

/// An error at a byte of a template.
pub(crate) fn error_at(source: &str, offset: usize, message: String) -> TemplateError {
    let (line, column) = line_and_column(source, offset);
    TemplateError {
        line,
        column,
        message,
    }
}

struct Lexer<'t> {
    source: &'t str,
    at: usize,
    tokens: Vec<Token<'t>>,
}

impl<'t> Lexer<'t> {
    fn run(&mut self) -> Result<(), TemplateError> {
        let mut trim_left = false;
        loop {
            let rest = self.rest();
            let length = rest.find("{{").unwrap_or(rest.len());
            let opening = self.at + length;
            let trim_right = self.source[opening..].starts_with("{{-")
                && self.source[opening + 3..].starts_with(SPACES);
            let mut text = &rest[..length];
            if trim_left {
                text = text.trim_start_matches(SPACES);
            }
            if trim_right {
                text = text.trim_end_matches(SPACES);
            }
            if !text.is_empty() {
                self.push(Kind::Text(text), self.at);
            }
            if opening == self.source.len() {
                self.push(Kind::End, opening);
                return Ok(());
            }
            self.at = opening + if trim_right { 3 } else { 2 };
            trim_left = match self.comment(opening)? {
                Some(trim) => trim,
                None => {
                    self.push(Kind::Open, opening);
                    self.action(opening)?
                }
            };
        }
    }

    fn rest(&self) -> &'t str {
        &self.source[self.at..]
    }

    fn push(&mut self, kind: Kind<'t>, offset: usize) {
        self.tokens.push(Token { kind, offset });
    }

    fn error(&self, offset: usize, message: impl Into<String>) -> TemplateError {
        error_at(self.source, offset, message.into())
    }

    /// Skips a comment; `None` when there is none, else whether the text after it is trimmed.
    fn comment(&mut self, opening: usize) -> Result<Option<bool>, TemplateError> {
        let after_space = self.rest().trim_start_matches(SPACES);
        // A space before a comment is only fine after a trim marker.
        let trimmed = self.at - opening == 3;
        let start = if trimmed { after_space } else { self.rest() };
        let Some(inner) = start.strip_prefix("/*") else {
            return Ok(None);
        };
        let Some((_, after)) = inner.split_once("*/") else {
            return Err(self.error(opening, "unclosed comment; expected */}}"));
        };
        let (rest, trim) = match closing(after) {
            Some((length, trim)) => (&after[length..], trim),
            None => {
                return Err(self.error(
                    opening,
                    "comment ends before closing delimiter; expected */}}",
                ));
            }
        };
        self.at = self.source.len() - rest.len();
        Ok(Some(trim))
    }

    /// The tokens up to and with `}}`; whether the text after it is trimmed.
    fn action(&mut self, opening: usize) -> Result<bool, TemplateError> {
        loop {
            let (rest, at) = (self.rest(), self.at);
            if let Some((length, trim)) = closing(rest) {
                self.at += length;
                self.push(Kind::Close, at);
                return Ok(trim);
            }
            let Some(first) = rest.chars().next() else {
                return Err(self.error(opening, "unclosed action; expected }}"));
            };
            let single = match first {
                '|' => Some(Kind::Pipe),
                '(' => Some(Kind::LeftParen),
                ')' => Some(Kind::RightParen),
                ',' => Some(Kind::Comma),
                '=' => Some(Kind::Assign),
                _ => None,
            };
            if let Some(kind) = single {
                self.at += 1;
                self.push(kind, at);
                continue;
            }
            match first {
                _ if SPACES.contains(&first) => self.space(),
                ':' if rest.starts_with(":=") => {
                    self.at += 2;
                    self.push(Kind::Declare, at);
                }
                ':' => return Err(self.error(at, "expected :=, found \":\"")),
                '"' | '\'' => self.quoted(first)?,
                '`' => self.raw()?,
                '.' if !rest[1..].starts_with(|next: char| next.is_ascii_digit()) => {
                    let name = self.name(1)?;
                    self.push(
                        if name.is_empty() {
                            Kind::Dot
                        } else {
                            Kind::Field(name)
                        },
                        at,
                    );
                }
                '$' => {
                    self.name(1)?;
                    self.push(Kind::Variable(&self.source[at..self.at]), at);
                }
                '+' | '-' | '.' | '0'..='9' => self.number()?,
                _ if is_name(first) => {
                    let word = self.name(0)?;
                    self.push(Kind::Word(word), at);
                }
                _ => {
                    return Err(
                        self.error(at, format!("unexpected character {first:?} in an action"))
                    );
                }
            }
        }
    }

    fn space(&mut self) {
        let (rest, at) = (self.rest(), self.at);
        let trimmed = rest.trim_start_matches(SPACES);
        self.at += rest.len() - trimmed.len();
        // The last space belongs to a trim marker.
        if trimmed.starts_with("-}}") {
            self.at -= 1;
            if self.at == at {
                return;
            }
        }
        self.push(Kind::Space, at);
    }

    /// The name after `skip` bytes. Something has to end it.
    fn name(&mut self, skip: usize) -> Result<&'t str, TemplateError> {
        let rest = &self.rest()[skip..];
        let length = rest.find(|next| !is_name(next)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(length);
        self.at += skip + length;
        let ends = after.is_empty()
            || after.starts_with(SPACES)
            || after.starts_with(['.', ',', '|', ':', ')', '(', '='])
            || after.starts_with("}}");
        if !ends {
            let found = after.chars().next().unwrap_or(' ');
            return Err(self.error(
                self.at,
                format!("unexpected character {found:?} after a name"),
            ));
        }
        Ok(name)
    }

    fn raw(&mut self) -> Result<(), TemplateError> {
        let at = self.at;
        let Some((text, _)) = self.rest()[1..].split_once('`') else {
            return Err(self.error(at, "unterminated raw quoted string; expected `"));
        };
        self.at += text.len() + 2;
        self.push(Kind::Quoted(text.to_owned()), at);
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), TemplateError> {
        let at = self.at;
        let mut text = String::new();
        let mut rest = &self.rest()[1..];
        loop {
            let next = rest.chars().next().filter(|next| *next != '\n');
            let Some(next) = next else {
                return Err(self.error(at, format!("unterminated quoted string; expected {quote}")));
            };
            rest = &rest[next.len_utf8()..];
            if next == quote {
                break;
            }
            if next != '\\' {
                text.push(next);
                continue;
            }
            let Some((character, length)) = escaped(rest, quote) else {
                let offset = self.source.len() - rest.len() - 1;
                return Err(self.error(offset, "invalid syntax: this escape is none of Go's"));
            };
            text.push(character);
            rest = &rest[length..];
        }
        self.at = self.source.len() - rest.len();
        if quote == '"' {
            self.push(Kind::Quoted(text), at);
            return Ok(());
        }
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => {
                self.push(Kind::Int(i64::from(u32::from(character))), at);
                Ok(())
            }
            _ => Err(self.error(
                at,
                format!("malformed character constant: '{text}'; expected one character"),
            )),
        }
    }

    fn number(&mut self) -> Result<(), TemplateError> {
        let (rest, at) = (self.rest(), self.at);
        let mut previous = ' ';
        let hex =
            rest.trim_start_matches(['+', '-']).starts_with(['0']) && rest.contains(['x', 'X']);
        let length = rest
            .char_indices()
            .find(|(place, next)| {
                let sign = matches!(next, '+' | '-')
                    && (*place == 0 || matches!(previous, 'e' | 'E') && !hex);
                previous = *next;
                !(sign || is_name(*next) || *next == '.')
            })
            .map_or(rest.len(), |(place, _)| place);
        let text = &rest[..length];
        self.at += length;
        match parse_number(text) {
            Some(kind) => {
                self.push(kind, at);
                Ok(())
            }
            None => Err(self.error(
                at,
                format!("bad number syntax: {text:?}; expected an int64 or a float"),
            )),
        }
    }
}

fn is_name(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// `}}` or ` -}}`: its length, and whether it trims.
fn closing(text: &str) -> Option<(usize, bool)> {
    if text.starts_with("}}") {
        return Some((2, false));
    }
    let after = text.strip_prefix(SPACES)?;
    after.starts_with("-}}").then_some((4, true))
}

/// The character that an escape stands for, and the length of the escape after its backslash.
fn escaped(text: &str, quote: char) -> Option<(char, usize)> {
    let first = text.chars().next()?;
    let simple = match first {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        _ if first == quote => quote,
        'x' => return coded(text, 1, 2, 16),
        'u' => return coded(text, 1, 4, 16),
        'U' => return coded(text, 1, 8, 16),
        '0'..='7' => return coded(text, 0, 3, 8),
        _ => return None,
    };
    Some((simple, 1))
}

fn coded(text: &str, skip: usize, digits: usize, radix: u32) -> Option<(char, usize)> {
    let code = text.get(skip..skip + digits)?;
    if !code.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let character = char::from_u32(u32::from_str_radix(code, radix).ok()?)?;
    Some((character, skip + digits))
}

/// Go's literals: integers with a base by prefix, floats, `_` between digits.
fn parse_number(text: &str) -> Option<Kind<'static>> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let sign = if negative { "-" } else { "" };
    if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    let plain = digits.replace('_', "").to_ascii_lowercase();
    let (radix, number) = match plain.get(..2) {
        Some("0x") => (16, &plain[2..]),
        Some("0b") => (2, &plain[2..]),
        Some("0o") => (8, &plain[2..]),
        _ if plain.len() > 1
            && plain.starts_with('0')
            && plain.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            (8, &plain[1..])
        }
        _ => (10, plain.as_str()),
    };
    if number.starts_with(['+', '-']) {
        return None;
    }
    if let Ok(number) = i64::from_str_radix(&format!("{sign}{number}"), radix) {
        return Some(Kind::Int(number));
    }
    let float = radix == 10
        && plain.contains(['.', 'e'])
        && plain
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b".e+-".contains(&byte));
    let number: f64 = format!("{sign}{plain}").parse().ok().filter(|_| float)?;
    number.is_finite().then_some(Kind::Float(number))
}
