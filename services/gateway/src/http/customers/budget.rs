//! The spending budget of a customer, in its currency. Source: the domain's section 6.6.

use super::{
    Whose,
    change::{Edited, Needs, change},
};
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::Fields,
        once::{hash, once},
        pages::link,
    },
    words::words,
};
use axum::{Extension, extract::State};
use planshift_domain::audit::{Change, Operation};
use planshift_domain::said::{Said, chain};
use serde_json::{json, value::RawValue};
use std::collections::BTreeMap;

/// `GET /v1/customers/{id}/usagebudget`: null where there is none.
pub(in crate::http) async fn budget(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
) -> Result<Answer, ApiError> {
    let customer = whose.head(&app, &context).await?.customer;
    Ok(Answer::written(resource(whose, customer.budget, &customer.currency_code)?))
}

/// `PATCH /v1/customers/{id}/usagebudget`: sets it, or takes it away with null. Source: the domain's section 6.6.
pub(in crate::http) async fn set_budget(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let amount = amount(&fields)?;
    let target = format!("PATCH /v1/customers/{}/usagebudget of {}", whose.customer, whose.partner);
    once(&app, &context, &target, &hash(&fields.raw), async {
        let said: Said = amount.as_ref().map_or_else(|| chain::BUDGET_TAKEN_AWAY.into(), |amount| chain::BUDGET_SET.with(&[amount]));
        let made = change(&app, &context, whose, Needs::default(), |facts| {
            if facts.customer.budget == amount {
                return Ok(None);
            }
            let currency = &facts.customer.currency_code;
            let old_value = Some(resource(whose, facts.customer.budget.take(), currency)?);
            let new_value = Some(resource(whose, amount.clone(), currency)?);
            facts.customer.budget.clone_from(&amount);
            let record = Change { operation: Operation::UpdateCustomerSpendingBudget, old_value, new_value, data: BTreeMap::new() };
            Ok(Some(Edited { words: said.to_string(), record }))
        })
        .await?;
        match made {
            Some(made) => Ok(Answer::written(made)),
            None => {
                let currency = whose.head(&app, &context).await?.customer.currency_code;
                Ok(Answer::written(resource(whose, amount, &currency)?))
            }
        }
    })
    .await
}

/// The amount of a body, with the digits that it was written with.
fn amount(fields: &Fields) -> Result<Option<String>, ApiError> {
    let text = || {
        words!(
            "The property amount must be a number that is not negative, or null for none.",
            "La propriété amount doit être un nombre qui n’est pas négatif, ou null pour aucun budget."
        )
    };
    let wrong = || ApiError::bad_input("InvalidBudget", text());
    // in one spelling
    fields.value("amount")?;
    let properties: BTreeMap<String, &RawValue> = serde_json::from_slice(&fields.raw).map_err(|_| wrong())?;
    let (_, amount) = properties.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("amount")).ok_or_else(wrong)?;
    match amount.get() {
        "null" => Ok(None),
        digits if digits.parse().is_ok_and(|number: f64| number >= 0.0 && number.is_finite()) => Ok(Some(digits.to_owned())),
        _ => Err(wrong()),
    }
}

/// A budget as it is printed: JSON as text.
fn resource(whose: Whose, amount: Option<String>, currency_code: &str) -> Result<String, ApiError> {
    // the digits as they were written: a budget is a decimal and not a binary fraction
    let amount = amount.map(RawValue::from_string).transpose().map_err(|error| ApiError::internal(&error))?;
    let budget = Budget {
        amount: amount.as_deref(),
        usage_spending_budget: amount.as_deref(),
        currency_code,
        attributes: json!({ "objectType": "SpendingBudget" }),
        links: json!({ "self": link(format!("/customers/{}/usagebudget", whose.customer)) }),
    };
    serde_json::to_string(&budget).map_err(|error| ApiError::internal(&error))
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
