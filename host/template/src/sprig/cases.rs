//! Upper and lower case by words: titles, initials, snake and kebab case.

use crate::functions::{Function, function};
use crate::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    function("title", 1, 1, |_, arguments| {
        Ok(Value::text(title(arguments.text(0)?)))
    }),
    function("untitle", 1, 1, |_, arguments| {
        Ok(Value::text(untitle(arguments.text(0)?)))
    }),
    function("initials", 1, 1, |_, arguments| {
        Ok(Value::text(initials(arguments.text(0)?)))
    }),
    function("swapcase", 1, 1, |_, arguments| {
        Ok(Value::text(swap_case(arguments.text(0)?)))
    }),
    function("snakecase", 1, 1, |_, arguments| {
        Ok(Value::text(lower_words(arguments.text(0)?, '_')))
    }),
    function("kebabcase", 1, 1, |_, arguments| {
        Ok(Value::text(lower_words(arguments.text(0)?, '-')))
    }),
    function("camelcase", 1, 1, |_, arguments| {
        Ok(Value::text(camel_case(arguments.text(0)?)))
    }),
];

fn upper(character: char) -> char {
    character.to_uppercase().next().unwrap_or(character)
}

fn lower(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
}

/// Go's strings.Title: the first letter of each word; letters, digits and `_` are in words.
fn title(text: &str) -> String {
    let mut previous = ' ';
    let titled = text.chars().map(|character| {
        let separator = match previous {
            '_' => false,
            _ if previous.is_ascii() => !previous.is_ascii_alphanumeric(),
            _ => !previous.is_alphanumeric() && previous.is_whitespace(),
        };
        previous = character;
        if separator {
            upper(character)
        } else {
            character
        }
    });
    titled.collect()
}

fn untitle(text: &str) -> String {
    let mut first = true;
    let changed = text.chars().map(|character| {
        if character.is_whitespace() {
            first = true;
            return character;
        }
        if std::mem::take(&mut first) {
            lower(character)
        } else {
            character
        }
    });
    changed.collect()
}

fn initials(text: &str) -> String {
    text.split_whitespace()
        .filter_map(|word| word.chars().next())
        .collect()
}

fn swap_case(text: &str) -> String {
    let mut after_space = true;
    let swapped = text.chars().map(|character| {
        if character.is_uppercase() {
            after_space = false;
            lower(character)
        } else if character.is_lowercase() {
            after_space = false;
            upper(character)
        } else {
            after_space = character.is_whitespace();
            character
        }
    });
    swapped.collect()
}

fn is_connector(character: char) -> bool {
    matches!(character, '-' | '_') || character.is_whitespace()
}

/// What a run of characters is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    None,
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

fn is_punctuation(character: char) -> bool {
    character.is_ascii_punctuation()
        && !matches!(
            character,
            '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~'
        )
}

/// The first word of a text and what follows. `HTTPStatus` is `HTTP`, then `Status`.
fn next_word(text: &str) -> (Word, &str, &str) {
    let Some(first) = text.chars().next() else {
        return (Word::None, "", "");
    };
    let run = |belongs: &dyn Fn(char) -> bool| {
        text.char_indices()
            .find(|(_, character)| !belongs(*character))
            .map_or(text.len(), |(at, _)| at)
    };
    let (word, length) = if is_connector(first) {
        (Word::Connector, run(&is_connector))
    } else if is_punctuation(first) {
        (Word::Punctuation, run(&is_punctuation))
    } else if first.is_uppercase() {
        (Word::Upper, upper_word(text, first))
    } else if first.is_alphabetic() {
        let letters = |character: char| character.is_alphabetic() && !character.is_uppercase();
        (Word::Letters, run(&letters))
    } else if first.is_numeric() {
        (Word::Number, run(&char::is_numeric))
    } else {
        let other = |character: char| {
            !is_connector(character) && !character.is_alphanumeric() && !is_punctuation(character)
        };
        (Word::Other, run(&other))
    };
    let (word_text, rest) = text.split_at(length);
    (word, word_text, rest)
}

/// The length of a word that begins with a capital.
fn upper_word(text: &str, first: char) -> usize {
    let after = &text[first.len_utf8()..];
    let capitals = after
        .find(|character: char| !character.is_uppercase())
        .unwrap_or(after.len());
    if capitals == 0 {
        let letters = after
            .find(|character: char| !character.is_alphabetic() || character.is_uppercase())
            .unwrap_or(after.len());
        return first.len_utf8() + letters;
    }
    let end = first.len_utf8() + capitals;
    // The last capital begins the next word when letters follow it.
    match text[end..].chars().next() {
        Some(next) if next.is_alphabetic() => {
            let last = text[..end].chars().next_back().map_or(0, char::len_utf8);
            end - last
        }
        _ => end,
    }
}

fn put(to: &mut String, word: Word, text: &str, connector: char) {
    if !matches!(word, Word::Upper | Word::Connector) {
        to.push_str(text);
        return;
    }
    to.extend(text.chars().map(|character| match character {
        _ if is_connector(character) => connector,
        _ => lower(character),
    }));
}

/// xstrings' rules: a number belongs to the word before it, unless letters follow the number.
fn lower_words(text: &str, connector: char) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Word::Connector {
            put(&mut out, kind, word, connector);
        }
        let (previous, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match previous {
            Word::Number => {
                (kind, word, rest) = put_run(&mut out, kind, word, rest, connector);
                if !matches!(kind, Word::None | Word::Punctuation | Word::Connector) {
                    out.push(connector);
                }
            }
            Word::Connector => put(&mut out, previous, last, connector),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if !matches!(kind, Word::Connector | Word::Punctuation) {
                    out.push(connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind != Word::Letters {
                    put(&mut out, Word::Number, number, connector);
                    if !matches!(kind, Word::Connector | Word::Punctuation) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                put(&mut out, Word::Number, number, connector);
                (kind, word, rest) = put_run(&mut out, kind, word, rest, connector);
                if !matches!(kind, Word::None | Word::Connector | Word::Punctuation) {
                    out.push(connector);
                }
            }
        }
    }
    put(&mut out, kind, word, connector);
    out
}

/// Writes letters and numbers as long as they follow each other.
fn put_run<'t>(
    out: &mut String,
    mut kind: Word,
    mut word: &'t str,
    mut rest: &'t str,
    connector: char,
) -> (Word, &'t str, &'t str) {
    while matches!(kind, Word::Letters | Word::Number) {
        put(out, kind, word, connector);
        (kind, word, rest) = next_word(rest);
    }
    (kind, word, rest)
}

/// xstrings 1.4's rules: capitals at the start of words; leading connectors stay.
fn camel_case(text: &str) -> String {
    let start = text
        .find(|character: char| !is_connector(character))
        .unwrap_or(text.len());
    let mut out = text[..start].to_owned();
    let mut characters = text[start..].chars();
    let Some(mut current) = characters.next().map(upper) else {
        // Nothing but connectors: the last comes twice.
        out.extend(text.chars().next_back());
        return out;
    };
    for next in characters {
        let previous = current;
        current = next;
        if is_connector(current) && is_connector(previous) {
            out.push(previous);
        } else if is_connector(previous) {
            current = upper(current);
        } else {
            out.push(previous);
        }
    }
    out.push(current);
    out
}
