//! What the transitions of a run are about, as far as the document says: what `--fail` may name.

use crate::{cli::Fault, exit::Failure, output::table::Names};
use planshift_domain::{account::facts::CustomerPart, step::Step};
use std::collections::BTreeSet;

/// The chosen customers' names and, where faults are asked for, their items in scope.
#[derive(Debug, Default)]
pub struct Scope {
    /// Company names.
    pub names: Names,
    resellers: BTreeSet<String>,
    azure: BTreeSet<String>,
    commerce: BTreeSet<String>,
}

impl Scope {
    /// Takes in a customer, with its items or without.
    pub fn note(&mut self, parts: &[CustomerPart], items: bool) {
        for part in parts {
            if part.part == 0 {
                self.names.insert(part.customer_id, part.customer.company_name.clone());
            }
            for subscription in part.subscriptions.iter().filter(|subscription| items && subscription.is_in_scope()) {
                self.resellers.insert(subscription.reseller.key().to_owned());
                self.commerce.insert(subscription.commerce_subscription_id.to_string());
                self.azure.extend(subscription.azure_subscription_id.map(|id| id.to_string()));
            }
        }
    }

    /// Is every fault about an item of these customers?
    ///
    /// # Errors
    /// Usage: one that is not.
    pub fn check(&self, faults: &[Fault]) -> Result<(), Failure> {
        for fault in faults {
            let (items, kind) = match fault.step {
                Step::Purchasing => (&self.resellers, "a reseller on record of a subscription"),
                Step::Mapping => (&self.azure, "the Azure id of a subscription"),
                Step::Suspension => (&self.commerce, "the commerce id of a subscription"),
                Step::Eligibility => return Err(Failure::usage(format!("--fail {fault}: eligibility has no items"))),
            };
            if !items.contains(&fault.item) {
                return Err(Failure::usage(format!("--fail {fault}: not in any transition of this run: {kind} in scope was expected")));
            }
        }
        Ok(())
    }
}
