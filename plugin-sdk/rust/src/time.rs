//! Times in UTC, of milliseconds since the Unix epoch and of texts as Kubernetes writes them.

const MILLISECONDS_A_DAY: u64 = 86_400_000;
const END_OF_9999: u64 = 253_402_300_799_999;

/// A time in UTC, by the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// From 1970 to 9999.
    pub year: u64,
    /// From 1.
    pub month: usize,
    /// From 1.
    pub day: u64,
    /// From 1.
    pub day_of_year: u64,
    /// From 0, which is a Thursday: so was 1970-01-01.
    pub day_of_week: usize,
    /// From 0.
    pub millisecond_of_day: u64,
}

impl Time {
    /// From milliseconds since the Unix epoch; times after the year 9999 are its end.
    #[must_use]
    pub fn new(milliseconds: u64) -> Time {
        let milliseconds = milliseconds.min(END_OF_9999);
        let days = milliseconds / MILLISECONDS_A_DAY;
        let (mut year, mut rest) = (1970 + days / 366, 0);
        // The estimate is too low by a few years at most.
        for candidate in year.. {
            let first = days_before(candidate);
            if first > days {
                break;
            }
            (year, rest) = (candidate, days - first);
        }
        let day_of_year = rest + 1;
        let mut month = 0;
        while rest >= days_of_month(year, month) {
            rest -= days_of_month(year, month);
            month += 1;
        }
        Time {
            year,
            month: month + 1,
            day: rest + 1,
            day_of_year,
            day_of_week: usize::try_from(days % 7).unwrap_or_default(),
            millisecond_of_day: milliseconds % MILLISECONDS_A_DAY,
        }
    }

    /// ISO 8601 with milliseconds: `2026-11-23T14:45:31.012Z`.
    #[must_use]
    pub fn iso(&self) -> String {
        let (seconds, thousandths) = (
            self.millisecond_of_day / 1000,
            self.millisecond_of_day % 1000,
        );
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{thousandths:03}Z",
            self.year,
            self.month,
            self.day,
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    }
}

/// Milliseconds since the Unix epoch of a time as Kubernetes writes it, always in UTC: `2026-11-23T14:45:31Z`.
#[must_use]
pub fn milliseconds(text: &str) -> Option<u64> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [year, month, day] = three(date, '-')?;
    let [hour, minute, second] = three(clock, ':')?;
    let thousandths: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let months = usize::try_from(month.checked_sub(1)?).ok()?;
    if !(1970..10_000).contains(&year) || months > 11 || day == 0 || hour > 23 {
        return None;
    }
    let before: u64 = (0..months).map(|month| days_of_month(year, month)).sum();
    let days = days_before(year) + before + day - 1;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + thousandths)
}

fn three(text: &str, between: char) -> Option<[u64; 3]> {
    let numbers: Option<Vec<u64>> = text.split(between).map(|part| part.parse().ok()).collect();
    numbers?.try_into().ok()
}

/// Days from 1970-01-01 to the first day of a year.
fn days_before(year: u64) -> u64 {
    let leap_years = |year: u64| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    (year - 1970) * 365 + leap_years(year) - leap_years(1970)
}

/// Of a month from 0; past the last of a year there is no end, so that no loop runs over it.
fn days_of_month(year: u64, month: usize) -> u64 {
    let is_leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        1 => 28 + u64::from(is_leap),
        3 | 5 | 8 | 10 => 30,
        0..=11 => 31,
        _ => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-02-29T23:05:09.070Z, a Thursday.
    const LEAP_DAY_MS: u64 = 1_709_247_909_070;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (milliseconds_since, iso) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (LEAP_DAY_MS, "2024-02-29T23:05:09.070Z"),
            (1_735_689_599_999, "2024-12-31T23:59:59.999Z"),
            (1_735_689_600_000, "2025-01-01T00:00:00.000Z"),
            (1_795_445_131_000, "2026-11-23T14:45:31.000Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (END_OF_9999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Time::new(milliseconds_since).iso(), iso);
            assert_eq!(milliseconds(iso), Some(milliseconds_since), "{iso}");
        }
        assert_eq!(Time::new(u64::MAX), Time::new(END_OF_9999));
        assert_eq!(
            milliseconds("2026-11-23T14:45:31Z"),
            Some(1_795_445_131_000)
        );
        for wrong in [
            "",
            "yesterday",
            "2026-13-01T00:00:00Z",
            "2026-11-23T14:45:31+01:00",
        ] {
            assert_eq!(milliseconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_is_the_day_after_the_one_before() {
        let (mut day, mut month, mut year) = (1, 1, 1970);
        for days in 0..146_097_u64 {
            let time = Time::new(days * MILLISECONDS_A_DAY);
            assert_eq!((time.day, time.month, time.year), (day, month, year));
            day += 1;
            if day > days_of_month(year, month - 1) {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
    }
}
