//! Processes that live.

use super::{api::Api, operation::Operation};
use crate::instances::Roll;

pub(super) fn describe(api: &Api) {
    api.add(
        Operation::get("/v1/instances", "listInstances", "The processes that live, each with its service and version.")
            .says(
                "Each tells so every ten seconds, to every gateway; this is what the one that answers has heard. Who has stopped, or has not \
                 been heard for 35 seconds, is listed for ten minutes more.",
            )
            .json(200, "All of them.", api.of::<Roll>()),
    );
}
