//! `semver` and `semverCompare`, with the lenient forms and the ranges of Masterminds' semver.

use std::cmp::Ordering;
use std::rc::Rc;

use semver::{BuildMetadata, Prerelease, Version};

use crate::functions::{Function, function};
use crate::value::{Text, Value};

pub(super) static FUNCTIONS: &[Function] = &[
    function("semver", 1, 1, |_, arguments| {
        let text = arguments.text(0)?;
        let (version, _) = parse(text).ok_or_else(|| invalid(text))?;
        Ok(Value::Version(
            Rc::new(version),
            Text::from(text.to_owned()),
        ))
    }),
    function("semverCompare", 2, 2, |_, arguments| {
        let (constraint, text) = (arguments.text(0)?, arguments.text(1)?);
        let alternatives = constraint
            .split("||")
            .map(constraints)
            .collect::<Option<Vec<_>>>();
        let alternatives =
            alternatives.ok_or_else(|| format!("improper constraint: {constraint}"))?;
        let (version, _) = parse(text).ok_or_else(|| invalid(text))?;
        let met = |all: &Vec<Constraint>| all.iter().all(|one| one.allows(&version));
        Ok(Value::Bool(alternatives.iter().any(met)))
    }),
];

fn invalid(text: &str) -> String {
    format!("Invalid Semantic Version: {text:?}")
}

/// A version whose minor and patch may lack, and how many numbers were written. A leading `v` is fine.
fn parse(text: &str) -> Option<(Version, usize)> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (rest, build) = text.split_once('+').unwrap_or((text, ""));
    let (numbers, pre) = rest.split_once('-').unwrap_or((rest, ""));
    let mut parsed = [0_u64; 3];
    let mut written = 0;
    for number in numbers.split('.') {
        *parsed.get_mut(written)? = number.parse().ok()?;
        written += 1;
    }
    let version = Version {
        major: parsed[0],
        minor: parsed[1],
        patch: parsed[2],
        pre: Prerelease::new(pre).ok()?,
        build: BuildMetadata::new(build).ok()?,
    };
    Some((version, written))
}

/// One comparison, such as `>= 1.2`.
struct Constraint {
    operator: Operator,
    version: Version,
    /// How many numbers were written before a wildcard or the end.
    written: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Tilde,
    Caret,
}

const OPERATORS: &[(&str, Operator)] = &[
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterEqual),
    ("=>", Operator::GreaterEqual),
    ("<=", Operator::LessEqual),
    ("=<", Operator::LessEqual),
    ("~>", Operator::Tilde),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("=", Operator::Equal),
];

/// Constraints with commas or spaces between them: all have to hold. `1.2 - 2` is a range.
fn constraints(text: &str) -> Option<Vec<Constraint>> {
    if let Some((from, to)) = text.split_once(" - ") {
        let from = constraint(&format!(">={}", from.trim()))?;
        return Some(vec![from, constraint(&format!("<={}", to.trim()))?]);
    }
    let mut all = Vec::new();
    let mut pending = String::new();
    for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
        pending.push_str(word);
        // An operator may stand before a space.
        if word.ends_with(['=', '<', '>', '~', '^', '!']) {
            continue;
        }
        all.push(constraint(&std::mem::take(&mut pending))?);
    }
    (pending.is_empty() && !all.is_empty()).then_some(all)
}

fn constraint(text: &str) -> Option<Constraint> {
    let found = OPERATORS.iter().find(|(sign, _)| text.starts_with(sign));
    let (operator, rest) = match found {
        Some((sign, operator)) => (*operator, text[sign.len()..].trim()),
        None => (Operator::Equal, text),
    };
    let rest = rest.strip_prefix('v').unwrap_or(rest);
    let wildcard = |part: &str| matches!(part, "x" | "X" | "*");
    let (numbers, suffix) = match rest.find(['-', '+']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let parts: Vec<&str> = numbers.split('.').collect();
    let written = parts
        .iter()
        .position(|part| wildcard(part))
        .unwrap_or(parts.len());
    if parts.len() > 3 || !parts[written..].iter().all(|part| wildcard(part)) {
        return None;
    }
    let kept = if written == 0 {
        "0".to_owned()
    } else {
        parts[..written].join(".")
    };
    let (version, _) = parse(&format!("{kept}{suffix}"))?;
    Some(Constraint {
        operator,
        version,
        written,
    })
}

impl Constraint {
    fn allows(&self, version: &Version) -> bool {
        // A prerelease is only meant when the constraint has one.
        if !version.pre.is_empty() && self.version.pre.is_empty() {
            return false;
        }
        let order = version.cmp_precedence(&self.version);
        match self.operator {
            Operator::Greater if self.written < 3 => {
                order == Ordering::Greater && !self.same(version, self.written)
            }
            Operator::Greater => order == Ordering::Greater,
            Operator::GreaterEqual => order != Ordering::Less,
            Operator::Less => order == Ordering::Less,
            Operator::LessEqual => {
                order != Ordering::Greater || self.written < 3 && self.same(version, self.written)
            }
            Operator::Equal if self.written < 3 => self.same(version, self.written),
            Operator::Equal => order == Ordering::Equal,
            Operator::NotEqual if self.written < 3 => !self.same(version, self.written),
            Operator::NotEqual => order != Ordering::Equal,
            Operator::Tilde => order != Ordering::Less && self.same(version, self.written.min(2)),
            Operator::Caret => order != Ordering::Less && self.same(version, self.caret()),
        }
    }

    /// Whether so many numbers are the same.
    fn same(&self, version: &Version, count: usize) -> bool {
        let (own, other) = (&self.version, version);
        let pairs = [
            (own.major, other.major),
            (own.minor, other.minor),
            (own.patch, other.patch),
        ];
        pairs[..count.min(3)]
            .iter()
            .all(|(own, other)| own == other)
    }

    /// How many numbers `^` holds: up to the first that is not 0.
    fn caret(&self) -> usize {
        match (self.version.major, self.version.minor) {
            _ if self.written == 0 => 0,
            (1.., _) => 1,
            (0, _) if self.written == 1 => 1,
            (0, 1..) => 2,
            (0, 0) if self.written == 2 => 2,
            _ => 3,
        }
    }
}
