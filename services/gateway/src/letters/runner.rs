//! Redrives at work, the oldest first and one at a time: at their rate, and behind their canary.
//!
//! A letter is noted, published with confirm, and only then taken out. A crash in between leaves it there, and it is sent again under
//! the same name: who handles it recognises a message that it has handled. It counts as done when it is seen to finish.

use super::{
    CanaryState, DeadLetters, Letter, LettersError, Redrive, RedriveState,
    pass::{Pass, WORKING},
};
use planshift_messaging::{Delivery, Destination, Message, Outgoing};
use planshift_telemetry::{TraceContext, under};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How many are sent in one pass where there is no rate.
const AT_ONCE: u32 = 1_000;
/// How many are published, and noted, together.
const BATCH: usize = 100;
/// Or how many bytes of bodies.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// The pause between two looks at a redrive that waits: for its rate, or for what it has sent.
const LOOK: Duration = Duration::from_millis(200);
/// The pause between two looks whether another replica has begun a redrive.
const IDLE_LOOK: Duration = Duration::from_secs(2);
/// What a rate allows and was not sent is made up for, of so many seconds: a pass takes its time.
const CATCH_UP: i64 = 5;
/// A canary that is not seen to finish by then has not.
const CANARY_PATIENCE: i64 = 10 * 60;
/// What was sent and is not seen to finish by then does not keep its redrive from its end: a message that the broker itself has given
/// up is not told of.
const PATIENCE: i64 = 3 * 3600;

/// What to do after a round.
enum Then {
    /// There is more to send.
    AtOnce,
    /// It waits.
    Look,
    /// There is nothing to do.
    Idle,
}

impl DeadLetters {
    /// Works until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let then = self.round(&stop).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "a redrive waits");
                Then::Idle
            });
            let pause = match then {
                Then::AtOnce => continue,
                Then::Look => LOOK,
                Then::Idle => IDLE_LOOK,
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.news.notified() => {}
                () = self.ports.clock.sleep(pause) => {}
            }
        }
    }

    async fn round(&self, stop: &CancellationToken) -> Result<Then, LettersError> {
        let Some(redrive) = self.running().await? else { return Ok(Then::Idle) };
        let now = self.ports.clock.now();
        let waited = now.as_micros().saturating_sub(redrive.sent_at.as_micros()) / 1_000_000;
        let room = match redrive.canary_state() {
            CanaryState::Dead => return self.stopped(&redrive, "its canary died").await,
            CanaryState::Flying if waited >= CANARY_PATIENCE => {
                return self.stopped(&redrive, "its canary was not seen to finish").await;
            }
            CanaryState::Flying => return Ok(Then::Look),
            CanaryState::ToSend(left) => left,
            CanaryState::Alive if redrive.all_sent => return self.at_its_end(&redrive, waited).await,
            CanaryState::Alive => AT_ONCE,
        };
        let room = room.min(within_rate(&redrive, now.as_micros()));
        if room == 0 {
            return Ok(Then::Look);
        }
        let mut pass = self.passes.begin(WORKING).await?;
        let sent = self.send(&mut pass, &redrive, room, stop).await;
        let complete = pass.complete;
        pass.end().await;
        let sent = sent?;
        self.sent(redrive.redrive_id, self.ports.clock.now(), complete).await?;
        Ok(if sent > 0 && redrive.rate.is_none() { Then::AtOnce } else { Then::Look })
    }

    async fn stopped(&self, redrive: &Redrive, why: &str) -> Result<Then, LettersError> {
        tracing::warn!(redrive = %redrive.redrive_id, "a redrive was stopped: {why}");
        self.end(redrive.redrive_id, RedriveState::Stopped, why).await?;
        Ok(Then::AtOnce)
    }

    async fn at_its_end(&self, redrive: &Redrive, waited: i64) -> Result<Then, LettersError> {
        let left = redrive.on_their_way();
        if left > 0 && waited < PATIENCE {
            return Ok(Then::Look);
        }
        let note = if left == 0 { String::new() } else { format!("{left} were not seen to finish") };
        self.end(redrive.redrive_id, RedriveState::Done, &note).await?;
        Ok(Then::AtOnce)
    }

    /// Sends at most `room` of the letters that are wanted; how many.
    async fn send(&self, pass: &mut Pass, redrive: &Redrive, room: u32, stop: &CancellationToken) -> Result<u32, LettersError> {
        let (mut sent, mut bytes) = (0, 0);
        let mut batch: Vec<(Letter, Delivery)> = Vec::new();
        while sent + u32::try_from(batch.len()).unwrap_or(u32::MAX) < room && !stop.is_cancelled() {
            let Some(delivery) = pass.next().await? else { break };
            let letter = Letter::of(&delivery);
            // one that died again under this redrive has had its chance; one that may go nowhere stays
            let had_it = letter.redrive_id.as_ref().is_some_and(|id| *id == redrive.redrive_id.to_string());
            if had_it || !redrive.wanted.includes(&letter) || letter.goes_to().is_none() {
                continue;
            }
            bytes += delivery.message.body.len();
            batch.push((letter, delivery));
            if batch.len() >= BATCH || bytes >= BATCH_BYTES {
                sent += self.send_batch(pass, redrive, &mut batch).await?;
                bytes = 0;
                if !self.still_runs(redrive.redrive_id).await? {
                    return Ok(sent);
                }
            }
        }
        Ok(sent + self.send_batch(pass, redrive, &mut batch).await?)
    }

    async fn send_batch(&self, pass: &mut Pass, redrive: &Redrive, batch: &mut Vec<(Letter, Delivery)>) -> Result<u32, LettersError> {
        let letters: Vec<Letter> = batch.iter().map(|(letter, _)| letter.clone()).collect();
        if letters.is_empty() {
            return Ok(0);
        }
        self.sending(redrive.redrive_id, &letters).await?;
        let outgoing = batch.iter().filter_map(|(letter, delivery)| {
            let named = format!("{}/{}", redrive.redrive_id, letter.key);
            let message = Message { redrive: Some(named), ..delivery.message.clone() };
            Some(Outgoing { to: Destination::Redrive { to: letter.goes_to()?, sender: delivery.sender }, message })
        });
        let ordered = TraceContext::parse(&redrive.traceparent, "").unwrap_or_default();
        under(ordered, self.broker.publish(outgoing.collect())).await?;
        for (_, delivery) in batch.drain(..) {
            pass.take_out(&delivery).await?;
        }
        Ok(u32::try_from(letters.len()).unwrap_or(u32::MAX))
    }
}

/// How many the rate allows now.
fn within_rate(redrive: &Redrive, now: i64) -> u32 {
    let Some(rate) = redrive.rate else { return u32::MAX };
    if redrive.sent == 0 {
        return 1;
    }
    let passed = now.saturating_sub(redrive.sent_at.as_micros()).clamp(0, CATCH_UP * 1_000_000);
    u32::try_from(i64::from(rate).saturating_mul(passed) / 1_000_000).unwrap_or(u32::MAX)
}
