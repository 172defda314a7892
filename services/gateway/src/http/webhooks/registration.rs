//! `/webhooks/v1/registration`, `…/events`, and `/webhooks/v1/certificate`.

use super::{not_registered, whose};
use crate::{
    app::App,
    hooks::{EventName, Registered, Registration},
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{Fields, Parameters},
    },
    words::{Words, words},
};
use axum::{
    Extension,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use planshift_domain::ids::{PartnerId, parse_guid};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// How many events a registration may name: more than there are, for scripts that name some twice.
const MOST_EVENTS: usize = 100;
/// The certificate as receivers get it. Source: RFC 2585, section 4.1.
const DER: &str = "application/pkix-cert";

type Asked = (State<App>, Extension<Context>);

/// `GET /webhooks/v1/registration/events`: what may be registered for.
pub(in crate::http) async fn events() -> Result<Answer, ApiError> {
    Answer::json(&EventName::ALL.map(EventName::name))
}

/// `GET /webhooks/v1/registration`.
pub(in crate::http) async fn read((State(app), Extension(context)): Asked, parameters: Parameters) -> Result<Answer, ApiError> {
    let registration = app.webhooks.registration(whose(&context, &parameters)?).await?;
    shown(&registration.ok_or_else(not_registered)?)
}

/// `POST /webhooks/v1/registration` `{WebhookUrl, WebhookEvents, SubscriberId?}`. The same again is the same.
pub(in crate::http) async fn register(
    (State(app), Extension(context)): Asked,
    parameters: Parameters,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let partner = whose(&context, &parameters)?;
    let new = asked_for(&app, &context, partner, &fields, None)?;
    let registered = app.webhooks.register(&new).await?;
    let known = app.webhooks.registration(partner).await?.ok_or_else(not_registered)?;
    if registered == Registered::Before && (known.url != new.url || known.events != new.events) {
        let text = words!(
            "The partner has registered a webhook already. PUT changes it.",
            "Le partenaire a déjà inscrit un webhook. PUT le modifie."
        );
        return Err(ApiError::new(StatusCode::CONFLICT, "409", "WebhookAlreadyRegistered", text));
    }
    shown(&known)
}

/// `PUT /webhooks/v1/registration`: the same body. What waits goes to the new URL.
pub(in crate::http) async fn change(
    (State(app), Extension(context)): Asked,
    parameters: Parameters,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let partner = whose(&context, &parameters)?;
    let known = app.webhooks.registration(partner).await?.ok_or_else(not_registered)?;
    let to = asked_for(&app, &context, partner, &fields, Some(known.subscriber))?;
    if app.webhooks.change_registration(&to).await? { shown(&to) } else { Err(not_registered()) }
}

/// `DELETE /webhooks/v1/registration`: nothing is told any more. 204.
pub(in crate::http) async fn unregister((State(app), Extension(context)): Asked, parameters: Parameters) -> Result<Response, ApiError> {
    let is_gone = app.webhooks.unregister(whose(&context, &parameters)?).await?;
    if is_gone { Ok(StatusCode::NO_CONTENT.into_response()) } else { Err(not_registered()) }
}

/// `GET /webhooks/v1/certificate`: what signatures are checked by, as DER. Without a token: a receiver has none.
pub(in crate::http) async fn certificate(State(app): State<App>) -> Result<Response, ApiError> {
    let signing = app.webhooks.signing().await.map_err(|error| {
        tracing::warn!(%error, "there is no certificate for webhooks");
        ApiError::unavailable(words!(
            "The certificate is not here yet. Try again.",
            "Le certificat n’est pas encore là. Veuillez réessayer."
        ))
    })?;
    let mut response = signing.certificate().to_vec().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(DER));
    Ok(response)
}

fn asked_for(
    app: &App,
    context: &Context,
    partner: PartnerId,
    fields: &Fields,
    subscriber: Option<Uuid>,
) -> Result<Registration, ApiError> {
    let wrong = |text: Words| ApiError::bad_input("InvalidBody", text);
    let url = fields
        .text("WebhookUrl")?
        .ok_or_else(|| wrong(words!("The property WebhookUrl is missing.", "La propriété WebhookUrl manque.")))?;
    app.webhooks.reachable().url(url).map_err(|why| {
        let why = why.words();
        ApiError::bad_input("InvalidWebhookUrl", words!("The property WebhookUrl: {why}.", "La propriété WebhookUrl : {why}."; why))
    })?;
    let mut events = BTreeSet::new();
    for name in fields.texts("WebhookEvents", MOST_EVENTS)? {
        let unknown = || {
            let known = EventName::ALL.map(EventName::name).join(", ");
            ApiError::bad_input(
                "UnknownWebhookEvent",
                words!(
                    "The property WebhookEvents: there is no event {name:?}; there are {known}.",
                    "La propriété WebhookEvents : l’événement {name:?} n’existe pas ; il y a {known}."
                ),
            )
        };
        events.insert(EventName::from_name(name).ok_or_else(unknown)?);
    }
    if events.is_empty() {
        return Err(wrong(words!(
            "The property WebhookEvents must name at least one event.",
            "La propriété WebhookEvents doit nommer au moins un événement."
        )));
    }
    let given =
        match fields.text("SubscriberId")? {
            None => None,
            Some(text) => Some(parse_guid(text).ok_or_else(|| {
                wrong(words!("The property SubscriberId must be a GUID.", "La propriété SubscriberId doit être un GUID."))
            })?),
        };
    Ok(Registration {
        partner,
        subscriber: given.or(subscriber).unwrap_or_else(|| app.ports.random.id()),
        url: url.to_owned(),
        events,
        changed_at: app.ports.clock.now(),
        actor: context.caller.actor.clone(),
    })
}

fn shown(registration: &Registration) -> Result<Answer, ApiError> {
    let events: Vec<&str> = registration.events.iter().map(|event| event.name()).collect();
    Answer::json(&json!({
        "SubscriberId": registration.subscriber,
        "WebhookUrl": registration.url,
        "WebhookEvents": events,
        "PartnerId": registration.partner,
        "ChangedAt": registration.changed_at,
        "ChangedBy": registration.actor,
    }))
}
