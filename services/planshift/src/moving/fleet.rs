//! All customers of a document, some at a time.

use super::{adopt, settled_view};
use crate::{
    client::{Api, ApiError, Patience, Progress, Which},
    document::Source,
    exit::Failure,
};
use futures::{Stream, StreamExt, stream};
use planshift_domain::{
    ids::{CustomerId, PartnerId, TransitionId},
    time::Timestamp,
    transition::State,
    view::TransitionView,
};
use planshift_worker::Ports;
use std::{collections::BTreeSet, sync::Arc};
use uuid::Uuid;

/// How many transitions are started and waited for at once: enough to fill the workers' batches, few enough for the gateway's
/// long polls.
const AT_ONCE: usize = 256;

/// How many of a customer's transitions are looked at, newest first.
const NEWEST: u32 = 100;

/// Called for every step of every transition.
pub type Saw = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Customers whose facts were imported, to be moved.
#[derive(Clone)]
pub struct Fleet {
    api: Api,
    partner: Option<PartnerId>,
    import_began: Timestamp,
    /// Customers that the import did not take since a transition of theirs was under way.
    under_way: Arc<BTreeSet<CustomerId>>,
    saw: Option<Saw>,
}

impl Fleet {
    /// Imports the document of a partner. `saw` is for those who want to see each step of each transition.
    ///
    /// # Errors
    /// The API's refusal; a server that is not reached.
    pub async fn import(api: Api, document: &Source, partner: Option<PartnerId>, saw: Option<Saw>) -> Result<(Self, u64), Failure> {
        let import_began = Ports::system().clock.now();
        let request = Uuid::new_v4();
        let answer = Patience::FIRST_CONTACT.ask(|| api.import(document, request)).await?;
        let mut under_way = BTreeSet::new();
        for refused in answer.refused {
            if refused.code != adopt::UPGRADE_IN_PROGRESS {
                // its facts are other ones now; it moves by those
                tracing::warn!(customer = %refused.customer_id, code = refused.code, "not imported: {}", refused.description);
                continue;
            }
            under_way.insert(refused.customer_id);
        }
        Ok((Self { api, partner, import_began, under_way: Arc::new(under_way), saw }, answer.imported))
    }

    /// Moves one customer: starts it or adopts what is there, waits, and says what it came to.
    async fn move_one(&self, customer: CustomerId) -> Result<TransitionView, ApiError> {
        let (id, mut adopted) = match self.found_under_way(customer).await? {
            Some(id) => (id, true),
            None => {
                // one id for all repetitions: an answer that was lost must not become a second transition
                let request = Uuid::new_v4();
                adopt::of_start(Patience::REACHED.ask(|| self.api.start(customer, self.partner, request)).await?)
            }
        };
        let mut view = settled_view(&self.api, id, self.saw.as_deref()).await?;
        if adopt::is_completed_before(view.state, &view.reasons) {
            let completed = Patience::REACHED.ask(|| self.api.list(self.of(customer, Some(State::Completed)))).await?;
            if let Some(id) = adopt::last_completed(&completed.items) {
                view = Patience::REACHED.ask(|| self.api.get(id)).await?;
                adopted = true;
            }
        }
        view.adopted = adopted;
        Ok(view)
    }

    fn of(&self, customer: CustomerId, state: Option<State>) -> Which {
        Which { partner: self.partner, customer: Some(customer), state, size: NEWEST, ..Which::default() }
    }

    /// The transition that kept the import from taking this customer.
    async fn found_under_way(&self, customer: CustomerId) -> Result<Option<TransitionId>, ApiError> {
        if !self.under_way.contains(&customer) {
            return Ok(None);
        }
        let list = Patience::REACHED.ask(|| self.api.list(self.of(customer, None))).await?;
        Ok(adopt::under_way(&list.items, self.import_began))
    }
}

/// Moves all customers, in their order, some at a time; each is given as it ends.
pub fn move_all(fleet: Fleet, customers: Vec<CustomerId>) -> impl Stream<Item = (CustomerId, Result<TransitionView, ApiError>)> {
    stream::iter(customers)
        .map(move |customer| {
            let fleet = fleet.clone();
            async move { (customer, fleet.move_one(customer).await) }
        })
        .buffer_unordered(AT_ONCE)
}
