//! Broken twins: the same model with one deliberate defect, in the shell around the decision, in the ledger's use, or around the
//! decision itself. Each must be caught.

/// A defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// A worker's undo that finds nothing writes nothing.
    NoFence,
    /// A worker does not look into its ledger before a command.
    NoLedger,
    /// A worker acknowledges before it commits.
    WorkerAcknowledgesFirst,
    /// A worker answers before it commits.
    WorkerPublishesFirst,
    /// A worker answers a packet when its first item is done.
    AnsweredInPart,
    /// The coordinator acknowledges before it commits.
    CoordinatorAcknowledgesFirst,
    /// The coordinator publishes before it commits.
    CoordinatorPublishesFirst,
    /// The coordinator does not lock the row: two turns read the same, and the later one writes over the earlier one.
    NoLock,
    /// Output that was lost in a crash is never told again.
    NoRecovery,
    /// What is committed counts as sent.
    SentWhenCommitted,
    /// A later version that was sent hides an earlier one that never was.
    GapsForgotten,
    /// Silence is waited out.
    NoResend,
    /// A check is not asked again once a part of its answer has come.
    CheckNotAskedAgain,
    /// The plans' undo is sent along with the mappings'.
    PlansUndoneAtOnce,
    /// `Compensated` is set by hand as soon as the undoing begins.
    CompensatedByHand,
    /// Suspension begins when one packet is mapped.
    PivotIgnored,
    /// No record of which packets were answered: each answer counts.
    AnswersCountedTwice,
    /// Answers of earlier attempts count as those of this one.
    StaleAnswersApplied,
    /// After silence, what was not answered counts as done.
    DeadlineGuessesSuccess,
    /// When the time is used up, what was not answered counts as never commanded.
    DeadlineGuessesFailure,
    /// Of a step only the packets that were answered are undone.
    UndoesOnlyWhatWasAnswered,
    /// A cancel is taken past the pivot.
    CancelPastThePivot,
    /// An answer that comes after the end goes back to the undoing.
    EndLeft,
    /// Another resume of a request that was taken is taken again.
    ActsNotRemembered,
    /// None: the model as it is. It must not be caught, and is not among [`Twin::ALL`].
    Harmless,
}

impl Twin {
    /// All that have a defect.
    pub const ALL: [Self; 24] = [
        Self::NoFence,
        Self::NoLedger,
        Self::WorkerAcknowledgesFirst,
        Self::WorkerPublishesFirst,
        Self::AnsweredInPart,
        Self::CoordinatorAcknowledgesFirst,
        Self::CoordinatorPublishesFirst,
        Self::NoLock,
        Self::NoRecovery,
        Self::SentWhenCommitted,
        Self::GapsForgotten,
        Self::NoResend,
        Self::CheckNotAskedAgain,
        Self::PlansUndoneAtOnce,
        Self::CompensatedByHand,
        Self::PivotIgnored,
        Self::AnswersCountedTwice,
        Self::StaleAnswersApplied,
        Self::DeadlineGuessesSuccess,
        Self::DeadlineGuessesFailure,
        Self::UndoesOnlyWhatWasAnswered,
        Self::CancelPastThePivot,
        Self::EndLeft,
        Self::ActsNotRemembered,
    ];

    /// What is wrong, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoFence => "no fence: an undo that finds nothing writes nothing",
            Self::NoLedger => "no ledger: each command has its effect",
            Self::WorkerAcknowledgesFirst => "a worker acknowledges before it commits",
            Self::WorkerPublishesFirst => "a worker answers before it commits",
            Self::AnsweredInPart => "a packet is answered in part",
            Self::CoordinatorAcknowledgesFirst => "the coordinator acknowledges before it commits",
            Self::CoordinatorPublishesFirst => "the coordinator publishes before it commits",
            Self::NoLock => "no lock: two replicas with the last two packets",
            Self::NoRecovery => "no recovery of output lost in a crash",
            Self::SentWhenCommitted => "what is committed counts as sent",
            Self::GapsForgotten => "a later version sent hides one that was not",
            Self::NoResend => "silence is waited out",
            Self::CheckNotAskedAgain => "a check answered in part is not asked again",
            Self::PlansUndoneAtOnce => "undo in the wrong order: plans with mappings",
            Self::CompensatedByHand => "Compensated set by hand",
            Self::PivotIgnored => "pivot ignored: suspension after one packet",
            Self::AnswersCountedTwice => "answers counted twice",
            Self::StaleAnswersApplied => "stale answers applied",
            Self::DeadlineGuessesSuccess => "a deadline that guesses success",
            Self::DeadlineGuessesFailure => "a deadline that guesses failure",
            Self::UndoesOnlyWhatWasAnswered => "only what was answered is undone",
            Self::CancelPastThePivot => "a cancel taken past the pivot",
            Self::EndLeft => "an end that is left",
            Self::ActsNotRemembered => "a request taken twice",
            Self::Harmless => "nothing is wrong",
        }
    }
}
