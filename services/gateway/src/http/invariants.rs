//! `/v1/invariants`: what verifications have found, as they tell it themselves.

use super::{actor::for_operators, answer::Answer, context::Context, errors::ApiError, fields::Fields};
use crate::{
    app::App,
    model::{Broken, InvariantRow, Pass},
    words::{Locale, Words, words},
};
use axum::{Extension, extract::State};
use planshift_domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const WHAT: &Words = &Words::both("Invariants", "Les invariants");
/// Invariants of a pass: the catalogue has thirty.
pub(super) const MOST: usize = 100;
/// What violates one, in words: `planshift verify` keeps so many.
pub(super) const MOST_FOUND: usize = 20;
/// Characters of who has made a pass, and of an invariant's id.
pub(super) const NAME: usize = 100;
/// Characters of anything else.
pub(super) const TEXT: usize = 1_000;
/// The longest time from pass to pass: the longest that `planshift verify --every` takes.
pub(super) const LONGEST: u32 = 31 * 24 * 3600;
/// The largest count: what every reader of JSON can tell apart.
pub(super) const LARGEST: u64 = (1 << 53) - 1;
/// A pass is out of date after so many times the time from pass to pass;
const STALE_AFTER: i64 = 3;
/// and one that was made alone after a day, in seconds.
const ALONE: u32 = 24 * 3600 / 3;

/// A pass, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PassShown {
    /// Who has made it, in its own words.
    pub(crate) reporter: String,
    /// When it was told.
    pub(crate) told_at: Timestamp,
    /// By whose token.
    pub(crate) told_by: String,
    /// When it ended.
    pub(crate) ended_at: Timestamp,
    /// The time from pass to pass; 0: it was one alone.
    pub(crate) every_seconds: u32,
    /// How long it took.
    pub(crate) took_millis: u64,
    /// It is longer ago than three times the time from pass to pass (a day, for one alone): nobody knows how it is now.
    pub(crate) is_stale: bool,
    /// How much was found that violates an invariant, in all.
    pub(crate) violations: u64,
    /// What was checked.
    pub(crate) invariants: Vec<InvariantRow>,
}

/// The last pass of each who tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PassesShown {
    /// The one that ended last first.
    pub(crate) items: Vec<PassShown>,
}

impl PassShown {
    fn new(pass: Pass, now: Timestamp, locale: Locale) -> Self {
        let Pass { reporter, told_at, told_by, ended_at, every_seconds, took_millis, mut invariants } = pass;
        for row in &mut invariants {
            // a reporter of another version may know one by other words: those stay
            let known = planshift_invariants::find(&row.id).filter(|known| locale == Locale::French && known.statement == row.statement);
            if let Some(known) = known {
                known.french.clone_into(&mut row.statement);
            }
        }
        let every = if every_seconds == 0 { ALONE } else { every_seconds };
        Self {
            reporter,
            told_at,
            told_by,
            ended_at,
            every_seconds,
            took_millis,
            is_stale: now > ended_at.plus_seconds(i64::from(every) * STALE_AFTER),
            violations: invariants.iter().fold(0, |sum, row| sum.saturating_add(row.violations)),
            invariants,
        }
    }
}

/// `GET /v1/invariants`.
pub(super) async fn read(State(app): State<App>, Extension(context): Extension<Context>) -> Result<Answer, ApiError> {
    for_operators(&context, WHAT)?;
    let now = app.ports.clock.now();
    Answer::json(&PassesShown {
        items: app.model.passes().await?.into_iter().map(|pass| PassShown::new(pass, now, context.locale)).collect(),
    })
}

/// `PUT /v1/invariants`: a pass takes the place of its reporter's last one.
pub(super) async fn tell(State(app): State<App>, Extension(context): Extension<Context>, fields: Fields) -> Result<Answer, ApiError> {
    for_operators(&context, WHAT)?;
    let now = app.ports.clock.now();
    let pass = pass(&fields, context.caller.actor.clone(), now)?;
    app.model.keep_pass(&pass).await?;
    Answer::json(&PassShown::new(pass, now, context.locale))
}

fn pass(fields: &Fields, told_by: String, now: Timestamp) -> Result<Pass, ApiError> {
    let time = needed(fields, "endedAt", NAME)?;
    let ended_at: Timestamp = time.parse().map_err(|_| {
        let text = words!(
            "The property endedAt must be a time like 2026-11-22T16:00:00Z.",
            "La propriété endedAt doit être une heure comme 2026-11-22T16:00:00Z."
        );
        ApiError::bad_input("InvalidBody", text)
    })?;
    Ok(Pass {
        reporter: needed(fields, "reporter", NAME)?.to_owned(),
        told_at: now,
        told_by,
        // by the clock of somebody else: what is yet to come would never be out of date
        ended_at: ended_at.min(now),
        every_seconds: fields.number("everySeconds", 0, LONGEST)?.unwrap_or_default(),
        took_millis: count(fields, "tookMillis")?,
        invariants: fields.objects("invariants", MOST)?.iter().map(row).collect::<Result<_, _>>()?,
    })
}

fn row(fields: &Fields) -> Result<InvariantRow, ApiError> {
    let broken = |fields: &Fields| {
        Ok::<_, ApiError>(Broken { subject: text(fields, "subject", TEXT)?.to_owned(), text: text(fields, "text", TEXT)?.to_owned() })
    };
    Ok(InvariantRow {
        id: needed(fields, "id", NAME)?.to_owned(),
        statement: text(fields, "statement", TEXT)?.to_owned(),
        checked: count(fields, "checked")?,
        violations: count(fields, "violations")?,
        found: fields.objects("found", MOST_FOUND)?.iter().map(broken).collect::<Result<_, _>>()?,
    })
}

/// A text that must be there.
fn needed<'a>(fields: &'a Fields, name: &str, most: usize) -> Result<&'a str, ApiError> {
    let text = text(fields, name, most)?;
    if text.is_empty() {
        return Err(ApiError::bad_input("InvalidBody", words!("The property {name} is missing.", "La propriété {name} est absente.")));
    }
    Ok(text)
}

fn text<'a>(fields: &'a Fields, name: &str, most: usize) -> Result<&'a str, ApiError> {
    let text = fields.text(name)?.unwrap_or_default();
    if text.chars().count() > most {
        let text = words!("The property {name} may have {most} characters.", "La propriété {name} peut avoir {most} caractères.");
        return Err(ApiError::bad_input("InvalidBody", text));
    }
    Ok(text)
}

/// A whole number; absent and null are none.
fn count(fields: &Fields, name: &str) -> Result<u64, ApiError> {
    let Some(value) = fields.value(name)?.filter(|value| !value.is_null()) else { return Ok(0) };
    // 5.0 is a whole number too, as JSON Schema has it
    let whole =
        value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=LARGEST as f64).contains(number)).map(|number| number as u64);
    value.as_u64().filter(|number| *number <= LARGEST).or(whole).ok_or_else(|| {
        let text = words!(
            "The property {name} must be a number from 0 to {LARGEST}.",
            "La propriété {name} doit être un nombre de 0 à {LARGEST}."
        );
        ApiError::bad_input("InvalidBody", text)
    })
}
