//! Who acts, and why, as a request says it: both are kept for ever.

use super::{context::Context, errors::ApiError, fields::Fields};
use crate::words::{Words, words};
use axum::http::StatusCode;

/// The longest name of an actor.
const ACTOR_CHARS: usize = 100;
/// The longest reason.
const REASON_CHARS: usize = 1_000;

/// Who acts: the caller, with the name that the request gives for a person where nobody has signed in.
pub(super) fn actor(fields: &Fields, context: &Context) -> Result<String, ApiError> {
    Ok(match short(fields, "actor", ACTOR_CHARS)? {
        None => context.caller.actor.clone(),
        Some(name) => format!("{name} ({})", context.caller.actor),
    })
}

/// Why; empty where nothing is said.
pub(super) fn reason(fields: &Fields) -> Result<String, ApiError> {
    Ok(short(fields, "reason", REASON_CHARS)?.unwrap_or_default().to_owned())
}

/// Why; it must be said: what is done is not easily undone, and somebody will ask.
pub(super) fn reason_required(fields: &Fields, what: &Words) -> Result<String, ApiError> {
    let reason = reason(fields)?;
    if reason.is_empty() {
        let text = words!("The property reason is missing: {what}", "La propriété reason est absente : {what}"; what);
        return Err(ApiError::bad_input("ReasonRequired", text));
    }
    Ok(reason)
}

/// What belongs to the whole installation: a partner's caller may neither see nor do it.
pub(super) fn for_operators(context: &Context, what: &Words) -> Result<(), ApiError> {
    if context.caller.sees_all() {
        return Ok(());
    }
    let text = words!(
        "{what} are for operators of the whole installation.",
        "{what} : réservé aux opérateurs de toute l’installation."; what
    );
    Err(ApiError::new(StatusCode::FORBIDDEN, "900308", "Forbidden", text))
}

fn short<'a>(fields: &'a Fields, name: &str, most: usize) -> Result<Option<&'a str>, ApiError> {
    let text = fields.text(name)?.map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > most) {
        let text = words!("The property {name} may have {most} characters.", "La propriété {name} peut avoir {most} caractères.");
        return Err(ApiError::bad_input("InvalidBody", text));
    }
    if text.is_some_and(|text| text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')) {
        let text = words!(
            "The property {name} may have no control characters.",
            "La propriété {name} ne peut pas avoir de caractères de contrôle."
        );
        return Err(ApiError::bad_input("InvalidBody", text));
    }
    Ok(text)
}
