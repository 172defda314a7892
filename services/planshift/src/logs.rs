//! What is logged where nothing says otherwise. Lapin is quiet: what it reports as errors (a connection that ends while a channel
//! closes) is told by our own supervisor, in its own words, where it matters.

use crate::cli::{Cli, Command};

/// Services tell what they do.
const SERVICES: &str = "info,lapin=off";
/// The other commands tell people what happens by themselves: a log line is for what is wrong, and a statement that took long on
/// a busy machine is not, nor what the AMQP library says of a connection that is closed (whoever holds it tells).
const COMMANDS: &str = "warn,sqlx=error,lapin=off";
/// A run tells itself what becomes of each transition, and its log would only say it again between the bars.
const RUN: &str = "warn,sqlx=error,lapin=off,planshift_coordinator::engine::work=error";
/// The demonstration shows a failure on purpose.
const DEMO: &str = "error,lapin=off";

/// Starts logging for this command. `RUST_LOG` says otherwise.
pub fn init(cli: &Cli) {
    let filter = match &cli.command {
        None | Some(Command::Demo) => DEMO,
        Some(command) if command.is_service() => SERVICES,
        Some(Command::Run(_)) => RUN,
        Some(_) => COMMANDS,
    };
    planshift_telemetry::init(cli.global.log_format, filter, name_of(cli.command.as_ref()));
}

/// Whose the lines are that name no service themselves.
const fn name_of(command: Option<&Command>) -> &'static str {
    match command {
        Some(Command::Gateway(_)) => "gateway",
        Some(Command::Coordinator(_)) => "coordinator",
        Some(Command::Eligibility(_)) => "eligibility",
        Some(Command::Purchasing(_)) => "purchasing",
        Some(Command::Mapping(_)) => "mapping",
        Some(Command::Suspension(_)) => "suspension",
        Some(Command::Verify(_)) => "verify",
        _ => "planshift",
    }
}
