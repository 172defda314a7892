//! Sound data for tests: each test breaks one thing of it.

use crate::data::*;

pub(crate) const T: Id = Id(0x7000);
pub(crate) const OTHER: Id = Id(0x7001);
/// A broken twin, and how many violations it has.
pub(crate) type Twin = (fn(&mut Transition), usize);

const SECOND: i64 = 1_000_000;

pub(crate) fn id(n: u128) -> Id {
    Id(n)
}

/// The plan of the line of that number.
pub(crate) fn plan_id(line: u128) -> Id {
    Id(0x9000 + line)
}

fn entry(effect: Effect, seconds: i64) -> Entry {
    Entry { effect, at: seconds * SECOND }
}

fn line(n: u128) -> Line {
    let reseller = format!("484738{n}");
    Line {
        azure: Id(0x100 + n),
        commerce: Id(0x200 + n),
        reseller: reseller.clone(),
        attachment: Some(Attachment { plan: Some(plan_id(n)), by: Some(T) }),
        legacy: Some(Legacy { status: LegacyStatus::Suspended, suspended_by: Some(T) }),
        mark: Some(Mark { line_of: T, reseller, commerce: Id(0x200 + n) }),
    }
}

pub(crate) fn stored(n: u128) -> StoredPlan {
    StoredPlan { plan: plan_id(n), reseller: format!("484738{n}"), active: true, deleted: false, bought: true, activated_by: Some(T) }
}

/// Two lines of two resellers, all done.
pub(crate) fn completed() -> Transition {
    let lines: Vec<Line> = (0..2).map(line).collect();
    Transition {
        id: T,
        stand: Stand::Completed,
        commanded: [true; 4],
        line_count: 2,
        plan_count: 2,
        plans: (0..2).map(|n| Plan { reseller: format!("484738{n}"), plan: Some(plan_id(n)), stored: Some(stored(n)) }).collect(),
        ledger: Ledger {
            check: Some(entry(Effect::Done, 1)),
            purchases: lines.iter().map(|l| (l.reseller.clone(), entry(Effect::Done, 2))).collect(),
            mappings: lines.iter().map(|l| (l.azure, entry(Effect::Done, 3))).collect(),
            suspensions: lines.iter().map(|l| (l.commerce, entry(Effect::Done, 4))).collect(),
            strange: Vec::new(),
        },
        lines,
    }
}

/// The same, turned back in mapping: one line was mapped and undone, the other fenced.
pub(crate) fn compensated() -> Transition {
    let mut t = completed();
    t.stand = Stand::Compensated;
    t.commanded[Step::Suspension as usize] = false;
    t.ledger.check = Some(entry(Effect::Undone, 7));
    t.ledger.purchases.values_mut().for_each(|e| *e = entry(Effect::Undone, 6));
    t.ledger.mappings.values_mut().for_each(|e| *e = entry(Effect::Fenced, 5));
    t.ledger.mappings.insert(t.lines[0].azure, entry(Effect::Undone, 5));
    t.ledger.suspensions.clear();
    for line in &mut t.lines {
        line.attachment = Some(Attachment { plan: None, by: None });
        line.legacy = Some(Legacy { status: LegacyStatus::Other, suspended_by: None });
        line.mark = None;
    }
    for plan in &mut t.plans {
        plan.stored.iter_mut().for_each(|stored| stored.active = false);
    }
    t
}

/// As the saga of `completed` remembers it.
pub(crate) fn progress_completed() -> Progress {
    let good = |good| [Answers { commanded: true, proven: true, good }, Answers::default()];
    Progress {
        id: T,
        stand: Stand::Completed,
        turns_back: false,
        lines: 2,
        plans: 2,
        ended_at: Some(9 * SECOND),
        steps: [good(1), good(2), good(2), good(2)],
    }
}

/// As the saga of `compensated` remembers it: of two mappings one was refused.
pub(crate) fn progress_compensated() -> Progress {
    let mut progress = progress_completed();
    (progress.stand, progress.turns_back) = (Stand::Compensated, true);
    let undone = |good| Answers { commanded: true, proven: true, good };
    progress.steps[Step::Suspension as usize] = Default::default();
    progress.steps[Step::Mapping as usize] = [Answers { commanded: true, proven: false, good: 1 }, undone(2)];
    progress.steps[Step::Purchasing as usize][1] = undone(2);
    progress.steps[Step::Eligibility as usize][1] = undone(1);
    progress
}
