//! `watch`: follows a transition until nothing more happens by itself.

use super::{report, status};
use crate::{
    cli::WatchArgs,
    client::Api,
    exit::{Exit, Outcome},
    moving,
    output::{self, follow::Follow},
};
use planshift_domain::{
    ids::{CustomerId, TransitionId},
    transition::State,
};
use planshift_worker::Ports;

/// Follows, then prints what it came to.
///
/// # Errors
/// The API's.
pub async fn watch(args: WatchArgs) -> Outcome {
    let api = Api::from_args(&args.one.api)?;
    // one that is not there is told at once, not waited for
    let progress = api.progress(args.one.id, None, 0).await?;
    until_settled(&api, (args.one.id, progress.customer_id), false, args.one.api.json).await
}

/// Shows its steps on standard error; then, on standard output, all of it, and the report where it did not complete.
///
/// # Errors
/// The API's.
pub async fn until_settled(api: &Api, (id, customer): (TransitionId, CustomerId), adopted: bool, as_json: bool) -> Outcome {
    let name = api.company_name(customer).await;
    let follow = Follow::new(name.clone().unwrap_or_else(|| customer.to_string()));
    let clock = Ports::system().clock;
    let settled = tokio::select! {
        settled = moving::settled_view(api, id, Some(|progress: &_| follow.saw(progress, clock.now()))) => settled,
        _ = tokio::signal::ctrl_c() => {
            follow.finish();
            eprintln!("not followed any more: the transition goes on; `planshift watch {id}` follows it again");
            return Ok(Exit::Interrupted);
        }
    };
    let mut view = settled?;
    view.adopted = adopted;
    follow.ended(&view);
    status::print(&view, name.as_deref(), as_json)?;
    if view.state == State::Completed {
        return Ok(Exit::Done);
    }
    if !as_json {
        output::print(&format!("\n{}", report::with_newline(api.report(id).await?)))?;
    }
    Ok(Exit::EndedOtherwise)
}
