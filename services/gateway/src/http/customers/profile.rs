//! One customer, its resellers, and all resellers of a partner. Source: the domain's section 6.3.

use super::{Whose, etag::etag};
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{A_GUID, A_NUMBER, Parameters},
        pages::{Asked, LARGEST_PAGE, Page, again, link, whole},
    },
    words::words,
};
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use planshift_domain::{
    account::facts::ResellerFacts,
    ids::{MpnId, PartnerId},
};
use serde_json::{Value, json};

/// `GET /v1/customers/{id}`.
pub(in crate::http) async fn customer(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
) -> Result<Answer, ApiError> {
    let page = whose.head(&app, &context).await?;
    let (id, facts) = (whose.customer, page.customer);
    Answer::json(&json!({
        "id": id,
        "companyProfile": {
            "tenantId": id, "domain": facts.domain, "companyName": facts.company_name,
            "links": { "self": link(format!("/customers/{id}/profiles/company")) },
            "attributes": { "objectType": "CustomerCompanyProfile" },
        },
        "billingProfile": {
            "companyName": facts.company_name,
            "defaultAddress": { "country": facts.country },
            "attributes": { "objectType": "CustomerBillingProfile" },
        },
        "relationshipToPartner": facts.relationship_to_partner,
        "currencyCode": facts.currency_code,
        "cloud": facts.cloud,
        "segment": facts.segment,
        "isSharedServices": facts.is_shared_services,
        "hasSupportPlan": facts.has_support_plan,
        "partnerId": whose.partner,
        "factsVersion": page.facts_version,
        "links": { "self": link(format!("/customers/{id}")) },
        "attributes": { "etag": etag(id, page.facts_version.into()), "objectType": "Customer" },
    }))
}

/// `GET /v1/customers/{id}/relationships`: the resellers on record of its subscriptions.
pub(in crate::http) async fn relationships_of(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
) -> Result<Answer, ApiError> {
    let resellers = whose.head(&app, &context).await?.resellers;
    whole(&format!("/customers/{}/relationships", whose.customer), resellers.iter().map(relationship).collect())
}

/// `GET /v1/relationships?relationship_type=IsIndirectCloudSolutionProviderOf`: all resellers of the partner.
pub(in crate::http) async fn relationships(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let kind = parameters.get("relationship_type").unwrap_or(OF_RESELLERS);
    if !kind.eq_ignore_ascii_case(OF_RESELLERS) {
        let text = words!(
            "Only relationships of the type {OF_RESELLERS} are known here, and not {kind:?}.",
            "Seules les relations du type {OF_RESELLERS} sont connues ici, et non {kind:?}."
        );
        return Err(ApiError::bad_input("InvalidRelationshipType", text));
    }
    let partner = whose_resellers(&context, &parameters)?;
    let asked = Asked::read(&headers, &parameters, LARGEST_PAGE)?;
    let after = asked.after(|token| token.split_once('-').and_then(|(mpn, partner)| Some((partner.parse().ok()?, mpn.to_owned()))))?;
    let mut rows = app.model.resellers(partner, (None, None), after, asked.size + 1).await?;
    let next = asked.cut(&mut rows, |last| format!("{}-{}", last.facts.mpn_id.as_str(), last.partner_id));
    let total = app.model.count_resellers(partner).await?;
    let items = rows.iter().map(|row| relationship(&row.facts)).collect();
    let page = Page { items, total: Some(total), next, ..Page::default() };
    asked.answer("/relationships", &again(&parameters, &["relationship_type", "partnerId"]), page)
}

/// `GET /v1/profiles/mpn?mpnId=…`: is this an MPN id that is known: the partner's resellers'.
pub(in crate::http) async fn mpn_profile(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let wanted = parameters.parse("mpnId", A_NUMBER, |text| MpnId::try_new(text).ok())?;
    let wanted = wanted.ok_or_else(|| {
        ApiError::bad_input("InvalidParameter", words!("The parameter mpnId is missing.", "Le paramètre mpnId est absent."))
    })?;
    let partner = whose_resellers(&context, &parameters)?;
    let found = app.model.resellers(partner, (Some(&wanted), None), None, 1).await?.pop();
    let Some(row) = found else {
        let text = words!("No reseller with the MPN id {} is known.", "Aucun revendeur avec l’ID MPN {} n’est connu.", wanted.as_str());
        return Err(ApiError::new(StatusCode::NOT_FOUND, "3000", "MpnIdNotFound", text));
    };
    Answer::json(&json!({
        "mpnId": row.facts.mpn_id,
        "partnerName": row.facts.name,
        "links": { "self": link(format!("/profiles/mpn?mpnId={}", row.facts.mpn_id.as_str())) },
        "attributes": { "objectType": "MpnProfile" },
    }))
}

/// The one type of relationship that there is, as queries name it.
const OF_RESELLERS: &str = "IsIndirectCloudSolutionProviderOf";

/// The partner whose resellers are meant: the caller's own, or the one that an operator names.
pub(super) fn whose_resellers(context: &Context, parameters: &Parameters) -> Result<Option<PartnerId>, ApiError> {
    let named: Option<PartnerId> = parameters.parse("partnerId", A_GUID, |text| text.parse().ok())?;
    Ok(context.caller.partner.or(named))
}

fn relationship(facts: &ResellerFacts) -> Value {
    json!({
        "id": facts.id,
        "name": facts.name,
        "relationshipType": "is_indirect_cloud_solution_provider_of",
        "state": facts.state,
        "mpnId": facts.mpn_id,
        "location": facts.location,
        "attributes": { "objectType": "PartnerRelationship" },
    })
}
