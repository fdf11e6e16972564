//! RFC 3339 to milliseconds, by hand: the only date format an event has.

/// Milliseconds since the Unix epoch, rounded down; 0 for what lies before it. `None` where the
/// text is no RFC 3339 date and time.
pub(crate) fn milliseconds(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let (date, rest) = bytes.split_first_chunk::<19>()?;
    let separators = [date[4], date[7], date[10], date[13], date[16]];
    if !matches!(separators, [b'-', b'-', b'T' | b't', b':', b':']) {
        return None;
    }
    let year = number(&date[0..4])?;
    let month = number(&date[5..7])?;
    let day = number(&date[8..10])?;
    let hour = number(&date[11..13])?;
    let minute = number(&date[14..16])?;
    let second = number(&date[17..19])?;
    if day < 1 || day > days_in(year, month)? || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction, zone) = fraction(rest)?;
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    let milliseconds = (seconds - offset_seconds(zone)?) * 1_000 + fraction;
    Some(u64::try_from(milliseconds).unwrap_or(0))
}

fn number(digits: &[u8]) -> Option<i64> {
    let mut number = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(digit - b'0');
    }
    Some(number)
}

fn days_in(year: i64, month: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar. Years start in March here, so that the leap day
/// is the last of its year.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The milliseconds of `.123456`, and what follows it.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = rest.strip_prefix(b".") else {
        return Some((0, rest));
    };
    let count = digits
        .iter()
        .take_while(|digit| digit.is_ascii_digit())
        .count();
    if count == 0 {
        return None;
    }
    let digit = |at: usize| {
        if at < count {
            i64::from(digits[at] - b'0')
        } else {
            0
        }
    };
    Some((digit(0) * 100 + digit(1) * 10 + digit(2), &digits[count..]))
}

fn offset_seconds(zone: &[u8]) -> Option<i64> {
    match zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), hours @ .., b':', ten, one] if hours.len() == 2 => {
            let (hours, minutes) = (number(hours)?, number(&[*ten, *one])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = hours * 3_600 + minutes * 60;
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    fn check(text: &str, expect: Option<u64>) {
        assert_eq!(milliseconds(text), expect, "{text}");
    }

    #[test]
    fn reads_what_kubernetes_writes() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("2026-11-23T14:45:31Z", Some(1_795_445_131_000));
        check("2026-11-23T14:45:31.123456Z", Some(1_795_445_131_123));
        check("2024-02-29T23:59:59.9Z", Some(1_709_251_199_900));
        check("2000-03-01T00:00:00Z", Some(951_868_800_000));
    }

    #[test]
    fn reads_offsets() {
        check("2026-11-23T16:45:31+02:00", Some(1_795_445_131_000));
        check("2026-11-23T09:15:31.5-05:30", Some(1_795_445_131_500));
        check("1969-12-31T23:59:59Z", Some(0));
        check("0001-01-01T00:00:00Z", Some(0));
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "null",
            "2026-11-23",
            "2026-11-23T14:45:31",
            "2026-11-23 14:45:31Z",
            "2026-13-01T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T14:45:31.Z",
            "2026-11-23T14:45:31Zx",
            "2026-11-23T14:45:31+0200",
            "2026-00-10T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "20é6-11-23T14:45:31Z",
        ] {
            check(text, None);
        }
    }
}
