//! What is configured about webhooks, as it was typed, and as it was meant.

use super::SigningKey;
use crate::settings::WebhookSettings;
use reqwest::Url;
use std::{path::PathBuf, time::Duration};

/// What is configured, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct WebhookOptions {
    /// What receivers reach the gateway by.
    pub public_url: Option<String>,
    /// `http` and internal addresses are called too.
    pub allow_internal: bool,
    /// The PEM file of the key that events are signed with.
    pub key: Option<PathBuf>,
    /// The PEM file of its certificate.
    pub certificate: Option<PathBuf>,
    /// For how many days what was delivered is kept.
    pub keep_days: Option<u32>,
}

/// What is configured cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidWebhooks(String);

impl WebhookOptions {
    /// The settings that were meant.
    ///
    /// # Errors
    /// What is missing or is none of its kind, by the name of its variable.
    pub fn settings(self) -> Result<WebhookSettings, InvalidWebhooks> {
        let usual = WebhookSettings::default();
        let signing = match (self.key, self.certificate) {
            (None, None) => None,
            (Some(key), Some(certificate)) => {
                let given = SigningKey::of_files(&key, &certificate);
                Some(
                    given.map_err(|error| {
                        InvalidWebhooks(format!("PLANSHIFT_WEBHOOK_KEY_FILE, PLANSHIFT_WEBHOOK_CERTIFICATE_FILE: {error}"))
                    })?,
                )
            }
            (Some(_), None) => {
                return Err(InvalidWebhooks("PLANSHIFT_WEBHOOK_CERTIFICATE_FILE is missing: the key has a certificate".to_owned()));
            }
            (None, Some(_)) => return Err(InvalidWebhooks("PLANSHIFT_WEBHOOK_KEY_FILE is missing: the certificate has a key".to_owned())),
        };
        Ok(WebhookSettings {
            public_url: self.public_url.map(|text| public(&text)).transpose()?,
            allow_internal: self.allow_internal,
            signing,
            keep_delivered: self.keep_days.map_or(usual.keep_delivered, |days| Duration::from_secs(u64::from(days) * 24 * 3600)),
            ..usual
        })
    }
}

fn public(text: &str) -> Result<String, InvalidWebhooks> {
    let wrong = || {
        InvalidWebhooks(format!("PLANSHIFT_PUBLIC_URL: {text:?} is no URL of a gateway: https://HOST or https://HOST/PATH was expected"))
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if matches!(url.scheme(), "https" | "http") && url.has_host() && is_plain {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_the_usual_and_what_is_wrong_is_named() {
        let usual = WebhookOptions::default().settings().unwrap();
        assert!(!usual.allow_internal && usual.signing.is_none() && usual.public_url.is_none());
        let public = |url: &str| WebhookOptions { public_url: Some(url.to_owned()), ..WebhookOptions::default() }.settings();
        assert_eq!(public("https://moves.example/api/").unwrap().public_url.as_deref(), Some("https://moves.example/api"));
        for wrong in ["moves.example", "ftp://moves.example", "https://", "https://moves.example?x=1", "https://a:b@moves.example"] {
            assert!(public(wrong).unwrap_err().to_string().contains("PLANSHIFT_PUBLIC_URL"), "{wrong}");
        }
        let file = Some(PathBuf::from("/nowhere/at/all"));
        for (options, named) in [
            (WebhookOptions { key: file.clone(), ..WebhookOptions::default() }, "PLANSHIFT_WEBHOOK_CERTIFICATE_FILE is missing"),
            (WebhookOptions { certificate: file.clone(), ..WebhookOptions::default() }, "PLANSHIFT_WEBHOOK_KEY_FILE is missing"),
            (WebhookOptions { key: file.clone(), certificate: file, ..WebhookOptions::default() }, "/nowhere/at/all"),
        ] {
            let error = options.settings().unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
        let short = WebhookOptions { keep_days: Some(2), ..WebhookOptions::default() }.settings().unwrap();
        assert_eq!(short.keep_delivered, Duration::from_secs(2 * 24 * 3600));
    }
}
