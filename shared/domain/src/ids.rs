//! Identifiers. GUIDs are read in any case and printed in lower case.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// A text that is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not {expected}")]
pub struct InvalidId {
    /// What stood there.
    pub found: String,
    /// What was expected.
    pub expected: &'static str,
}

macro_rules! guid {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse_guid(text).map(Self).ok_or_else(|| InvalidId { found: text.to_owned(), expected: "a GUID" })
            }
        }
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )* };
}

guid! {
    /// The transacting partner's tenant (not its MPN id).
    PartnerId,
    /// The customer's tenant.
    CustomerId,
    /// What is ordered, billed and suspended: `Subscription.id`. Differs from the Azure id after a change of billing owner.
    CommerceSubscriptionId,
    /// What runs: the entitlement. Never changes, and so is the one safe key across a transition.
    AzureSubscriptionId,
    /// An Azure plan.
    PlanId,
    /// One attempt to move one customer: Partner Center's upgrade id.
    TransitionId,
    /// One import of an account document.
    ImportId,
    /// One batch: many customers to be moved as one.
    BatchId,
}

/// A GUID in its hyphenated form, any case: 8-4-4-4-12.
pub fn parse_guid(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}

/// A Microsoft Partner Network id: digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MpnId(String);

impl MpnId {
    /// An MPN id of these digits.
    ///
    /// # Errors
    /// `InvalidId` where it is empty or has anything but the digits 0 to 9.
    pub fn try_new(text: &str) -> Result<Self, InvalidId> {
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId { found: text.to_owned(), expected: "a string of digits" })
        }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for MpnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for MpnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The reseller on record of a subscription, or none: the key by which subscriptions are grouped under plans.
///
/// Ordered as text with none last, as `plans` are printed.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Reseller(pub Option<MpnId>);

impl Reseller {
    /// The group without a reseller.
    pub const NONE: Self = Self(None);

    /// The MPN id as text, `none` for the group without one: the key of ledgers and the `resourceId` of findings.
    pub fn key(&self) -> &str {
        self.0.as_ref().map_or("none", MpnId::as_str)
    }

    /// The reseller of that [`key`](Self::key).
    ///
    /// # Errors
    /// `InvalidId` where it is neither `none` (any case) nor digits.
    pub fn from_key(key: &str) -> Result<Self, InvalidId> {
        if key.eq_ignore_ascii_case("none") { Ok(Self::NONE) } else { MpnId::try_new(key).map(|id| Self(Some(id))) }
    }
}
impl fmt::Display for Reseller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
impl fmt::Debug for Reseller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
impl Ord for Reseller {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0.is_none(), &self.0).cmp(&(other.0.is_none(), &other.0))
    }
}
impl PartialOrd for Reseller {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_read_in_any_case_and_printed_in_lower_case() {
        let id: PlanId = "D231908E-31C1-DE0E-027B-BC5CE11F09D9".parse().unwrap();
        assert_eq!(id.to_string(), "d231908e-31c1-de0e-027b-bc5ce11f09d9");
        for wrong in
            ["", "d231908e31c1de0e027bbc5ce11f09d9", "{d231908e-31c1-de0e-027b-bc5ce11f09d9}", "d231908e-31c1-de0e-027b-bc5ce11f09dx"]
        {
            assert!(wrong.parse::<PlanId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn resellers_are_ordered_as_text_with_none_last() {
        let mut keys: Vec<Reseller> = ["none", "9", "10"].iter().map(|k| Reseller::from_key(k).unwrap()).collect();
        keys.sort();
        assert_eq!(keys.iter().map(Reseller::key).collect::<Vec<_>>(), ["10", "9", "none"]);
        assert!(MpnId::try_new("48a").is_err() && MpnId::try_new("").is_err());
    }
}
