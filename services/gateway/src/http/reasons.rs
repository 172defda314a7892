//! What blocks, in Microsoft's terms: our code, Microsoft's code, the HTTP status, the error's name, and whether the same
//! request may succeed later without anyone doing anything.
//!
//! Source: the domain's sections 2.2 and 5.3. Where Microsoft names several codes, the first is taken; where it has none for the
//! very condition, the nearest, or 900120 (the upgrade cannot be processed).

use super::{errors::ApiError, findings};
use crate::words::{Locale, Words, words};
use axum::http::StatusCode;
use planshift_domain::{
    account::codes::{Blocking, Scope},
    ids::TransitionId,
    message::plan::PLAN_CHANGED,
    transition::Finding,
};
use serde_json::{Value, json};

/// A blocking rule in Microsoft's terms.
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) name: &'static str,
    pub(crate) retryable: bool,
}

/// The table.
pub(crate) const fn refusal(rule: Blocking) -> Refusal {
    const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    const CONFLICT: StatusCode = StatusCode::CONFLICT;
    let (code, status, name, retryable) = match rule {
        Blocking::PartnerTypeNotAllowed => ("900150", FORBIDDEN, "PartnerTypeNotAllowed", false),
        Blocking::PartnerAgreementMissing => ("900124", FORBIDDEN, "PartnerAgreementMissing", true),
        Blocking::PartnerProgramInactive => ("900149", FORBIDDEN, "PartnerProgramInactive", false),
        Blocking::ResellerRelationshipMissing => ("20002", FORBIDDEN, "ResellerRelationshipMissing", false),
        Blocking::CustomerAgreementMissing => ("13605", FORBIDDEN, "CustomerAgreementMissing", false),
        Blocking::UpgradeInProgress => ("900109", CONFLICT, "UpgradeInProgress", false),
        Blocking::UpgradeAlreadyCompleted => ("900110", BAD, "UpgradeAlreadyCompleted", false),
        Blocking::NoAzureSubscriptions => ("900108", FORBIDDEN, "NoAzureSubscriptions", false),
        Blocking::PartnerSharedServices => ("900119", FORBIDDEN, "PartnerSharedServicesNotSupported", false),
        Blocking::CloudNotSupported => ("900120", FORBIDDEN, "CloudNotSupported", false),
        Blocking::CatalogItemNotFound => ("900107", BAD, "UpgradeCatalogItemNotFound", false),
        Blocking::PendingOrder => ("800060", CONFLICT, "PendingOrder", true),
        Blocking::SubscriptionStatusNotActive => ("900105", FORBIDDEN, "SuspendedAzureSubscriptions", false),
        Blocking::SubscriptionTooRecent => ("900130", FORBIDDEN, "SubscriptionTooRecent", true),
        Blocking::SubscriptionNotProvisioned => ("900120", BAD, "SubscriptionNotProvisioned", true),
        Blocking::TransferInProgress => ("900101", CONFLICT, "TransferInProgress", true),
        Blocking::TenantMismatch => ("900140", StatusCode::NOT_FOUND, "TenantMismatch", false),
        Blocking::PartnerIdOnRecordInvalid => ("2071", BAD, "PartnerIdOnRecordInvalid", false),
        Blocking::ResellerAgreementMissing => ("900123", FORBIDDEN, "ResellerAgreementMissing", false),
    };
    Refusal { code, status, name, retryable }
}

/// The plan that a start was to keep to is not what would be done any more: no rule, and nothing that Microsoft has.
const CHANGED: Refusal = Refusal { code: "409", status: StatusCode::CONFLICT, name: "PlanChanged", retryable: false };

/// Where a code is none of the table's.
const OTHER: Refusal = Refusal { code: "900120", status: StatusCode::FORBIDDEN, name: "UpgradeNotAllowed", retryable: false };

/// A reason's code in Microsoft's terms.
pub(crate) fn refusal_of(code: &str) -> Refusal {
    if code == PLAN_CHANGED { CHANGED } else { Blocking::from_name(code).map_or(OTHER, refusal) }
}

/// The customer may not move: the error of the first reason, with all of them in the body.
pub(crate) fn ineligible(id: TransitionId, reasons: &[Finding], locale: Locale) -> ApiError {
    let first = reasons.first();
    let refusal = first.map_or(OTHER, |reason| refusal_of(&reason.code));
    let unsaid = || words!("The upgrade cannot be processed.", "La mise à niveau ne peut pas être traitée.");
    let description = first.map_or_else(unsaid, |reason| Words::translated(&reason.description, findings::french(reason)));
    let error = ApiError::new(refusal.status, refusal.code, refusal.name, description);
    let error = error.with("transitionId", id).with("reasons", all(reasons, locale));
    if refusal.retryable { error.retryable() } else { error }
}

/// Every reason in both our and Microsoft's terms, in that language.
pub(crate) fn all(reasons: &[Finding], locale: Locale) -> Vec<Value> {
    let described = findings::translated(reasons.to_vec(), locale).into_iter().map(|reason| {
        let rule = Blocking::from_name(&reason.code);
        let refusal = refusal_of(&reason.code);
        json!({
            "code": reason.code,
            "microsoftCode": refusal.code,
            "scope": rule.map(|rule| scope(rule.scope())),
            "resourceId": reason.resource_id,
            "retryable": refusal.retryable,
            "description": reason.description,
        })
    });
    described.collect()
}

const fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Partner => "partner",
        Scope::Customer => "customer",
        Scope::Subscription => "subscription",
        Scope::Reseller => "reseller",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_code_of_digits_and_an_error_status() {
        for rule in Blocking::ALL {
            let refusal = refusal(*rule);
            assert!(refusal.code.bytes().all(|b| b.is_ascii_digit()) && refusal.status.is_client_error(), "{rule}");
        }
    }
}
