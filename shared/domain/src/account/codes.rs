//! The codes of reasons and warnings, in the order of the tables that define them. That order is the one they are shown in.

use crate::transition::Finding;

/// What a rule is about, and so what its `resourceId` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The partner: its tenant.
    Partner,
    /// The customer: its tenant.
    Customer,
    /// A subscription: its Azure id, or its commerce id where it has none.
    Subscription,
    /// A reseller on record: its MPN id, `none` for the group without one.
    Reseller,
}

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident($scope:ident)),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),* }
        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// The code as it is printed.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),* }
            }
            /// What it is about.
            pub const fn scope(self) -> Scope {
                match self { $(Self::$variant => Scope::$scope),* }
            }
            /// Its place in the order, from 0.
            pub const fn rank(self) -> usize {
                self as usize
            }
            /// The code of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.name() == name)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

codes! {
    /// Why a customer may not move.
    Blocking {
        /// An indirect reseller may not move anyone.
        PartnerTypeNotAllowed(Partner),
        /// The partner has not signed the Microsoft Partner Agreement.
        PartnerAgreementMissing(Partner),
        /// The partner's programme is not active.
        PartnerProgramInactive(Partner),
        /// The customer's relationship to the partner is not that of a reseller.
        ResellerRelationshipMissing(Customer),
        /// The customer has not agreed to the Microsoft Customer Agreement.
        CustomerAgreementMissing(Customer),
        /// Another transition of the customer is not at an end. The coordinator's.
        UpgradeInProgress(Customer),
        /// Nothing is in scope, and a transition has completed. The coordinator's, in place of `NoAzureSubscriptions`.
        UpgradeAlreadyCompleted(Customer),
        /// Nothing is in scope, and no transition has completed.
        NoAzureSubscriptions(Customer),
        /// A tenant for Azure Partner Shared Services.
        PartnerSharedServices(Customer),
        /// Azure plans are sold in the public cloud only.
        CloudNotSupported(Customer),
        /// Azure plans are not sold in the customer's country.
        CatalogItemNotFound(Customer),
        /// An order of the customer is pending.
        PendingOrder(Customer),
        /// A subscription that is to move is not active.
        SubscriptionStatusNotActive(Subscription),
        /// Bought within the last hours, or in the future.
        SubscriptionTooRecent(Subscription),
        /// It has no Azure id.
        SubscriptionNotProvisioned(Subscription),
        /// An open transfer names it.
        TransferInProgress(Subscription),
        /// It is in the directory of another tenant.
        TenantMismatch(Subscription),
        /// Its reseller on record is none that the partner may have there.
        PartnerIdOnRecordInvalid(Subscription),
        /// Its reseller on record has not signed the Microsoft Partner Agreement.
        ResellerAgreementMissing(Reseller),
    }
}

codes! {
    /// What to know before a customer moves.
    Warning {
        /// Azure plans are made for the commercial segment.
        SegmentNotCommercial(Customer),
        /// A support plan does not move.
        SupportPlanPresent(Customer),
        /// The budget must be set again.
        BudgetWillNotCarryOver(Customer),
        /// Usage is reported otherwise from then on.
        ReportingWillChange(Customer),
        /// A plan is there already, and is used.
        AzurePlanAlreadyExists(Reseller),
        /// Reservations are priced otherwise.
        ReservationPresent(Subscription),
        /// Nobody administers it on behalf, so there is no partner earned credit.
        AdminAccessMissing(Subscription),
    }
}

/// The place of a code among its like, blocking or warning; last where it is not known.
pub fn rank(code: &str) -> usize {
    Blocking::from_name(code).map(Blocking::rank).or_else(|| Warning::from_name(code).map(Warning::rank)).unwrap_or(usize::MAX)
}

/// Brings reasons (or warnings) into the order in which they are shown: that of the table, and for one code by `resourceId` as text.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| (rank(&a.code), &a.resource_id).cmp(&(rank(&b.code), &b.resource_id)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_tables() {
        assert_eq!((Blocking::ALL.len(), Warning::ALL.len()), (19, 7));
        assert_eq!(Blocking::UpgradeAlreadyCompleted.rank() + 1, Blocking::NoAzureSubscriptions.rank());
        assert_eq!(rank("PartnerTypeNotAllowed"), 0);
        assert_eq!(rank("AdminAccessMissing"), 6);
        assert_eq!(rank("FaultInjected"), usize::MAX);
        for code in Blocking::ALL {
            assert_eq!(Blocking::from_name(code.name()), Some(*code));
        }
    }

    #[test]
    fn findings_are_sorted_by_table_then_by_text() {
        let finding = |code: &str, id: &str| Finding { code: code.into(), resource_id: id.into(), description: String::new() };
        let mut findings =
            vec![finding("TenantMismatch", "b"), finding("TenantMismatch", "a"), finding("Other", "a"), finding("UpgradeInProgress", "z")];
        sort(&mut findings);
        let got: Vec<_> = findings.iter().map(|f| (f.code.as_str(), f.resource_id.as_str())).collect();
        assert_eq!(got, [("UpgradeInProgress", "z"), ("TenantMismatch", "a"), ("TenantMismatch", "b"), ("Other", "a")]);
    }
}
