//! The commands, each in a file of its own.

mod act;
mod audit;
mod batches;
mod budgets;
pub mod demo;
mod doctor;
mod health;
mod import;
mod installation;
mod invoices;
mod letters;
mod list;
mod manual;
mod migrate;
mod plan;
mod reconcile;
mod report;
mod run;
mod sample;
mod schedules;
mod serve;
mod service;
mod simulator;
mod start;
mod status;
mod steps;
mod usage;
mod verify;
mod watch;
mod webhooks;
mod why;

use crate::{
    cli::{Cli, Command},
    exit::{Exit, Failure, Outcome},
    output::style::To,
};
use planshift_worker::{Service, host::runtime_of};

/// Runs the command, tells what failed on standard error, and says how the program ends.
pub fn main(cli: Cli) -> Exit {
    let command = cli.command.unwrap_or(Command::Demo);
    let runtime = match &command {
        Command::Coordinator(_) => runtime_of(Service::Coordinator),
        Command::Eligibility(_) => runtime_of(Service::Eligibility),
        Command::Purchasing(_) => runtime_of(Service::Purchasing),
        Command::Mapping(_) => runtime_of(Service::Mapping),
        Command::Suspension(_) => runtime_of(Service::Suspension),
        _ => runtime_of(Service::Gateway),
    };
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(run_command(command));
            // what is still blocked then (a read of standard input) is nobody's any more
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(Failure::program("cannot start").because(error)),
    };
    outcome.unwrap_or_else(|failure| {
        eprintln!("{} {failure}", To::Err.bad("error:"));
        failure.exit()
    })
}

async fn run_command(command: Command) -> Outcome {
    match command {
        Command::Demo => Box::pin(demo::demo()).await,
        Command::Run(args) => Box::pin(run::run(args)).await,
        Command::Serve(args) => Box::pin(serve::serve(args)).await,
        Command::Gateway(args) => Box::pin(service::gateway(args)).await,
        Command::Coordinator(args) => Box::pin(service::coordinator(args.service, args.line.line())).await,
        Command::Eligibility(args) => Box::pin(service::alone(Service::Eligibility, args)).await,
        Command::Purchasing(args) => Box::pin(service::alone(Service::Purchasing, args)).await,
        Command::Mapping(args) => Box::pin(service::alone(Service::Mapping, args)).await,
        Command::Suspension(args) => Box::pin(service::alone(Service::Suspension, args)).await,
        Command::Import(args) => import::import(args).await,
        Command::Plan(args) => plan::plan(args).await,
        Command::Start(args) => start::start(args).await,
        Command::Batch(args) => Box::pin(batches::batch(args)).await,
        Command::Schedule(args) => Box::pin(schedules::schedule(args)).await,
        Command::List(args) => list::list(args).await,
        Command::Status(args) => status::status(args).await,
        Command::Report(args) => report::report(args).await,
        Command::Watch(args) => watch::watch(args).await,
        Command::Cancel(args) => act::cancel(args).await,
        Command::Resume(args) => act::resume(args).await,
        Command::Close(args) => act::close(args).await,
        Command::Why(args) => why::why(args).await,
        Command::Stuck(args) => why::stuck(args).await,
        Command::Steps(args) => steps::steps(args).await,
        Command::Instances(args) => installation::instances(args).await,
        Command::Queues(args) => installation::queues(args).await,
        Command::Audit(args) => audit::audit(args).await,
        Command::DeadLetters(args) => letters::dead_letters(args).await,
        Command::Redrive(args) => letters::redrive(args).await,
        Command::Webhooks(args) => webhooks::webhooks(args).await,
        Command::Budget(args) => budgets::budget(args).await,
        Command::Usage(args) => Box::pin(usage::usage(args)).await,
        Command::Invoice(args) => Box::pin(invoices::invoice(args)).await,
        Command::Reconcile(args) => Box::pin(reconcile::reconcile(args)).await,
        Command::Sample(args) => sample::sample(&args),
        Command::ProvisionerSimulator(args) => simulator::simulator(args).await,
        Command::Migrate(args) => migrate::migrate(args).await,
        Command::Health(args) => health::health(args).await,
        Command::Verify(args) => Box::pin(verify::verify(args)).await,
        Command::Doctor(args) => Box::pin(doctor::doctor(args)).await,
        Command::Completions(args) => manual::completions(&args),
        Command::Man(args) => manual::man(&args),
    }
}
