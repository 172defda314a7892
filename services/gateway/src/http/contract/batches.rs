//! Batches of upgrades.

use super::{
    api::Api,
    operation::Operation,
    shapes::{
        Object, Schema, collection, count, flag, guid, list, mpn_id, number, object, one_of, optional, or_null, pattern, plain, text,
        text_up_to, time,
    },
    upgrades::who_and_why,
};
use crate::batches::{BatchState, LARGEST_STOP_MINIMUM, MOST_AT_ONCE, Move, Options, REFERENCE_CHARS, RowState};
use planshift_domain::transition::Finding;
use serde_json::json;

const PATH: &str = "/v1/productUpgrades/batches";
const ONE: &str = "/v1/productUpgrades/batches/{batch}";

pub(super) fn describe(api: &Api) {
    let summary = api.named("ProductUpgradeBatchSummary", summary(api).of_type("ProductUpgradeBatchSummary"));
    let batch = api.named("ProductUpgradeBatch", whole(api).of_type("ProductUpgradeBatch"));
    let row = api.named("ProductUpgradeBatchRow", row(api));
    create(api, &batch);
    api.add(
        Operation::get(PATH, "listBatches", "Batches, the newest first. They are not counted.")
            .of_partner()
            .query("state", api.of::<BatchState>(), "Only those in this state.")
            .query("externalReferenceId", text_up_to(REFERENCE_CHARS), "Only those of this name, whole.")
            .pages()
            .json(200, "A page of them.", collection(summary))
            .may_give(200, "MS-ContinuationToken", "Where the next page begins, where there is one."),
    );
    api.add(Operation::get(ONE, "getBatch", "A batch, with what its rows add up to.").json(200, "How it stands.", batch.clone()));
    api.add(
        Operation::get(
            "/v1/productUpgrades/batches/{batch}/rows",
            "listBatchRows",
            "The rows of a batch, in their order. They are not counted.",
        )
        .query("state", api.of::<RowState>(), "Only those in this state.")
        .query("customerId", guid(), "Only the one of this customer.")
        .pages()
        .json(200, "A page of them.", collection(row.clone()))
        .may_give(200, "MS-ContinuationToken", "Where the next page begins, where there is one."),
    );
    let results = object().has("batchId", guid()).has("items", list(row)).of_type("ProductUpgradeBatchResults");
    api.add(
        Operation::get("/v1/productUpgrades/batches/{batch}/results", "getBatchResults", "All rows of a batch, written as they are read.")
            .query("format", pattern("^([cC][sS][vV]|[jJ][sS][oO][nN])$"), "csv or json; without it, as the request accepts.")
            .json(200, "All rows.", results)
            .kind(200, "All rows.", "text/csv", text())
            .gives(200, "Content-Disposition", "The name of the file.")
            .gives(200, "X-Content-Type-Options", "`nosniff`."),
    );
    let mut acts: Vec<&str> = Move::ALL.iter().map(|what| what.name()).collect();
    acts.push("Create");
    let acted = object()
        .has("version", count())
        .has("at", time())
        .has("act", one_of(&acts))
        .has("actor", text())
        .has("reason", text())
        .has("state", api.of::<BatchState>());
    api.add(
        Operation::get(
            "/v1/productUpgrades/batches/{batch}/history",
            "getBatchHistory",
            "Who did what to a batch, and why; the newest first.",
        )
        .json(200, "The last two hundred.", collection(acted)),
    );
    acts_of(api, &batch);
}

fn create(api: &Api, batch: &Schema) {
    let row = object()
        .has("customerId", guid())
        .may_have("externalReferenceId", optional(text_up_to(REFERENCE_CHARS)))
        .may_have("planHash", optional(pattern("^[0-9a-fA-F]{64}$")));
    let filter = object().has("customers", one_of(&["all", "eligible"])).may_have("reseller", optional(mpn_id()));
    let with = |shape: Object| -> Schema {
        let mut schema: Schema = shape
            .may_have("externalReferenceId", optional(text_up_to(REFERENCE_CHARS)))
            .may_have("partnerId", optional(guid()))
            .may_have("atOnce", or_null(number(1, MOST_AT_ONCE)))
            .may_have("stopPercent", or_null(number(0, 100)))
            .may_have("stopMinimum", or_null(number(1, LARGEST_STOP_MINIMUM)))
            .may_have("dryRun", or_null(flag()))
            .may_have("start", or_null(flag()))
            .may_have("keepToPlan", or_null(flag()))
            .may_have("reason", optional(text_up_to(1_000)))
            .may_have("actor", optional(text_up_to(100)))
            .may_have("attributes", object())
            .into();
        schema["additionalProperties"] = json!(false);
        schema
    };
    let body = json!({ "anyOf": [with(object().has("rows", list(row))), with(object().has("filter", filter))] });
    let operation = Operation::post(PATH, "createBatch", "Makes a batch of many customers; the same external reference again is the same batch.")
        .says("Every row is looked at before anything is stored: where one is wrong, all that is wrong is told by row and column, and nothing is taken. A table has its options in the query.")
        .of_partner()
        .bodies(&[("application/json", body), ("text/csv", text())], true)
        .query("externalReferenceId", plain(), "Of a table: the partner's own name of the batch.")
        .query("atOnce", number(1, MOST_AT_ONCE), "Of a table: how many rows may be under way at once.")
        .query("stopPercent", number(0, 100), "Of a table: it stops by itself where more than so many of a hundred ends have failed.")
        .query("stopMinimum", number(1, LARGEST_STOP_MINIMUM), "Of a table: once there are so many ends.")
        .query("dryRun", flag(), "Of a table: the plan of each row is asked for first.")
        .query("start", flag(), "Of a table: it starts at once, or once it is planned.")
        .query("keepToPlan", flag(), "Of a table: each start does what the dry run has shown, or nothing.")
        .query("reason", plain(), "Of a table: why.")
        .query("actor", plain(), "Of a table: who.")
        .json(201, "The batch, made now or before.", batch.clone())
        .gives(201, "Location", "Where it is, relative to the version of the API.")
        .leads_to(201, "getBatch", &[("batch", "$response.body#/batchId")])
        .fails(&[404, 409]);
    api.add(operation);
}

fn acts_of(api: &Api, batch: &Schema) {
    let keep = |shape: Object| shape.may_have("keepToPlan", or_null(flag()));
    let undo = |shape: Object| shape.may_have("undo", or_null(flag()));
    let acts = [
        ("/v1/productUpgrades/batches/{batch}/plan", "planBatch", "Has the plan of each row that waits made, or made again."),
        ("/v1/productUpgrades/batches/{batch}/start", "startBatch", "Starts a batch."),
        ("/v1/productUpgrades/batches/{batch}/pause", "pauseBatch", "Nothing new of a batch starts; what is under way goes to its end."),
        ("/v1/productUpgrades/batches/{batch}/resume", "resumeBatch", "Lets a batch go on that was paused, or has stopped."),
        (
            "/v1/productUpgrades/batches/{batch}/cancel",
            "cancelBatch",
            "Cancels rows that have not started; with `undo`, what is under way too.",
        ),
        ("/v1/productUpgrades/batches/{batch}/retry", "retryBatch", "Starts the failed and refused rows of a batch again."),
        ("/v1/productUpgrades/batches/{batch}/recheck", "recheckBatch", "Has the ineligible rows of a batch looked at again."),
    ];
    for (path, id, summary) in acts {
        let body = match id {
            "startBatch" => keep(who_and_why()),
            "cancelBatch" => undo(who_and_why()),
            _ => who_and_why(),
        };
        api.add(Operation::post(path, id, summary).may_have_body(body).json(200, "How it stands.", batch.clone()).fails(&[409]));
    }
}

fn summary(api: &Api) -> Object {
    object()
        .has("batchId", guid())
        .has("partnerId", guid())
        .has("externalReferenceId", text())
        .has("state", api.of::<BatchState>())
        .has("settled", flag())
        .has("note", text())
        .has("version", count())
        .has("rows", count())
        .has("scheduleId", or_null(guid()))
        .has("options", api.of::<Options>())
        .has("keepToPlan", flag())
        .has("undo", flag())
        .has("createdAt", time())
        .has("createdBy", text())
        .has("changedAt", time())
        .has("startedAt", or_null(time()))
        .has("endedAt", or_null(time()))
        .links(&[])
}

/// How many rows are in each state.
pub(super) fn counts() -> Object {
    RowState::ALL.iter().fold(object(), |counts, state| {
        let name = state.name();
        counts.has(&(name[..1].to_lowercase() + &name[1..]), count())
    })
}

fn whole(api: &Api) -> Object {
    let counts = counts();
    let reason = object().has("code", text()).has("customers", count());
    let plan = object()
        .has("wanted", count())
        .has("eligible", count())
        .has("refused", count())
        .has("subscriptions", count())
        .has("plansToBuy", count())
        .has("plansToReuse", count())
        .has("plansToReactivate", count())
        .has("reasons", list(reason));
    summary(api)
        .has("counts", counts)
        .has("percent", number(0, 100))
        .has("drained", flag())
        .has("expectedEnd", or_null(time()))
        .has("subscriptions", object().has("total", count()).has("completed", count()))
        .has("plan", or_null(plan))
}

pub(super) fn row(api: &Api) -> Object {
    let plan = object()
        .has("state", one_of(&["Wanted", "Eligible", "Refused"]))
        .has("planHash", or_null(text()))
        .has("subscriptions", count())
        .has("plansToBuy", count())
        .has("plansToReuse", count())
        .has("plansToReactivate", count());
    object()
        .has("row", count())
        .has("customerId", guid())
        .has("companyName", or_null(text()))
        .has("externalReferenceId", text())
        .has("planHash", or_null(text()))
        .has("state", api.of::<RowState>())
        .has("attempt", count())
        .has("transitionId", or_null(guid()))
        .has("subscriptions", count())
        .has("code", or_null(text()))
        .has("description", or_null(text()))
        .has("reasons", list(api.of::<Finding>()))
        .has("plan", or_null(plan))
        .has("beganAt", or_null(time()))
        .has("endedAt", or_null(time()))
}
