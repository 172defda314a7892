//! What every broker must do: a suite of named cases, run against RabbitMQ, the embedded broker, and a simulator's.
//!
//! A case gets a [`World`] of its own, with empty queues, and panics where the broker falls short. Nothing sleeps for a fixed
//! time to wait for something: waiting has a bound ([`PATIENCE`]). That nothing comes is shown by what arrives afterwards; only for
//! the prefetch, where nothing may arrive, there is a short look.

// What falls short is to panic: this is a test, even where it is built as a feature.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod delivery;
mod durability;
mod looking;
mod settling;
mod support;

use crate::{Service, SharedBroker};
use async_trait::async_trait;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// What has not happened after this time will not.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A broker under test.
#[async_trait]
pub trait World: Send + Sync {
    /// A new handle that belongs to a service.
    async fn handle(&self, service: Service) -> SharedBroker;

    /// Stops the broker and starts it again on what it had stored. Handles from before are not used afterwards.
    async fn restart(&self);
}

/// A case of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    /// What it shows.
    pub name: &'static str,
    /// Runs it in a world with empty queues.
    pub run: fn(Arc<dyn World>) -> BoxFuture<'static, ()>,
}

macro_rules! cases {
    ($($module:ident::$name:ident),* $(,)?) => {
        /// Every case.
        pub const CASES: &[Case] = &[$(Case {
            name: stringify!($name),
            run: |world| Box::pin(async move { $module::$name(&*world).await }),
        }),*];
    };
}

cases![
    delivery::messages_come_in_order_and_whole,
    delivery::every_destination_leads_to_its_queue,
    delivery::a_batch_is_what_is_there_and_waits_for_no_more,
    delivery::prefetch_bounds_what_is_unsettled,
    delivery::what_a_dropped_consumer_had_comes_again,
    delivery::competing_consumers_get_each_message_once,
    delivery::a_dropped_next_loses_nothing,
    delivery::answers_reach_the_asker_alone,
    delivery::what_is_told_to_all_askers_reaches_each,
    delivery::an_answer_to_nobody_is_dropped_quietly,
    delivery::a_large_body_arrives_whole,
    delivery::ten_thousand_messages_arrive,
    delivery::the_sender_is_vouched_for,
    delivery::closing_ends_the_consumers,
    settling::a_retry_comes_back_later_and_counts,
    settling::a_retry_does_not_hold_up_the_others,
    settling::each_of_a_batch_is_settled_alone,
    settling::each_of_a_publication_is_settled_alone,
    settling::a_dead_letter_says_why,
    settling::a_dead_letter_is_redriven_in_its_senders_name,
    settling::an_unreadable_body_does_not_block,
    settling::settling_twice_does_no_harm,
    looking::a_queue_tells_how_much_it_holds,
    looking::every_queue_is_seen,
    looking::a_look_changes_nothing,
    looking::what_was_taken_out_is_gone,
    looking::a_pass_that_takes_all_out_disturbs_nobody,
    looking::a_redriven_message_names_its_redrive,
    durability::what_was_accepted_survives,
    durability::what_was_not_settled_survives,
    durability::retries_and_dead_letters_survive,
];
