//! What a transition would do: groups by reseller, where each one's plan comes from, and a hash over all of it.
//!
//! It is made while a check reads what is in scope, page by page, so that 100,000 subscriptions cost no memory. Asked for before a
//! start and made again at the check, from the same rows in the same order, it has the same hash unless something has changed.

use crate::{
    check::{count, find},
    read::{Check, NO_TRANSITION},
    rules::RuleSettings,
    store,
};
use planshift_domain::{
    account::facts::{CustomerFacts, ResellerFacts, SubscriptionFacts},
    ids::{MpnId, PlanId, Reseller},
    message::{
        plan::{
            PLANNED_GROUPS, PLANNED_SUBSCRIPTIONS, PLANNED_SUBSCRIPTIONS_OF_A_GROUP, PlanOutcome, PlanSource, PlanTransition, PlannedGroup,
            PlannedSubscription, PlannedTransition,
        },
        request::ASSESSED_FINDINGS,
    },
    time::Timestamp,
    transition::{Finding, Findings},
};
use planshift_storage::{Args, StorageError, Transaction};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt::Write as _};

/// What the hash begins with: another way of making it would get another number.
const HASH_OF: &str = "planshift plan 1";

/// What is known of a customer before its subscriptions are read, as far as only a plan needs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Before {
    /// The active plan of the smallest id that the document tells of, for each reseller.
    pub in_document: BTreeMap<Reseller, PlanId>,
    /// The resellers whose subscriptions an earlier transition has put under a plan.
    pub moved_before: std::collections::BTreeSet<Reseller>,
    /// How many transitions were released.
    pub releases: i64,
}

/// A plan that is being made.
#[derive(Debug)]
pub(crate) struct Sketch {
    hash: Hash,
    before: Before,
    groups: BTreeMap<Reseller, (u32, Vec<PlannedSubscription>)>,
    listed: usize,
    total: u32,
}

/// A plan that is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub hash: String,
    groups: Vec<PlannedGroup>,
    groups_total: u32,
    subscriptions_total: u32,
}

impl Sketch {
    /// Begins with whom it is about.
    pub(crate) fn begin(check: &Check, before: Before) -> Self {
        let mut hash = Hash(Sha256::new());
        hash.text(HASH_OF);
        hash.text(&check.partner.to_string());
        hash.text(&check.customer.to_string());
        hash.text(&check.facts_version.to_string());
        hash.text(&before.releases.to_string());
        Self { hash, before, groups: BTreeMap::new(), listed: 0, total: 0 }
    }

    /// A subscription in scope; they come in the order of their commerce ids.
    pub(crate) fn subscription(&mut self, facts: &SubscriptionFacts) {
        self.hash.text("subscription");
        self.hash.text(&facts.commerce_subscription_id.to_string());
        self.hash.text(&facts.azure_subscription_id.map_or_else(String::new, |id| id.to_string()));
        self.hash.text(facts.reseller.key());
        self.total += 1;
        let room = self.listed < PLANNED_SUBSCRIPTIONS;
        let (number, listed) = match self.groups.get_mut(&facts.reseller) {
            Some(group) => group,
            None => self.groups.entry(facts.reseller.clone()).or_default(),
        };
        *number += 1;
        if room && listed.len() < PLANNED_SUBSCRIPTIONS_OF_A_GROUP {
            listed.push(PlannedSubscription {
                commerce_subscription_id: facts.commerce_subscription_id,
                azure_subscription_id: facts.azure_subscription_id,
                friendly_name: facts.friendly_name.clone(),
            });
            self.listed += 1;
        }
    }

    /// Ends with what the rules say.
    pub(crate) fn finish(mut self, findings: &Findings, resellers: &BTreeMap<MpnId, ResellerFacts>) -> Plan {
        let mut groups = Vec::new();
        for (reseller, (number, subscriptions)) in &mut self.groups {
            let in_document = self.before.in_document.get(reseller).copied();
            let plan = match in_document {
                _ if self.before.moved_before.contains(reseller) => PlanSource::OfEarlierTransition { in_document },
                Some(plan_id) => PlanSource::InDocument { plan_id },
                None => PlanSource::Bought,
            };
            self.hash.text("group");
            self.hash.text(reseller.key());
            match &plan {
                PlanSource::Bought => self.hash.text("buy"),
                PlanSource::InDocument { .. } => self.hash.text("use"),
                PlanSource::OfEarlierTransition { .. } => self.hash.text("use again"),
            }
            self.hash.text(&in_document.map_or_else(String::new, |id| id.to_string()));
            if groups.len() < PLANNED_GROUPS {
                groups.push(PlannedGroup {
                    reseller: reseller.clone(),
                    reseller_name: reseller.0.as_ref().and_then(|id| resellers.get(id)).map(|known| known.name.clone()),
                    subscriptions_total: *number,
                    subscriptions: std::mem::take(subscriptions),
                    plan,
                });
            }
        }
        for (what, findings) in [("reason", &findings.reasons), ("warning", &findings.warnings)] {
            for Finding { code, resource_id, .. } in findings {
                self.hash.text(what);
                self.hash.text(code);
                self.hash.text(resource_id);
            }
        }
        Plan { hash: self.hash.finish(), groups, groups_total: count(self.groups.len()), subscriptions_total: self.total }
    }
}

/// SHA-256 over texts, each after its length: no two lists of texts have the same bytes.
#[derive(Debug)]
struct Hash(Sha256);

impl Hash {
    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn finish(self) -> String {
        self.0.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// Makes the plan of a customer's newest facts, if they are whole. Reads only.
pub(crate) async fn plan(
    tx: &mut Transaction,
    question: &PlanTransition,
    now: Timestamp,
    settings: RuleSettings,
) -> Result<PlanOutcome, StorageError> {
    let customer = Args::new().value(question.partner_id.0).value(question.customer_id.0);
    let Some(row) = tx.query(&store::LOCK_VERSION, customer).await?.into_iter().next() else {
        return Ok(PlanOutcome::UnknownCustomer);
    };
    let (facts_version, complete): (u32, u32) = (row.get(0)?, row.get(1)?);
    if complete < facts_version {
        return Ok(PlanOutcome::ImportUnderWay);
    }
    let check = Check {
        transition: NO_TRANSITION,
        partner: question.partner_id,
        customer: question.customer_id,
        facts_version,
        checked_at: now,
        plans: true,
    };
    let nothing = || StorageError::Statement("a plan was asked for, and none was made".to_owned());
    let mut found = find(tx, &[check], settings).await?.pop().ok_or_else(nothing)?;
    let Plan { hash, groups, groups_total, subscriptions_total } = found.plan.take().ok_or_else(nothing)?;
    let CustomerFacts { budget, currency_code, .. } = found.customer;
    let mut findings = found.findings;
    let (reasons_total, warnings_total) = (count(findings.reasons.len()), count(findings.warnings.len()));
    findings.reasons.truncate(ASSESSED_FINDINGS);
    findings.warnings.truncate(ASSESSED_FINDINGS);
    Ok(PlanOutcome::Planned(Box::new(PlannedTransition {
        facts_version,
        checked_at: now,
        plan_hash: hash,
        nothing_in_scope: found.nothing_in_scope,
        subscriptions_total,
        groups_total,
        groups,
        findings,
        reasons_total,
        warnings_total,
        budget,
        currency_code,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use planshift_domain::{
        account::facts::SubscriptionStatus,
        ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, PartnerId},
    };
    use uuid::Uuid;

    fn hash(change: impl Fn(u32, &mut SubscriptionFacts), before: Before, findings: &Findings) -> String {
        let check = Check {
            transition: NO_TRANSITION,
            partner: PartnerId(Uuid::nil()),
            customer: CustomerId(Uuid::nil()),
            facts_version: 1,
            checked_at: Timestamp::from_micros(0),
            plans: true,
        };
        let mut sketch = Sketch::begin(&check, before);
        for number in 0..2_000_u32 {
            let mut facts = SubscriptionFacts {
                commerce_subscription_id: CommerceSubscriptionId(Uuid::from_u128(number.into())),
                azure_subscription_id: Some(AzureSubscriptionId(Uuid::from_u128(1_000_000 + u128::from(number)))),
                friendly_name: String::new(),
                status: SubscriptionStatus::Active,
                creation_date: Timestamp::from_micros(0),
                reseller: Reseller::NONE,
                order_id: None,
                tenant_id: None,
                has_reservations: false,
                transfers: Vec::new(),
                roles: Vec::new(),
            };
            change(number, &mut facts);
            sketch.subscription(&facts);
        }
        sketch.finish(findings, &BTreeMap::new()).hash
    }

    #[test]
    fn the_hash_is_over_everything_that_matters_and_nothing_else() {
        let usual = || hash(|_, _| {}, Before::default(), &Findings::default());
        assert_eq!(usual(), usual());
        let last = |change: fn(&mut SubscriptionFacts)| {
            hash(
                |number, facts| {
                    if number == 1_999 {
                        change(facts);
                    }
                },
                Before::default(),
                &Findings::default(),
            )
        };
        assert_eq!(last(|facts| facts.friendly_name = "another".into()), usual());
        let finding = |code: &str| Finding { code: code.into(), resource_id: "r".into(), description: String::new() };
        let reason = Findings { reasons: vec![finding("A")], warnings: Vec::new() };
        let warning = Findings { reasons: Vec::new(), warnings: vec![finding("A")] };
        let plan = Before { in_document: BTreeMap::from([(Reseller::NONE, PlanId(Uuid::nil()))]), ..Before::default() };
        let moved = Before { moved_before: [Reseller::NONE].into(), ..Before::default() };
        let all = [
            usual(),
            last(|facts| facts.azure_subscription_id = None),
            last(|facts| facts.commerce_subscription_id = CommerceSubscriptionId(Uuid::max())),
            last(|facts| facts.reseller = Reseller(MpnId::try_new("7").ok())),
            hash(|_, _| {}, Before { releases: 1, ..Before::default() }, &Findings::default()),
            hash(|_, _| {}, plan, &Findings::default()),
            hash(|_, _| {}, moved, &Findings::default()),
            hash(|_, _| {}, Before::default(), &reason),
            hash(|_, _| {}, Before::default(), &warning),
        ];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    }
}
