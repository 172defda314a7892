//! `start`: the transition of a customer that was imported.

use super::{status, watch};
use crate::{
    cli::StartArgs,
    client::{Api, Patience, Started},
    exit::{Exit, Outcome},
    output::{self, json},
};
use serde_json::json;
use uuid::Uuid;

/// Starts, and waits where it is asked to. One that is under way already is followed, as `run` does.
///
/// # Errors
/// The API's.
pub async fn start(args: StartArgs) -> Outcome {
    let api = Api::from_args(&args.api)?;
    let (customer, partner) = (args.customer.customer, args.partner.partner);
    // an import that is under way, or a gateway that has yet to reach the broker, is waited for; one that is not there is told at once
    let request = Uuid::new_v4();
    let hash = args.plan_hash.as_deref();
    let started = match api.start_as_planned(customer, partner, hash, request).await {
        Err(error) if error.is_passing() && error.refusal().is_some() => {
            Patience::FIRST_CONTACT.ask(|| api.start_as_planned(customer, partner, hash, request)).await?
        }
        other => other?,
    };
    if args.wait {
        let adopted = matches!(started, Started::UnderWay(_));
        return watch::until_settled(&api, (started.id(), customer), adopted, args.api.json).await;
    }
    match started {
        Started::Ineligible(id) => {
            let view = api.get(id).await?;
            status::print(&view, api.company_name(customer).await.as_deref(), args.api.json)?;
            Ok(Exit::EndedOtherwise)
        }
        Started::Accepted(id) | Started::UnderWay(id) => {
            let adopted = matches!(started, Started::UnderWay(_));
            if args.api.json {
                json::print_line(&json!({ "customerId": customer, "transitionId": id, "adopted": adopted }))?;
            } else {
                let what = if adopted { "is under way already" } else { "is accepted" };
                output::print(&format!("transition {id} {what}; follow it with `planshift watch {id}`\n"))?;
            }
            Ok(Exit::Done)
        }
    }
}
