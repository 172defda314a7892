//! Queues.

use super::{api::Api, operation::Operation};
use crate::queues::QueuesShown;

pub(super) fn describe(api: &Api) {
    api.add(
        Operation::get("/v1/queues", "listQueues", "How much every queue holds, and how many take from it.")
            .says("The broker is asked about each: a queue that the gateway’s user may not look at is said to be hidden.")
            .json(200, "Every queue.", api.of::<QueuesShown>()),
    );
}
