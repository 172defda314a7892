//! The Microsoft Customer Agreement, which a partner confirms or the customer signs itself; and a reseller's partner agreement.
//! Source: the domain's section 6.2.

use super::{
    Whose,
    profile::whose_resellers,
    resource::{in_query, whole},
};
use crate::{
    app::App,
    http::{answer::Answer, context::Context, errors::ApiError, fields::Parameters},
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use planshift_domain::ids::{MpnId, parse_guid};
use serde_json::json;

/// The one agreement that counts for a transition.
const CUSTOMER_AGREEMENT: &str = "MicrosoftCustomerAgreement";
/// What Partner Center lists where no type is given. Nobody has one here.
const CLOUD_AGREEMENT: &str = "MicrosoftCloudAgreement";
/// The agreement's text. Source: every sample of Partner Center's documentation.
const TEMPLATE: &str = "117a77b0-9360-443b-8795-c6dedc750cf9";
/// Where its text is.
const TEXT: &str = "https://aka.ms/customeragreement";

/// `GET /v1/agreements?agreementType=`: which agreements there are.
pub(in crate::http) async fn metadata(parameters: Parameters) -> Result<Answer, ApiError> {
    let items = match wanted(&parameters) {
        CUSTOMER_AGREEMENT | "*" => vec![json!({
            "templateId": TEMPLATE, "agreementType": CUSTOMER_AGREEMENT, "type": CUSTOMER_AGREEMENT, "agreementLink": TEXT, "versionRank": 0,
            "attributes": { "objectType": "AgreementMetaData" },
        })],
        _ => Vec::new(),
    };
    whole(&format!("/agreements{}", as_asked(&parameters)), items)
}

/// `GET /v1/customers/{id}/agreements?agreementType=`: the confirmations. Without the parameter they are those of another agreement,
/// as at Partner Center.
pub(in crate::http) async fn agreements(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let whose = Whose::find(&app, &context, &id, &parameters).await?;
    let wanted = wanted(&parameters);
    let confirmed = whose.head(&app, &context).await?.customer.agreements;
    let of_type = confirmed.iter().filter(|agreement| wanted == "*" || agreement.kind.eq_ignore_ascii_case(wanted));
    let items = of_type.map(|agreement| {
        json!({
            "primaryContact": agreement.primary_contact,
            "templateId": agreement.template_id.as_deref().unwrap_or(TEMPLATE),
            "dateAgreed": agreement.date_agreed,
            "type": agreement.kind,
            "agreementLink": TEXT,
            "attributes": { "objectType": "Agreement" },
        })
    });
    whole(&format!("/customers/{}/agreements{}", whose.customer, as_asked(&parameters)), items.collect())
}

/// `GET /v1/customers/{id}/directSignedMicrosoftCustomerAgreementStatus`.
pub(in crate::http) async fn direct_signature(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let whose = Whose::find(&app, &context, &id, &parameters).await?;
    let signed = whose.head(&app, &context).await?.customer.has_signed_directly;
    Answer::json(&json!({ "isSigned": signed, "attributes": { "objectType": "DirectSignedCustomerAgreementStatus" } }))
}

/// `GET /v1/compliance/csp/agreementstatus?mpnId=…` or `?tenantId=…`: has this reseller signed the Microsoft Partner Agreement?
pub(in crate::http) async fn reseller_agreement(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let refused = |code, name: &str, text: &str| ApiError::new(StatusCode::BAD_REQUEST, code, name, text);
    let (mpn, tenant) = match (parameters.get("mpnId"), parameters.get("tenantId")) {
        (Some(mpn), None) => {
            let wrong = |_| refused("2000", "InvalidMpnId", "The parameter mpnId must be a number.");
            (Some(MpnId::try_new(mpn).map_err(wrong)?), None)
        }
        (None, Some(tenant)) => {
            let wrong = || refused("2001", "InvalidTenantId", "The parameter tenantId must be a GUID.");
            (None, Some(parse_guid(tenant).ok_or_else(wrong)?))
        }
        _ => return Err(refused("2200", "OneOfMpnIdAndTenantId", "Give either mpnId or tenantId, and not both.")),
    };
    let partner = whose_resellers(&context, &parameters)?;
    let found = app.model.resellers(partner, (mpn.as_ref(), tenant), None, 1).await?.pop();
    let Some(row) = found else {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "2203", "ResellerNotFound", "No such reseller is known."));
    };
    Answer::json(&json!({ "isAgreementSigned": row.facts.is_agreement_signed }))
}

fn wanted(parameters: &Parameters) -> &str {
    match parameters.get("agreementType").unwrap_or(CLOUD_AGREEMENT) {
        kind if kind.eq_ignore_ascii_case(CUSTOMER_AGREEMENT) => CUSTOMER_AGREEMENT,
        kind => kind,
    }
}

fn as_asked(parameters: &Parameters) -> String {
    parameters.get("agreementType").map(|kind| format!("?agreementType={}", in_query(kind))).unwrap_or_default()
}
