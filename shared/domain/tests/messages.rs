//! Messages of versions before, and messages as versions before must still read them.

use planshift_domain::{
    ids::{BatchId, CustomerId, PartnerId},
    message::request::{Priority, StartTransition},
    transition::BatchRow,
};
use serde_json::json;
use uuid::Uuid;

#[test]
fn a_start_that_says_nothing_of_priority_and_batch_is_interactive_and_of_none() {
    let id = Uuid::from_u128;
    let before = json!({ "requestId": id(1), "partnerId": id(2), "customerId": id(3), "actor": "ann" });
    let start: StartTransition = serde_json::from_value(before.clone()).unwrap();
    let (partner_id, customer_id) = (PartnerId(id(2)), CustomerId(id(3)));
    let interactive = StartTransition {
        request_id: id(1),
        partner_id,
        customer_id,
        actor: "ann".into(),
        plan_hash: None,
        priority: Priority::Interactive,
        batch: None,
    };
    assert_eq!(start, interactive);
    assert_eq!(serde_json::to_value(&start).unwrap(), before, "a version before reads what it has always read");

    let batch = Some(BatchRow { batch_id: BatchId(id(9)), row: 7, attempt: 2 });
    let background = StartTransition { priority: Priority::Background, batch, ..interactive };
    let written = serde_json::to_value(&background).unwrap();
    assert_eq!(written["priority"], json!("background"));
    assert_eq!(written["batch"], json!({ "batchId": id(9), "row": 7, "attempt": 2 }));
    assert_eq!(serde_json::from_value::<StartTransition>(written).unwrap(), background);
}
