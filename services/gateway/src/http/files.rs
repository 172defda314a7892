//! Files that are brought, of usage and of invoices: what is told of both in the same way.

use super::{
    answer::Answer,
    context::Context,
    errors::ApiError,
    fields::{A_GUID, Parameters},
    pages::{Asked, Page, again},
    usage::whose,
};
use crate::{
    app::App,
    files::{Brought, File, FileError, FileState, Files},
    words::{Words, words},
};
use axum::http::{HeaderMap, StatusCode, header};
use planshift_billing::{Format, parse::Faults};
use planshift_domain::ids::{PartnerId, parse_guid};
use planshift_worker::metrics::{FILES, Metrics};
use serde_json::{Value, json};
use uuid::Uuid;

const PAGE: u32 = 50;

/// What files are counted as.
const KINDS: [&str; 2] = ["usage", "invoice"];
const OUTCOMES: [&str; 4] = ["taken", "refused", "underWay", "broken"];

/// Makes every series appear.
pub(super) fn count_from_zero(metrics: &Metrics) {
    for (kind, outcome) in KINDS.into_iter().flat_map(|kind| OUTCOMES.map(|outcome| (kind, outcome))) {
        metrics.add(FILES, &[("kind", kind), ("outcome", outcome)], 0);
    }
}

/// What is said of files of a kind.
pub(super) struct Said {
    /// What they are counted as.
    pub(super) kind: &'static str,
    /// How a sentence about one begins.
    pub(super) it: Words,
    /// The stable code of one that has faults.
    pub(super) faulty: &'static str,
    /// Another one of the partner is being taken.
    pub(super) under_way: Words,
    /// It took too long.
    pub(super) taken_away: Words,
}

impl Said {
    /// Counts what became of one.
    pub(super) fn count<T>(&self, metrics: &Metrics, taken: &Result<T, FileError>) {
        let outcome = match taken {
            Ok(_) => "taken",
            Err(FileError::Faults(_)) => "refused",
            Err(FileError::UnderWay) => "underWay",
            Err(FileError::BrokeOff(_) | FileError::Ask(_) | FileError::Storage(_) | FileError::TakenAway) => "broken",
        };
        metrics.add(FILES, &[("kind", self.kind), ("outcome", outcome)], 1);
    }

    /// Why a file was not taken.
    pub(super) fn of(&self, error: FileError) -> ApiError {
        match error {
            FileError::UnderWay => self.under_way(),
            FileError::Faults(faults) => self.faulty(&faults),
            FileError::BrokeOff(error) => {
                let it = &self.it;
                let text = words!(
                    "{it} broke off, and nothing of it was taken: {error}.",
                    "{it} s’est interrompu et rien n’en a été pris : {error}.";
                    it
                );
                ApiError::bad_input("InvalidBody", text)
            }
            FileError::Ask(error) => error.into(),
            FileError::Storage(error) => error.into(),
            FileError::TakenAway => ApiError::unavailable(self.taken_away.clone()),
        }
    }

    fn under_way(&self) -> ApiError {
        ApiError::new(StatusCode::CONFLICT, "900278", "ImportInProgress", self.under_way.clone()).after(2)
    }

    /// All faults that are listed in `data`, and the first ones in words.
    fn faulty(&self, faults: &Faults) -> ApiError {
        let data = faults.listed.iter().map(|fault| json!(fault)).collect();
        let listed = faults.listed.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let (it, total) = (&self.it, faults.total);
        let text = words!(
            "{it} has {total} faults, and nothing of it was taken: {listed}",
            "{it} a {total} erreurs et rien n’en a été pris : {listed}";
            it
        );
        ApiError::bad_input(self.faulty, text).data(data).with("faults", total)
    }

    /// What became of the same request, where it came before: none where it is to be taken.
    pub(super) async fn known<T: Brought>(
        &self,
        files: &Files<T>,
        context: &Context,
        partner: PartnerId,
    ) -> Result<Option<File<T>>, ApiError> {
        let Some(file) = files.find(context.request_id).await?.filter(|file| file.partner == partner) else { return Ok(None) };
        match file.state {
            FileState::Done | FileState::Withdrawn => Ok(Some(file)),
            FileState::Refused => Err(self.faulty(&file.faults.unwrap_or_default())),
            FileState::Running | FileState::Undoing => Err(self.under_way()),
            FileState::Broken => Ok(None),
        }
    }
}

/// The file of that id, where there is one that the caller may see.
pub(super) async fn find<T: Brought>(files: &Files<T>, context: &Context, id: &str) -> Result<Option<File<T>>, ApiError> {
    let found = match parse_guid(id) {
        Some(id) => files.find(id).await?,
        None => None,
    };
    Ok(found.filter(|file| context.caller.sees(file.partner)))
}

/// A page of them, the newest first.
pub(super) async fn list<T: Brought>(
    (app, files): (&App, &Files<T>),
    context: &Context,
    parameters: &Parameters,
    headers: &HeaderMap,
    path: &str,
    shown: fn(&File<T>) -> Value,
) -> Result<Answer, ApiError> {
    let named: Option<PartnerId> = parameters.parse("partnerId", A_GUID, |text| text.parse().ok())?;
    // an operator may see those of all
    let partner = if context.caller.sees_all() && named.is_none() { None } else { Some(whose(app, context, parameters).await?) };
    let asked = Asked::read(headers, parameters, PAGE)?;
    let before = asked.after(|token| {
        let (at, id) = token.split_once('-')?;
        Some((at.parse().ok()?, Uuid::try_parse(id).ok()?))
    })?;
    let mut files = files.newest(partner, before, asked.size + 1).await?;
    let next = asked.cut(&mut files, |last| format!("{}-{}", last.created_at.as_micros(), last.id.as_simple()));
    let items = files.iter().map(shown).collect();
    asked.answer(path, &again(parameters, &["partnerId"]), Page { items, next, ..Page::default() })
}

/// What is shown of every file; its id as `id`.
pub(super) fn shown<T>(file: &File<T>, id: &str) -> Value {
    json!({
        id: file.id,
        "partnerId": file.partner,
        "state": file.state.name(),
        "format": file.format,
        "actor": file.actor,
        "document": file.document,
        "createdAt": file.created_at,
        "endedAt": file.ended_at,
        "faults": file.faults.as_ref().map(|faults| faults.total),
        "listedFaults": file.faults.as_ref().map(|faults| &faults.listed),
    })
}

/// How a file is written, by its content type.
pub(super) fn format_of(headers: &HeaderMap) -> Result<Format, ApiError> {
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
