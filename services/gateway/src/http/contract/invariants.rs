//! What verifications have found.

use super::{
    api::Api,
    operation::Operation,
    shapes::{Schema, number, object, optional, or_null, time},
};
use crate::http::invariants::{LARGEST, LONGEST, MOST, MOST_FOUND, NAME, PassShown, PassesShown, TEXT};
use serde_json::json;

pub(super) fn describe(api: &Api) {
    api.add(
        Operation::get("/v1/invariants", "listInvariants", "What verifications have found: the last pass of each that tells.")
            .says("The gateway checks nothing itself: `planshift verify --tell` and `planshift serve` tell what they have found.")
            .json(200, "The pass that ended last first.", api.of::<PassesShown>()),
    );
    api.add(
        Operation::put("/v1/invariants", "tellInvariants", "Tells what a pass of a verification has found.")
            .says("It takes the place of the last pass of the same reporter, unless that one ended later.")
            .body(told())
            .json(200, "The pass, as it is shown.", api.of::<PassShown>()),
    );
}

fn text(most: usize) -> Schema {
    optional(json!({ "type": "string", "maxLength": most, "pattern": r"^[^\u0000]*$" }))
}

fn needed(most: usize) -> Schema {
    json!({ "type": "string", "minLength": 1, "maxLength": most, "pattern": r"^[^\u0000]+$" })
}

fn count() -> Schema {
    or_null(json!({ "type": "integer", "minimum": 0, "maximum": LARGEST }))
}

fn some(items: impl Into<Schema>, most: usize) -> Schema {
    or_null(json!({ "type": "array", "maxItems": most, "items": items.into() }))
}

fn told() -> Schema {
    let found = object().may_have("subject", text(TEXT)).may_have("text", text(TEXT));
    let row = object()
        .has("id", needed(NAME))
        .may_have("statement", text(TEXT))
        .may_have("checked", count())
        .may_have("violations", count())
        .may_have("found", some(found, MOST_FOUND));
    object()
        .has("reporter", needed(NAME))
        .has("endedAt", time())
        .may_have("everySeconds", or_null(number(0, LONGEST)))
        .may_have("tookMillis", count())
        .may_have("invariants", some(row, MOST))
        .into()
}
