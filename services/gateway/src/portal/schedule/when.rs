//! When a schedule is to be, as fields of a form, and as the API has it. What is wrong the API says, and here it is said at its field.
//!
//! The fields are the browser's own for dates, times and numbers, so that keys alone suffice, a phone has its wheels, and no script is needed.

use super::{Schedule, Window};
use crate::{
    http::ApiError,
    portal::{faults::Faults, form::Form, visit::Visit},
    schedules::{HORIZON_DAYS, MOST_DAYS, Weekday, When, WrongWhen, zones},
};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

/// The seconds of a day.
const DAY: i64 = 24 * 3600;
/// A date and a time of which nothing is wrong, beside the one that is looked at.
const A_DAY: &str = "2027-01-09";
const A_ZONE: &str = "UTC";
/// Where time zones are, by the beginning of their names; those of others are old names of the same.
const REGIONS: [&str; 10] = ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];
/// The properties, in the order of the form, with the ids of their fields.
pub(super) const FIELDS: [(&str, &str); 5] =
    [("at", "on"), ("timeZone", "timezone"), ("window", "from"), ("days", "day-Monday"), ("spread", "spread")];

/// What is filled in.
#[derive(Default)]
pub(super) struct Filled {
    pub(super) on: String,
    pub(super) time: String,
    pub(super) time_zone: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) days: Vec<String>,
    pub(super) spread: String,
}

impl Filled {
    pub(super) fn of_form(form: &Form) -> Self {
        let text = |name: &str| form.text(name).unwrap_or_default().to_owned();
        let days = form.all("day").map(str::to_owned).collect();
        Self {
            on: text("on"),
            time: text("time"),
            time_zone: text("timezone"),
            from: text("from"),
            to: text("to"),
            days,
            spread: text("spread"),
        }
    }

    pub(super) fn of(schedule: &Schedule) -> Self {
        let hour = |of: fn(&Window) -> &String| schedule.window.as_ref().map(of).cloned().unwrap_or_default();
        let (on, time) = schedule.at.split_once('T').unwrap_or((&schedule.at, ""));
        Self {
            on: on.to_owned(),
            // seconds are shown where there are any
            time: time.strip_suffix(":00").filter(|time| time.contains(':')).unwrap_or(time).to_owned(),
            time_zone: schedule.time_zone.clone(),
            from: hour(|window| &window.from),
            to: hour(|window| &window.to),
            days: schedule.days.clone(),
            spread: schedule.spread.to_string(),
        }
    }

    /// A time with seconds, which a field takes that steps by them.
    fn has_seconds(&self) -> bool {
        self.time.matches(':').count() > 1
    }

    /// The date, with the time of day where there is one.
    fn at(&self) -> String {
        if self.on.is_empty() || self.time.is_empty() { self.on.clone() } else { format!("{}T{}", self.on, self.time) }
    }

    /// What the API has refused, and what it would refuse next: it tells one thing at a time, and a form is mended in one go.
    pub(super) fn faults(&self, visit: &Visit, error: &ApiError) -> Faults {
        let mut faults = Faults::of(visit, error);
        let mut look = |property: &'static str, missing: Option<&str>, tried: Result<When, WrongWhen>| match (missing, tried) {
            (Some(text), _) => faults.put(property, text.to_owned()),
            (None, Err(wrong)) => faults.add(property, ApiError::from(wrong).text(visit.locale()).to_owned()),
            (None, Ok(_)) => {}
        };
        let (at, none) = (self.at(), || Vec::new());
        let missing = |text: &str, en, fr| text.is_empty().then(|| visit.say(en, fr));
        look("at", missing(&at, "Choose a day.", "Choisissez un jour."), When::try_new(&at, A_ZONE, None, none(), 1));
        let zone = missing(&self.time_zone, "Choose a time zone.", "Choisissez un fuseau horaire.");
        look("timeZone", zone, When::try_new(A_DAY, &self.time_zone, None, none(), 1));
        let has_hours = !self.from.is_empty() || !self.to.is_empty();
        let hours = has_hours.then_some((self.from.as_str(), self.to.as_str()));
        if has_hours {
            let is_half = self.from.is_empty() || self.to.is_empty();
            let half = visit.say("Say both: from when and to when.", "Indiquez les deux : de quand à quand.");
            look("window", is_half.then_some(half), When::try_new(A_DAY, A_ZONE, hours, none(), 1));
        }
        let spread = self.spread.parse().ok().filter(|days| (1..=MOST_DAYS).contains(days));
        if spread.is_none() && !self.spread.is_empty() {
            faults.add("spread", format!("{} 1 – {MOST_DAYS}.", visit.say("A whole number:", "Un nombre entier :")));
        }
        // where each is right, all of it may still be past, or never come
        let days = self.days.iter().filter_map(|name| Weekday::from_name(name)).collect();
        let hours = hours.filter(|(from, to)| !from.is_empty() && !to.is_empty());
        let all = When::try_new(&at, &self.time_zone, hours, days, spread.unwrap_or(1));
        if let Some(wrong) = all.ok().and_then(|when| when.openings(visit.app.ports.clock.now()).err()) {
            let error = ApiError::from(wrong);
            faults.add(error.property().unwrap_or("at"), error.text(visit.locale()).to_owned());
        }
        faults
    }

    /// As the API takes it: what is empty is left out.
    pub(super) fn properties(&self) -> Map<String, Value> {
        let mut body = Map::new();
        for (name, text) in [("at", &self.at()), ("timeZone", &self.time_zone)] {
            if !text.is_empty() {
                body.insert(name.to_owned(), json!(text));
            }
        }
        let hours: Map<String, Value> = [("from", &self.from), ("to", &self.to)]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| (name.to_owned(), json!(text)))
            .collect();
        if !hours.is_empty() {
            body.insert("window".to_owned(), Value::Object(hours));
        }
        if !self.days.is_empty() {
            body.insert("days".to_owned(), json!(self.days));
        }
        if !self.spread.is_empty() {
            // what is no number the API tells
            body.insert("spread".to_owned(), self.spread.parse::<u32>().map_or_else(|_| json!(self.spread), |number| json!(number)));
        }
        body
    }
}

pub(super) const fn weekday(visit: &Visit, day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => visit.say("Monday", "lundi"),
        Weekday::Tuesday => visit.say("Tuesday", "mardi"),
        Weekday::Wednesday => visit.say("Wednesday", "mercredi"),
        Weekday::Thursday => visit.say("Thursday", "jeudi"),
        Weekday::Friday => visit.say("Friday", "vendredi"),
        Weekday::Saturday => visit.say("Saturday", "samedi"),
        Weekday::Sunday => visit.say("Sunday", "dimanche"),
    }
}

/// The fields. What is wrong stands at each.
pub(super) fn fields(visit: &Visit, filled: &Filled, faults: &Faults) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let spread = if filled.spread.is_empty() { "1" } else { &filled.spread };
    let now = visit.app.ports.clock.now();
    // it may still be yesterday elsewhere
    let day = |days: i64| now.plus_seconds(days * DAY).to_string().get(..10).unwrap_or_default().to_owned();
    let wrong = |property: &str| faults.has(property).then_some("true");
    html! {
        fieldset aria-describedby=[faults.id("at")] {
            legend { (say("From when, as clocks there show it", "À partir de quand, comme les horloges de là-bas")) }
            div.row {
                span { label for="on" { (say("Day", "Jour")) } input.short id="on" name="on" type="date" required value=(filled.on) min=(day(-1)) max=(day(HORIZON_DAYS)) aria-invalid=[wrong("at")] aria-describedby=[faults.id("at")]; }
                span { label for="time" { (say("not before", "pas avant")) } input.short id="time" name="time" type="time" step=[filled.has_seconds().then_some("1")] value=(filled.time) aria-describedby="time-how"; }
            }
            p.fine id="time-how" { (say("Without a time, it is the beginning of the day, or of the hours below.", "Sans heure, c’est le début du jour, ou des heures ci-dessous.")) }
            (faults.at("at"))
        }
        label for="timezone" { (say("Time zone", "Fuseau horaire")) }
        (zone(visit, &filled.time_zone, faults))
        (faults.at("timeZone"))
        fieldset {
            legend { (say("Hours in which something may begin (empty: all)", "Heures où quelque chose peut commencer (vide : toutes)")) }
            div.row {
                span { label for="from" { (say("from", "de")) } input.short id="from" name="from" type="time" value=(filled.from) aria-invalid=[wrong("window")] aria-describedby=[faults.id("window")]; }
                span { label for="to" { (say("to", "à")) } input.short id="to" name="to" type="time" value=(filled.to) aria-invalid=[wrong("window")] aria-describedby="to-how"; }
            }
            p.fine id="to-how" { (say("The end is on the next day where it is not later than the beginning.", "La fin est le lendemain si elle n’est pas après le début.")) }
            (faults.at("window"))
        }
        fieldset aria-describedby=[faults.id("days")] {
            legend { (say("Days on which hours may begin (none: all)", "Jours où ces heures peuvent commencer (aucun : tous)")) }
            div.row {
                @for day in Weekday::ALL { label { input type="checkbox" id={ "day-" (day.name()) } name="day" value=(day.name()) checked[filled.days.iter().any(|one| one == day.name())]; " " (weekday(visit, day)) } }
            }
            (faults.at("days"))
        }
        label for="spread" { (say("Spread evenly over so many such days", "Réparti également sur tant de ces jours")) }
        input.short id="spread" name="spread" type="number" required min="1" max=(MOST_DAYS) value=(spread) aria-invalid=[wrong("spread")] aria-describedby=[faults.id("spread")];
        (faults.at("spread"))
    }
}

/// The time zones by region. One that was filled in is there too, whatever it is.
fn zone(visit: &Visit, chosen: &str, faults: &Faults) -> Markup {
    let is_listed = |name: &str| name == "UTC" || name.split_once('/').is_some_and(|(region, _)| REGIONS.contains(&region));
    let is_known = is_listed(chosen) && zones().iter().any(|name| name == chosen);
    let option = |name: &str| html! { option selected[name == chosen] { (name) } };
    let wrong = faults.has("timeZone").then_some("true");
    html! {
        select id="timezone" name="timezone" required data-time-zone="" aria-invalid=[wrong] aria-describedby=[faults.id("timeZone")] {
            option value="" { (visit.say("Choose…", "Choisir…")) }
            @if !chosen.is_empty() && !is_known { (option(chosen)) }
            (option("UTC"))
            @for region in REGIONS {
                optgroup label=(region) {
                    @for name in zones() { @if name.split_once('/').is_some_and(|(of, _)| of == region) { (option(name)) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_left_out() {
        let mut filled = Filled { on: "2027-01-09".into(), time_zone: "UTC".into(), ..Filled::default() };
        assert_eq!(Value::Object(filled.properties()), json!({ "at": "2027-01-09", "timeZone": "UTC" }));
        filled.time = "22:00".into();
        assert_eq!(filled.properties()["at"], "2027-01-09T22:00");
        assert!(!filled.has_seconds());
        filled.time = "22:00:30".into();
        assert!(filled.has_seconds() && filled.properties()["at"] == "2027-01-09T22:00:30");
        filled.time = "22:00".into();
        let filled = Filled { from: "22:00".into(), days: vec!["Sunday".into()], spread: "x".into(), ..Filled::default() };
        assert_eq!(Value::Object(filled.properties()), json!({ "window": { "from": "22:00" }, "days": ["Sunday"], "spread": "x" }));
    }
}
