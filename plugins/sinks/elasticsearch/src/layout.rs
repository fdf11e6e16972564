//! Layouts of Go's `time`, as far as they name indices.

use weir_plugin::time::Time;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// 1970-01-01 was a Thursday.
const DAYS_OF_WEEK: [&str; 7] = [
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
];

/// A part of a layout; numbers with their width. Names are in lower case, as an index has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Year,
    YearOfCentury,
    Month(usize),
    MonthName,
    MonthShort,
    Day(usize),
    DayOfYear,
    DayName,
    DayShort,
    Hour,
}

/// Appends a part of a layout.
pub(crate) fn write(time: &Time, part: &Part, out: &mut String) {
    let month = MONTHS[time.month - 1];
    let day_of_week = DAYS_OF_WEEK[time.day_of_week];
    match part {
        Part::Text(text) => out.push_str(text),
        Part::Year => out.push_str(&format!("{:04}", time.year)),
        Part::YearOfCentury => out.push_str(&format!("{:02}", time.year % 100)),
        Part::Month(width) => out.push_str(&format!("{:0width$}", time.month)),
        Part::MonthName => out.push_str(month),
        Part::MonthShort => out.push_str(&month[..3]),
        Part::Day(width) => out.push_str(&format!("{:0width$}", time.day)),
        Part::DayOfYear => out.push_str(&format!("{:03}", time.day_of_year)),
        Part::DayName => out.push_str(day_of_week),
        Part::DayShort => out.push_str(&day_of_week[..3]),
        Part::Hour => out.push_str(&format!("{:02}", time.millisecond_of_day / 3_600_000)),
    }
}

/// What Go's `time` takes for a part of a time, longest first. None: it cannot name an index.
const WORDS: &[(&str, Option<Part>)] = &[
    ("January", Some(Part::MonthName)),
    ("Monday", Some(Part::DayName)),
    ("2006", Some(Part::Year)),
    ("002", Some(Part::DayOfYear)),
    ("Jan", Some(Part::MonthShort)),
    ("Mon", Some(Part::DayShort)),
    ("MST", None),
    ("Z07", None),
    ("-07", None),
    ("__2", None),
    ("01", Some(Part::Month(2))),
    ("02", Some(Part::Day(2))),
    ("03", None),
    ("04", None),
    ("05", None),
    ("06", Some(Part::YearOfCentury)),
    ("15", Some(Part::Hour)),
    ("PM", None),
    ("pm", None),
    ("_2", None),
    (".0", None),
    (".9", None),
    (",0", None),
    (",9", None),
    ("1", Some(Part::Month(1))),
    ("2", Some(Part::Day(1))),
    ("3", None),
    ("4", None),
    ("5", None),
];

/// Reads a layout as Go's `time` does.
///
/// # Errors
/// It holds a part of a time that cannot name an index.
pub(crate) fn read(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let Some((word, part)) = word(rest) else {
            literal.push(character);
            rest = &rest[character.len_utf8()..];
            continue;
        };
        let part = part.clone().ok_or_else(|| {
            format!(
                "`{word}` in a layout is no part of a time that can name an index: expected 2006, 06, 01, 1, Jan, \
                 January, 02, 2, 002, Mon, Monday or 15"
            )
        })?;
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal)));
        }
        parts.push(part);
        rest = &rest[word.len()..];
    }
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(parts)
}

/// The word that a text begins with, with Go's exceptions.
fn word(text: &str) -> Option<&'static (&'static str, Option<Part>)> {
    WORDS.iter().find(|(word, _)| {
        let Some(after) = text.strip_prefix(word) else {
            return false;
        };
        match *word {
            // `January` and `Monday` came before: any other lower-case letter makes it another word.
            "Jan" | "Mon" => !after.starts_with(|c: char| c.is_ascii_lowercase()),
            // A literal `_`, then the year.
            "_2" => !after.starts_with("006"),
            // Zeros or nines are a fraction only where no other digit follows.
            ".0" | ",0" => ends_as_fraction(after, '0'),
            ".9" | ",9" => ends_as_fraction(after, '9'),
            _ => true,
        }
    })
}

fn ends_as_fraction(after: &str, digit: char) -> bool {
    let rest = after.trim_start_matches(digit);
    !rest.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-02-29T23:05:09.070Z, a Thursday.
    const LEAP_DAY_MS: u64 = 1_709_247_909_070;

    fn check(text: &str, expected: &str) {
        let mut out = String::new();
        for part in read(text).unwrap() {
            write(&Time::new(LEAP_DAY_MS), &part, &mut out);
        }
        assert_eq!(out, expected, "{text}");
    }

    #[test]
    fn layouts_are_gos() {
        check("2006-01-02", "2024-02-29");
        check("2006.01", "2024.02");
        check("06.1.2", "24.2.29");
        check("2006_01_02", "2024_02_29");
        check("x_2006", "x_2024");
        check("2006-002", "2024-060");
        check("January-Jan", "february-feb");
        check("Monday-Mon", "thursday-thu");
        check("2006-01-02-15", "2024-02-29-23");
        check("Janet", "Janet");
        check("", "");
    }

    #[test]
    fn what_cannot_name_an_index_is_refused() {
        for (text, word) in [
            ("15:04", "04"),
            ("2006 PM", "PM"),
            ("02.000", ".0"),
            ("MST", "MST"),
            ("_2", "_2"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(&format!("`{word}`")), "{text}: {error}");
        }
    }
}
