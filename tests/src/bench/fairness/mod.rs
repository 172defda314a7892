//! Is a single start quick behind a large batch, and do partners share the workers by weight? Distributed, through the queue.
//!
//! `single`: one interactive transition at a time of a partner, from its start until its end is seen: on an idle system, and behind a
//! batch of another partner, all of which was accepted and waits in line in the background. Beside it stands how many of the batch ended a
//! second meanwhile, for each of several limits of what is under way in the background.
//! `shares`: two partners with batches of very different size, with weights 1:1 and 1:3: how many of each ended while both had work.
//!
//! | file | holds |
//! |---|---|
//! | `ends` | the starts and ends of transitions, through the queue |

mod ends;

use super::{
    cpu, document,
    driver::Wire,
    figures::rounded,
    markdown::table,
    printed::{Printed, Void, progress},
    settings::{SystemName, Through, many, one},
    system::System,
    timed::Times,
};
use crate::block_on;
use ends::Ends;
use planshift_domain::message::request::Priority;
use serde::Serialize;
use std::{
    ops::Range,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};
use uuid::Uuid;

/// Plans of a transition.
const PLANS: usize = 1;
/// Azure subscriptions of a transition.
const SUBSCRIPTIONS: usize = 2;
/// Transitions one by one, in each part.
const SINGLES: usize = 40;
/// Transitions before anything is measured.
const WARM_UP: usize = 1_000;
/// For how long shares are counted.
const SHARED_FOR: Duration = Duration::from_secs(10);

/// What to run.
#[derive(Clone, Debug)]
pub struct Settings {
    repetitions: usize,
    /// The size of the batch that single ones are behind.
    rows: usize,
    /// Limits of what is under way in the background.
    limits: Vec<usize>,
}

impl Settings {
    /// From the environment.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn from_env() -> Result<Self, String> {
        let scale: f64 = one("PLANSHIFT_TEST_SCALE", "1")?;
        Ok(Self {
            repetitions: one("PLANSHIFT_BENCH_REPS", "3")?,
            rows: (50_000.0 * scale) as usize,
            limits: many("PLANSHIFT_BENCH_BACKGROUND", "128")?,
        })
    }
}

/// Figures of single transitions.
#[derive(Clone, Debug, Serialize)]
struct Single {
    part: &'static str,
    /// The limit of what is under way in the background.
    background: usize,
    /// How many were in line when it began; none on an idle system.
    behind: usize,
    /// How many of those ended a second meanwhile.
    batch_per_s: f64,
    #[serde(flatten)]
    times: Times,
}

/// Two partners at once.
#[derive(Clone, Debug, Serialize)]
struct Shares {
    part: &'static str,
    background: usize,
    /// The sizes of their batches.
    rows: [usize; 2],
    /// Their weights.
    weights: [u32; 2],
    /// How many of each ended a second, while both had work.
    per_s: [f64; 2],
    /// How many of the second for one of the first.
    ratio: f64,
}

/// Everything.
pub fn all(settings: &Settings) {
    let mut printed = Printed::default();
    let (mut singles, mut shares) = (Vec::new(), Vec::new());
    for repetition in 1..=settings.repetitions {
        for limit in &settings.limits {
            progress(format!("single ones behind {} with {limit}, {repetition} of {}", settings.rows, settings.repetitions));
            match caught(|| single(*limit, settings.rows)) {
                Ok(measured) => {
                    measured.iter().for_each(|line| printed.json(line));
                    singles.extend(measured);
                }
                Err(void) => printed.json(&Void { system: "planshift", part: "single", of: format!("{limit}, {repetition}"), void }),
            }
            for weights in [[1, 1], [1, 3]] {
                progress(format!("shares {weights:?} with {limit}, {repetition} of {}", settings.repetitions));
                match caught(|| shared(*limit, settings.rows / 2, weights)) {
                    Ok(measured) => {
                        printed.json(&measured);
                        shares.push(measured);
                    }
                    Err(void) => printed.json(&Void { system: "planshift", part: "shares", of: format!("{limit}, {repetition}"), void }),
                }
            }
        }
    }
    println!("{}", told(&singles, &shares));
}

fn caught<T>(measure: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(measure)).unwrap_or_else(|_| Err("it broke off; see above".to_owned()))
}

/// The customers of a partner, imported, one after the other.
struct Customers<'a> {
    system: &'a System,
    next: usize,
}

impl Customers<'_> {
    fn import(&mut self, partner: Uuid, many: usize) -> Range<usize> {
        let customers = self.next..self.next + many;
        self.next = customers.end;
        self.system.import(&document::file_of(partner, self.system.store().folder(), customers.clone(), PLANS, SUBSCRIPTIONS));
        customers
    }
}

fn single(limit: usize, rows: usize) -> Result<Vec<Single>, String> {
    let system = System::start_with(SystemName::Distributed, &[("PLANSHIFT_UNDER_WAY_BACKGROUND", &limit.to_string())]);
    let (one, other) = (document::partner(), document::other_partner("with a batch"));
    let mut customers = Customers { system: &system, next: 0 };
    let (warm_up, idle, behind) = (customers.import(one, WARM_UP), customers.import(one, SINGLES), customers.import(one, SINGLES));
    let batch = customers.import(other, rows);
    system.checkpoint();
    let line = |behind, batch_per_s, took| Single { part: "single", background: limit, behind, batch_per_s, times: Times::of(took) };
    block_on(async {
        let mut ends = Ends::of(Wire::open(&system.address(Through::Queue)).await?);
        ends.start(one, warm_up, Priority::Background)?;
        ends.all().await?;
        cpu::wait_for_quiet();
        let took = ends.one_by_one(one, idle).await?;
        let mut lines = vec![line(0, 0.0, took)];
        // the whole batch is in line, less what has ended meanwhile
        ends.start(other, batch, Priority::Background)?;
        ends.accepted().await?;
        let in_line = ends.open(other);
        let begun = std::time::Instant::now();
        let took = ends.one_by_one(one, behind).await?;
        let (ended, seconds) = (in_line - ends.open(other), begun.elapsed().as_secs_f64());
        if ends.open(other) == 0 {
            return Err("the batch was at its end before".to_owned());
        }
        lines.push(line(in_line, rounded(ended as f64 / seconds), took));
        Ok(lines)
    })
}

fn shared(limit: usize, rows: usize, weights: [u32; 2]) -> Result<Shares, String> {
    let partners = [document::other_partner("with a batch"), document::other_partner("with a smaller one")];
    let said = format!("{}={},{}={}", partners[0], weights[0], partners[1], weights[1]);
    let variables = [("PLANSHIFT_UNDER_WAY_BACKGROUND", limit.to_string()), ("PLANSHIFT_WEIGHTS", said)];
    let system = System::start_with(SystemName::Distributed, &variables.each_ref().map(|(name, value)| (*name, value.as_str())));
    let mut customers = Customers { system: &system, next: 0 };
    // the one has far more than it can do meanwhile, the other just enough to have work all the time
    let rows = [rows, rows / 2];
    let batches = [0, 1].map(|n| customers.import(partners[n], rows[n]));
    system.checkpoint();
    block_on(async {
        let mut ends = Ends::of(Wire::open(&system.address(Through::Queue)).await?);
        for (partner, batch) in partners.into_iter().zip(batches) {
            ends.start(partner, batch, Priority::Background)?;
        }
        ends.accepted().await?;
        // what began before both were there has ended by then
        ends.some(2 * limit).await?;
        let open = partners.map(|partner| ends.open(partner));
        let seconds = ends.for_a_while(SHARED_FOR).await?;
        let left = partners.map(|partner| ends.open(partner));
        if left.iter().any(|left| *left <= limit) {
            return Err(format!("they had no work any more: {left:?} are left of {rows:?}"));
        }
        let per_s = [0, 1].map(|n| rounded((open[n] - left[n]) as f64 / seconds));
        Ok(Shares { part: "shares", background: limit, rows, weights, per_s, ratio: rounded(per_s[1] / per_s[0]) })
    })
}

fn told(singles: &[Single], shares: &[Shares]) -> String {
    let rows: Vec<Vec<String>> = singles
        .iter()
        .map(|line| {
            let behind = if line.behind == 0 { "idle".to_owned() } else { format!("behind {}", line.behind) };
            vec![line.background.to_string(), behind, line.times.requests.to_string(), line.times.told(), line.batch_per_s.to_string()]
        })
        .collect();
    let single = table(&["in the background at most", "system", "transitions", "ms", "of the batch, a second"], &rows);
    let rows: Vec<Vec<String>> = shares
        .iter()
        .map(|line| {
            let ([one, other], [of_one, of_other]) = (line.weights, line.per_s);
            let rows = format!("{} and {}", line.rows[0], line.rows[1]);
            vec![line.background.to_string(), rows, format!("{one}:{other}"), format!("{of_one} and {of_other}"), line.ratio.to_string()]
        })
        .collect();
    let shares = table(&["in the background at most", "rows", "weights", "transitions a second", "ratio"], &rows);
    format!(
        "\nA single interactive transition, from its start to its end, p50 (p99, most); {PLANS} plan and {SUBSCRIPTIONS} subscriptions of each\n\n\
         {single}\nTwo partners with work in the background\n\n{shares}\n"
    )
}
