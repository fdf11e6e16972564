//! A moment as Go's time.Time has it: since year 1, with an offset. Zones by name are not known,
//! only UTC and fixed offsets.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Which Go type a time is of: it decides the JSON form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeKind {
    /// time.Time
    Plain,
    /// metav1.Time: whole seconds in JSON.
    Meta,
    /// metav1.MicroTime: microseconds in JSON.
    Micro,
}

/// A moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    /// Seconds since 1970.
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
    /// The offset to UTC, in seconds.
    pub(crate) offset: i32,
    /// Whether the zone prints as `UTC`, not as its offset.
    pub(crate) utc: bool,
    pub(crate) kind: TimeKind,
}

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The seconds from year 1 to 1970.
const YEAR_ONE: i64 = -62_135_596_800;

/// What a time may be: years 0 to 9999, as JSON has them. A time without a date is in the year 0.
const SECONDS_MIN: i64 = -62_167_219_200;
const SECONDS_MAX: i64 = 253_402_207_200;

impl Time {
    /// Go's zero time.
    pub(crate) const ZERO: Time = Time::at(YEAR_ONE, 0);

    pub(crate) const fn at(seconds: i64, nanoseconds: u32) -> Self {
        Self {
            seconds,
            nanoseconds,
            offset: 0,
            utc: true,
            kind: TimeKind::Plain,
        }
    }

    pub(crate) fn now() -> Self {
        let now = jiff::Timestamp::now();
        Self::at(now.as_second(), now.subsec_nanosecond().unsigned_abs())
    }

    /// Seconds since 1970, held between the years 0 and 9999.
    pub(crate) fn from_seconds(seconds: i64) -> Self {
        Self::at(seconds.clamp(SECONDS_MIN, SECONDS_MAX), 0)
    }

    /// Kubernetes' own form. Offsets other than UTC become UTC, as in a container.
    pub(crate) fn parse_rfc3339(text: &str) -> Option<Self> {
        let at: jiff::Timestamp = text.parse().ok()?;
        let nanoseconds = at.as_nanosecond();
        let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).ok()?;
        let rest = u32::try_from(nanoseconds.rem_euclid(1_000_000_000)).ok()?;
        Some(Self::at(seconds, rest))
    }

    pub(crate) fn with_kind(mut self, kind: TimeKind) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) fn in_offset(mut self, offset: i32, utc: bool) -> Self {
        self.offset = offset;
        self.utc = utc;
        self
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.seconds == YEAR_ONE && self.nanoseconds == 0
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self.kind {
            TimeKind::Plain => "time.Time",
            TimeKind::Meta => "v1.Time",
            TimeKind::Micro => "v1.MicroTime",
        }
    }

    /// Date and clock at the time's offset.
    pub(crate) fn civil(&self) -> DateTime {
        let seconds = self.seconds.clamp(SECONDS_MIN, SECONDS_MAX);
        let nanoseconds = i32::try_from(self.nanoseconds).unwrap_or(0);
        let at = jiff::Timestamp::new(seconds, nanoseconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Offset::from_seconds(self.offset)
            .unwrap_or(Offset::UTC)
            .to_datetime(at)
    }

    /// The moment that a date and clock stand for at an offset.
    pub(crate) fn from_civil(civil: DateTime, offset: i32) -> Option<Self> {
        let zone = Offset::from_seconds(offset).ok()?;
        let at = zone.to_timestamp(civil).ok()?;
        let nanoseconds = at.as_nanosecond();
        let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).ok()?;
        let rest = u32::try_from(nanoseconds.rem_euclid(1_000_000_000)).ok()?;
        Some(Self::at(seconds, rest).in_offset(offset, offset == 0))
    }

    /// Nanoseconds since 1970; beyond 64 bits they wrap, as in Go.
    pub(crate) fn unix_nanoseconds(&self) -> i64 {
        self.seconds
            .wrapping_mul(1_000_000_000)
            .wrapping_add(i64::from(self.nanoseconds))
    }

    pub(crate) fn unix_milliseconds(&self) -> i64 {
        self.seconds
            .wrapping_mul(1000)
            .wrapping_add(i64::from(self.nanoseconds / 1_000_000))
    }

    /// This time and a duration in nanoseconds, held between the years 0 and 9999.
    pub(crate) fn add(mut self, nanoseconds: i64) -> Self {
        let sum = i128::from(self.seconds) * 1_000_000_000
            + i128::from(self.nanoseconds)
            + i128::from(nanoseconds);
        let seconds = i64::try_from(sum.div_euclid(1_000_000_000)).unwrap_or(YEAR_ONE);
        self.seconds = seconds.clamp(SECONDS_MIN, SECONDS_MAX);
        self.nanoseconds = u32::try_from(sum.rem_euclid(1_000_000_000)).unwrap_or(0);
        self
    }

    /// Nanoseconds from another time to this one, held in 64 bits as Go does.
    pub(crate) fn since(&self, other: &Time) -> i64 {
        let difference = i128::from(self.seconds - other.seconds) * 1_000_000_000
            + i128::from(self.nanoseconds)
            - i128::from(other.nanoseconds);
        i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
    }

    /// Cuts down to a multiple of a duration since the zero time.
    pub(crate) fn truncate(self, nanoseconds: i64) -> Self {
        if nanoseconds <= 0 {
            return self;
        }
        let since_zero =
            i128::from(self.seconds - YEAR_ONE) * 1_000_000_000 + i128::from(self.nanoseconds);
        let rest = since_zero.rem_euclid(i128::from(nanoseconds));
        self.add(-i64::try_from(rest).unwrap_or(0))
    }

    /// The day of the week, 0 for Sunday.
    pub(crate) fn weekday(&self) -> usize {
        let day = (self.seconds + i64::from(self.offset)).div_euclid(DAY);
        usize::try_from((day + 4).rem_euclid(7)).unwrap_or(0)
    }

    /// `UTC`, or the offset as `+0200`.
    pub(crate) fn zone(&self) -> String {
        if self.utc {
            return "UTC".to_owned();
        }
        self.offset_text("")
    }

    /// The offset as `+02:00`, with what stands between hours and minutes.
    pub(crate) fn offset_text(&self, between: &str) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.unsigned_abs() / 60;
        format!("{sign}{:02}{between}{:02}", minutes / 60, minutes % 60)
    }
}

/// A zone: UTC, or a fixed offset such as `+02:00`, `-0530`, `UTC+2`. Zones by name are not known.
pub(crate) fn zone_offset(name: &str) -> Option<i32> {
    if matches!(name, "" | "UTC" | "Local" | "GMT" | "Z") {
        return Some(0);
    }
    let text = name
        .strip_prefix("UTC")
        .or_else(|| name.strip_prefix("GMT"))
        .unwrap_or(name);
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, "0"),
    };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let valid = (0..=23).contains(&hours) && (0..=59).contains(&minutes);
    valid.then_some(sign * (hours * 3600 + minutes * 60))
}
