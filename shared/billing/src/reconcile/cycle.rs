//! Days and cycles as the legacy invoice counts them.
//!
//! The plan's invoice is for a calendar month of UTC days. The legacy one is for an anniversary month, whose days begin at 00:00-07:00: an hour
//! that begins before 07:00Z is of the day before. Such a day is written as the UTC midnight of its date, here and in files; [`begins`] tells
//! when it really began.
//!
//! Source: the domain's section 8 (28 Aug 00:00-07:00 → 27 Sep 00:00-07:00).

use crate::credit::day_of;
use planshift_domain::time::Timestamp;

/// How long after midnight UTC a day of the legacy invoice begins, in seconds.
pub const LATER: i64 = 7 * 3600;
/// A day in seconds.
const DAY: i64 = 24 * 3600;

/// The day of the legacy invoice that an instant is of.
///
/// It is for records of an hour. One of a whole UTC day is not split, and counts to the day of its date.
pub const fn cycle_day_of(instant: Timestamp) -> Timestamp {
    day_of(instant.plus_seconds(-LATER))
}

/// When a day of the legacy invoice begins.
pub const fn begins(day: Timestamp) -> Timestamp {
    day.plus_seconds(LATER)
}

/// The billing cycle that `day` falls to, where one begins with `anchor`: its first day, and the first one that is no longer of it.
pub fn cycle_of(day: Timestamp, anchor: Timestamp) -> (Timestamp, Timestamp) {
    let (_, _, of_month) = date_of(anchor);
    let (year, month, _) = date_of(day);
    let this = first_of_cycle(year, month, of_month);
    if this <= day { (this, first_of_cycle(year, month + 1, of_month)) } else { (first_of_cycle(year, month - 1, of_month), this) }
}

/// The first instant of a month in UTC, and of the next one, of a text as `2026-09`.
pub fn month(text: &str) -> Option<(Timestamp, Timestamp)> {
    let (year, month) = text.split_once('-')?;
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(year, 4) || !digits(month, 2) {
        return None;
    }
    let (year, month): (i64, i64) = (year.parse().ok()?, month.parse().ok()?);
    // the offers are younger, and what is far in the future is a slip of the pen
    ((2000..=2100).contains(&year) && (1..=12).contains(&month)).then(|| (midnight(year, month, 1), midnight(year, month + 1, 1)))
}

/// The month that an instant is in, as [`month`] reads it.
pub fn month_of(instant: Timestamp) -> String {
    let (year, month, _) = date_of(instant);
    format!("{year:04}-{month:02}")
}

/// Of a month without such a day, the cycle begins with its last one.
fn first_of_cycle(year: i64, month: i64, of_month: i64) -> Timestamp {
    let days = (midnight(year, month + 1, 1).as_micros() - midnight(year, month, 1).as_micros()) / (DAY * 1_000_000);
    midnight(year, month, of_month.min(days))
}

/// Midnight UTC of a date; months beyond 1 to 12 are of the years around.
const fn midnight(year: i64, month: i64, day: i64) -> Timestamp {
    let (year, month) = (year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12) + 1);
    // of years that begin in March, so that the day that some of them lack is their last
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Timestamp::from_micros(days * DAY * 1_000_000)
}

/// Year, month and day of an instant in UTC.
fn date_of(instant: Timestamp) -> (i64, i64, i64) {
    let text = instant.to_string();
    let mut parts = text.get(..10).unwrap_or_default().split('-').map(|part| part.parse().unwrap_or(1));
    let mut part = || parts.next().unwrap_or(1);
    (part(), part(), part())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }
    fn day(text: &str) -> Timestamp {
        at(&format!("{text}T00:00:00Z"))
    }

    #[test]
    fn an_hour_before_seven_is_of_the_day_before() {
        assert_eq!(cycle_day_of(at("2026-09-18T06:00:00Z")), day("2026-09-17"));
        assert_eq!(cycle_day_of(at("2026-09-18T07:00:00Z")), day("2026-09-18"));
        assert_eq!(begins(day("2026-09-18")), at("2026-09-18T07:00:00Z"));
    }

    #[test]
    fn a_cycle_begins_with_the_same_day_of_each_month() {
        let anchor = day("2026-08-28");
        assert_eq!(cycle_of(day("2026-09-27"), anchor), (day("2026-08-28"), day("2026-09-28")));
        assert_eq!(cycle_of(day("2026-09-28"), anchor), (day("2026-09-28"), day("2026-10-28")));
        assert_eq!(cycle_of(day("2027-01-05"), anchor), (day("2026-12-28"), day("2027-01-28")));
        let last = day("2026-08-31");
        assert_eq!(cycle_of(day("2027-03-01"), last), (day("2027-02-28"), day("2027-03-31")));
        assert_eq!(cycle_of(day("2028-02-29"), last), (day("2028-02-29"), day("2028-03-31")));
    }

    #[test]
    fn months_are_whole_and_follow_each_other() {
        assert_eq!(month("2026-09"), Some((day("2026-09-01"), day("2026-10-01"))));
        assert_eq!(month("2026-12").unwrap().1, month("2027-01").unwrap().0);
        assert_eq!(month("2028-02").unwrap().1, day("2028-03-01"));
        for wrong in ["2026-13", "2026-00", "26-09", "2026-9", "2026", "1999-01", "2026-09-01", "+026-09", "2026-0x"] {
            assert_eq!(month(wrong), None, "{wrong}");
        }
        let mut next = month("2000-01").unwrap().0;
        for year in 2000..=2100 {
            for of_year in 1..=12 {
                let (from, to) = month(&format!("{year}-{of_year:02}")).unwrap();
                assert_eq!((from, month_of(from)), (next, format!("{year}-{of_year:02}")));
                next = to;
            }
        }
    }
}
