//! What customers have spent of their budgets: beside the budget, with its warnings, and in Partner Center's two shapes. Source: the
//! domain's section 6.6.
//!
//! Only what usage records state counts (ADR 32). Where that is not all, or nothing is stated in the budget's currency, that is said, and
//! nothing is guessed.

use super::{
    Whose,
    budget_task::Standing,
    list::{key, token},
};
use crate::{
    app::App,
    http::{
        actor::{actor, reason},
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Fields, Parameters},
        once::{hash, once},
        pages::{Asked, LARGEST_PAGE, again, link},
    },
    spending::{Acknowledgement, CustomerMonth, Spent, Warning},
    words::{Words, words},
};
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use planshift_billing::{Decimal, month::Month, spending::percent};
use planshift_domain::{ids::PartnerId, time::Timestamp};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

const A_TIME: &Words = &Words::both("a time (RFC 3339)", "un instant (RFC 3339)");

/// The month that is asked for: the present one, unless `month` says another.
pub(super) fn month_of(app: &App, parameters: &Parameters) -> Result<Month, ApiError> {
    let month = parameters.parse("month", &words!("a month, as 2026-11", "un mois, comme 2026-11"), |text| text.parse().ok())?;
    Ok(month.unwrap_or_else(|| app.spendings.this_month()))
}

/// How much of a budget is spent, to two places; none where that cannot be said.
fn used(spent: &Spent, budget: Option<&str>, currency: &str) -> Option<Decimal> {
    percent(&spent.amount(currency)?, &budget?.parse().ok()?)
}

/// Amounts are texts: a reader that makes binary fractions of JSON's numbers would lose digits.
pub(super) fn shown(spent: &Spent, month: Month, budget: Option<&str>, currency: &str) -> Value {
    let spending = &spent.spending;
    let amounts = spending
        .amounts
        .iter()
        .map(|(currency, stated)| json!({ "currencyCode": currency, "amount": stated.amount, "records": stated.records }));
    json!({
        "month": month.to_string(),
        "amount": spent.amount(currency),
        "currencyCode": currency,
        "percentUsed": used(spent, budget, currency),
        "isComplete": spent.is_complete(currency),
        "ratedRecords": spending.rated,
        "withoutPrice": spending.unpriced,
        "inOtherCurrencies": spending.in_others(currency),
        "utilizationRecords": spending.utilization,
        "amounts": amounts.collect::<Vec<_>>(),
        "reckonedAt": spent.at,
    })
}

pub(super) fn warning(warning: &Warning) -> Value {
    let Warning { threshold, amount, currency, spent, percent, at, acknowledged } = warning;
    let acknowledged = acknowledged.as_ref().map(|by| json!({ "at": by.at, "by": by.actor, "reason": by.reason }));
    json!({
        "threshold": threshold,
        "amount": amount,
        "currencyCode": currency,
        "spent": spent,
        "percentUsed": percent.map(|hundredths| Decimal::scaled(hundredths, 2)),
        "at": at,
        "acknowledged": acknowledged,
    })
}

/// `POST /v1/customers/{id}/budget/acknowledge?month=&until=`: somebody has seen to the warnings of a month, or to those of them that had come
/// until then. Said twice, the first one counts.
pub(in crate::http) async fn acknowledge(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    parameters: Parameters,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let (actor, reason, month) = (actor(&fields, &context)?, reason(&fields)?, month_of(&app, &parameters)?);
    let until = parameters.parse("until", A_TIME, |text| text.parse::<Timestamp>().ok())?;
    let of_these = until.map(|until| format!(" until {until}")).unwrap_or_default();
    let target = format!("POST /v1/customers/{}/budget/acknowledge of {} {month}{of_these}", whose.customer, whose.partner);
    once(&app, &context, &target, &hash(&fields.raw), async {
        let standing = Standing::read(&app, &context, whose, month).await?;
        if standing.warnings().is_empty() {
            let text = words!("There is no warning of this budget in {month}.", "Il n’y a pas d’alerte pour ce budget en {month}.");
            return Err(ApiError::new(StatusCode::CONFLICT, "409", "NoWarning", text));
        }
        let by = Acknowledgement { at: app.ports.clock.now(), actor, reason };
        app.spendings.acknowledge((whose.partner, whose.customer), month, until.unwrap_or(by.at), &by).await?;
        Answer::json(&Standing::read(&app, &context, whose, month).await?.shown())
    })
    .await
}

/// Digits as they are: JSON's numbers, written by us, are decimals and not binary fractions.
fn number(amount: Option<&Decimal>) -> Result<Option<Box<RawValue>>, ApiError> {
    amount.map(|amount| RawValue::from_string(amount.to_string())).transpose().map_err(|error| ApiError::internal(&error))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Budget {
    amount: Option<Box<RawValue>>,
    attributes: Value,
}

impl Budget {
    fn of(amount: Option<&str>) -> Result<Self, ApiError> {
        let amount = amount.and_then(|amount| amount.parse::<Decimal>().ok());
        Ok(Self { amount: number(amount.as_ref())?, attributes: json!({ "objectType": "SpendingBudget" }) })
    }
}

/// Partner Center's `CustomerMonthlyUsageRecord`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UsageRecord {
    budget: Budget,
    percent_used: Option<Box<RawValue>>,
    is_upgraded: bool,
    resource_id: String,
    resource_name: String,
    total_cost: Option<Box<RawValue>>,
    currency_code: String,
    usd_total_cost: Option<Box<RawValue>>,
    last_modified_date: Option<Timestamp>,
    partner_id: PartnerId,
    links: Value,
    attributes: Value,
}

impl UsageRecord {
    fn of(row: &CustomerMonth) -> Result<Self, ApiError> {
        let CustomerMonth { partner, customer, company_name, budget, currency, spent, moved, .. } = row;
        Ok(Self {
            budget: Budget::of(budget.as_deref())?,
            percent_used: number(used(spent, budget.as_deref(), currency).as_ref())?,
            is_upgraded: *moved,
            resource_id: customer.to_string(),
            resource_name: company_name.clone(),
            total_cost: number(spent.amount(currency).as_ref())?,
            currency_code: currency.clone(),
            usd_total_cost: number(in_dollars(spent).as_ref())?,
            last_modified_date: spent.at,
            partner_id: *partner,
            links: json!({ "self": link(format!("/customers/{customer}/usagesummary")) }),
            attributes: json!({ "objectType": "CustomerMonthlyUsageRecord" }),
        })
    }
}

/// Where all of it is stated in US dollars.
fn in_dollars(spent: &Spent) -> Option<Decimal> {
    spent.amount("USD").filter(|_| spent.is_complete("USD"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Collection {
    total_count: usize,
    items: Vec<UsageRecord>,
    links: Value,
    attributes: Value,
}

/// `GET /v1/customers/usagerecords`: customers that have a budget, or usage in the month; in the order of their names.
pub(in crate::http) async fn records(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let partner = parameters.parse("partnerId", A_GUID, |text| text.parse::<PartnerId>().ok())?;
    let month = month_of(&app, &parameters)?;
    let asked = Asked::read(&headers, &parameters, LARGEST_PAGE)?;
    // a caller that is a partner sees its own, whatever it asks for
    let (rows, next) = app.spendings.customers(context.caller.partner.or(partner), month, asked.after(key)?, asked.size).await?;
    let items: Vec<UsageRecord> = rows.iter().map(UsageRecord::of).collect::<Result<_, _>>()?;
    let next = next.map(|key| token(&key));
    let links = asked.links("/customers/usagerecords", &again(&parameters, &["partnerId", "month"]), next.as_deref());
    let collection = Collection { total_count: items.len(), items, links, attributes: json!({ "objectType": "Collection" }) };
    Ok(asked.continued(Answer::json(&collection)?, next))
}

/// Partner Center's `CustomerUsageSummary`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    budget: Budget,
    billing_start_date: Timestamp,
    billing_end_date: Timestamp,
    resource_id: String,
    resource_name: String,
    total_cost: Option<Box<RawValue>>,
    currency_code: String,
    usd_total_cost: Option<Box<RawValue>>,
    last_modified_date: Option<Timestamp>,
    links: Value,
    attributes: Value,
}

/// `GET /v1/customers/{id}/usagesummary`.
pub(in crate::http) async fn summary(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let month = month_of(&app, &parameters)?;
    let customer = whose.head(&app, &context).await?.customer;
    let spent = app.spendings.of(whose.partner, whose.customer, month).await?;
    Answer::json(&Summary {
        budget: Budget::of(customer.budget.as_deref())?,
        billing_start_date: month.begins(),
        billing_end_date: month.ends(),
        resource_id: whose.customer.to_string(),
        resource_name: customer.company_name,
        total_cost: number(spent.amount(&customer.currency_code).as_ref())?,
        usd_total_cost: number(in_dollars(&spent).as_ref())?,
        currency_code: customer.currency_code,
        last_modified_date: spent.at,
        links: json!({ "self": link(format!("/customers/{}/usagesummary", whose.customer)) }),
        attributes: json!({ "objectType": "CustomerUsageSummary" }),
    })
}
