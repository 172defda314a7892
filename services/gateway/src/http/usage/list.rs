//! `GET /v1/usage`, `/v1/usage/totals`: records, and what each owner has of them.

use super::{super::answer::Answer, bring::instant, whose, with_owner};
use crate::{
    app::App,
    http::{
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Parameters},
        pages::{Asked, LARGEST_PAGE, Page, again},
    },
    reconciliation::count_sums,
    usage::{Listed, Place, Total, UsageFilter},
    words::{Words, words},
};
use axum::{Extension, extract::State, http::HeaderMap};
use planshift_billing::reconcile::SumCheck;
use planshift_domain::ids::PartnerId;
use serde_json::{Value, json};
use uuid::Uuid;

const A_TIME: &Words = &Words::both("a time as 2026-09-18T10:00:00Z, or a date", "une heure comme 2026-09-18T10:00:00Z, ou une date");
const AN_OWNER: &Words = &Words::both("legacy or plan", "legacy ou plan");
/// What narrows a list, to be asked for again with the next page.
const NARROWS: [&str; 6] = ["partnerId", "azureSubscriptionId", "customerId", "from", "to", "owner"];

/// `GET /v1/usage?azureSubscriptionId=&customerId=&from=&to=&owner=&size=`.
pub(in crate::http) async fn records(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Answer, ApiError> {
    let filter = filter(whose(&app, &context, &parameters).await?, &parameters)?;
    let asked = Asked::read(&headers, &parameters, LARGEST_PAGE)?;
    let after = asked.after(place)?;
    let mut rows = app.usage.page(&filter, after, asked.size + 1).await?;
    let next = asked.cut(&mut rows, |last| {
        let (azure, start, identity) = last.place();
        format!("{}.{start}.{}", azure.as_simple(), identity.as_simple())
    });
    let items = rows.iter().map(record).collect();
    asked.answer("/usage", &again(&parameters, &NARROWS), Page { items, next, ..Page::default() })
}

/// `GET /v1/usage/totals?…`: by owner, kind of file and unit; and by invoice, with what was metered in all. That is added by itself, over all
/// records and without their owners: whether it is the sum of both invoices is reckoned, and may turn out to be no.
pub(in crate::http) async fn totals(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let filter = filter(whose(&app, &context, &parameters).await?, &parameters)?;
    let totals = app.usage.totals(&filter).await?;
    let checks = app.usage.check(&filter).await?;
    let agrees = checks.iter().all(|(.., check)| check.holds);
    count_sums(&app.metrics, usize::from(agrees), usize::from(!agrees));
    if !agrees {
        let UsageFilter { partner, customer, azure, .. } = &filter;
        tracing::error!(%partner, ?customer, ?azure, "what was metered is not what belongs on both invoices");
    }
    let invoices: Vec<Value> = checks.iter().map(|(kind, unit, sums)| check(json!({ "kind": kind, "unit": unit }), sums)).collect();
    Answer::json(&json!({ "items": totals.iter().map(total).collect::<Vec<_>>(), "invoices": invoices, "agrees": agrees }))
}

/// With three sums, and whether they agree.
pub(in crate::http) fn check(mut value: Value, check: &SumCheck) -> Value {
    let SumCheck { metered, legacy, plan, difference, holds } = check;
    for (name, sum) in [("metered", metered), ("d", legacy), ("g", plan), ("difference", difference)] {
        value[name] = json!(sum);
    }
    value["agrees"] = json!(holds);
    value
}

fn filter(partner: PartnerId, parameters: &Parameters) -> Result<UsageFilter, ApiError> {
    let plans = parameters.parse("owner", AN_OWNER, |text| match text.to_ascii_lowercase().as_str() {
        "legacy" => Some(false),
        "plan" => Some(true),
        _ => None,
    })?;
    let filter = UsageFilter {
        partner,
        azure: parameters.parse("azureSubscriptionId", A_GUID, |text| text.parse().ok())?,
        customer: parameters.parse("customerId", A_GUID, |text| text.parse().ok())?,
        from: parameters.parse("from", A_TIME, instant)?,
        to: parameters.parse("to", A_TIME, instant)?,
        plans,
    };
    if filter.azure.is_none() && filter.customer.is_none() {
        let text = words!(
            "Say which usage is meant, with azureSubscriptionId or customerId.",
            "Précisez de quelle consommation il s’agit, avec azureSubscriptionId ou customerId."
        );
        return Err(ApiError::bad_input("InvalidParameter", text));
    }
    Ok(filter)
}

fn place(token: &str) -> Option<Place> {
    let mut parts = token.split('.');
    let (azure, start, identity) = (parts.next()?, parts.next()?, parts.next()?);
    let id = |text: &str| Uuid::try_parse(text).ok();
    parts.next().is_none().then_some((id(azure)?, start.parse().ok()?, id(identity)?))
}

fn record(listed: &Listed) -> Value {
    let value = json!({
        "identity": listed.identity,
        "azureSubscriptionId": listed.azure,
        "customerId": listed.customer,
        "subscriptionId": listed.subscription,
        "usageStart": listed.start,
        "usageEnd": listed.end,
        "reportedAt": listed.reported_at,
        "kind": listed.kind,
        "quantity": listed.quantity,
        "unit": listed.resource.unit,
        "resource": listed.resource,
        "rated": listed.rated,
        "revision": listed.revision,
        "importId": listed.import,
    });
    with_owner(value, listed.owner)
}

fn total(total: &Total) -> Value {
    let value = json!({
        "kind": total.kind,
        "unit": total.unit,
        "records": total.records,
        "quantity": total.quantity,
        "beyondAChange": total.beyond_a_change,
    });
    with_owner(value, total.owner)
}
