//! Azure subscriptions: under which plan they are, and who owns their usage.

use super::{PAGE, Report, Stores, convert};
use planshift_coordinator::inspect::{self, Transition};
use planshift_domain::ids::TransitionId;
use planshift_invariants::{
    checks,
    data::{Point, Stand},
};
use planshift_mapping::inspect::{Attachment, OwnershipPoint, attachments, ownership, ownership_of};
use planshift_storage::StorageError;
use std::collections::{BTreeSet, HashMap};

/// Checks all change points, and all Azure subscriptions against theirs.
pub(super) async fn check(stores: &Stores, report: &mut Report) -> Result<(), StorageError> {
    check_points(stores, report).await?;
    check_attachments(stores, report).await
}

/// Every change point in the order of its key; those of one Azure subscription together.
async fn check_points(stores: &Stores, report: &mut Report) -> Result<(), StorageError> {
    let mut last: Option<OwnershipPoint> = None;
    let mut points: Vec<Point> = Vec::new();
    loop {
        let page = ownership(&stores.mapping, last.as_ref(), PAGE).await?;
        for row in &page {
            if let Some(before) = last.replace(*row).filter(|before| before.azure_subscription_id != row.azure_subscription_id) {
                report.add(checks::points_are_sound(convert::id(before.azure_subscription_id), &points));
                points.clear();
            }
            points.push(convert::point(row));
        }
        let by: BTreeSet<TransitionId> = page.iter().map(|row| row.transition_id).collect();
        let known = transitions(stores, &by).await?;
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

async fn check_attachments(stores: &Stores, report: &mut Report) -> Result<(), StorageError> {
    let mut after = None;
    loop {
        let page = attachments(&stores.mapping, after, PAGE).await?;
        let azure: Vec<_> = page.iter().map(|row| row.azure_subscription_id).collect();
        let mut points: HashMap<_, Vec<OwnershipPoint>> = HashMap::new();
        for point in ownership_of(&stores.mapping, &azure).await? {
            points.entry(point.azure_subscription_id).or_default().push(point);
        }
        let by = points.values().flatten().map(|point| point.transition_id).chain(page.iter().filter_map(|row| row.attached_by));
        let known = transitions(stores, &by.collect()).await?;
        for row in &page {
            check_attachment(row, points.get(&row.azure_subscription_id).map_or(&[], Vec::as_slice), &known, report);
        }
        after = page.last().map(|row| (row.partner_id, row.azure_subscription_id));
        if page.len() < PAGE as usize {
            return Ok(());
        }
    }
}

/// An Azure subscription that went from one partner to another has change points of both; each answers for its own.
fn check_attachment(row: &Attachment, points: &[OwnershipPoint], known: &HashMap<TransitionId, Transition>, report: &mut Report) {
    let ours = |id: &TransitionId| known.get(id).is_some_and(|transition| transition.head.partner_id == row.partner_id);
    let points: Vec<&OwnershipPoint> = points.iter().filter(|point| ours(&point.transition_id)).collect();
    let in_motion = |id: &TransitionId| known.get(id).is_some_and(|transition| convert::stand(transition.state) == Stand::UnderWay);
    if row.attached_by.iter().chain(points.iter().map(|point| &point.transition_id)).any(in_motion) {
        return;
    }
    let transition = row.attached_by.and_then(|id| known.get(&id));
    report.add(checks::owner_follows_attachment(&checks::Attached {
        azure: convert::id(row.azure_subscription_id),
        plan: row.plan_id.map(convert::id),
        by: row.attached_by.map(convert::id),
        effective_at: transition.and_then(|transition| transition.effective_at).map(planshift_domain::time::Timestamp::as_micros),
        points: &points.into_iter().map(convert::point).collect::<Vec<_>>(),
    }));
}

async fn transitions(stores: &Stores, ids: &BTreeSet<TransitionId>) -> Result<HashMap<TransitionId, Transition>, StorageError> {
    let ids: Vec<TransitionId> = ids.iter().copied().collect();
    Ok(inspect::transitions(&stores.coordinator, &ids).await?.into_iter().map(|transition| (transition.head.id, transition)).collect())
}
