//! `POST /v1/productUpgrades/schedules`: one customer, several, or a batch. Taken whole, or not at all.

use super::{shown, when::when};
use crate::{
    app::App,
    batches::{By, Faults, NewRow, Place},
    http::{
        actor::{actor, reason},
        answer::Answer,
        batches,
        context::Context,
        errors::ApiError,
        fields::{Fields, Parameters},
        once::{hash, once},
    },
    schedules::{Made, MakeError, NewSchedule, Whose},
    words::words,
};
use axum::{Extension, extract::State, http::StatusCode};
use planshift_domain::ids::{CustomerId, PartnerId};

/// How many customers may be listed: more do not fit a body. Any number comes as a batch.
pub(in crate::http) const MOST_LISTED: usize = 1_000;

pub(in crate::http) async fn create(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let by = By { actor: actor(&fields, &context)?, reason: reason(&fields).map_err(|error| error.of("reason"))? };
    let reference = batches::reference_of(&fields, &context).map_err(|error| error.of("externalReferenceId"))?;
    let when = when(&fields)?;
    let (partner, whose) = whose(&app, &context, &fields, &parameters).await?;
    let new = NewSchedule::new(app.ports.random.id(), (partner, reference), &whose, when, by, context.trace.traceparent());
    let query = parameters.get("partnerId").unwrap_or_default();
    let target = format!("POST /v1/productupgrades/schedules {query}");
    once(&app, &context, &target, &hash(&fields.raw), Box::pin(made(&app, &context, new, whose))).await
}

async fn made(app: &App, context: &Context, new: NewSchedule, whose: Whose) -> Result<Answer, ApiError> {
    match app.schedules.make(new, whose).await? {
        Made::Schedule(schedule) => {
            let location = format!("productUpgrades/schedules/{}", schedule.id);
            Ok(Answer::json(&shown::whole(app, &schedule).await?)?.status(StatusCode::CREATED).header("location", location))
        }
        Made::Another(schedule, differences) => {
            let (reference, what) = (&schedule.reference, differences.join(", "));
            let text = words!(
                "There is a schedule {reference:?} already, and it differs from this one in: {what}. Another one needs another external reference.",
                "Il existe déjà une planification {reference:?}, qui diffère de celle-ci par : {what}. Une autre demande une autre référence externe."
            );
            let error = ApiError::new(StatusCode::CONFLICT, "409", "ScheduleDiffers", text);
            Err(error.of("externalReferenceId").with("scheduleId", schedule.id).with("differences", differences).definite())
        }
        Made::ReferenceOfBatch(batch) => {
            let reference = &batch.reference;
            let text = words!(
                "There is a batch {reference:?} already: schedule that one by its batchId, or use another external reference.",
                "Il existe déjà un lot {reference:?} : planifiez-le par son batchId, ou prenez une autre référence externe."
            );
            let error = ApiError::new(StatusCode::CONFLICT, "409", "BatchDiffers", text).of("externalReferenceId");
            Err(error.with("batchId", batch.id).definite())
        }
        Made::Faulty(faults) => Err(batches::faulty(&faults, context).of("customerIds")),
    }
}

/// Whom it moves, and whose they are.
async fn whose(app: &App, context: &Context, fields: &Fields, parameters: &Parameters) -> Result<(PartnerId, Whose), ApiError> {
    let customers = fields.texts("customerIds", MOST_LISTED).map_err(|error| error.of("customerIds"))?;
    let (customer, batch) = (fields.text("customerId")?, fields.text("batchId")?);
    let listed = match (customer, batch, customers.is_empty()) {
        (None, Some(batch), true) => {
            let batch = batches::find(app, context, batch).await?;
            return Ok((batch.partner, Whose::Batch(batch.id)));
        }
        (Some(one), None, true) => vec![one],
        (None, None, false) => customers,
        _ => {
            let text = words!(
                "Say who is meant by one of customerId, customerIds and batchId.",
                "Dites qui est visé par l’un de customerId, customerIds et batchId."
            );
            return Err(ApiError::bad_input("InvalidBody", text).of("customerIds"));
        }
    };
    let (mut faults, mut rows) = (Faults::default(), Vec::with_capacity(listed.len()));
    for (number, text) in (1..).zip(listed) {
        match text.trim().parse::<CustomerId>() {
            Ok(customer) => rows.push(NewRow { number, customer, reference: String::new(), plan_hash: None }),
            Err(_) => {
                let expected = words!("the tenant id of a customer, a GUID", "l’ID de locataire d’un client, un GUID");
                faults.add(Place::row(number).column("customerId"), text, expected);
            }
        }
    }
    if !faults.is_empty() {
        return Err(batches::faulty(&faults, context).of("customerIds"));
    }
    let partner = batches::partner(app, context, fields, parameters).await.map_err(|error| error.of("partnerId"))?;
    Ok((partner, Whose::Customers(rows)))
}

impl From<MakeError> for ApiError {
    fn from(error: MakeError) -> Self {
        let conflict = |name, text| Self::new(StatusCode::CONFLICT, "409", name, text).definite();
        match error {
            MakeError::UnknownBatch => batches::unknown(""),
            MakeError::NotAllowedInState(state) => {
                let state = state.name();
                let text = words!(
                    "A batch in the state {state} cannot be scheduled: it has begun.",
                    "Un lot dans l’état {state} ne peut pas être planifié : il a commencé."
                );
                conflict("NotAllowedInState", text).with("state", state)
            }
            MakeError::Scheduled(schedule) => batches::scheduled(schedule),
            MakeError::NotPlanned => batches::not_planned(),
            MakeError::NothingWaits => conflict("NothingWaits", super::acts::nothing_waits()),
            MakeError::Known => Self::internal(&"a schedule that is known is shown"),
            MakeError::When(error) => error.into(),
            MakeError::Storage(error) => error.into(),
        }
    }
}
