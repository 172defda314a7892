//! `POST /v1/invoices`: a file of an invoice: all of it is taken, or nothing.

use super::shown;
use crate::{
    app::App,
    files::{FileError, FileState},
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Parameters},
        files::{Said, format_of},
        once::hex,
        uploads,
        usage::whose,
    },
    invoices::{BringInvoice, InvoiceFile},
    words::{Words, words},
};
use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use planshift_billing::{Format, reconcile::Series};
use planshift_domain::ids::parse_guid;
use serde_json::json;
use uuid::Uuid;

const A_SERIES: &Words = &Words::both("D or G", "D ou G");

static SAID: Said = Said {
    kind: "invoice",
    it: Words::both("The invoice", "La facture"),
    faulty: "InvalidInvoice",
    under_way: Words::both(
        "Another invoice of the partner is being taken. Send one at a time.",
        "Une autre facture du partenaire est en cours de lecture. Envoyez-les une à une.",
    ),
    taken_away: Words::both(
        "The invoice could not be taken in time, or what it replaces was withdrawn meanwhile: nothing of it was taken. Try again.",
        "La facture n’a pas pu être prise à temps, ou celle qu’elle remplace a été retirée entre-temps : rien n’en a été pris. Réessayez.",
    ),
};

/// Takes the body as the file of an invoice: `series=D`, the legacy offer's, or `series=G`, the plan's.
pub(in crate::http) async fn bring(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer, ApiError> {
    let partner = whose(&app, &context, &parameters).await?;
    let series = parameters.parse("series", A_SERIES, |text| match text.to_ascii_uppercase().as_str() {
        "D" => Some(Series::Legacy),
        "G" => Some(Series::Plan),
        _ => None,
    })?;
    let series = series.ok_or_else(|| {
        let text = words!(
            "Say which invoice it is, with series: D for the legacy offer’s, G for the plan’s.",
            "Précisez de quelle facture il s’agit, avec series : D pour l’ancienne offre, G pour le plan."
        );
        ApiError::bad_input("InvalidParameter", text)
    })?;
    let replaces: Option<Uuid> = parameters.parse("replaces", A_GUID, parse_guid)?;
    let format = format_of(&headers)?;
    if series == Series::Legacy && format != Format::Csv {
        let text = words!("An invoice of the series D is read as text/csv alone.", "Une facture de la série D n’est lue qu’en text/csv.");
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "415", "UnsupportedMediaType", text));
    }
    // the same request again is told what became of the first
    if let Some(file) = SAID.known(&app.invoices.files, &context, partner).await? {
        return answer(&file, false);
    }
    if let Some(id) = replaces {
        let replaced = super::find(&app, &context, &id.to_string()).await?;
        if replaced.partner != partner || replaced.brought.series != series || replaced.state != FileState::Done {
            return Err(does_not_count(id));
        }
    }
    let (file, hash) = uploads::received(&app, &context, &headers, body).await?;
    let _turn = uploads::turn(&app).await?;
    let actor = context.caller.actor.clone();
    let bring = BringInvoice { id: context.request_id, partner, series, format, actor, document: hex(&hash), replaces };
    let brought = app.invoices.bring(&bring, file).await;
    SAID.count(&app.metrics, &brought);
    match brought {
        Ok((file, was_here)) => answer(&file, was_here),
        // it has come whole
        Err(FileError::BrokeOff(error)) => Err(ApiError::internal(&error)),
        Err(error) => Err(SAID.of(error)),
    }
}

fn answer(file: &InvoiceFile, was_here: bool) -> Result<Answer, ApiError> {
    let mut value = shown(file);
    value["wasHere"] = json!(was_here);
    Answer::json(&value)
}

pub(super) fn does_not_count(id: Uuid) -> ApiError {
    let text = words!(
        "The invoice {id} does not count: it was withdrawn, or was never taken, or is of another series.",
        "La facture {id} ne compte pas : elle a été retirée, n’a jamais été prise, ou est d’une autre série."
    );
    ApiError::new(StatusCode::CONFLICT, "409", "InvoiceDoesNotCount", text)
}
