//! Every step paused in every state: nothing is sent for it, no deadline runs, and once it is resumed everything ends.

use super::*;

const HOUR: i64 = 3600;

impl Walk {
    fn pause(&mut self, step: Step) {
        self.paused = self.paused.with(step, Some(at(self.now)));
    }

    fn resume(&mut self) -> Decision {
        self.paused = Paused::NONE;
        self.happen(&Event::Clock, None)
    }

    /// Answers whatever was sent, well, until nothing more is sent.
    fn run(&mut self) {
        while !self.sent.is_empty() {
            for send in std::mem::take(&mut self.sent) {
                assert!(self.paused.since(send.step).is_none(), "{} is paused, and was sent", send.step);
                if send.step == Step::Eligibility && send.action == Action::Do {
                    self.eligible(3, 3);
                } else {
                    self.all_good(send.step, send.action);
                }
            }
        }
    }
}

#[test]
fn a_paused_step_is_not_sent_and_all_ends_once_it_is_resumed() {
    for step in Step::ALL {
        let mut walk = Walk { paused: Paused::NONE.with(step, Some(at(0))), ..Walk::to(State::CheckingEligibility) };
        walk.saga = Saga::requested(at(0), &LIMITS);
        walk.sent.clear();
        walk.happen(&Event::Started, None);
        walk.run();
        let held = walk.saga.held.unwrap_or_else(|| panic!("it is held at {step}"));
        assert_eq!((held.step, held.withheld, under_way(&walk.saga)), (step, true, Some((step, Action::Do))));
        // far beyond every deadline
        walk.now = 100 * HOUR;
        let nothing = walk.happen(&Event::Clock, None);
        assert!(nothing.is_nothing(&walk.saga), "a saga that is held has no deadlines");
        let decision = walk.resume();
        assert_eq!(decision.send, [Send { step, action: Action::Do, which: Which::Pending }]);
        assert_eq!(decision.notes.last().map(|note| note.event), Some("Released"));
        walk.run();
        assert_eq!((walk.saga.state(), walk.saga.held), (State::Completed, None), "{step}");
    }
}

#[test]
fn what_was_on_its_way_is_answered_and_the_next_step_goes_on() {
    for (state, step) in [
        (State::PurchasingPlans, Step::Purchasing),
        (State::MappingSubscriptions, Step::Mapping),
        (State::SuspendingCommerce, Step::Suspension),
    ] {
        let mut walk = Walk::to(state);
        walk.sent.clear();
        walk.now = 10;
        walk.pause(step);
        walk.now = 20;
        walk.answer(step, Action::Do, 0, 0);
        let held = walk.saga.held.expect("it is held");
        assert_eq!((held.since, held.withheld), (at(10), false), "its time stands still since the pause");
        walk.answer(step, Action::Do, 1, 0);
        assert_eq!(walk.saga.held, None, "{step} is done: nothing holds it there");
        walk.run();
        assert_eq!(walk.saga.state(), State::Completed);
    }
}

#[test]
fn time_stands_still() {
    let mut walk = Walk::to(State::MappingSubscriptions);
    let given_up_at = walk.saga.give_up_at;
    walk.now = 100;
    walk.pause(Step::Mapping);
    // neither silence nor the time used up is noticed, however late it is looked
    walk.now = 50 * HOUR;
    let held = walk.happen(&Event::Clock, None);
    assert_eq!((held.send, held.saga.state()), (vec![], State::MappingSubscriptions));
    walk.now = 60 * HOUR;
    walk.resume();
    let stood = 60 * HOUR - 100;
    assert_eq!(walk.saga.give_up_at, given_up_at.plus_seconds(stood), "what remained before remains");
    assert_eq!(walk.saga.resend_at, at(walk.now + 60));
    walk.now = 60 * HOUR + HOUR;
    walk.happen(&Event::Clock, None);
    assert_eq!(walk.saga.state(), State::Compensating, "and it runs on");
}

#[test]
fn a_cancel_goes_back_as_far_as_no_step_is_paused() {
    for paused in [Step::Mapping, Step::Purchasing, Step::Eligibility] {
        let mut walk = Walk::to(State::MappingSubscriptions);
        walk.sent.clear();
        walk.pause(paused);
        assert_eq!(walk.act(ActKind::Cancel), Some(ActOutcome::Accepted));
        walk.run();
        assert_eq!((walk.saga.state(), walk.saga.held.map(|held| held.step)), (State::Compensating, Some(paused)));
        assert_eq!(under_way(&walk.saga), Some((paused, Action::Undo)));
        walk.resume();
        walk.run();
        assert_eq!(walk.saga.state(), State::Compensated);
    }
}

#[test]
fn a_refusal_in_a_paused_step_turns_back_all_the_same() {
    let mut walk = Walk::to(State::MappingSubscriptions);
    walk.sent.clear();
    walk.pause(Step::Mapping);
    walk.answer(Step::Mapping, Action::Do, 0, 1);
    assert_eq!(walk.saga.state(), State::Compensating);
    assert!(walk.sent.is_empty(), "the undo waits too");
    walk.now = 9;
    walk.resume();
    walk.run();
    assert_eq!(walk.saga.state(), State::Compensated);
}

#[test]
fn an_operator_resumes_into_a_paused_step() {
    let mut walk = Walk::to(State::SuspendingCommerce);
    for packet in [0, 1] {
        walk.answer(Step::Suspension, Action::Do, packet, 1);
    }
    assert_eq!(walk.saga.state(), State::NeedsOperator);
    walk.sent.clear();
    walk.pause(Step::Suspension);
    assert_eq!(walk.act(ActKind::Resume), Some(ActOutcome::Accepted));
    assert!(walk.sent.is_empty() && walk.saga.held.is_some());
    walk.resume();
    walk.run();
    assert_eq!(walk.saga.state(), State::Completed);
}

#[test]
fn two_steps_one_after_the_other() {
    let mut walk = Walk::to(State::PurchasingPlans);
    walk.sent.clear();
    walk.paused = Paused::NONE.with(Step::Purchasing, Some(at(0))).with(Step::Mapping, Some(at(0)));
    walk.all_good(Step::Purchasing, Action::Do);
    assert_eq!(walk.saga.held.map(|held| held.step), Some(Step::Mapping));
    walk.now = 7;
    walk.paused = Paused::NONE.with(Step::Purchasing, Some(at(0)));
    walk.happen(&Event::Clock, None);
    walk.run();
    assert_eq!(walk.saga.state(), State::Completed);
}

#[test]
fn every_state_is_explained() {
    for state in [State::CheckingEligibility, State::PurchasingPlans, State::MappingSubscriptions, State::SuspendingCommerce] {
        let walk = Walk::to(state);
        let (step, _) = under_way(&walk.saga).expect("a step");
        assert!(waits_for(&walk.saga).to_string().contains(step.name()), "{}", waits_for(&walk.saga).to_string());
        assert!(!rule(&walk.saga).english().is_empty());
    }
    let mut walk = Walk::to(State::MappingSubscriptions);
    assert_eq!(waits_for(&walk.saga).to_string(), "answers of mapping: 2 unanswered of 2 packets");
    walk.answer(Step::Mapping, Action::Do, 0, 0);
    assert_eq!(waits_for(&walk.saga).to_string(), "answers of mapping: 1 unanswered of 2 packets");
    walk.act(ActKind::Cancel);
    assert_eq!(waits_for(&walk.saga).to_string(), "the undo of mapping: 2 unanswered of 2 packets");
    walk.pause(Step::Mapping);
    walk.happen(&Event::Clock, None);
    assert!(waits_for(&walk.saga).to_string().starts_with("mapping is paused"), "{}", waits_for(&walk.saga).to_string());
    let requested = Saga::requested(at(0), &LIMITS);
    assert!(waits_for(&requested).to_string().starts_with("room"));
    assert_eq!(waits_for(&Walk::to(State::Completed).saga).to_string(), "nothing");
    assert_eq!(pending(&requested), []);
}
