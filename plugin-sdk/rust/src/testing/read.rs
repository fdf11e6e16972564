//! The getters of the contract, read from a document in the core/v1 form.

use serde_json::Value;

pub(crate) fn text<'a>(document: &'a Value, pointer: &str) -> Option<&'a str> {
    document.pointer(pointer)?.as_str()
}

/// The first of the pointers that holds a string, other than an empty one.
pub(crate) fn first(document: &Value, pointers: &[&str]) -> String {
    let found = pointers
        .iter()
        .filter_map(|pointer| text(document, pointer))
        .find(|text| !text.is_empty());
    found.unwrap_or_default().to_owned()
}

pub(crate) fn id(document: &Value) -> String {
    format!(
        "{}/{}",
        first(document, &["/metadata/uid"]),
        first(document, &["/metadata/resourceVersion"])
    )
}

pub(crate) fn count(document: &Value) -> u32 {
    let counts = ["/count", "/series/count"]
        .into_iter()
        .filter_map(|pointer| document.pointer(pointer)?.as_u64());
    counts
        .filter(|count| *count > 0)
        .find_map(|count| u32::try_from(count).ok())
        .unwrap_or(1)
}

pub(crate) fn timestamp(document: &Value) -> u64 {
    let pointers = [
        "/series/lastObservedTime",
        "/lastTimestamp",
        "/eventTime",
        "/firstTimestamp",
        "/metadata/creationTimestamp",
    ];
    pointers
        .into_iter()
        .find_map(|pointer| milliseconds(text(document, pointer)?))
        .unwrap_or(0)
}

/// Milliseconds since the Unix epoch of a time as Kubernetes writes it: `2026-11-23T14:45:31Z`,
/// with or without a fraction, always in UTC.
fn milliseconds(time: &str) -> Option<u64> {
    let (date, clock) = time.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [year, month, day] = three(date, '-')?;
    let [hour, minute, second] = three(clock, ':')?;
    let thousandths: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let seconds = ((days(year, month, day)? * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1000 + thousandths)
}

fn three(text: &str, between: char) -> Option<[u64; 3]> {
    let mut numbers = text.split(between).map(|number| number.parse().ok());
    let three = [numbers.next()??, numbers.next()??, numbers.next()??];
    if numbers.next().is_none() {
        Some(three)
    } else {
        None
    }
}

/// Days since 1970-01-01, in the Gregorian calendar.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    const BEFORE_MONTH: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap_years_before = |year: u64| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let before_month = *BEFORE_MONTH.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    let leap_day = u64::from(leap && month > 2);
    let since_1970 =
        year.checked_sub(1970)? * 365 + leap_years_before(year) - leap_years_before(1970);
    Some(since_1970 + before_month + leap_day + day.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (time, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T00:00:00Z", Some(951_782_400_000)),
            ("2026-11-23T14:45:31Z", Some(1_795_445_131_000)),
            ("2026-11-23T14:45:31.012345Z", Some(1_795_445_131_012)),
            ("2026-11-23T14:45:31.5Z", Some(1_795_445_131_500)),
            ("2026-13-01T00:00:00Z", None),
            ("yesterday", None),
        ] {
            assert_eq!(milliseconds(time), expected, "{time}");
        }
    }

    #[test]
    fn the_first_that_says_something_counts() {
        let series = json!({"count": 0, "series": {"count": 7, "lastObservedTime": "1970-01-01T00:00:02Z"},
            "lastTimestamp": "1970-01-01T00:00:01Z"});
        assert_eq!((count(&series), timestamp(&series)), (7, 2000));
        let legacy = json!({"count": 3, "series": null, "lastTimestamp": null, "firstTimestamp": "1970-01-01T00:00:01Z"});
        assert_eq!((count(&legacy), timestamp(&legacy)), (3, 1000));
        assert_eq!(
            (count(&json!({})), timestamp(&json!({})), id(&json!({}))),
            (1, 0, "/".to_owned())
        );
    }
}
