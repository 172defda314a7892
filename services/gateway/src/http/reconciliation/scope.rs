//! Whose, and which month.

use crate::{
    app::App,
    http::{
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Parameters},
        upgrades,
        usage::whose,
    },
    reconciliation::Scope,
    words::{Words, words},
};
use planshift_billing::reconcile::cycle;
use planshift_domain::ids::TransitionId;

const A_MONTH: &Words = &Words::both("a month as 2026-09", "un mois comme 2026-09");
/// What narrows a list, to be asked for again with the next page.
pub(super) const NARROWS: [&str; 6] = ["month", "partnerId", "customerId", "azureSubscriptionId", "transitionId", "by"];

/// As a request says it. Of a transition the month may be left out: it is that of the change of owners then.
pub(super) async fn scope(app: &App, context: &Context, parameters: &Parameters) -> Result<(Scope, String), ApiError> {
    let transition: Option<TransitionId> = parameters.parse("transitionId", A_GUID, |text| text.parse().ok())?;
    match transition {
        Some(id) => of_transition(app, context, parameters, &id.to_string()).await,
        None => {
            let partner = whose(app, context, parameters).await?;
            let month = parameters.parse("month", A_MONTH, |text| cycle::month(text).map(|span| (text.to_owned(), span)))?;
            let Some((month, (from, to))) = month else {
                let text = words!("Say which month is meant, with month, as 2026-09.", "Précisez le mois, avec month, comme 2026-09.");
                return Err(ApiError::bad_input("InvalidParameter", text));
            };
            let customer = parameters.parse("customerId", A_GUID, |text| text.parse().ok())?;
            let azure = parameters.parse("azureSubscriptionId", A_GUID, |text| text.parse().ok())?;
            Ok((Scope { partner, customer, azure, transition: None, from, to }, month))
        }
    }
}

/// Of the subscriptions of a transition.
pub(super) async fn of_transition(app: &App, context: &Context, parameters: &Parameters, id: &str) -> Result<(Scope, String), ApiError> {
    let known = upgrades::find(app, context, id).await?;
    let row = known.row;
    let month = parameters.parse("month", A_MONTH, |text| cycle::month(text).map(|_| text.to_owned()))?;
    let month = month.unwrap_or_else(|| cycle::month_of(row.effective_at.unwrap_or(row.started_at)));
    let customer = parameters.parse("customerId", A_GUID, |text| text.parse().ok())?;
    let azure = parameters.parse("azureSubscriptionId", A_GUID, |text| text.parse().ok())?;
    let outside = || {
        let text = words!("{month} is no month that invoices are of.", "{month} n’est pas un mois de facturation.");
        ApiError::bad_input("InvalidParameter", text)
    };
    let (from, to) = cycle::month(&month).ok_or_else(outside)?;
    Ok((Scope { partner: row.partner_id, customer: customer.or(Some(row.customer_id)), azure, transition: Some(row.id), from, to }, month))
}
