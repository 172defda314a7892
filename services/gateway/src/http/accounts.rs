//! `POST /v1/accounts`: takes an account document whole, or refuses it whole. One object of JSON, or NDJSON where the content type says
//! so.

use super::{
    answer::Answer,
    context::Context,
    errors::ApiError,
    faults, findings,
    once::{hex, once},
    uploads,
};
use crate::{app::App, import, words::words};
use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use planshift_domain::{
    account::{DocumentError, Faults, Format},
    message::request::ImportedBy,
};
use serde_json::json;
use uuid::Uuid;

pub(super) async fn import(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer, ApiError> {
    let format = format_of(&headers);
    let target = match format {
        Format::Json => "POST /v1/accounts",
        Format::Lines => "POST /v1/accounts in lines",
    };
    let (file, hash) = uploads::received(&app, &context, &headers, body).await?;
    let _turn = uploads::turn(&app).await?;
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
