//! A worker: what it does about a packet in one transaction, by the production ledger's rules.

use crate::{
    goals::Goals,
    message::{Answer, Message, Packet},
    model::TransitionModel,
    rules::I11,
    snapshot::Snapshot,
    twin::Twin,
};
use planshift_domain::{
    step::{Action, Step},
    transition::Evidence,
};
use planshift_storage::ledger::{self, LedgerState, Verdict, may_become};

/// Handles a packet up to the commit, and gives the answers to publish. `refused` is the item that is refused, by its place in the
/// packet; `None` where that item was not to have (or lose) its effect.
pub fn commit(model: &TransitionModel, state: &mut Snapshot, packet: Packet, refused: Option<u8>) -> Option<Vec<Message>> {
    let items = model.bounds.items_of(packet.step, packet.packet);
    let in_part = model.is(Twin::AnsweredInPart) && items.len() > 1;
    let (mut good, mut bad) = (0, 0);
    let mut has_refused = refused.is_none();
    for (place, item) in (0_u8..).zip(items).take(if in_part { 1 } else { usize::MAX }) {
        let refuses = refused == Some(place);
        let evidence = handle(model, state, packet, item, refuses)?;
        has_refused |= refuses;
        let is_good = match packet.action {
            Action::Do => evidence == Evidence::Done,
            Action::Undo => matches!(evidence, Evidence::Undone | Evidence::Fenced),
        };
        if is_good {
            good += 1;
        } else {
            bad += 1;
        }
    }
    if !has_refused {
        return None;
    }
    if (packet.step, packet.action) == (Step::Eligibility, Action::Do) {
        // after its release nothing is to be checked, and nobody waits for it
        let packets = if good > 0 { model.bounds.checked_packets(state.ineligible) } else { 0 };
        return Some((0..packets).map(|n| Message::Checked { attempt: packet.attempt, packet: n }).collect());
    }
    Some(vec![Message::Answer(Answer { of: packet, good, refused: bad })])
}

/// What becomes of one item; `None` where it was to be refused and is not up for it.
fn handle(model: &TransitionModel, state: &mut Snapshot, packet: Packet, item: usize, refuses: bool) -> Option<Evidence> {
    let Packet { step, action, attempt, .. } = packet;
    let row = state.ledger[step as usize][item];
    let seen = if model.is(Twin::NoLedger) && action == Action::Do { None } else { row };
    let asked = match action {
        Action::Do => ledger::Action::Do,
        Action::Undo => ledger::Action::Undo,
    };
    let verdict = ledger::decide(seen.map(|(says, attempt)| (says, attempt.into())), asked, attempt.into());
    if refuses && verdict != Verdict::Apply {
        return None;
    }
    let (says, evidence) = match (verdict, action) {
        (Verdict::Apply, Action::Do) if refuses => (Some(LedgerState::Refused), Evidence::Refused),
        (Verdict::Apply, Action::Do) => (Some(LedgerState::Done), Evidence::Done),
        // the row stays `done`, which is the truth
        (Verdict::Apply, Action::Undo) if refuses => (None, Evidence::Refused),
        (Verdict::Apply, Action::Undo) => (Some(LedgerState::Undone), Evidence::Undone),
        (Verdict::Fence, _) => (Some(LedgerState::Fenced), Evidence::Fenced),
        (Verdict::Answer | Verdict::Stale, _) => (None, evidence_of(row)),
        // nobody outside is called, so there is no intent
        (Verdict::LookUp, _) => {
            state.broken.expect(false, I11);
            (None, Evidence::Refused)
        }
    };
    meet(model, verdict, action, row, says);
    if let Some(says) = says
        && !(model.is(Twin::NoFence) && says == LedgerState::Fenced)
    {
        let from = row.map(|(says, _)| says);
        let stays = from == Some(says) && says == LedgerState::Refused;
        let moves_on = stays || may_become(from, says) || model.is(Twin::NoLedger);
        state.broken.expect(moves_on, I11);
        state.ledger[step as usize][item] = Some((says, attempt));
        let effect = &mut state.effects[step as usize][item];
        match says {
            LedgerState::Done => effect.had = effect.had.saturating_add(1),
            LedgerState::Undone => effect.undone = effect.undone.saturating_add(1),
            LedgerState::Intent | LedgerState::Refused | LedgerState::Fenced => {}
        }
    }
    Some(evidence)
}

fn evidence_of(row: Option<(LedgerState, u8)>) -> Evidence {
    match row {
        Some((LedgerState::Done, _)) => Evidence::Done,
        Some((LedgerState::Undone, _)) => Evidence::Undone,
        Some((LedgerState::Fenced, _)) => Evidence::Fenced,
        Some((LedgerState::Refused | LedgerState::Intent, _)) | None => Evidence::Refused,
    }
}

fn meet(model: &TransitionModel, verdict: Verdict, action: Action, row: Option<(LedgerState, u8)>, says: Option<LedgerState>) {
    let found = row.map(|(says, _)| says);
    match (verdict, action) {
        (Verdict::Answer, Action::Do) if found.is_some_and(LedgerState::is_undone_or_fenced) => model.met.note(Goals::FENCE_HIT),
        (Verdict::Answer, _) => model.met.note(Goals::ANSWERED_AGAIN),
        (Verdict::Stale, _) => model.met.note(Goals::STALE_COMMAND),
        (Verdict::Apply, Action::Do) if found == Some(LedgerState::Refused) && says == Some(LedgerState::Done) => {
            model.met.note(Goals::RETRIED);
        }
        _ => {}
    }
}
