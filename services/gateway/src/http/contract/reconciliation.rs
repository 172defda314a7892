//! Invoices, and what is wrong with them. Source: `docs/reconciliation.md`.

use super::{
    api::Api,
    operation::Operation,
    shapes::{Object, Schema, collection, count, flag, guid, list, object, one_of, or_null, pattern, text, time},
    usage::{file, owned, summed},
};
use crate::{files::FileState, reconciliation::Outcome};
use planshift_billing::{
    Decimal,
    credit::CreditLoss,
    reconcile::{Basis, Fault},
};
use serde_json::json;

const NEXT: &str = "Where the next page begins, where there is one.";

pub(super) fn describe(api: &Api) {
    invoices(api);
    subscriptions(api);
    credit(api);
    findings(api);
}

fn month() -> Schema {
    pattern("^20[0-9]{2}-(0[1-9]|1[0-2])$")
}

fn date() -> Schema {
    pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
}

fn series() -> Schema {
    one_of(&["D", "G"])
}

fn money(api: &Api) -> Schema {
    list(object().has("currency", or_null(text())).has("amount", api.of::<Decimal>()))
}

fn amounts(api: &Api) -> Object {
    object().has("d", money(api)).has("g", money(api))
}

/// A page, or a table for a spreadsheet of all of it.
fn paged_or_table(operation: Operation, item: impl Into<Schema>, more: &str, schema: Schema) -> Operation {
    operation
        .pages()
        .query("format", pattern("^([cC][sS][vV]|[jJ][sS][oO][nN])$"), "csv (then all of it) or json; without it, as the request accepts.")
        .json(200, "A page of them.", collection(item).has(more, schema))
        .kind(200, "All of them.", "text/csv", text())
        .may_give(200, "MS-ContinuationToken", NEXT)
        .may_give(200, "Content-Disposition", "The name of the file.")
        .may_give(200, "X-Content-Type-Options", "`nosniff`.")
}

fn narrowed(operation: Operation) -> Operation {
    operation
        .query("month", month(), "The calendar month in UTC, as 2026-09. Needed, but of a transition, which has one of its own.")
        .of_partner()
        .query("customerId", guid(), "Of this customer.")
        .query("azureSubscriptionId", guid(), "Of this Azure subscription.")
        .query("transitionId", guid(), "Of what this transition moved.")
        .fails(&[404, 409])
}

fn invoices(api: &Api) {
    let withdrawn = object().has("by", text()).has("at", time()).has("reason", text()).has("replacedBy", or_null(guid()));
    let invoice = file("invoiceId", api.of::<FileState>())
        .has("series", series())
        .has("lines", count())
        .has("unbilled", count())
        .has("numbers", list(text()))
        .has("from", or_null(time()))
        .has("to", or_null(time()))
        .has("withdrawn", or_null(withdrawn))
        .may_have("wasHere", flag());
    let invoice = api.named("InvoiceFile", invoice);
    api.add(
        Operation::post("/v1/invoices", "importInvoice", "Takes the file of an invoice: all of it, or nothing.")
            .says(
                "`series=D`: the reconciliation file of the legacy offer's usage (CSV). `series=G`: daily rated usage; what is on no invoice yet is \
                 passed over. The same file again changes nothing.",
            )
            .of_partner()
            .needs("series", pattern("^[dDgG]$"), "D, the legacy offer's, or G, the plan's.")
            .query("replaces", guid(), "The invoice that it takes the place of, which is withdrawn.")
            .bodies(&[("text/csv", text()), ("application/json", json!({})), ("application/x-ndjson", text())], true)
            .json(200, "The invoice, as it was taken.", invoice.clone())
            .fails(&[404, 409, 415]),
    );
    api.add(
        Operation::get("/v1/invoices", "listInvoices", "Files of invoices, the newest first.")
            .of_partner()
            .pages()
            .json(200, "A page of them.", collection(invoice.clone()))
            .may_give(200, "MS-ContinuationToken", NEXT)
            .fails(&[404, 409]),
    );
    api.add(Operation::get("/v1/invoices/{id}", "getInvoice", "How the file of an invoice is, or was.").json(
        200,
        "The invoice.",
        invoice.clone(),
    ));
    let why = object().may_have("reason", text()).may_have("actor", text());
    api.add(
        Operation::post("/v1/invoices/{id}/withdraw", "withdrawInvoice", "Has an invoice compared with nothing from now on; it is kept.")
            .may_have_body(why)
            .json(200, "The invoice.", invoice)
            .fails(&[409]),
    );
}

fn subscriptions(api: &Api) {
    let cycle = || or_null(object().has("from", time()).has("to", time()));
    let unit = summed(api, object().has("unit", text()).has("toldTwice", api.of::<Decimal>()));
    let interval = owned(object().has("from", or_null(time())).has("to", or_null(time())).has("transitionId", or_null(guid())));
    let of_cycle = object().has("cycle", cycle()).has("unit", text()).has("quantity", api.of::<Decimal>());
    let sides = |shape: Object| shape.has("d", api.of::<Decimal>()).has("g", api.of::<Decimal>()).has("amounts", amounts(api));
    let meter = sides(object().has("meterId", text()).has("name", text()).has("unit", text()));
    let day = sides(object().has("meterId", text()).has("day", date()).has("unit", text()))
        .has("basis", api.of::<Basis>())
        .has("ratedSays", or_null(api.of::<Decimal>()))
        .has("legacyCycle", cycle());
    let subscription = object()
        .has("azureSubscriptionId", guid())
        .has("customerId", guid())
        .has("commerceSubscriptionId", or_null(guid()))
        .has("planIds", list(guid()))
        .has("billingSubscriptionIds", list(text()))
        .has("transitionIds", list(guid()))
        .has("effectiveAt", or_null(time()))
        .has("intervals", list(interval))
        .has("units", list(unit.clone()))
        .has("agrees", flag())
        .has("amounts", amounts(api))
        .has("legacyCycles", list(of_cycle))
        .has("unprovenDays", count())
        .has("otherwiseDays", count())
        .may_have("meters", list(meter))
        .may_have("days", list(day));
    let subscription = api.named("Reconciled", subscription);
    let by = || one_of(&["subscription", "meter", "day"]);
    let list_of = Operation::get("/v1/reconciliation", "listReconciliation", "What belongs on which invoice, by Azure subscription.")
        .query("by", by(), "With the sums of each meter, or of each day of each meter.");
    api.add(paged_or_table(narrowed(list_of), subscription.clone(), "month", month()));
    let of_upgrade = Operation::get(
        "/v1/productUpgrades/{id}/reconciliation",
        "getUpgradeReconciliation",
        "What belongs on which invoice, of the subscriptions of a transition.",
    )
    .query("month", month(), "The calendar month in UTC; without it, that of the change of owners.")
    .query("customerId", guid(), "Of this customer.")
    .query("azureSubscriptionId", guid(), "Of this Azure subscription.")
    .query("by", by(), "With the sums of each meter, or of each day of each meter.");
    api.add(paged_or_table(of_upgrade, subscription, "month", month()));
    let totals = object()
        .has("month", month())
        .has("from", time())
        .has("to", time())
        .has("subscriptions", count())
        .has("units", list(unit))
        .has("amounts", amounts(api))
        .has("unprovenDays", count())
        .has("otherwiseDays", count())
        .has("disagreeing", count())
        .has("agrees", flag());
    let operation = Operation::get("/v1/reconciliation/totals", "getReconciliationTotals", "What all of them come to.");
    api.add(narrowed(operation).json(200, "Exact decimals, by unit and currency.", totals));
}

fn credit(api: &Api) {
    let outcomes: Vec<&str> = Outcome::ALL.iter().map(|outcome| outcome.name()).collect();
    let row = object()
        .has("customerId", guid())
        .has("azureSubscriptionId", guid())
        .has("planId", or_null(guid()))
        .has("day", date())
        .has("credit", one_of(&outcomes))
        .has("reason", or_null(api.of::<CreditLoss>()))
        .has("resellerMpnId", or_null(text()))
        .has("records", count())
        .has("amounts", money(api));
    let operation = Operation::get("/v1/reconciliation/credit", "listCredit", "Partner earned credit by day, with who loses it and why.");
    api.add(paged_or_table(narrowed(operation), api.named("CreditOfDay", row), "month", month()));
}

fn findings(api: &Api) {
    let line = object().has("invoiceId", guid()).has("invoice", text()).has("row", count());
    let finding = object()
        .has("fault", api.of::<Fault>())
        .has("series", series())
        .has("customerId", guid())
        .has("azureSubscriptionId", or_null(guid()))
        .has("meterId", text())
        .has("from", time())
        .has("to", time())
        .has("expected", api.of::<Decimal>())
        .has("found", api.of::<Decimal>())
        .has("lines", list(line));
    let finding = api.named("InvoiceFinding", finding);
    let operation = Operation::get(
        "/v1/reconciliation/findings",
        "listInvoiceFindings",
        "What is missing, doubled or on the wrong invoice, of a month.",
    );
    api.add(paged_or_table(narrowed(operation), finding.clone(), "unlisted", count()));
    let operation = Operation::get(
        "/v1/invoices/{id}/findings",
        "listFindingsOfInvoice",
        "What is wrong with an invoice, line by line, and what is missing.",
    )
    .query("customerId", guid(), "Of this customer.")
    .fails(&[409]);
    api.add(paged_or_table(operation, finding, "unlisted", count()));
}
