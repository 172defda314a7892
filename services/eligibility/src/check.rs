//! A check: facts read, rules asked, lines marked. Asked again with the same instant, it says the same.
//! What only wants to know reads and asks in the same way ([`find`]), and marks nothing.

use crate::{
    plan::{Plan, Sketch},
    read::{Check, Known, before, in_scope, known},
    rules::{Assessment, RuleSettings, Subject},
    store,
};
use planshift_domain::{
    account::facts::CustomerFacts,
    message::{
        plan::PLAN_CHANGED,
        reply::{EligibilityChecked, EligibleLine},
    },
    transition::{Finding, Findings},
};
use planshift_storage::{Args, StorageError, Transaction};

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub findings: Findings,
    pub nothing_in_scope: bool,
    /// The customer, without its subscriptions.
    pub customer: CustomerFacts,
    /// Where one was wanted.
    pub plan: Option<Plan>,
    resellers: usize,
    /// In the order of the Azure ids; none unless eligible.
    lines: Vec<EligibleLine>,
}

impl Found {
    fn is_eligible(&self) -> bool {
        self.findings.reasons.is_empty()
    }

    /// Refuses where what was shown before the start had another hash.
    fn compare(&mut self, check: &Check, shown: &str) {
        let now = self.plan.as_ref().map_or("", |plan| plan.hash.as_str());
        if now == shown {
            return;
        }
        let description = format!(
            "What the transition would do has changed since it was planned: the plan now has the hash {now}. Look at it, and start with that."
        );
        let changed = Finding { code: PLAN_CHANGED.to_owned(), resource_id: check.customer.to_string(), description };
        self.findings.reasons.insert(0, changed);
        (self.lines, self.resellers) = (Vec::new(), 0);
    }
}

/// Makes checks; what is in scope of an eligible customer is marked as its transition's lines. `shown` has for each check the hash of
/// the plan that it is to keep to, where there is one.
pub(crate) async fn check(
    tx: &mut Transaction,
    checks: &[Check],
    shown: &[Option<&str>],
    settings: RuleSettings,
) -> Result<Vec<Found>, StorageError> {
    let mut found = find(tx, checks, settings).await?;
    for ((found, check), shown) in found.iter_mut().zip(checks).zip(shown) {
        if let Some(shown) = shown {
            found.compare(check, shown);
        }
    }
    mark(tx, checks, &found).await?;
    Ok(found)
}

/// What checks would find. Reads only.
pub(crate) async fn find(tx: &mut Transaction, checks: &[Check], settings: RuleSettings) -> Result<Vec<Found>, StorageError> {
    let known = known(tx, checks).await?;
    let mut sketches: Vec<Option<Sketch>> = {
        let mut before = before(tx, checks).await?;
        checks.iter().enumerate().map(|(place, check)| before.remove(&place).map(|before| Sketch::begin(check, before))).collect()
    };
    let begin = |(check, known)| {
        let (check, known): (&Check, &_) = (check, known);
        assessment(check, known, settings)
    };
    let mut assessments: Vec<Assessment<'_>> = checks.iter().zip(&known).map(begin).collect();
    let mut lines: Vec<Vec<EligibleLine>> = checks.iter().map(|_| Vec::new()).collect();
    in_scope(tx, checks, &mut |place, subscription| {
        assessments[place].subscription(&subscription);
        if let Some(sketch) = &mut sketches[place] {
            sketch.subscription(&subscription);
        }
        // one without an Azure id blocks, so that there are no lines at all
        if let Some(azure_subscription_id) = subscription.azure_subscription_id {
            lines[place].push(EligibleLine {
                azure_subscription_id,
                commerce_subscription_id: subscription.commerce_subscription_id,
                reseller: subscription.reseller,
            });
        }
    })
    .await?;
    let parts = assessments.into_iter().zip(lines).zip(sketches).zip(&known);
    Ok(parts.map(|(((assessment, lines), sketch), known)| finish(assessment, lines, sketch, known)).collect())
}

fn assessment<'a>(check: &Check, known: &'a Known, settings: RuleSettings) -> Assessment<'a> {
    Assessment::begin(Subject {
        partner: &known.partner,
        customer_id: check.customer,
        customer: &known.customer,
        resellers: &known.resellers,
        active_plans: &known.active_plans,
        now: check.checked_at,
        settings,
    })
}

fn finish(assessment: Assessment<'_>, mut lines: Vec<EligibleLine>, sketch: Option<Sketch>, known: &Known) -> Found {
    let assessed = assessment.finish();
    let plan = sketch.map(|sketch| sketch.finish(&assessed.findings, &known.resellers));
    let eligible = assessed.is_eligible();
    if eligible {
        lines.sort_unstable_by_key(|line| line.azure_subscription_id);
    } else {
        lines = Vec::new();
    }
    Found {
        nothing_in_scope: assessed.groups.is_empty(),
        customer: known.customer.clone(),
        plan,
        resellers: if eligible { assessed.groups.len() } else { 0 },
        findings: assessed.findings,
        lines,
    }
}

async fn mark(tx: &mut Transaction, checks: &[Check], found: &[Found]) -> Result<(), StorageError> {
    let eligible = checks.iter().zip(found).filter(|(_, found)| found.is_eligible());
    let rows: Vec<_> = eligible
        .map(|(check, _)| vec![check.partner.0.into(), check.customer.0.into(), check.facts_version.into(), check.transition.0.into()])
        .collect();
    if !rows.is_empty() {
        tx.execute(&store::MARK, Args::new().rows(rows)).await?;
    }
    Ok(())
}

/// The answer, cut into packets of at most `packet_items` lines, and as many findings, each.
pub(crate) fn packets(check: &Check, attempt: u32, packet_items: u32, found: Found) -> Vec<EligibilityChecked> {
    let size = packet_items.max(1) as usize;
    let (eligible, lines_total) = (found.is_eligible(), found.lines.len());
    let Findings { reasons, warnings } = found.findings;
    let findings: Vec<(bool, Finding)> =
        reasons.into_iter().map(|reason| (true, reason)).chain(warnings.into_iter().map(|warning| (false, warning))).collect();
    let packets = lines_total.div_ceil(size).max(findings.len().div_ceil(size)).max(1);
    let (mut lines, mut findings) = (found.lines.into_iter(), findings.into_iter());
    let packet = |packet: usize| {
        let mut slice = Findings::default();
        for (blocks, finding) in findings.by_ref().take(size) {
            if blocks { slice.reasons.push(finding) } else { slice.warnings.push(finding) }
        }
        EligibilityChecked {
            transition_id: check.transition,
            attempt,
            packet: count(packet),
            packets: count(packets),
            checked_at: check.checked_at,
            eligible,
            nothing_in_scope: found.nothing_in_scope,
            lines_total: count(lines_total),
            resellers_total: count(found.resellers),
            lines: lines.by_ref().take(size).collect(),
            findings: slice,
        }
    };
    (0..packets).map(packet).collect()
}

pub(crate) fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
