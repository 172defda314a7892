//! Dead letters.

use super::{
    api::Api,
    operation::Operation,
    shapes::{Object, Schema, flag, guid, list, number, object, one_of, optional, or_null, pattern, text, time},
    upgrades::who_and_why,
};
use crate::{
    http::letters::{FASTEST, LARGEST_CANARY, LARGEST_PAGE, MOST_KEYS},
    letters::{DroppedNow, Ended, Listing, Redrive, Whole},
};
use serde_json::json;

const TOKEN: &str = "MS-ContinuationToken";
const NEXT: &str = "Where the next page begins, where there is one.";

pub(super) fn describe(api: &Api) {
    lists(api);
    one(api);
    redrives(api);
}

/// A page of a list without a count.
fn page(operation: Operation, item: Schema) -> Operation {
    let shape = object().has("items", list(item)).is_a("Collection");
    sizes(operation).json(200, "A page of them.", shape).may_give(200, TOKEN, NEXT)
}

fn sizes(operation: Operation) -> Operation {
    operation.query("size", number(1, LARGEST_PAGE), "How many items the page has at most.").query(
        "continuationToken",
        text(),
        "Where the page begins: as the page before it has told.",
    )
}

fn lists(api: &Api) {
    api.add(
        sizes(Operation::get("/v1/deadLetters", "listDeadLetters", "Dead letters: how many, grouped by reason, and the oldest."))
            .query("code", text(), "Only those of this reason.")
            .query("queue", text(), "Only those that died in this queue; a service's name stands for its queue.")
            .query("type", text(), "Only those of this type of message.")
            .query("transitionId", guid(), "Only those of this transition.")
            .json(200, "Those that are meant.", api.of::<Listing>())
            .may_give(200, TOKEN, NEXT),
    );
    api.add(
        Operation::post("/v1/deadLetters/drop", "dropDeadLetters", "Drops dead letters for good; they are kept here, with who and why.")
            .body(meant())
            .json(200, "How many.", api.of::<DroppedNow>()),
    );
    let dropped =
        object().has("key", text()).has("droppedAt", time()).has("actor", text()).has("reason", text()).has("letter", api.of::<Whole>());
    api.add(page(
        Operation::get("/v1/deadLetters/dropped", "listDroppedLetters", "What was dropped, the newest first."),
        api.named("DroppedLetter", dropped),
    ));
}

fn one(api: &Api) {
    let shown = json!({ "allOf": [api.of::<Whole>(), Schema::from(object().has("redrives", list(api.of::<Ended>())))] });
    api.add(
        Operation::get("/v1/deadLetters/{key}", "getDeadLetter", "A dead letter, whole, with the chances that it was given before.").json(
            200,
            "The letter.",
            shown,
        ),
    );
    api.add(Operation::get("/v1/deadLetters/{key}/body", "getDeadLetterBody", "The bytes of a dead letter's body.").kind(
        200,
        "The bytes.",
        "application/octet-stream",
        json!({ "type": "string", "format": "binary" }),
    ));
}

fn redrives(api: &Api) {
    let more = object().has("canaryState", one_of(&["none", "flying", "alive", "dead"])).has("diedAgain", list(api.of::<Ended>()));
    let shown = api.named("ShownRedrive", json!({ "allOf": [api.of::<Redrive>(), Schema::from(more)] }));
    const PATH: &str = "/v1/deadLetters/redrives";
    let asked = meant().may_have("rate", or_null(number(1, FASTEST))).may_have("canary", or_null(number(0, LARGEST_CANARY)));
    api.add(
        Operation::post(PATH, "redriveDeadLetters", "Gives dead letters another chance.")
            .says("At most `rate` a second; the first `canary` of them must be seen to succeed before any other is sent.")
            .body(asked)
            .json(202, "It is begun; its id is the request's.", shown.clone())
            .gives(202, "Location", "Where it is, relative to the version of the API.")
            .leads_to(202, "getRedrive", &[("id", "$response.body#/redriveId")])
            .leads_to(202, "cancelRedrive", &[("id", "$response.body#/redriveId")]),
    );
    api.add(page(Operation::get(PATH, "listRedrives", "Redrives, the newest first."), api.of::<Redrive>()));
    api.add(
        Operation::get("/v1/deadLetters/redrives/{id}", "getRedrive", "A redrive, with the letters that died again.")
            .query("wait", pattern("^[0-5]?[0-9]s$"), "Answer once it has ended, or after so long: up to a minute.")
            .json(200, "How it is.", shown.clone()),
    );
    api.add(
        Operation::post("/v1/deadLetters/redrives/{id}/cancel", "cancelRedrive", "Nothing more of a redrive is sent.")
            .may_have_body(who_and_why())
            .json(200, "How it is.", shown)
            .fails(&[409]),
    );
}

/// Which letters a body means, and why.
fn meant() -> Object {
    let keys = json!({ "type": "array", "maxItems": MOST_KEYS, "items": text() });
    who_and_why()
        .may_have("keys", or_null(keys))
        .may_have("code", or_null(text()))
        .may_have("queue", or_null(text()))
        .may_have("type", or_null(text()))
        .may_have("transitionId", optional(guid()))
        .may_have("all", or_null(flag()))
}
