//! Forms that bring a file: their fields, and then the file, which is passed on as it comes and never held ([`Upload`]); or a file that is
//! looked at before it is passed on, and so is held and has a limit ([`Held`]).
//!
//! It is a form of ours by the same signs as any other ([`Form`]), and they are looked at before a byte of the file is. What is left of a
//! file that was refused is read and thrown away: a browser that is still sending does not hear the answer otherwise.

use super::{
    form::{Form, Origin},
    visit::Visit,
};
use crate::{app::App, http::ApiError, words::words};
use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use futures::{StreamExt as _, stream};
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The field that has the file; the last one of its form.
pub(super) const FILE: &str = "file";
/// How large a file that is held may be: 100,000 customers are some 10 MB.
const HELD_BYTES: u64 = 16 * 1024 * 1024;
/// What the other fields may have in all bytes each: a token, an id, a letter.
const FIELD_BYTES: u64 = 4_096;
/// How many fields may come before the file.
const FIELDS: usize = 16;

/// How files are written, by the endings of their names. What a browser says of them depends on what else is installed beside it.
const KINDS: [(&str, &str); 5] = [
    (".csv", "text/csv"),
    (".json", "application/json"),
    (".ndjson", "application/x-ndjson"),
    (".jsonl", "application/x-ndjson"),
    (".txt", "text/csv"),
];

/// A form with a file.
pub(super) struct Upload {
    pub(super) form: Form,
    name: String,
    file: Arc<Mutex<Field<'static>>>,
}

impl Upload {
    /// Hands the file to the API, and gives what it says.
    pub(super) async fn send(self, visit: &Visit, uri: &str) -> Result<Value, ApiError> {
        let answered = self.passed_on(visit, uri).await;
        if answered.is_err() {
            self.throw_away(&visit.app).await;
        }
        answered
    }

    async fn passed_on(&self, visit: &Visit, uri: &str) -> Result<Value, ApiError> {
        let lower = self.name.to_lowercase();
        let kind = KINDS.iter().find(|(ending, _)| lower.ends_with(ending)).map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| {
            let text = words!(
                "The name of the file must end with .csv, .json or .ndjson; {} does not.",
                "Le nom du fichier doit se terminer par .csv, .json ou .ndjson ; ce n’est pas le cas de {}.",
                self.name
            );
            ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "415", "UnsupportedMediaType", text)
        })?;
        let pieces = stream::unfold(self.file.clone(), |file| async move {
            let piece = file.lock().await.next().await;
            piece.map(|piece| (piece, file))
        });
        // under the id of the page's own request, another one each time: a file that was put right and is sent again is another one
        visit.api.bring(&visit.context, uri, kind, Body::from_stream(pieces)).await
    }

    /// The rest of the file, at most so much as a document may have, and no longer than it keeps coming.
    async fn throw_away(&self, app: &App) {
        let mut left = app.settings.document_bytes;
        while left > 0 {
            let piece = tokio::select! {
                piece = async { self.file.lock().await.next().await } => piece,
                () = app.ports.clock.sleep(app.settings.piece_time) => return,
            };
            let Some(Ok(piece)) = piece else { return };
            left = left.saturating_sub(piece.len() as u64);
        }
    }
}

impl FromRequest<App> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &App) -> Result<Self, ApiError> {
        let origin = Origin::of(request.headers());
        let mut parts = parts(request, u64::MAX)?;
        let mut fields = Vec::new();
        while let Some(field) = parts.next_field().await.map_err(|error| unreadable(&error))? {
            let name = field.name().unwrap_or_default().to_owned();
            if name == FILE {
                let form = origin.check(fields)?;
                let name = field.file_name().filter(|name| !name.is_empty()).map(str::to_owned);
                let name = name.ok_or_else(|| ApiError::bad_input("InvalidForm", words!("Choose a file.", "Choisissez un fichier.")))?;
                return Ok(Self { form, name, file: Arc::new(Mutex::new(field)) });
            }
            if fields.len() == FIELDS {
                break;
            }
            fields.push((name, field.text().await.map_err(|error| unreadable(&error))?));
        }
        origin.check(fields)?;
        Err(ApiError::bad_input("InvalidForm", words!("The form has no file.", "Le formulaire n’a pas de fichier.")))
    }
}

/// A form with a file that is looked at before it is passed on. Its fields may stand before the file and behind it.
pub(super) struct Held {
    pub(super) form: Form,
    /// What was chosen; nothing where no file was.
    pub(super) file: Option<Bytes>,
}

impl FromRequest<App> for Held {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let origin = Origin::of(request.headers());
        let (fields, file) = tokio::select! {
            read = read(parts(request, HELD_BYTES)?) => read.map_err(|error| unreadable(&error))?,
            // whoever sends nothing more does not keep it for ever
            () = app.ports.clock.sleep(app.settings.import_time) => {
                return Err(ApiError::bad_input("InvalidForm", words!("The form is not whole.", "Le formulaire n’est pas entier.")));
            }
        };
        Ok(Self { form: origin.check(fields)?, file })
    }
}

/// All of it.
async fn read(mut parts: Multipart<'static>) -> Result<(Vec<(String, String)>, Option<Bytes>), multer::Error> {
    let (mut fields, mut file) = (Vec::new(), None);
    while let Some(field) = parts.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == FILE {
            // a browser sends a file without a name where none was chosen
            let is_chosen = field.file_name().is_some_and(|name| !name.is_empty());
            let bytes = field.bytes().await?;
            file = is_chosen.then_some(bytes).or(file);
        } else if fields.len() < FIELDS {
            fields.push((name, field.text().await?));
        }
    }
    Ok((fields, file))
}

/// The parts of such a form, with a limit of its file.
fn parts(request: Request, file: u64) -> Result<Multipart<'static>, ApiError> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(|error| unreadable(&error))?;
    let limits = SizeLimit::new().per_field(FIELD_BYTES).for_field(FILE, file);
    let body = request.into_body().into_data_stream();
    Ok(Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits)))
}

fn unreadable(error: &multer::Error) -> ApiError {
    if matches!(error, multer::Error::FieldSizeExceeded { field_name: Some(name), .. } if name == FILE) {
        let most = HELD_BYTES / 1024 / 1024;
        let text = words!(
            "A file from here may have {most} MB. Bring larger ones with: planshift batch create.",
            "Un fichier d’ici peut avoir {most} Mo. Apportez les plus grands avec : planshift batch create."
        );
        return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "413", "BodyTooLarge", text);
    }
    ApiError::bad_input("InvalidForm", words!("The form cannot be read: {error}.", "Le formulaire ne peut pas être lu : {error}."))
}
