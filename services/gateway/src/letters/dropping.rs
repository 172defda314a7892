//! Letters that nobody wants any more: kept here with who dropped them and why, then taken away from the broker.

use super::{
    DeadLetters, Letter, LettersError, Wanted,
    letter::Contents,
    pass::{LOOKING, Pass},
};
use planshift_messaging::Delivery;
use schemars::JsonSchema;
use serde::Serialize;

/// How many are kept in one statement.
const BATCH: usize = 50;
/// Or how many bytes of bodies.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// What was dropped.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(crate) struct DroppedNow {
    pub(crate) dropped: u64,
    /// Everything was looked at; else the same again drops more.
    pub(crate) complete: bool,
}

impl DeadLetters {
    /// Drops what is meant.
    pub(crate) async fn drop_letters(&self, wanted: &Wanted, actor: &str, reason: &str) -> Result<DroppedNow, LettersError> {
        let mut pass = self.passes.begin(LOOKING).await?;
        let dropped = self.drop_in(&mut pass, wanted, (actor, reason)).await;
        pass.end().await;
        dropped
    }

    async fn drop_in(&self, pass: &mut Pass, wanted: &Wanted, who: (&str, &str)) -> Result<DroppedNow, LettersError> {
        let mut batch: Vec<Delivery> = Vec::new();
        let (mut bytes, mut dropped) = (0, 0);
        while let Some(delivery) = pass.next().await? {
            if wanted.includes(&Letter::of(&delivery)) {
                bytes += delivery.message.body.len();
                batch.push(delivery);
            }
            if batch.len() >= BATCH || bytes >= BATCH_BYTES {
                dropped += self.drop_batch(pass, &mut batch, who).await?;
                bytes = 0;
            }
        }
        dropped += self.drop_batch(pass, &mut batch, who).await?;
        Ok(DroppedNow { dropped, complete: pass.complete })
    }

    /// Kept first: what is taken away and was not kept would be gone.
    async fn drop_batch(&self, pass: &mut Pass, batch: &mut Vec<Delivery>, (actor, reason): (&str, &str)) -> Result<u64, LettersError> {
        if batch.is_empty() {
            return Ok(0);
        }
        let mut kept: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
        for delivery in batch.iter() {
            let whole = super::listing::Whole { letter: Letter::of(delivery), contents: Contents::of(delivery) };
            let text = serde_json::to_string(&whole).map_err(|error| planshift_storage::StorageError::Statement(error.to_string()))?;
            kept.insert(whole.letter.key, text);
        }
        self.keep(kept.into_iter().collect(), actor, reason).await?;
        for delivery in batch.iter() {
            pass.take_out(delivery).await?;
        }
        let count = batch.len() as u64;
        batch.clear();
        Ok(count)
    }
}
