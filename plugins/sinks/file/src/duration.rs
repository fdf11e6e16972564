//! Durations as the rest of a configuration has them, in whole minutes.

use weir_plugin::Result;

/// Minutes of a text such as `24h`, `90m` or `1h30m`; 0 only for `0`.
///
/// # Errors
/// It is no duration, no whole number of minutes, or longer than 8,000 years.
pub(crate) fn minutes(text: &str) -> Result<u32> {
    let expected = "expected a duration such as 24h or 30m";
    let seconds = seconds(text)
        .ok_or_else(|| format!("rotateEvery: `{text}` is too long or none, {expected}"))?;
    if !seconds.is_multiple_of(60) {
        Err(format!(
            "rotateEvery: `{text}` is no whole number of minutes, {expected}"
        ))?;
    }
    u32::try_from(seconds / 60)
        .map_err(|_| format!("rotateEvery: `{text}` is too long or none, {expected}").into())
}

fn seconds(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let unit = match after.as_bytes()[0] {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            _ => return None,
        };
        let part = number.parse::<u64>().ok()?.checked_mul(unit)?;
        total = total.checked_add(part)?;
        rest = &after[1..];
    }
    if text.is_empty() { None } else { Some(total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<u32>) {
        assert_eq!(minutes(text).ok(), expected, "{text}");
    }

    #[test]
    fn durations_are_whole_minutes() {
        check("0", Some(0));
        check("30m", Some(30));
        check("24h", Some(1440));
        check("1h30m", Some(90));
        check("120s", Some(2));
        for wrong in [
            "",
            "24",
            "h",
            "1d",
            "1.5h",
            "90s",
            "-1h",
            "1h 30m",
            "99999999999h",
            "ü",
        ] {
            check(wrong, None);
        }
    }
}
