//! Go's time layouts: `2006-01-02T15:04:05.000Z07:00` says how a time is written and read.

use jiff::civil::{Date, DateTime, Time as Clock};

use crate::time::Time;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// One element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    LongMonth,
    ShortMonth,
    Month {
        zero: bool,
    },
    LongWeekday,
    ShortWeekday,
    Day {
        pad: Option<char>,
    },
    DayOfYear {
        pad: char,
    },
    Hour24,
    Hour12 {
        zero: bool,
    },
    Minute {
        zero: bool,
    },
    Second {
        zero: bool,
    },
    LongYear,
    ShortYear,
    AfterNoon {
        upper: bool,
    },
    ZoneName,
    /// `Z07:00` and its kin: `Z` for UTC, and what stands between hours and minutes.
    Offset {
        z: bool,
        between: Option<&'static str>,
    },
    /// A fraction of so many digits; trailing zeros go when it was written with nines.
    Fraction {
        digits: usize,
        trim: bool,
    },
}

/// The texts that are elements, the longer before those that they begin with.
const ELEMENTS: &[(&str, Element)] = &[
    ("January", Element::LongMonth),
    ("Jan", Element::ShortMonth),
    ("Monday", Element::LongWeekday),
    ("Mon", Element::ShortWeekday),
    ("MST", Element::ZoneName),
    ("002", Element::DayOfYear { pad: '0' }),
    ("01", Element::Month { zero: true }),
    ("02", Element::Day { pad: Some('0') }),
    ("03", Element::Hour12 { zero: true }),
    ("04", Element::Minute { zero: true }),
    ("05", Element::Second { zero: true }),
    ("06", Element::ShortYear),
    ("15", Element::Hour24),
    ("1", Element::Month { zero: false }),
    ("2006", Element::LongYear),
    ("2", Element::Day { pad: None }),
    ("__2", Element::DayOfYear { pad: ' ' }),
    ("_2", Element::Day { pad: Some(' ') }),
    ("3", Element::Hour12 { zero: false }),
    ("4", Element::Minute { zero: false }),
    ("5", Element::Second { zero: false }),
    ("PM", Element::AfterNoon { upper: true }),
    ("pm", Element::AfterNoon { upper: false }),
    (
        "-07:00",
        Element::Offset {
            z: false,
            between: Some(":"),
        },
    ),
    (
        "-0700",
        Element::Offset {
            z: false,
            between: Some(""),
        },
    ),
    (
        "-07",
        Element::Offset {
            z: false,
            between: None,
        },
    ),
    (
        "Z07:00",
        Element::Offset {
            z: true,
            between: Some(":"),
        },
    ),
    (
        "Z0700",
        Element::Offset {
            z: true,
            between: Some(""),
        },
    ),
    (
        "Z07",
        Element::Offset {
            z: true,
            between: None,
        },
    ),
];

/// Writes a time after a layout.
pub(crate) fn format(time: &Time, layout: &str) -> String {
    let civil = time.civil();
    let mut written = String::with_capacity(layout.len() + 8);
    let mut rest = layout;
    while let Some((before, element, after)) = next(rest) {
        written.push_str(before);
        write(&mut written, element, time, civil);
        rest = after;
    }
    written.push_str(rest);
    written
}

/// The first element of a layout: the text before it, the element, what comes after.
fn next(layout: &str) -> Option<(&str, Element, &str)> {
    for (at, character) in layout.char_indices() {
        let rest = &layout[at..];
        if matches!(character, '.' | ',')
            && let Some((element, length)) = fraction(rest)
        {
            return Some((&layout[..at], element, &rest[length..]));
        }
        if !matches!(
            character,
            'J' | 'M' | '0'..='6' | '_' | 'P' | 'p' | '-' | 'Z'
        ) {
            continue;
        }
        // `_2006` is a year after an underscore.
        if let Some(after) = rest.strip_prefix("_2006") {
            return Some((&layout[..at + 1], Element::LongYear, after));
        }
        let found = ELEMENTS.iter().find(|(text, element)| {
            let name = matches!(element, Element::ShortMonth | Element::ShortWeekday);
            let longer = rest.as_bytes().get(3).is_some_and(u8::is_ascii_lowercase);
            rest.starts_with(text) && !(name && longer)
        });
        if let Some((text, element)) = found {
            return Some((&layout[..at], *element, &rest[text.len()..]));
        }
    }
    None
}

/// `.000` or `.999` (or with a comma) that no digit follows.
fn fraction(rest: &str) -> Option<(Element, usize)> {
    let digit = rest
        .as_bytes()
        .get(1)
        .filter(|digit| matches!(digit, b'0' | b'9'))?;
    let digits = rest[1..].bytes().take_while(|byte| byte == digit).count();
    let ends = !rest
        .as_bytes()
        .get(1 + digits)
        .is_some_and(u8::is_ascii_digit);
    let element = Element::Fraction {
        digits: digits.min(9),
        trim: *digit == b'9',
    };
    ends.then_some((element, 1 + digits))
}

fn write(to: &mut String, element: Element, time: &Time, civil: DateTime) {
    let two = |number: i8| format!("{number:02}");
    let (month, hour) = (civil.month(), civil.hour());
    let month_name = MONTHS[usize::try_from(month - 1).unwrap_or(0) % 12];
    let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
    let text = match element {
        Element::LongMonth => month_name.to_owned(),
        Element::ShortMonth => month_name[..3].to_owned(),
        Element::Month { zero: true } => two(month),
        Element::Month { zero: false } => month.to_string(),
        Element::LongWeekday => DAYS[time.weekday()].to_owned(),
        Element::ShortWeekday => DAYS[time.weekday()][..3].to_owned(),
        Element::Day { pad: Some('0') } => two(civil.day()),
        Element::Day { pad: Some(_) } => format!("{:2}", civil.day()),
        Element::Day { pad: None } => civil.day().to_string(),
        Element::DayOfYear { pad: '0' } => format!("{:03}", civil.date().day_of_year()),
        Element::DayOfYear { .. } => format!("{:3}", civil.date().day_of_year()),
        Element::Hour24 => two(hour),
        Element::Hour12 { zero: true } => two(hour12),
        Element::Hour12 { zero: false } => hour12.to_string(),
        Element::Minute { zero: true } => two(civil.minute()),
        Element::Minute { zero: false } => civil.minute().to_string(),
        Element::Second { zero: true } => two(civil.second()),
        Element::Second { zero: false } => civil.second().to_string(),
        Element::LongYear => format!("{:04}", civil.year()),
        Element::ShortYear => format!("{:02}", civil.year().rem_euclid(100)),
        Element::AfterNoon { upper } => match (hour >= 12, upper) {
            (true, true) => "PM",
            (true, false) => "pm",
            (false, true) => "AM",
            (false, false) => "am",
        }
        .to_owned(),
        Element::ZoneName => time.zone(),
        Element::Offset { z: true, .. } if time.offset == 0 => "Z".to_owned(),
        Element::Offset {
            between: Some(between),
            ..
        } => time.offset_text(between),
        Element::Offset { between: None, .. } => time.offset_text("")[..3].to_owned(),
        Element::Fraction { digits, trim } => fraction_text(time, digits, trim),
    };
    to.push_str(&text);
}

fn fraction_text(time: &Time, digits: usize, trim: bool) -> String {
    let all = format!("{:09}", time.nanoseconds);
    let mut kept = &all[..digits];
    if trim {
        kept = kept.trim_end_matches('0');
    }
    if kept.is_empty() {
        return String::new();
    }
    format!(".{kept}")
}

/// What was read so far of a time.
struct Read {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    nanoseconds: i32,
    after_noon: Option<bool>,
    offset: i32,
}

/// Reads a time after a layout. A zone by name other than UTC counts as UTC.
pub(crate) fn parse(layout: &str, text: &str) -> Result<Time, String> {
    let failed = || format!("cannot parse \"{text}\" as a time of the layout \"{layout}\"");
    let mut read = Read {
        year: 0,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        nanoseconds: 0,
        after_noon: None,
        offset: 0,
    };
    let (mut layout_rest, mut rest) = (layout, text);
    while let Some((before, element, after)) = next(layout_rest) {
        rest = rest.strip_prefix(before).ok_or_else(failed)?;
        rest = read_element(&mut read, element, rest).ok_or_else(failed)?;
        // A fraction may follow the seconds without being in the layout.
        if matches!(element, Element::Second { .. })
            && !after.starts_with(['.', ','])
            && rest.starts_with(['.', ','])
            && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
        {
            rest = read_fraction(&mut read, rest).ok_or_else(failed)?;
        }
        layout_rest = after;
    }
    if rest != layout_rest {
        return Err(failed());
    }
    let hour = match read.after_noon {
        Some(true) if read.hour < 12 => read.hour + 12,
        Some(false) if read.hour == 12 => 0,
        _ => read.hour,
    };
    let date = Date::new(read.year, read.month, read.day).map_err(|_| failed())?;
    let clock =
        Clock::new(hour, read.minute, read.second, read.nanoseconds).map_err(|_| failed())?;
    Time::from_civil(date.to_datetime(clock), read.offset).ok_or_else(failed)
}

fn read_element<'t>(read: &mut Read, element: Element, text: &'t str) -> Option<&'t str> {
    match element {
        Element::LongMonth | Element::ShortMonth => {
            let (at, rest) = read_name(&MONTHS, element == Element::LongMonth, text)?;
            read.month = i8::try_from(at + 1).ok()?;
            return Some(rest);
        }
        Element::LongWeekday | Element::ShortWeekday => {
            return Some(read_name(&DAYS, element == Element::LongWeekday, text)?.1);
        }
        Element::AfterNoon { .. } => {
            let mark = text.get(..2)?;
            read.after_noon = Some(match mark {
                "PM" | "pm" => true,
                "AM" | "am" => false,
                _ => return None,
            });
            return Some(&text[2..]);
        }
        Element::ZoneName => {
            let length = text.bytes().take_while(u8::is_ascii_uppercase).count();
            return (length >= 3).then(|| &text[length..]);
        }
        Element::Offset { z, between } => return read_offset(read, z, between, text),
        Element::Fraction { .. } => {
            let written = text.starts_with(['.', ',']);
            return if written {
                read_fraction(read, text)
            } else {
                Some(text)
            };
        }
        _ => {}
    }
    read_number(read, element, text)
}

fn read_number<'t>(read: &mut Read, element: Element, text: &'t str) -> Option<&'t str> {
    let text = text
        .strip_prefix(' ')
        .filter(|_| matches!(element, Element::Day { .. }))
        .unwrap_or(text);
    let most = match element {
        Element::LongYear => 4,
        Element::DayOfYear { .. } => 3,
        _ => 2,
    };
    let digits = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    let exact = matches!(
        element,
        Element::LongYear
            | Element::ShortYear
            | Element::Month { zero: true }
            | Element::Day { pad: Some('0') }
            | Element::Hour12 { zero: true }
            | Element::Minute { zero: true }
            | Element::Second { zero: true }
    );
    if digits == 0 || exact && digits != most {
        return None;
    }
    let number: i16 = text[..digits].parse().ok()?;
    let small = i8::try_from(number).ok();
    match element {
        Element::LongYear => read.year = number,
        Element::ShortYear => read.year = if number >= 69 { 1900 } else { 2000 } + number,
        Element::Month { .. } => read.month = small?,
        Element::Day { .. } => read.day = small?,
        Element::Hour24 | Element::Hour12 { .. } => read.hour = small?,
        Element::Minute { .. } => read.minute = small?,
        Element::Second { .. } => read.second = small?,
        _ => return None,
    }
    Some(&text[digits..])
}

fn read_name<'t>(names: &[&str], long: bool, text: &'t str) -> Option<(usize, &'t str)> {
    names.iter().enumerate().find_map(|(at, name)| {
        let name = if long { name } else { &name[..3] };
        let found = text.get(..name.len())?.eq_ignore_ascii_case(name);
        found.then(|| (at, &text[name.len()..]))
    })
}

fn read_fraction<'t>(read: &mut Read, text: &'t str) -> Option<&'t str> {
    let digits = text[1..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return None;
    }
    let padded = format!("{:0<9}", &text[1..1 + digits.min(9)]);
    read.nanoseconds = padded.parse().ok()?;
    Some(&text[1 + digits..])
}

fn read_offset<'t>(
    read: &mut Read,
    z: bool,
    between: Option<&str>,
    text: &'t str,
) -> Option<&'t str> {
    if z && let Some(rest) = text.strip_prefix('Z') {
        return Some(rest);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let two = |at: usize| -> Option<i32> { text.get(at..at + 2)?.parse().ok() };
    let hours = two(1)?;
    let (minutes, end) = match between {
        None => (0, 3),
        Some(between) => {
            let rest = text.get(3..)?;
            rest.starts_with(between).then_some(())?;
            (two(3 + between.len())?, 5 + between.len())
        }
    };
    read.offset = sign * (hours * 3600 + minutes * 60);
    text.get(end..)
}
