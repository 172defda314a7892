//! Lines of invoices, as far as they are compared.

use crate::{Decimal, UsageRecord, charge::Reckoned};
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which of a partner's two invoices. Source: the domain's section 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Series {
    /// The legacy offer's, `D…`.
    #[serde(rename = "D")]
    Legacy,
    /// The plan's, `G…`.
    #[serde(rename = "G")]
    Plan,
}

impl Series {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Legacy => Self::Plan,
            Self::Plan => Self::Legacy,
        }
    }
}

/// Where a line stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinePlace {
    /// The file, by the id that whoever keeps it has given it; nil where nobody has.
    pub file: Uuid,
    /// The invoice's number.
    pub invoice: String,
    /// The row in the file, from 1, the header among them.
    pub row: u64,
}

/// A line of usage on an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceLine {
    /// Of which invoice.
    pub series: Series,
    /// Where it stands.
    pub place: LinePlace,
    /// Whose.
    pub customer_id: CustomerId,
    /// The Azure subscription. A legacy file names none: its `SubscriptionId` is the billing platform's, and nothing is joined by it
    /// (the domain's section 1.3). Such a line is compared with all of the customer's.
    pub azure_subscription_id: Option<AzureSubscriptionId>,
    /// The meter, in lower case.
    pub meter_id: String,
    /// The first instant that it is for.
    pub from: Timestamp,
    /// And the first that it is no longer for.
    pub to: Timestamp,
    /// What tells it from another line of the same meter and time: a rate's number, a resource, a product.
    pub detail: String,
    /// How much, in the meter's unit.
    pub quantity: Decimal,
    /// What it costs before tax, in the invoice's currency; none where the file does not say.
    pub charged: Option<Decimal>,
    /// What it costs by its own price and quantity; none where the file does not say enough.
    pub reckoned: Option<Reckoned>,
}

impl InvoiceLine {
    /// A line of the plan's invoice, as the daily rated usage file has it: none where that is of usage which is not billed yet, or says
    /// whose it is neither by itself nor by `customer`.
    pub fn of_rated(row: u64, record: &UsageRecord, customer: Option<CustomerId>) -> Option<Self> {
        let rated = record.rated.as_deref()?;
        let reckoned = match (&rated.effective_unit_price, &rated.exchange_rate) {
            (Some(price), Some(rate)) => Some(Reckoned::plan(price, &record.quantity, rate)),
            (Some(price), None) if rated.billing_currency == rated.pricing_currency => {
                Some(Reckoned::plan(price, &record.quantity, &Decimal::scaled(1, 0)))
            }
            _ => None,
        };
        let resource = &record.resource;
        let parts = [&resource.uri, &resource.product_id, &resource.sku_id, &resource.region, &resource.additional_info];
        let charge = [&rated.charge_type, &rated.benefit_order_id, &rated.benefit_id].map(|part| part.as_deref().unwrap_or_default());
        Some(Self {
            series: Series::Plan,
            place: LinePlace { file: Uuid::nil(), invoice: rated.invoice_number.clone()?, row },
            customer_id: record.customer_id.or(customer)?,
            azure_subscription_id: Some(record.azure_subscription_id),
            meter_id: resource.meter_id.clone(),
            from: record.usage_start,
            to: record.usage_end,
            detail: parts.map(String::as_str).into_iter().chain(charge).collect::<Vec<_>>().join("\n"),
            quantity: record.quantity.clone(),
            charged: rated.billing_pre_tax_total.clone(),
            reckoned,
        })
    }
}
