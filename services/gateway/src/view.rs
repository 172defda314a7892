//! A transition as people and programs see it, put together from its rows.

use crate::model::Parts;
use planshift_domain::{
    account::facts::{PlanStatus, SubscriptionStatus},
    ids::{PlanId, Reseller},
    step::{Action, Step},
    transition::{LineRow, PacketRow, PlanRow, State},
    view::{LineView, PlanView, TransitionView, line_progress},
};
use std::collections::{HashMap, HashSet};

/// The view. Plans are in the order of their resellers, none last; lines in that of their Azure ids; reasons and warnings in
/// that of the packets that eligibility sent them in.
pub(crate) fn assemble(parts: Parts) -> TransitionView {
    let Parts { known, lines, plans, packets } = parts;
    let row = known.row;
    let mut view = TransitionView {
        customer_id: row.customer_id,
        transition_id: row.id,
        state: row.state,
        adopted: false,
        reasons: Vec::new(),
        warnings: Vec::new(),
        failure: row.failure.clone(),
        plans: Vec::new(),
        lines: Vec::new(),
        started_at: row.started_at,
        ended_at: row.ended_at,
    };
    let answered: HashSet<(Step, Action, u32)> = packets.iter().map(|packet| (packet.step, packet.action, packet.packet)).collect();
    add_findings(&mut view, packets);
    if row.state == State::Ineligible {
        return view; // nothing was touched, whatever was prepared
    }
    let plan_of: HashMap<Reseller, PlanId> = plans.iter().filter_map(|plan| Some((plan.reseller.clone(), plan.plan_id?))).collect();
    view.lines = lines
        .into_iter()
        .map(|line| {
            let progress = line_progress(&row, &line, |step, action| answered.contains(&(step, action, line.packet)));
            let LineRow { azure_subscription_id, commerce_subscription_id, reseller, error, .. } = line;
            LineView {
                azure_subscription_id,
                commerce_subscription_id,
                plan_id: plan_of.get(&reseller).copied().filter(|_| progress.mapped),
                state: progress.state,
                commerce_status: if progress.suspended { SubscriptionStatus::Suspended } else { SubscriptionStatus::Active },
                effective_at: row.effective_at.filter(|_| progress.mapped),
                error: error.map(|(_, error)| error),
            }
        })
        .collect();
    // GUIDs sort as their texts do
    view.lines.sort_by_key(|line| line.azure_subscription_id);
    view.plans = plans_of(plans);
    view
}

fn add_findings(view: &mut TransitionView, packets: Vec<PacketRow>) {
    let mut eligibility: Vec<PacketRow> =
        packets.into_iter().filter(|packet| packet.step == Step::Eligibility && packet.action == Action::Do).collect();
    eligibility.sort_by_key(|packet| packet.packet);
    for packet in eligibility {
        view.reasons.extend(packet.findings.reasons);
        view.warnings.extend(packet.findings.warnings);
    }
}

fn plans_of(mut plans: Vec<PlanRow>) -> Vec<PlanView> {
    plans.sort_by(|a, b| a.reseller.cmp(&b.reseller));
    let had = plans.into_iter().filter_map(|plan| {
        Some(PlanView {
            plan_id: plan.plan_id?,
            partner_id: plan.reseller.0,
            reused: plan.reused,
            status: plan.status.unwrap_or(PlanStatus::Active),
        })
    });
    had.collect()
}
