//! Commerce subscriptions that a transition has suspended and that the newest import tells nothing of: they stay, with their ids. Source:
//! the domain's sections 3.3 and 6.4.

use super::Whose;
use crate::{
    app::App,
    http::{context::Context, errors::ApiError},
    model::Suspended,
};
use planshift_domain::{
    ids::Reseller,
    message::request::{CustomerPage, READ_AT_MOST, Wanted},
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Up to how many suspended subscriptions it is counted which of them an import still tells of: a few questions. A customer with more of
/// them than this has no `totalCount`, once an import came after its transition.
const COUNTED: u32 = 4 * READ_AT_MOST;

/// What is left of a list.
#[derive(Default)]
pub(super) struct Left {
    /// Those of the page.
    pub(super) page: Vec<Suspended>,
    /// How many there are in all, where that is known.
    pub(super) total: Option<u64>,
}

/// What is left after `after`, at most `limit`. `page` is of the facts that are listed beside it.
pub(super) async fn left(
    app: &App,
    context: &Context,
    whose: Whose,
    page: &CustomerPage,
    reseller: Option<&Reseller>,
    (after, limit): (Option<Uuid>, u32),
) -> Result<Left, ApiError> {
    let (of, facts) = ((whose.partner, whose.customer), page.facts_version);
    let all = app.model.suspended(of, facts, reseller, Uuid::nil(), COUNTED + 1).await?;
    if all.len() <= COUNTED as usize {
        let mut left = Vec::new();
        for some in all.chunks(READ_AT_MOST as usize) {
            left.extend(not_told(app, context, whose, some.to_vec()).await?);
        }
        let total = Some(left.len() as u64);
        left.retain(|one| after.is_none_or(|after| one.commerce_subscription_id.0 > after));
        left.truncate(limit as usize);
        return Ok(Left { page: left, total });
    }
    // As many as the page has: where they are in the facts too, the page of the facts is as full of them. A reseller may have changed since,
    // and then they are not in that page.
    let (mut from, mut left) = (after.unwrap_or(Uuid::nil()), Vec::new());
    loop {
        let some = app.model.suspended(of, facts, reseller, from, limit).await?;
        let last = some.last().map(|one| one.commerce_subscription_id.0).filter(|_| some.len() == limit as usize);
        left.extend(not_told(app, context, whose, some).await?);
        match last {
            Some(last) if reseller.is_some() && left.len() < limit as usize => from = last,
            _ => break,
        }
    }
    left.truncate(limit as usize);
    Ok(Left { page: left, total: None })
}

/// Those that the facts lack.
async fn not_told(app: &App, context: &Context, whose: Whose, mut some: Vec<Suspended>) -> Result<Vec<Suspended>, ApiError> {
    if some.is_empty() {
        return Ok(some);
    }
    let ids = some.iter().map(|one| one.commerce_subscription_id.0).collect();
    let told = whose.read(app, context, Wanted { ids: Some(ids), ..Wanted::default() }, None, READ_AT_MOST).await?;
    let told: BTreeSet<_> = told.subscriptions.iter().map(|facts| facts.commerce_subscription_id).collect();
    some.retain(|one| !told.contains(&one.commerce_subscription_id));
    Ok(some)
}
