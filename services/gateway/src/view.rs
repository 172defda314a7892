//! A transition as people and programs see it, put together from its rows.

use crate::model::Parts;
use planshift_domain::{
    account::facts::{PlanStatus, SubscriptionStatus, deleted_after_suspension},
    ids::{PlanId, Reseller},
    step::{Action, Step},
    time::Timestamp,
    transition::{LineRow, PacketRow, PlanRow, State},
    view::{LineView, PlanView, TransitionView, line_progress},
};
use std::collections::{HashMap, HashSet};

/// The view: what the transition did, and the present status of the plans and subscriptions that it was about.
pub(crate) fn assemble(mut parts: Parts, now: Timestamp) -> TransitionView {
    let later = std::mem::take(&mut parts.later);
    let mut view = as_it_left_them(parts, now);
    for after in later.into_iter().map(|parts| as_it_left_them(parts, now)) {
        let plans: HashMap<PlanId, PlanStatus> = after.plans.iter().map(|plan| (plan.plan_id, plan.status)).collect();
        let commerce: HashMap<_, _> = after.lines.iter().map(|line| (line.commerce_subscription_id, line.commerce_status)).collect();
        for plan in &mut view.plans {
            plan.status = plans.get(&plan.plan_id).copied().unwrap_or(plan.status);
        }
        for line in &mut view.lines {
            line.commerce_status = commerce.get(&line.commerce_subscription_id).copied().unwrap_or(line.commerce_status);
        }
    }
    view
}

/// The view by the transition's own rows. Plans are in the order of their resellers, none last; lines in that of their Azure ids; reasons and warnings in
/// that of the packets that eligibility sent them in.
fn as_it_left_them(parts: Parts, now: Timestamp) -> TransitionView {
    let Parts { known, lines, plans, packets, .. } = parts;
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
    // as at Partner Center, what has been suspended for 90 days counts as deleted; it is shown with its ids all the same
    let is_deleted = row.ended_at.is_some_and(|ended_at| deleted_after_suspension(ended_at) <= now);
    let suspended = if is_deleted { SubscriptionStatus::Deleted } else { SubscriptionStatus::Suspended };
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
                commerce_status: if progress.suspended { suspended } else { SubscriptionStatus::Active },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixtures::{at, changed, id, line, packet, plan, reseller, transition},
        model::{Changes, MIGRATIONS, ReadModel},
    };
    use planshift_domain::{
        message::event::TransitionChanged,
        transition::{Evidence, Finding, Findings, ItemError},
        view::LineState,
    };
    use planshift_storage::Database;
    use std::time::Duration;

    async fn view_of(event: TransitionChanged) -> TransitionView {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_sqlite(folder.path().join("gateway.db")).await.unwrap();
        database.migrate(MIGRATIONS).await.unwrap();
        let model = ReadModel::new(database);
        let id = event.transition.id;
        let mut changes = Changes::default();
        changes.transition(event);
        model.apply(&changes, at(0), Duration::ZERO).await.unwrap();
        assemble(model.parts(id).await.unwrap().unwrap(), at(0))
    }

    #[tokio::test]
    async fn lines_and_plans_are_in_order_and_lines_are_under_the_plan_of_their_reseller() {
        let mut row = transition(1, 5, State::SuspendingCommerce);
        row.effective_at = Some(at(3_600));
        let mut none = plan("none", 79, 3);
        none.reseller = Reseller::NONE;
        let mut other = line(12, 1, 3);
        other.reseller = reseller("9");
        let mut without = plan("8", 1, 3);
        without.plan_id = None;
        let packets = vec![packet(Step::Mapping, 0, 4), packet(Step::Mapping, 1, 4), packet(Step::Suspension, 0, 5)];
        let plans = vec![none, plan("9", 78, 3), plan("10", 77, 3), without];
        let view = view_of(TransitionChanged { lines: vec![other, line(11, 0, 3)], plans, packets, ..changed(row) }).await;
        let resellers: Vec<_> = view.plans.iter().map(|plan| plan.partner_id.as_ref().map(ToString::to_string)).collect();
        assert_eq!(resellers, [Some("10".to_owned()), Some("9".to_owned()), None], "as text, none last; one without a plan is no plan");
        let [first, second] = &view.lines[..] else { panic!("{:?}", view.lines) };
        assert_eq!(
            (first.plan_id, first.state, first.commerce_status),
            (Some(id(77)), LineState::Completed, SubscriptionStatus::Suspended)
        );
        assert_eq!(
            (second.plan_id, second.state, second.commerce_status),
            (Some(id(78)), LineState::InProgress, SubscriptionStatus::Active)
        );
        assert_eq!(second.effective_at, Some(at(3_600)));
    }

    /// Compensated, and then moved by the next transition under the same plan.
    #[tokio::test]
    async fn the_status_of_plans_and_subscriptions_is_the_present_one() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_sqlite(folder.path().join("gateway.db")).await.unwrap();
        database.migrate(MIGRATIONS).await.unwrap();
        let model = ReadModel::new(database);
        let (mut first, mut second) = (transition(1, 5, State::Compensated), transition(2, 5, State::Completed));
        (first.started_at, second.started_at) = (at(10), at(20));
        second.effective_at = Some(at(3_600));
        second.customer_id = first.customer_id;
        second.ended_at = Some(at(1_000));
        (first.lines, second.lines) = (1, 1);
        let (mut put_away, mut undone) = (plan("10", 77, 5), line(11, 0, 5));
        put_away.status = Some(PlanStatus::Suspended);
        undone.undo = Some(Evidence::Undone);
        let ids = (first.id, second.id);
        let mut changes = Changes::default();
        changes.transition(TransitionChanged { plans: vec![put_away], lines: vec![undone], ..changed(first) });
        let packets = vec![packet(Step::Mapping, 0, 4), packet(Step::Suspension, 0, 5)];
        changes.transition(TransitionChanged { plans: vec![plan("10", 77, 5)], lines: vec![line(11, 0, 5)], packets, ..changed(second) });
        model.apply(&changes, at(0), Duration::ZERO).await.unwrap();
        let first = assemble(model.parts(ids.0).await.unwrap().unwrap(), at(0));
        assert_eq!(first.plans[0].status, PlanStatus::Active);
        let line = &first.lines[0];
        assert_eq!((line.state, line.plan_id, line.commerce_status), (LineState::Compensated, None, SubscriptionStatus::Suspended));
        let second = assemble(model.parts(ids.1).await.unwrap().unwrap(), at(0));
        assert_eq!((second.plans[0].status, second.lines[0].commerce_status), (PlanStatus::Active, SubscriptionStatus::Suspended));
        let days = async |days: i64| {
            let view = assemble(model.parts(ids.1).await.unwrap().unwrap(), at(1_000 + days * 24 * 3_600));
            view.lines[0].commerce_status
        };
        assert_eq!([days(89).await, days(90).await], [SubscriptionStatus::Suspended, SubscriptionStatus::Deleted]);
    }

    #[tokio::test]
    async fn what_is_undone_is_under_no_plan() {
        let mut row = transition(1, 5, State::Compensated);
        row.effective_at = Some(at(3_600));
        let (mut failed, mut undone, mut fenced) = (line(11, 0, 5), line(12, 0, 5), line(13, 1, 5));
        failed.error = Some((Step::Mapping, ItemError { code: "FaultInjected".into(), description: "no".into() }));
        failed.undo = Some(Evidence::Fenced);
        undone.undo = Some(Evidence::Undone);
        fenced.undo = Some(Evidence::Fenced);
        let lines = vec![failed, undone, fenced];
        let view = view_of(TransitionChanged {
            lines,
            plans: vec![plan("10", 77, 3)],
            packets: vec![packet(Step::Mapping, 0, 4)],
            ..changed(row)
        })
        .await;
        let states: Vec<_> = view.lines.iter().map(|line| line.state).collect();
        assert_eq!(states, [LineState::Failed, LineState::Compensated, LineState::NotStarted]);
        assert!(view.lines.iter().all(|line| line.plan_id.is_none() && line.effective_at.is_none()));
        assert!(view.lines.iter().all(|line| line.commerce_status == SubscriptionStatus::Active));
        assert_eq!(view.lines[0].error.as_ref().unwrap().code, "FaultInjected");
    }

    #[tokio::test]
    async fn an_ineligible_one_has_its_findings_in_the_order_of_the_packets_and_nothing_else() {
        let finding = |code: &str| Finding { code: code.into(), resource_id: "r".into(), description: "d".into() };
        let with = |number, reason: &str, warning: &str| {
            let mut row = packet(Step::Eligibility, number, 2);
            row.findings = Findings { reasons: vec![finding(reason)], warnings: vec![finding(warning)] };
            row
        };
        let packets = vec![with(10, "C", "c"), with(2, "B", "b"), with(0, "A", "a")];
        let event = TransitionChanged { lines: vec![line(11, 0, 1)], packets, ..changed(transition(1, 3, State::Ineligible)) };
        let view = view_of(event).await;
        assert_eq!(view.reasons.iter().map(|r| r.code.as_str()).collect::<Vec<_>>(), ["A", "B", "C"]);
        assert_eq!(view.warnings.iter().map(|r| r.code.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(view.lines.is_empty() && view.plans.is_empty());
    }
}
