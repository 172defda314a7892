//! Customers, and what belongs to them, in Partner Center's shapes. Source: the domain's sections 5.2 and 6.2 to 6.6.
//!
//! What the newest import says is eligibility's to know, and is asked for; what transitions have made of it since stands in the read
//! model. An answer is both together.
//!
//! | file | holds |
//! |---|---|
//! | `list` | lists of customers |
//! | `profile` | one customer, its resellers, all resellers |
//! | `agreements` | the customer agreement, confirmed or signed; a reseller's partner agreement |
//! | `subscriptions` | commerce subscriptions and Azure plans |
//! | `left` | suspended ones that no import tells of any more |
//! | `entitlements` | Azure subscriptions under a plan |
//! | `change`, `facts` | a change of a customer, as an import of it |
//! | `catalogue` | the two Azure offers |
//! | `carts`, `buying`, `orders` | purchases of the two Azure offers |
//! | `update` | another status or name of a subscription |
//! | `budget` | the spending budget |
//! | `budget_task` | whether it is set in the Azure portal too |
//! | `spending` | what of it is spent, and warnings |
//! | `etag` | versions of resources |

mod agreements;
mod budget;
mod budget_task;
mod buying;
mod carts;
pub(super) mod catalogue;
mod change;
mod entitlements;
mod etag;
mod facts;
mod left;
mod list;
mod orders;
mod profile;
mod spending;
mod subscriptions;
mod update;

pub(super) use agreements::{agreements, confirm, direct_signature, metadata, reseller_agreement};
pub(super) use budget::{budget, set_budget};
pub(super) use budget_task::{done as budget_done, list as budgets, task as budget_task};
pub(super) use carts::{cart, checkout, create as create_cart};
pub(super) use catalogue::{availabilities, availability, product, products, sku, skus};
pub(super) use entitlements::{entitlement, entitlements};
pub(super) use list::customers;
pub(super) use orders::{list as list_orders, order, provisioning};
pub(super) use profile::{customer, mpn_profile, relationships, relationships_of};
pub(super) use spending::{acknowledge as acknowledge_warnings, records as usage_records, summary as usage_summary};
pub(super) use subscriptions::{subscription, subscriptions};
pub(super) use update::update;

use super::{
    context::Context,
    errors::ApiError,
    fields::{A_GUID, Parameters},
};
use crate::{app::App, words::words};
use axum::{
    Extension,
    extract::{FromRequestParts, RawPathParams},
    http::{StatusCode, request::Parts},
};
use planshift_domain::{
    ids::{CustomerId, PartnerId},
    message::request::{CustomerPage, ReadCustomer, ReadOutcome, Wanted},
};
use uuid::Uuid;

/// A customer of a partner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whose {
    partner: PartnerId,
    customer: CustomerId,
}

/// The customer of the path, where the caller may see it. Where several partners have it, `partnerId` says which is meant.
impl FromRequestParts<App> for Whose {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let path = RawPathParams::from_request_parts(parts, app).await.map_err(|error| ApiError::internal(&error))?;
        let id = path.iter().find(|(name, _)| *name == "customer").map(|(_, id)| id.to_owned()).unwrap_or_default();
        let Extension(context) = Extension::<Context>::from_request_parts(parts, app).await.map_err(|error| ApiError::internal(&error))?;
        let parameters = Parameters::from_request_parts(parts, app).await?;
        Self::find(app, &context, &id, &parameters).await
    }
}

impl Whose {
    /// The partner.
    pub(super) const fn partner(self) -> PartnerId {
        self.partner
    }

    /// The customer.
    pub(super) const fn customer(self) -> CustomerId {
        self.customer
    }

    async fn find(app: &App, context: &Context, id: &str, parameters: &Parameters) -> Result<Self, ApiError> {
        let named: Option<PartnerId> = parameters.parse("partnerId", A_GUID, |text| text.parse().ok())?;
        let Ok(customer): Result<CustomerId, _> = id.parse() else { return Err(unknown(id)) };
        let mut partners = app.model.partners_of(customer).await?;
        partners.retain(|partner| context.caller.sees(*partner) && named.is_none_or(|named| named == *partner));
        match partners[..] {
            [partner] => Ok(Self { partner, customer }),
            [] => Err(unknown(&customer.to_string())),
            _ => Err(ApiError::which_partner(customer)),
        }
    }

    /// The newest facts of it, and the first `limit` of the wanted subscriptions and plans after `after`.
    async fn read(self, app: &App, context: &Context, wanted: Wanted, after: Option<Uuid>, limit: u32) -> Result<CustomerPage, ApiError> {
        let Self { partner: partner_id, customer: customer_id } = self;
        // it has no effect: a question of its own each time, so that a repeated request is told how things are now
        let question = ReadCustomer { request_id: app.ports.random.id(), partner_id, customer_id, wanted, after, limit };
        match app.ask(&question, &context.trace).await?.outcome {
            ReadOutcome::Read(page) => Ok(*page),
            ReadOutcome::UnknownCustomer => Err(unknown(&customer_id.to_string())),
            ReadOutcome::ImportUnderWay => Err(ApiError::import_under_way()),
        }
    }

    /// The customer alone.
    async fn head(self, app: &App, context: &Context) -> Result<CustomerPage, ApiError> {
        self.read(app, context, Wanted::default(), None, 0).await
    }
}

/// Nobody knows it, or it is another partner's: both look the same.
fn unknown(id: &str) -> ApiError {
    let text = words!(
        "There is no customer {id}. Import its account document first: POST /v1/accounts.",
        "Il n’existe pas de client {id}. Importez d’abord son document de comptes : POST /v1/accounts."
    );
    ApiError::new(StatusCode::NOT_FOUND, "404", "CustomerNotFound", text)
}
