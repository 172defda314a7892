//! `/v1/usage`: usage records. Source: `docs/usage.md`.
//!
//! | file | holds |
//! |---|---|
//! | `bring` | a file is brought |
//! | `imports` | how imports are, and were |
//! | `list` | records and totals |
//! | `owners` | who owns a subscription's usage from when |

mod bring;
mod imports;
mod list;
mod owners;

pub(super) use bring::bring;
pub(super) use imports::{import, imports};
pub(super) use list::{check, records, totals};
pub(super) use owners::ownership;

use super::{
    context::Context,
    errors::ApiError,
    fields::{A_GUID, Parameters},
};
use crate::{app::App, words::words};
use axum::http::StatusCode;
use planshift_domain::{ids::PartnerId, ownership::Owner};
use serde_json::{Value, json};

/// Whose usage is meant: the caller's own, or, where an operator asks, that of the partner that is named,
/// or of the only one that there is.
pub(crate) async fn whose(app: &App, context: &Context, parameters: &Parameters) -> Result<PartnerId, ApiError> {
    let named: Option<PartnerId> = parameters.parse("partnerId", A_GUID, |text| text.parse().ok())?;
    match (context.caller.partner, named) {
        (Some(own), Some(named)) if own != named => {
            let text =
                words!("The usage of another partner is not yours to see.", "La consommation d’un autre partenaire ne vous regarde pas.");
            Err(ApiError::new(StatusCode::NOT_FOUND, "404", "PartnerNotFound", text))
        }
        (Some(partner), _) | (None, Some(partner)) => Ok(partner),
        (None, None) => match app.usage.only_partner().await? {
            Some(partner) => Ok(partner),
            None => {
                let text = words!("Say whose usage is meant, with partnerId.", "Précisez de qui est la consommation, avec partnerId.");
                Err(ApiError::new(axum::http::StatusCode::CONFLICT, "409", "PartnerRequired", text))
            }
        },
    }
}

/// An owner, as answers have it: `legacy` or `plan`, and the invoice that it is billed on.
pub(in crate::http) fn with_owner(mut value: Value, owner: Owner) -> Value {
    let (name, invoice, plan) = match owner {
        Owner::Legacy => ("legacy", "D", Value::Null),
        Owner::Plan(plan) => ("plan", "G", json!(plan)),
    };
    value["owner"] = json!(name);
    value["invoice"] = json!(invoice);
    value["planId"] = plan;
    value
}
