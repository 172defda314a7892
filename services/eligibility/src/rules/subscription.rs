//! What each subscription in scope must be, and what to know of it before.

use super::{Found, Subject};
use planshift_domain::account::{
    codes::{Blocking, Warning},
    facts::{PartnerType, SubscriptionFacts, SubscriptionStatus},
    scope::{is_active, is_admin_role, is_open_transfer},
};

pub(super) fn assess(subject: &Subject<'_>, subscription: &SubscriptionFacts, found: &mut Found) {
    block(subject, subscription, found);
    warn(subject, subscription, found);
}

/// As people know it: its name and its id.
fn called(subscription: &SubscriptionFacts) -> String {
    format!("\"{}\" ({})", subscription.friendly_name, subscription.resource_id())
}

fn block(subject: &Subject<'_>, subscription: &SubscriptionFacts, found: &mut Found) {
    let mut block = |code, what: &dyn Fn(String) -> String| found.block(code, subscription.resource_id(), what(called(subscription)));
    if subscription.status != SubscriptionStatus::Active {
        let status = subscription.status;
        block(Blocking::SubscriptionStatusNotActive, &|it| {
            format!("The subscription {it} is {status} and not active: reactivate it, or have it deleted.")
        });
    }
    if is_too_recent(subject, subscription) {
        let (hours, bought) = (subject.settings.recent_window_hours, subscription.creation_date);
        block(Blocking::SubscriptionTooRecent, &|it| {
            format!("The subscription {it} was bought on {bought}, which is not yet {hours} hours ago: try again later.")
        });
    }
    if subscription.azure_subscription_id.is_none() {
        block(Blocking::SubscriptionNotProvisioned, &|it| {
            format!("The subscription {it} has no Azure subscription yet: wait until it is provisioned, and export the customer again.")
        });
    }
    if let Some(status) = subscription.transfers.iter().find(|status| is_open_transfer(status)) {
        block(Blocking::TransferInProgress, &|it| {
            format!("The subscription {it} is in a transfer to another partner ({status}): let it end, or cancel it.")
        });
    }
    if let Some(tenant) = subscription.tenant_id.filter(|tenant| *tenant != subject.customer_id) {
        let name = &subject.customer.company_name;
        block(Blocking::TenantMismatch, &|it| {
            format!(
                "The Azure subscription {it} is in the directory of the tenant {tenant} and not in that of {name}: change its directory first."
            )
        });
    }
    if let Some(mpn_id) = &subscription.reseller.0 {
        let partner = &subject.partner.name;
        if subject.partner.kind == PartnerType::DirectBill {
            block(Blocking::PartnerIdOnRecordInvalid, &|it| {
                format!(
                    "The subscription {it} has the reseller {mpn_id} on record, but {partner} bills directly and has no resellers: remove the partner on record."
                )
            });
        } else {
            let wrong = match subject.resellers.get(mpn_id) {
                None => Some(format!("no reseller of {partner} has that MPN id")),
                Some(reseller) if !is_active(&reseller.state) => {
                    Some(format!("{} is \"{}\" and not Active", reseller.name, reseller.state))
                }
                Some(_) => None,
            };
            if let Some(wrong) = wrong {
                block(Blocking::PartnerIdOnRecordInvalid, &|it| {
                    format!(
                        "The subscription {it} has the reseller {mpn_id} on record, but {wrong}: set an active reseller of the partner on record."
                    )
                });
            }
        }
    }
}

/// Less than the window ago, or in the future.
fn is_too_recent(subject: &Subject<'_>, subscription: &SubscriptionFacts) -> bool {
    subscription.creation_date > subject.now.plus_seconds(-3600 * i64::from(subject.settings.recent_window_hours))
}

fn warn(subject: &Subject<'_>, subscription: &SubscriptionFacts, found: &mut Found) {
    let mut warn = |code, what: &dyn Fn(String) -> String| found.warn(code, subscription.resource_id(), what(called(subscription)));
    if subscription.has_reservations {
        warn(Warning::ReservationPresent, &|it| {
            format!(
                "The subscription {it} has reservations, which are priced otherwise under an Azure plan: compare their prices before renewing them."
            )
        });
    }
    // a subscription without an Azure id has nothing that a role could be on
    let is_administered = subscription.azure_subscription_id.is_some()
        && subscription.roles.iter().any(|assignment| {
            let on_behalf = assignment.mpn_id == subject.partner.mpn_id || subscription.reseller.0.as_ref() == Some(&assignment.mpn_id);
            on_behalf && is_admin_role(&assignment.role)
        });
    if !is_administered {
        let partner = &subject.partner.name;
        warn(Warning::AdminAccessMissing, &|it| {
            format!(
                "On the subscription {it} neither {partner} nor its reseller is Owner or Contributor, so that partner earned credit will be 0 %: have the customer assign the role."
            )
        });
    }
}
