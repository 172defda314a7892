//! Rows divided over days, and what of them may begin now. Pure.

use super::calendar::{Calendar, Opening};
use planshift_domain::time::Timestamp;

/// A day that has no hours is late when it has not begun so long after its time: whoever looks, looks every second.
pub(super) const LATE_AFTER_SECONDS: i64 = 60;

/// A day of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    /// From 1.
    pub(crate) number: u32,
    pub(crate) opens_at: Timestamp,
    /// Nothing where no hours are given.
    pub(crate) closes_at: Option<Timestamp>,
    /// Its rows of the batch, by their numbers. None where the first is after the last.
    pub(crate) first_row: u32,
    pub(crate) last_row: u32,
    /// Those of them that waited when it was planned.
    pub(crate) rows: u32,
    pub(crate) begun_at: Option<Timestamp>,
}

impl Day {
    /// When its rows should have begun.
    pub(super) fn due_at(&self) -> Timestamp {
        self.closes_at.unwrap_or_else(|| self.opens_at.plus_seconds(LATE_AFTER_SECONDS))
    }

    /// How late something of it is that began at `then`, or has not begun by then; in seconds, nothing where it is in time.
    pub(crate) fn late_by(&self, then: Timestamp) -> Option<i64> {
        let since = self.closes_at.unwrap_or(self.opens_at);
        (then > self.due_at()).then(|| (then.as_micros() - since.as_micros()) / 1_000_000)
    }

    /// How late a row of it is: one of its rows where hours are given, else the day, behind which rows wait for each other.
    pub(crate) fn row_late_by(&self, began_at: Option<Timestamp>, waits: bool, now: Timestamp) -> Option<i64> {
        match self.closes_at {
            None => self.late_by(self.begun_at.unwrap_or(now)),
            Some(_) => began_at.or(waits.then_some(now)).and_then(|then| self.late_by(then)),
        }
    }
}

/// So many rows divided over so many days as evenly as can be, the larger days first. Fewer days where there are fewer rows.
pub(super) fn shares(rows: u32, days: u32) -> Vec<u32> {
    let days = days.min(rows).max(1);
    let (each, more) = (rows / days, rows % days);
    (0..days).map(|day| each + u32::from(day < more)).collect()
}

/// Rows that are to be divided: those that wait after the row `after`, of `all`.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    pub(super) after: u32,
    pub(super) all: u32,
    /// How many each day has, and the number of the last row of each.
    pub(super) shares: Vec<u32>,
    pub(super) ends: Vec<u32>,
}

/// The days for them, from this number on. All rows up to the last have a day: one that waits later, when it is tried again, has one too.
pub(super) fn planned(openings: &[Opening], rest: &Rest, first: u32) -> Vec<Day> {
    let mut days = Vec::with_capacity(rest.shares.len());
    let mut last = rest.after;
    for (index, (opening, rows)) in openings.iter().zip(&rest.shares).enumerate() {
        let is_last = index + 1 == rest.shares.len();
        let end = if is_last { rest.all } else { rest.ends.get(index).copied().unwrap_or(last) };
        days.push(Day {
            number: first + u32::try_from(index).unwrap_or(u32::MAX),
            opens_at: opening.opens_at,
            closes_at: opening.closes_at,
            first_row: last + 1,
            last_row: end,
            rows: *rows,
            begun_at: None,
        });
        last = end;
    }
    days
}

/// What there is to do for a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Rows up to this one may begin until it closes.
    Open { up_to: u32, closes_at: Option<Timestamp>, next_at: Option<Timestamp> },
    /// Nothing may, until then.
    Shut { next_at: Option<Timestamp> },
}

/// What is open now. What should have begun while nobody looked begins in the hours that are open now, or in the next.
pub(super) fn look(days: &[Day], calendar: &Calendar, now: Timestamp) -> Look {
    let ahead = days.iter().map(|day| day.opens_at).find(|opens_at| *opens_at > now);
    let Some(due) = days.iter().rfind(|day| day.opens_at <= now) else { return Look::Shut { next_at: ahead } };
    let after = |closes_at| ahead.or_else(|| calendar.open_at_or_after(closes_at).map(|next| next.opens_at.max(closes_at)));
    let open = |closes_at: Timestamp| Look::Open { up_to: due.last_row, closes_at: Some(closes_at), next_at: after(closes_at) };
    match due.closes_at {
        None => Look::Open { up_to: due.last_row, closes_at: None, next_at: ahead },
        Some(closes_at) if closes_at > now => open(closes_at),
        Some(_) if ahead.is_some() => Look::Shut { next_at: ahead },
        // its days are over, and rows are left: they begin in the hours that follow
        Some(_) => match calendar.open_at_or_after(now) {
            Some(Opening { opens_at, closes_at: Some(closes_at) }) if opens_at <= now => open(closes_at),
            next => Look::Shut { next_at: next.map(|next| next.opens_at) },
        },
    }
}
