//! Patience: what passes by itself is asked again, with growing, jittered waits, for a bounded time.

use super::ApiError;
use std::{
    future::Future,
    time::{Duration, Instant},
};

const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// For how long a passing refusal is asked again.
#[derive(Clone, Copy, Debug)]
pub struct Patience(Duration);

impl Patience {
    /// For services that have yet to be reached: long enough for them to start, short enough for a wrong address to be told.
    pub const FIRST_CONTACT: Self = Self(Duration::from_secs(15));
    /// For services that were reached: a gateway, a broker or a database that is being started again.
    pub const REACHED: Self = Self(Duration::from_secs(300));

    /// Asks until the answer is no passing refusal, or the patience is used up.
    ///
    /// # Errors
    /// The last one.
    pub async fn ask<T, F: Future<Output = Result<T, ApiError>>>(self, mut ask: impl FnMut() -> F) -> Result<T, ApiError> {
        let begun = Instant::now();
        let mut wait = FIRST_WAIT;
        loop {
            match ask().await {
                Err(error) if error.is_passing() && begun.elapsed() + wait < self.0 => {
                    tracing::debug!(%error, ?wait, "asked again");
                    tokio::time::sleep(wait.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                other => return other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Refusal;
    use std::cell::Cell;

    fn refused(status: u16) -> ApiError {
        ApiError::Refused(Box::new(Refusal { status, ..Refusal::default() }))
    }

    #[tokio::test]
    async fn passing_refusals_are_asked_again_and_others_are_not() {
        let asked = Cell::new(0);
        let answer = Patience::REACHED
            .ask(|| {
                asked.set(asked.get() + 1);
                let asked = asked.get();
                async move { if asked < 3 { Err(refused(503)) } else { Ok(asked) } }
            })
            .await;
        assert_eq!(answer.unwrap(), 3);
        let asked = Cell::new(0);
        let answer: Result<(), _> = Patience::REACHED
            .ask(|| {
                asked.set(asked.get() + 1);
                async { Err(refused(400)) }
            })
            .await;
        assert!(answer.is_err() && asked.get() == 1);
    }

    #[tokio::test]
    async fn patience_ends() {
        let answer: Result<(), _> = Patience(Duration::from_millis(200)).ask(|| async { Err(refused(503)) }).await;
        assert!(answer.is_err());
    }
}
