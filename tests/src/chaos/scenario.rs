//! A scenario from its servers' start to its tables.

use super::{
    chance::Chance,
    client::Api,
    customers::{self, Customers, Fate},
    drip::{Drip, Published},
    evidence::Evidence,
    fleet::{Fleet, PASSWORD},
    history::{History, Recorded},
    judge::judge,
    letters::{self, Left},
    load::{Load, is_as_meant},
    nemesis::{self, Fault, Levers},
    poison::{Brewer, INTRUDER, Kind, Poison, counts_of},
    proxy::Proxy,
    servers::Servers,
    settings::Settings,
    table::{Checks, table, verdicts},
};
use crate::{place::free_port, program::Program};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// How long there may be too few transitions under way for a fault.
const BUSY_WITHIN: Duration = Duration::from_secs(15);
/// How long queues may take to run empty once everybody is through.
const AT_REST_WITHIN: Duration = Duration::from_secs(90);
/// For so many looks in a row nothing is in any queue: what the management API tells is a moment old.
const LOOKS_AT_REST: usize = 4;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// How long stale messages may take to be counted.
const COUNTED_WITHIN: Duration = Duration::from_secs(30);
/// Of the stale ones, those that come when nothing else does.
const AT_REST_SHARE: usize = 5;

/// A scenario.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// As it is called.
    pub name: &'static str,
    /// Nodes of RabbitMQ.
    pub nodes: usize,
    /// How many customers, of the whole.
    pub share: f64,
    /// How many messages of each kind of poison, whatever the scale.
    pub poison_of_each: usize,
    /// Its faults.
    pub faults: fn(usize, &mut Chance) -> Vec<Fault>,
}

/// All of them.
pub const SCENARIOS: [Scenario; 2] = [
    Scenario { name: "one", nodes: 1, share: 1.0, poison_of_each: 100, faults: nemesis::of_one_node },
    Scenario { name: "cluster", nodes: 3, share: 0.4, poison_of_each: 10, faults: nemesis::of_a_cluster },
];

/// What a scenario works on.
struct World {
    runtime: Runtime,
    servers: Arc<Servers>,
    broker: Proxy,
    database: Proxy,
    /// The test's own way to the broker, on which there is no fault; past a node that is away.
    calm: Proxy,
    customers: Customers,
    history: Arc<History>,
}

/// Runs it; what was checked.
///
/// # Panics
/// Where it cannot be set up.
pub fn run(scenario: &Scenario, settings: Settings) -> Checks {
    let begun = Instant::now();
    let seed = settings.seed;
    let chance = |part: &str| Chance::of(seed, &format!("{} {part}", scenario.name));
    let world = World::new(scenario, settings, &mut chance("customers"));
    println!("set up in {:.1} s", begun.elapsed().as_secs_f64());
    let mut checks = Checks::default();

    let database = world.servers.database_url(None);
    let broker = format!("amqp://guest:guest@{}/%2f", world.calm.address());
    Program::planshift(["migrate", "--database", &database, "--broker", &broker]).run().expect(0);
    let mut fleet = Fleet::start(&world.servers, &world.broker, &world.database);
    fleet.wait_until_ready().expect("the services ready");
    checks.check(&format!("every quorum queue has {} members", scenario.nodes), &world.queues_without_all_members());
    let api = Api::new(fleet.api());
    world.import(&api);

    let load = Load::new(world.runtime.handle(), &api, &world.customers, &world.servers, &world.history, seed);
    let at_rest = scenario.poison_of_each.div_ceil(AT_REST_SHARE);
    let brewer = Brewer::new(chance("poison"), world.customers.partner, world.customers.of(Fate::Ineligible).cloned().collect());
    let during = scenario.poison_of_each - at_rest;
    let drip = Drip::start(
        world.runtime.handle(),
        world.calm.address(),
        brewer,
        &world.history,
        scenario.poison_of_each,
        during,
        &mut chance("order of poison"),
    );

    let faults = (scenario.faults)(fleet.size(), &mut chance("faults"));
    // two parts for each fault: one to strike, one that comes while it lasts
    let parts = 2 * faults.len() + 1;
    let customers_each = world.customers.all.len().div_ceil(parts);
    let poison_each = (scenario.poison_of_each * Kind::ALL.len()).div_ceil(parts);
    let struck = strike_all(&world, &mut fleet, &faults, &mut chance("nemesis"), || {
        load.let_in(customers_each);
        drip.let_in(poison_each);
    });
    checks.check("every fault came while transitions were under way", &struck.idle);
    checks.check("after every fault every service was ready again", &struck.not_ready);

    load.let_all_in();
    let mut faults_of_clients = world.runtime.block_on(load.finish());
    let took = struck.begun.elapsed();
    eprintln!("{:6.1} s  every client is through", took.as_secs_f64());
    let mut published = world.runtime.block_on(drip.finish());
    eprintln!("{:6.1} s  all poison is published", struck.begun.elapsed().as_secs_f64());
    let recorded = world.history.now().clone();
    faults_of_clients.extend(recorded.faults.iter().cloned());
    checks.check("every client was answered, and as it should be", &faults_of_clients);
    checks.check("every transition ended as it was meant to", &world.not_as_meant(&recorded));

    checks.check("the queues ran empty", &world.rest());
    checks.check(&format!("stale messages at rest were counted ({at_rest})"), &world.count_stale(&fleet, &mut published, at_rest));
    checks.check("all poison was published", &published.faults);
    checks.check("the queues ran empty again", &world.rest());

    let evidence = world.runtime.block_on(Evidence::read(&database, &api)).expect("what is stored");
    let mut faults_of_processes = fleet.stop();
    faults_of_processes.dedup();
    checks.check("no process ended by itself, panicked, or did not leave when asked", &faults_of_processes);
    let names: Vec<String> = world.servers.queues().expect("the queues").into_iter().map(|queue| queue.name).collect();
    let left = world.runtime.block_on(letters::look(world.calm.address(), &names)).expect("the queues at the end");

    println!(
        "\n{} transitions of {} customers in {:.0} s, {} faults",
        evidence.transitions.len(),
        world.customers.all.len(),
        took.as_secs_f64(),
        faults.len()
    );
    let judged = judge(&recorded, &evidence);
    println!("\n{}", verdicts(&judged));
    println!("{}", ends(&evidence));
    println!("  commands sent again by a deadline in {} transitions\n", evidence.resent);
    println!("{}", poison_table(&published.poison, &left));
    for verdict in &judged {
        let wrong: Vec<String> = verdict.to_string().lines().map(str::to_owned).collect();
        checks.check(&format!("{}: none lost, duplicated or unexpected", verdict.of), &wrong);
    }
    let not_ended = evidence.transitions.iter().filter(|transition| !transition.has_ended);
    checks.check(
        "all transitions have ended",
        &not_ended.map(|transition| format!("{} is {}", transition.id, transition.state)).collect::<Vec<_>>(),
    );
    let waiting = left.waiting.iter().filter(|(_, count)| **count > 0);
    checks.check(
        "every queue is empty but for the dead letters",
        &waiting.map(|(queue, count)| format!("{queue}: {count}")).collect::<Vec<_>>(),
    );
    checks.check("the dead letters are the poison that must be, each for its reason", &not_as_poisoned(&published.poison, &left));
    let verified = Program::planshift(["verify", "--database", &database]).run();
    let wrong =
        if verified.code == 0 { Vec::new() } else { verified.stdout.lines().chain(verified.stderr.lines()).map(str::to_owned).collect() };
    checks.check("planshift verify finds nothing", &wrong);
    checks
}

/// What is noted of faults.
struct Struck {
    begun: Instant,
    idle: Vec<String>,
    not_ready: Vec<String>,
}

fn strike_all(world: &World, fleet: &mut Fleet, faults: &[Fault], chance: &mut Chance, let_in: impl Fn() + Sync) -> Struck {
    let mut struck = Struck { begun: Instant::now(), idle: Vec::new(), not_ready: Vec::new() };
    let mut rows = Vec::new();
    let each = world.customers.all.len().div_ceil(2 * faults.len() + 1);
    let begun = struck.begun;
    for fault in faults {
        let_in();
        let wanted = chance.number(1..=each.div_ceil(2));
        let asked = Instant::now();
        while world.history.under_way() < wanted && asked.elapsed() < BUSY_WITHIN {
            thread::sleep(Duration::from_millis(1));
        }
        let (name, under_way, at) = (fault.name(fleet), world.history.under_way(), begun.elapsed());
        if under_way == 0 {
            struck.idle.push(name.clone());
        }
        let mut levers = Levers { servers: &world.servers, fleet, broker: &world.broker, database: &world.database };
        let is_over = AtomicBool::new(false);
        let outcome = thread::scope(|scope| {
            scope.spawn(|| {
                // as those under way get through, if the fault lets them
                while world.history.under_way() * 2 > under_way && !is_over.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(5));
                }
                let_in();
            });
            let outcome = fault.strike(&mut levers, chance);
            is_over.store(true, Ordering::Relaxed);
            outcome
        });
        let outcome = outcome.and_then(|()| fleet.wait_until_ready());
        if let Err(reason) = outcome {
            fleet.show_logs();
            struck.not_ready.push(format!("{name}: {reason}"));
        }
        let healed = begun.elapsed() - at;
        eprintln!(
            "{:6.1} s  {name}: {under_way} under way, all ready again after {:.1} s; {} have ended",
            at.as_secs_f64(),
            healed.as_secs_f64(),
            world.history.now().ended.len()
        );
        rows.push(vec![name, format!("{:.1}", at.as_secs_f64()), under_way.to_string(), format!("{:.1}", healed.as_secs_f64())]);
    }
    println!("\n{}", table(&["fault", "at (s)", "under way", "ready again after (s)"], &rows));
    struck
}

impl World {
    fn new(scenario: &Scenario, settings: Settings, chance: &mut Chance) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let servers = Arc::new(Servers::start(scenario.nodes));
        servers.create_user(INTRUDER, PASSWORD);
        let proxy = |to| Proxy::start(runtime.handle(), free_port(), to).expect("a proxy");
        let (broker, database, calm) = (proxy(servers.rabbitmq()), proxy(vec![servers.postgres()]), proxy(servers.rabbitmq()));
        let customers = customers::generate(settings.customers(scenario.share), settings.seed, chance);
        Self { broker, database, calm, customers, history: Arc::new(History::default()), servers, runtime }
    }

    fn import(&self, api: &Api) {
        let answer = self.runtime.block_on(api.import(&self.customers.document)).expect("an import");
        assert_eq!(answer.status, 200, "the import is refused: {}", answer.body);
        for statement in self.customers.take_away() {
            self.servers.sql("planshift", &statement).expect("what the unlucky ones lack");
        }
    }

    fn queues_without_all_members(&self) -> Vec<String> {
        let queues = self.servers.queues().expect("the queues");
        let few = queues.iter().filter(|queue| queue.members != self.servers.nodes());
        few.map(|queue| format!("{} has {}", queue.name, queue.members)).collect()
    }

    fn not_as_meant(&self, recorded: &Recorded) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut ended: BTreeMap<_, Vec<_>> = BTreeMap::new();
        recorded.ended.iter().for_each(|view| ended.entry(view.customer_id).or_default().push(view));
        for customer in &self.customers.all {
            let views = ended.get(&customer.id).map(Vec::as_slice).unwrap_or_default();
            let least = if customer.fate == Fate::MappingFails { 2 } else { 1 };
            if views.len() < least {
                wrong.push(format!("{} ({:?}): {} transitions have ended", customer.id, customer.fate, views.len()));
            }
            for (number, view) in views.iter().enumerate().filter(|(number, view)| !is_as_meant(customer.fate, *number, view)) {
                wrong.push(format!("{} ({:?}): number {number} is {}: {:?}", view.transition_id, customer.fate, view.state, view.failure));
            }
        }
        wrong
    }

    /// Waits until nothing is in any queue but that of the dead letters, delivered or not.
    fn rest(&self) -> Vec<String> {
        let begun = Instant::now();
        let mut looks = 0;
        loop {
            let waiting = match self.servers.waiting() {
                Ok(waiting) => waiting,
                Err(reason) => vec![reason],
            };
            looks = if waiting.is_empty() { looks + 1 } else { 0 };
            if looks == LOOKS_AT_REST {
                return Vec::new();
            }
            if begun.elapsed() > AT_REST_WITHIN {
                return waiting;
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Sends stale messages while nothing else happens, and sees that each is counted, once, by those who take it.
    fn count_stale(&self, fleet: &Fleet, published: &mut Published, count: usize) -> Vec<String> {
        const MESSAGES: &str = "planshift_messages_total";
        let told = |service: &str, message_type: &str| fleet.counter(service, MESSAGES, &[("type", message_type), ("outcome", "done")]);
        let kinds = [
            ("mapping", "MapSubscriptions.v1"),
            ("suspension", "SuspendSubscriptions.v1"),
            ("coordinator", "MappingAnswered.v1"),
            ("coordinator", "SuspensionAnswered.v1"),
        ];
        let before: Vec<u64> = kinds.iter().map(|(service, message_type)| told(service, message_type)).collect();
        let stale = self.runtime.block_on(published.stale(self.calm.address(), count));
        let expected = counts_of(&stale);
        let begun = Instant::now();
        loop {
            let wrong = kinds.iter().zip(&before).filter_map(|((service, message_type), before)| {
                let counted = told(service, message_type) - before;
                let sent = expected.get(&(*service, (*message_type).to_owned())).copied().unwrap_or_default();
                (counted != sent).then(|| format!("{service}: {message_type}: {counted} counted of {sent}"))
            });
            let wrong: Vec<String> = wrong.collect();
            if wrong.is_empty() || begun.elapsed() > COUNTED_WITHIN {
                return wrong;
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }
}

/// How many transitions ended how.
fn ends(evidence: &Evidence) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    evidence.transitions.iter().for_each(|transition| *counts.entry(&transition.state).or_default() += 1);
    let rows: Vec<Vec<String>> = counts.iter().map(|(state, count)| vec![(*state).to_owned(), count.to_string()]).collect();
    table(&["transitions ended as", "count"], &rows)
}

fn poison_table(poison: &[Poison], left: &Left) -> String {
    let rows = Kind::ALL.into_iter().map(|kind| {
        let of: Vec<&Poison> = poison.iter().filter(|poison| poison.kind == kind).collect();
        let dead = of.iter().filter(|poison| left.dead.contains_key(&poison.id)).count();
        let reason = kind.reason().unwrap_or("counted");
        vec![kind.name().to_owned(), of.len().to_string(), dead.to_string(), (of.len() - dead).to_string(), reason.to_owned()]
    });
    table(&["poison", "published", "dead letters", "taken", "must be"], &rows.collect::<Vec<_>>())
}

/// The dead letters held against the poison, by identity: one that is there twice, because a crash came between, is one.
pub fn not_as_poisoned(poison: &[Poison], left: &Left) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut due: BTreeMap<&str, &str> = BTreeMap::new();
    due.extend(poison.iter().filter_map(|poison| Some((poison.id.as_str(), poison.kind.reason()?))));
    for (id, reason) in &due {
        match left.dead.get(*id) {
            None => wrong.push(format!("{id} is no dead letter")),
            Some(reasons) => {
                wrong.extend(reasons.iter().filter(|one| one != reason).map(|one| format!("{id} is dead for {one}, not {reason}")));
            }
        }
    }
    let others = left.dead.iter().filter(|(id, _)| !due.contains_key(id.as_str()));
    wrong.extend(others.map(|(id, reasons)| format!("{id} is a dead letter, and should not be: {reasons:?}")));
    wrong
}
