//! What every worker of a step promises, whatever the step. `contract!(Case)` makes the tests of what a command does,
//! `undo_contract!(Case)` those of its undo.

use super::*;
use planshift_domain::message::{command::Item, reply::FactsTaken};
use planshift_worker::{HandleError, metrics::Metrics, step::Faults};

/// A worker to try.
pub trait Case {
    type Worker: StepWorker;
    const MIGRATIONS: &'static [Migration];
    fn handler(world: &World, faults: Faults, metrics: Metrics) -> StepHandler<Self::Worker>;
    /// Facts of a customer that has the items 0 to `items`.
    fn facts(items: u32) -> <Self::Worker as FactsOf>::Facts;
    fn item(number: u32) -> <Self::Worker as StepWorker>::Item;
    /// The writes of which one is needed for that item's effect, and one for its undo.
    fn writes(number: u32) -> Vec<Broken>;
}
pub use planshift_worker::facts::FactsStore as FactsOf;

/// A world in which the usual customer has so many items.
pub async fn world<C: Case>(items: u32) -> (World, StepHandler<C::Worker>)
where
    <C::Worker as FactsOf>::Facts: Serialize,
{
    let world = World::new(C::MIGRATIONS).await;
    let handler = C::handler(&world, Faults::default(), Metrics::new());
    let handled = handle(&handler, &[facts::<C::Worker>(CUSTOMER, 1, C::facts(items))]).await;
    assert_eq!(handled.ends, [End::Done]);
    let taken: FactsTaken = read(&handled.publish[0]);
    assert_eq!((taken.import_id.0, taken.chunk), (Uuid::from_u128(1), 0));
    assert_eq!(handled.publish[0].message.kind, "FactsTaken.v1");
    (world, handler)
}

pub fn items<C: Case>(numbers: impl IntoIterator<Item = u32>) -> Vec<<C::Worker as StepWorker>::Item> {
    numbers.into_iter().map(C::item).collect()
}

macro_rules! generic {
    ($($name:ident($world:ident, $handler:ident, $case:ident, $worker:ident) $body:block)*) => { $(
        pub async fn $name<$case: Case>() where <$case::Worker as FactsOf>::Facts: Serialize {
            async fn run<$case: Case<Worker = $worker>, $worker: StepWorker>() where <$worker as FactsOf>::Facts: Serialize {
                let ($world, $handler) = world::<$case>(8).await;
                let _ = (&$world, &$handler);
                $body
            }
            Box::pin(run::<$case, $case::Worker>()).await;
        }
    )* };
}

generic! {
    a_command_again_gets_the_same_answer(world, handler, C, W) {
        let metrics = Metrics::new();
        let handler = C::handler(&world, Faults::default(), metrics.clone());
        let p = packet(T1, 3, 1, items::<C>(0..2));
        let handled = handle(&handler, &[command::<W>(&p)]).await;
        let first: PacketAnswer = read(&handled.publish[0]);
        assert_eq!(handled.publish[0].message.message_id, format!("{T1}/{}/do/3/1/answer", W::STEP));
        assert_eq!(handled.publish[0].message.correlation_id, T1.to_string());
        assert_eq!((first.transition_id, first.action, first.packet, first.attempt), (T1, Action::Do, 3, 1));
        assert_eq!(evidence(&first), [Evidence::Done; 2]);
        assert_eq!(first.items[0].item, C::item(0).key());
        world.clock.set("2026-11-23T15:20:00Z");
        assert_eq!(answer(&handler, command::<W>(&p)).await, first);
        assert_eq!(answer(&handler, command::<W>(&packet(T1, 3, 2, items::<C>(0..2)))).await.items, first.items);
        let text = metrics.text();
        let (step, repeated) = (W::STEP, format!("planshift_repeated_total{{action=\"do\",step=\"{}\"}} 4", W::STEP));
        assert!(text.contains(&format!("planshift_effects_total{{action=\"do\",evidence=\"done\",step=\"{step}\"}} 2")), "{text}");
        assert!(text.contains(&repeated), "{text}");
    }

    a_command_without_its_facts_waits(world, handler, C, W) {
        let late = Packet { facts_version: 2, ..packet(T1, 0, 1, items::<C>(0..1)) };
        let other = Packet { customer_id: CustomerId(Uuid::from_u128(0xD)), ..packet(T2, 0, 1, items::<C>(0..1)) };
        let handled = handle(&handler, &[command::<W>(&late), command::<W>(&other)]).await;
        assert!(handled.publish.is_empty());
        assert!(handled.ends.iter().all(|end| matches!(end, End::NotYet(_))), "{:?}", handled.ends);
        // facts and command in one batch, the command first
        let handled = handle(&handler, &[command::<W>(&late), facts::<W>(CUSTOMER, 2, C::facts(1))]).await;
        assert_eq!(handled.ends, [End::Done, End::Done]);
        assert_eq!(evidence(&read(&handled.publish[0])), [Evidence::Done]);
    }

    a_version_in_parts_is_complete_with_its_last_part(world, handler, C, W) {
        let p = Packet { facts_version: 2, ..packet(T1, 0, 1, items::<C>(0..1)) };
        let part = |part| facts_part::<W>(CUSTOMER, 2, part, 3, C::facts(1));
        let not_yet = |handled: Handled<()>| matches!(handled.ends[0], End::NotYet(_));
        assert!(not_yet(handle(&handler, &[command::<W>(&p), part(2), part(2)]).await));
        assert!(not_yet(handle(&handler, &[command::<W>(&p), part(0), part(2)]).await));
        assert_eq!(handle(&handler, &[part(1), command::<W>(&p)]).await.ends, [End::Done, End::Done]);
        // late copies of what is complete, and of what is older
        let older = facts_part::<W>(CUSTOMER, 1, 0, 2, C::facts(0));
        assert_eq!(handle(&handler, &[part(1), older, command::<W>(&p)]).await.ends, [End::Done, End::Done, End::Done]);
    }

    versions_in_one_batch_are_taken_in_order(world, handler, C, W) {
        let batch = [facts::<W>(CUSTOMER, 3, C::facts(8)), facts_part::<W>(CUSTOMER, 4, 0, 2, C::facts(8)), facts::<W>(CUSTOMER, 2, C::facts(0))];
        assert_eq!(handle(&handler, &batch).await.ends, [End::Done, End::Done, End::Done]);
        let p = |facts_version| command::<W>(&Packet { facts_version, ..packet(T1, 0, 1, items::<C>(0..1)) });
        assert_eq!(handle(&handler, &[p(3)]).await.ends, [End::Done]);
        assert!(matches!(handle(&handler, &[p(4)]).await.ends[0], End::NotYet(_)));
        assert_eq!(handle(&handler, &[p(4), facts_part::<W>(CUSTOMER, 4, 1, 2, C::facts(0))]).await.ends, [End::Done, End::Done]);
    }

    an_injected_fault_refuses_that_item_alone_and_for_good(world, _handler, C, W) {
        let faulty = C::handler(&world, Faults::new([C::item(1).key().to_uppercase()]), Metrics::new());
        let p = |attempt| command::<W>(&packet(T1, 0, attempt, items::<C>(0..3)));
        let first = answer(&faulty, p(1)).await;
        assert_eq!(evidence(&first), [Evidence::Done, Evidence::Refused, Evidence::Done]);
        assert_eq!(code(&first.items[1]), "FaultInjected");
        assert_eq!(answer(&faulty, p(1)).await, first);
        assert_eq!(answer(&faulty, p(2)).await.items, first.items);
        // the option is gone: a copy of the old attempt gets the old answer, a new attempt is done
        let healed = C::handler(&world, Faults::default(), Metrics::new());
        assert_eq!(answer(&healed, p(2)).await.items, first.items);
        assert_eq!(answer(&healed, p(1)).await.items, first.items);
        assert_eq!(evidence(&answer(&healed, p(3)).await), [Evidence::Done; 3]);
        assert_eq!(evidence(&answer(&healed, p(2)).await), [Evidence::Done; 3]);
    }

    two_packets_in_one_batch_are_answered_each(world, handler, C, W) {
        let (a, b) = (packet(T1, 0, 1, items::<C>(0..3)), packet(T1, 1, 1, items::<C>(3..5)));
        let both = answers(&handler, &[command::<W>(&a), command::<W>(&b), command::<W>(&a)]).await;
        assert_eq!(both.iter().map(|a| (a.packet, a.items.len())).collect::<Vec<_>>(), [(0, 3), (1, 2), (0, 3)]);
        assert_eq!(both[0], both[2]);
        assert!(both.iter().flat_map(evidence).all(|e| e == Evidence::Done));
    }

    an_item_twice_in_a_packet_is_answered_twice(world, handler, C, W) {
        let twice = answer(&handler, command::<W>(&packet(T1, 0, 1, items::<C>([0, 1, 0])))).await;
        assert_eq!(evidence(&twice), [Evidence::Done; 3]);
        assert_eq!(twice.items[0], twice.items[2]);
    }

    a_line_that_cannot_be_handled_stands_alone(world, handler, C, W) {
        world.break_writes(&C::writes(3)).await;
        let (bad, good) = (command::<W>(&packet(T1, 0, 1, items::<C>(0..6))), command::<W>(&packet(T1, 1, 1, items::<C>(6..8))));
        // the loop takes the batch apart until the message stands alone
        assert!(matches!(handler.handle(&[bad.clone(), good.clone()]).await, Err(HandleError::Storage(_))));
        assert_eq!(evidence(&answer(&handler, good).await), [Evidence::Done; 2]);
        let first = answer(&handler, bad.clone()).await;
        for (number, item) in first.items.iter().enumerate() {
            let (expected, expected_code) = if number == 3 { (Evidence::Refused, "InternalError") } else { (Evidence::Done, "") };
            assert_eq!((item.evidence, code(item)), (expected, expected_code), "{number}");
        }
        assert_eq!(answer(&handler, bad).await, first);
    }

    what_cannot_be_read_is_dead_and_takes_nothing_down(world, handler, C, W) {
        let good = command::<W>(&packet(T1, 0, 1, items::<C>(0..1)));
        let body = || good.message.body.to_vec();
        let wrong = [
            (delivery_from(Some(Service::Coordinator), W::DO, b"{}".to_vec()), "UnreadableBody"),
            (delivery_from(Some(Service::Gateway), W::DO, body()), "WrongSender"),
            (delivery_from(None, W::DO, body()), "WrongSender"),
            (delivery_from(Some(Service::Coordinator), "MapSubscriptions.v9", body()), "UnknownType"),
            (delivery_from(Some(Service::Coordinator), "TransitionChanged.v1", body()), "UnknownType"),
        ];
        let batch: Vec<Delivery> = wrong.iter().map(|(delivery, _)| delivery.clone()).chain([good.clone()]).collect();
        let handled = handle(&handler, &batch).await;
        for (end, (_, code)) in handled.ends.iter().zip(&wrong) {
            assert!(matches!(end, End::Dead(why) if why.code == *code), "{end:?} {code}");
        }
        assert_eq!((handled.ends.last(), handled.publish.len()), (Some(&End::Done), 1));
        assert!(handle(&handler, &batch[..2]).await.publish.is_empty());
    }

    a_packet_that_is_given_up_is_told(world, handler, C, W) {
        let told = handler.given_up(&command::<W>(&packet(T1, 5, 2, items::<C>(0..1))), "nothing helped");
        assert_eq!((told.len(), told[0].message.kind.as_str()), (1, "PacketGivenUp.v1"));
        let body: planshift_domain::message::reply::PacketGivenUp = read(&told[0]);
        assert_eq!((body.transition_id, body.packet, body.attempt, body.action), (T1, 5, 2, Action::Do));
        assert!(handler.given_up(&facts::<W>(CUSTOMER, 1, C::facts(1)), "nothing helped").is_empty());
    }

    a_customer_of_two_thousand(world, handler, C, W) {
        let batch: Vec<Delivery> = (0..4).map(|part| facts_part::<W>(CUSTOMER, 2, part, 4, C::facts(2_000))).collect();
        handle(&handler, &batch).await;
        let packets: Vec<Delivery> = (0..40)
            .map(|n| command::<W>(&Packet { facts_version: 2, ..packet(T1, n, 1, items::<C>(n * 50..(n + 1) * 50)) }))
            .collect();
        let all = answers(&handler, &packets).await;
        assert_eq!(all.iter().flat_map(evidence).filter(|e| *e == Evidence::Done).count(), 2_000);
    }

    an_undo_again_gets_the_same_answer(world, handler, C, W) {
        let p = packet(T1, 0, 1, items::<C>(0..2));
        answer(&handler, command::<W>(&p)).await;
        let handled = handle(&handler, &[undo::<W>(&p)]).await;
        let first: PacketAnswer = read(&handled.publish[0]);
        assert_eq!(handled.publish[0].message.message_id, format!("{T1}/{}/undo/0/1/answer", W::STEP));
        assert!(is_undo(&first));
        assert_eq!(evidence(&first), [Evidence::Undone; 2]);
        world.clock.set("2026-11-23T15:20:00Z");
        assert_eq!(answer(&handler, undo::<W>(&p)).await, first);
        // and the command is refused from then on, at any attempt
        assert_eq!(evidence(&answer(&handler, command::<W>(&packet(T1, 0, 2, items::<C>(0..2)))).await), [Evidence::Undone; 2]);
    }

    an_undo_that_comes_first_fences(world, _handler, C, W) {
        let metrics = Metrics::new();
        let handler = C::handler(&world, Faults::default(), metrics.clone());
        // an undo needs no facts
        let p = Packet { facts_version: 9, ..packet(T1, 0, 1, items::<C>(0..2)) };
        assert_eq!(evidence(&answer(&handler, undo::<W>(&p)).await), [Evidence::Fenced; 2]);
        let p = packet(T1, 0, 1, items::<C>(0..2));
        assert_eq!(evidence(&answer(&handler, command::<W>(&p)).await), [Evidence::Fenced; 2]);
        assert_eq!(evidence(&answer(&handler, undo::<W>(&p)).await), [Evidence::Fenced; 2]);
        assert_eq!(metrics.get(planshift_worker::metrics::FENCE_HITS, &[("step", W::STEP.name())]), 2);
    }

    an_undo_of_what_was_refused_fences(world, _handler, C, W) {
        let faulty = C::handler(&world, Faults::new([C::item(1).key()]), Metrics::new());
        let p = packet(T1, 0, 1, items::<C>(0..2));
        answer(&faulty, command::<W>(&p)).await;
        assert_eq!(evidence(&answer(&faulty, undo::<W>(&p)).await), [Evidence::Undone, Evidence::Fenced]);
        let healed = C::handler(&world, Faults::default(), Metrics::new());
        let again = packet(T1, 0, 2, items::<C>(0..2));
        assert_eq!(evidence(&answer(&healed, command::<W>(&again)).await), [Evidence::Undone, Evidence::Fenced]);
    }

    a_command_and_its_undo_in_one_batch_happen_in_order(world, handler, C, W) {
        let (a, b) = (packet(T1, 0, 1, items::<C>(0..2)), packet(T1, 1, 1, items::<C>(2..4)));
        let batch = [command::<W>(&a), undo::<W>(&b), undo::<W>(&a), command::<W>(&b), command::<W>(&a)];
        let got: Vec<Evidence> = answers(&handler, &batch).await.iter().map(|answer| evidence(answer)[1]).collect();
        assert_eq!(got, [Evidence::Done, Evidence::Fenced, Evidence::Undone, Evidence::Fenced, Evidence::Undone]);
    }

    an_undo_that_cannot_be_handled_is_no_evidence(world, handler, C, W) {
        let p = packet(T1, 0, 1, items::<C>(0..4));
        answer(&handler, command::<W>(&p)).await;
        world.break_writes(&C::writes(2)).await;
        let first = answer(&handler, undo::<W>(&p)).await;
        assert_eq!(evidence(&first), [Evidence::Undone, Evidence::Undone, Evidence::Refused, Evidence::Undone]);
        assert_eq!(code(&first.items[2]), "InternalError");
        world.mend_writes(&C::writes(2)).await;
        assert_eq!(evidence(&answer(&handler, undo::<W>(&packet(T1, 0, 2, items::<C>(0..4)))).await), [Evidence::Undone; 4]);
    }
}

macro_rules! tests {
    ($case:ty: $($name:ident)*) => { $(
        #[tokio::test]
        async fn $name() {
            $crate::support::contract::$name::<$case>().await;
        }
    )* };
}

macro_rules! contract {
    ($case:ty) => {
        $crate::support::contract::tests! { $case:
            a_command_again_gets_the_same_answer
            a_command_without_its_facts_waits
            a_version_in_parts_is_complete_with_its_last_part
            versions_in_one_batch_are_taken_in_order
            an_injected_fault_refuses_that_item_alone_and_for_good
            two_packets_in_one_batch_are_answered_each
            an_item_twice_in_a_packet_is_answered_twice
            a_line_that_cannot_be_handled_stands_alone
            what_cannot_be_read_is_dead_and_takes_nothing_down
            a_packet_that_is_given_up_is_told
            a_customer_of_two_thousand
        }
    };
}

macro_rules! undo_contract {
    ($case:ty) => {
        $crate::support::contract::tests! { $case:
            an_undo_again_gets_the_same_answer
            an_undo_that_comes_first_fences
            an_undo_of_what_was_refused_fences
            a_command_and_its_undo_in_one_batch_happen_in_order
            an_undo_that_cannot_be_handled_is_no_evidence
        }
    };
}

pub(crate) use {contract, tests, undo_contract};
