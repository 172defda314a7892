//! The load: a client for each customer, who starts, waits, cancels, resumes and starts again. They come in as many as are let in.

use super::{
    chance::Chance,
    client::{Answer, Api},
    customers::{Customer, Customers, Fate},
    history::{History, Start, Told, View},
    servers::Servers,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, watch},
    task::JoinHandle,
};
use uuid::Uuid;

/// Clients at work at a time, at most.
const CLIENTS: usize = 96;
/// How long the API may show the state of before a resume, faults included.
const RESUMED_WITHIN: Duration = Duration::from_secs(120);
/// How long the database may be away.
const DATABASE_WITHIN: Duration = Duration::from_secs(120);
/// States in which a cancel may come.
const MOMENTS: [&str; 5] = ["Requested", "CheckingEligibility", "PurchasingPlans", "MappingSubscriptions", "SuspendingCommerce"];

/// The clients at work.
#[derive(Debug)]
pub struct Load {
    let_in: watch::Sender<usize>,
    clients: Vec<JoinHandle<()>>,
}

struct Client {
    api: Api,
    history: Arc<History>,
    servers: Arc<Servers>,
    partner: Uuid,
    customer: Customer,
    chance: Chance,
}

impl Load {
    /// Clients of these customers; none is let in yet.
    pub fn new(runtime: &Handle, api: &Api, customers: &Customers, servers: &Arc<Servers>, history: &Arc<History>, seed: u64) -> Self {
        let (let_in, turn) = watch::channel(0);
        let room = Arc::new(Semaphore::new(CLIENTS));
        let clients = customers.all.iter().enumerate().map(|(number, customer)| {
            let client = Client {
                api: api.clone(),
                history: history.clone(),
                servers: servers.clone(),
                partner: customers.partner,
                customer: customer.clone(),
                chance: Chance::of(seed, &format!("client {number}")),
            };
            let (mut turn, room) = (turn.clone(), room.clone());
            runtime.spawn(async move {
                if turn.wait_for(|let_in| *let_in > number).await.is_err() {
                    return;
                }
                let Ok(_place) = room.acquire().await else { return };
                client.run().await;
            })
        });
        let clients = clients.collect();
        Self { let_in, clients }
    }

    /// So many more may come in.
    pub fn let_in(&self, more: usize) {
        self.let_in.send_modify(|let_in| *let_in = let_in.saturating_add(more));
    }

    /// All that are left may.
    pub fn let_all_in(&self) {
        self.let_in(self.clients.len());
    }

    /// Waits until every client is through.
    pub async fn finish(self) -> Vec<String> {
        let mut faults = Vec::new();
        for client in self.clients {
            faults.extend(client.await.err().map(|error| error.to_string()));
        }
        faults
    }
}

impl Client {
    async fn run(mut self) {
        if let Err(fault) = self.move_customer().await {
            let fault = format!("{} ({:?}): {fault}", self.customer.id, self.customer.fate);
            self.history.now().faults.push(fault);
        }
        self.history.now().through += 1;
    }

    async fn move_customer(&mut self) -> Result<(), String> {
        let is_cancelled = self.customer.fate == Fate::Cancelled;
        // most cancels do not wait until the start is answered, for by then much is done
        let early = (is_cancelled && !self.chance.one_in(4)).then(|| self.chance.millis(0..=200));
        let early = early.map(|after| cancel_early(self.api.clone(), self.customer.id, after));
        let started = match early {
            Some(cancelled) => {
                let (started, cancelled) = tokio::join!(self.start(), cancelled);
                cancelled?;
                started?
            }
            None => self.start().await?,
        };
        let Some(transition) = started else { return Ok(()) };
        if is_cancelled {
            // again where it was cancelled already, which changes nothing
            self.cancel(transition).await?;
        }
        let mut view = self.api.wait(transition, |_| false).await?;
        if view.state == "NeedsOperator" && self.customer.fate == Fate::SuspensionFails {
            self.give_back().await?;
            let answer = self.api.act(Uuid::new_v4(), transition, "resume").await?;
            // a try whose answer was lost has resumed it already
            if answer.status != 202 && !(answer.status == 409 && answer.was_unknown) {
                return Err(format!("a resume is refused: {answer:?}"));
            }
            view = self.api.wait(transition, |_| false).await?;
            let begun = Instant::now();
            while view.state == "NeedsOperator" && begun.elapsed() < RESUMED_WITHIN {
                // it may still show the state of before
                view = self.api.wait(transition, |state| state == "Completed").await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        let is_again = view.state == "Compensated" && (self.customer.fate == Fate::MappingFails || self.chance.one_in(2));
        self.history.now().ended.push(view);
        if is_again {
            self.give_back().await?;
            if let Some(transition) = self.start().await? {
                let view = self.api.wait(transition, |_| false).await?;
                self.history.now().ended.push(view);
            }
        }
        Ok(())
    }

    /// Starts one. `None` where the customer may not move.
    async fn start(&mut self) -> Result<Option<Uuid>, String> {
        // some are impatient, and so do not know what became of their first try
        let first_wait = self.chance.one_in(4).then(|| self.chance.millis(5..=400));
        let (request, customer) = (Uuid::new_v4(), self.customer.id);
        self.history.now().starts.insert(request, Start { request, customer, tries: 0, was_unknown: false, told: None });
        let answer = self.api.start(request, customer, self.partner, first_wait).await?;
        let told = told(&answer);
        if let Some(start) = self.history.now().starts.get_mut(&request) {
            (start.tries, start.was_unknown, start.told) = (answer.tries, answer.was_unknown, Some(told.clone()));
        }
        match told {
            Told::Accepted(transition) if answer.status == 202 => Ok(Some(transition)),
            Told::Accepted(transition) => {
                let view = self.api.wait(transition, |_| false).await?;
                self.history.now().ended.push(view);
                Ok(None)
            }
            Told::Refused(..) => Err(format!("a start is refused: {answer:?}")),
        }
    }

    async fn cancel(&mut self, transition: Uuid) -> Result<(), String> {
        let moment = *self.chance.pick(&MOMENTS);
        let from = MOMENTS.iter().position(|one| *one == moment).unwrap_or_default();
        // at that moment or, where it was missed, as soon as possible after it
        self.api.wait(transition, |state| MOMENTS.iter().position(|one| *one == state).is_some_and(|at| at >= from)).await?;
        let answer = self.api.act(Uuid::new_v4(), transition, "cancel").await?;
        // 409: it is past the pivot, or has ended
        if [202, 409].contains(&answer.status) { Ok(()) } else { Err(format!("a cancel is refused: {answer:?}")) }
    }

    /// The database may be away.
    async fn give_back(&self) -> Result<(), String> {
        let Some(statement) = self.customer.give_back() else { return Ok(()) };
        let servers = self.servers.clone();
        let again = move || {
            let begun = Instant::now();
            loop {
                match servers.sql("planshift", &statement) {
                    Ok(()) => return Ok(()),
                    Err(error) if begun.elapsed() > DATABASE_WITHIN => return Err(error.to_string()),
                    Err(_) => std::thread::sleep(Duration::from_millis(100)),
                }
            }
        };
        tokio::task::spawn_blocking(again).await.map_err(|error| error.to_string())?
    }
}

/// Cancels the customer's transition as soon as it shows, and so long after.
async fn cancel_early(api: Api, customer: Uuid, after: Duration) -> Result<(), String> {
    let transition = api.find(customer).await?;
    tokio::time::sleep(after).await;
    let answer = api.act(Uuid::new_v4(), transition, "cancel").await?;
    if [202, 409].contains(&answer.status) { Ok(()) } else { Err(format!("a cancel is refused: {answer:?}")) }
}

fn told(answer: &Answer) -> Told {
    match answer.transition {
        // refused for good, but as a transition that has ended so
        Some(transition) if answer.status == 202 || (answer.status != 409 && answer.body.contains("\"reasons\"")) => {
            Told::Accepted(transition)
        }
        _ => Told::Refused(answer.status, answer.body.clone()),
    }
}

/// Is this the end that the fate allows, of a customer's first (0) or second transition?
pub fn is_as_meant(fate: Fate, number: usize, view: &View) -> bool {
    let failed_at =
        |step: &str| view.failure.as_ref().is_some_and(|failure| failure.step == step && failure.code == "SubscriptionNotFound");
    match (fate, number) {
        (Fate::Completes | Fate::SuspensionFails, 0) | (Fate::MappingFails | Fate::Cancelled, 1) => view.state == "Completed",
        (Fate::Ineligible, 0) => view.state == "Ineligible",
        (Fate::MappingFails, 0) => view.state == "Compensated" && failed_at("mapping"),
        (Fate::Cancelled, 0) => match view.state.as_str() {
            "Completed" => true,
            "Compensated" => view.failure.as_ref().is_some_and(|failure| failure.code == "Cancelled"),
            _ => false,
        },
        _ => false,
    }
}
