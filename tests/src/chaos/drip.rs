//! Poison while the load runs: so many messages at a time, of all kinds in any order.

use super::{
    chance::Chance,
    history::History,
    poison::{Brewer, Kind, Poison},
    publisher::Publisher,
};
use futures::{StreamExt, stream};
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
    /// Publishes one of each of these kinds, some at a time; gives back those that there is no transition for.
    async fn publish(&mut self, publisher: &Publisher, kinds: Vec<Kind>) -> Vec<Kind> {
        let mut without = Vec::new();
        let (history, told_of, brewer) = (&self.history, &mut self.told_of, &mut self.brewer);
        // brewed one by one as there is room, and a large one does not hold up the others
        let brewed = kinds.into_iter().filter_map(|kind| {
            let one = brew(brewer, history, told_of, kind);
            if one.is_none() {
                without.push(kind);
            }
            one
        });
        let publishing = brewed.map(async |one| {
            let outcome = publisher.publish(&one).await;
            // a hundred bodies of ten megabytes are not to be kept
            (Poison { body: Vec::new(), ..one }, outcome)
        });
        let outcomes: Vec<_> = stream::iter(publishing).buffer_unordered(AT_ONCE).collect().await;
        for (one, outcome) in outcomes {
            match outcome {
                Ok(()) => self.poison.push(one),
                Err(fault) => self.faults.push(fault),
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

/// One of a kind; `None` where no transition that has ended has what it needs.
fn brew(brewer: &mut Brewer, history: &History, told_of: &mut BTreeSet<Uuid>, kind: Kind) -> Option<Poison> {
    if kind != Kind::Stale {
        return Some(brewer.brew(kind));
    }
    let now = history.now();
    // each transition is told of once
    let mut fresh = now.ended.iter().rev().filter(|view| !told_of.contains(&view.transition_id));
    let (poison, about) = fresh.find_map(|view| Some((brewer.stale(view)?, view.transition_id)))?;
    told_of.insert(about);
    Some(poison)
}
