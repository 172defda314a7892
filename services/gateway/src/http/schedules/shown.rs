//! Schedules, their days and their rows as JSON.

use crate::{
    app::App,
    batches::{RowState, ShownRow},
    http::{batches, pages::link},
    schedules::{Day, Schedule, Scheduled},
    words::Locale,
};
use planshift_domain::time::Timestamp;
use planshift_storage::StorageError;
use serde_json::{Value, json};

/// A schedule with its days, and with what its rows add up to.
pub(super) async fn whole(app: &App, schedule: &Schedule) -> Result<Value, StorageError> {
    let days = app.schedules.days(schedule.id).await?;
    let late = app.schedules.late_since(&[schedule.id]).await?;
    let now = app.ports.clock.now();
    let mut shown = summary(schedule, late.get(&schedule.id).copied(), now);
    shown["counts"] = batches::counts(&app.batches.tally(schedule.batch).await?);
    shown["planned"] = days.iter().map(|one| day(schedule, one, now)).collect();
    shown["attributes"] = json!({ "objectType": "ProductUpgradeSchedule" });
    Ok(shown)
}

/// A schedule as lists show it. `late_since` is when the first of it should have begun that has not.
pub(super) fn summary(schedule: &Schedule, late_since: Option<Timestamp>, now: Timestamp) -> Value {
    let when = &schedule.when;
    json!({
        "scheduleId": schedule.id,
        "partnerId": schedule.partner,
        "externalReferenceId": schedule.reference,
        "state": schedule.state,
        "settled": schedule.state.is_over(),
        "batchId": schedule.batch,
        "batchState": schedule.batch_state,
        "rows": schedule.rows,
        "at": when.at,
        "timeZone": when.time_zone,
        "window": when.window,
        "days": when.days,
        "spread": when.spread,
        "nextAt": schedule.next_at,
        "lateBy": late_since.map(|since| (now.as_micros() - since.as_micros()).max(0) / 1_000_000),
        "version": schedule.version,
        "createdAt": schedule.created_at,
        "createdBy": schedule.actor,
        "changedAt": schedule.changed_at,
        "endedAt": schedule.ended_at,
        "links": {
            "self": link(format!("/productUpgrades/schedules/{}", schedule.id)),
            "batch": link(format!("/productUpgrades/batches/{}", schedule.batch)),
        },
        "attributes": { "objectType": "ProductUpgradeScheduleSummary" },
    })
}

fn day(schedule: &Schedule, day: &Day, now: Timestamp) -> Value {
    let then = day.begun_at.or((!schedule.state.is_over()).then_some(now));
    json!({
        "day": day.number,
        "opensAt": day.opens_at,
        "closesAt": day.closes_at,
        "rows": day.rows,
        "firstRow": day.first_row,
        "lastRow": day.last_row,
        "begunAt": day.begun_at,
        "lateBy": then.and_then(|then| day.late_by(then)),
    })
}

/// A row of its batch, and when it is planned.
pub(super) fn row(schedule: &Schedule, days: &[Day], row: &ShownRow, now: Timestamp, locale: Locale) -> Value {
    let day = days.iter().find(|day| (day.first_row..=day.last_row).contains(&row.number));
    let waits = row.state == RowState::Waiting && !schedule.state.is_over();
    let has_begun = row.began_at.is_some() || waits;
    let mut shown = batches::row(row, locale);
    shown["day"] = json!(day.map(|day| day.number));
    shown["plannedAt"] = json!(day.map(|day| day.opens_at));
    shown["plannedUntil"] = json!(day.and_then(|day| day.closes_at));
    shown["lateBy"] = json!(day.filter(|_| has_begun).and_then(|day| day.row_late_by(row.began_at, waits, now)));
    shown
}

/// Something that was done to a schedule.
pub(super) fn act(acted: &Scheduled) -> Value {
    json!({
        "version": acted.version,
        "at": acted.at,
        "act": acted.act,
        "actor": acted.actor,
        "reason": acted.reason,
        "state": acted.state,
        "when": acted.when,
    })
}
