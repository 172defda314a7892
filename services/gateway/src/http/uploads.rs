//! Documents that are being received: one at a time of each partner. One whose document comes slowly holds up nobody but itself.

use super::{context::Context, errors::ApiError, fields::too_large};
use crate::{app::App, words::words};
use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use futures::StreamExt as _;
use planshift_domain::ids::PartnerId;
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashSet,
    fs::File,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{io::AsyncWriteExt as _, sync::OwnedSemaphorePermit};

/// A document of at most so many bytes as may be, in a file that has no name; and its SHA-256.
pub(super) async fn received(app: &App, context: &Context, headers: &HeaderMap, body: Body) -> Result<(File, Vec<u8>), ApiError> {
    let limit = app.settings.document_bytes;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let Some(_upload) = app.uploads.begin(context.caller.partner) else {
        let text = words!(
            "Another document of yours is being received. Send one at a time.",
            "Un autre de vos documents est en cours de réception. Envoyez-les un à un."
        );
        return Err(ApiError::new(StatusCode::CONFLICT, "900278", "ImportInProgress", text).after(1));
    };
    to_file(app, body, limit).await
}

/// A turn to read a document. From here on it is ours to be quick: a client that is slow holds up nobody.
pub(super) async fn turn(app: &App) -> Result<OwnedSemaphorePermit, ApiError> {
    let documents = app.documents.clone();
    documents
        .acquire_owned()
        .await
        .map_err(|_| ApiError::unavailable(words!("The gateway stops. Try again.", "La passerelle s’arrête. Réessayez.")))
}

/// The body in a file that has no name, and goes with this process; its hash.
async fn to_file(app: &App, body: Body, limit: u64) -> Result<(File, Vec<u8>), ApiError> {
    let failed = |error: std::io::Error| {
        tracing::error!(%error, "a document cannot be kept while it is read");
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

/// Who sends a document just now. Cheap to clone; clones share.
#[derive(Clone, Default)]
pub(crate) struct Uploads(Arc<Mutex<HashSet<PartnerId>>>);

/// A document that is being received until this is dropped.
pub(crate) struct Upload {
    uploads: Uploads,
    partner: Option<PartnerId>,
}

impl Uploads {
    /// Begins one; nothing where one of this partner has begun and not ended. Operators, who are of none, may send any number.
    pub(crate) fn begin(&self, partner: Option<PartnerId>) -> Option<Upload> {
        let is_free = partner.is_none_or(|partner| self.lock().insert(partner));
        is_free.then(|| Upload { uploads: self.clone(), partner })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<PartnerId>> {
        // a panic elsewhere leaves it whole: each change of it is a single one
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(partner) = &self.partner {
            self.uploads.lock().remove(partner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn one_at_a_time_of_each_partner() {
        let (uploads, partner) = (Uploads::default(), |n| Some(PartnerId(Uuid::from_u128(n))));
        let first = uploads.begin(partner(1)).unwrap();
        assert!(uploads.begin(partner(1)).is_none() && uploads.begin(partner(2)).is_some());
        let operators = [uploads.begin(None), uploads.begin(None)];
        assert!(operators.iter().all(Option::is_some));
        drop(first);
        assert!(uploads.begin(partner(1)).is_some());
    }
}
