//! The coordinator alone in a process: settings from the environment, until SIGTERM.

use planshift_coordinator::{Line, MIGRATIONS, Options, SERVICE};
use std::process::ExitCode;

fn main() -> ExitCode {
    let line = match Line::from_environment(|name| std::env::var(name).ok()) {
        Ok(line) => line,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    planshift_worker::host::main(SERVICE, MIGRATIONS, async |parts, stop| {
        let options = Options { metrics: parts.metrics, line: line.clone(), ..Options::default() };
        options.build(parts.database, parts.broker, parts.ports).run(stop).await;
    })
}
