//! Schedules of upgrades.

use super::{
    api::Api,
    batches,
    operation::Operation,
    shapes::{
        Object, Schema, collection, count, flag, guid, list, number, object, one_of, optional, or_null, pattern, plain_and_not_empty, text,
        text_up_to, time,
    },
    upgrades::who_and_why,
};
use crate::{
    batches::{BatchState, REFERENCE_CHARS, RowState},
    http::schedules::MOST_LISTED,
    schedules::{MOST_DAYS, ScheduleAct, ScheduleState, Weekday, When},
};
use serde_json::json;

const PATH: &str = "/v1/productUpgrades/schedules";
const ONE: &str = "/v1/productUpgrades/schedules/{schedule}";

pub(super) fn describe(api: &Api) {
    let summary = api.named("ProductUpgradeScheduleSummary", summary(api).of_type("ProductUpgradeScheduleSummary"));
    let schedule = api.named("ProductUpgradeSchedule", whole(api).of_type("ProductUpgradeSchedule"));
    create(api, &schedule);
    api.add(
        Operation::get(PATH, "listSchedules", "Schedules, the newest first. They are not counted.")
            .of_partner()
            .query("state", api.of::<ScheduleState>(), "Only those in this state.")
            .query("customerId", guid(), "Only those that have this customer.")
            .query("from", time(), "Only those that have a day which begins at this instant or later.")
            .query("to", time(), "Only those that have a day which begins before this instant.")
            .pages()
            .json(200, "A page of them.", collection(summary))
            .may_give(200, "MS-ContinuationToken", "Where the next page begins, where there is one."),
    );
    api.add(Operation::get(ONE, "getSchedule", "A schedule with its days.").json(200, "How it stands.", schedule.clone()));
    let row = batches::row(api)
        .has("day", or_null(count()))
        .has("plannedAt", or_null(time()))
        .has("plannedUntil", or_null(time()))
        .has("lateBy", or_null(count()));
    api.add(
        Operation::get(
            "/v1/productUpgrades/schedules/{schedule}/rows",
            "listScheduleRows",
            "The rows of a schedule, when each is planned, and what became of it. They are not counted.",
        )
        .query("state", api.of::<RowState>(), "Only those in this state.")
        .query("customerId", guid(), "Only the one of this customer.")
        .pages()
        .json(200, "A page of them.", collection(row))
        .may_give(200, "MS-ContinuationToken", "Where the next page begins, where there is one."),
    );
    let acts: Vec<&str> = ScheduleAct::ALL.iter().map(|what| what.name()).collect();
    let acted = object()
        .has("version", count())
        .has("at", time())
        .has("act", one_of(&acts))
        .has("actor", text())
        .has("reason", text())
        .has("state", api.of::<ScheduleState>())
        .has("when", api.of::<When>());
    api.add(
        Operation::get(
            "/v1/productUpgrades/schedules/{schedule}/history",
            "getScheduleHistory",
            "Who did what to a schedule, and why; the newest first.",
        )
        .json(200, "The last two hundred.", collection(acted)),
    );
    api.add(
        Operation::put(ONE, "moveSchedule", "Moves what has not begun to another time.")
            .body(at_a_time(who_and_why()))
            .json(200, "How it stands.", schedule.clone())
            .fails(&[409]),
    );
    api.add(
        Operation::post(
            "/v1/productUpgrades/schedules/{schedule}/cancel",
            "cancelSchedule",
            "Cancels a schedule: what has begun goes to its end.",
        )
        .may_have_body(who_and_why())
        .json(200, "How it stands.", schedule)
        .fails(&[409]),
    );
}

fn create(api: &Api, schedule: &Schema) {
    let with = |shape: Object| -> Schema {
        at_a_time(shape)
            .may_have("externalReferenceId", optional(text_up_to(REFERENCE_CHARS)))
            .may_have("partnerId", optional(guid()))
            .may_have("reason", optional(text_up_to(1_000)))
            .may_have("actor", optional(text_up_to(100)))
            .into()
    };
    let mut customers = list(guid());
    (customers["minItems"], customers["maxItems"]) = (json!(1), json!(MOST_LISTED));
    let body = json!({ "anyOf": [
        with(object().has("customerId", guid())),
        with(object().has("customerIds", customers)),
        with(object().has("batchId", guid())),
    ] });
    let operation = Operation::post(PATH, "createSchedule", "Has customers, or a batch, begin at a time; the same external reference again is the same schedule.")
        .says("Local times are of the time zone. One that clocks skip is the instant at which they skip it, and of one that they show twice the first is meant; `planned` has the instants.")
        .of_partner()
        .body(body)
        .json(201, "The schedule, made now or before.", schedule.clone())
        .gives(201, "Location", "Where it is, relative to the version of the API.")
        .leads_to(201, "getSchedule", &[("schedule", "$response.body#/scheduleId")])
        .fails(&[404, 409]);
    api.add(operation);
}

/// When it is to be.
fn at_a_time(shape: Object) -> Object {
    let days: Vec<&str> = Weekday::ALL.iter().map(|day| day.name()).collect();
    let hour = || pattern("^([01][0-9]|2[0-3]):[0-5][0-9]$");
    shape
        .has("at", pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$"))
        .has("timeZone", plain_and_not_empty())
        .may_have("window", or_null(object().has("from", hour()).has("to", hour())))
        .may_have("days", or_null(list(one_of(&days))))
        .may_have("spread", or_null(number(1, MOST_DAYS)))
}

fn summary(api: &Api) -> Object {
    object()
        .has("scheduleId", guid())
        .has("partnerId", guid())
        .has("externalReferenceId", text())
        .has("state", api.of::<ScheduleState>())
        .has("settled", flag())
        .has("batchId", guid())
        .has("batchState", api.of::<BatchState>())
        .has("rows", count())
        .has("at", text())
        .has("timeZone", text())
        .has("window", or_null(api.of::<crate::schedules::Window>()))
        .has("days", list(api.of::<Weekday>()))
        .has("spread", number(1, MOST_DAYS))
        .has("nextAt", or_null(time()))
        .has("lateBy", or_null(count()))
        .has("version", count())
        .has("createdAt", time())
        .has("createdBy", text())
        .has("changedAt", time())
        .has("endedAt", or_null(time()))
        .links(&["batch"])
}

fn whole(api: &Api) -> Object {
    let day = object()
        .has("day", count())
        .has("opensAt", time())
        .has("closesAt", or_null(time()))
        .has("rows", count())
        .has("firstRow", count())
        .has("lastRow", count())
        .has("begunAt", or_null(time()))
        .has("lateBy", or_null(count()));
    summary(api).has("counts", batches::counts()).has("planned", list(day))
}
