//! Tokens: those that a hosted API takes, and the one that a client sends.

use crate::{
    cli::{AuthArgs, PortalArgs, SendingArgs},
    exit::Failure,
    settings::{Environment, Secret, secret},
};
use planshift_gateway::{
    Auth, ClientOptions, ClientSecret, LocalToken, LocalTokenError, Made, OidcOptions, OidcSettings, Settings, TOKEN_FILE, WebhookOptions,
    made_text,
};
use std::{net::SocketAddr, path::Path};

/// The variable with the secret of the portal as a client of the OpenID provider; with `_FILE` behind it, likewise.
const CLIENT_SECRET: &str = "PLANSHIFT_OIDC_CLIENT_SECRET";
/// The variable with the local token; with `_FILE` behind it, that of a file that holds it.
const LOCAL_TOKEN: &str = "PLANSHIFT_LOCAL_TOKEN";

/// Who may use an API that is hosted for others, as the options, the environment and the data folder say. A local token that has to
/// be made is made, and told once on standard error.
///
/// # Errors
/// Usage: settings that do not fit together, no token where one should be, an address that others reach without leave. Program: the
/// data folder cannot be written to.
pub fn hosted(args: &AuthArgs, listen: SocketAddr, data: &Path, environment: Environment<'_>) -> Result<Auth, Failure> {
    let oidc = OidcSettings::new(OidcOptions {
        issuer: args.oidc_issuer.clone(),
        audiences: args.oidc_audience.clone(),
        jwks_url: args.oidc_jwks_url.clone(),
        tenants: args.oidc_tenants.clone(),
        operator_tenant: args.oidc_operator_tenant.clone(),
        client: ClientOptions {
            id: args.oidc_client_id.clone(),
            secret: secret(None, CLIENT_SECRET, environment)?.map(|secret| ClientSecret::new(secret.expose())),
            scopes: args.oidc_scopes.clone(),
            portal_url: args.portal_url.clone(),
        },
    });
    let oidc = oidc.map_err(|error| Failure::usage(error.to_string()))?;
    if !listen.ip().is_loopback() && oidc.is_none() && !args.allow_remote {
        return Err(Failure::usage(format!("the API has a local token alone, so it listens on a loopback address: {listen} is none"))
            .advise("configure an OpenID provider with --oidc-issuer; or, where something in front of it speaks TLS, say --allow-remote"));
    }
    Ok(Auth { local: local(data, environment)?, oidc, allow_remote: args.allow_remote })
}

/// The gateway's limits, with those that the options set, and how it sends webhooks.
///
/// # Errors
/// Usage: settings of webhooks that do not fit together, a key that is none; thresholds that are none.
pub fn limits(args: &AuthArgs, sending: &SendingArgs, portal: &PortalArgs) -> Result<Settings, Failure> {
    let usual = Settings::default();
    let webhooks = WebhookOptions {
        public_url: sending.public_url.clone(),
        allow_internal: sending.webhooks_allow_internal,
        key: sending.webhook_key.clone(),
        certificate: sending.webhook_certificate.clone(),
        keep_days: sending.webhooks_keep_days,
    };
    Ok(Settings {
        requests_per_minute: args.requests_per_minute.unwrap_or(usual.requests_per_minute),
        request_burst: args.request_burst.unwrap_or(usual.request_burst),
        budget_thresholds: match &sending.budget_thresholds {
            Some(text) => text.parse().map_err(|error| Failure::usage(format!("--budget-thresholds: {error}")))?,
            None => usual.budget_thresholds.clone(),
        },
        webhooks: webhooks.settings().map_err(|error| Failure::usage(error.to_string()))?,
        jaeger_url: portal.jaeger_url.clone(),
        ..usual
    })
}

fn local(data: &Path, environment: Environment<'_>) -> Result<LocalToken, Failure> {
    if let Some(given) = secret(None, LOCAL_TOKEN, environment)? {
        return LocalToken::try_new(given.expose()).map_err(|error| Failure::usage(format!("{LOCAL_TOKEN} is no token")).because(error));
    }
    let (token, made) = LocalToken::of_folder(data).map_err(|error| {
        no_token(error).advise(format!("name another folder with --data, or give a token with {LOCAL_TOKEN} or {LOCAL_TOKEN}_FILE"))
    })?;
    if made == Made::Now {
        eprintln!("{}", made_text(&token, &data.join(TOKEN_FILE).display()));
    }
    Ok(token)
}

/// Where whoever wants to use a hosted API finds its local token.
pub fn whereabouts(data: &Path, environment: Environment<'_>) -> String {
    let file = format!("{LOCAL_TOKEN}_FILE");
    match [LOCAL_TOKEN, &file].into_iter().find(|name| environment(name).is_some()) {
        Some(name) => format!("the one in {name}"),
        None => format!("in {}", data.join(TOKEN_FILE).display()),
    }
}

/// What a client sends: the token that is given, else that of the environment, else the data folder's, where there is one.
///
/// # Errors
/// Usage: a file that is named cannot be read or holds no token.
pub fn sent(given: Option<&str>, data: &Path, environment: Environment<'_>) -> Result<Option<Secret>, Failure> {
    if let Some(token) = secret(given, "PLANSHIFT_TOKEN", environment)? {
        return Ok(Some(token));
    }
    let found = LocalToken::read(data)
        .map_err(|error| no_token(error).advise("give a token with --token or PLANSHIFT_TOKEN, or name another data folder with --data"))?;
    Ok(found.map(|token| Secret::new(token.expose())))
}

fn no_token(error: LocalTokenError) -> Failure {
    let failure = match error {
        LocalTokenError::Io { .. } => Failure::program(error.to_string()),
        LocalTokenError::Malformed | LocalTokenError::MalformedFile { .. } => Failure::usage(error.to_string()),
    };
    failure.because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn here() -> SocketAddr {
        "127.0.0.1:8080".parse().unwrap()
    }

    #[test]
    fn a_client_sends_what_is_given_before_what_lies_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = |_: &str| None;
        let variable = |name: &str| (name == "PLANSHIFT_TOKEN").then(|| "from-the-environment".to_owned());
        let text = |token: Option<Secret>| token.map(|token| token.expose().to_owned());
        assert_eq!(text(sent(None, folder.path(), &nothing).unwrap()), None);
        let (made, _) = LocalToken::of_folder(folder.path()).unwrap();
        assert_eq!(text(sent(None, folder.path(), &nothing).unwrap()).as_deref(), Some(made.expose()));
        assert_eq!(text(sent(None, folder.path(), &variable).unwrap()).as_deref(), Some("from-the-environment"));
        assert_eq!(text(sent(Some("given"), folder.path(), &variable).unwrap()).as_deref(), Some("given"));
        std::fs::write(folder.path().join(TOKEN_FILE), "hunter2").unwrap();
        let failure = sent(None, folder.path(), &nothing).unwrap_err();
        assert!(failure.exit() == Exit::Usage && !failure.to_string().contains("hunter2"), "{failure}");
    }

    #[test]
    fn an_api_that_others_reach_needs_a_provider_or_leave() {
        let folder = tempfile::tempdir().unwrap();
        let given = |name: &str| (name == LOCAL_TOKEN).then(|| SECRET.to_owned());
        let open: SocketAddr = "0.0.0.0:8080".parse().unwrap();
        let failure = hosted(&AuthArgs::default(), open, folder.path(), &given).unwrap_err();
        assert!(failure.exit() == Exit::Usage && failure.to_string().contains("--allow-remote"), "{failure}");
        let leave = AuthArgs { allow_remote: true, ..AuthArgs::default() };
        assert!(hosted(&leave, open, folder.path(), &given).is_ok());
        let issuer = Some("https://id.example".to_owned());
        let provider = AuthArgs { oidc_issuer: issuer.clone(), oidc_audience: vec!["api".into()], ..AuthArgs::default() };
        assert!(hosted(&provider, open, folder.path(), &given).unwrap().oidc.is_some());
        let portal = AuthArgs { oidc_client_id: Some("p".into()), portal_url: Some("https://p.example".into()), ..provider.clone() };
        assert!(hosted(&portal, here(), folder.path(), &given).is_ok());
        let nowhere = AuthArgs { portal_url: None, ..portal };
        assert!(hosted(&nowhere, here(), folder.path(), &given).unwrap_err().to_string().contains("PLANSHIFT_PORTAL_URL"));
        let secret = |name: &str| given(name).or_else(|| (name == CLIENT_SECRET).then(|| "hunter2".to_owned()));
        let failure = hosted(&provider, here(), folder.path(), &secret).unwrap_err().to_string();
        assert!(failure.contains("PLANSHIFT_OIDC_CLIENT_ID") && !failure.contains("hunter2"), "{failure}");
        let half = AuthArgs { oidc_issuer: issuer, ..AuthArgs::default() };
        assert_eq!(hosted(&half, here(), folder.path(), &given).unwrap_err().exit(), Exit::Usage);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a token that is given is not written");
    }

    #[test]
    fn a_local_token_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = |_: &str| None;
        let first = hosted(&AuthArgs::default(), here(), folder.path(), &nothing).unwrap();
        let second = hosted(&AuthArgs::default(), here(), folder.path(), &nothing).unwrap();
        assert_eq!(first.local, second.local);
        assert!(!format!("{first:?}").contains(first.local.expose()));
        let short = |name: &str| (name == LOCAL_TOKEN).then(|| "hunter2".to_owned());
        let failure = hosted(&AuthArgs::default(), here(), folder.path(), &short).unwrap_err();
        assert!(failure.exit() == Exit::Usage && !failure.to_string().contains("hunter2"), "{failure}");
    }
}
