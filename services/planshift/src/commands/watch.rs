//! `watch`: follows a transition until nothing more happens by itself.

use super::{report, status};
use crate::{
    cli::WatchArgs,
    client::Api,
    exit::{Exit, Outcome},
    moving,
    output::{
        self,
        live::{Detail, Live},
        table::Names,
    },
};
use planshift_domain::{ids::TransitionId, transition::State};

/// Follows, then prints what it came to.
///
/// # Errors
/// The API's.
pub async fn watch(args: WatchArgs) -> Outcome {
    let api = Api::from_args(&args.one.api)?;
    // one that is not there is told at once, not waited for
    api.progress(args.one.id, None, 0).await?;
    until_settled(&api, args.one.id, false, args.one.api.json).await
}

/// Shows its steps on standard error; then, on standard output, all of it, and the report where it did not complete.
///
/// # Errors
/// The API's.
pub async fn until_settled(api: &Api, id: TransitionId, adopted: bool, as_json: bool) -> Outcome {
    let live = Live::new(Names::new(), 1, Detail::Steps);
    let settled = tokio::select! {
        settled = moving::settled_view(api, id, Some(|progress: &_| live.saw(progress))) => settled,
        _ = tokio::signal::ctrl_c() => {
            live.finish();
            eprintln!("not followed any more: the transition goes on; `planshift watch {id}` follows it again");
            return Ok(Exit::Interrupted);
        }
    };
    let mut view = settled?;
    view.adopted = adopted;
    live.ended(&view);
    live.finish();
    status::print(&view, as_json)?;
    if view.state == State::Completed {
        return Ok(Exit::Done);
    }
    if !as_json {
        output::print(&format!("\n{}", report::with_newline(api.report(id).await?)))?;
    }
    Ok(Exit::EndedOtherwise)
}
