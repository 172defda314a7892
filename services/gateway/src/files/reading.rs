//! A file's rows: read in a thread of their own, and handed on batch by batch. Each side waits for the other, so that a file of any length
//! needs the room of a few batches.

use planshift_billing::UsageError;
use std::{io, ops::ControlFlow};
use tokio::{sync::mpsc, task::JoinHandle};

/// How many rows are in a batch.
const BATCH: usize = 4_000;
/// How many batches are read ahead of the one that is written.
const AHEAD: usize = 2;

/// A file that is being read.
pub(crate) struct Reading<T> {
    batches: mpsc::Receiver<Vec<T>>,
    thread: JoinHandle<Result<(), UsageError>>,
}

impl<T: Send + 'static> Reading<T> {
    /// `read` gives each row to what it is given, and ends where that says so: nobody takes rows any more.
    pub(crate) fn begin<R>(read: impl FnOnce(&mut dyn FnMut(T) -> ControlFlow<()>) -> Result<R, UsageError> + Send + 'static) -> Self {
        let (give, batches) = mpsc::channel(AHEAD);
        let thread = tokio::task::spawn_blocking(move || {
            let mut batch = Vec::with_capacity(BATCH);
            read(&mut |row| {
                batch.push(row);
                if batch.len() < BATCH {
                    return ControlFlow::Continue(());
                }
                // whoever writes them may have failed
                match give.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            })?;
            if !batch.is_empty() {
                let _ = give.blocking_send(batch);
            }
            Ok(())
        });
        Self { batches, thread }
    }

    /// The next batch; none where the end has come, or a fault.
    pub(crate) async fn batch(&mut self) -> Option<Vec<T>> {
        self.batches.recv().await
    }

    /// How reading ended. No more batches are taken.
    pub(crate) async fn end(self) -> Result<(), UsageError> {
        drop(self.batches);
        self.thread.await.unwrap_or_else(|error| Err(UsageError::Io(io::Error::other(error))))
    }
}
