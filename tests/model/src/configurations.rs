//! What is explored: the configurations, and for each twin one in which its defect can show.
//!
//! Each configuration is explored exhaustively. Together they have two crashes, two duplicates and one loss at once; each looks at
//! one part of the whole, since all of it at once would be too large.

use crate::{
    bounds::{Bounds, Faults, Replicas},
    goals::Goals,
    twin::Twin,
};
use planshift_domain::transition::State;

/// Nothing goes wrong.
const NONE: Faults =
    Faults { crashes: 0, duplicates: 0, losses: 0, refusals: 0, undo_refusals: 0, given_up: 0, cancels: 0, timeouts: 0, hurries: 0 };
/// What the network and the machines do.
const MACHINES: Faults = Faults { crashes: 2, duplicates: 2, losses: 1, ..NONE };

/// All configurations. With a scale of 10 or more, each has one more crash and one more duplicate.
pub fn configurations(scale: u32) -> Vec<Bounds> {
    let more = u8::from(scale >= 10);
    let mut all = at_scale_one();
    for bounds in &mut all {
        let faults = &mut bounds.faults;
        faults.crashes += more;
        faults.duplicates += more;
    }
    all
}

fn at_scale_one() -> Vec<Bounds> {
    let all_goes_well = Bounds {
        ineligible: true,
        faults: MACHINES,
        goals: Goals::COMPLETED
            .and(Goals::INELIGIBLE)
            .and(Goals::ANSWERED_AGAIN)
            .and(Goals::STALE_ANSWER)
            .and(Goals::TOLD_AGAIN)
            .and(Goals::RESENT),
        ..Bounds::new("all goes well", "from the start to Completed or Ineligible, while machines and network fail")
    };
    let refused = Bounds {
        from: State::PurchasingPlans,
        faults: Faults { crashes: 1, duplicates: 1, losses: 1, refusals: 1, ..NONE },
        goals: Goals::COMPLETED.and(Goals::COMPENSATED).and(Goals::FENCE_HIT).and(Goals::LATE_ANSWER).and(Goals::STALE_ANSWER),
        ..Bounds::new("a refusal", "a plan, a mapping is refused: everything is undone, in reverse")
    };
    let cancelled = Bounds {
        faults: Faults { crashes: 1, duplicates: 1, losses: 1, cancels: 1, ..NONE },
        goals: Goals::COMPLETED.and(Goals::COMPENSATED).and(Goals::FENCE_HIT).and(Goals::CANCEL_REFUSED).and(Goals::ACT_AGAIN),
        ..Bounds::new("a cancel", "a cancel at any time, taken before the pivot and refused after it")
    };
    let past_the_pivot = Bounds {
        from: State::SuspendingCommerce,
        attempts: 2,
        faults: Faults { refusals: 2, cancels: 1, ..MACHINES },
        goals: Goals::RESUMED_TO_COMPLETED
            .and(Goals::NEEDS_OPERATOR)
            .and(Goals::RETRIED)
            .and(Goals::STALE_COMMAND)
            .and(Goals::STALE_ANSWER)
            .and(Goals::CANCEL_REFUSED),
        ..Bounds::new("past the pivot", "suspensions are refused, a person resumes: two attempts")
    };
    let resent_early = Bounds {
        from: State::SuspendingCommerce,
        attempts: 2,
        faults: Faults { crashes: 1, duplicates: 2, losses: 1, refusals: 2, hurries: 1, ..NONE },
        goals: Goals::RESUMED_TO_COMPLETED.and(Goals::NEEDS_OPERATOR).and(Goals::RESENT).and(Goals::STALE_ANSWER),
        ..Bounds::new("sent again early", "the same, and a deadline that comes while answers are still under way")
    };
    let not_undone = Bounds {
        from: State::MappingSubscriptions,
        attempts: 2,
        faults: Faults { crashes: 1, duplicates: 1, losses: 0, undo_refusals: 1, cancels: 1, ..NONE },
        goals: Goals::RESUMED_TO_COMPENSATED.and(Goals::NEEDS_OPERATOR).and(Goals::FENCE_HIT),
        ..Bounds::new("an undo refused", "an undo fails, a person resumes: two attempts")
    };
    let given_up = Bounds {
        from: State::MappingSubscriptions,
        attempts: 2,
        faults: Faults { duplicates: 1, given_up: 2, ..NONE },
        goals: Goals::RESUMED_TO_COMPLETED.and(Goals::RESUMED_TO_COMPENSATED).and(Goals::FENCE_HIT).and(Goals::GIVEN_UP_AND_DONE),
        ..Bounds::new("given up", "a worker uses up its attempts at a packet, which may be redriven later")
    };
    let out_of_time = Bounds {
        attempts: 2,
        faults: Faults { crashes: 1, timeouts: 2, ..NONE },
        goals: Goals::TIMED_OUT
            .and(Goals::COMPENSATED)
            .and(Goals::NEEDS_OPERATOR)
            .and(Goals::RESUMED_TO_COMPLETED)
            .and(Goals::RESUMED_TO_COMPENSATED),
        ..Bounds::new("out of time", "the total time is used up at any moment, twice")
    };
    let large_packets = Bounds {
        lines: 3,
        packet_items: 2,
        from: State::PurchasingPlans,
        attempts: 2,
        faults: Faults { crashes: 1, duplicates: 1, refusals: 1, undo_refusals: 1, ..NONE },
        goals: Goals::COMPLETED.and(Goals::RESUMED_TO_COMPLETED).and(Goals::COMPENSATED).and(Goals::RESUMED_TO_COMPENSATED),
        ..Bounds::new("packets of two", "three lines in packets of two items, of which one may be refused: two attempts")
    };
    let two_replicas = Bounds {
        replicas: Replicas::Remembering(2),
        batches: true,
        from: State::MappingSubscriptions,
        faults: Faults { crashes: 1, duplicates: 1, ..NONE },
        goals: Goals::COMPLETED.and(Goals::TOLD_AGAIN).and(Goals::GAP),
        ..Bounds::new("two replicas", "two coordinators with what each remembers of what was confirmed; batches of two messages")
    };
    let replicas_cancelled = Bounds {
        faults: Faults { crashes: 1, cancels: 1, ..NONE },
        goals: Goals::COMPLETED.and(Goals::COMPENSATED).and(Goals::TOLD_AGAIN).and(Goals::GAP),
        batches: false,
        ..Bounds { name: "two replicas, a cancel", about: "the same one message at a time, and a cancel at any time", ..two_replicas }
    };
    let interleaved = Bounds {
        replicas: Replicas::Interleaved(2),
        from: State::MappingSubscriptions,
        faults: Faults { crashes: 1, duplicates: 1, ..NONE },
        goals: Goals::COMPLETED.and(Goals::TOLD_AGAIN).and(Goals::GAP),
        ..Bounds::new("interleaved", "two coordinators, each with its timers, and anything between one's commit and its publishing")
    };
    let interleaved_early = Bounds {
        faults: Faults { crashes: 1, hurries: 1, ..NONE },
        goals: Goals::COMPLETED.and(Goals::TOLD_AGAIN).and(Goals::RESENT),
        ..Bounds {
            name: "interleaved, early",
            about: "the same, and a deadline that comes while answers are still under way",
            ..interleaved
        }
    };
    vec![
        all_goes_well,
        refused,
        cancelled,
        past_the_pivot,
        resent_early,
        not_undone,
        given_up,
        out_of_time,
        large_packets,
        two_replicas,
        replicas_cancelled,
        interleaved,
        interleaved_early,
    ]
}

/// Where a twin's defect can show.
pub fn for_twin(twin: Twin) -> Bounds {
    let plain = Bounds { renames: false, ..Bounds::new("", "") };
    let with = |faults| plain.with(faults);
    match twin {
        Twin::NoFence => with(Faults { cancels: 1, ..NONE }),
        Twin::NoLedger | Twin::AnswersCountedTwice => with(Faults { duplicates: 1, ..NONE }),
        Twin::WorkerAcknowledgesFirst
        | Twin::WorkerPublishesFirst
        | Twin::CoordinatorAcknowledgesFirst
        | Twin::NoRecovery
        | Twin::SentWhenCommitted => with(Faults { crashes: 1, ..NONE }),
        Twin::CoordinatorPublishesFirst => with(Faults { crashes: 1, cancels: 1, ..NONE }),
        Twin::AnsweredInPart => Bounds { lines: 3, packet_items: 2, ..plain },
        Twin::NoLock => Bounds { replicas: Replicas::Interleaved(2), from: State::MappingSubscriptions, ..plain },
        Twin::GapsForgotten => {
            Bounds { replicas: Replicas::Remembering(2), from: State::MappingSubscriptions, ..with(Faults { crashes: 1, ..NONE }) }
        }
        Twin::NoResend | Twin::CheckNotAskedAgain => with(Faults { losses: 1, ..NONE }),
        Twin::PlansUndoneAtOnce | Twin::CompensatedByHand | Twin::UndoesOnlyWhatWasAnswered | Twin::CancelPastThePivot => {
            with(Faults { cancels: 1, ..NONE })
        }
        Twin::PivotIgnored => plain,
        Twin::Harmless => with(Faults { crashes: 1, cancels: 1, ..NONE }),
        Twin::StaleAnswersApplied => {
            Bounds { from: State::SuspendingCommerce, attempts: 2, ..with(Faults { duplicates: 1, refusals: 1, ..NONE }) }
        }
        Twin::DeadlineGuessesSuccess => with(Faults { hurries: 1, ..NONE }),
        Twin::DeadlineGuessesFailure => with(Faults { timeouts: 1, ..NONE }),
        Twin::EndLeft => with(Faults { cancels: 1, duplicates: 1, ..NONE }),
        Twin::ActsNotRemembered => {
            Bounds { from: State::SuspendingCommerce, attempts: 2, ..with(Faults { duplicates: 1, refusals: 2, ..NONE }) }
        }
    }
}
