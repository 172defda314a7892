//! What can go wrong between this client and the API, and what people are told about it.

use crate::exit::Failure;
use planshift_domain::{ids::TransitionId, transition::Finding};
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write as _;

/// How many faults of a document are printed.
const FAULTS_SHOWN: usize = 100;

/// An error of the API or of the way to it.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No answer.
    #[error("the API at {url} is not reached")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// Nothing was sent: there was no connection.
        not_sent: bool,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The API refused.
    #[error("the API refused: {}", .0.summary())]
    Refused(Box<Refusal>),
    /// The answer is not one of this API's.
    #[error("the answer of {url} is not as this version of the API gives it")]
    Garbled {
        /// What was asked.
        url: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What was to be sent could not be read.
    #[error("what was to be sent could not be read")]
    Body(#[source] std::io::Error),
    /// What came could not be written.
    #[error("what came could not be written")]
    Written(#[source] std::io::Error),
}

/// A refusal: the body of an answer that is not a success.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Refusal {
    /// The HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// Microsoft's code, a number or a text.
    pub code: Value,
    /// Our stable name of it.
    pub error_name: String,
    /// In words.
    pub description: String,
    /// In words, where somebody asks too fast: those errors have a shape of their own.
    pub message: String,
    /// The transition that it is about.
    pub transition_id: Option<TransitionId>,
    /// What blocks.
    pub reasons: Vec<Finding>,
    /// The faults of a document.
    pub data: Vec<Value>,
}

impl Refusal {
    /// Code, name and description in one line.
    pub fn summary(&self) -> String {
        let code = match &self.code {
            Value::Null => format!("HTTP {}", self.status),
            Value::String(code) => code.clone(),
            other => other.to_string(),
        };
        let mut text = code;
        for part in [&self.error_name, &self.description, &self.message] {
            if !part.is_empty() {
                let _ = write!(text, "{} {part}", if text.contains(' ') { ":" } else { "" });
            }
        }
        text
    }

    fn faults(&self) -> String {
        let mut text = String::new();
        for fault in self.data.iter().take(FAULTS_SHOWN) {
            let field = |name: &str| match &fault[name] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            // of a document by its path, of a table by row and column
            let place = if fault["path"].is_null() { format!("row {}, column {}", field("row"), field("column")) } else { field("path") };
            let _ = match fault {
                Value::Object(_) => write!(text, "\n{place}: found {}, expected {}", field("found"), field("expected")),
                Value::String(fault) => write!(text, "\n{fault}"),
                other => write!(text, "\n{other}"),
            };
        }
        if self.data.len() > FAULTS_SHOWN {
            let _ = write!(text, "\n… {} in all", self.data.len());
        }
        text
    }

    fn advice(&self) -> Option<&'static str> {
        Some(match (self.error_name.as_str(), self.status) {
            ("PastThePivot", _) => {
                "every subscription is mapped, from here a transition only goes forward: watch it with `planshift watch`"
            }
            ("NotAllowedInState", _) => "look where it stands with `planshift status`",
            ("ImportInProgress", _) => "wait until the import is answered, then start again",
            (_, 401) => {
                "give a token with --token or PLANSHIFT_TOKEN (or PLANSHIFT_TOKEN_FILE), or name the services' data folder with --data: \
                 its file `token` holds the one that `planshift serve` has made"
            }
            ("LocalOnly", _) => "name the API by 127.0.0.1 or localhost",
            (_, 403) => "give a token that may do this with --token",
            (_, 404) => "`planshift list` shows what there is; a customer must be imported before it can be started",
            (_, 409) if self.transition_id.is_some() => "follow the one under way with `planshift watch`",
            (_, 429 | 503) => "try again in a moment",
            (_, 500..) => "the service's log says more",
            _ => return None,
        })
    }
}

impl ApiError {
    /// Will it go away by itself? Then what was asked may be asked again.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(refusal) => matches!(refusal.status, 429 | 502..=504) || refusal.error_name == "ImportInProgress",
            Self::Garbled { .. } | Self::Body(_) | Self::Written(_) => false,
        }
    }

    /// The refusal, where it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        if let Self::Refused(refusal) = self { Some(refusal) } else { None }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Refused(refusal) => {
                let mut text = format!("{}{}", refusal.summary(), refusal.faults());
                for reason in &refusal.reasons {
                    let _ = write!(text, "\n{} ({}): {}", reason.code, reason.resource_id, reason.description);
                }
                if let Some(id) = refusal.transition_id {
                    let _ = write!(text, "\ntransition {id}");
                }
                // what was asked is wrong (400, 404 …) or merely not possible now
                let failure =
                    if matches!(refusal.status, 400 | 404 | 405 | 413 | 415 | 422) { Self::usage(text) } else { Self::program(text) };
                match refusal.advice() {
                    Some(advice) => failure.advise(advice),
                    None => failure,
                }
            }
            ApiError::Unreachable { url, not_sent, source } => {
                let advice = if not_sent {
                    "start it first with `planshift serve --data DIR`, or name another one with --api".to_owned()
                } else {
                    format!("whether it was done is not known: ask {url} again when it is back")
                };
                Self::program(format!("the API at {url} is not reached")).because(source.without_url()).advise(advice)
            }
            ApiError::Garbled { url, source } => {
                Self::program(format!("the answer of {url} is not as this version of the API gives it")).because(source)
            }
            ApiError::Body(source) => Self::program("what was to be sent could not be read").because(source),
            ApiError::Written(source) => Self::program("what came could not be written").because(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn refusal(status: u16, body: &str) -> ApiError {
        let mut refusal: Refusal = serde_json::from_str(body).unwrap();
        refusal.status = status;
        ApiError::Refused(Box::new(refusal))
    }

    #[test]
    fn a_refusal_is_told_with_code_name_description_and_what_to_do() {
        let error = refusal(409, r#"{"code":900109,"errorName":"PastThePivot","description":"too late"}"#);
        assert!(!error.is_passing());
        let text = Failure::from(error).to_string();
        assert!(text.starts_with("900109 PastThePivot: too late\n") && text.contains("planshift watch"), "{text}");
    }

    #[test]
    fn a_missing_token_and_too_many_requests_say_what_to_do() {
        let text = Failure::from(refusal(401, r#"{"code":"401","errorName":"TokenMissing","description":"no"}"#)).to_string();
        assert!(text.contains("--token") && text.contains("--data") && text.contains("PLANSHIFT_TOKEN_FILE"), "{text}");
        let error = refusal(429, r#"{"statusCode":429,"message":"Rate limit is exceeded. Try again in 57 seconds."}"#);
        assert!(error.is_passing());
        let text = Failure::from(error).to_string();
        assert!(text.starts_with("HTTP 429: Rate limit is exceeded. Try again in 57 seconds."), "{text}");
    }

    #[test]
    fn faults_of_a_document_are_all_told_and_end_with_two() {
        let error =
            refusal(400, r#"{"code":"2000","description":"no","data":[{"path":"customers[0].id","found":"7","expected":"a GUID"}]}"#);
        let failure = Failure::from(error);
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(failure.to_string().contains("\ncustomers[0].id: found 7, expected a GUID"), "{failure}");
    }

    #[test]
    fn what_passes_by_itself_is_asked_again() {
        assert!(refusal(503, "{}").is_passing());
        assert!(refusal(409, r#"{"errorName":"ImportInProgress"}"#).is_passing());
        assert!(!refusal(409, "{}").is_passing() && !refusal(400, "{}").is_passing() && !refusal(500, "{}").is_passing());
    }
}
