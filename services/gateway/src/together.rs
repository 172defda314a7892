//! The same work for many callers, done at once: whoever comes while a round is under way waits, and one of those who wait does the
//! next round for all of them. Alone, nobody waits; under load a round has as many callers as came during the one before.

use futures::future::BoxFuture;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Mutex as Turn, oneshot};

/// How many callers a round has at most.
const MOST: usize = 500;

/// Callers with a job each. A job that is done twice must come to the same as done once: a caller that is dropped in the middle of
/// its round leaves the others to do theirs again.
pub(crate) struct Together<J, R> {
    waiting: Mutex<Vec<Waiting<J, R>>>,
    turn: Turn<()>,
}

struct Waiting<J, R> {
    job: J,
    done: oneshot::Sender<R>,
}

impl<J, R> Default for Together<J, R> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turn: Turn::default() }
    }
}

impl<J: Clone, R> Together<J, R> {
    /// Has the job done, by whoever does the round that it is in. `work` gives a result for each job, in their order.
    pub(crate) async fn join(&self, job: J, work: impl Fn(Vec<J>) -> BoxFuture<'static, Vec<R>>) -> R {
        loop {
            let (done, mut result) = oneshot::channel();
            self.lock().push(Waiting { job: job.clone(), done });
            loop {
                let _turn = tokio::select! {
                    biased;
                    result = &mut result => match result {
                        Ok(result) => return result,
                        Err(_) => break, // who did the round is gone: again
                    },
                    turn = self.turn.lock() => turn,
                };
                let round: Vec<_> = {
                    let mut waiting = self.lock();
                    let size = waiting.len().min(MOST);
                    waiting.drain(..size).collect()
                };
                if !round.is_empty() {
                    let (jobs, callers): (Vec<J>, Vec<_>) = round.into_iter().map(|waiting| (waiting.job, waiting.done)).unzip();
                    for (caller, result) in callers.into_iter().zip(work(jobs).await) {
                        // one who is gone needs no result
                        let _ = caller.send(result);
                    }
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting<J, R>>> {
        // a panic elsewhere leaves the list whole: each change of it is a single one
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt as _, future::join_all};
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn those_who_come_meanwhile_go_together() {
        let (together, gate, rounds) = (Together::default(), Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(Vec::new())));
        let work = |jobs: Vec<usize>| {
            rounds.lock().unwrap().push(jobs.len());
            let gate = gate.clone();
            async move {
                gate.acquire().await.unwrap().forget();
                jobs.iter().map(|job| job * 2).collect()
            }
            .boxed()
        };
        let callers = join_all((0..1_200).map(|job| together.join(job, work)));
        let opened = async {
            tokio::task::yield_now().await;
            gate.add_permits(10);
        };
        let (results, ()) = tokio::join!(callers, opened);
        assert_eq!(results, (0..1_200).map(|job| job * 2).collect::<Vec<_>>());
        assert_eq!(*rounds.lock().unwrap(), [1, 500, 500, 199]);
    }

    #[tokio::test]
    async fn a_caller_that_is_dropped_in_its_round_takes_nobody_along() {
        let (together, calls) = (Together::default(), AtomicUsize::new(0));
        let work = |jobs: Vec<u8>| match calls.fetch_add(1, Ordering::Relaxed) {
            0 => std::future::pending().boxed(),
            _ => async move { jobs }.boxed(),
        };
        let mut first = Box::pin(together.join(1, work));
        assert!((&mut first).now_or_never().is_none());
        let mut second = Box::pin(together.join(2, work));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        assert_eq!(second.await, 2);

        // and one whose job was in that round
        calls.store(0, Ordering::Relaxed);
        let (done, result) = oneshot::channel();
        together.lock().push(Waiting { job: 3, done });
        let mut first = Box::pin(together.join(4, work));
        assert!((&mut first).now_or_never().is_none());
        drop(first);
        assert!(result.await.is_err(), "it is told, and comes again");
        assert_eq!(together.join(3, work).await, 3);
    }
}
