//! The context under which the present task works: what it asks of others belongs under that.

use crate::TraceContext;
use std::future::Future;

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// Runs `work` under this context.
pub async fn under<F: Future>(context: TraceContext, work: F) -> F::Output {
    CURRENT.scope(context, work).await
}

/// The context of the present task; one of no trace where there is none.
pub fn current() -> TraceContext {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}
