//! A usage record: so much of a meter was used by a resource of an Azure subscription, from then to then.

use crate::Decimal;
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId, PartnerId},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of file a record is from. The same use of a resource may be in files of both kinds: they are two views of it, and are never
/// added to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Partner Center's utilisation records: hourly or daily, without prices. Of the legacy offer.
    Utilization,
    /// The daily rated usage file: a day of a meter, with its prices. Of Azure plans.
    RatedDaily,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Utilization, Self::RatedDaily];

    /// As JSON has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utilization => "utilization",
            Self::RatedDaily => "ratedDaily",
        }
    }

    /// The kind of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A usage record, as its file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRecord {
    /// From what kind of file.
    pub kind: Kind,
    /// Whose file it is, where that says so.
    pub partner_id: Option<PartnerId>,
    /// Whose customer, where the file says so.
    pub customer_id: Option<CustomerId>,
    /// The Azure subscription (entitlement): the one id that never changes, and the only one to join by.
    pub azure_subscription_id: AzureSubscriptionId,
    /// What the file calls the subscription, as it stands there. In a daily rated usage file that is the billing platform's id, which
    /// is none of Partner Center's; elsewhere a commerce subscription's or a plan's. Nothing is joined by it.
    pub subscription_id: Option<String>,
    /// When the use began: who owns the record is decided by this instant.
    pub usage_start: Timestamp,
    /// When it ended; after its start.
    pub usage_end: Timestamp,
    /// When it was reported, where the file says so. Decides nothing.
    pub reported_at: Option<Timestamp>,
    /// How much, in the resource's unit. Negative where something is taken back.
    pub quantity: Decimal,
    /// Of what.
    pub resource: Resource,
    /// What was charged for it; a utilisation record has none of this.
    pub rated: Option<Box<Rated>>,
}

/// What was used: a meter, and the resource that used it. The same for every hour and day that it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Resource {
    /// The meter, in lower case.
    pub meter_id: String,
    /// The meter's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its category.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub category: String,
    /// And the one below that.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subcategory: String,
    /// Where the meter is billed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// What the quantity counts, as `Hours` or `1 GB`.
    pub unit: String,
    /// The resource's path in Azure.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uri: String,
    /// Where the resource is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// The part of a marketplace product.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub part_number: String,
    /// The order of a marketplace product.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub order_number: String,
    /// What else the file tells of the resource, as text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub additional_info: String,
    /// The product of the price list.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub product_id: String,
    /// Its SKU.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sku_id: String,
}

/// What the daily rated usage file says of a record's price. What a file leaves out is none here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Rated {
    /// The price list's price of a unit, in the pricing currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Decimal>,
    /// The price after partner earned credit and other reductions, in the pricing currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_unit_price: Option<Decimal>,
    /// What is charged before tax, in the billing currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_pre_tax_total: Option<Decimal>,
    /// ISO 4217.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_currency: Option<String>,
    /// What is charged before tax, in the pricing currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pricing_pre_tax_total: Option<Decimal>,
    /// ISO 4217.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pricing_currency: Option<String>,
    /// From pricing to billing currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange_rate: Option<Decimal>,
    /// Of which day the rate is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange_rate_date: Option<Timestamp>,
    /// Partner earned credit, in percent: 0 or 15.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner_earned_credit_percentage: Option<Decimal>,
    /// Azure credit, in percent: 0 or 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_percentage: Option<Decimal>,
    /// What credit that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_type: Option<String>,
    /// What kind of charge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge_type: Option<String>,
    /// The meter's unit as it is billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_type: Option<String>,
    /// The invoice that the record is on; none while it is not billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_number: Option<String>,
    /// When the charge's cycle begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge_start: Option<Timestamp>,
    /// And ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge_end: Option<Timestamp>,
    /// The reseller on record, an MPN id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reseller_mpn_id: Option<String>,
    /// The order of a benefit, as a reservation or a savings plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub benefit_order_id: Option<String>,
    /// The benefit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub benefit_id: Option<String>,
    /// What benefit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub benefit_type: Option<String>,
}
