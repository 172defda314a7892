//! `serve`: everything in one process, until it is stopped.

use crate::{
    cli::{Every, ServeArgs, VerifyArgs},
    exit::{Exit, Failure, Outcome},
    host::{Host, HostOptions, Provisioners},
    output::style::To,
    settings::{self, Keeping},
    tokens, verify,
};
use planshift_worker::CancellationToken;
use std::time::Duration;

/// Hosts gateway, coordinator and workers until SIGTERM or SIGINT.
///
/// # Errors
/// Program: the data folder is in use, an address cannot be had, a server is not reached; a service ended by itself.
pub async fn serve(args: ServeArgs) -> Outcome {
    let keeping = settings::keeping(&args.store, &settings::process_environment)?;
    let auth = tokens::hosted(&args.auth, args.listen, &args.store.data, &settings::process_environment)?;
    let token = tokens::whereabouts(&args.store.data, &settings::process_environment);
    let stop = planshift_worker::host::stop_signal().map_err(|error| Failure::program("cannot listen to signals").because(error))?;
    let kept_in = match &keeping {
        Keeping::Embedded(folder) => format!("data in {}", folder.display()),
        Keeping::Distributed(_) => "data in PostgreSQL, messages in RabbitMQ".to_owned(),
    };
    let options =
        HostOptions::serving(keeping, args.listen, args.admin, auth).limited_by(tokens::limits(&args.auth, &args.sending, &args.portal)?);
    let options = options.provisioned_by(Provisioners::by(&settings::process_environment)?).at_a_time(args.line.line());
    let mut host = tokio::select! {
        host = Box::pin(Host::start(options)) => host?,
        () = stop.cancelled() => return Ok(Exit::Done),
    };
    eprintln!("{} {}", To::Err.heading("API           "), To::Err.command(&host.api_url()));
    if let Some(admin) = host.admin() {
        eprintln!("{} {}", To::Err.heading("administration"), To::Err.command(&format!("http://{admin}")));
    }
    eprintln!("{} {token}", To::Err.heading("token         "));
    eprintln!("{} {kept_in}", To::Err.heading("storage       "));
    eprintln!("ready; Ctrl-C or SIGTERM stops it");
    let verifying = verifying(&args, &host);
    let ended = tokio::select! {
        () = stop.cancelled() => None,
        name = host.ended() => Some(name),
        () = verify_beside(verifying) => None,
    };
    eprintln!("stopping: finishing what was taken");
    host.stop().await;
    match ended {
        None => Ok(Exit::Done),
        Some(name) => Err(Failure::program(format!("{name} ended by itself"))
            .advise("its log says why; what was accepted goes on when it is started again")),
    }
}

/// Verifies beside the services, and tells their own gateway, for as long as somebody waits for it: nothing of it is kept open.
async fn verify_beside(args: Option<(VerifyArgs, Duration)>) {
    if let Some((args, every)) = args {
        Box::pin(verify::beside(&args, every, CancellationToken::new())).await;
    }
    std::future::pending::<()>().await;
}

/// How it is verified; not at all where that is said.
fn verifying(args: &ServeArgs, host: &Host) -> Option<(VerifyArgs, Duration)> {
    let Every::After(every) = args.verify_every else { return None };
    let verify = VerifyArgs {
        data: args.store.data.clone(),
        database: args.store.database.clone(),
        broker: None,
        json: false,
        every: Some(every),
        tell: Some(host.own_url()),
        token: Some(host.token().expose().to_owned()),
        reporter: "serve".to_owned(),
        // nothing listens there: the services have an address
        admin: args.admin,
    };
    Some((verify, every))
}
