//! A service that is ready to run, whoever hosts it.

use crate::{
    Handler, Ports,
    metrics::{Counted, Metrics},
    run::{self, RunOptions},
    traced::Traced,
};
use planshift_messaging::SharedBroker;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A service that is ready to run: a handler, where its messages come from, how many at once.
pub struct Running<H: Handler> {
    handler: Arc<Traced<Counted<H>>>,
    broker: SharedBroker,
    ports: Ports,
    options: RunOptions,
}

impl<H: Handler> Running<H> {
    /// Puts it together; nothing is taken before [`run`](Self::run).
    pub fn new(handler: H, broker: SharedBroker, ports: Ports, options: RunOptions, metrics: Metrics) -> Self {
        let handler = Arc::new(Traced::new(Counted::new(handler, metrics, ports.clock.clone()), ports.tracer.clone()));
        Self { handler, broker, ports, options }
    }

    /// Runs until `stop`: takes nothing more then, finishes what is taken, and returns.
    pub async fn run(self, stop: CancellationToken) {
        run::run(self.handler, self.broker, self.ports, self.options, stop).await;
    }
}
