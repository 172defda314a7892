//! Usage records. Source: `docs/usage.md`.

use super::{
    api::Api,
    operation::Operation,
    shapes::{Object, Schema, collection, count, flag, guid, list, object, one_of, or_null, plain, text, time},
};
use planshift_billing::{Decimal, Kind, Rated, Resource};
use serde_json::json;

const NEXT: &str = "Where the next page begins, where there is one.";

pub(super) fn describe(api: &Api) {
    imports(api);
    records(api);
    let interval = owned(object().has("from", or_null(time())).has("to", or_null(time())));
    let point = owned(object().has("from", time()).has("revision", count()).has("transitionId", guid()));
    let ownership =
        object().has("azureSubscriptionId", guid()).has("customerId", guid()).has("intervals", list(interval)).has("points", list(point));
    const PATH: &str = "/v1/customers/{customer}/azureSubscriptions/{subscription}/ownership";
    api.add(Operation::get(PATH, "getOwnership", "Who owns the usage of an Azure subscription, from when.").of_partner().json(
        200,
        "Intervals without gaps, and the change points that they come of.",
        api.named("Ownership", ownership),
    ));
}

/// Whose: `legacy` is billed on the invoice D, a plan on the invoice G.
pub(super) fn owned(shape: Object) -> Object {
    shape.has("owner", one_of(&["legacy", "plan"])).has("invoice", one_of(&["D", "G"])).has("planId", or_null(guid()))
}

/// What is shown of every file that is brought.
pub(super) fn file(id: &'static str, state: Schema) -> Object {
    let fault = object().has("row", count()).has("column", text()).has("found", text()).has("expected", text());
    object()
        .has(id, guid())
        .has("partnerId", guid())
        .has("state", state)
        .has("format", one_of(&["csv", "json", "ndjson"]))
        .has("actor", text())
        .has("document", text())
        .has("createdAt", time())
        .has("endedAt", or_null(time()))
        .has("faults", or_null(count()))
        .has("listedFaults", or_null(list(fault)))
}

fn imports(api: &Api) {
    let import = file("importId", api.named("ImportState", one_of(&["Running", "Undoing", "Done", "Refused", "Broken"])));
    let counted = ["records", "added", "repeated", "corrected"].into_iter().fold(import, |import, name| import.has(name, count()));
    let import = counted.may_have("sameFileAs", or_null(guid()));
    let import = api.named("UsageImport", import);
    api.add(
        Operation::post("/v1/usage", "importUsage", "Takes a file of usage records: all of it, or nothing.")
            .says(
                "Partner Center's utilisation records, or a daily rated usage file. Records that are here already change nothing; one with \
                   another quantity or price is a new revision of the record.",
            )
            .of_partner()
            .query("azureSubscriptionId", guid(), "Whose utilisation it is, where the records do not say.")
            .bodies(&[("text/csv", text()), ("application/json", json!({})), ("application/x-ndjson", text())], true)
            .json(200, "How many records were new, repeated and corrected.", import.clone())
            .fails(&[404, 409, 415]),
    );
    api.add(
        Operation::get("/v1/usage/imports", "listUsageImports", "Imports of usage, the newest first.")
            .of_partner()
            .pages()
            .json(200, "A page of them.", collection(import.clone()))
            .may_give(200, "MS-ContinuationToken", NEXT)
            .fails(&[404, 409]),
    );
    api.add(Operation::get("/v1/usage/imports/{id}", "getUsageImport", "How an import of usage is, or was.").json(
        200,
        "The import.",
        import,
    ));
}

fn records(api: &Api) {
    let record = owned(object())
        .has("identity", guid())
        .has("azureSubscriptionId", guid())
        .has("customerId", or_null(guid()))
        .has("subscriptionId", or_null(text()))
        .has("usageStart", time())
        .has("usageEnd", time())
        .has("reportedAt", or_null(time()))
        .has("kind", api.of::<Kind>())
        .has("quantity", api.of::<Decimal>())
        .has("unit", text())
        .has("resource", api.of::<Resource>())
        .has("rated", or_null(api.of::<Rated>()))
        .has("revision", count())
        .has("importId", guid());
    let record = api.named("UsageRecord", record);
    api.add(
        narrowed(Operation::get("/v1/usage", "listUsage", "Usage records, each with its owner."))
            .pages()
            .json(200, "A page of them, by subscription and start.", collection(record))
            .may_give(200, "MS-ContinuationToken", NEXT),
    );
    let total = owned(object())
        .has("kind", api.of::<Kind>())
        .has("unit", text())
        .has("records", count())
        .has("quantity", api.of::<Decimal>())
        .has("beyondAChange", count());
    let invoice = summed(api, object().has("kind", api.of::<Kind>()).has("unit", text()));
    api.add(
        narrowed(Operation::get("/v1/usage/totals", "getUsageTotals", "What each owner has of usage, as exact decimals by kind and unit."))
            .says(
                "`metered` is added by itself, over all records and whoever owns them: `difference` is what is left of it without `d` and `g`. \
                 `owner` narrows `items` alone.",
            )
            .json(200, "By owner, and by invoice.", object().has("items", list(total)).has("invoices", list(invoice)).has("agrees", flag())),
    );
}

/// Three sums that were each added by themselves, and whether they agree.
pub(super) fn summed(api: &Api, shape: Object) -> Object {
    let sum = |shape: Object, name: &str| shape.has(name, api.of::<Decimal>());
    ["metered", "d", "g", "difference"].into_iter().fold(shape, sum).has("agrees", flag())
}

fn narrowed(operation: Operation) -> Operation {
    let when: Schema = plain();
    operation
        .of_partner()
        .query("azureSubscriptionId", guid(), "Of this Azure subscription. This or customerId must be given.")
        .query("customerId", guid(), "Of all Azure subscriptions of this customer.")
        .query("from", when.clone(), "What starts at or after this time or date.")
        .query("to", when, "What starts before it.")
        .query("owner", one_of(&["legacy", "plan"]), "Only what the legacy subscription, or a plan, owns.")
        .fails(&[404, 409])
}
