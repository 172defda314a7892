//! What was metered, in the grain of invoices: a meter of an Azure subscription on a day.

use crate::Decimal;
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was used of a meter on a day, by who owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// Whose.
    pub customer_id: CustomerId,
    /// The Azure subscription.
    pub azure_subscription_id: AzureSubscriptionId,
    /// The meter, in lower case.
    pub meter_id: String,
    /// The UTC day, by its beginning: what the plan's invoice counts by.
    pub day: Timestamp,
    /// The day that the legacy invoice counts it to ([`super::cycle`]), by a UTC midnight: that of `day`, or the one before.
    pub cycle_day: Timestamp,
    /// What belongs on the legacy invoice, in the meter's unit.
    pub legacy: Decimal,
    /// What belongs on the plan's.
    pub plan: Decimal,
}

/// Is all that was metered on one invoice or the other, and nothing on both?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SumCheck {
    /// Added over all records, whoever owns them.
    pub metered: Decimal,
    /// Added over those of the legacy offer.
    #[serde(rename = "d")]
    pub legacy: Decimal,
    /// Added over those of plans.
    #[serde(rename = "g")]
    pub plan: Decimal,
    /// `metered - d - g`: 0, or something is wrong.
    pub difference: Decimal,
    /// The difference is 0.
    #[serde(rename = "agrees")]
    pub holds: bool,
}

impl SumCheck {
    /// Of three sums that were each added by themselves.
    pub fn of(metered: Decimal, legacy: Decimal, plan: Decimal) -> Self {
        let difference = metered.clone() + -(legacy.clone() + plan.clone());
        Self { holds: difference.is_zero(), metered, legacy, plan, difference }
    }
}
