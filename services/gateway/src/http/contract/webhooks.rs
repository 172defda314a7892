//! Webhooks: registration and validation as Partner Center has them, and deliveries. Source: the domain's section 6.8.

use super::{
    api::Api,
    operation::Operation,
    shapes::{Object, Schema, collection, count, flag, guid, list, object, one_of, optional, or_null, pattern, text, time},
};
use crate::hooks::{EventName, Try};
use serde_json::json;

const REGISTRATION: &str = "/webhooks/v1/registration";

pub(super) fn describe(api: &Api) {
    registration(api);
    validation(api);
    deliveries(api);
    replays(api);
}

/// The name of an event, in any case.
fn event() -> Schema {
    one_of(&EventName::ALL.map(EventName::name))
}

fn registration(api: &Api) {
    api.add(Operation::get("/webhooks/v1/registration/events", "listWebhookEvents", "What may be registered for.").json(
        200,
        "The names of all events.",
        list(text()),
    ));
    let shown = object()
        .has("SubscriberId", guid())
        .has("WebhookUrl", text())
        .has("WebhookEvents", list(event()))
        .has("PartnerId", guid())
        .has("ChangedAt", time())
        .has("ChangedBy", text());
    let shown = api.named("WebhookRegistration", shown);
    let asked = || {
        object()
            .has("WebhookUrl", pattern("^https://"))
            .has("WebhookEvents", json!({ "type": "array", "minItems": 1, "maxItems": 100, "items": event() }))
            .may_have("SubscriberId", optional(guid()))
    };
    api.add(
        Operation::get(REGISTRATION, "getWebhook", "The partner's registration.")
            .of_partner()
            .json(200, "The registration.", shown.clone())
            .fails(&[404]),
    );
    api.add(
        Operation::post(REGISTRATION, "registerWebhook", "Registers where the partner is told of events; the same again is the same.")
            .of_partner()
            .body(asked())
            .json(200, "The registration.", shown.clone())
            .fails(&[404, 409]),
    );
    api.add(
        Operation::put(REGISTRATION, "changeWebhook", "Changes the registration: what waits goes to the new URL.")
            .of_partner()
            .body(asked())
            .json(200, "The registration.", shown)
            .fails(&[404]),
    );
    api.add(
        Operation::delete(REGISTRATION, "unregisterWebhook", "Nothing is told any more.")
            .of_partner()
            .nothing(204, "It is gone.")
            .fails(&[404]),
    );
    api.add(
        Operation::get("/webhooks/v1/certificate", "getWebhookCertificate", "What signatures are checked by; receivers have no token.")
            .kind(200, "X.509, as DER.", "application/pkix-cert", json!({ "type": "string", "format": "binary" })),
    );
}

fn validation(api: &Api) {
    api.add(
        Operation::post("/webhooks/v1/registration/validationEvents", "testWebhook", "Has a test event sent; two a minute.")
            .of_partner()
            .json(200, "The event's id.", object().has("correlationId", guid()))
            .fails(&[404]),
    );
    let result =
        object().has("responseCode", or_null(text())).has("responseMessage", text()).has("systemError", flag()).has("dateTimeUtc", time());
    let outcome = object()
        .has("correlationId", guid())
        .has("partnerId", guid())
        .has("status", one_of(&["pending", "completed", "failed"]))
        .has("callbackUrl", or_null(text()))
        .has("results", list(result));
    api.add(
        Operation::get("/webhooks/v1/registration/validationEvents/{id}", "getWebhookTest", "How a test event went.").of_partner().json(
            200,
            "Each attempt; kept for seven days.",
            outcome,
        ),
    );
}

/// A delivery as it is listed.
fn delivery() -> Object {
    object()
        .has("id", guid())
        .has("partnerId", guid())
        .has("event", text())
        .has("transitionId", or_null(guid()))
        .has("happenedAt", time())
        .has("createdAt", time())
        .has("state", one_of(&["pending", "delivered", "dead"]))
        .has("attempts", count())
        .has("lastAttemptAt", or_null(time()))
        .has("lastStatus", or_null(count()))
        .has("lastError", or_null(text()))
        .has("nextAttemptAt", or_null(time()))
        .has("endedAt", or_null(time()))
        .links(&[])
        .of_type("WebhookDelivery")
}

fn deliveries(api: &Api) {
    let listed = api.named("ListedDelivery", delivery());
    let whole = api.named("WebhookDelivery", delivery().has("tries", list(api.of::<Try>())).has("body", text()));
    api.add(
        Operation::get("/webhooks/v1/deliveries", "listDeliveries", "What was told, what is still to be told, and what is given up.")
            .of_partner()
            .query("state", one_of(&["pending", "delivered", "dead"]), "Only those in this state.")
            .query("event", event(), "Only those of this event.")
            .pages()
            .json(200, "A page of them, the newest first.", collection(listed))
            .may_give(200, "MS-ContinuationToken", "Where the next page begins, where there is one."),
    );
    api.add(Operation::get("/webhooks/v1/deliveries/{id}", "getDelivery", "A delivery, with its body and its attempts.").json(
        200,
        "The delivery.",
        whole.clone(),
    ));
    api.add(Operation::post("/webhooks/v1/deliveries/{id}/redeliver", "redeliver", "Sends a delivery anew, whatever became of it.").json(
        202,
        "It is to be sent.",
        whole,
    ));
}

fn replays(api: &Api) {
    let replay = object()
        .has("id", guid())
        .has("partnerId", guid())
        .has("createdAt", time())
        .has("createdBy", text())
        .has("from", time())
        .has("to", time())
        .has("event", or_null(text()))
        .has("found", count())
        .has("state", one_of(&["running", "done"]))
        .has("endedAt", or_null(time()));
    let replay = api.named("WebhookReplay", replay);
    let asked = object().has("from", time()).may_have("to", optional(time())).may_have("event", optional(event()));
    api.add(
        Operation::post("/webhooks/v1/deliveries/replay", "replayEvents", "Tells again what happened within a time.")
            .of_partner()
            .body(asked)
            .json(202, "It is begun; its id is the request's.", replay.clone())
            .gives(202, "Location", "Where it is, relative to the version of the API.")
            .fails(&[404]),
    );
    api.add(Operation::get("/webhooks/v1/deliveries/replay/{id}", "getReplay", "How far a replay is.").of_partner().json(
        200,
        "How far it is.",
        replay,
    ));
}
