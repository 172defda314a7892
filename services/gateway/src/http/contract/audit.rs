//! Audit records, and the dossier of a customer. Source: the domain's section 6.7.

use super::{
    api::Api,
    operation::Operation,
    shapes::{Object, Schema, always, collection, count, guid, list, object, one_of, or_null, plain_and_not_empty, text, time},
};
use planshift_domain::{audit::CustomerEntry, history::HistoryEntry};
use serde_json::json;

pub(super) fn describe(api: &Api) {
    // a day, or an instant of it
    let day = || json!({ "type": "string", "anyOf": [{ "format": "date" }, { "format": "date-time" }] });
    let by = |field: &str, value: Schema, operator: &str| {
        Schema::from(object().has("Field", always(field)).has("Value", value).has("Operator", always(operator)))
    };
    let filters = [
        by("CompanyName", plain_and_not_empty(), "substring"),
        by("CustomerId", guid(), "equals"),
        by("ResourceType", plain_and_not_empty(), "equals"),
    ];
    let filter = json!({ "anyOf": filters });
    api.add(
        Operation::get("/v1/auditrecords", "listAuditRecords", "What was done, by whom, and how it went; the newest first.")
            .says("Kept for seven years, and not for Partner Center's 90 days; 30 days unless `startDate` is given.")
            .of_partner()
            .query("startDate", day(), "From this day on.")
            .query("endDate", day(), "Until this day, and including it.")
            .query_json("filter", filter, "A condition.")
            .pages()
            .json(200, "A page of them; `totalCount` is of the page.", collection(api.named("AuditRecord", record())))
            .may_give(200, "MS-ContinuationToken", "Where the next page begins, where there is one."),
    );
    api.add(
        Operation::get("/v1/customers/{customer}/dossier", "getDossier", "Everything that a third party needs to check what happened.")
            .says("`planshift audit --check FILE` checks it. For whoever accepts `text/html` it is a page to print.")
            .of_partner()
            .json(200, "The customer's chain, and its transitions.", api.named("Dossier", dossier(api)))
            .kind(200, "", "text/html", text()),
    );
}

fn record() -> Object {
    object()
        .has("id", text())
        .has("partnerId", guid())
        // of no customer is what was done to a batch
        .has("customerId", or_null(guid()))
        .has("customerName", or_null(text()))
        .has("userPrincipalName", text())
        .has("applicationId", json!({ "type": "null" }))
        .has("resourceType", text())
        .has("resourceOldValue", or_null(text()))
        .has("resourceNewValue", or_null(text()))
        .has("operationType", text())
        .has("originalCorrelationId", or_null(guid()))
        .has("operationDate", time())
        .has("operationStatus", one_of(&["succeeded", "failed", "progress"]))
        .has("customizedData", list(object().has("key", text()).has("value", text())))
        .of_type("AuditRecord")
}

/// What it is made of; how its hashes are made: `docs/audit.md`.
fn dossier(api: &Api) -> Object {
    let whatever = || Schema::from(json!({ "type": "object" }));
    let transition = object()
        .has("history", list(api.of::<HistoryEntry>()))
        .has("lines", list(whatever()))
        .has("packets", list(whatever()))
        .has("plans", list(whatever()))
        .has("transition", whatever());
    let ends = object().has("entries", count()).has("hash", text());
    let whole = object()
        .has("chain", ends)
        .has("customer", text())
        .has("exported", text())
        .has("histories", list(whatever()))
        .has("sha256", text());
    let customer = object().has("partnerId", guid()).has("customerId", guid()).has("companyName", text()).has("domain", text());
    object()
        .has("chain", list(api.of::<CustomerEntry>()))
        .has("customer", customer)
        .has("format", text())
        .has("exported", object().has("at", time()).has("by", text()).has("correlationId", guid()))
        .has("transitions", list(transition))
        .has("whole", whole)
}
