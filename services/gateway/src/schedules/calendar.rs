//! The hours of a time zone as instants. Beside `domain`'s `time`, nothing else knows the calendar.
//!
//! What a clock shows is turned into an instant in one way that never goes backwards: a time that the clocks skip is the instant at which they
//! skip it, and of one that they show twice the first is meant. So a later time of day is never an earlier instant, and hours never
//! overlap. Hours of no length, all of which are skipped, are none.

use super::when::Weekday;
use jiff::{
    Timestamp as Instant,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, Offset, TimeZone},
};
use planshift_domain::time::Timestamp;

/// After so many days without hours there are none: a week has each day, and clocks skip some hours in a year.
const LONGEST_WAIT_DAYS: u32 = 60;

/// When something may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) opens_at: Timestamp,
    /// Nothing where no hours are given.
    pub(crate) closes_at: Option<Timestamp>,
}

/// The hours of a schedule.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    zone: TimeZone,
    date: Date,
    time: Option<Time>,
    window: Option<(Time, Time)>,
    days: Vec<Weekday>,
}

impl Calendar {
    pub(super) fn new(zone: TimeZone, (date, time): (Date, Option<Time>), window: Option<(Time, Time)>, days: &[Weekday]) -> Self {
        Self { zone, date, time, window, days: days.to_vec() }
    }

    /// The instant that was asked for, where a time of day was; and where no hours are given, the beginning of the date.
    pub(super) fn asked_for(&self) -> Option<Timestamp> {
        let time = if self.window.is_none() { Some(self.time.unwrap_or(Time::midnight())) } else { self.time };
        self.instant(DateTime::from_parts(self.date, time?))
    }

    /// All of them from the date that was asked for, in their order.
    pub(super) fn openings(&self) -> impl Iterator<Item = Opening> + '_ {
        // hours of the day before reach into this one
        let first = if self.time.is_some() { self.date.yesterday().unwrap_or(self.date) } else { self.date };
        let mut next = Some(first);
        std::iter::from_fn(move || {
            for _ in 0..LONGEST_WAIT_DAYS {
                let date = next?;
                next = date.tomorrow().ok();
                if let Some(opening) = self.opening_on(date) {
                    return Some(opening);
                }
            }
            None
        })
    }

    /// The hours that are open at `now`, or the first that open after it.
    pub(super) fn open_at_or_after(&self, now: Timestamp) -> Option<Opening> {
        let here = Instant::from_microsecond(now.as_micros()).ok()?;
        let yesterday = self.zone.to_datetime(here).date().yesterday().ok()?;
        // once the date that was asked for is over, its time of day keeps no hours back
        let time = self.time.filter(|_| self.window.is_none() || yesterday < self.date);
        let from = Self { date: self.date.max(yesterday), time, ..self.clone() };
        from.openings().find(|opening| opening.closes_at.unwrap_or(opening.opens_at) > now)
    }

    /// The hours that begin on this date, as far as they are not before what was asked for.
    fn opening_on(&self, date: Date) -> Option<Opening> {
        if !self.days.is_empty() && !self.days.contains(&Weekday::of(date)) {
            return None;
        }
        let at = |date: Date, time: Time| self.instant(DateTime::from_parts(date, time));
        let Some((from, to)) = self.window else {
            let opens_at = at(date, self.time.unwrap_or(Time::midnight()))?;
            return (date >= self.date).then_some(Opening { opens_at, closes_at: None });
        };
        let end = if to > from { date } else { date.tomorrow().ok()? };
        let (opens_at, closes_at) = (at(date, from)?, at(end, to)?);
        let opens_at = self.asked_for().map_or(opens_at, |asked| opens_at.max(asked));
        (opens_at < closes_at).then_some(Opening { opens_at, closes_at: Some(closes_at) })
    }

    /// The instant at which clocks show this.
    fn instant(&self, shown: DateTime) -> Option<Timestamp> {
        let by = |offset: Offset| offset.to_timestamp(shown).ok();
        let instant = match self.zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } => by(offset)?,
            AmbiguousOffset::Fold { before, .. } => by(before)?,
            // by the offset after it, it would be before the clocks are changed: the change is the first that follows
            AmbiguousOffset::Gap { after, .. } => self.zone.following(by(after)?).find(|change| change.offset() == after)?.timestamp(),
        };
        Some(Timestamp::from_micros(instant.as_microsecond()))
    }
}
