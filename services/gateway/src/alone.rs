//! The gateway alone in a process.

use crate::{Gateway, GatewayError, Options, gateway::DEFAULT_ADDRESS};
use planshift_worker::host::Parts;
use tokio_util::sync::CancellationToken;

/// The variable that says where to listen.
const ADDRESS: &str = "PLANSHIFT_LISTEN";

/// Runs a gateway on what the process gives it, at the address that `PLANSHIFT_LISTEN` says (default 127.0.0.1:8080), until `stop`.
///
/// # Errors
/// `Setting` where the variable is no address; any other.
pub async fn serve(parts: Parts, stop: CancellationToken) -> Result<(), GatewayError> {
    let address = match std::env::var(ADDRESS).ok().filter(|text| !text.is_empty()) {
        None => DEFAULT_ADDRESS,
        Some(text) => {
            text.parse().map_err(|_| GatewayError::Setting(format!("{ADDRESS}: {text:?} is not an address like {DEFAULT_ADDRESS}")))?
        }
    };
    let Parts { database, broker, ports, metrics } = parts;
    Gateway::bind(Options { address, metrics, ..Options::new(database, broker, ports) }).await?.run(stop).await
}
