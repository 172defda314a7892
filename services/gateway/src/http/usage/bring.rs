//! `POST /v1/usage`: a file of usage, streamed: all of it is taken, or nothing.

use super::{super::answer::Answer, imports::shown, whose};
use crate::{
    app::App,
    http::{
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Parameters},
        files::{Said, format_of},
        once::hex,
    },
    usage::Bringing,
    words::Words,
};
use axum::{Extension, body::Body, extract::State, http::HeaderMap};
use futures::StreamExt as _;
use planshift_billing::Defaults;
use planshift_domain::{ids::AzureSubscriptionId, time::Timestamp};
use sha2::{Digest as _, Sha256};
use std::io;
use tokio::sync::{mpsc, oneshot};

/// How many pieces of a body wait to be read.
const PIECES: usize = 8;

static SAID: Said = Said {
    kind: "usage",
    it: Words::both("The file", "Le fichier"),
    faulty: "InvalidUsage",
    under_way: Words::both(
        "Another file of usage of the partner is being read. Send one at a time.",
        "Un autre fichier de consommation du partenaire est en cours de lecture. Envoyez-les un à un.",
    ),
    taken_away: Words::both(
        "The import took too long between two pieces, and nothing of it was taken. Try again.",
        "L’importation a pris trop de temps entre deux morceaux et rien n’en a été pris. Réessayez.",
    ),
};

/// Takes the body as usage records, in the format that its content type says.
pub(in crate::http) async fn bring(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer, ApiError> {
    let partner = whose(&app, &context, &parameters).await?;
    let azure: Option<AzureSubscriptionId> = parameters.parse("azureSubscriptionId", A_GUID, |text| text.parse().ok())?;
    let format = format_of(&headers)?;
    // the same request again is told what became of the first
    if let Some(import) = SAID.known(&app.usage.files, &context, partner).await? {
        return Answer::json(&shown(&app, &import).await?);
    }
    let bringing = Bringing {
        id: context.request_id,
        partner,
        format,
        defaults: Defaults { azure_subscription_id: azure, customer_id: None },
        actor: context.caller.actor.clone(),
    };
    let (give, pieces) = mpsc::channel(PIECES);
    let (tell, told) = oneshot::channel();
    let receiving = app.ports.spawn.spawn(Box::pin(receive(app.clone(), body, give, tell)));
    let document = async { told.await.ok() };
    let brought = app.usage.bring(&bringing, pieces, document, &context.trace).await;
    drop(receiving);
    SAID.count(&app.metrics, &brought);
    match brought {
        Ok(import) => Answer::json(&shown(&app, &import).await?),
        Err(error) => Err(SAID.of(error)),
    }
}

/// Hands the body's pieces on, and tells its hash when it has ended well.
async fn receive(app: App, body: Body, give: mpsc::Sender<io::Result<axum::body::Bytes>>, tell: oneshot::Sender<String>) {
    let (mut hasher, mut pieces) = (Sha256::new(), body.into_data_stream());
    loop {
        let piece = tokio::select! {
            piece = pieces.next() => piece.map(|piece| piece.map_err(io::Error::other)),
            () = app.ports.clock.sleep(app.settings.piece_time) => Some(Err(io::ErrorKind::TimedOut.into())),
        };
        let Some(piece) = piece else {
            let _ = tell.send(hex(&hasher.finalize()));
            return;
        };
        if let Ok(piece) = &piece {
            hasher.update(piece);
        }
        let has_failed = piece.is_err();
        // nobody reads any more: a fault was found, and the rest of the body is not looked at
        if give.send(piece).await.is_err() || has_failed {
            return;
        }
    }
}

/// When a time is asked for: RFC 3339, or a date, which is its first instant in UTC.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| format!("{text}T00:00:00Z").parse().ok())
}
