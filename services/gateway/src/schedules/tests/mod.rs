//! The pure part: hours of time zones as instants, rows divided over days, what is open when. Held against the clock of each zone, minute by
//! minute, around every change of it.

use super::{
    Weekday, When, WrongWhen,
    calendar::{Calendar, Opening},
    days::{Day, Look, Rest, look, planned, shares},
};
use jiff::{Timestamp as Instant, ToSpan as _, civil::Date, civil::DateTime, tz::TimeZone};
use planshift_domain::time::Timestamp;

/// Zones that change their clocks: by an hour, by half of one, at midnight, in another hemisphere; that are odd; and that do not.
const ZONES: [&str; 12] = [
    "Europe/Paris",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/Santiago",
    "America/Havana",
    "Asia/Beirut",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "UTC",
];
const WINDOWS: [(&str, &str); 10] = [
    ("22:00", "05:00"),
    ("23:30", "00:30"),
    ("00:00", "01:00"),
    ("00:15", "00:45"),
    ("01:30", "02:30"),
    ("02:10", "02:50"),
    ("02:30", "03:10"),
    ("02:31", "02:30"),
    ("09:00", "17:00"),
    ("03:00", "02:59"),
];
const MINUTE: i64 = 60_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn when(at: &str, zone: &str, window: Option<(&str, &str)>, spread: u32) -> When {
    When::try_new(at, zone, window, Vec::new(), spread).unwrap()
}

fn instant(at: Timestamp) -> Instant {
    Instant::from_microsecond(at.as_micros()).unwrap()
}

fn shown(zone: &TimeZone, micros: i64) -> DateTime {
    zone.to_datetime(Instant::from_microsecond(micros).unwrap())
}

/// Dates around the changes of a zone's clocks within two years, and some that are far from them.
fn dates(zone: &TimeZone) -> Vec<Date> {
    let (from, to) = (instant(at("2027-01-01T00:00:00Z")), instant(at("2029-01-01T00:00:00Z")));
    let changes = zone.following(from).map(|change| change.timestamp()).take_while(|change| *change < to);
    let mut dates: Vec<Date> = changes
        .flat_map(|change| {
            let date = zone.to_datetime(change).date();
            (-3..=1).map(move |days: i64| date.checked_add(days.days()).unwrap())
        })
        .collect();
    dates.extend(["2027-02-27", "2027-12-30", "2028-02-27"].map(|date| date.parse::<Date>().unwrap()));
    dates
}

/// The clock shows this for the first time at that instant: not a moment before, and not in the hours before.
fn assert_first(zone: &TimeZone, at: Timestamp, wanted: DateTime) {
    assert!(shown(zone, at.as_micros()) >= wanted, "{wanted}: {at}");
    assert!(shown(zone, at.as_micros() - 1) < wanted, "{wanted}: {at} is too late");
    for minutes in 1..=180 {
        assert!(shown(zone, at.as_micros() - minutes * MINUTE) < wanted, "{wanted}: it was shown {minutes} minutes before {at}");
    }
}

#[test]
fn hours_are_those_that_clocks_show_in_every_zone_and_never_overlap() {
    let mut seen = 0;
    for name in ZONES {
        let zone = TimeZone::get(name).unwrap();
        for date in dates(&zone) {
            for (from, to) in WINDOWS {
                let calendar = when(&date.to_string(), name, Some((from, to)), 1).calendar().unwrap();
                let openings: Vec<Opening> = calendar.openings().take(5).collect();
                assert_eq!(openings.len(), 5);
                let mut open_from = date;
                for (index, opening) in openings.iter().enumerate() {
                    let closes_at = opening.closes_at.unwrap();
                    assert!(opening.opens_at < closes_at, "{name} {date} {from}");
                    if let Some(next) = openings.get(index + 1) {
                        assert!(closes_at <= next.opens_at, "{name} {date} {from}-{to}: hours overlap");
                    }
                    // the date that they begin on: a date whose hours are all skipped has none
                    let day = std::iter::successors(Some(open_from), |date| date.tomorrow().ok())
                        .find(|day| shown(&zone, opening.opens_at.as_micros()).date() <= *day)
                        .unwrap();
                    let starts = day.to_datetime(from.parse().unwrap());
                    let ends = if to > from { day } else { day.tomorrow().unwrap() }.to_datetime(to.parse().unwrap());
                    assert_first(&zone, opening.opens_at, starts);
                    assert_first(&zone, closes_at, ends);
                    open_from = day.tomorrow().unwrap();
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 10_000, "{seen}");
}

#[test]
fn the_hours_that_are_open_are_those_of_the_list() {
    for name in ZONES {
        let zone = TimeZone::get(name).unwrap();
        for date in dates(&zone) {
            for (from, to) in WINDOWS {
                for time in ["", "T02:15", "T23:45"] {
                    let calendar = when(&format!("{date}{time}"), name, Some((from, to)), 1).calendar().unwrap();
                    let openings: Vec<Opening> = calendar.openings().take(8).collect();
                    let first = openings[0].opens_at.as_micros();
                    for step in -30..60 {
                        let now = Timestamp::from_micros(first + step * 97 * MINUTE);
                        let listed = openings.iter().find(|opening| opening.closes_at.unwrap() > now).unwrap();
                        let found = calendar.open_at_or_after(now).unwrap();
                        assert_eq!(found.closes_at, listed.closes_at, "{name} {date}{time} {from}-{to} at {now}");
                        // of hours that have begun it does not matter when
                        assert!(found.opens_at == listed.opens_at || found.opens_at.max(listed.opens_at) <= now, "{name} {date} {now}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_time_that_is_skipped_is_the_change_and_of_one_that_is_shown_twice_the_first_is_meant() {
    for (local, zone, expected) in [
        // Paris: 02:00 to 03:00 is skipped on March 28, and shown twice on October 31
        ("2027-03-28T02:30", "Europe/Paris", "2027-03-28T01:00:00Z"),
        ("2027-03-28T03:00", "Europe/Paris", "2027-03-28T01:00:00Z"),
        ("2027-10-31T02:30", "Europe/Paris", "2027-10-31T00:30:00Z"),
        ("2027-10-31T03:00", "Europe/Paris", "2027-10-31T02:00:00Z"),
        // Lord Howe: half an hour
        ("2027-10-03T02:15", "Australia/Lord_Howe", "2027-10-02T15:30:00Z"),
        ("2027-04-04T01:45", "Australia/Lord_Howe", "2027-04-03T14:45:00Z"),
        // Santiago: midnight itself is skipped
        ("2027-09-05", "America/Santiago", "2027-09-05T04:00:00Z"),
        ("2027-01-09T22:00:30", "UTC", "2027-01-09T22:00:30Z"),
        ("2027-01-09T22:00", "asia/KATHMANDU", "2027-01-09T16:15:00Z"),
    ] {
        let openings = when(local, zone, None, 1).openings(at("2027-01-01T00:00:00Z")).unwrap();
        assert_eq!(openings[0], Opening { opens_at: at(expected), closes_at: None }, "{local} {zone}");
    }
}

#[test]
fn a_time_within_hours_begins_at_once_and_days_of_the_week_are_kept() {
    let now = at("2027-01-01T00:00:00Z");
    // within hours that have begun on the day before
    let openings = when("2027-01-09T03:00", "UTC", Some(("22:00", "05:00")), 2).openings(now).unwrap();
    let of = |opens, closes| Opening { opens_at: at(opens), closes_at: Some(at(closes)) };
    assert_eq!(openings, [of("2027-01-09T03:00:00Z", "2027-01-09T05:00:00Z"), of("2027-01-09T22:00:00Z", "2027-01-10T05:00:00Z")]);
    // a date is the hours that begin on it
    let openings = when("2027-01-09", "UTC", Some(("22:00", "05:00")), 1).openings(now).unwrap();
    assert_eq!(openings, [of("2027-01-09T22:00:00Z", "2027-01-10T05:00:00Z")]);
    // the 9th is a Saturday
    let days = vec![Weekday::Sunday, Weekday::Friday, Weekday::Sunday];
    let spread = When::try_new("2027-01-09T20:00", "UTC", Some(("22:00", "05:00")), days, 3).unwrap();
    assert_eq!(spread.days, [Weekday::Friday, Weekday::Sunday]);
    let begins: Vec<String> = spread.openings(now).unwrap().iter().map(|opening| opening.opens_at.to_string()).collect();
    assert_eq!(begins, ["2027-01-10T22:00:00Z", "2027-01-15T22:00:00Z", "2027-01-17T22:00:00Z"]);
    let spread = When::try_new("2027-01-09T20:00", "UTC", None, vec![Weekday::Monday], 2).unwrap();
    let begins: Vec<String> = spread.openings(now).unwrap().iter().map(|opening| opening.opens_at.to_string()).collect();
    assert_eq!(begins, ["2027-01-11T20:00:00Z", "2027-01-18T20:00:00Z"]);
}

#[test]
fn what_is_no_time_is_told() {
    for wrong in [
        "",
        "tomorrow",
        "2027-02-30",
        "2027-1-09",
        "2027-01-09T",
        "2027-01-09T25:00",
        "2027-01-09T22:00Z",
        "2027-01-09T22:00+01:00",
        "2027-01-09 22:00",
        "2027-01-09T22:00:60",
        "2027-01-09T22",
    ] {
        assert_eq!(When::try_new(wrong, "UTC", None, Vec::new(), 1).unwrap_err(), WrongWhen::At(wrong.to_owned()));
    }
    for wrong in ["", "Mars/Olympus", "+01:00", "CET+1", "Etc/Unknown"] {
        assert_eq!(When::try_new("2027-01-09", wrong, None, Vec::new(), 1).unwrap_err(), WrongWhen::TimeZone(wrong.to_owned()), "{wrong}");
    }
    for wrong in ["24:00", "9:00", "22", "22:60", "22:00:00", "+1:00"] {
        assert_eq!(
            When::try_new("2027-01-09", "UTC", Some((wrong, "05:00")), Vec::new(), 1).unwrap_err(),
            WrongWhen::Hour(wrong.to_owned())
        );
    }
    assert_eq!(When::try_new("2027-01-09", "UTC", Some(("05:00", "05:00")), Vec::new(), 1).unwrap_err(), WrongWhen::NoHours);
    let now = at("2027-01-09T12:00:00Z");
    let of = |at: &str, window, spread| when(at, "UTC", window, spread).openings(now);
    assert_eq!(of("2027-01-09T11:59", None, 1).unwrap_err(), WrongWhen::Past(at("2027-01-09T11:59:00Z")));
    assert_eq!(of("2027-01-09", None, 1).unwrap_err(), WrongWhen::Past(at("2027-01-09T00:00:00Z")));
    assert_eq!(of("2027-01-09T12:00", None, 1).unwrap().len(), 1);
    // hours of a date that have begun are not past, and are when they have ended
    assert_eq!(of("2027-01-09", Some(("11:00", "12:01")), 1).unwrap().len(), 1);
    assert_eq!(of("2027-01-09", Some(("11:00", "12:00")), 1).unwrap_err(), WrongWhen::Past(at("2027-01-09T11:00:00Z")));
    assert_eq!(of("2029-01-09", None, 1).unwrap().len(), 1);
    assert_eq!(of("2029-01-10", None, 1).unwrap_err(), WrongWhen::TooFar(at("2029-01-10T00:00:00Z")));
    assert_eq!(of("2028-01-30", None, 366).unwrap_err(), WrongWhen::TooFar(at("2029-01-29T00:00:00Z")));
    assert_eq!(of("9998-12-31", None, 1).unwrap_err(), WrongWhen::TooFar(at("9998-12-31T00:00:00Z")));
    assert_eq!(of("9999-12-31", None, 2).unwrap_err(), WrongWhen::Never, "beyond the calendar");
}

/// All rows wait, so that the ends of the shares are their sums.
fn rest(after: u32, all: u32, days: u32) -> Rest {
    let shares = shares(all - after, days);
    let ends = shares.iter().scan(after, |end, share| {
        *end += share;
        Some(*end)
    });
    Rest { after, all, ends: ends.collect(), shares }
}

fn spread(name: &str, date: Date, window: Option<(&str, &str)>, rows: u32, days: u32) -> (Calendar, Vec<Day>) {
    let when = when(&date.to_string(), name, window, days);
    let calendar = when.calendar().unwrap();
    let openings: Vec<Opening> = calendar.openings().take(days as usize).collect();
    (calendar, planned(&openings, &rest(0, rows, days), 1))
}

#[test]
fn every_row_is_in_one_day_and_the_days_are_even() {
    for rows in 1..80 {
        for days in 1..12 {
            let (_, planned) = spread("Europe/Paris", "2027-03-26".parse().unwrap(), Some(("02:10", "02:50")), rows, days);
            let mut next = 1;
            for day in &planned {
                assert_eq!((day.first_row, day.last_row + 1 - day.first_row), (next, day.rows));
                assert!(day.rows > 0 && day.opens_at < day.closes_at.unwrap());
                next = day.last_row + 1;
            }
            assert_eq!(next, rows + 1, "every row has a day");
            let (least, most) = (planned.iter().map(|day| day.rows).min().unwrap(), planned.iter().map(|day| day.rows).max().unwrap());
            assert!(most - least <= 1 && planned.len() == days.min(rows) as usize);
        }
    }
}

#[test]
fn what_is_open_is_within_hours_and_all_is_open_in_the_end() {
    for name in ZONES {
        let zone = TimeZone::get(name).unwrap();
        for date in dates(&zone).into_iter().step_by(2) {
            for window in WINDOWS {
                let (calendar, days) = spread(name, date, Some(window), 7, 3);
                let (mut now, mut opened, end) = (days[0].opens_at.as_micros() - DAY, 0, days[2].opens_at.as_micros() + 3 * DAY);
                let mut looks = 0;
                // whoever looks, looks when there is something to do, as the runner does
                while now < end {
                    looks += 1;
                    let next = match look(&days, &calendar, Timestamp::from_micros(now)) {
                        Look::Open { up_to, closes_at, next_at } => {
                            let closes_at = closes_at.unwrap();
                            assert!(closes_at.as_micros() > now && up_to >= opened, "{name} {date} {window:?}");
                            let is_open = calendar
                                .openings()
                                .take(10)
                                .any(|hours| hours.opens_at.as_micros() <= now && hours.closes_at == Some(closes_at));
                            assert!(is_open, "{name} {date} {window:?}: {now} is in no hours");
                            let due = days.iter().rfind(|day| day.opens_at.as_micros() <= now).unwrap();
                            assert_eq!(up_to, due.last_row);
                            opened = up_to;
                            assert!(next_at.unwrap() >= closes_at);
                            next_at
                        }
                        Look::Shut { next_at } => next_at,
                    };
                    let next = next.expect("hours come again").as_micros();
                    assert!(next > now, "{name} {date} {window:?}: it would be looked at for ever");
                    now = next;
                }
                assert_eq!(opened, 7, "{name} {date} {window:?}");
                assert!((4..=9).contains(&looks), "{name} {date} {window:?}: {looks}");
            }
        }
    }
}

#[test]
fn what_was_missed_begins_in_the_next_hours() {
    let (calendar, days) = spread("UTC", "2027-01-09".parse().unwrap(), Some(("22:00", "05:00")), 6, 3);
    let look_at = |text: &str| look(&days, &calendar, at(text));
    let open = |up_to, closes: &str, next: &str| Look::Open { up_to, closes_at: Some(at(closes)), next_at: Some(at(next)) };
    assert_eq!(look_at("2027-01-09T12:00:00Z"), Look::Shut { next_at: Some(at("2027-01-09T22:00:00Z")) });
    assert_eq!(look_at("2027-01-10T04:59:59Z"), open(2, "2027-01-10T05:00:00Z", "2027-01-10T22:00:00Z"));
    // nobody looked at the first night: its rows begin in the second
    assert_eq!(look_at("2027-01-10T05:00:00Z"), Look::Shut { next_at: Some(at("2027-01-10T22:00:00Z")) });
    assert_eq!(look_at("2027-01-10T22:00:00Z"), open(4, "2027-01-11T05:00:00Z", "2027-01-11T22:00:00Z"));
    // nor at any of them
    assert_eq!(look_at("2027-02-01T12:00:00Z"), Look::Shut { next_at: Some(at("2027-02-01T22:00:00Z")) });
    assert_eq!(look_at("2027-02-02T01:00:00Z"), open(6, "2027-02-02T05:00:00Z", "2027-02-02T22:00:00Z"));
    // without hours it begins at once
    let (calendar, days) = spread("UTC", "2027-01-09".parse().unwrap(), None, 6, 3);
    let open = |up_to, next_at| Look::Open { up_to, closes_at: None, next_at };
    assert_eq!(look(&days, &calendar, at("2027-01-10T12:00:00Z")), open(4, Some(at("2027-01-11T00:00:00Z"))));
    assert_eq!(look(&days, &calendar, at("2027-02-01T12:00:00Z")), open(6, None));
}

#[test]
fn how_late_it_is_counts_from_the_end_of_its_hours() {
    let (_, days) = spread("UTC", "2027-01-09".parse().unwrap(), Some(("22:00", "05:00")), 2, 1);
    let day = &days[0];
    assert_eq!(day.late_by(at("2027-01-10T05:00:00Z")), None);
    assert_eq!(day.late_by(at("2027-01-10T06:00:00Z")), Some(3_600));
    let now = at("2027-01-11T05:00:00Z");
    assert_eq!(day.row_late_by(Some(at("2027-01-09T23:00:00Z")), false, now), None, "it began in time");
    assert_eq!(day.row_late_by(None, true, now), Some(24 * 3_600));
    assert_eq!(day.row_late_by(None, false, now), None, "it never begins");
    let (_, days) = spread("UTC", "2027-01-09".parse().unwrap(), None, 2, 1);
    let begun = Day { begun_at: Some(at("2027-01-09T00:00:30Z")), ..days[0].clone() };
    assert_eq!(begun.row_late_by(None, true, now), None, "its rows wait for each other");
    assert_eq!(days[0].row_late_by(None, true, at("2027-01-09T01:00:00Z")), Some(3_600));
}
