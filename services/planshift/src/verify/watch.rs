//! A verification that stays: a pass, a wait, the next pass; what was found is in `/metrics`.
//!
//! The stores are opened for each pass and closed after it: nothing of theirs is held while nothing is read, so that services,
//! servers and folders come and go as they like. One that is away makes a pass fail, which is counted and tried again.
//!
//! A gateway that is to be told and is not reached is told of the next pass.

use super::{Report, Stores, Tell, run};
use crate::{
    cli::VerifyArgs,
    exit::{Exit, Failure, Outcome},
    settings,
};
use planshift_invariants::{CATALOGUE, Place};
use planshift_worker::{
    CancellationToken, Ports,
    health::{Admin, Readiness},
    metrics::{Metrics, VERIFY_CHECKED, VERIFY_DURATION, VERIFY_LAST_PASS, VERIFY_PASSES, VERIFY_VIOLATIONS},
};
use std::time::{Duration, Instant};

/// The name in `/readyz`.
const NAME: &str = "verify";
/// How soon a pass that failed is tried again, unless the next one comes sooner anyway.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// A process that does other work verifies for the first time after so long, at the most: a start has enough to do.
const AFTER_THE_START: Duration = Duration::from_secs(60);

/// Verifies every so often until `stop`.
///
/// # Errors
/// Usage: there is no such data folder, a URL is none. Program: the administration address cannot be had.
pub async fn watch(args: &VerifyArgs, every: Duration, stop: CancellationToken) -> Outcome {
    let watch = Watch { tell: Tell::of(args, &settings::process_environment)?, ..Watch::new(args, Metrics::counting().of_this_process()) };
    watch.begin();
    let cannot = |error| {
        Failure::program(format!("the administration address {} cannot be had", args.admin))
            .because(error)
            .advise("name another one with --admin")
    };
    let admin = Admin::bind(args.admin, watch.readiness.clone(), watch.metrics.clone()).await.map_err(cannot)?;
    tracing::info!(admin = %admin.address().map_err(cannot)?, ?every, "verifying");
    let serving = CancellationToken::new();
    let admin = tokio::spawn(admin.serve(serving.clone()));
    let outcome = watch.passes(every, &stop).await;
    serving.cancel();
    if let Ok(Err(error)) = admin.await {
        tracing::warn!(%error, "the administration address failed");
    }
    outcome
}

/// The same beside the services of this process, which show their own metrics: it tells the gateway, and has no address of its own.
pub async fn beside(args: &VerifyArgs, every: Duration, stop: CancellationToken) {
    let outcome = async {
        let watch = Watch { tell: Tell::of(args, &settings::process_environment)?, ..Watch::new(args, Metrics::counting()) };
        tokio::select! {
            () = stop.cancelled() => Ok(Exit::Done),
            () = watch.ports.clock.sleep(every.min(AFTER_THE_START)) => watch.passes(every, &stop).await,
        }
    };
    if let Err(failure) = outcome.await {
        tracing::error!("no invariant is verified: {failure}");
    }
}

struct Watch<'a> {
    args: &'a VerifyArgs,
    tell: Option<Tell>,
    readiness: Readiness,
    metrics: Metrics,
    ports: Ports,
}

impl<'a> Watch<'a> {
    fn new(args: &'a VerifyArgs, metrics: Metrics) -> Self {
        Self { args, tell: None, readiness: Readiness::new(), metrics, ports: Ports::system() }
    }

    /// All series are there from the start, at 0.
    fn begin(&self) {
        self.readiness.says(NAME, Some("no pass has ended yet".to_owned()));
        let verified = CATALOGUE.iter().filter(|invariant| invariant.is_checked_in(Place::Verify));
        self.metrics.watch(&verified.map(|invariant| invariant.id).collect::<Vec<_>>());
        for outcome in ["clean", "violated", "failed"] {
            self.metrics.add(VERIFY_PASSES, &[("outcome", outcome)], 0);
        }
        self.tell(&Report::new());
    }

    async fn passes(&self, every: Duration, stop: &CancellationToken) -> Outcome {
        while !stop.is_cancelled() {
            let wait = match self.pass(every, stop).await {
                Ok(true) => every,
                // it was stopped
                Ok(false) => break,
                Err(failure) if failure.exit() == Exit::Usage => return Err(failure),
                Err(failure) => {
                    tracing::warn!("the pass failed: {failure}");
                    self.metrics.add(VERIFY_PASSES, &[("outcome", "failed")], 1);
                    self.readiness.says(NAME, Some(format!("the last pass failed: {failure}")));
                    every.min(TRY_AGAIN)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.ports.clock.sleep(wait) => {}
            }
        }
        Ok(Exit::Done)
    }

    /// One pass; false where it was stopped half-way.
    async fn pass(&self, every: Duration, stop: &CancellationToken) -> Result<bool, Failure> {
        let begun = Instant::now();
        let stores = Stores::open(self.args, &settings::process_environment).await?;
        let report = tokio::select! {
            report = Box::pin(run(&stores)) => Some(report),
            () = stop.cancelled() => None,
        };
        stores.close().await;
        let Some(report) = report else { return Ok(false) };
        let report = report.map_err(|error| Failure::program("cannot read what is stored").because(error))?;
        let (outcome, took) = (if report.is_clean() { "clean" } else { "violated" }, begun.elapsed());
        self.tell(&report);
        self.metrics.add(VERIFY_PASSES, &[("outcome", outcome)], 1);
        self.metrics.set(VERIFY_DURATION, &[], took.as_secs_f64());
        self.metrics.set(VERIFY_LAST_PASS, &[], self.ports.clock.now().as_micros() as f64 / 1e6);
        self.readiness.says(NAME, None);
        tracing::info!(outcome, ?took, "verified");
        if let Some(tell) = &self.tell {
            let told = tokio::select! {
                told = tell.pass(&report, Some(every), took, self.ports.clock.now()) => told,
                () = stop.cancelled() => return Ok(false),
            };
            if let Err(error) = told {
                tracing::warn!("the gateway is not told what was found: {}", Failure::program("cannot tell").because(error));
            }
        }
        Ok(true)
    }

    fn tell(&self, report: &Report) {
        for row in report.rows() {
            let id = row.invariant.id;
            self.metrics.found(id, row.checked, row.violations);
            self.metrics.set(VERIFY_CHECKED, &[("invariant", id)], row.checked as f64);
            self.metrics.set(VERIFY_VIOLATIONS, &[("invariant", id)], row.violations as f64);
            for violation in &row.first {
                tracing::error!(invariant = id, subject = violation.subject, "violated: {}", violation.text);
            }
        }
    }
}
