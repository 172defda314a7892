//! `POST /v1/productUpgrades/{id}/cancel`, `/resume`, `/close`: the coordinator decides.

use super::find;
use crate::{
    app::App,
    http::{
        actor::{actor, reason},
        acts::acts,
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::Fields,
        once::{hash, once},
    },
    model::Known,
    words::{Words, words},
};
use axum::http::StatusCode;
use planshift_domain::{
    message::request::{Act, ActOnTransition, ActOutcome},
    transition::State,
};

acts! { cancel: Act::Cancel, resume: Act::Resume, close: Act::Close }

async fn act(app: &App, context: &Context, id: &str, act: Act, name: &str, fields: &Fields) -> Result<Answer, ApiError> {
    let (actor, reason) = (actor(fields, context)?, reason(fields)?);
    let known = find(app, context, id).await?;
    let transition_id = known.row.id;
    let question = ActOnTransition { request_id: context.request_id, partner_id: known.row.partner_id, transition_id, act, actor, reason };
    let target = format!("POST /v1/productupgrades/{transition_id}/{name}");
    once(app, context, &target, &hash(&fields.raw), async {
        let refuse = |name: &str, text: Words| {
            Err(ApiError::new(StatusCode::CONFLICT, "409", name, text).with("transitionId", transition_id).definite())
        };
        match app.ask(&question, &context.trace).await?.outcome {
            ActOutcome::Accepted => {
                shown(app, &known, act).await?;
                Ok(Answer::accepted(transition_id))
            }
            ActOutcome::PastThePivot(state) => refuse(
                "PastThePivot",
                words!(
                    "In the state {state}, every subscription is mapped: the upgrade only goes forward and cannot be cancelled.",
                    "Dans l’état {state}, tous les abonnements sont rattachés : la mise à niveau ne peut qu’avancer et ne peut pas être annulée."
                ),
            ),
            ActOutcome::NotAllowedInState(state) => {
                let french = match act {
                    Act::Cancel => "annuler",
                    Act::Resume => "reprendre",
                    Act::Close => "clore",
                };
                let text = Words::of(
                    format_args!("In the state {state}, there is nothing to {name}."),
                    format_args!("Dans l’état {state}, il n’y a rien à {french}."),
                );
                refuse("NotAllowedInState", text)
            }
            ActOutcome::NotFound => Err(ApiError::unknown_upgrade(&transition_id.to_string()).definite()),
        }
    })
    .await
}

/// Waits, for a moment, until what was accepted shows here: who looks right after the answer must not see the state before it and
/// take it for the outcome.
async fn shown(app: &App, before: &Known, act: Act) -> Result<(), ApiError> {
    // not cut short by a client that is gone: what is answered is stored under its key
    let never = tokio_util::sync::CancellationToken::new();
    let shows = |now: &Known| match act {
        Act::Cancel => matches!(now.row.state, State::Compensating | State::Compensated | State::NeedsOperator),
        Act::Resume => now.row.version > before.row.version && now.row.state != State::NeedsOperator,
        Act::Close => now.row.closed_at.is_some(),
    };
    app.wait_for(before.row.id, app.settings.act_wait, &never, shows).await?;
    Ok(())
}
