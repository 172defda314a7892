//! The decision, walked through: every state, every step failed there, repeated there, undone twice there.

mod paused;

use super::*;
use planshift_domain::{
    message::request::ActOutcome,
    step::{Action, Step},
    time::Timestamp,
    transition::{Failure, State},
};
use std::collections::{HashMap, HashSet, VecDeque};

const LIMITS: Limits = Limits { packet_items: 2, resend_seconds: 60, total_seconds: 3600 };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// A saga and what a coordinator remembers of its packets.
#[derive(Clone)]
struct Walk {
    saga: Saga,
    packets: HashMap<(Step, Action, u32), Known>,
    sent: Vec<Send>,
    now: i64,
    paused: Paused,
}

impl Walk {
    fn started() -> Self {
        let mut walk =
            Self { saga: Saga::requested(at(0), &LIMITS), packets: HashMap::new(), sent: Vec::new(), now: 0, paused: Paused::NONE };
        walk.happen(&Event::Started, None);
        walk
    }

    const fn rules(&self) -> Rules {
        Rules { limits: LIMITS, paused: self.paused }
    }

    fn happen(&mut self, event: &Event, known: Option<Known>) -> Decision {
        let decision = decide(&self.saga, event, known, at(self.now), &self.rules()).expect("no input leads to an illegal move");
        self.saga = decision.saga.clone();
        self.sent.extend(decision.send.iter().copied());
        decision
    }

    /// Eligible, with so many lines and resellers, in one packet.
    fn eligible(&mut self, lines: u32, resellers: u32) -> Decision {
        let event = Event::Checked(Checked { attempt: 1, packet: 0, packets: 1, eligible: true, lines, resellers });
        self.happen(&event, None)
    }

    fn answer(&mut self, step: Step, action: Action, packet: u32, refused: u32) -> Decision {
        self.answer_of(step, action, packet, refused, self.saga.attempt)
    }

    fn answer_of(&mut self, step: Step, action: Action, packet: u32, refused: u32, attempt: u32) -> Decision {
        let items = match step {
            Step::Eligibility => 1,
            Step::Purchasing => self.saga.plans.saturating_sub(packet * LIMITS.packet_items).min(LIMITS.packet_items),
            Step::Mapping | Step::Suspension => self.saga.lines.saturating_sub(packet * LIMITS.packet_items).min(LIMITS.packet_items),
        };
        let failure = Failure { step, resource_id: format!("{packet}"), code: "No".into(), description: "not today".into() };
        let first = (refused > 0).then_some(failure);
        let event = Event::Answered(Answer { step, action, packet, attempt, good: items - refused, refused, first });
        let decision = self.happen(&event, self.packets.get(&(step, action, packet)).copied());
        if decision.record {
            self.packets.insert((step, action, packet), Known { attempt, good: items - refused, refused });
        }
        decision
    }

    fn act(&mut self, act: ActKind) -> Option<ActOutcome> {
        self.happen(&Event::Act { act, actor: "ann".into(), reason: "because".into() }, None).outcome
    }

    /// Answers everything of a step well.
    fn all_good(&mut self, step: Step, action: Action) {
        for packet in 0..self.saga.tally(step, action).packets {
            self.answer(step, action, packet, 0);
        }
    }

    /// As far as this state, going well: 3 lines (2 packets) under 3 plans (2 packets).
    fn to(state: State) -> Self {
        let mut walk = Self::started();
        if state == State::CheckingEligibility {
            return walk;
        }
        walk.eligible(3, 3);
        for step in [Step::Purchasing, Step::Mapping, Step::Suspension] {
            if walk.saga.state() == state {
                break;
            }
            walk.all_good(step, Action::Do);
        }
        assert_eq!(walk.saga.state(), state);
        walk
    }

    fn undo_all(&mut self) {
        for step in [Step::Mapping, Step::Purchasing, Step::Eligibility] {
            self.all_good(step, Action::Undo);
        }
    }
}

const BEFORE_PIVOT: [State; 3] = [State::CheckingEligibility, State::PurchasingPlans, State::MappingSubscriptions];

#[test]
fn the_table_knows_every_state_and_ends_lead_nowhere() {
    let states: HashSet<State> = MOVES.iter().map(|(state, _)| *state).collect();
    assert_eq!(states.len(), State::ALL.len());
    for (state, next) in MOVES {
        assert_eq!(state.is_end(), next.is_empty(), "{state}");
    }
    // past the pivot no way leads back
    assert!(!is_legal(State::SuspendingCommerce, State::Compensating) && is_legal(State::MappingSubscriptions, State::Compensating));
}

#[test]
fn all_goes_well() {
    let walk = Walk::to(State::Completed);
    assert_eq!((walk.saga.mapped(), walk.saga.suspended()), (3, 3));
    assert!(walk.saga.ended_at.is_some() && walk.saga.failure.is_none());
    let steps: Vec<_> = walk.sent.iter().map(|s| (s.step, s.action, s.which)).collect();
    assert_eq!(steps, Step::ALL.map(|step| (step, Action::Do, Which::All)));
}

#[test]
fn effective_at_is_fixed_when_mapping_starts() {
    let mut walk = Walk::to(State::PurchasingPlans);
    walk.now = 1800;
    walk.all_good(Step::Purchasing, Action::Do);
    assert_eq!(walk.saga.effective_at, Some(at(3600)));
    walk.now = 7200;
    walk.all_good(Step::Mapping, Action::Do);
    assert_eq!(walk.saga.effective_at, Some(at(3600)));
}

#[test]
fn eligibility_speaks_in_packets_and_in_any_order() {
    let mut walk = Walk::started();
    for packet in [2, 0, 1] {
        assert_eq!(walk.saga.state(), State::CheckingEligibility);
        walk.happen(&Event::Checked(Checked { attempt: 1, packet, packets: 3, eligible: true, lines: 6, resellers: 1 }), None);
    }
    assert_eq!((walk.saga.state(), walk.saga.lines), (State::PurchasingPlans, 6));
    let mut refused = Walk::started();
    refused.happen(&Event::Checked(Checked { attempt: 1, packet: 0, packets: 1, eligible: false, lines: 0, resellers: 0 }), None);
    assert_eq!(refused.saga.state(), State::Ineligible);
    assert_eq!(refused.sent.len(), 1, "nothing but the check was ever sent");
}

#[test]
fn a_refusal_before_the_pivot_undoes_everything_ever_commanded_in_reverse() {
    for (state, step, undone) in [
        (State::PurchasingPlans, Step::Purchasing, vec![Step::Purchasing, Step::Eligibility]),
        (State::MappingSubscriptions, Step::Mapping, vec![Step::Mapping, Step::Purchasing, Step::Eligibility]),
    ] {
        let mut walk = Walk::to(state);
        walk.sent.clear();
        walk.answer(step, Action::Do, 1, 1);
        assert_eq!(walk.saga.state(), State::Compensating);
        assert_eq!(walk.saga.failure.as_ref().map(|f| f.code.as_str()), Some("No"));
        walk.undo_all();
        assert_eq!(walk.saga.state(), State::Compensated);
        let sent: Vec<_> = walk.sent.iter().map(|s| (s.step, s.action, s.which)).collect();
        // packet 0 was never answered, and is undone all the same
        assert_eq!(sent, undone.into_iter().map(|step| (step, Action::Undo, Which::All)).collect::<Vec<_>>());
        assert!(walk.saga.is_wholly_undone());
    }
}

#[test]
fn late_answers_of_commands_do_not_disturb_the_undoing() {
    let mut walk = Walk::to(State::MappingSubscriptions);
    walk.answer(Step::Mapping, Action::Do, 1, 1);
    walk.answer(Step::Mapping, Action::Undo, 0, 0);
    assert!(walk.answer(Step::Mapping, Action::Do, 0, 0).record, "an answer is recorded in whatever state it finds");
    assert_eq!(walk.saga.state(), State::Compensating);
    walk.undo_all();
    assert_eq!(walk.saga.state(), State::Compensated);
}

#[test]
fn the_same_answer_twice_counts_once() {
    for state in BEFORE_PIVOT.into_iter().chain([State::SuspendingCommerce]) {
        let mut walk = Walk::to(state);
        let Some(step) = state.step().filter(|step| *step != Step::Eligibility) else { continue };
        assert!(walk.answer(step, Action::Do, 0, 0).record);
        assert!(!walk.answer(step, Action::Do, 0, 0).record);
        assert_eq!((walk.saga.tally(step, Action::Do).answered, walk.saga.state()), (1, state));
    }
}

#[test]
fn answers_of_nothing_that_was_commanded_are_left_aside() {
    let mut walk = Walk::to(State::PurchasingPlans);
    let before = walk.saga.clone();
    assert!(!walk.answer(Step::Mapping, Action::Do, 0, 0).record, "not commanded yet");
    assert!(!walk.answer_of(Step::Purchasing, Action::Do, 7, 0, 1).record, "no such packet");
    assert!(!walk.answer_of(Step::Purchasing, Action::Do, 0, 0, 9).record, "no such attempt");
    assert!(!walk.answer(Step::Purchasing, Action::Undo, 0, 0).record, "no undo was commanded");
    assert_eq!(walk.saga, before);
}

#[test]
fn a_cancel_is_taken_before_the_pivot_and_refused_after_it() {
    for state in BEFORE_PIVOT {
        let mut walk = Walk::to(state);
        assert_eq!(walk.act(ActKind::Cancel), Some(ActOutcome::Accepted), "{state}");
        let failure = walk.saga.failure.clone().expect("a cancel is a failure");
        assert_eq!((failure.code.as_str(), Some(failure.step)), ("Cancelled", state.step()));
        assert_eq!(walk.act(ActKind::Cancel), Some(ActOutcome::NotAllowedInState(State::Compensating)));
        walk.undo_all();
        assert_eq!(walk.saga.state(), State::Compensated);
    }
    for state in [State::SuspendingCommerce, State::Completed] {
        assert_eq!(Walk::to(state).act(ActKind::Cancel), Some(ActOutcome::PastThePivot(state)));
    }
}

#[test]
fn the_pivot_wants_every_line_mapped() {
    let mut walk = Walk::to(State::MappingSubscriptions);
    walk.answer(Step::Mapping, Action::Do, 0, 0);
    assert_eq!(walk.saga.state(), State::MappingSubscriptions);
    walk.answer(Step::Mapping, Action::Do, 1, 0);
    assert_eq!(walk.saga.state(), State::SuspendingCommerce);
}

#[test]
fn after_the_pivot_a_refusal_waits_for_the_others_and_then_for_an_operator() {
    let mut walk = Walk::to(State::SuspendingCommerce);
    walk.answer(Step::Suspension, Action::Do, 0, 1);
    assert_eq!(walk.saga.state(), State::SuspendingCommerce, "the others go on");
    walk.answer(Step::Suspension, Action::Do, 1, 0);
    assert_eq!((walk.saga.state(), walk.saga.left()), (State::NeedsOperator, Some(State::SuspendingCommerce)));
    assert!(walk.saga.ended_at.is_none(), "the lock is kept");
    assert_eq!(walk.act(ActKind::Cancel), Some(ActOutcome::PastThePivot(State::NeedsOperator)));

    walk.sent.clear();
    assert_eq!(walk.act(ActKind::Resume), Some(ActOutcome::Accepted));
    assert_eq!(walk.sent, [Send { step: Step::Suspension, action: Action::Do, which: Which::Pending }]);
    assert_eq!((walk.saga.state(), walk.saga.attempt), (State::SuspendingCommerce, 2));
    assert!(!walk.answer_of(Step::Suspension, Action::Do, 0, 1, 1).record, "the old refusal is history");
    // refused again, and resumed again
    walk.answer(Step::Suspension, Action::Do, 0, 1);
    assert_eq!(walk.saga.state(), State::NeedsOperator);
    walk.act(ActKind::Resume);
    walk.answer(Step::Suspension, Action::Do, 0, 0);
    assert_eq!((walk.saga.state(), walk.saga.suspended()), (State::Completed, 3));
    assert!(walk.saga.failure.is_none());
}

#[test]
fn one_undo_that_fails_does_not_stop_the_others_and_resume_repeats_it() {
    let mut walk = Walk::to(State::MappingSubscriptions);
    walk.answer(Step::Mapping, Action::Do, 0, 1);
    walk.answer(Step::Mapping, Action::Undo, 0, 1);
    assert_eq!(walk.saga.state(), State::Compensating);
    walk.answer(Step::Mapping, Action::Undo, 1, 0);
    assert_eq!((walk.saga.state(), walk.saga.left()), (State::NeedsOperator, Some(State::Compensating)));
    assert_eq!(walk.act(ActKind::Cancel), Some(ActOutcome::NotAllowedInState(State::NeedsOperator)));
    walk.act(ActKind::Resume);
    walk.answer(Step::Mapping, Action::Undo, 0, 0);
    walk.undo_all();
    assert_eq!(walk.saga.state(), State::Compensated);
    assert_eq!(walk.act(ActKind::Resume), Some(ActOutcome::NotAllowedInState(State::Compensated)));
    assert_eq!(walk.act(ActKind::Close), Some(ActOutcome::Accepted));
    assert!(walk.saga.closed_at.is_some());
}

#[test]
fn an_answer_that_was_thought_lost_takes_a_refusal_back() {
    let mut walk = Walk::to(State::SuspendingCommerce);
    walk.answer(Step::Suspension, Action::Do, 0, 2); // given up
    assert!(walk.answer(Step::Suspension, Action::Do, 0, 0).record, "it was redriven, and it is done");
    walk.answer(Step::Suspension, Action::Do, 1, 0);
    assert_eq!((walk.saga.state(), walk.saga.suspended()), (State::Completed, 3));
}

#[test]
fn silence_sends_the_same_again_and_any_answer_moves_the_deadline() {
    let mut walk = Walk::to(State::MappingSubscriptions);
    walk.now = 59;
    assert!(walk.happen(&Event::Clock, None).send.is_empty());
    walk.answer(Step::Mapping, Action::Do, 0, 0);
    walk.now = 100;
    assert!(walk.happen(&Event::Clock, None).send.is_empty(), "a long queue is not silence");
    walk.now = 119;
    let again = walk.happen(&Event::Clock, None);
    assert_eq!(again.send, [Send { step: Step::Mapping, action: Action::Do, which: Which::Pending }]);
    assert_eq!((walk.saga.attempt, walk.saga.state()), (1, State::MappingSubscriptions), "a deadline guesses no outcome");
    assert!(walk.happen(&Event::Clock, None).send.is_empty(), "once in a window");
}

#[test]
fn a_total_that_is_used_up_compensates_before_the_pivot_and_asks_an_operator_after_it() {
    for state in BEFORE_PIVOT {
        let mut walk = Walk::to(state);
        walk.now = 3600;
        walk.happen(&Event::Clock, None);
        assert_eq!(walk.saga.state(), State::Compensating);
        assert_eq!(walk.saga.failure.as_ref().map(|f| f.code.as_str()), Some("TimedOut"));
        walk.happen(&Event::Clock, None);
        assert_eq!(walk.saga.state(), State::Compensating, "the undoing has its own time");
        walk.now = 7200;
        walk.happen(&Event::Clock, None);
        assert_eq!((walk.saga.state(), walk.saga.left()), (State::NeedsOperator, Some(State::Compensating)));
    }
    let mut walk = Walk::to(State::SuspendingCommerce);
    walk.now = 3600;
    walk.happen(&Event::Clock, None);
    assert_eq!(walk.saga.state(), State::NeedsOperator);
    walk.act(ActKind::Resume);
    assert!(walk.saga.give_up_at > at(3600));
    walk.all_good(Step::Suspension, Action::Do);
    assert_eq!(walk.saga.state(), State::Completed);
}

#[test]
fn a_check_that_was_given_up_compensates() {
    let mut walk = Walk::started();
    walk.answer(Step::Eligibility, Action::Do, 0, 1);
    assert_eq!(walk.saga.state(), State::Compensating);
    walk.undo_all();
    assert_eq!(walk.saga.state(), State::Compensated);
}

/// Every answer, good or refused, cancel, resume and timeouts, in every order, from every state that can be reached: no illegal
/// move, no end without its evidence, tallies that never overflow, and an end that can be reached from everywhere.
#[test]
fn every_reachable_state_is_sound_and_has_a_way_to_an_end() {
    type Key = (Saga, Vec<((Step, Action, u32), Known)>);
    fn key(walk: &Walk) -> Key {
        let mut saga = walk.saga.clone();
        // neither words nor times change what may happen
        saga.failure = saga.failure.map(|f| Failure { resource_id: String::new(), code: String::new(), description: String::new(), ..f });
        let mut packets: Vec<_> = walk.packets.iter().map(|(k, v)| (*k, *v)).collect();
        packets.sort_by_key(|(k, _)| *k);
        (saga, packets)
    }
    let first = Walk::started();
    let mut index: HashMap<Key, usize> = HashMap::from([(key(&first), 0)]);
    let mut walks = VecDeque::from([first]);
    let mut edges: Vec<Vec<usize>> = vec![vec![]];
    let mut ends = vec![false];
    let mut at_index = 0;
    while let Some(walk) = walks.pop_front() {
        let mut next = Vec::new();
        let mut branch = |f: &dyn Fn(&mut Walk)| {
            let mut to = walk.clone();
            f(&mut to);
            next.push(to);
        };
        if walk.saga.state() == State::CheckingEligibility {
            branch(&|w| drop(w.eligible(3, 1)));
        }
        for step in Step::ALL {
            for action in [Action::Do, Action::Undo] {
                for packet in 0..walk.saga.tally(step, action).packets.min(2) {
                    for refused in [0, 1] {
                        if (step, action) != (Step::Eligibility, Action::Do) {
                            branch(&|w| drop(w.answer(step, action, packet, refused)));
                        }
                    }
                }
            }
        }
        branch(&|w| {
            w.act(ActKind::Cancel);
        });
        if walk.saga.attempt < 3 {
            branch(&|w| {
                w.act(ActKind::Resume);
            });
        }
        for to in next {
            let saga = &to.saga;
            for step in Step::ALL {
                for action in [Action::Do, Action::Undo] {
                    let t = saga.tally(step, action);
                    assert!(t.answered <= t.packets.max(1) && t.faulty <= t.answered, "{saga:?}");
                }
            }
            match saga.state() {
                State::Compensated => assert!(saga.is_wholly_undone()),
                State::Completed => assert_eq!((saga.mapped(), saga.suspended()), (saga.lines, saga.lines)),
                State::SuspendingCommerce => assert_eq!(saga.mapped(), saga.lines),
                _ => {}
            }
            let id = *index.entry(key(&to)).or_insert_with(|| {
                walks.push_back(to.clone());
                edges.push(Vec::new());
                ends.push(to.saga.state().is_end());
                edges.len() - 1
            });
            edges[at_index].push(id);
        }
        at_index += 1;
    }
    // backwards from the ends; a saga that has used up its three attempts here may rest at NeedsOperator
    let mut reaches = ends;
    loop {
        let before = reaches.iter().filter(|r| **r).count();
        for (from, to) in edges.iter().enumerate() {
            reaches[from] = reaches[from] || to.iter().any(|t| reaches[*t]);
        }
        if reaches.iter().filter(|r| **r).count() == before {
            break;
        }
    }
    for ((saga, _), i) in &index {
        assert!(reaches[*i] || (saga.attempt == 3 && saga.state() == State::NeedsOperator), "no way to an end: {saga:?}");
    }
    assert!(index.len() > 500, "the walk has seen only {} states", index.len());
}
