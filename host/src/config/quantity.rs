//! Sizes (`5MiB`) and durations (`1m30s`) as text. Pure; called by [`super::fields`].

use std::time::Duration;

/// What is expected where a size is.
pub(crate) const SIZE_EXPECTED: &str =
    "a size such as 32MiB, 5MB or 1048576 (KiB, MiB, GiB count 1024; kB, MB, GB 1000)";
/// What is expected where a duration is.
pub(crate) const DURATION_EXPECTED: &str = "a duration such as 500ms, 30s, 5m or 1h30m";

/// Reads a size: a whole number, then nothing (bytes) or a unit. `None` if it is none or too large.
pub(crate) fn size(text: &str) -> Option<usize> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: usize = text[..digits].parse().ok()?;
    let unit: usize = match text[digits..].trim_start() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// Writes a size the way one would write it in a configuration.
pub(crate) fn show_size(bytes: usize) -> String {
    for (unit, factor) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes >= factor && bytes.is_multiple_of(factor) {
            return format!("{}{unit}", bytes / factor);
        }
    }
    format!("{bytes}B")
}

/// Reads a duration as Go does: numbers with units, one after the other, or `0`. Negative ones are none.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total_ns: u128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let unit_ns: u128 = match &after[..unit_end] {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total_ns = total_ns.checked_add(part_ns(number, unit_ns)?)?;
        rest = &after[unit_end..];
    }
    let seconds = u64::try_from(total_ns / 1_000_000_000).ok()?;
    let nanoseconds = u32::try_from(total_ns % 1_000_000_000).ok()?;
    (!text.is_empty()).then(|| Duration::new(seconds, nanoseconds))
}

/// `1.5` of a unit, exactly; what is less than a nanosecond is cut off.
fn part_ns(number: &str, unit_ns: u128) -> Option<u128> {
    // Beyond nine digits nothing is left of an hour.
    const FRACTION_DIGITS_MOST: usize = 15;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: u128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let digits = fraction.get(..fraction.len().min(FRACTION_DIGITS_MOST))?;
    if fraction.contains('.') {
        return None;
    }
    let mut part = unit_ns;
    let mut sum = whole.checked_mul(unit_ns)?;
    let mut scale: u128 = 1;
    let mut value: u128 = 0;
    for digit in digits.bytes() {
        value = value * 10 + u128::from(digit - b'0');
        scale *= 10;
    }
    part = part.checked_mul(value)? / scale;
    sum = sum.checked_add(part)?;
    Some(sum)
}

/// Writes a duration the way one would write it in a configuration.
pub(crate) fn show_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    for (unit, factor) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
        if milliseconds >= factor && milliseconds.is_multiple_of(factor) {
            return format!("{}{unit}", milliseconds / factor);
        }
    }
    format!("{milliseconds}ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("0", Some(0)),
            ("17", Some(17)),
            ("17B", Some(17)),
            ("64KiB", Some(65_536)),
            ("32MiB", Some(33_554_432)),
            ("32 MiB", Some(33_554_432)),
            ("4GiB", Some(4_294_967_296)),
            ("100kB", Some(100_000)),
            ("5MB", Some(5_000_000)),
            ("", None),
            ("MiB", None),
            ("100k", None),
            ("32Mi", None),
            ("-1", None),
            ("1.5MiB", None),
            ("99999999999GiB", None),
        ] {
            assert_eq!(size(text), expected, "{text}");
        }
        assert_eq!(show_size(65_536), "64KiB");
        assert_eq!(show_size(1_000), "1000B");
    }

    #[test]
    fn durations() {
        for (text, expected_ms) in [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("500ms", Some(500)),
            ("1s", Some(1_000)),
            ("1.5s", Some(1_500)),
            (".5s", Some(500)),
            ("1h30m", Some(5_400_000)),
            ("90m", Some(5_400_000)),
            ("1000us", Some(1)),
            ("", None),
            ("5", None),
            ("5 s", None),
            ("-5s", None),
            ("5d", None),
            ("s", None),
            (".s", None),
            ("1.2.3s", None),
            ("99999999999999999999999999h", None),
        ] {
            assert_eq!(
                duration(text),
                expected_ms.map(Duration::from_millis),
                "{text}"
            );
        }
        assert_eq!(show_duration(Duration::from_secs(5_400)), "90m");
        assert_eq!(show_duration(Duration::from_millis(1_500)), "1500ms");
    }
}
