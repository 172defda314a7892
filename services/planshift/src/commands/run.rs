//! `run`: imports an account document, moves its customers, waits for all of them, prints the outcome.

use super::report;
use crate::{
    cli::RunArgs,
    client::Api,
    document::{self, Account},
    exit::{Exit, Failure, Outcome},
    host::{Host, HostOptions, Provisioners},
    moving::{self, Fleet, Saw},
    output::{
        self,
        json::{self, Summary, SummaryLine},
        live::{Detail, Live},
        style::To,
        table, text,
    },
    settings::{self, Secret},
    tokens,
};
use futures::StreamExt;
use planshift_domain::transition::State;
use std::{collections::HashMap, pin::pin, sync::Arc, time::Instant};

/// What becomes of an interrupted run, for people.
const GOES_ON: &str = "interrupted: what was accepted goes on when it is started again (the same `planshift run`, or `planshift serve`)";

/// Reads and checks everything that can be wrong with usage and input first; only then hosts, stores and sends.
///
/// # Errors
/// Usage, before anything was stored or sent. Program: a server not reached, the data folder in use.
pub async fn run(args: RunArgs) -> Outcome {
    let begun = Instant::now();
    let to = Services::of(&args)?;
    let interrupted = planshift_worker::host::stop_signal().map_err(|error| Failure::program("cannot listen to signals").because(error))?;
    let (api, host, account) = tokio::select! {
        biased;
        () = interrupted.cancelled() => {
            eprintln!("interrupted: nothing was sent");
            return Ok(Exit::Interrupted);
        }
        ready = Box::pin(prepare(&args, to)) => ready?,
    };
    let outcome = tokio::select! {
        biased;
        () = interrupted.cancelled() => {
            eprintln!("{GOES_ON}");
            Ok(Exit::Interrupted)
        }
        outcome = Box::pin(go(&args, account, api, begun)) => outcome,
    };
    if let Some(host) = host {
        host.stop().await;
    }
    outcome
}

/// Reads and checks the document; only then hosts.
async fn prepare(args: &RunArgs, to: Services) -> Result<(Api, Option<Host>, Account), Failure> {
    let (path, customers, faults) = (args.accounts.clone(), args.customer.clone(), args.fail.clone());
    // a large document takes a while: not on a thread that answers signals
    let loaded = tokio::task::spawn_blocking(move || document::load(&path, &customers, &faults)).await;
    let account = loaded.map_err(|error| Failure::program("reading the account document").because(error))??;
    match to {
        Services::Behind(api) => Ok((api, None, account)),
        Services::Hosted(options) => {
            let host = Host::start(*options).await?;
            Ok((Api::new(&host.api_url(), Some(host.token().expose()))?, Some(host), account))
        }
    }
}

/// Whose services are used.
enum Services {
    Behind(Api),
    Hosted(Box<HostOptions>),
}

impl Services {
    fn of(args: &RunArgs) -> Result<Self, Failure> {
        let environment = settings::process_environment;
        if let Some(url) = &args.api {
            let token = tokens::sent(args.token.as_deref(), &args.store.data, &environment)?;
            return Ok(Self::Behind(Api::new(url, token.as_ref().map(Secret::expose))?));
        }
        let keeping = settings::keeping(&args.store, &environment)?;
        let options = HostOptions::within_process(keeping, args.fail.clone()).provisioned_by(Provisioners::by(&environment)?);
        Ok(Self::Hosted(Box::new(options.at_a_time(args.line.line()))))
    }
}

async fn go(args: &RunArgs, account: Account, api: Api, begun: Instant) -> Outcome {
    let Account { source, partner, customers, scope } = account;
    let detail = if args.json { Detail::Quiet } else { Detail::Ends };
    let live = Arc::new(Live::new(scope.names.clone(), customers.len(), detail));
    let watcher = live.clone();
    let saw = live.shows_steps().then(|| -> Saw { Arc::new(move |progress| watcher.saw(progress)) });
    let (fleet, imported) = Fleet::import(api.clone(), &source, Some(partner), saw).await?;
    live.say(&format!("imported {imported} of {}, moving them", text::count(customers.len(), "customer")));

    let (mut summary, mut rows, mut failed) = (Summary::default(), Vec::new(), false);
    let mut ends = pin!(moving::move_all(fleet, customers.clone()));
    while let Some((customer, end)) = ends.next().await {
        match end {
            Ok(view) => {
                summary.count(&view);
                live.ended(&view);
                if args.json {
                    json::print_line(&view)?;
                } else {
                    rows.push(table::Row::of(&view));
                }
            }
            Err(error) => {
                summary.customers += 1;
                failed = true;
                live.failed(customer, &Failure::from(error).to_string());
            }
        }
    }
    live.finish();
    summary.took(begun.elapsed());
    if args.json {
        json::print_line(&SummaryLine { summary })?;
        eprintln!("{}", sentence(&summary));
    } else {
        let place: HashMap<_, _> = customers.iter().zip(0_usize..).collect();
        rows.sort_by_key(|row| place.get(&row.customer));
        output::print(&format!("\n{}{}\n", table::outcomes(&rows, &scope.names), sentence(&summary)))?;
        reports(&api, &rows).await?;
    }
    // a customer that could not be moved at all was told as it happened; here it decides how the program ends
    Ok(if failed { Exit::Failed } else { summary.exit() })
}

fn sentence(summary: &Summary) -> String {
    let parts = [
        (summary.completed, "completed"),
        (summary.ineligible, "ineligible"),
        (summary.compensated, "compensated"),
        (summary.needs_operator, "in need of an operator"),
    ];
    let told = parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect::<Vec<_>>();
    let customers = text::count(usize::try_from(summary.customers).unwrap_or(usize::MAX), "customer");
    let told = if told.is_empty() { "none moved".to_owned() } else { told.join(", ") };
    let subscriptions = text::count(usize::try_from(summary.subscriptions).unwrap_or(usize::MAX), "subscription");
    format!("{customers}: {told}; {subscriptions} in {:.1} s", summary.seconds)
}

/// The reports of those that did not complete, the same text as the API gives.
async fn reports(api: &Api, rows: &[table::Row]) -> Result<(), Failure> {
    for row in rows.iter().filter(|row| row.state != State::Completed) {
        let text = api.report(row.transition).await?;
        let rule = To::Out.dim(&"─".repeat(usize::from(To::Out.width().min(80))));
        output::print(&format!("\n{rule}\n{}", report::with_newline(text)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_what_there_is() {
        let mut summary = Summary { customers: 4, completed: 1, ineligible: 2, needs_operator: 1, subscriptions: 3, ..Summary::default() };
        summary.seconds = 0.84;
        assert_eq!(sentence(&summary), "4 customers: 1 completed, 2 ineligible, 1 in need of an operator; 3 subscriptions in 0.8 s");
        assert_eq!(sentence(&Summary { customers: 1, ..Summary::default() }), "1 customer: none moved; 0 subscriptions in 0.0 s");
    }
}
