//! When a schedule is to be, as it is asked for: a date or a local time in a time zone, hours, days of the week, over how many days.

use super::calendar::{Calendar, Opening};
use jiff::{
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use planshift_domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// How far ahead a schedule may reach: nobody knows the rules of a time zone for longer, nor the offers.
pub(crate) const HORIZON_DAYS: i64 = 731;
/// Over how many days a schedule may be spread: a day for each of a year.
pub(crate) const MOST_DAYS: u32 = 366;
/// The seconds of a day.
const DAY: i64 = 24 * 3600;

/// When it is to be. As it was asked for, in one spelling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct When {
    /// A date, or a date and a time of day, as clocks of the time zone show it.
    pub(crate) at: String,
    /// The time zone's name in the IANA database.
    pub(crate) time_zone: String,
    /// The hours in which something may begin; nothing: all of them, from the time of day on.
    pub(crate) window: Option<Window>,
    /// The days of the week on which hours may begin; none: all of them.
    pub(crate) days: Vec<Weekday>,
    /// Over how many days.
    pub(crate) spread: u32,
}

/// Hours of a day, as clocks of the time zone show them. Where `to` is not after `from`, it is on the next day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Window {
    pub(crate) from: String,
    pub(crate) to: String,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub(crate) enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    pub(crate) const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Monday => "Monday",
            Self::Tuesday => "Tuesday",
            Self::Wednesday => "Wednesday",
            Self::Thursday => "Thursday",
            Self::Friday => "Friday",
            Self::Saturday => "Saturday",
            Self::Sunday => "Sunday",
        }
    }

    /// The one of that name, in any case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|day| day.name().eq_ignore_ascii_case(name.trim()))
    }

    /// Which day of the week a date is.
    pub(super) fn of(date: Date) -> Self {
        Self::ALL[usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default()]
    }
}

/// What is wrong with a time that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WrongWhen {
    #[error("{0:?} is no local date or time")]
    At(String),
    #[error("{0:?} is no time zone")]
    TimeZone(String),
    #[error("{0:?} is no time of day")]
    Hour(String),
    #[error("hours that begin and end at the same time")]
    NoHours,
    #[error("a window never opens on these days")]
    Never,
    /// When it would have begun.
    #[error("{0} is past")]
    Past(Timestamp),
    /// When its last day would begin.
    #[error("{0} is too far ahead")]
    TooFar(Timestamp),
}

impl When {
    /// One that can be, whenever it is.
    pub(crate) fn try_new(
        at: &str,
        time_zone: &str,
        window: Option<(&str, &str)>,
        mut days: Vec<Weekday>,
        spread: u32,
    ) -> Result<Self, WrongWhen> {
        let at = at.trim();
        let (date, time) = local(at).ok_or_else(|| WrongWhen::At(at.to_owned()))?;
        let zone = zone(time_zone.trim())?;
        let window = window.map(|(from, to)| {
            let hour = |text: &str| hour(text.trim()).ok_or_else(|| WrongWhen::Hour(text.to_owned()));
            let (from, to) = (hour(from)?, hour(to)?);
            if from == to {
                return Err(WrongWhen::NoHours);
            }
            Ok(Window { from: shown(from), to: shown(to) })
        });
        days.sort_unstable();
        days.dedup();
        let at = time.map_or_else(|| date.to_string(), |time| DateTime::from_parts(date, time).to_string());
        let time_zone = zone.iana_name().unwrap_or(time_zone).to_owned();
        Ok(Self { at, time_zone, window: window.transpose()?, days, spread })
    }

    /// Its hours as instants.
    pub(crate) fn calendar(&self) -> Result<Calendar, WrongWhen> {
        let (date, time) = local(&self.at).ok_or_else(|| WrongWhen::At(self.at.clone()))?;
        let zone = zone(&self.time_zone)?;
        let read = |text: &str| hour(text).ok_or_else(|| WrongWhen::Hour(text.to_owned()));
        let window = self.window.as_ref().map(|window| Ok::<_, WrongWhen>((read(&window.from)?, read(&window.to)?))).transpose()?;
        Ok(Calendar::new(zone, (date, time), window, &self.days))
    }

    /// When each of its days opens and closes, for as many as it is spread over, the first of which is not past at `now`.
    pub(crate) fn openings(&self, now: Timestamp) -> Result<Vec<Opening>, WrongWhen> {
        let calendar = self.calendar()?;
        let openings: Vec<Opening> = calendar.openings().take(self.spread as usize).collect();
        let (Some(first), Some(last)) = (openings.first(), openings.last()) else { return Err(WrongWhen::Never) };
        // hours of a date that have begun are not past as long as they last: a time of day that is given is
        let past = match calendar.asked_for() {
            Some(asked) => asked < now,
            None => first.closes_at.unwrap_or(first.opens_at) <= now,
        };
        if past {
            return Err(WrongWhen::Past(calendar.asked_for().unwrap_or(first.opens_at)));
        }
        if last.opens_at > now.plus_seconds(HORIZON_DAYS * DAY) {
            return Err(WrongWhen::TooFar(last.opens_at));
        }
        if openings.len() < self.spread as usize {
            return Err(WrongWhen::Never);
        }
        Ok(openings)
    }
}

/// A date, or a date and a time of day: nothing that says how far from UTC it is, which the time zone does.
fn local(text: &str) -> Option<(Date, Option<Time>)> {
    let is_like = |shape: &str| {
        shape.len() == text.len()
            && shape.bytes().zip(text.bytes()).all(|(shape, byte)| if shape == b'0' { byte.is_ascii_digit() } else { shape == byte })
    };
    if is_like("0000-00-00") {
        return Some((text.parse().ok()?, None));
    }
    if !is_like("0000-00-00T00:00") && !is_like("0000-00-00T00:00:00") {
        return None;
    }
    let (date, time) = text.split_once('T')?;
    Some((date.parse().ok()?, Some(clock(time)?)))
}

/// A time of day, as 22:00.
fn hour(text: &str) -> Option<Time> {
    let [tens, ones, b':', rest @ ..] = text.as_bytes() else { return None };
    let is_plain = [tens, ones].into_iter().chain(rest).all(u8::is_ascii_digit) && rest.len() == 2;
    is_plain.then(|| clock(text)).flatten()
}

/// What a clock shows, with or without seconds. It shows no 60th second.
fn clock(text: &str) -> Option<Time> {
    let mut parts = text.split(':').map(|part| part.parse::<i8>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    Time::new(hours, minutes, parts.next().unwrap_or(Some(0))?, 0).ok()
}

fn shown(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// The time zones that can be meant, in the order of their names.
pub(crate) fn zones() -> &'static [String] {
    static ZONES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let mut names: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        names.retain(|name| zone(name).is_ok());
        names.sort_unstable();
        names.dedup();
        names
    });
    &ZONES
}

fn zone(name: &str) -> Result<TimeZone, WrongWhen> {
    let known = TimeZone::get(name).ok().filter(|zone| !zone.is_unknown() && zone.iana_name().is_some());
    known.ok_or_else(|| WrongWhen::TimeZone(name.to_owned()))
}
