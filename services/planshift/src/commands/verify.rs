//! `verify`: every invariant that shows in what is stored.

use crate::{
    cli::VerifyArgs,
    exit::{Exit, Failure, Outcome},
    settings,
    verify::{self, Stores, print, watch},
};
use planshift_worker::host::stop_signal;

/// Checks what is stored, and prints each invariant with its counts; or goes on doing so, and counts.
///
/// # Errors
/// Usage: there is no such data folder. Program: a server is not reached, a schema is at another version, standard output cannot be
/// written to, the administration address cannot be had.
pub async fn verify(args: VerifyArgs) -> Outcome {
    if let Some(every) = args.every {
        let stop = stop_signal().map_err(|error| Failure::program("cannot listen to signals").because(error))?;
        return Box::pin(watch(&args, every, stop)).await;
    }
    let stores = Stores::open(&args, &settings::process_environment).await?;
    let report = Box::pin(verify::run(&stores)).await;
    stores.close().await;
    let report = report.map_err(|error| Failure::program("cannot read what is stored").because(error))?;
    if args.json {
        print::for_programs(&report)?;
    } else {
        print::for_people(&report)?;
    }
    Ok(if report.is_clean() { Exit::Done } else { Exit::ViolationFound })
}
