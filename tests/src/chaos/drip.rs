//! Poison while the load runs: so many messages at a time, of all kinds in any order.

use super::{
    chance::Chance,
    history::History,
    poison::{Brewer, Kind, Poison},
    publisher::Publisher,
};
use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};
use tokio::{runtime::Handle, sync::mpsc, task::JoinHandle};
use uuid::Uuid;

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
            let mut publisher = Publisher::new(broker);
            while let Some(count) = asked.recv().await {
                for _ in 0..count {
                    let Some(kind) = deck.pop() else { break };
                    match published.brew(kind) {
                        Some(poison) => published.publish(&mut publisher, poison).await,
                        // nothing has ended yet that it could be about
                        None => deck.insert(0, kind),
                    }
                }
            }
            // what is left
            while let Some(kind) = deck.pop() {
                match published.brew(kind) {
                    Some(poison) => published.publish(&mut publisher, poison).await,
                    None => published.faults.push(format!("{}: no transition to be about", kind.name())),
                }
            }
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

    async fn publish(&mut self, publisher: &mut Publisher, poison: Poison) {
        match publisher.publish(&poison).await {
            // a hundred bodies of ten megabytes are not to be kept
            Ok(()) => self.poison.push(Poison { body: Vec::new(), ..poison }),
            Err(fault) => self.faults.push(fault),
        }
    }

    /// So many stale ones at once; those that were published.
    pub async fn stale(&mut self, broker: SocketAddr, count: usize) -> Vec<Poison> {
        let before = self.poison.len();
        let mut publisher = Publisher::new(broker);
        for _ in 0..count {
            match self.brew(Kind::Stale) {
                Some(poison) => self.publish(&mut publisher, poison).await,
                None => self.faults.push("valid but stale: no transition to be about".to_owned()),
            }
        }
        publisher.close().await;
        self.poison[before..].to_vec()
    }
}
