//! When a schedule is to be, read from a request; and what is wrong with it.

use crate::{
    http::{errors::ApiError, fields::Fields},
    schedules::{HORIZON_DAYS, MOST_DAYS, Weekday, When, WrongWhen},
    words::{Words, words},
};

/// The properties `at`, `timeZone`, `window`, `days` and `spread`.
pub(super) fn when(fields: &Fields) -> Result<When, ApiError> {
    let (at, time_zone) = (fields.text("at")?, fields.text("timeZone")?);
    let (Some(at), Some(time_zone)) = (at, time_zone) else {
        let error = wrong(words!(
            "Say when: at, a local date or time as 2027-01-09 or 2027-01-09T22:00, and timeZone, as Europe/Paris.",
            "Précisez quand : at, une date ou heure locale comme 2027-01-09 ou 2027-01-09T22:00, et timeZone, comme Europe/Paris."
        ));
        return Err(error.of(if at.is_none() { "at" } else { "timeZone" }));
    };
    let window = match fields.object("window")? {
        None => None,
        Some(window) => Some((hour_of(&window, "from")?, hour_of(&window, "to")?)),
    };
    let days = fields.texts("days", Weekday::ALL.len())?.into_iter().map(weekday).collect::<Result<_, _>>()?;
    let spread = fields.number("spread", 1, MOST_DAYS).map_err(|error| error.of("spread"))?.unwrap_or(1);
    let window = window.as_ref().map(|(from, to)| (from.as_str(), to.as_str()));
    Ok(When::try_new(at, time_zone, window, days, spread)?)
}

fn hour_of(window: &Fields, name: &str) -> Result<String, ApiError> {
    let missing = || {
        wrong(words!(
            "The window needs from and to, times of day as 22:00: {name} is missing.",
            "La fenêtre demande from et to, des heures comme 22:00 : {name} est absent."
        ))
        .of("window")
    };
    window.text(name)?.map(str::to_owned).ok_or_else(missing)
}

fn weekday(name: &str) -> Result<Weekday, ApiError> {
    Weekday::from_name(name).ok_or_else(|| {
        let names = Weekday::ALL.map(Weekday::name).join(", ");
        let text = words!("{name:?} is no day of the week: one of {names}.", "{name:?} n’est pas un jour de la semaine : l’un de {names}.");
        wrong(text).of("days")
    })
}

fn wrong(text: Words) -> ApiError {
    ApiError::bad_input("InvalidSchedule", text)
}

impl From<WrongWhen> for ApiError {
    fn from(error: WrongWhen) -> Self {
        let property = match &error {
            WrongWhen::At(_) | WrongWhen::Past(_) | WrongWhen::TooFar(_) => "at",
            WrongWhen::TimeZone(_) => "timeZone",
            WrongWhen::Hour(_) | WrongWhen::NoHours => "window",
            WrongWhen::Never => "days",
        };
        let text = match error {
            WrongWhen::At(found) => words!(
                "The property at is {found:?}: a local date or time was expected, as 2027-01-09 or 2027-01-09T22:00, without an offset.",
                "La propriété at est {found:?} : une date ou heure locale était attendue, comme 2027-01-09 ou 2027-01-09T22:00, sans décalage."
            ),
            WrongWhen::TimeZone(found) => words!(
                "The property timeZone is {found:?}: a name of the IANA database was expected, as Europe/Paris or UTC.",
                "La propriété timeZone est {found:?} : un nom de la base IANA était attendu, comme Europe/Paris ou UTC."
            ),
            WrongWhen::Hour(found) => words!(
                "{found:?} in the window is no time of day: one as 22:00 was expected, from 00:00 to 23:59.",
                "{found:?} dans la fenêtre n’est pas une heure : une heure comme 22:00 était attendue, de 00:00 à 23:59."
            ),
            WrongWhen::NoHours => words!(
                "The window begins and ends at the same time: leave it out where every hour will do.",
                "La fenêtre commence et finit à la même heure : omettez-la si toutes les heures conviennent."
            ),
            WrongWhen::Never => {
                words!("On these days, these hours never come.", "Ces jours-là, ces heures n’arrivent jamais.")
            }
            WrongWhen::Past(first) => words!(
                "It would have begun at {first}, which is past: say a later time.",
                "Le début serait {first}, qui est passé : indiquez un moment ultérieur."
            ),
            WrongWhen::TooFar(last) => words!(
                "Its last day would begin at {last}: no schedule reaches further than {HORIZON_DAYS} days ahead.",
                "Le dernier jour commencerait à {last} : aucune planification ne va au-delà de {HORIZON_DAYS} jours."
            ),
        };
        wrong(text).of(property)
    }
}
