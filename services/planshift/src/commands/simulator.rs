//! `provisioner-simulator`: an outside system for tests and trials, until it is stopped.

use crate::{
    cli::SimulatorArgs,
    exit::{Exit, Failure, Outcome},
    simulator::{Simulator, Troubles, router},
};
use tokio::net::TcpListener;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// Program: the address cannot be had.
pub async fn simulator(args: SimulatorArgs) -> Outcome {
    let troubles = Troubles {
        latency: args.latency.0,
        jitter: args.jitter.0,
        throttled: args.share_429,
        failed_after: args.share_5xx_after_effect,
        silent: args.share_silence,
        busy: args.share_503,
        rate_per_partner: args.rate_per_partner,
        seed: args.seed,
    };
    let stop = planshift_worker::host::stop_signal().map_err(|error| Failure::program("cannot listen to signals").because(error))?;
    let cannot = |error: std::io::Error| Failure::program(format!("the address {} cannot be had", args.listen)).because(error);
    let listener = TcpListener::bind(args.listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    eprintln!("ready: http://{address}; what it has done: /effects, /account");
    let served = axum::serve(listener, router(Simulator::new(troubles)));
    tokio::select! {
        // what it is silent about is not waited for
        () = stop.cancelled() => Ok(Exit::Done),
        ended = served => ended.map(|()| Exit::Done).map_err(|error| Failure::program("it ended by itself").because(error)),
    }
}
