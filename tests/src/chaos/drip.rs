//! Poison while the load runs: so many messages at a time, of all kinds in any order.

use super::{
    chance::Chance,
    history::History,
    poison::{Brewer, Kind, Poison},
    publisher::Publisher,
};
use futures::future::join_all;
use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};
use tokio::{runtime::Handle, sync::mpsc, task::JoinHandle};
use uuid::Uuid;

/// Messages on their way to the broker at a time: each waits for its own confirm.
const AT_ONCE: usize = 8;

/// Poison that comes on its own, a part at a time.
#[derive(Debug)]
pub struct Drip {
    parts: mpsc::UnboundedSender<usize>,
    task: JoinHandle<Published>,
}

/// What was published.
#[derive(Debug)]
pub struct Published {
    /// The messages, their bodies left out.
    pub poison: Vec<Poison>,
    /// Those that could not be.
    pub faults: Vec<String>,
    brewer: Brewer,
    history: Arc<History>,
    told_of: BTreeSet<Uuid>,
}

impl Drip {
    /// So many of each kind, of the stale ones some fewer: those come at rest.
    pub fn start(
        runtime: &Handle,
        broker: SocketAddr,
        brewer: Brewer,
        history: &Arc<History>,
        each: usize,
        stale: usize,
        chance: &mut Chance,
    ) -> Self {
        let mut deck: Vec<Kind> =
            Kind::ALL.into_iter().flat_map(|kind| std::iter::repeat_n(kind, if kind == Kind::Stale { stale } else { each })).collect();
        chance.shuffle(&mut deck);
        let (parts, mut asked) = mpsc::unbounded_channel();
        let mut published =
            Published { poison: Vec::new(), faults: Vec::new(), brewer, history: history.clone(), told_of: BTreeSet::new() };
        let task = runtime.spawn(async move {
            let publisher = Publisher::new(broker);
            while let Some(count) = asked.recv().await {
                let kinds = deck.split_off(deck.len().saturating_sub(count));
                // those that nothing that has ended could be about come later
                let later = published.publish(&publisher, kinds).await;
                deck.splice(0..0, later);
            }
            let never = published.publish(&publisher, std::mem::take(&mut deck)).await;
            published.faults.extend(never.iter().map(|kind| format!("{}: no transition to be about", kind.name())));
            publisher.close().await;
            published
        });
        Self { parts, task }
    }

    /// So many more.
    pub fn let_in(&self, count: usize) {
        // it ends only when this is gone
        let _ = self.parts.send(count);
    }

    /// All that are left, then what was published.
    ///
    /// # Panics
    /// Where its task has.
    pub async fn finish(self) -> Published {
        drop(self.parts);
        self.task.await.expect("poison published")
    }
}

impl Published {
    fn brew(&mut self, kind: Kind) -> Option<Poison> {
        if kind != Kind::Stale {
            return Some(self.brewer.brew(kind));
        }
        let history = self.history.clone();
        let now = history.now();
        // each transition is told of once
        let fresh = now.ended.iter().rev().filter(|view| !self.told_of.contains(&view.transition_id));
        for view in fresh {
            if let Some(poison) = self.brewer.stale(view) {
                self.told_of.insert(view.transition_id);
                return Some(poison);
            }
        }
        None
    }

    /// Publishes one of each of these kinds, some at a time; gives back those that there is no transition for.
    async fn publish(&mut self, publisher: &Publisher, kinds: Vec<Kind>) -> Vec<Kind> {
        let mut without = Vec::new();
        for kinds in kinds.chunks(AT_ONCE) {
            let mut poison = Vec::with_capacity(kinds.len());
            for kind in kinds {
                match self.brew(*kind) {
                    Some(one) => poison.push(one),
                    None => without.push(*kind),
                }
            }
            let outcomes = join_all(poison.iter().map(|one| publisher.publish(one))).await;
            for (one, outcome) in poison.into_iter().zip(outcomes) {
                match outcome {
                    // a hundred bodies of ten megabytes are not to be kept
                    Ok(()) => self.poison.push(Poison { body: Vec::new(), ..one }),
                    Err(fault) => self.faults.push(fault),
                }
            }
        }
        without
    }

    /// So many stale ones at once; those that were published.
    pub async fn stale(&mut self, broker: SocketAddr, count: usize) -> Vec<Poison> {
        let before = self.poison.len();
        let publisher = Publisher::new(broker);
        let without = self.publish(&publisher, vec![Kind::Stale; count]).await;
        self.faults.extend(without.iter().map(|kind| format!("{}: no transition to be about", kind.name())));
        publisher.close().await;
        self.poison[before..].to_vec()
    }
}
