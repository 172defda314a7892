//! `--fail STEP=ITEM`: an item that is refused for good, to see what becomes of a transition.

use planshift_domain::{
    ids::{AzureSubscriptionId, CommerceSubscriptionId, Reseller},
    step::Step,
};
use std::{fmt, str::FromStr};

/// One `--fail`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Purchasing, mapping or suspension.
    pub step: Step,
    /// The item's key in that step's ledger: an MPN id or `none`, an Azure id, a commerce id; in lower case.
    pub item: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.step, self.item)
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || format!("{text:?} is not STEP=ITEM with one of the steps purchasing, mapping and suspension");
        let (step, item) = text.split_once('=').ok_or_else(shape)?;
        let step: Step = step.trim().parse().map_err(|_| shape())?;
        let item = item.trim();
        let item = match step {
            Step::Eligibility => return Err(shape()),
            Step::Purchasing => Reseller::from_key(item).map(|reseller| reseller.key().to_owned()),
            Step::Mapping => item.parse::<AzureSubscriptionId>().map(|id| id.to_string()),
            Step::Suspension => item.parse::<CommerceSubscriptionId>().map(|id| id.to_string()),
        };
        Ok(Self { step, item: item.map_err(|error| error.to_string())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_read_in_any_case() {
        let fault: Fault = "Suspension=B1BEB621-3CAD-4D7A-B360-62DB33CE0001".parse().unwrap();
        assert_eq!(fault.to_string(), "suspension=b1beb621-3cad-4d7a-b360-62db33ce0001");
        assert_eq!("purchasing=4847383".parse::<Fault>().unwrap().item, "4847383");
        assert_eq!("purchasing=None".parse::<Fault>().unwrap().item, "none");
    }

    #[test]
    fn what_is_no_fault_is_told() {
        for wrong in ["", "mapping", "mapping=", "mapping=4847383", "eligibility=4847383", "purchasing=4a", "undo=1"] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }
}
