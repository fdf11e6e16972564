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
/// What Go's `time` takes for a part of a time, longest first.
const WORDS: [&str; 12] = [
    "January", "Monday", "2006", "002", "Jan", "Mon", "01", "02", "06", "15", "1", "2",
];
/// The other parts, which cannot name an index. None of them begins as one of the above.
const UNFIT: [&str; 17] = [
    "MST", "Z07", "-07", "03", "04", "05", "PM", "pm", "__2", "_2", ".0", ".9", ",0", ",9", "3",
    "4", "5",
];

/// Looks whether a layout can name an index.
///
/// # Errors
/// It holds a part of a time that cannot.
pub(crate) fn check(layout: &str) -> Result<(), String> {
    let mut rest = layout;
    while let Some(character) = rest.chars().next() {
        let Some(word) = word(rest) else {
            rest = &rest[character.len_utf8()..];
            continue;
        };
        if UNFIT.contains(&word) {
            return Err(format!(
                "`{word}` in a layout is no part of a time that can name an index: expected 2006, 06, 01, 1, Jan, \
                 January, 02, 2, 002, Mon, Monday or 15"
            ));
        }
        rest = &rest[word.len()..];
    }
    Ok(())
}

/// Appends a time in a layout, as Go's `time` does, but for names, which are in lower case as an index has to be.
pub(crate) fn write(layout: &str, time: &Time, out: &mut String) {
    let month = MONTHS[time.month - 1];
    let day_of_week = DAYS_OF_WEEK[time.day_of_week];
    let mut rest = layout;
    while let Some(character) = rest.chars().next() {
        let Some(word) = word(rest) else {
            out.push(character);
            rest = &rest[character.len_utf8()..];
            continue;
        };
        let (number, width) = match word {
            "2006" => (time.year, 4),
            "06" => (time.year % 100, 2),
            "01" => (time.month as u64, 2),
            "1" => (time.month as u64, 1),
            "02" => (time.day, 2),
            "2" => (time.day, 1),
            "002" => (time.day_of_year, 3),
            "15" => (time.millisecond_of_day / 3_600_000, 2),
            _ => (0, 0),
        };
        match word {
            "January" => out.push_str(month),
            "Jan" => out.push_str(&month[..3]),
            "Monday" => out.push_str(day_of_week),
            "Mon" => out.push_str(&day_of_week[..3]),
            _ => out.push_str(&format!("{number:0width$}")),
        }
        rest = &rest[word.len()..];
    }
}

/// The word that a text begins with, with Go's exceptions.
fn word(text: &str) -> Option<&'static str> {
    let mut words = WORDS.iter().chain(&UNFIT);
    let found = words.find(|word| {
        let Some(after) = text.strip_prefix(**word) else {
            return false;
        };
        match **word {
            // `January` and `Monday` came before: any other lower-case letter makes it another word.
            "Jan" | "Mon" => !after.starts_with(|c: char| c.is_ascii_lowercase()),
            // A literal `_`, then the year.
            "_2" => !after.starts_with("006"),
            // Zeros or nines are a fraction only where no other digit follows.
            ".0" | ",0" => ends_as_fraction(after, '0'),
            ".9" | ",9" => ends_as_fraction(after, '9'),
            _ => true,
        }
    });
    found.copied()
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

    fn check_text(text: &str, expected: &str) {
        let mut out = String::new();
        check(text).unwrap();
        write(text, &Time::new(LEAP_DAY_MS), &mut out);
        assert_eq!(out, expected, "{text}");
    }

    #[test]
    fn layouts_are_gos() {
        check_text("2006-01-02", "2024-02-29");
        check_text("2006.01", "2024.02");
        check_text("06.1.2", "24.2.29");
        check_text("2006_01_02", "2024_02_29");
        check_text("x_2006", "x_2024");
        check_text("2006-002", "2024-060");
        check_text("January-Jan", "february-feb");
        check_text("Monday-Mon", "thursday-thu");
        check_text("2006-01-02-15", "2024-02-29-23");
        check_text("Janet", "Janet");
        check_text("", "");
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
            let error = check(text).unwrap_err();
            assert!(error.starts_with(&format!("`{word}`")), "{text}: {error}");
        }
    }
}
