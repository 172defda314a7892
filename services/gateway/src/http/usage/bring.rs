//! `POST /v1/usage`: a file of usage, streamed: all of it is taken, or nothing.

use super::{super::answer::Answer, imports::shown, whose};
use crate::{
    app::App,
    http::{
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Parameters},
        once::hex,
    },
    usage::{BringError, Bringing, ImportState},
    words::words,
};
use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use futures::StreamExt as _;
use planshift_billing::{Defaults, Format, parse::Faults};
use planshift_domain::{ids::AzureSubscriptionId, time::Timestamp};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::io;
use tokio::sync::{mpsc, oneshot};

/// How many pieces of a body wait to be read.
const PIECES: usize = 8;

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
    if let Some(import) = app.usage.import(context.request_id).await?.filter(|import| import.partner == partner) {
        match import.state {
            ImportState::Done => return Answer::json(&shown(&app, &import).await?),
            ImportState::Refused => return Err(faulty(&import.faults.clone().unwrap_or_default())),
            ImportState::Running | ImportState::Undoing => return Err(under_way()),
            ImportState::Broken => {}
        }
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
    match brought {
        Ok(import) => Answer::json(&shown(&app, &import).await?),
        Err(error) => Err(refused(error)),
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

/// How a file is written, by its content type.
pub(in crate::http) fn format_of(headers: &HeaderMap) -> Result<Format, ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "text/csv" | "application/csv" => Ok(Format::Csv),
        "application/json" => Ok(Format::Json),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Format::Ndjson),
        _ => {
            let text = words!(
                "The content type must be text/csv, application/json or application/x-ndjson.",
                "Le type de contenu doit être text/csv, application/json ou application/x-ndjson."
            );
            Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "415", "UnsupportedMediaType", text))
        }
    }
}

fn under_way() -> ApiError {
    let text = words!(
        "Another file of usage of the partner is being read. Send one at a time.",
        "Un autre fichier de consommation du partenaire est en cours de lecture. Envoyez-les un à un."
    );
    ApiError::new(StatusCode::CONFLICT, "900278", "ImportInProgress", text).after(2)
}

fn refused(error: BringError) -> ApiError {
    match error {
        BringError::UnderWay => under_way(),
        BringError::Faults(faults) => faulty(&faults),
        BringError::BrokeOff(error) => {
            let text = words!(
                "The file broke off, and nothing of it was taken: {error}.",
                "Le fichier s’est interrompu et rien n’en a été pris : {error}."
            );
            ApiError::bad_input("InvalidBody", text)
        }
        BringError::Owners(crate::usage::OwnersError::Ask(error)) => error.into(),
        BringError::Owners(crate::usage::OwnersError::Storage(error)) | BringError::Storage(error) => error.into(),
        BringError::TakenAway => ApiError::unavailable(words!(
            "The import took too long between two pieces, and nothing of it was taken. Try again.",
            "L’importation a pris trop de temps entre deux morceaux et rien n’en a été pris. Réessayez."
        )),
    }
}

/// All faults that are listed in `data`, and the first ones in words.
fn faulty(faults: &Faults) -> ApiError {
    let data = faults.listed.iter().map(|fault| json!(fault)).collect();
    let listed = faults.listed.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let total = faults.total;
    let text = words!(
        "The file has {total} faults, and nothing of it was taken: {listed}",
        "Le fichier a {total} erreurs et rien n’en a été pris : {listed}"
    );
    ApiError::bad_input("InvalidUsage", text).data(data).with("faults", total)
}

/// When a time is asked for: RFC 3339, or a date, which is its first instant in UTC.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| format!("{text}T00:00:00Z").parse().ok())
}
