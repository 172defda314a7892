//! Product upgrades: Partner Center's three calls, and what it lacks beside them.

mod acts;
mod create;
mod eligibility;
mod events;
mod explain;
mod list;
mod plan;
mod progress;
mod read;
mod status;

pub(super) use acts::{cancel, close, resume};
pub(super) use create::create;
pub(crate) use eligibility::Said;
pub(super) use eligibility::eligibility;
pub(super) use events::{all_events, events};
pub(super) use explain::{stuck, why};
pub(super) use list::list;
pub(super) use plan::plan;
pub(super) use read::{history, progress, report, view};
pub(super) use status::status;

use super::{
    context::Context,
    errors::ApiError,
    fields::{Fields, Parameters},
};
use crate::{
    app::App,
    model::{Known, Parts},
    words::words,
};
use planshift_domain::ids::{CustomerId, PartnerId, TransitionId};

/// The one product family that there is, as answers print it.
const AZURE: &str = "Azure";

/// Partner Center's body of all three calls. Source: the domain's section 6.1.
struct UpgradeRequest {
    customer_id: CustomerId,
    /// As it was given: some answers echo it.
    product_family: String,
}

impl UpgradeRequest {
    fn read(fields: &Fields) -> Result<Self, ApiError> {
        let customer = fields.text("customerId")?.ok_or_else(|| {
            ApiError::invalid_customer(words!("The property customerId is missing.", "La propriété customerId est absente."))
        })?;
        let customer_id = customer.parse().map_err(|_| no_customer_id(customer))?;
        let family = fields.text("productFamily")?.unwrap_or_default();
        if !family.eq_ignore_ascii_case(AZURE) {
            let text = words!("The property productFamily must be Azure.", "La propriété productFamily doit être Azure.");
            return Err(ApiError::bad_input("InvalidProductFamily", text));
        }
        Ok(Self { customer_id, product_family: family.to_owned() })
    }
}

/// A text that is no id of a customer.
pub(in crate::http) fn no_customer_id(text: &str) -> ApiError {
    let text = words!("{text:?} is no customer id: a GUID was expected.", "{text:?} n’est pas un ID de client : un GUID était attendu.");
    ApiError::invalid_customer(text)
}

/// Whose customer it is: the caller's own; for one who sees all, that of the one partner that imported it, or of the one that the request
/// names.
pub(in crate::http) async fn partner_of(
    app: &App,
    context: &Context,
    customer: CustomerId,
    fields: &Fields,
    parameters: &Parameters,
) -> Result<PartnerId, ApiError> {
    let named = fields.text("partnerId")?.or(parameters.get("partnerId"));
    let wrong = |text: &str| {
        let text =
            words!("{text:?} is no partner id: a GUID was expected.", "{text:?} n’est pas un ID de partenaire : un GUID était attendu.");
        ApiError::bad_input("InvalidPartnerId", text)
    };
    let named: Option<PartnerId> = named.map(|text| text.parse().map_err(|_| wrong(text))).transpose()?;
    let mut partners = app.model.partners_of(customer).await?;
    partners.retain(|partner| context.caller.sees(*partner) && named.is_none_or(|named| named == *partner));
    match partners[..] {
        [partner] => Ok(partner),
        [] => Err(ApiError::not_imported(customer)),
        _ => Err(ApiError::which_partner(customer)),
    }
}

/// The transition of that id, where the caller may see it.
pub(in crate::http) async fn find(app: &App, context: &Context, id: &str) -> Result<Known, ApiError> {
    let Ok(id): Result<TransitionId, _> = id.parse() else { return Err(ApiError::unknown_upgrade(id)) };
    let known = app.model.transition(id).await?.filter(|known| context.caller.sees(known.row.partner_id));
    known.ok_or_else(|| ApiError::unknown_upgrade(&id.to_string()))
}

/// The same with everything beneath it.
pub(crate) async fn find_parts(app: &App, context: &Context, id: &str) -> Result<Parts, ApiError> {
    let Ok(id): Result<TransitionId, _> = id.parse() else { return Err(ApiError::unknown_upgrade(id)) };
    let parts = app.model.parts(id).await?.filter(|parts| context.caller.sees(parts.known.row.partner_id));
    parts.ok_or_else(|| ApiError::unknown_upgrade(&id.to_string()))
}
