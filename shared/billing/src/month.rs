//! Calendar months in UTC: what Azure plans are billed by, and what a budget is for.

use planshift_domain::time::Timestamp;
use std::{fmt, str::FromStr};

/// A month, as `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// Months since January of the year 0.
    number: u32,
}

/// A text that is no month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a month, as 2026-11")]
pub struct InvalidMonth(pub String);

/// The last one: beyond the year 9999 there is no RFC 3339.
const LAST: u32 = 9_999 * 12 + 11;

impl Month {
    /// The one that an instant is in.
    pub fn of(at: Timestamp) -> Self {
        // as it is written: the years that can be written are all that there are
        let text = at.to_string();
        text.get(..7).and_then(|text| text.parse().ok()).unwrap_or(Self { number: 0 })
    }

    /// Its first instant.
    pub fn begins(self) -> Timestamp {
        format!("{self}-01T00:00:00Z").parse().unwrap_or(Timestamp::from_micros(0))
    }

    /// The first instant after it.
    pub fn ends(self) -> Timestamp {
        if self.number == LAST { Timestamp::from_micros(i64::MAX) } else { self.next().begins() }
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self { number: (self.number + 1).min(LAST) }
    }

    /// The one before it.
    #[must_use]
    pub const fn before(self) -> Self {
        Self { number: self.number.saturating_sub(1) }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.number / 12, self.number % 12 + 1)
    }
}

impl FromStr for Month {
    type Err = InvalidMonth;

    fn from_str(text: &str) -> Result<Self, InvalidMonth> {
        let read = || {
            let (year, month) = text.split_once('-')?;
            let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
            if !digits(year, 4) || !digits(month, 2) {
                return None;
            }
            let (year, month): (u32, u32) = (year.parse().ok()?, month.parse().ok()?);
            (1..=12).contains(&month).then(|| Self { number: year * 12 + month - 1 })
        };
        read().ok_or_else(|| InvalidMonth(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_and_ends_where_the_calendar_says() {
        for (at, month, begins, ends) in [
            ("2026-11-28T06:44:48Z", "2026-11", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            ("2026-12-31T23:59:59.999999Z", "2026-12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("2028-02-01T00:00:00Z", "2028-02", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "0001-01", "0001-01-01T00:00:00Z", "0001-02-01T00:00:00Z"),
        ] {
            let found = Month::of(at.parse().unwrap());
            assert_eq!(
                (found.to_string(), found.begins().to_string(), found.ends().to_string()),
                (month.into(), begins.into(), ends.into())
            );
            assert_eq!((found.next().before(), month.parse()), (found, Ok(found)));
        }
        for wrong in ["", "2026", "2026-13", "2026-00", "26-01", "2026-1", "2026-11-01", "+026-01", "2026/11"] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong:?}");
        }
        assert!(Month::of("9999-12-31T00:00:00Z".parse().unwrap()).ends() > "9999-12-31T23:59:59Z".parse().unwrap());
    }
}
