//! Random texts and numbers, from the system's generator.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::functions::{Arguments, Function, function};
use crate::limits::Budget;
use crate::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    function("randAlphaNum", 1, 1, |budget, arguments| {
        text(budget, arguments, |byte| byte.is_ascii_alphanumeric())
    }),
    function("randAlpha", 1, 1, |budget, arguments| {
        text(budget, arguments, |byte| byte.is_ascii_alphabetic())
    }),
    function("randNumeric", 1, 1, |budget, arguments| {
        text(budget, arguments, |byte| byte.is_ascii_digit())
    }),
    function("randAscii", 1, 1, |budget, arguments| {
        text(budget, arguments, |byte| (b' '..=b'~').contains(byte))
    }),
    function("randBytes", 1, 1, |budget, arguments| {
        let mut bytes = vec![0; count(budget, arguments)?];
        fill(&mut bytes)?;
        Ok(Value::text(STANDARD.encode(bytes)))
    }),
    function("randInt", 2, 2, |_, arguments| {
        let (least, beyond) = (arguments.int(0)?, arguments.int(1)?);
        if beyond <= least {
            return Err(format!(
                "the second number has to be larger than the first: {least}, {beyond}"
            ));
        }
        let chosen = below(beyond.abs_diff(least))?;
        Ok(Value::int(least.wrapping_add_unsigned(chosen)))
    }),
    function("shuffle", 1, 1, |budget, arguments| {
        let mut characters: Vec<char> = arguments.text(0)?.chars().collect();
        budget.steps(characters.len())?;
        for at in (1..characters.len()).rev() {
            let other = usize::try_from(below(at as u64 + 1)?).unwrap_or(0);
            characters.swap(at, other);
        }
        Ok(Value::text(characters.into_iter().collect::<String>()))
    }),
    function("uuidv4", 0, 0, |_, _| {
        let mut bytes = [0; 16];
        fill(&mut bytes)?;
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let parts = [
            &digits[..8],
            &digits[8..12],
            &digits[12..16],
            &digits[16..20],
            &digits[20..],
        ];
        Ok(Value::text(parts.join("-")))
    }),
];

fn fill(bytes: &mut [u8]) -> Result<(), String> {
    getrandom::fill(bytes).map_err(|error| format!("no random numbers: {error}"))
}

/// A number below a bound. The bias of the remainder is below 2^-32 for the bounds of texts.
fn below(bound: u64) -> Result<u64, String> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes) % bound)
}

fn count(budget: &mut Budget, arguments: &Arguments<'_, '_>) -> Result<usize, String> {
    let count = usize::try_from(arguments.int(0)?).unwrap_or(0);
    budget.steps(count)?;
    budget.memory(count)?;
    Ok(count)
}

fn text<'a>(
    budget: &mut Budget,
    arguments: &Arguments<'_, 'a>,
    belongs: fn(&u8) -> bool,
) -> Result<Value<'a>, String> {
    let count = count(budget, arguments)?;
    let mut chosen = String::with_capacity(count);
    let mut bytes = [0; 256];
    while chosen.len() < count {
        fill(&mut bytes)?;
        let fitting = bytes.iter().map(|byte| byte & 127).filter(belongs);
        chosen.extend(fitting.take(count - chosen.len()).map(char::from));
    }
    Ok(Value::text(chosen))
}
