//! `/webhooks/v1`: Partner Center's registration and validation of webhooks, and beyond it every delivery, visible and to be had again.
//! Source: the domain's section 6.8.
//!
//! | file | holds |
//! |---|---|
//! | `registration` | the events, the partner's registration, the certificate |
//! | `validation` | tests, and how they went |
//! | `deliveries` | deliveries listed, shown, begun anew |
//! | `replay` | events of the past once more |

mod deliveries;
mod registration;
mod replay;
mod validation;

pub(super) use deliveries::{list, one, redeliver};
pub(super) use registration::{certificate, change, events, read, register, unregister};
pub(super) use replay::{replay, replayed};
pub(super) use validation::{outcome, test};

use super::{
    context::Context,
    errors::ApiError,
    fields::{A_GUID, Parameters},
};
use crate::words::words;
use axum::http::StatusCode;
use planshift_domain::ids::PartnerId;

/// Whose webhooks are meant: a caller's that is a partner, whatever it asks for; an operator says which with `partnerId`.
fn whose(context: &Context, parameters: &Parameters) -> Result<PartnerId, ApiError> {
    let named: Option<PartnerId> = parameters.parse("partnerId", A_GUID, |text| text.parse().ok())?;
    let missing = || {
        let text =
            words!("Say which partner's webhooks are meant with partnerId.", "Indiquez avec partnerId de quel partenaire il s’agit.");
        ApiError::bad_input("PartnerRequired", text)
    };
    context.caller.partner.or(named).ok_or_else(missing)
}

fn not_registered() -> ApiError {
    let text = words!(
        "The partner has registered no webhook: POST /webhooks/v1/registration does.",
        "Le partenaire n’a inscrit aucun webhook : POST /webhooks/v1/registration le fait."
    );
    ApiError::new(StatusCode::NOT_FOUND, "404", "WebhookNotRegistered", text)
}
