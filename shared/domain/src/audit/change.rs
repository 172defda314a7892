//! A change of a customer through the API, as Partner Center's audit records name it. Source: the domain's section 6.7.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was changed, in Partner Center's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A subscription or a plan has another status or name.
    UpdateSubscription,
    /// A cart was checked out.
    CreateOrder,
    /// An acceptance of the customer agreement was confirmed.
    CreateAgreement,
    /// The budget was set, or taken away.
    UpdateCustomerSpendingBudget,
}

impl Operation {
    const ALL: [Self; 4] = [Self::UpdateSubscription, Self::CreateOrder, Self::CreateAgreement, Self::UpdateCustomerSpendingBudget];

    /// `operationType` of its record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UpdateSubscription => "update_subscription",
            Self::CreateOrder => "create_order",
            Self::CreateAgreement => "create_agreement",
            Self::UpdateCustomerSpendingBudget => "update_customer_spending_budget",
        }
    }

    /// `resourceType` of its record.
    pub const fn resource_type(self) -> &'static str {
        match self {
            Self::UpdateSubscription => "subscription",
            Self::CreateOrder => "order",
            Self::CreateAgreement => "agreement",
            Self::UpdateCustomerSpendingBudget => "spending_limit",
        }
    }

    /// The operation of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }
}

/// A change, with what was there before and after it. Neither ever holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What was done.
    pub operation: Operation,
    /// The resource as it was: JSON as text, so that every digit is kept; none where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_value: Option<String>,
    /// The resource as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_value: Option<String>,
    /// `customizedData` of its record.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_written_as_it_is_named() {
        for operation in Operation::ALL {
            assert_eq!(serde_json::to_string(&operation).unwrap(), format!("\"{}\"", operation.name()));
            assert_eq!(Operation::from_name(operation.name()), Some(operation));
        }
        assert_eq!(Operation::from_name("import_customer"), None);
    }
}
