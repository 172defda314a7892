//! The check as a step: one item, the customer, with an effect in the ledger: its lines are its transition's until it is released.
//! And the question whether a customer may move, which has no effect.

use crate::{
    SERVICE,
    assess::assess,
    check::{check, packets},
    plan::plan,
    read::Check,
    rules::RuleSettings,
    store,
    tell::tell,
};
use async_trait::async_trait;
use planshift_domain::{
    message::{
        Body,
        command::{CheckEligibility, CustomerItem, Item, ReleaseEligibility, TakeEligibilityFacts},
        plan::{PlanTransition, TransitionPlanned},
        reply::EligibilityReleased,
        request::{AssessCustomer, CustomerAssessed, CustomerRead, ReadCustomer},
    },
    step::Step,
    time::Timestamp,
    transition::Evidence,
};
use planshift_messaging::Message;
use planshift_storage::{Args, StorageError, Transaction, ledger};
use planshift_worker::{
    Service,
    answer::{Answer, Reply},
    codec::{self, Unreadable},
    step::{Applied, Command, StepWorker, Undoing, Undone, Work},
};
use std::collections::HashMap;
use uuid::Uuid;

/// The worker.
#[derive(Clone, Copy, Debug, Default)]
pub struct Eligibility {
    settings: RuleSettings,
}

impl Eligibility {
    /// A worker that asks the rules with these settings.
    pub fn new(settings: RuleSettings) -> Self {
        Self { settings }
    }
}

#[async_trait]
impl StepWorker for Eligibility {
    type Item = CustomerItem;
    type Answer = EligibilityReleased;

    const STEP: Step = Step::Eligibility;
    const SERVICE: Service = SERVICE;
    const DO: &'static str = CheckEligibility::TYPE;
    const UNDO: Option<&'static str> = Some(ReleaseEligibility::TYPE);
    const FACTS: &'static str = TakeEligibilityFacts::TYPE;
    const OWN_REPLIES: bool = true;
    const QUESTIONS: &'static [&'static str] = &[AssessCustomer::TYPE, PlanTransition::TYPE, ReadCustomer::TYPE];

    /// The ledger's row is the instant of the check, fixed with the first one; what it finds is made of it in `replies`.
    async fn apply(&self, _tx: &mut Transaction, work: &[Work<'_, CustomerItem>], _now: Timestamp) -> Result<Vec<Applied>, StorageError> {
        Ok(work.iter().map(|_| Applied::Done(None)).collect())
    }

    async fn undo(&self, tx: &mut Transaction, work: &[Undoing<'_, CustomerItem>], _now: Timestamp) -> Result<Vec<Undone>, StorageError> {
        let rows = work.iter().map(|w| vec![w.packet.partner_id.0.into(), w.packet.customer_id.0.into(), w.packet.transition_id.0.into()]);
        let rows: Vec<_> = rows.collect();
        tx.execute(&store::RELEASE, Args::new().rows(rows.clone())).await?;
        tx.execute(&store::NOTE_RELEASE, Args::new().rows(rows)).await?;
        Ok(work.iter().map(|_| Undone::Undone(None)).collect())
    }

    async fn replies(&self, tx: &mut Transaction, commands: &[Command<'_, CustomerItem>]) -> Result<Vec<Vec<Reply>>, StorageError> {
        let mut replies: Vec<Vec<Reply>> = commands.iter().map(|_| Vec::new()).collect();
        let done = |command: &Command<'_, CustomerItem>| command.items.iter().any(|item| item.evidence == Evidence::Done);
        let mut open = Vec::new();
        for (place, command) in commands.iter().enumerate() {
            match command.packet.items.first() {
                Some(item) if done(command) => open.push((place, command.packet, item)),
                // the saga has moved on, and waits for nothing
                _ => tracing::debug!(transition = %command.packet.transition_id, step = Self::STEP.name(), "nothing to check any more"),
            }
        }
        if open.is_empty() {
            return Ok(replies);
        }
        let keys: Vec<(Uuid, String)> = open.iter().map(|(_, packet, item)| (packet.transition_id.0, item.key())).collect();
        let rows = ledger::lock(tx, Self::STEP.name(), &keys).await?;
        let checked_at: HashMap<Uuid, i64> = rows.iter().map(|row| (row.transition, row.at)).collect();
        let mut checks = Vec::with_capacity(open.len());
        for (_, packet, item) in &open {
            let at = checked_at.get(&packet.transition_id.0);
            checks.push(Check {
                transition: packet.transition_id,
                partner: packet.partner_id,
                customer: packet.customer_id,
                facts_version: packet.facts_version,
                checked_at: Timestamp::from_micros(*at.ok_or_else(|| StorageError::Statement("a check without its row".to_owned()))?),
                plans: item.plan_hash.is_some(),
            });
        }
        let shown: Vec<_> = open.iter().map(|(_, _, item)| item.plan_hash.as_deref()).collect();
        let found = check(tx, &checks, &shown, self.settings).await?;
        for (((place, packet, item), check), found) in open.into_iter().zip(&checks).zip(found) {
            let packets = packets(check, packet.attempt, item.packet_items, found);
            replies[place] = packets.iter().map(|checked| Reply::new(checked.packet, checked)).collect();
        }
        Ok(replies)
    }

    async fn answer_question(
        &self,
        tx: &mut Transaction,
        question: &Message,
        now: Timestamp,
    ) -> Result<Result<Answer, Unreadable>, StorageError> {
        if question.kind == ReadCustomer::TYPE {
            let question: ReadCustomer = match codec::body(question) {
                Ok(question) => question,
                Err(why) => return Ok(Err(why)),
            };
            let request_id = question.request_id;
            let outcome = tell(tx, &question).await?;
            return Ok(Ok(Answer::new(request_id, &CustomerRead { request_id, outcome })));
        }
        if question.kind == PlanTransition::TYPE {
            let question: PlanTransition = match codec::body(question) {
                Ok(question) => question,
                Err(why) => return Ok(Err(why)),
            };
            let request_id = question.request_id;
            let outcome = plan(tx, &question, now, self.settings).await?;
            return Ok(Ok(Answer::new(request_id, &TransitionPlanned { request_id, outcome })));
        }
        let question: AssessCustomer = match codec::body(question) {
            Ok(question) => question,
            Err(why) => return Ok(Err(why)),
        };
        let request_id = question.request_id;
        let outcome = assess(tx, &question, now, self.settings).await?;
        Ok(Ok(Answer::new(request_id, &CustomerAssessed { request_id, outcome })))
    }
}
