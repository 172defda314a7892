//! Times and dates as usage files have them.

use planshift_domain::time::Timestamp;

/// A day has so many seconds: usage is kept in UTC, which has no clock changes.
pub(super) const DAY: i64 = 24 * 3600;

/// RFC 3339 with or without an offset (then UTC), a plain date, or the American way: `9/18/2026`, with a time of day after it where there is
/// one (`9/18/2026 10:00:00 AM`). A date is its first instant in UTC.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let bytes = text.as_bytes();
    if bytes.len() == 10 && bytes.get(4) == Some(&b'-') {
        return format!("{text}T00:00:00Z").parse().ok();
    }
    american(text)
}

fn american(text: &str) -> Option<Timestamp> {
    let (date, clock) = match text.split_once(' ') {
        Some((date, clock)) => (date, Some(clock.trim())),
        None => (text, None),
    };
    let mut parts = date.split('/');
    let (month, day, year) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?, number(parts.next()?, 4)?);
    if parts.next().is_some() || year < 1000 {
        return None;
    }
    let (hour, minute, second) = clock.map_or(Some((0, 0, 0)), of_day)?;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z").parse().ok()
}

/// `10:00`, `10:00:00`, `10:00:00 PM`.
fn of_day(clock: &str) -> Option<(u32, u32, u32)> {
    let (clock, half) = match clock.split_once(' ') {
        Some((clock, half)) => (clock, Some(half.trim().to_ascii_uppercase())),
        None => (clock, None),
    };
    let mut parts = clock.split(':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |text| number(text, 2))?;
    let hour = match half.as_deref() {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some("AM") => hour % 12,
        Some("PM") => hour % 12 + 12,
        Some(_) => return None,
    };
    parts.next().is_none().then_some((hour, minute, second))
}

fn number(text: &str, digits: usize) -> Option<u32> {
    (!text.is_empty() && text.len() <= digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_real_files_have_them() {
        for (text, same) in [
            ("2026-09-18T10:00:00Z", "2026-09-18T10:00:00Z"),
            ("2026-09-18T10:00:00", "2026-09-18T10:00:00Z"),
            ("2026-09-18T10:00:00-07:00", "2026-09-18T17:00:00Z"),
            ("2026-09-18 10:00:00", "2026-09-18T10:00:00Z"),
            ("2026-09-18", "2026-09-18T00:00:00Z"),
            ("9/18/2026", "2026-09-18T00:00:00Z"),
            ("09/08/2026", "2026-09-08T00:00:00Z"),
            ("9/18/2026 12:00:00 AM", "2026-09-18T00:00:00Z"),
            ("9/18/2026 1:30:05 PM", "2026-09-18T13:30:05Z"),
            ("9/18/2026 13:30", "2026-09-18T13:30:00Z"),
        ] {
            assert_eq!(time(text).map(|time| time.to_string()).as_deref(), Some(same), "{text}");
        }
        for wrong in [
            "",
            "18/9/2026",
            "9/18/26",
            "2/30/2026",
            "9/18/2026 13:00 PM",
            "9/18/2026 25:00",
            "yesterday",
            "2026-9-18",
            "9/18/2026/1",
            "9-18-2026",
        ] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }
}
