//! Product upgrades. Source: the domain's sections 6.1 and 6.9.

use super::{
    api::Api,
    findings::{facts, said, upgrade_request, upgrade_request_of_partner},
    operation::Operation,
    shapes::{
        Object, Schema, always, collection, count, flag, guid, list, mpn_id, number, object, one_of, optional, or_null, pattern, text,
        text_up_to, time,
    },
};
use planshift_domain::{
    history::HistoryEntry,
    message::operator::{Explanation, STUCK_AT_MOST, StuckTransition},
    report::Report,
    transition::{Failure, State},
    view::TransitionView,
};

pub(super) fn describe(api: &Api) {
    microsofts(api);
    lists(api);
    one(api);
    acts(api);
}

/// Partner Center's three calls, and the dry run beside them.
fn microsofts(api: &Api) {
    let eligibility = said(api, object(), or_null(facts())).may_have("reason", text()).of_type("ProductUpgradesEligibility");
    api.add(
        Operation::post("/v1/productUpgrades/eligibility", "checkEligibility", "May this customer move? Has no effect.")
            .of_partner()
            .body(upgrade_request_of_partner())
            .json(200, "All that blocks, and all that is to be known.", api.named("ProductUpgradesEligibility", eligibility))
            .fails(&[409]),
    );
    api.add(
        Operation::post("/v1/productUpgrades/plan", "planUpgrade", "What would a transition do? Has no effect.")
            .says("Groups, plans to be bought or reused, warnings, what changes on invoices; and a hash that a start can be held to.")
            .of_partner()
            .body(upgrade_request_of_partner())
            .json(200, "The plan.", api.named("ProductUpgradePlan", plan(api)))
            .fails(&[409]),
    );
    let start = upgrade_request_of_partner().may_have("planHash", optional(pattern("^[0-9a-fA-F]{64}$")));
    api.add(
        Operation::post("/v1/productUpgrades", "createUpgrade", "Starts the transition of a customer.")
            .says("With `planHash` nothing but what the dry run has told is done: 409 PlanChanged where that has changed.")
            .of_partner()
            .body(start)
            .nothing(202, "It is under way.")
            .gives(202, "Location", "Where it is: `productUpgrades/{id}`, relative to the version of the API.")
            .fails(&[404, 409]),
    );
    let status = api.named("ProductUpgradesStatus", status());
    for (path, id) in [("/v1/productUpgrades/{id}/status", "getUpgradeStatus"), ("/v1/productUpgrades/{id}", "getUpgradeStatusAlias")] {
        api.add(
            Operation::post(path, id, "Partner Center's status of an upgrade, a line for each subscription.").body(upgrade_request()).json(
                200,
                "How it stands.",
                status.clone(),
            ),
        );
    }
}

fn plan(api: &Api) -> Object {
    let subscription =
        object().has("azureSubscriptionId", or_null(guid())).has("commerceSubscriptionId", guid()).has("friendlyName", text());
    let source = object().has("action", one_of(&["reuse", "reactivate", "buy"])).has("planId", or_null(guid())).has("why", text());
    let group = object()
        .has("partnerId", or_null(mpn_id()))
        .has("resellerName", or_null(text()))
        .has("subscriptionsTotal", count())
        .has("subscriptions", list(subscription))
        .has("plan", source);
    let budget = object().has("amount", text()).has("currencyCode", text()).has("carriesOver", flag());
    let invoices = object()
        .has("effectiveAt", object().has("rule", text()).has("earliest", time()))
        .has("legacy", object().has("invoice", always("D")).has("until", text()).has("text", text()))
        .has("plan", object().has("invoice", always("G")).has("from", text()).has("text", text()));
    said(api, object(), facts())
        .has("partnerId", guid())
        .has("planHash", pattern("^[0-9a-f]{64}$"))
        .has("groups", list(group))
        .has("groupsTotal", count())
        .has("subscriptionsTotal", count())
        .has("budget", or_null(budget))
        .has("invoices", invoices)
        .of_type("ProductUpgradePlan")
}

fn status() -> Object {
    let product = || object().has("id", guid()).has("name", text());
    let details = || object().has("code", text()).has("message", text()).has("description", text());
    let line = object()
        .has("sourceProduct", product())
        .has("sourceCommerceSubscriptionId", guid())
        .has("status", one_of(&["NotStarted", "InProgress", "Completed", "Failed"]))
        .may_have("targetProduct", product())
        .may_have("upgradedDate", time())
        .may_have("errorDetails", details());
    object()
        .has("id", guid())
        .has("productFamily", always("Azure"))
        .has("status", statuses())
        .has("lineItems", list(line))
        .may_have("errorDetails", details())
        .of_type("ProductUpgradesStatus")
}

/// Partner Center's states.
fn statuses() -> Schema {
    one_of(&["Pending", "InProgress", "Completed", "Failed"])
}

fn lists(api: &Api) {
    let item = object()
        .has("transitionId", guid())
        .has("partnerId", guid())
        .has("customerId", guid())
        .has("companyName", or_null(text()))
        .has("state", api.of::<State>())
        .has("version", count())
        .has("lines", count())
        .has("plans", count())
        .has("mapped", count())
        .has("suspended", count())
        .has("effectiveAt", or_null(time()))
        .has("startedAt", time())
        .has("endedAt", or_null(time()))
        .has("closedAt", or_null(time()))
        .has("startedBy", text())
        .has("failure", or_null(api.of::<Failure>()))
        .links(&[])
        .of_type("ProductUpgrade");
    let list_of = collection(api.named("ProductUpgrade", item)).may_have("lookedThrough", count());
    api.add(
        Operation::get("/v1/productUpgrades", "listUpgrades", "Transitions, the newest first.")
            .says("A text that is looked for is looked for page by page: `lookedThrough` says in how many, and a page may be empty.")
            .of_partner()
            .query("customerId", guid(), "Only this customer's.")
            .query("state", api.of::<State>(), "Only those in this state.")
            .query("status", statuses(), "Only those with this status of Partner Center's.")
            .query("startedAfter", time(), "Only those started after this.")
            .query("startedBefore", time(), "Only those started before this.")
            .query("olderThan", length_of_time(), "Only those started so long ago.")
            .query("id", guid(), "Only what has this id: a transition, its customer, a plan, an Azure or a commerce subscription.")
            .query("q", text_up_to(200), "Only what has this text; an id finds what has that id.")
            .pages()
            .json(200, "A page of them.", list_of)
            .may_give(200, "MS-ContinuationToken", "Where the next page begins, where there is one."),
    );
    let stuck = object().has("totalCount", count()).has("items", list(api.of::<StuckTransition>()));
    api.add(
        Operation::get("/v1/productUpgrades/stuck", "listStuckUpgrades", "Transitions that have not moved for a while, the longest first.")
            .of_partner()
            .query("longerThan", length_of_time(), "For how long they have not moved; 15 minutes unless it is given.")
            .query("size", number(1, STUCK_AT_MOST), "How many are listed at most.")
            .json(200, "The first of them, and how many there are.", stuck),
    );
}

/// `90s`, `15m`, `2h 30m`, or seconds.
fn length_of_time() -> Schema {
    pattern("^[0-9]{1,6}[smhd]?$")
}

fn one(api: &Api) {
    let progress = api.named("UpgradeProgress", progress(api));
    let mut view = api.of::<TransitionView>();
    let more = object().has("version", count()).has("percent", or_null(number(0, 100))).has("expectedEnd", or_null(time()));
    view = serde_json::json!({ "allOf": [view, serde_json::Value::from(more)] });
    api.add(
        Operation::get(
            "/v1/productUpgrades/{id}",
            "getUpgrade",
            "A transition with its plans and lines, how far it is, and when it may end.",
        )
        .json(200, "All of it.", view),
    );
    api.add(
        Operation::get("/v1/productUpgrades/{id}/progress", "getUpgradeProgress", "How far a transition is.")
            .says(
                "Of fixed size. It can be waited for: until the version is above `afterVersion`, or until nothing more happens by itself.",
            )
            .query("afterVersion", count_of_32_bits(), "Answer once the version is above this.")
            .query("waitSeconds", number(0, 60), "How long to wait at most.")
            .query("until", always("settled"), "Answer once nothing more happens by itself.")
            .json(200, "How far it is.", progress),
    );
    api.add(
        Operation::get("/v1/productUpgrades/{id}/history", "getUpgradeHistory", "What happened to a transition, in order.")
            .query("after", count_of_32_bits(), "Only entries after this number.")
            .query("size", number(1, 10_000), "How many at most.")
            .json(200, "Entries, each chained to the one before it by a hash.", collection(api.of::<HistoryEntry>())),
    );
    api.add(
        Operation::get("/v1/productUpgrades/{id}/report", "getUpgradeReport", "What became of a transition, and what to do about it.")
            .kind(200, "For people; or as JSON for whoever accepts that.", "text/plain", text())
            .json(200, "", api.of::<Report>()),
    );
    api.add(Operation::get("/v1/productUpgrades/{id}/why", "explainUpgrade", "What a transition waits for, and what happened last.").json(
        200,
        "The rule that it is at.",
        api.of::<Explanation>(),
    ));
}

/// What is counted in 32 bits.
fn count_of_32_bits() -> Schema {
    number(0, u32::MAX)
}

/// How far a transition is.
pub(super) fn progress(api: &Api) -> Object {
    object()
        .has("transitionId", guid())
        .has("customerId", guid())
        .has("state", api.of::<State>())
        .has("version", count())
        .has("settled", flag())
        .has("lines", count())
        .has("plans", count())
        .has("mapped", count())
        .has("suspended", count())
        .has("percent", or_null(number(0, 100)))
        .has("expectedEnd", or_null(time()))
        .has("startedAt", time())
        .has("endedAt", or_null(time()))
        .has("failure", or_null(api.of::<Failure>()))
        .has("historyCount", count())
}

fn acts(api: &Api) {
    for (path, id, summary) in [
        ("/v1/productUpgrades/{id}/cancel", "cancelUpgrade", "Undoes a transition that is not past its pivot."),
        ("/v1/productUpgrades/{id}/resume", "resumeUpgrade", "Goes on with a transition that needed an operator."),
        ("/v1/productUpgrades/{id}/close", "closeUpgrade", "Accepts that a transition has failed: purchases are free again."),
    ] {
        api.add(
            Operation::post(path, id, summary)
                .may_have_body(who_and_why())
                .nothing(202, "It is taken.")
                .gives(202, "Location", "Where it is: `productUpgrades/{id}`, relative to the version of the API.")
                .fails(&[409]),
        );
    }
}

/// Who acts, and why: both are kept for ever.
pub(super) fn who_and_why() -> Object {
    object().may_have("actor", or_null(told(100))).may_have("reason", or_null(told(1_000)))
}

/// The same where it must be said why.
pub(super) fn who_and_certainly_why() -> Object {
    let mut reason = told(1_000);
    reason["pattern"] = r"^[^\u0000-\u0008\u000B-\u001F\u007F-\u009F]*[!-~][^\u0000-\u0008\u000B-\u001F\u007F-\u009F]*$".into();
    object().may_have("actor", or_null(told(100))).has("reason", reason)
}

/// A text without control characters but line breaks and tabs.
fn told(characters: usize) -> Schema {
    let mut schema = text_up_to(characters);
    schema["pattern"] = r"^[^\u0000-\u0008\u000B-\u001F\u007F-\u009F]*$".into();
    schema
}
