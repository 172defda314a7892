//! Takes up what the file holds: its queues in their order, and what waits for its time.

use super::state::{Entry, Key, State};
use super::store::Store;
use crate::Queue;
use planshift_storage::StorageError;

/// The queues as they were, and the number of the next row. Messages stay in the file until their turn comes.
pub(crate) async fn load(store: &Store) -> Result<(State, i64), StorageError> {
    let mut state = State::default();
    let mut last = 0;
    loop {
        let page = store.list(last).await?;
        if page.is_empty() {
            return Ok((state, last + 1));
        }
        for listed in page {
            last = listed.row;
            let Some(queue) = Queue::from_name(&listed.queue) else {
                // A later version's queue: not ours to deliver, and not ours to drop.
                tracing::warn!(queue = listed.queue, row = listed.row, "a message of an unknown queue is left where it is");
                continue;
            };
            // It was perhaps delivered before the process ended: nobody wrote that down.
            let entry = Entry {
                row: listed.row,
                message: None,
                size: listed.size,
                sender: listed.sender,
                attempts: listed.attempts,
                redelivered: true,
                dead: listed.dead,
            };
            if listed.due == 0 {
                state.push(&Key::Durable(queue), entry);
            } else {
                state.delay(Key::Durable(queue), entry, listed.due);
            }
        }
    }
}
