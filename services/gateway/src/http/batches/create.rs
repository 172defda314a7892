//! `POST /v1/productUpgrades/batches`: a list of customers, as JSON or as a table, or a filter. Taken whole, or not at all.

use super::shown;
use crate::{
    app::App,
    batches::{
        AT_ONCE, By, Document, Faults, Filter, Form, LARGEST_STOP_MINIMUM, MOST_AT_ONCE, NewBatch, Options, Place, REFERENCE_CHARS,
        STOP_MINIMUM, Source, Taken, UploadError, Which, reference,
    },
    http::{
        actor::{actor, reason},
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{Fields, Parameters},
        once::{hex, once},
        uploads,
    },
    words::words,
};
use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use planshift_domain::ids::{MpnId, PartnerId};
use serde_json::{Map, Value, json};

/// What may stand beside the rows. A table's options come in the query.
const PROPERTIES: [&str; 12] = [
    "externalReferenceId",
    "partnerId",
    "filter",
    "atOnce",
    "stopPercent",
    "stopMinimum",
    "dryRun",
    "start",
    "keepToPlan",
    "reason",
    "actor",
    "attributes",
];

pub(in crate::http) async fn create(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer, ApiError> {
    let form = form_of(&headers);
    let (file, hash) = uploads::received(&app, &context, &headers, body).await?;
    let _turn = uploads::turn(&app).await?;
    // the same bytes as another kind, or for another partner, are another request
    let query = PROPERTIES.map(|name| parameters.get(name).unwrap_or_default()).join("&");
    let target = format!("POST /v1/productupgrades/batches {form:?} {query}");
    let work = Box::pin(taken(&app, &context, &parameters, Document { file, form }));
    once(&app, &context, &target, &hex(&hash), work).await
}

/// A table where the content type says so.
fn form_of(headers: &HeaderMap) -> Form {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "text/csv" { Form::Table } else { Form::Json }
}

async fn taken(app: &App, context: &Context, parameters: &Parameters, document: Document) -> Result<Answer, ApiError> {
    let form = document.form;
    let (document, mut read) = document.look().await?;
    let fields = match form {
        Form::Json => {
            for name in read.rest.options.keys().filter(|name| !PROPERTIES.iter().any(|known| known.eq_ignore_ascii_case(name))) {
                let names = PROPERTIES.join(", ");
                read.faults.add(Place::default().column(name), name, words!("rows, or one of {names}", "rows, ou l’un de {names}"));
            }
            fields_of(std::mem::take(&mut read.rest.options))?
        }
        Form::Table => fields_of(from_query(parameters))?,
    };
    // what cannot even be read as JSON says so by its faults, and not by what is missing in it
    if read.good == 0 && !read.faults.is_empty() {
        return Err(faulty(&read.faults.sorted(), context));
    }
    let options = options(&fields, read.rest.has_rows)?;
    let partner = partner(app, context, &fields, parameters).await?;
    let new = NewBatch {
        partner,
        reference: reference_of(&fields, context)?,
        options,
        rows_hash: read.rows_hash,
        by: By { actor: actor(&fields, context)?, reason: reason(&fields)? },
        traceparent: context.trace.traceparent(),
        schedule: None,
    };
    match app.batches.take(new, Source::Document(document), read.faults).await? {
        Taken::Batch(batch) => {
            let location = format!("productUpgrades/batches/{}", batch.id);
            Ok(Answer::json(&shown::whole(app, &batch).await?)?.status(StatusCode::CREATED).header("location", location))
        }
        Taken::Another(batch, differences) => {
            let (reference, what) = (&batch.reference, differences.join(", "));
            let text = words!(
                "There is a batch {reference:?} already, and it differs from this one in: {what}. Another batch needs another external reference.",
                "Il existe déjà un lot {reference:?}, qui diffère de celui-ci par : {what}. Un autre lot demande une autre référence externe."
            );
            let error = ApiError::new(StatusCode::CONFLICT, "409", "BatchDiffers", text);
            Err(error.with("batchId", batch.id).with("differences", differences).definite())
        }
        Taken::Faulty(faults) => Err(faulty(&faults, context)),
    }
}

pub(in crate::http) fn faulty(faults: &Faults, context: &Context) -> ApiError {
    // not for good: a customer that is not known now may be imported, and the same sent again
    ApiError::bad_input("InvalidBatch", faults.words()).data(faults.data(context.locale)).with("faults", faults.total())
}

fn fields_of(options: Map<String, Value>) -> Result<Fields, ApiError> {
    Fields::read(Bytes::from(Value::Object(options).to_string()))
}

/// A table's options, as JSON would have them.
fn from_query(parameters: &Parameters) -> Map<String, Value> {
    let value = |text: &str| match text {
        "true" => json!(true),
        "false" => json!(false),
        other => other.parse::<u32>().map_or_else(|_| json!(other), |number| json!(number)),
    };
    let texts = ["externalReferenceId", "partnerId", "reason", "actor"];
    let given = PROPERTIES.iter().filter_map(|name| Some((*name, parameters.get(name)?)));
    given.map(|(name, text)| (name.to_owned(), if texts.contains(&name) { json!(text) } else { value(text) })).collect()
}

fn options(fields: &Fields, has_rows: bool) -> Result<Options, ApiError> {
    let filter = fields.object("filter")?.map(|filter| filter_of(&filter)).transpose()?;
    if filter.is_some() == has_rows {
        let text = words!(
            "Say which customers are meant: rows, or a filter, and not both.",
            "Dites quels clients sont visés : rows, ou bien filter, mais pas les deux."
        );
        return Err(ApiError::bad_input("InvalidBody", text));
    }
    // who may move is found out by the dry run
    let needs_plan = filter.as_ref().is_some_and(|filter| filter.customers == Which::Eligible);
    let options = Options {
        filter,
        at_once: fields.number("atOnce", 1, MOST_AT_ONCE)?.unwrap_or(AT_ONCE),
        stop_percent: fields.number("stopPercent", 0, 100)?,
        stop_minimum: fields.number("stopMinimum", 1, LARGEST_STOP_MINIMUM)?.unwrap_or(STOP_MINIMUM),
        dry_run: fields.flag("dryRun")? || needs_plan,
        start: fields.flag("start")?,
        keep_to_plan: fields.flag("keepToPlan")?,
    };
    if options.keep_to_plan && options.start && !options.dry_run {
        let text = words!(
            "keepToPlan holds starts to what a dry run has shown: say dryRun too, or start later.",
            "keepToPlan lie les démarrages à ce qu’une simulation a montré : demandez aussi dryRun, ou démarrez plus tard."
        );
        return Err(ApiError::bad_input("InvalidBody", text));
    }
    Ok(options)
}

fn filter_of(filter: &Fields) -> Result<Filter, ApiError> {
    let wrong = |text| Err(ApiError::bad_input("InvalidBody", text));
    let customers = match filter.text("customers")?.map(str::to_lowercase).as_deref() {
        Some("all") => Which::All,
        Some("eligible") => Which::Eligible,
        _ => {
            return wrong(words!(
                "The property customers of the filter must be all or eligible.",
                "La propriété customers du filtre doit être all ou eligible."
            ));
        }
    };
    let reseller = match filter.text("reseller")?.map(MpnId::try_new) {
        None => None,
        Some(Ok(reseller)) => Some(reseller),
        Some(Err(_)) => {
            return wrong(words!(
                "The property reseller of the filter must be an MPN id: digits.",
                "La propriété reseller du filtre doit être un ID MPN : des chiffres."
            ));
        }
    };
    Ok(Filter { customers, reseller })
}

/// The partner's own name of it; without one, each request is a batch of its own.
pub(in crate::http) fn reference_of(fields: &Fields, context: &Context) -> Result<String, ApiError> {
    match fields.text("externalReferenceId")?.map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(context.given_id.to_string()),
        Some(text) => reference(text).map(str::to_owned).ok_or_else(|| {
            let text = words!(
                "The property externalReferenceId may have {REFERENCE_CHARS} characters, and none that is a control character.",
                "La propriété externalReferenceId peut avoir {REFERENCE_CHARS} caractères, dont aucun de contrôle."
            );
            ApiError::bad_input("InvalidBody", text)
        }),
    }
}

/// Whose batch it is: the caller's own; for one who sees all, the one that the request names, or the only one that there is.
pub(in crate::http) async fn partner(
    app: &App,
    context: &Context,
    fields: &Fields,
    parameters: &Parameters,
) -> Result<PartnerId, ApiError> {
    let named = match fields.text("partnerId")?.or(parameters.get("partnerId")) {
        None => None,
        Some(text) => Some(text.parse::<PartnerId>().map_err(|_| {
            let text = words!(
                "{text:?} is no partner id: a GUID was expected.",
                "{text:?} n’est pas un ID de partenaire : un GUID était attendu."
            );
            ApiError::bad_input("InvalidPartnerId", text)
        })?),
    };
    match (context.caller.partner, named) {
        (Some(own), Some(other)) if own != other => {
            let text = words!("The batch is of another partner.", "Le lot est d’un autre partenaire.");
            Err(ApiError::new(StatusCode::FORBIDDEN, "900308", "Forbidden", text))
        }
        (Some(own), _) => Ok(own),
        (None, Some(named)) => Ok(named),
        (None, None) => app.model.only_partner().await?.ok_or_else(|| {
            let text = words!(
                "Say with partnerId whose batch it is: there are several partners, or none has imported customers.",
                "Précisez avec partnerId de qui est le lot : il y a plusieurs partenaires, ou aucun n’a importé de clients."
            );
            ApiError::new(axum::http::StatusCode::CONFLICT, "409", "PartnerRequired", text)
        }),
    }
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Storage(error) => error.into(),
            UploadError::Io(error) => Self::internal(&error),
            UploadError::Stopped => Self::internal(&"reading a batch ended early"),
            UploadError::Schedule(error) => error.into(),
        }
    }
}
