//! `POST /v1/accounts`: takes an account document whole, or refuses it whole. One object of JSON, or NDJSON where the content type says
//! so.

use super::{
    answer::Answer,
    context::Context,
    errors::ApiError,
    faults,
    fields::too_large,
    findings,
    once::{hex, once},
};
use crate::{app::App, import, words::words};
use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use futures::StreamExt as _;
use planshift_domain::{
    account::{DocumentError, Faults, Format},
    message::request::ImportedBy,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

pub(super) async fn import(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer, ApiError> {
    let limit = app.settings.document_bytes;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let format = format_of(&headers);
    let target = match format {
        Format::Json => "POST /v1/accounts",
        Format::Lines => "POST /v1/accounts in lines",
    };
    let Some(upload) = app.uploads.begin(context.caller.partner) else {
        let text = words!(
            "Another document of yours is being received. Send one at a time.",
            "Un autre de vos documents est en cours de réception. Envoyez-les un à un."
        );
        return Err(ApiError::new(StatusCode::CONFLICT, "900278", "ImportInProgress", text).after(1));
    };
    let (file, hash) = to_file(&app, body, limit).await?;
    drop(upload);
    // from here on it is ours to be quick: a client that is slow holds up nobody
    let documents = app.documents.clone();
    let _turn = documents
        .acquire_owned()
        .await
        .map_err(|_| ApiError::unavailable(words!("The gateway stops. Try again.", "La passerelle s’arrête. Réessayez.")))?;
    let hash_text = hex(&hash);
    // the same document under the same key is the same import, so that a retry after a crash is recognised chunk by chunk
    let import_id = Uuid::new_v5(&context.request_id, &hash).into();
    let by = ImportedBy { actor: context.caller.actor.clone(), document: hash_text.clone(), ..ImportedBy::default() };
    once(&app, &context, target, &hash_text, async {
        let outcome = import::import(&app, &context, (import_id, by), file, format).await.map_err(refused)?;
        Answer::json(&json!({ "imported": outcome.imported, "refused": findings::refused(outcome.refused, context.locale) }))
    })
    .await
}

/// In lines where the content type says so; anything else is read as JSON, as it was before there were lines.
fn format_of(headers: &HeaderMap) -> Format {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if matches!(kind.as_str(), "application/x-ndjson" | "application/ndjson" | "application/jsonl") { Format::Lines } else { Format::Json }
}

/// The body in a file that has no name, and goes with this process; its hash.
async fn to_file(app: &App, body: Body, limit: u64) -> Result<(File, Vec<u8>), ApiError> {
    let failed = |error: std::io::Error| {
        tracing::error!(%error, "an account document cannot be kept while it is read");
        ApiError::unavailable(words!(
            "The document cannot be kept while it is read. Is there room for temporary files?",
            "Le document ne peut pas être gardé pendant sa lecture. Y a-t-il de la place pour des fichiers temporaires ?"
        ))
    };
    let folder = app.settings.document_folder.clone();
    let made = tokio::task::spawn_blocking(move || match folder {
        Some(folder) => tempfile::tempfile_in(folder),
        None => tempfile::tempfile(),
    });
    let file = made.await.map_err(|error| ApiError::internal(&error))?.map_err(failed)?;
    let mut file = tokio::io::BufWriter::with_capacity(256 * 1024, tokio::fs::File::from_std(file));
    let (mut hasher, mut length) = (Sha256::new(), 0_u64);
    let mut pieces = body.into_data_stream();
    loop {
        let piece = tokio::select! {
            piece = pieces.next() => piece,
            () = app.ports.clock.sleep(app.settings.piece_time) => {
                let text = words!("The document stopped coming.", "Le document a cessé d’arriver.");
                return Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "408", "RequestTimeout", text).retryable());
            }
        };
        let Some(piece) = piece else { break };
        let piece = piece.map_err(|error| {
            ApiError::bad_input("InvalidBody", words!("The document broke off: {error}.", "Le document s’est interrompu : {error}."))
        })?;
        length += piece.len() as u64;
        if length > limit {
            return Err(too_large(limit));
        }
        hasher.update(&piece);
        file.write_all(&piece).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    Ok((file.into_inner().into_std().await, hasher.finalize().to_vec()))
}

fn refused(error: import::ImportError) -> ApiError {
    match error {
        import::ImportError::Document(DocumentError::Faults(faults)) => faulty(&faults),
        import::ImportError::Document(DocumentError::Io(error)) => ApiError::internal(&error),
        import::ImportError::Ask(error) => error.into(),
        import::ImportError::Storage(error) => error.into(),
        import::ImportError::AnotherPartner(partner) => {
            let text = words!(
                "The document is of the partner {partner}: import documents of your own.",
                "Le document est du partenaire {partner} : importez vos propres documents."
            );
            ApiError::new(StatusCode::FORBIDDEN, "900308", "Forbidden", text)
        }
        import::ImportError::Stopped => ApiError::internal(&"reading a document ended early"),
    }
}

/// All faults in `data`, and as many of them as there is room for in the description.
fn faulty(faults: &Faults) -> ApiError {
    let data = faults.listed.iter().map(|fault| json!(fault)).collect();
    // the document says the same every time, so this is the answer for good
    ApiError::bad_input("InvalidAccountDocument", faults::words_of(faults)).data(data).with("faults", faults.total).definite()
}
