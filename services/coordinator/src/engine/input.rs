//! Messages read: what a turn is about.

use planshift_domain::{
    ids::TransitionId,
    message::{
        Body,
        operator::{ActOnStep, ExplainTransition, ListStuck, ReadSteps},
        reply::{
            EligibilityChecked, EligibilityReleased, FactsTaken, MappingAnswered, PacketAnswer, PacketGivenUp, PlansAnswered,
            SuspensionAnswered,
        },
        request::{ActOnTransition, ChainAsked, FindImport, ImportCustomers, StartTransition, TellAgain},
    },
    said::letters,
    step::Step,
};
use planshift_messaging::{Delivery, Service};
use planshift_telemetry::TraceContext;
use planshift_worker::codec::{self, Unreadable};

/// Something that a turn is about.
#[derive(Debug)]
pub enum Input {
    /// A chunk of an import.
    Import(Box<ImportCustomers>, Asker),
    /// A worker has a chunk.
    Taken(FactsTaken, Service),
    /// A customer is to be moved.
    Start(StartTransition, Asker),
    /// A person acts.
    Act(ActOnTransition, Asker),
    /// An operator acts on a step.
    ActOnStep(ActOnStep, Asker),
    /// Somebody asks, and nothing is changed by it.
    Question(Question, Asker),
    /// Eligibility answered.
    Checked(Box<EligibilityChecked>),
    /// A worker answered.
    Answered(Step, PacketAnswer),
    /// A worker has used up its attempts.
    GivenUp(Step, PacketGivenUp),
    /// A listener wants to hear everything again.
    TellAgain(TransitionId),
    /// A listener wants to hear a customer's chain again.
    TellChainAgain(ChainAsked),
    /// A deadline has come.
    Clock(TransitionId),
    /// Its last output may not have been sent.
    Recover(TransitionId),
    /// There may be room for those who wait in line.
    Admit,
}

/// What is asked.
#[derive(Debug)]
pub enum Question {
    /// How are the steps?
    Steps(ReadSteps),
    /// What does this transition wait for?
    Explain(ExplainTransition),
    /// Which transitions have not moved for a while?
    Stuck(ListStuck),
    /// Was one of these imports taken?
    Import(FindImport),
}

/// Who wants the answer, and in which trace.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The queue for the answer.
    pub reply_to: Option<String>,
    /// The trace of the request.
    pub trace: Option<TraceContext>,
}

impl Input {
    /// The transition that must be loaded for it.
    pub fn transition(&self) -> Option<TransitionId> {
        match self {
            Self::Act(act, _) => Some(act.transition_id),
            Self::Checked(checked) => Some(checked.transition_id),
            Self::Answered(_, answer) => Some(answer.transition_id),
            Self::GivenUp(_, given_up) => Some(given_up.transition_id),
            Self::TellAgain(id) | Self::Clock(id) | Self::Recover(id) => Some(*id),
            Self::Import(..)
            | Self::Taken(..)
            | Self::Start(..)
            | Self::ActOnStep(..)
            | Self::Question(..)
            | Self::TellChainAgain(_)
            | Self::Admit => None,
        }
    }

    /// Reads a delivery.
    ///
    /// # Errors
    /// `Unreadable` where it can never be handled here.
    pub fn read(delivery: &Delivery) -> Result<Self, Unreadable> {
        let sender = codec::sender(delivery)?;
        let message = &delivery.message;
        let asker = || Asker { reply_to: message.reply_to.clone(), trace: TraceContext::parse(&message.traceparent, &message.tracestate) };
        Ok(match message.kind.as_str() {
            ImportCustomers::TYPE => Self::Import(Box::new(codec::body(message)?), asker()),
            StartTransition::TYPE => Self::Start(codec::body(message)?, asker()),
            ActOnTransition::TYPE => Self::Act(codec::body(message)?, asker()),
            ActOnStep::TYPE => Self::ActOnStep(codec::body(message)?, asker()),
            ReadSteps::TYPE => Self::Question(Question::Steps(codec::body(message)?), asker()),
            ExplainTransition::TYPE => Self::Question(Question::Explain(codec::body(message)?), asker()),
            ListStuck::TYPE => Self::Question(Question::Stuck(codec::body(message)?), asker()),
            FindImport::TYPE => Self::Question(Question::Import(codec::body(message)?), asker()),
            TellAgain::TYPE => {
                let TellAgain { transition_id, chain } = codec::body(message)?;
                chain.map_or(Self::TellAgain(transition_id), Self::TellChainAgain)
            }
            FactsTaken::TYPE => Self::Taken(codec::body(message)?, sender),
            EligibilityChecked::TYPE => Self::Checked(Box::new(codec::body(message)?)),
            EligibilityReleased::TYPE => Self::Answered(Step::Eligibility, codec::body::<EligibilityReleased>(message)?.0),
            PlansAnswered::TYPE => Self::Answered(Step::Purchasing, codec::body::<PlansAnswered>(message)?.0),
            MappingAnswered::TYPE => Self::Answered(Step::Mapping, codec::body::<MappingAnswered>(message)?.0),
            SuspensionAnswered::TYPE => Self::Answered(Step::Suspension, codec::body::<SuspensionAnswered>(message)?.0),
            PacketGivenUp::TYPE => Self::GivenUp(step_of(sender)?, codec::body(message)?),
            other => return Err(Unreadable::new("UnknownType", letters::NOT_READ.with(&[&Service::Coordinator.name(), &other]))),
        })
    }
}

fn step_of(worker: Service) -> Result<Step, Unreadable> {
    match worker {
        Service::Eligibility => Ok(Step::Eligibility),
        Service::Purchasing => Ok(Step::Purchasing),
        Service::Mapping => Ok(Step::Mapping),
        Service::Suspension => Ok(Step::Suspension),
        Service::Coordinator | Service::Gateway => Err(Unreadable::new("WrongSender", letters::NO_WORKER.with(&[&worker.name()]))),
    }
}
