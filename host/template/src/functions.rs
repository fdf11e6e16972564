//! The functions that templates know, by name: Go's own and sprig's.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::builtins;
use crate::limits::Budget;
use crate::sprig;
use crate::value::{List, Value};

/// What a function does.
pub(crate) type Call = for<'a> fn(&mut Budget, &Arguments<'_, 'a>) -> Result<Value<'a>, String>;

/// A function, and how many arguments it takes.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) least: usize,
    pub(crate) most: usize,
    pub(crate) call: Call,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

/// Any number of arguments.
pub(crate) const MANY: usize = usize::MAX;

/// A function of so many arguments.
pub(crate) const fn function(
    name: &'static str,
    least: usize,
    most: usize,
    call: Call,
) -> Function {
    Function {
        name,
        least,
        most,
        call,
    }
}

impl Function {
    /// Checks the number of arguments.
    pub(crate) fn check(&self, count: usize) -> Result<(), String> {
        if (self.least..=self.most).contains(&count) {
            return Ok(());
        }
        let (name, least, most) = (self.name, self.least, self.most);
        let want = match most {
            MANY => format!("at least {least}"),
            _ if least == most => least.to_string(),
            _ => format!("{least} to {most}"),
        };
        Err(format!(
            "wrong number of arguments for {name}: want {want}, got {count}"
        ))
    }
}

static FUNCTIONS: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    let mut all = HashMap::new();
    // sprig's come last: its `slice` replaces Go's, as in KEE.
    for table in std::iter::once(builtins::FUNCTIONS).chain(sprig::TABLES.iter().copied()) {
        for function in table {
            all.insert(function.name, function);
        }
    }
    all
});

/// The function of a name.
///
/// # Errors
/// The name is unknown (with the nearest known), or of a function that weir leaves out (with the reason).
pub(crate) fn find(name: &str) -> Result<&'static Function, String> {
    if let Some(function) = FUNCTIONS.get(name) {
        return Ok(function);
    }
    if let Some((_, reason)) = sprig::LEFT_OUT
        .iter()
        .find(|(left_out, _)| *left_out == name)
    {
        return Err(format!(
            "function {name:?} is not supported in weir: {reason}"
        ));
    }
    let nearest = FUNCTIONS
        .keys()
        .map(|known| {
            (
                strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase()),
                *known,
            )
        })
        .min();
    match nearest {
        Some((distance, known)) if distance <= name.len().div_ceil(3) => Err(format!(
            "function {name:?} is not defined; the nearest is {known:?}"
        )),
        _ => Err(format!(
            "function {name:?} is not defined; Go's template functions and sprig's are known"
        )),
    }
}

/// The arguments of a call.
pub(crate) struct Arguments<'s, 'a>(pub(crate) &'s [Value<'a>]);

impl<'s, 'a> Arguments<'s, 'a> {
    /// An argument of any type; an absent one is nil.
    pub(crate) fn get(&self, at: usize) -> &'s Value<'a> {
        self.0.get(at).unwrap_or(&Value::Nil)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All arguments from one on.
    pub(crate) fn from(&self, at: usize) -> &'s [Value<'a>] {
        self.0.get(at..).unwrap_or(&[])
    }

    pub(crate) fn text(&self, at: usize) -> Result<&'s str, String> {
        match self.get(at) {
            Value::Text(text) | Value::Bytes(text) => Ok(text),
            other => Err(wrong(at, "string", other)),
        }
    }

    pub(crate) fn int(&self, at: usize) -> Result<i64, String> {
        match self.get(at) {
            Value::Int(number, _) => Ok(*number),
            other => Err(wrong(at, "int", other)),
        }
    }

    pub(crate) fn bool(&self, at: usize) -> Result<bool, String> {
        match self.get(at) {
            Value::Bool(flag) => Ok(*flag),
            other => Err(wrong(at, "bool", other)),
        }
    }

    /// The items of a list of any type.
    pub(crate) fn list(&self, at: usize) -> Result<&'s List<'a>, String> {
        match self.get(at) {
            Value::List(list) => Ok(list),
            other => Err(wrong(at, "a list", other)),
        }
    }

    /// A map: a dict, or labels, which Go's sprig would refuse.
    pub(crate) fn map(&self, at: usize) -> Result<&'s Value<'a>, String> {
        match self.get(at) {
            map @ (Value::Map(_) | Value::Labels(_)) => Ok(map),
            other => Err(wrong(at, "map[string]interface {}", other)),
        }
    }

    /// A copy of a list's items.
    pub(crate) fn items(&self, at: usize) -> Result<Vec<Value<'a>>, String> {
        Ok(self.list(at)?.items.to_vec())
    }
}

fn wrong(at: usize, expected: &str, got: &Value<'_>) -> String {
    format!(
        "wrong type for argument {}: expected {expected}, got {}",
        at + 1,
        got.type_name()
    )
}
