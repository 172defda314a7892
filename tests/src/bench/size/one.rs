//! One customer with so many Azure subscriptions, from its start to its end.
//!
//! Everything is fresh for each size. A burst of small customers goes first and is not measured. Of a small size several customers
//! go one after the other, so that the kernel's clock ticks (10 ms) suffice; what is told is of all of them, or for each
//! subscription. The import is measured apart.

use super::super::{
    cpu, document,
    figures::{in_order, rounded},
    peak,
    printed::{Printed, Void, progress},
    settings::{PLANS, SUBSCRIPTIONS, SystemName, Through},
    system::System,
    window::{Window, Work},
};
use serde::Serialize;

/// Customers that go first.
const WARM_UP: usize = 200;
/// About so many subscriptions are moved at least …
const ENOUGH: usize = 10_000;
/// … but by no more customers than this.
const MOST_CUSTOMERS: usize = 50;

/// The figures of one size.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Which system.
    pub system: String,
    /// `size`.
    pub part: &'static str,
    /// Of each customer.
    pub subscriptions: usize,
    /// How many customers went through, one after the other.
    pub customers: usize,
    /// How the transitions were started and seen to end.
    pub through: Through,
    /// The import of all of them.
    pub import_s: f64,
    /// From the first start to the last end.
    pub wall_s: f64,
    /// The same, for each subscription.
    pub us_per_subscription: f64,
    /// Processor time until the read model is whole.
    pub cpu_us_per_subscription: f64,
    /// The same in seconds, by process.
    #[serde(serialize_with = "in_order")]
    pub cpu_split_s: Vec<(String, f64)>,
    /// How long after the last end the read model was whole.
    pub read_model_lag_ms: f64,
    /// The most memory of each process of ours during the transitions.
    #[serde(serialize_with = "in_order")]
    pub peak_mb: Vec<(String, f64)>,
    /// The same during the import.
    #[serde(serialize_with = "in_order")]
    pub peak_mb_import: Vec<(String, f64)>,
    /// Cores that everything else used meanwhile.
    pub other_cpu: f64,
}

/// Measures it.
///
/// # Errors
/// Why it does not count.
pub fn measure(name: SystemName, through: Through, subscriptions: usize) -> Result<Line, String> {
    progress(format!("{name}: a customer with {subscriptions} subscriptions"));
    let customers = (ENOUGH / subscriptions.max(1)).clamp(1, MOST_CUSTOMERS);
    let system = System::start(name);
    let folder = system.store().folder().to_owned();
    let mut counts = system.counts();
    system.import(&document::file(&folder, 0..WARM_UP, PLANS, SUBSCRIPTIONS));
    let work = Work { through, customers: 0..WARM_UP, concurrency: WARM_UP, plans: PLANS, subscriptions: SUBSCRIPTIONS };
    Window::open(&system, &mut counts, work)?.run()?;

    let services = system.services();
    let customers = WARM_UP..WARM_UP + customers;
    let document = document::file(&folder, customers.clone(), PLANS, subscriptions);
    services.iter().for_each(|(_, process)| peak::forget(*process));
    let import = system.import(&document);
    let peak_mb_import = peak::of(&services);
    system.checkpoint();
    cpu::wait_for_quiet();
    services.iter().for_each(|(_, process)| peak::forget(*process));
    let work = Work { through, customers: customers.clone(), concurrency: 1, plans: PLANS, subscriptions };
    let done = Window::open(&system, &mut counts, work)?.run()?;
    let peak_mb = peak::of(&services);

    let per_subscription = |seconds: f64| rounded(seconds * 1e6 / (customers.len() * subscriptions) as f64);
    Ok(Line {
        system: name.to_string(),
        part: "size",
        subscriptions,
        customers: customers.len(),
        through,
        import_s: rounded(import.as_secs_f64()),
        wall_s: rounded(done.report.wall_s),
        us_per_subscription: per_subscription(done.report.wall_s),
        cpu_us_per_subscription: per_subscription(done.spent.cpu_s()),
        cpu_split_s: done.spent.split_s.iter().map(|(name, seconds)| (name.clone(), rounded(*seconds))).collect(),
        read_model_lag_ms: (done.lag.as_secs_f64() * 1e3).round(),
        peak_mb,
        peak_mb_import,
        other_cpu: rounded(done.spent.other_cores()),
    })
}

/// Prints what came of it, and gives the line where it counts.
pub fn print(measured: Result<Line, String>, name: SystemName, subscriptions: usize, printed: &mut Printed) -> Option<Line> {
    match measured {
        Ok(line) => {
            printed.json(&line);
            Some(line)
        }
        Err(void) => {
            printed.json(&Void { system: &name.to_string(), part: "size", of: format!("{subscriptions} subscriptions"), void });
            None
        }
    }
}
