//! Usage records: whose they are, and what their owners are known by.

use super::{PAGE, Report, Stores, convert};
use planshift_domain::{ids::AzureSubscriptionId, ownership::Owner};
use planshift_gateway::inspect;
use planshift_invariants::{checks, data::Point};
use planshift_mapping::inspect::points_of;
use planshift_storage::StorageError;
use std::collections::BTreeMap;

/// Every record against the change points that it follows.
pub(super) async fn check_records(stores: &Stores, report: &Report) -> Result<(), StorageError> {
    let Some(gateway) = &stores.gateway else { return Ok(()) };
    let mut after = None;
    loop {
        let (page, next) = inspect::usage(gateway, after, PAGE).await?;
        for record in &page {
            let points: Vec<Point> = record.points.iter().map(|(point, by)| convert::point(point, *by)).collect();
            let plan = if let Owner::Plan(plan) = record.owner { Some(convert::id(plan)) } else { None };
            let owned = checks::UsageOwned { azure: convert::id(record.azure_subscription_id), start: record.start.as_micros(), plan };
            report.add(checks::usage_follows_ownership(&owned, &points));
        }
        after = next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// The gateway's copy of change points against mapping's: read first, so that mapping knows all that it can have said.
pub(super) async fn check_copies(stores: &Stores, report: &Report) -> Result<(), StorageError> {
    let Some(gateway) = &stores.gateway else { return Ok(()) };
    let mut after = None;
    loop {
        let page = inspect::copied_points(gateway, after, PAGE).await?;
        let mut copied: BTreeMap<AzureSubscriptionId, Vec<Point>> = BTreeMap::new();
        for (azure, (point, by)) in &page {
            copied.entry(*azure).or_default().push(convert::point(point, *by));
        }
        let mut said: BTreeMap<AzureSubscriptionId, Vec<Point>> = BTreeMap::new();
        for row in points_of(&stores.mapping, copied.keys().copied()).await? {
            said.entry(row.azure_subscription_id).or_default().push(convert::point(&row.point, row.transition_id));
        }
        for (azure, copied) in &copied {
            let said = said.get(azure).map_or(&[][..], Vec::as_slice);
            report.add(checks::copied_points_are_mappings(convert::id(*azure), copied, said));
        }
        after = page.last().copied();
        if page.len() < PAGE as usize {
            return Ok(());
        }
    }
}
