//! The spending budget of a customer, in its currency. Source: the domain's section 6.6.

use super::{Whose, resource::link};
use crate::{
    app::App,
    http::{answer::Answer, context::Context, errors::ApiError, fields::Parameters},
};
use axum::{
    Extension,
    extract::{Path, State},
};
use serde_json::{json, value::RawValue};

/// `GET /v1/customers/{id}/usagebudget`: null where there is none.
pub(in crate::http) async fn budget(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let whose = Whose::find(&app, &context, &id, &parameters).await?;
    let customer = whose.head(&app, &context).await?.customer;
    // the digits as they were written: a budget is a decimal and not a binary fraction
    let amount = customer.budget.map(RawValue::from_string).transpose().map_err(|error| ApiError::internal(&error))?;
    Answer::json(&Budget {
        amount: amount.as_deref(),
        usage_spending_budget: amount.as_deref(),
        currency_code: &customer.currency_code,
        attributes: json!({ "objectType": "SpendingBudget" }),
        links: json!({ "self": link(format!("/customers/{}/usagebudget", whose.customer)) }),
    })
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Budget<'a> {
    amount: Option<&'a RawValue>,
    usage_spending_budget: Option<&'a RawValue>,
    currency_code: &'a str,
    attributes: serde_json::Value,
    links: serde_json::Value,
}
