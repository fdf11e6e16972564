//! Times: of an event in nanoseconds, as Loki writes them in its answers, and as people read them.

use weir_plugin::{Event, host};

const NS_OF_SECOND: u64 = 1_000_000_000;
const SECONDS_OF_DAY: u64 = 86_400;
/// Where an event may say when it was last seen, in the order of the host's `timestamp`.
const PLACES: [&str; 5] = [
    "/series/lastObservedTime",
    "/lastTimestamp",
    "/eventTime",
    "/firstTimestamp",
    "/metadata/creationTimestamp",
];

/// When an event was last seen, in nanoseconds since the Unix epoch; now, where it does not say.
///
/// The host knows it to the millisecond. Times that Kubernetes writes with microseconds keep them, so that events
/// of one millisecond keep their order.
pub(crate) fn of_event(event: &Event) -> u64 {
    let ms = event.timestamp();
    if ms == 0 {
        return now();
    }
    let text = PLACES
        .iter()
        .find_map(|place| event.text(place).filter(|text| !text.is_empty()));
    let fine = text
        .and_then(|text| fraction(&text))
        // Another time than the one that the host has read has nothing to add.
        .filter(|ns| ns / 1_000_000 == ms % 1000);
    match fine {
        Some(ns) => ms / 1000 * NS_OF_SECOND + ns,
        None => ms.saturating_mul(1_000_000),
    }
}

/// The host's clock in nanoseconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    host::now().saturating_mul(1_000_000)
}

/// The nanoseconds behind the point of a time in UTC.
fn fraction(time: &str) -> Option<u64> {
    let digits = time.strip_suffix('Z')?.split_once('.')?.1;
    if digits.len() > 9 {
        return None;
    }
    format!("{digits:0<9}").parse().ok()
}

/// Seconds since the Unix epoch of what Go's `time.RFC3339` writes: `2026-11-23T14:45:31Z`, `…+02:00`.
pub(crate) fn seconds(time: &str) -> Option<u64> {
    let (date, rest) = time.split_once('T')?;
    let (clock, zone) = rest.split_at_checked(8)?;
    let [year, month, day] = three(date, '-')?;
    let [hour, minute, second] = three(clock, ':')?;
    let local = (days(year, month, day)? * 24 + hour) * 3600 + minute * 60 + second;
    if zone == "Z" {
        return Some(local);
    }
    let (sign, zone) = zone.split_at_checked(1)?;
    let (hours, minutes) = zone.split_once(':')?;
    let east = hours.parse::<u64>().ok()? * 3600 + minutes.parse::<u64>().ok()? * 60;
    match sign {
        "+" => local.checked_sub(east),
        "-" => Some(local + east),
        _ => None,
    }
}

fn three(text: &str, between: char) -> Option<[u64; 3]> {
    let mut numbers = text.split(between).map(|number| number.parse().ok());
    let three = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(three)
}

/// Days since 1970-01-01 of a date from then to 9999. Years begin in March, so that a leap day is their last.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let before = year * 365 + year / 4 - year / 100 + year / 400;
    (before + in_year).checked_sub(719_468)
}

/// As Kubernetes writes it, in UTC, with microseconds where there are any.
pub(crate) fn show(ns: u64) -> String {
    let (seconds, ns) = (ns / NS_OF_SECOND, ns % NS_OF_SECOND);
    let (day, clock) = (seconds / SECONDS_OF_DAY, seconds % SECONDS_OF_DAY);
    let (year, month, day) = date(day);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    let fraction = if ns == 0 {
        String::new()
    } else {
        format!(".{:06}", ns / 1000)
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// The date of a day since 1970-01-01: the other way of [`days`].
fn date(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let in_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * in_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    let year = era * 400 + year + u64::from(month <= 2);
    (year, month, in_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (time, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T00:00:00Z", Some(951_782_400)),
            ("2026-11-23T14:45:31Z", Some(1_795_445_131)),
            ("2026-11-23T16:45:31+02:00", Some(1_795_445_131)),
            ("2026-11-23T09:15:31-05:30", Some(1_795_445_131)),
            ("2026-13-01T00:00:00Z", None),
            ("1969-12-31T00:00:00Z", None),
            ("2026-11-23", None),
            ("2026-11-23T1", None),
        ] {
            assert_eq!(seconds(time), expected, "{time}");
        }
    }

    #[test]
    fn what_is_shown_is_read_again() {
        for second in [
            0,
            951_782_399,
            951_782_400,
            951_868_800,
            1_795_445_131,
            4_107_542_400,
        ] {
            let text = show(second * NS_OF_SECOND);
            assert_eq!(seconds(&text), Some(second), "{text}");
        }
        assert_eq!(
            show(1_795_445_131_012_345_000),
            "2026-11-23T14:45:31.012345Z"
        );
    }

    #[test]
    fn fractions_have_nine_digits() {
        assert_eq!(fraction("2026-11-23T14:45:31.012345Z"), Some(12_345_000));
        assert_eq!(fraction("2026-11-23T14:45:31Z"), None);
        assert_eq!(fraction("2026-11-23T14:45:31.0123456789Z"), None);
    }
}
