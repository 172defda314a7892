//! Dead letters.

use super::{
    api::Api,
    operation::Operation,
    shapes::{Object, Schema, guid, list, number, object, one_of, optional, or_null, pattern, plain, plain_and_not_empty, text, time},
    upgrades::{who_and_certainly_why, who_and_why},
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
    let shape = object().has("items", list(item)).of_type("Collection");
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
            .query("code", plain(), "Only those of this reason.")
            .query("queue", plain(), "Only those that died in this queue; a service's name stands for its queue.")
            .query("type", plain(), "Only those of this type of message.")
            .query("transitionId", guid(), "Only those of this transition.")
            .json(200, "Those that are meant.", api.of::<Listing>())
            .may_give(200, TOKEN, NEXT),
    );
    api.add(
        Operation::post("/v1/deadLetters/drop", "dropDeadLetters", "Drops dead letters for good; they are kept here, with who and why.")
            .body(meant(|shape| shape))
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
    let how_fast =
        |shape: Object| shape.may_have("rate", or_null(number(1, FASTEST))).may_have("canary", or_null(number(0, LARGEST_CANARY)));
    api.add(
        Operation::post(PATH, "redriveDeadLetters", "Gives dead letters another chance.")
            .says("At most `rate` a second; the first `canary` of them must be seen to succeed before any other is sent.")
            .body(meant(how_fast))
            .json(202, "It is begun; its id is the request's.", shown.clone())
            .gives(202, "Location", "Where it is, relative to the version of the API.")
            .leads_to(202, "getRedrive", &[("id", "$response.body#/redriveId")])
            .leads_to(202, "cancelRedrive", &[("id", "$response.body#/redriveId")]),
    );
    api.add(page(Operation::get(PATH, "listRedrives", "Redrives, the newest first."), api.of::<Redrive>()));
    api.add(
        Operation::get("/v1/deadLetters/redrives/{id}", "getRedrive", "A redrive, with the letters that died again.")
            .query("wait", pattern("^[0-5]?[0-9]s?$"), "Answer once it has ended, or after so long: up to a minute.")
            .json(200, "How it is.", shown.clone()),
    );
    api.add(
        Operation::post("/v1/deadLetters/redrives/{id}/cancel", "cancelRedrive", "Nothing more of a redrive is sent.")
            .may_have_body(who_and_why())
            .json(200, "How it is.", shown)
            .fails(&[409]),
    );
}

/// Which letters a body means, and why: those that meet all that is given, or all of them, which must be said.
fn meant(more: impl Fn(Object) -> Object) -> Schema {
    let keys = |least: usize| json!({ "type": "array", "minItems": least, "maxItems": MOST_KEYS, "items": plain() });
    let given = [
        ("keys", keys(1)),
        ("code", plain_and_not_empty()),
        ("queue", plain_and_not_empty()),
        ("type", plain_and_not_empty()),
        ("transitionId", guid()),
    ];
    let none =
        |name: &str| if name == "keys" { or_null(json!({ "type": "array", "maxItems": 0 })) } else { optional(json!({ "type": "null" })) };
    let mut ways: Vec<Schema> = given
        .iter()
        .map(|(needed, _)| {
            let shape = more(who_and_certainly_why()).may_have("all", or_null(json!({ "const": false })));
            let with = |shape: Object, (name, schema): &(&str, Schema)| match name {
                _ if name == needed => shape.has(name, schema.clone()),
                &"keys" => shape.may_have(name, or_null(keys(0))),
                _ => shape.may_have(name, optional(schema.clone())),
            };
            given.iter().fold(shape, with).into()
        })
        .collect();
    let all = more(who_and_certainly_why()).has("all", json!({ "const": true }));
    ways.push(given.iter().fold(all, |shape, (name, _)| shape.may_have(name, none(name))).into());
    json!({ "anyOf": ways })
}
