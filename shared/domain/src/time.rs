//! Instants in UTC, to the microsecond, and the whole hours on which ownership changes.

use jiff::{Timestamp as Jiff, civil::DateTime, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr};

const MICROS_PER_HOUR: i64 = 3_600_000_000;

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

    /// This instant and `seconds` more.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
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

impl FromStr for Timestamp {
    type Err = InvalidTime;

    /// RFC 3339, up to nine fractional digits (truncated to microseconds); without a zone it is UTC.
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let invalid = || InvalidTime(text.to_owned());
        let shape = text.as_bytes();
        // a full date and a full time: "2019-10-01" alone or "10:00" without seconds is no RFC 3339 time
        if shape.len() < 19 || !matches!(shape[10], b'T' | b't' | b' ') || shape[16] != b':' || text.contains('[') {
            return Err(invalid());
        }
        let instant = match text.parse::<Jiff>() {
            Ok(instant) => instant,
            Err(_) => {
                let civil: DateTime = text.parse().map_err(|_| invalid())?;
                civil.to_zoned(TimeZone::UTC).map_err(|_| invalid())?.timestamp()
            }
        };
        Ok(Self(instant.as_microsecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Jiff::from_microsecond(self.0) {
            Ok(instant) => fmt::Display::fmt(&instant, f),
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
    fn the_next_whole_hour_is_strictly_after() {
        assert_eq!(at("2026-11-22T16:00:00Z").next_whole_hour(), at("2026-11-22T17:00:00Z"));
        assert_eq!(at("2026-11-22T15:59:59.999999Z").next_whole_hour(), at("2026-11-22T16:00:00Z"));
        assert_eq!(at("1969-12-31T23:30:00Z").next_whole_hour(), at("1970-01-01T00:00:00Z"));
        assert!(at("2026-11-22T16:00:00Z").is_whole_hour() && !at("2026-11-22T16:00:01Z").is_whole_hour());
    }
}
