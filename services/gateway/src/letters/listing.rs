//! Letters counted, grouped by why they died, and shown.

use super::{
    DeadLetters, Letter, LettersError, Wanted,
    letter::Contents,
    pass::{LOOKING, Pass},
};
use bytes::Bytes;
use planshift_domain::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many groups are told apart: codes and queues are ours, but a type may be anything that somebody made up.
const MOST_GROUPS: usize = 200;
/// The type of a group of all the others.
const OTHERS: &str = "(others)";

/// Where a letter stands in a list: when it was sent, and its key.
pub(crate) type Place = (Timestamp, String);

/// What a look has found.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listing {
    /// How many letters are meant.
    pub(crate) total_count: u64,
    /// All were looked at; else there are more than a pass comes to.
    pub(crate) complete: bool,
    /// By reason, queue and type, the most first.
    pub(crate) groups: Vec<Group>,
    /// Some of them, the oldest first.
    pub(crate) items: Vec<Letter>,
    /// There are younger ones than these.
    #[serde(skip)]
    pub(crate) more: bool,
}

/// Letters that died for one reason, in one queue, of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Group {
    pub(crate) reason: String,
    pub(crate) queue: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) count: u64,
    /// When the first and the last of them were sent.
    pub(crate) oldest: Timestamp,
    pub(crate) newest: Timestamp,
}

/// A letter, whole.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Whole {
    #[serde(flatten)]
    pub(crate) letter: Letter,
    #[serde(flatten)]
    pub(crate) contents: Contents,
}

impl DeadLetters {
    /// Those that are meant: how many, and the `size` oldest of those after `after`.
    pub(crate) async fn list(&self, wanted: &Wanted, after: Option<Place>, size: usize) -> Result<Listing, LettersError> {
        let mut pass = self.passes.begin(LOOKING).await?;
        let found = listed(&mut pass, wanted, after, size).await;
        pass.end().await;
        found
    }

    /// The letter of that key, whole, and its body's bytes.
    pub(crate) async fn find(&self, key: &str) -> Result<Option<(Whole, Bytes)>, LettersError> {
        let mut pass = self.passes.begin(LOOKING).await?;
        let found = found(&mut pass, key).await;
        pass.end().await;
        found
    }
}

async fn found(pass: &mut Pass, key: &str) -> Result<Option<(Whole, Bytes)>, LettersError> {
    while let Some(delivery) = pass.next().await? {
        let letter = Letter::of(&delivery);
        if letter.key == key {
            return Ok(Some((Whole { letter, contents: Contents::of(&delivery) }, delivery.message.body)));
        }
    }
    Ok(None)
}

async fn listed(pass: &mut Pass, wanted: &Wanted, after: Option<Place>, size: usize) -> Result<Listing, LettersError> {
    let mut groups: BTreeMap<(String, String, String), Group> = BTreeMap::new();
    let mut listing = Listing::default();
    // the broker gives them in no certain order, and the same letter may be there twice
    let mut oldest: BTreeMap<(Place, u64), Letter> = BTreeMap::new();
    while let Some(delivery) = pass.next().await? {
        let letter = Letter::of(&delivery);
        if !wanted.includes(&letter) {
            continue;
        }
        count(&mut groups, &letter);
        listing.total_count += 1;
        let place = (letter.sent_at, letter.key.clone());
        if after.as_ref().is_none_or(|after| place > *after) {
            oldest.insert((place, listing.total_count), letter);
            if oldest.len() > size {
                listing.more = true;
                oldest.pop_last();
            }
        }
    }
    listing.items = oldest.into_values().collect();
    listing.complete = pass.complete;
    listing.groups = groups.into_values().collect();
    listing.groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    Ok(listing)
}

fn count(groups: &mut BTreeMap<(String, String, String), Group>, letter: &Letter) {
    let (reason, queue, sent) = (letter.reason.clone(), letter.queue.clone(), letter.sent_at);
    let mut key = (reason.clone(), queue.clone(), letter.kind.clone());
    if groups.len() >= MOST_GROUPS && !groups.contains_key(&key) {
        key.2 = OTHERS.to_owned();
    }
    let kind = key.2.clone();
    let group = groups.entry(key).or_insert(Group { reason, queue, kind, count: 0, oldest: sent, newest: sent });
    group.count += 1;
    group.oldest = group.oldest.min(sent);
    group.newest = group.newest.max(sent);
}
