//! Azure subscriptions: under which plan they are, and who owns their usage.

use super::{PAGE, Report, Stores, convert};
use planshift_coordinator::inspect::{Standing, standing};
use planshift_domain::{ids::TransitionId, time::Timestamp};
use planshift_invariants::{
    checks,
    data::{Point, Stand},
};
use planshift_mapping::inspect::{Change, OwnershipPoint, Under, owned, ownership};
use planshift_storage::StorageError;
use std::collections::{BTreeSet, HashMap};

/// Every change point in the order of its key; those of one Azure subscription together.
pub(super) async fn check_points(stores: &Stores, report: &Report) -> Result<(), StorageError> {
    let mut last: Option<OwnershipPoint> = None;
    let mut points: Vec<Point> = Vec::new();
    loop {
        let page = ownership(&stores.mapping, last.as_ref(), PAGE).await?;
        for row in &page {
            if let Some(before) = last.replace(*row).filter(|before| before.azure_subscription_id != row.azure_subscription_id) {
                report.add(checks::points_are_sound(convert::id(before.azure_subscription_id), &points));
                points.clear();
            }
            points.push(convert::point(&row.point, row.transition_id));
        }
        let by: BTreeSet<TransitionId> = page.iter().map(|row| row.transition_id).collect();
        let known = standing(&stores.coordinator, by.iter().copied()).await?;
        for id in by {
            report.add(checks::is_known(convert::id(id), "a change of ownership", known.contains_key(&id)));
        }
        if page.len() < PAGE as usize {
            break;
        }
    }
    if let Some(last) = last {
        report.add(checks::points_are_sound(convert::id(last.azure_subscription_id), &points));
    }
    Ok(())
}

/// Every Azure subscription against its change points.
pub(super) async fn check_attachments(stores: &Stores, report: &Report) -> Result<(), StorageError> {
    let mut after = None;
    loop {
        let page = owned(&stores.mapping, after, PAGE).await?;
        let by = page.iter().flat_map(|(under, changes)| changes.iter().map(|(_, by)| *by).chain(under.attached_by));
        let known = standing(&stores.coordinator, by.collect::<BTreeSet<_>>()).await?;
        for (under, changes) in &page {
            check_attachment(under, changes, &known, report);
        }
        after = page.last().map(|(under, _)| under.key);
        if page.len() < PAGE as usize {
            return Ok(());
        }
    }
}

/// An Azure subscription that went from one partner to another has change points of both; each answers for its own.
fn check_attachment(row: &Under, changes: &[Change], known: &HashMap<TransitionId, Standing>, report: &Report) {
    let (partner, azure) = row.key;
    let ours = |id: &TransitionId| known.get(id).is_some_and(|transition| transition.partner_id == partner);
    let changes: Vec<&Change> = changes.iter().filter(|(_, by)| ours(by)).collect();
    let in_motion = |id: &TransitionId| known.get(id).is_some_and(|transition| convert::stand(transition.state) == Stand::UnderWay);
    if row.attached_by.iter().chain(changes.iter().map(|(_, by)| by)).any(in_motion) {
        return;
    }
    let transition = row.attached_by.and_then(|id| known.get(&id));
    report.add(checks::owner_follows_attachment(&checks::Attached {
        azure: convert::id(azure),
        plan: row.plan_id.map(convert::id),
        by: row.attached_by.map(convert::id),
        effective_at: transition.and_then(|transition| transition.effective_at).map(Timestamp::as_micros),
        points: &changes.into_iter().map(|(point, by)| convert::point(point, *by)).collect::<Vec<_>>(),
    }));
}
