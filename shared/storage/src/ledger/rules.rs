//! The ledger's rules, pure: production, the model checker and the simulator call these same functions.
//!
//! A row is about one item of one step of one transition. `done` is final for the command, `undone` and `fenced` for everyone;
//! `refused` is final for its attempt.

/// What a row says of its item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LedgerState {
    /// An outside system is being called: whether it was, only that system knows.
    Intent,
    /// The command had its effect.
    Done,
    /// The command was refused, for its attempt.
    Refused,
    /// The effect was undone. No command has it again.
    Undone,
    /// There was no effect, and no command will have it.
    Fenced,
}

impl LedgerState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Intent, Self::Done, Self::Refused, Self::Undone, Self::Fenced];

    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Undone => "undone",
            Self::Fenced => "fenced",
        }
    }

    /// From what is stored; `None` where it is none of them.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing is left that a compensation would have to see to.
    pub const fn is_undone_or_fenced(self) -> bool {
        matches!(self, Self::Undone | Self::Fenced)
    }
}

/// What a message wants of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The command: have the effect.
    Do,
    /// Its undo: let there be no effect.
    Undo,
}

/// What is to be done about an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Have the effect, or undo it.
    Apply,
    /// An intent was found: ask outside what happened before saying or doing anything.
    LookUp,
    /// The undo came first, or after a refusal: write `fenced`, so that no later command has the effect.
    Fence,
    /// It was answered before: say the same again. For a `Do`, `undone` and `fenced` mean that the fence refuses it.
    Answer,
    /// A command older than the refusal that is stored: say again what is stored, under the stored attempt.
    Stale,
}

/// What an action on an item comes to, given its row (state and attempt) and the message's attempt.
///
/// Attempts count only between a refusal and a later command: an undo is the same for all attempts.
pub fn decide(existing: Option<(LedgerState, u32)>, action: Action, attempt: u32) -> Verdict {
    use LedgerState::{Done, Fenced, Intent, Refused, Undone};
    match (action, existing) {
        (Action::Do, None) => Verdict::Apply,
        (Action::Do, Some((Refused, refused))) if attempt > refused => Verdict::Apply,
        (Action::Do, Some((Refused, refused))) if attempt < refused => Verdict::Stale,
        (Action::Do, Some((Done | Refused | Undone | Fenced, _))) => Verdict::Answer,

        (Action::Undo, None | Some((Refused, _))) => Verdict::Fence,
        (Action::Undo, Some((Done, _))) => Verdict::Apply,
        (Action::Undo, Some((Undone | Fenced, _))) => Verdict::Answer,

        (Action::Do | Action::Undo, Some((Intent, _))) => Verdict::LookUp,
    }
}

/// The legal moves of a row from one commit to the next, `None` being no row. A row that stays as it is makes no move.
///
/// | from | to |
/// |---|---|
/// | none | intent, done, refused, fenced |
/// | intent | done, refused; undone (it had happened), fenced (it had not) |
/// | done | undone |
/// | refused | intent, done (a later attempt); fenced |
/// | undone, fenced | nothing |
///
/// A `refused` may also become `refused` again, under a later attempt: that too is no change of state.
pub fn may_become(from: Option<LedgerState>, to: LedgerState) -> bool {
    use LedgerState::{Done, Fenced, Intent, Refused, Undone};
    match from {
        None => matches!(to, Intent | Done | Refused | Fenced),
        Some(Intent) => matches!(to, Done | Refused | Undone | Fenced),
        Some(Done) => matches!(to, Undone),
        Some(Refused) => matches!(to, Intent | Done | Fenced),
        Some(Undone | Fenced) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LedgerState::*;

    /// Every cell of the table, written out: (row, the message's attempt against the row's 5, Do's verdict, Undo's verdict).
    #[test]
    fn every_verdict() {
        use Verdict::{Answer, Apply, Fence, LookUp, Stale};
        let table = [
            (None, [(4, Apply, Fence), (5, Apply, Fence), (6, Apply, Fence)]),
            (Some(Intent), [(4, LookUp, LookUp), (5, LookUp, LookUp), (6, LookUp, LookUp)]),
            (Some(Done), [(4, Answer, Apply), (5, Answer, Apply), (6, Answer, Apply)]),
            (Some(Refused), [(4, Stale, Fence), (5, Answer, Fence), (6, Apply, Fence)]),
            (Some(Undone), [(4, Answer, Answer), (5, Answer, Answer), (6, Answer, Answer)]),
            (Some(Fenced), [(4, Answer, Answer), (5, Answer, Answer), (6, Answer, Answer)]),
        ];
        for (state, cells) in table {
            for (attempt, command, undo) in cells {
                let row = state.map(|state| (state, 5));
                assert_eq!(decide(row, Action::Do, attempt), command, "do, {row:?}, attempt {attempt}");
                assert_eq!(decide(row, Action::Undo, attempt), undo, "undo, {row:?}, attempt {attempt}");
            }
        }
    }

    #[test]
    fn every_move() {
        let legal = [
            (None, vec![Intent, Done, Refused, Fenced]),
            (Some(Intent), vec![Done, Refused, Undone, Fenced]),
            (Some(Done), vec![Undone]),
            (Some(Refused), vec![Intent, Done, Fenced]),
            (Some(Undone), vec![]),
            (Some(Fenced), vec![]),
        ];
        for (from, allowed) in legal {
            for to in LedgerState::ALL {
                assert_eq!(may_become(from, to), allowed.contains(&to), "{from:?} to {to:?}");
            }
        }
    }

    /// Whatever a verdict leads to is a legal move: the two tables do not contradict each other.
    #[test]
    fn verdicts_lead_to_legal_moves() {
        let rows = std::iter::once(None).chain(LedgerState::ALL.map(Some));
        for state in rows {
            for action in [Action::Do, Action::Undo] {
                for attempt in 0..3 {
                    let outcomes: &[LedgerState] = match (decide(state.map(|s| (s, 1)), action, attempt), action) {
                        (Verdict::Apply, Action::Do) => &[Intent, Done, Refused],
                        (Verdict::Apply, Action::Undo) => &[Undone],
                        (Verdict::LookUp, Action::Do) => &[Done, Refused],
                        (Verdict::LookUp, Action::Undo) => &[Undone, Fenced],
                        (Verdict::Fence, _) => &[Fenced],
                        (Verdict::Answer | Verdict::Stale, _) => &[],
                    };
                    for to in outcomes {
                        assert!(state == Some(*to) || may_become(state, *to), "{state:?} {action:?} {attempt} to {to:?}");
                    }
                }
            }
        }
    }

    /// From every row and after every history of moves, an undone or fenced item is never done.
    #[test]
    fn nothing_leaves_the_final_states() {
        for last in [Undone, Fenced] {
            assert!(LedgerState::ALL.iter().all(|to| !may_become(Some(last), *to)));
            assert!((0..9).all(|attempt| decide(Some((last, 4)), Action::Do, attempt) == Verdict::Answer));
        }
    }

    #[test]
    fn names_round_trip() {
        for state in LedgerState::ALL {
            assert_eq!(LedgerState::parse(state.as_str()), Some(state));
        }
        assert_eq!(LedgerState::parse("Done"), None);
    }
}
