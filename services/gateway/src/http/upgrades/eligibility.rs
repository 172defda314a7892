//! `POST /v1/productUpgrades/eligibility`: may this customer move? Asked of eligibility, without any effect.

use super::{UpgradeRequest, partner_of};
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{Fields, Parameters},
        findings, reasons,
    },
    words::{Words, words},
};
use axum::{Extension, extract::State};
use planshift_domain::{
    account::codes::{self, Blocking},
    ids::{CustomerId, TransitionId},
    message::request::{AssessCustomer, AssessOutcome},
    transition::{Finding, Findings},
};
use serde_json::json;

pub(in crate::http) async fn eligibility(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let UpgradeRequest { customer_id, product_family } = UpgradeRequest::read(&fields)?;
    let partner_id = partner_of(&app, &context, customer_id, &fields, &parameters).await?;
    let open = app.model.open_of(partner_id, customer_id).await?.map(|known| known.row.id);
    let completed = app.model.completed_of(partner_id, customer_id).await?.map(|known| known.row.id);

    let question = AssessCustomer { request_id: context.request_id, partner_id, customer_id };
    let outcome = match app.ask(&question, &context.trace).await {
        Ok(answer) => Some(answer.outcome),
        Err(_) if open.is_some() => None, // one reason is certain without asking
        Err(error) => return Err(error.into()),
    };
    let (mut said, facts) = match outcome {
        Some(AssessOutcome::Assessed { facts_version, checked_at, nothing_in_scope, findings, reasons_total, warnings_total }) => {
            let said = Said { findings, nothing_in_scope, reasons_total, warnings_total };
            (said, Some(json!({ "version": facts_version, "checkedAt": checked_at })))
        }
        Some(AssessOutcome::UnknownCustomer) if open.is_none() => {
            return Err(ApiError::not_imported(customer_id));
        }
        Some(AssessOutcome::ImportUnderWay) if open.is_none() => return Err(ApiError::import_under_way()),
        _ => (Said::default(), None),
    };
    said.add_transitions(customer_id, open, completed);
    let Said { findings: Findings { reasons, warnings }, nothing_in_scope, reasons_total, warnings_total } = said;
    let reasons = findings::translated(reasons, context.locale);
    let warnings = findings::translated(warnings, context.locale);

    let mut answer = json!({
        "customerId": customer_id,
        "productFamily": product_family,
        "isEligible": reasons.is_empty(),
        "reasons": reasons::all(&reasons, context.locale),
        "reasonsTotal": reasons_total,
        "warnings": warnings,
        "warningsTotal": warnings_total,
        "facts": facts,
        "attributes": { "objectType": "ProductUpgradesEligibility" },
    });
    if let Some(upgrade) = open.or(completed.filter(|_| nothing_in_scope)) {
        answer["upgradeId"] = json!(upgrade);
    }
    if !reasons.is_empty() {
        answer["reason"] = json!(in_words(&reasons, reasons_total).text(context.locale));
    }
    Answer::json(&answer)
}

/// What eligibility said.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) findings: Findings,
    pub(crate) nothing_in_scope: bool,
    pub(crate) reasons_total: u32,
    pub(crate) warnings_total: u32,
}

impl Said {
    /// How many things stand in the way. That it moves already is its state, and none of them.
    pub(crate) fn blockers(&self) -> u32 {
        let moving = self.findings.reasons.iter().filter(|reason| reason.code == Blocking::UpgradeInProgress.name()).count();
        self.reasons_total.saturating_sub(u32::try_from(moving).unwrap_or(u32::MAX))
    }

    /// Adds what eligibility cannot know: the rules about the customer's other transitions, in their places.
    pub(crate) fn add_transitions(&mut self, customer: CustomerId, open: Option<TransitionId>, completed: Option<TransitionId>) {
        let reasons = &mut self.findings.reasons;
        if self.nothing_in_scope {
            let before = reasons.len();
            reasons.retain(|reason| reason.code != Blocking::NoAzureSubscriptions.name());
            self.reasons_total = self.reasons_total.saturating_sub(u32::try_from(before - reasons.len()).unwrap_or_default());
        }
        let mut add = |rule: Blocking, description: String| {
            reasons.push(Finding { code: rule.name().to_owned(), resource_id: customer.to_string(), description });
            self.reasons_total += 1;
        };
        if let Some(open) = open {
            add(Blocking::UpgradeInProgress, format!("The upgrade {open} of the customer is in progress."));
        }
        match completed {
            // what the open one moves is out of scope for another: that says nothing about what is left
            _ if open.is_some() => {}
            Some(completed) if self.nothing_in_scope => {
                add(
                    Blocking::UpgradeAlreadyCompleted,
                    format!("The upgrade {completed} of the customer has completed, and nothing is left to move."),
                );
            }
            None if self.nothing_in_scope => {
                add(Blocking::NoAzureSubscriptions, "The customer has no subscription of the legacy Azure offer.".to_owned());
            }
            _ => {}
        }
        codes::sort(reasons);
    }
}

/// The free text of Partner Center's own answer.
fn in_words(reasons: &[Finding], total: u32) -> Words {
    const SHOWN: usize = 5;
    let text = reasons.iter().take(SHOWN).map(|reason| reason.description.as_str()).collect::<Vec<_>>().join(" ");
    let more = (total as usize).saturating_sub(reasons.len().min(SHOWN));
    if more > 0 { words!("{text} (And {more} more.)", "{text} (Et {more} de plus.)") } else { words!("{text}", "{text}") }
}
