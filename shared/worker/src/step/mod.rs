//! The worker of a step: packets in, the effect ledger, answers out.
//!
//! A batch is one transaction: the items of all its packets are claimed in the ledger together, those that are to have their
//! effect get it from the [`StepWorker`] with set-based statements, and what the ledger says afterwards is the answer. The same
//! command again is answered from the ledger alone. Questions are answered in the same transaction, after everything else, and
//! have no effect.
//!
//! | file | does |
//! |---|---|
//! | `read` | deliveries to facts, packets, questions, or dead letters; packets into rounds |
//! | `engine` | a round: claim, apply or undo, record |
//! | `handler` | the batch around it; a packet that cannot be done, taken apart line by line |
//! | `outside`, `turns` | the same where effects are first had from a system outside ([`crate::provisioner`]) |
//! | `copies` | copies of a message that waits for a system outside |

mod copies;
mod engine;
mod handler;
mod outside;
mod read;
mod turns;

pub use handler::{StepHandler, StepOptions};

use crate::{
    answer::{Answer, Reply},
    codec::Unreadable,
    facts::FactsStore,
};
use async_trait::async_trait;
use planshift_domain::{
    message::{
        Body,
        command::{Item, Packet},
        reply::{ItemAnswer, PacketAnswer, PlanAnswer},
    },
    said::letters,
    step::Step,
    time::Timestamp,
    transition::ItemError,
};
use planshift_messaging::{Message, Service};
use planshift_storage::{StorageError, Transaction};
use std::{collections::HashSet, sync::Arc};

/// What a step does; everything around it is [`StepHandler`]'s.
#[async_trait]
pub trait StepWorker: FactsStore {
    /// What has one effect.
    type Item: Item;
    /// The reply.
    type Answer: Body + From<PacketAnswer>;

    /// The step.
    const STEP: Step;
    /// Whose queue it is.
    const SERVICE: Service;
    /// The type of its command.
    const DO: &'static str;
    /// The type of its undo, where there is one.
    const UNDO: Option<&'static str>;
    /// The type of its facts.
    const FACTS: &'static str;

    /// Commands are answered with replies of the worker's own ([`replies`](Self::replies)), undos with [`Answer`](Self::Answer).
    const OWN_REPLIES: bool = false;

    /// The types of the questions that it answers ([`answer_question`](Self::answer_question)).
    const QUESTIONS: &'static [&'static str] = &[];

    /// Is there in a packet what the step needs?
    ///
    /// # Errors
    /// What is missing; the packet is dead-lettered.
    fn check(packet: &Packet<Self::Item>) -> Result<(), Unreadable> {
        let _ = packet;
        Ok(())
    }

    /// Has the effect of every piece of work, or refuses it: one outcome for each, in their order. No item stands twice in `work`.
    async fn apply(&self, tx: &mut Transaction, work: &[Work<'_, Self::Item>], now: Timestamp) -> Result<Vec<Applied>, StorageError>;

    /// Undoes effects that the ledger says are there, or says why it cannot: one outcome for each, in their order.
    async fn undo(&self, tx: &mut Transaction, work: &[Undoing<'_, Self::Item>], now: Timestamp) -> Result<Vec<Undone>, StorageError>;

    /// The replies to commands, in their order, where the worker makes them itself ([`OWN_REPLIES`](Self::OWN_REPLIES)): called
    /// with all commands of a round after their effects, also with those that were done before, which must come to the same.
    /// A command without replies whose item was refused is given up.
    async fn replies(&self, tx: &mut Transaction, commands: &[Command<'_, Self::Item>]) -> Result<Vec<Vec<Reply>>, StorageError> {
        let _ = tx;
        Ok(commands.iter().map(|_| Vec::new()).collect())
    }

    /// Answers a question (one of [`QUESTIONS`](Self::QUESTIONS)) as things are now; one that cannot be read is dead-lettered. It only
    /// reads: the same question may come again, and nobody remembers that it was asked.
    async fn answer_question(
        &self,
        tx: &mut Transaction,
        question: &Message,
        now: Timestamp,
    ) -> Result<Result<Answer, Unreadable>, StorageError> {
        let _ = (tx, now);
        Ok(Err(Unreadable::new("UnknownType", letters::NOT_ANSWERED.with(&[&Self::SERVICE.name(), &question.kind]))))
    }
}

/// A command after its round.
#[derive(Debug)]
pub struct Command<'a, I> {
    /// The packet.
    pub packet: &'a Packet<I>,
    /// What the ledger says of its items.
    pub items: &'a [ItemAnswer],
}

/// An item that is to have its effect.
#[derive(Debug)]
pub struct Work<'a, I> {
    /// Its packet: whose transition, which customer, which version of the facts.
    pub packet: &'a Packet<I>,
    /// The item.
    pub item: &'a I,
}

/// An item whose effect is to be undone.
#[derive(Debug)]
pub struct Undoing<'a, I> {
    /// The undo's packet.
    pub packet: &'a Packet<I>,
    /// The item.
    pub item: &'a I,
    /// The plan that the ledger kept with the effect.
    pub plan: Option<PlanAnswer>,
}

/// What came of a piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The effect is there; with the plan to keep in the ledger, where there is one.
    Done(Option<PlanAnswer>),
    /// There is no effect, for a reason of business.
    Refused(ItemError),
}

/// What came of an undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    /// The effect is gone; with the plan as it is now, where there is one.
    Undone(Option<PlanAnswer>),
    /// The effect is still there.
    Refused(ItemError),
}

impl Applied {
    /// Refused with a code and words.
    pub fn refused(code: &str, description: impl Into<String>) -> Self {
        Self::Refused(item_error(code, description))
    }
}

impl Undone {
    /// Refused with a code and words.
    pub fn refused(code: &str, description: impl Into<String>) -> Self {
        Self::Refused(item_error(code, description))
    }
}

/// An item's error.
pub fn item_error(code: &str, description: impl Into<String>) -> ItemError {
    ItemError { code: code.to_owned(), description: description.into() }
}

/// Items that are refused for good with the code `FaultInjected`: for trying out what happens then. Keys in any case.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<HashSet<String>>);

impl Faults {
    /// Faults at the items of these keys.
    pub fn new<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Self {
        Self(Arc::new(items.into_iter().map(|item| item.as_ref().to_ascii_lowercase()).collect()))
    }

    /// Is there a fault at this item?
    pub fn hits(&self, key: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&key.to_ascii_lowercase())
    }
}
