//! Arithmetic: integers of 64 bits that wrap, and floats.

use super::convert::{float, int};
use super::decimal::Decimal;
use crate::functions::{Arguments, Function, MANY, function};
use crate::limits::Budget;
use crate::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    function("add1", 1, 1, |_, arguments| {
        Ok(Value::int64(int(arguments.get(0)).wrapping_add(1)))
    }),
    function("add", 0, MANY, |_, arguments| {
        let sum = arguments
            .0
            .iter()
            .fold(0_i64, |sum, value| sum.wrapping_add(int(value)));
        Ok(Value::int64(sum))
    }),
    function("sub", 2, 2, |_, arguments| {
        Ok(Value::int64(
            int(arguments.get(0)).wrapping_sub(int(arguments.get(1))),
        ))
    }),
    function("mul", 1, MANY, |_, arguments| {
        let product = arguments
            .0
            .iter()
            .fold(1_i64, |product, value| product.wrapping_mul(int(value)));
        Ok(Value::int64(product))
    }),
    function("div", 2, 2, |_, arguments| {
        divide(arguments, i64::wrapping_div)
    }),
    function("mod", 2, 2, |_, arguments| {
        divide(arguments, i64::wrapping_rem)
    }),
    function("max", 1, MANY, |_, arguments| extreme(arguments, i64::max)),
    function("biggest", 1, MANY, |_, arguments| {
        extreme(arguments, i64::max)
    }),
    function("min", 1, MANY, |_, arguments| extreme(arguments, i64::min)),
    function("maxf", 1, MANY, |_, arguments| {
        extreme_float(arguments, f64::max)
    }),
    function("minf", 1, MANY, |_, arguments| {
        extreme_float(arguments, f64::min)
    }),
    function("ceil", 1, 1, |_, arguments| {
        Ok(Value::Float(float(arguments.get(0)).ceil()))
    }),
    function("floor", 1, 1, |_, arguments| {
        Ok(Value::Float(float(arguments.get(0)).floor()))
    }),
    function("round", 2, 3, round),
    function("add1f", 1, 1, |_, arguments| {
        decimal(
            float(arguments.get(0)),
            &[Value::int(1)],
            Decimal::add,
            |a, b| a + b,
        )
    }),
    function("addf", 0, MANY, |_, arguments| {
        decimal(0.0, arguments.0, Decimal::add, |a, b| a + b)
    }),
    function("subf", 1, MANY, |_, arguments| {
        decimal(
            float(arguments.get(0)),
            arguments.from(1),
            Decimal::sub,
            |a, b| a - b,
        )
    }),
    function("mulf", 1, MANY, |_, arguments| {
        decimal(
            float(arguments.get(0)),
            arguments.from(1),
            Decimal::mul,
            |a, b| a * b,
        )
    }),
    function("divf", 1, MANY, |_, arguments| {
        if arguments.from(1).iter().any(|value| float(value) == 0.0) {
            return Err("decimal division by 0".to_owned());
        }
        decimal(
            float(arguments.get(0)),
            arguments.from(1),
            Decimal::div,
            |a, b| a / b,
        )
    }),
    function("until", 1, 1, |budget, arguments| {
        let count = arguments.int(0)?;
        let numbers = numbers(budget, 0, count, if count < 0 { -1 } else { 1 })?;
        Ok(Value::list_of(
            "int",
            numbers.into_iter().map(Value::int).collect(),
        ))
    }),
    function("untilStep", 3, 3, |budget, arguments| {
        let numbers = numbers(
            budget,
            arguments.int(0)?,
            arguments.int(1)?,
            arguments.int(2)?,
        )?;
        Ok(Value::list_of(
            "int",
            numbers.into_iter().map(Value::int).collect(),
        ))
    }),
    function("seq", 0, MANY, sequence),
];

fn divide<'a>(arguments: &Arguments<'_, 'a>, by: fn(i64, i64) -> i64) -> Result<Value<'a>, String> {
    match int(arguments.get(1)) {
        0 => Err("integer divide by zero".to_owned()),
        divisor => Ok(Value::int64(by(int(arguments.get(0)), divisor))),
    }
}

fn extreme<'a>(
    arguments: &Arguments<'_, 'a>,
    choose: fn(i64, i64) -> i64,
) -> Result<Value<'a>, String> {
    let chosen = arguments.0.iter().map(int).reduce(choose);
    Ok(Value::int64(chosen.unwrap_or(0)))
}

fn extreme_float<'a>(
    arguments: &Arguments<'_, 'a>,
    choose: fn(f64, f64) -> f64,
) -> Result<Value<'a>, String> {
    let chosen = arguments.0.iter().map(float).reduce(choose);
    Ok(Value::Float(chosen.unwrap_or(0.0)))
}

fn round<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let round_on = match arguments.get(2) {
        Value::Nil => 0.5,
        given => float(given),
    };
    let power = 10_f64.powf(arguments.int(1)? as f64);
    let digit = power * float(arguments.get(0));
    let rounded = if digit.fract() >= round_on {
        digit.ceil()
    } else {
        digit.floor()
    };
    Ok(Value::Float(rounded / power))
}

/// Decimals as long as they hold, else floats.
fn decimal<'a>(
    first: f64,
    others: &[Value<'_>],
    exact: fn(Decimal, Decimal) -> Option<Decimal>,
    near: fn(f64, f64) -> f64,
) -> Result<Value<'a>, String> {
    let step = |sum: Decimal, value: &Value<'_>| exact(sum, Decimal::from_float(float(value))?);
    let exactly = Decimal::from_float(first)
        .and_then(|first| others.iter().try_fold(first, step))
        .and_then(Decimal::to_float);
    let nearly = || others.iter().map(float).fold(first, near);
    Ok(Value::Float(exactly.unwrap_or_else(nearly)))
}

/// From a number up or down to another, without it.
fn numbers(budget: &mut Budget, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, String> {
    let up = stop >= start;
    // A step of 0 downwards never ends in Go.
    if step == 0 || up != (step > 0) {
        return Ok(Vec::new());
    }
    let count = start.abs_diff(stop).div_ceil(step.unsigned_abs());
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    budget.steps(count)?;
    budget.memory(count.saturating_mul(size_of::<Value<'_>>()))?;
    Ok((0..count)
        .map(|at| start.wrapping_add(step.wrapping_mul(at as i64)))
        .collect())
}

fn sequence<'a>(budget: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let sign = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, end, step) = match arguments.len() {
        1 => (1, arguments.int(0)?, sign(1, arguments.int(0)?)),
        2 => (
            arguments.int(0)?,
            arguments.int(1)?,
            sign(arguments.int(0)?, arguments.int(1)?),
        ),
        3 => (arguments.int(0)?, arguments.int(2)?, arguments.int(1)?),
        _ => return Ok(Value::borrowed("")),
    };
    if end < start && step > 0 {
        return Ok(Value::borrowed(""));
    }
    let mut out = budget.output();
    let numbers = numbers(budget, start, end.saturating_add(sign(start, end)), step)?;
    for (at, number) in numbers.into_iter().enumerate() {
        out.push(if at > 0 { " " } else { "" })?;
        out.push(&number.to_string())?;
    }
    Ok(Value::text(out.into_string()))
}
