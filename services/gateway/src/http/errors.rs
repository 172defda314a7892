//! An error as Partner Center prints it: its standard shape with the fields of its newer services.
//!
//! A handler returns an [`ApiError`]; the body is written when the correlation id is known, by what surrounds the handlers.

use crate::{
    ask::AskError,
    words::{Locale, Words, words},
};
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use planshift_domain::ids::CustomerId;
use planshift_storage::StorageError;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Who the error is from, as the field `source` says.
const SOURCE: &str = "PlanshiftGateway";
/// The longest description. Source: Partner Center's error codes.
const DESCRIPTION_CHARS: usize = 1024;
/// Input that is not as it must be, where no code says it more exactly.
pub(crate) const BAD_INPUT: &str = "800002";

/// An error of the API.
#[derive(Clone, Debug)]
pub(crate) struct ApiError(Box<Fields>);

#[derive(Clone, Debug)]
struct Fields {
    status: StatusCode,
    code: &'static str,
    name: String,
    description: Words,
    retryable: bool,
    retry_after: Option<u32>,
    data: Vec<Value>,
    more: Map<String, Value>,
    definite: bool,
    headers: Vec<(&'static str, String)>,
    /// It is told in the shape that Partner Center's gate has for those who ask too fast.
    is_pace: bool,
    /// Which property of the request is wrong: a page shows it at its field.
    property: Option<&'static str>,
}

impl ApiError {
    /// An error with Microsoft's code (the status where there is none) and our name for it.
    pub(crate) fn new(status: StatusCode, code: &'static str, name: impl Into<String>, description: Words) -> Self {
        let fields = Fields {
            status,
            code,
            name: name.into(),
            description,
            retryable: false,
            retry_after: None,
            data: Vec::new(),
            more: Map::new(),
            definite: false,
            headers: Vec::new(),
            is_pace: false,
            property: None,
        };
        Self(Box::new(fields))
    }

    /// The request is not as it must be.
    pub(crate) fn bad_input(name: &str, description: Words) -> Self {
        Self::new(StatusCode::BAD_REQUEST, BAD_INPUT, name, description)
    }

    /// No such transition, or one of another partner: both look the same.
    pub(crate) fn unknown_upgrade(id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "900106",
            "UpgradeNotFound",
            words!("There is no upgrade {id}.", "Il n’existe pas de mise à niveau {id}."),
        )
    }

    /// The customer's id is none, or nobody knows it.
    pub(crate) fn invalid_customer(description: Words) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "900118", "InvalidCustomerId", description)
    }

    /// Nobody has imported the customer.
    pub(crate) fn not_imported(customer: CustomerId) -> Self {
        Self::invalid_customer(words!(
            "The customer {customer} is not known. Import its account document first: POST /v1/accounts.",
            "Le client {customer} n’est pas connu. Importez d’abord son document de comptes : POST /v1/accounts."
        ))
    }

    /// The customer's facts are just being replaced.
    pub(crate) fn import_under_way() -> Self {
        let text = words!(
            "An import of the customer is under way: wait until it was answered.",
            "Une importation du client est en cours : attendez qu’elle ait reçu sa réponse."
        );
        Self::new(StatusCode::CONFLICT, "900278", "ImportInProgress", text).after(1)
    }

    /// More than one partner has the customer.
    pub(crate) fn which_partner(customer: CustomerId) -> Self {
        let text = words!(
            "Several partners have the customer {customer}: say which with partnerId.",
            "Plusieurs partenaires ont le client {customer} : précisez lequel avec partnerId."
        );
        Self::bad_input("PartnerRequired", text)
    }

    /// A partner asks too fast. Source: the domain's section 5.3, shape 2.
    pub(crate) fn too_fast(seconds: u32) -> Self {
        let text = words!(
            "Rate limit is exceeded. Try again in {seconds} seconds.",
            "La limite de débit est dépassée. Réessayez dans {seconds} s."
        );
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, "429", "TooManyRequests", text).after(seconds);
        error.0.is_pace = true;
        error
    }

    /// It passes by itself.
    pub(crate) fn unavailable(description: Words) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "503", "ServiceUnavailable", description).after(2)
    }

    /// The fault is ours; the log says more than the answer.
    pub(crate) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        let text = words!(
            "The request failed here. The log has the correlation id.",
            "La requête a échoué ici. Le journal contient l’ID de corrélation."
        );
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "800003", "InternalError", text)
    }

    /// The same request may succeed later.
    pub(crate) fn retryable(mut self) -> Self {
        self.0.retryable = true;
        self
    }

    /// The same request may succeed after so many seconds.
    pub(crate) fn after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self.retryable()
    }

    /// The field `data`.
    pub(crate) fn data(mut self, data: Vec<Value>) -> Self {
        self.0.data = data;
        self
    }

    /// One more field.
    pub(crate) fn with(mut self, name: &str, value: impl Serialize) -> Self {
        // our own types become JSON; a field that did not would only be absent
        self.0.more.insert(name.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// One more header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }

    /// Whoever was asked has decided: under its idempotency key, this is the answer from now on.
    pub(crate) fn definite(mut self) -> Self {
        self.0.definite = true;
        self
    }

    /// It is about this property of the request.
    pub(crate) fn of(mut self, property: &'static str) -> Self {
        self.0.property = Some(property);
        self
    }

    /// The property that it is about, where it is about one.
    pub(crate) fn property(&self) -> Option<&'static str> {
        self.0.property
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Our name for it.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// What people are told.
    pub(crate) fn text(&self, locale: Locale) -> &str {
        self.0.description.text(locale)
    }

    /// A field that it has beyond those of every error.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.0.more.get(name)
    }

    /// What it says in detail.
    pub(crate) fn details(&self) -> &[Value] {
        &self.0.data
    }

    pub(crate) fn is_definite(&self) -> bool {
        self.0.definite
    }

    pub(crate) fn retry_after(&self) -> Option<u32> {
        self.0.retry_after
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = (String, String)> {
        self.0.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))
    }

    /// The body, in that language.
    pub(crate) fn body(&self, correlation: Uuid, locale: Locale) -> String {
        let text = self.0.description.text(locale);
        if self.0.is_pace {
            return json!({ "statusCode": self.0.status.as_u16(), "message": text }).to_string();
        }
        let description = described(text);
        let mut body = json!({
            "code": self.0.code,
            "description": description,
            "data": self.0.data,
            "source": SOURCE,
            "errorName": self.0.name,
            "isRetryable": self.0.retryable,
            "correlationId": correlation,
        });
        if let Value::Object(fields) = &mut body {
            fields.extend(self.0.more.clone());
        }
        body.to_string()
    }
}

/// A description as it is sent: no longer than it may be, and what it repeats of a request cannot be taken for a command by whatever shows it.
fn described(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { c.escape_unicode().collect() } else { c.to_string() };
    let text: String = text.chars().map(shown).collect();
    match text.char_indices().nth(DESCRIPTION_CHARS) {
        None => text,
        Some(_) => text.chars().take(DESCRIPTION_CHARS - 1).chain(['…']).collect(),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Unavailable(_) | StorageError::CommitUnknown(_) | StorageError::Conflict(_) => {
                tracing::warn!(%error, "the read model is away");
                Self::unavailable(words!("The database is away. Try again.", "La base de données n’est pas joignable. Réessayez."))
            }
            other => Self::internal(&other),
        }
    }
}

impl From<AskError> for ApiError {
    fn from(error: AskError) -> Self {
        let what = match error {
            AskError::NoAnswer => words!(
                "No answer came in time. The same request, with the same MS-RequestId, finds out what became of it.",
                "Aucune réponse n’est arrivée à temps. La même requête, avec le même MS-RequestId, apprendra ce qu’il en est advenu."
            ),
            AskError::Busy => words!("Too much is under way. Try again.", "Trop de travaux sont en cours. Réessayez."),
        };
        Self::unavailable(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_holds_no_command_and_is_no_longer_than_it_may_be() {
        assert_eq!(described("row 1, \0\u{1b}[2J:\n  é"), "row 1, \\u{0}\\u{1b}[2J:\n  é");
        assert_eq!(described(&"é".repeat(DESCRIPTION_CHARS)), "é".repeat(DESCRIPTION_CHARS));
        let cut = described(&"\0".repeat(DESCRIPTION_CHARS));
        assert_eq!((cut.chars().count(), cut.chars().last()), (DESCRIPTION_CHARS, Some('…')));
    }
}
