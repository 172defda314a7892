//! When a schedule is to be, as fields of a form, and as the API has it. What is wrong the API says.

use super::{Schedule, Window};
use crate::{
    portal::{form::Form, visit::Visit},
    schedules::{MOST_DAYS, Weekday},
};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

/// What is filled in.
#[derive(Default)]
pub(super) struct Filled {
    pub(super) at: String,
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
        Self { at: text("at"), time_zone: text("timezone"), from: text("from"), to: text("to"), days, spread: text("spread") }
    }

    pub(super) fn of(schedule: &Schedule) -> Self {
        let hour = |of: fn(&Window) -> &String| schedule.window.as_ref().map(of).cloned().unwrap_or_default();
        Self {
            at: schedule.at.clone(),
            time_zone: schedule.time_zone.clone(),
            from: hour(|window| &window.from),
            to: hour(|window| &window.to),
            days: schedule.days.clone(),
            spread: schedule.spread.to_string(),
        }
    }

    /// As the API takes it: what is empty is left out.
    pub(super) fn properties(&self) -> Map<String, Value> {
        let mut body = Map::new();
        for (name, text) in [("at", &self.at), ("timeZone", &self.time_zone)] {
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

/// The fields.
pub(super) fn fields(visit: &Visit, filled: &Filled) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let spread = if filled.spread.is_empty() { "1" } else { &filled.spread };
    html! {
        label for="at" { (say("From which day or time, as clocks there show it", "Dès quel jour ou quelle heure, comme les horloges de là-bas")) }
        input id="at" name="at" value=(filled.at) required placeholder="2027-01-09T22:00" autocomplete="off" aria-describedby="at-how";
        p.fine id="at-how" { (say("A day ", "Un jour ")) code { "2027-01-09" } (say(", or with a time ", ", ou avec une heure ")) code { "2027-01-09T22:00" } }
        label for="timezone" { (say("Time zone (IANA)", "Fuseau horaire (IANA)")) }
        input id="timezone" name="timezone" value=(filled.time_zone) required placeholder="Europe/Paris" autocomplete="off" data-time-zone="";
        fieldset {
            legend { (say("Hours in which something may begin (empty: all)", "Heures où quelque chose peut commencer (vide : toutes)")) }
            label for="from" { (say("from", "de")) } input.short id="from" name="from" value=(filled.from) placeholder="22:00" autocomplete="off";
            label for="to" { (say("to, the next day where it is not later", "à, le lendemain si ce n’est pas plus tard")) } input.short id="to" name="to" value=(filled.to) placeholder="05:00" autocomplete="off";
        }
        fieldset {
            legend { (say("Days on which hours may begin (none: all)", "Jours où ces heures peuvent commencer (aucun : tous)")) }
            @for day in Weekday::ALL { label { input type="checkbox" name="day" value=(day.name()) checked[filled.days.iter().any(|one| one == day.name())]; " " (weekday(visit, day)) } }
        }
        label for="spread" { (say("Spread evenly over so many such days", "Réparti également sur tant de ces jours")) }
        input.short id="spread" name="spread" type="number" min="1" max=(MOST_DAYS) value=(spread);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_left_out() {
        let filled = Filled { at: "2027-01-09".into(), time_zone: "UTC".into(), ..Filled::default() };
        assert_eq!(Value::Object(filled.properties()), json!({ "at": "2027-01-09", "timeZone": "UTC" }));
        let filled = Filled { from: "22:00".into(), days: vec!["Sunday".into()], spread: "x".into(), ..Filled::default() };
        assert_eq!(Value::Object(filled.properties()), json!({ "window": { "from": "22:00" }, "days": ["Sunday"], "spread": "x" }));
    }
}
