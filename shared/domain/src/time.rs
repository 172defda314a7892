//! Instants in UTC, to the microsecond, and the whole hours on which ownership changes.

use jiff::{SignedDuration, civil::DateTime};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr};

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// The year 0 begins, the year 9999 ends: beyond that there is no RFC 3339, and nobody could read it.
const FIRST: i64 = -62_167_219_200_000_000;
const LAST: i64 = 253_402_300_799_999_999;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// An instant: microseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in UTC with `Z`, without a fraction where it has none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an RFC 3339 time")]
pub struct InvalidTime(pub String);

impl Timestamp {
    /// The instant that many microseconds after 1970 (before it where negative).
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This instant and `seconds` more; the first or the last that can be written, where that is beyond it.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        match self.0.saturating_add(seconds.saturating_mul(1_000_000)) {
            before if before < FIRST => Self(FIRST),
            after if after > LAST => Self(LAST),
            micros => Self(micros),
        }
    }

    /// The first whole UTC hour strictly after this instant.
    #[must_use]
    pub const fn next_whole_hour(self) -> Self {
        Self((self.0.div_euclid(MICROS_PER_HOUR) + 1) * MICROS_PER_HOUR)
    }

    /// Is it a whole UTC hour?
    pub const fn is_whole_hour(self) -> bool {
        self.0.rem_euclid(MICROS_PER_HOUR) == 0
    }

    /// Seconds from `earlier` to this instant.
    #[allow(clippy::cast_precision_loss, reason = "spans of years are exact to the microsecond")]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / 1e6
    }
}

/// How many seconds a length of time for people is: `90s`, `15m`, `2h 30m`, `1d`; a plain number is seconds.
pub fn seconds_of(text: &str) -> Option<i64> {
    let text = text.trim();
    text.parse().ok().or_else(|| match text.strip_suffix('d') {
        // days of 24 hours: there is no clock change in a length of time
        Some(days) => days.trim().parse::<i64>().ok()?.checked_mul(24 * 3600),
        None => text.parse::<SignedDuration>().ok().map(|length| length.as_secs()),
    })
}

impl FromStr for Timestamp {
    type Err = InvalidTime;

    /// RFC 3339, up to nine fractional digits (truncated to microseconds); without a zone it is UTC. The years 0 to 9999 of UTC.
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let instant = || {
            let (clock, east) = split_zone(text)?;
            let shown = clock.parse::<DateTime>().ok()?.duration_since(EPOCH) - SignedDuration::from_secs(east);
            let in_range = (0..=9999).contains(&EPOCH.checked_add(shown).ok()?.year());
            i64::try_from(shown.as_micros()).ok().filter(|_| in_range).map(Self)
        };
        instant().ok_or_else(|| InvalidTime(text.to_owned()))
    }
}

/// What the clock shows, and how many seconds east of UTC its zone is. `None` where it has not the shape of an RFC 3339 time:
/// "2019-10-01" alone, "10:00" without seconds, "+0200" without a colon.
fn split_zone(text: &str) -> Option<(&str, i64)> {
    const FULL: &[u8] = b"0000-00-00T00:00:00";
    let like = |(shape, byte): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        _ => shape == byte,
    };
    let (full, rest) = text.as_bytes().split_at_checked(FULL.len())?;
    if !FULL.iter().zip(full).all(like) {
        return None;
    }
    let (fraction, zone) = rest.split_at(rest.iter().position(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-')).unwrap_or(rest.len()));
    if !matches!(fraction, [] | [b'.', _, ..]) || !fraction.iter().skip(1).all(u8::is_ascii_digit) {
        return None;
    }
    let east = match zone {
        [] | [b'Z' | b'z'] => 0,
        [sign, digits @ ..] if digits.len() == 5 && b"00:00".iter().zip(digits).all(like) => {
            let number = |at: usize| i64::from((digits[at] - b'0') * 10 + (digits[at + 1] - b'0'));
            let (hours, minutes) = (number(0), number(3));
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 3600 + minutes * 60) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    text.split_at_checked(FULL.len() + fraction.len()).map(|(clock, _)| (clock, east))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // not as an instant of jiff's, which ends a day before the year 9999 does
        match EPOCH.checked_add(SignedDuration::from_micros(self.0)) {
            Ok(shown) => write!(f, "{shown}Z"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_for_people() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("2h 30m", 9000), (" 1d ", 86400), ("PT1M", 60)] {
            assert_eq!(seconds_of(text), Some(seconds), "{text}");
        }
        for text in ["", "x", "15 parsecs", "d", "1.5.2s"] {
            assert_eq!(seconds_of(text), None, "{text}");
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_read_with_and_without_a_zone() {
        assert_eq!(at("2026-11-22T16:00:00Z").to_string(), "2026-11-22T16:00:00Z");
        assert_eq!(at("2026-11-22T16:00:00"), at("2026-11-22T16:00:00Z"));
        assert_eq!(at("2026-11-22T17:30:00+01:30"), at("2026-11-22T16:00:00Z"));
        assert_eq!(at("2019-08-29T23:47:28.852455512Z").to_string(), "2019-08-29T23:47:28.852455Z");
        for wrong in ["", "2019-08-29", "2019-08-29T10:00Z", "2019-13-01T00:00:00Z", "yesterday", "2019-08-29T10:00:00.1234567891Z"] {
            assert!(wrong.parse::<Timestamp>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn whatever_is_added_can_be_written_and_read() {
        let now = at("2026-11-22T16:00:00Z");
        for (seconds, expected) in [
            (-809_723 * 86_400, "0000-01-01T00:00:00Z"),
            (i64::MIN, "0000-01-01T00:00:00Z"),
            (i64::MAX, "9999-12-31T23:59:59.999999Z"),
            (-3_600, "2026-11-22T15:00:00Z"),
        ] {
            let then = now.plus_seconds(seconds);
            assert_eq!((then.to_string().as_str(), at(expected)), (expected, then));
        }
    }

    #[test]
    fn only_the_zones_of_rfc_3339_are_read() {
        assert_eq!(at("2019-08-29t10:00:00.5-00:30"), at("2019-08-29T10:30:00.5Z"));
        for wrong in ["+0200", "+02", "+25:00", "+02:60", "+02:00:30", ",5Z", ".Z", "ZZ", " Z", "Z[UTC]", "\u{664}"] {
            assert!(format!("2019-08-29T10:00:00{wrong}").parse::<Timestamp>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_first_and_the_last_year_are_read_and_written() {
        for (text, same) in [
            ("9999-12-31T23:59:59.9999999", "9999-12-31T23:59:59.999999Z"),
            ("9999-12-31T23:59:59+02:00", "9999-12-31T21:59:59Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(at(text).to_string(), same);
            assert_eq!(at(same).to_string(), same);
        }
        for beyond in ["9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00"] {
            assert!(beyond.parse::<Timestamp>().is_err(), "{beyond}");
        }
    }

    #[test]
    fn the_next_whole_hour_is_strictly_after() {
        assert_eq!(at("2026-11-22T16:00:00Z").next_whole_hour(), at("2026-11-22T17:00:00Z"));
        assert_eq!(at("2026-11-22T15:59:59.999999Z").next_whole_hour(), at("2026-11-22T16:00:00Z"));
        assert_eq!(at("1969-12-31T23:30:00Z").next_whole_hour(), at("1970-01-01T00:00:00Z"));
        assert!(at("2026-11-22T16:00:00Z").is_whole_hour() && !at("2026-11-22T16:00:01Z").is_whole_hour());
    }
}
