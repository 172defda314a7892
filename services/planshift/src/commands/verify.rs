//! `verify`: every invariant that shows in what is stored.

use crate::{
    cli::VerifyArgs,
    exit::{Exit, Failure, Outcome},
    settings,
    verify::{self, Stores, print},
};

/// Checks what is stored, and prints each invariant with its counts.
///
/// # Errors
/// Usage: there is no such data folder. Program: the data folder is in use, a server is not reached, a schema is at another
/// version, standard output cannot be written to.
pub async fn verify(args: VerifyArgs) -> Outcome {
    let stores = Stores::open(&args, &settings::process_environment).await?;
    let report = verify::run(&stores).await;
    stores.close().await;
    let report = report.map_err(|error| Failure::program("cannot read what is stored").because(error))?;
    if args.json {
        print::for_programs(&report)?;
    } else {
        print::for_people(&report)?;
    }
    Ok(if report.is_clean() { Exit::Done } else { Exit::ViolationFound })
}
