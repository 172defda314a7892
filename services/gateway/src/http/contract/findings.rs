//! What blocks and what to know, as answers about upgrades tell it.

use super::{
    api::Api,
    shapes::{Object, Schema, count, flag, guid, list, object, one_of, optional, or_null, pattern, text, time},
};
use planshift_domain::transition::Finding;
use serde_json::json;

/// A reason in both our and Microsoft's terms.
pub(super) fn reason() -> Object {
    object()
        .has("code", text())
        .has("microsoftCode", text())
        .has("scope", or_null(one_of(&["partner", "customer", "subscription", "reseller"])))
        .has("resourceId", text())
        .has("retryable", flag())
        .has("description", text())
}

/// What both the eligibility and the plan say: reasons, warnings, and which facts they are about.
pub(super) fn said(api: &Api, shape: Object, facts: impl Into<Schema>) -> Object {
    let reason = api.named("Reason", reason());
    shape
        .has("customerId", guid())
        .has("productFamily", text())
        .has("isEligible", flag())
        .has("reasons", list(reason))
        .has("reasonsTotal", count())
        .has("warnings", list(api.of::<Finding>()))
        .has("warningsTotal", count())
        .has("facts", facts)
        .may_have("upgradeId", guid())
}

/// Which facts.
pub(super) fn facts() -> Object {
    object().has("version", count()).has("checkedAt", time())
}

/// Partner Center's body of its three calls. Source: the domain's section 6.1.
pub(super) fn upgrade_request() -> Object {
    object().has("customerId", guid()).has("productFamily", pattern("^[Aa][Zz][Uu][Rr][Ee]$")).may_have("attributes", json!({}))
}

/// The same where several partners may have the customer.
pub(super) fn upgrade_request_of_partner() -> Object {
    upgrade_request().may_have("partnerId", optional(guid()))
}
