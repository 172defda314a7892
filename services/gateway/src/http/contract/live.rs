//! Live events: streams, of which each event's data is JSON.

use super::{
    api::Api,
    operation::Operation,
    shapes::{Object, count, guid, object, one_of, plain, text},
};
use planshift_domain::transition::State;
use serde_json::json;

const CURSOR: &str = "The id of the last event that was had: it goes on from there. The header counts before the parameter.";
const STREAM: &str = "Events `history` (an entry of a history), `state` and `end` (how far a transition is) as they happen; `reset` where \
    what was missed cannot be known. See docs/api/live-events.md.";

const SHOWN: &str = "The id of the last event that was had: what it shows is told of again only once it has changed.";
const BATCH: &str = "Events `state`, and `end` once it is `Completed` or `Cancelled` and nothing is under way: the batch as it is read. See \
    docs/api/live-events.md.";

/// One event: in this version of OpenAPI, what each of a stream is.
fn event() -> Object {
    let data = json!({ "type": "string", "contentMediaType": "application/json" });
    object()
        .may_have("event", one_of(&["history", "state", "end", "reset"]))
        .may_have("id", text())
        .may_have("data", data)
        .may_have("retry", count())
}

pub(super) fn describe(api: &Api) {
    let stream = |operation: Operation| {
        operation.query("lastEventId", plain(), CURSOR).header("Last-Event-ID", text(), CURSOR).kind(
            200,
            STREAM,
            "text/event-stream",
            event(),
        )
    };
    api.add(
        stream(Operation::get("/v1/productUpgrades/events", "streamEvents", "Everything that happens to upgrades, as it happens."))
            .of_partner()
            .query("customerId", guid(), "Only about this customer.")
            .query("state", api.of::<State>(), "Only about transitions in this state."),
    );
    api.add(
        Operation::get("/v1/productUpgrades/batches/{batch}/events", "streamBatchEvents", "How far a batch is, as it goes on.")
            .query("lastEventId", plain(), SHOWN)
            .header("Last-Event-ID", text(), SHOWN)
            .kind(200, BATCH, "text/event-stream", event())
            .nothing(204, "Nothing more comes: it need not be asked again."),
    );
    api.add(
        stream(Operation::get("/v1/productUpgrades/{id}/events", "streamUpgradeEvents", "What happens to one upgrade, from its start."))
            .nothing(204, "Nothing more comes: it need not be asked again."),
    );
}
