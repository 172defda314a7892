//! The gateway alone in a process: settings from the environment, until SIGTERM.

use planshift_gateway::{MIGRATIONS, SERVICE, serve};
use std::{process::ExitCode, sync::OnceLock};

fn main() -> ExitCode {
    let failed = OnceLock::new();
    let code = planshift_worker::host::main(SERVICE, MIGRATIONS, async |parts, stop| {
        if let Err(error) = serve(parts, stop).await {
            tracing::error!("{error}");
            let _ = failed.set(ExitCode::from(error.exit_code()));
        }
    });
    failed.into_inner().unwrap_or(code)
}
