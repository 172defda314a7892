//! The gateway alone in a process: what the environment says of it.

use crate::{
    Auth, ClientOptions, ClientSecret, Gateway, GatewayError, LocalToken, Made, OidcOptions, OidcSettings, Options, Settings, TOKEN_FILE,
    WebhookOptions, gateway::DEFAULT_ADDRESS,
};
use planshift_worker::host::Parts;
use std::{net::SocketAddr, path::PathBuf, str::FromStr};
use tokio_util::sync::CancellationToken;

/// The data folder unless `PLANSHIFT_DATA` says otherwise.
const DATA: &str = "planshift-data";

/// Variables, so that tests can bring their own.
type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Runs a gateway on what the process gives it, as the environment says, until `stop`.
///
/// | variable | says |
/// |---|---|
/// | `PLANSHIFT_LISTEN` | where to listen; default 127.0.0.1:8080 |
/// | `PLANSHIFT_LOCAL_TOKEN`, `PLANSHIFT_LOCAL_TOKEN_FILE` | the local token; else that of the data folder |
/// | `PLANSHIFT_DATA` | the data folder; default `planshift-data` |
/// | `PLANSHIFT_OIDC_ISSUER`, `_AUDIENCE`, `_JWKS_URL`, `_TENANTS`, `_OPERATOR_TENANT` | an OpenID provider; several values have commas between them |
/// | `PLANSHIFT_OIDC_CLIENT_ID`, `_CLIENT_SECRET` (or `_CLIENT_SECRET_FILE`), `_SCOPES`, `PLANSHIFT_PORTAL_URL` | signing in to the portal there; several scopes have spaces between them |
/// | `PLANSHIFT_ALLOW_REMOTE` | `true`: listen where others reach it, with the local token alone |
/// | `PLANSHIFT_REQUESTS_PER_MINUTE`, `PLANSHIFT_REQUEST_BURST` | limits of each partner |
/// | `PLANSHIFT_PUBLIC_URL` | what receivers of webhooks reach the gateway by |
/// | `PLANSHIFT_WEBHOOK_KEY_FILE`, `PLANSHIFT_WEBHOOK_CERTIFICATE_FILE` | what webhooks are signed with; else a key is made and kept in the database |
/// | `PLANSHIFT_WEBHOOKS_ALLOW_INTERNAL` | `true`: `http` and internal addresses are called too |
/// | `PLANSHIFT_JAEGER_URL` | where people reach Jaeger: the portal links to traces there |
/// | `PLANSHIFT_WEBHOOKS_KEEP_DAYS` | for how many days what was delivered is kept; default 30 |
///
/// # Errors
/// `Setting` where a variable is wrong; any other.
pub async fn serve(parts: Parts, stop: CancellationToken) -> Result<(), GatewayError> {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let address: SocketAddr = parsed(&variable, "PLANSHIFT_LISTEN", "an address like 127.0.0.1:8080")?.unwrap_or(DEFAULT_ADDRESS);
    let (auth, settings) = (auth(&variable, address)?, settings(&variable)?);
    let Parts { database, broker, ports, metrics, readiness } = parts;
    let options = Options { address, metrics, auth, settings, readiness: Some(readiness), ..Options::new(database, broker, ports) };
    Gateway::bind(options).await?.run(stop).await
}

fn settings(variable: Variable<'_>) -> Result<Settings, GatewayError> {
    let usual = Settings::default();
    let number = |name: &str, usual: u32| Ok::<_, GatewayError>(parsed(variable, name, "a number")?.unwrap_or(usual));
    Ok(Settings {
        requests_per_minute: number("PLANSHIFT_REQUESTS_PER_MINUTE", usual.requests_per_minute)?,
        request_burst: number("PLANSHIFT_REQUEST_BURST", usual.request_burst)?,
        budget_thresholds: match variable("PLANSHIFT_BUDGET_THRESHOLDS") {
            Some(text) => text.parse().map_err(|error| GatewayError::Setting(format!("PLANSHIFT_BUDGET_THRESHOLDS: {error}")))?,
            None => usual.budget_thresholds.clone(),
        },
        jaeger_url: jaeger(variable)?,
        webhooks: webhooks(variable)?.settings().map_err(|error| GatewayError::Setting(error.to_string()))?,
        ..usual
    })
}

/// The variable that says where people reach Jaeger.
pub const JAEGER_URL: &str = "PLANSHIFT_JAEGER_URL";

/// An address that a page may lead to: one of the web.
///
/// # Errors
/// The text is none.
pub fn web_address(text: &str) -> Result<String, String> {
    let is_web = url::Url::parse(text).is_ok_and(|url| ["http", "https"].contains(&url.scheme()));
    if is_web { Ok(text.to_owned()) } else { Err(format!("{text:?} is not an address like https://jaeger.example")) }
}

fn jaeger(variable: Variable<'_>) -> Result<Option<String>, GatewayError> {
    let address = variable(JAEGER_URL).map(|text| web_address(&text));
    address.transpose().map_err(|error| GatewayError::Setting(format!("{JAEGER_URL}: {error}")))
}

fn webhooks(variable: Variable<'_>) -> Result<WebhookOptions, GatewayError> {
    Ok(WebhookOptions {
        public_url: variable("PLANSHIFT_PUBLIC_URL"),
        allow_internal: parsed(variable, "PLANSHIFT_WEBHOOKS_ALLOW_INTERNAL", "true or false")?.unwrap_or(false),
        key: variable("PLANSHIFT_WEBHOOK_KEY_FILE").map(PathBuf::from),
        certificate: variable("PLANSHIFT_WEBHOOK_CERTIFICATE_FILE").map(PathBuf::from),
        keep_days: parsed(variable, "PLANSHIFT_WEBHOOKS_KEEP_DAYS", "a number of days")?,
    })
}

fn auth(variable: Variable<'_>, address: SocketAddr) -> Result<Auth, GatewayError> {
    let list = |name: &str| -> Vec<String> {
        variable(name).map(|text| text.split(',').map(|part| part.trim().to_owned()).collect()).unwrap_or_default()
    };
    let oidc = OidcSettings::new(OidcOptions {
        issuer: variable("PLANSHIFT_OIDC_ISSUER"),
        audiences: list("PLANSHIFT_OIDC_AUDIENCE"),
        jwks_url: variable("PLANSHIFT_OIDC_JWKS_URL"),
        tenants: list("PLANSHIFT_OIDC_TENANTS"),
        operator_tenant: variable("PLANSHIFT_OIDC_OPERATOR_TENANT"),
        client: ClientOptions {
            id: variable("PLANSHIFT_OIDC_CLIENT_ID"),
            secret: secret(variable, "PLANSHIFT_OIDC_CLIENT_SECRET")?.map(|(_, text)| ClientSecret::new(text)),
            scopes: variable("PLANSHIFT_OIDC_SCOPES").map(|text| text.split_whitespace().map(str::to_owned).collect()).unwrap_or_default(),
            portal_url: variable("PLANSHIFT_PORTAL_URL"),
        },
    });
    let oidc = oidc.map_err(|error| GatewayError::Setting(error.to_string()))?;
    let allow_remote = parsed(variable, "PLANSHIFT_ALLOW_REMOTE", "true or false")?.unwrap_or(false);
    if !address.ip().is_loopback() && oidc.is_none() && !allow_remote {
        // before a token is made that nobody will use
        return Err(GatewayError::NotLoopback(address));
    }
    Ok(Auth { local: local(variable)?, oidc, allow_remote })
}

fn local(variable: Variable<'_>) -> Result<LocalToken, GatewayError> {
    const NAME: &str = "PLANSHIFT_LOCAL_TOKEN";
    if let Some((name, text)) = secret(variable, NAME)? {
        return LocalToken::try_new(&text).map_err(|error| GatewayError::Setting(format!("{name}: {error}")));
    }
    let folder = variable("PLANSHIFT_DATA").map_or_else(|| PathBuf::from(DATA), PathBuf::from);
    let (token, made) = LocalToken::of_folder(&folder).map_err(|error| {
        let why = std::error::Error::source(&error).map(|why| format!(": {why}")).unwrap_or_default();
        GatewayError::Setting(format!("{error}{why}. Name another folder with PLANSHIFT_DATA, or give a token with {NAME} or {NAME}_FILE"))
    })?;
    if made == Made::Now {
        // once, to whoever starts it: it is in no log that is kept as such
        eprintln!("{}", made_text(&token, &folder.join(TOKEN_FILE).display()));
    }
    Ok(token)
}

/// What stands in the variable `name`, or in the file that `name_FILE` names; and which of the two it was.
fn secret(variable: Variable<'_>, name: &str) -> Result<Option<(String, String)>, GatewayError> {
    let file_name = format!("{name}_FILE");
    match (variable(name), variable(&file_name)) {
        (Some(_), Some(_)) => Err(GatewayError::Setting(format!("{name} and {file_name} are both set"))),
        (Some(text), None) => Ok(Some((name.to_owned(), text.trim().to_owned()))),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file).map_err(|error| GatewayError::Setting(format!("{file_name}: {error}")))?;
            Ok(Some((file_name, text.trim().to_owned())))
        }
        (None, None) => Ok(None),
    }
}

/// What is told of a token that was made: the one time that it is shown.
pub fn made_text(token: &LocalToken, file: &dyn std::fmt::Display) -> String {
    format!("local token, made now and shown this once: {}\n  it is kept in {file}, which its owner alone can read", token.expose())
}

fn parsed<T: FromStr>(variable: Variable<'_>, name: &str, expected: &str) -> Result<Option<T>, GatewayError> {
    let Some(text) = variable(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| GatewayError::Setting(format!("{name}: {text:?} is not {expected}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn with<T>(variables: &[(&str, &str)], read: impl Fn(Variable<'_>) -> Result<T, GatewayError>) -> Result<T, String> {
        let variables: HashMap<String, String> = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        read(&|name| variables.get(name).cloned()).map_err(|error| error.to_string())
    }

    fn here(variable: Variable<'_>) -> Result<Auth, GatewayError> {
        auth(variable, DEFAULT_ADDRESS)
    }

    #[test]
    fn an_address_that_others_reach_needs_a_provider_or_leave_and_else_no_token_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let data = ("PLANSHIFT_DATA", folder.path().to_str().unwrap());
        let open = |variable: Variable<'_>| auth(variable, "0.0.0.0:8080".parse().unwrap());
        let error = with(&[data], open).unwrap_err();
        assert!(error.contains("PLANSHIFT_ALLOW_REMOTE") && std::fs::read_dir(folder.path()).unwrap().count() == 0, "{error}");
        assert!(with(&[data, ("PLANSHIFT_ALLOW_REMOTE", "true")], open).unwrap().allow_remote);
        let provider = [data, ("PLANSHIFT_OIDC_ISSUER", "https://id.example"), ("PLANSHIFT_OIDC_AUDIENCE", "a, b")];
        assert!(with(&provider, open).unwrap().oidc.is_some());
    }

    #[test]
    fn a_token_that_is_given_leaves_nothing_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let (data, file) = (folder.path().join("data"), folder.path().join("secret"));
        let secret = "0123456789abcdef0123456789abcdef";
        std::fs::write(&file, format!("{secret}\n")).unwrap();
        let data_variable = ("PLANSHIFT_DATA", data.to_str().unwrap());
        for given in [("PLANSHIFT_LOCAL_TOKEN", secret), ("PLANSHIFT_LOCAL_TOKEN_FILE", file.to_str().unwrap())] {
            let auth = with(&[data_variable, given], here).unwrap();
            assert_eq!(auth.local.expose(), secret);
            assert!(!data.exists());
        }
        let made = with(&[data_variable], here).unwrap();
        assert_eq!(Some(made.local), LocalToken::read(&data).unwrap());
    }

    #[test]
    fn what_is_wrong_is_named_and_a_secret_is_not_repeated() {
        let token = ("PLANSHIFT_LOCAL_TOKEN", "0123456789abcdef0123456789abcdef");
        for (variables, named) in [
            (vec![("PLANSHIFT_LOCAL_TOKEN", "hunter2")], "PLANSHIFT_LOCAL_TOKEN"),
            (vec![token, ("PLANSHIFT_LOCAL_TOKEN_FILE", "/x")], "both set"),
            (vec![("PLANSHIFT_LOCAL_TOKEN_FILE", "/nowhere/at/all")], "PLANSHIFT_LOCAL_TOKEN_FILE"),
            (vec![token, ("PLANSHIFT_OIDC_AUDIENCE", "api")], "PLANSHIFT_OIDC_ISSUER"),
            (vec![token, ("PLANSHIFT_OIDC_CLIENT_SECRET", "hunter2")], "PLANSHIFT_OIDC_CLIENT_ID"),
            (vec![token, ("PLANSHIFT_OIDC_CLIENT_ID", "p"), ("PLANSHIFT_OIDC_CLIENT_SECRET_FILE", "/nowhere/at/all")], "SECRET_FILE"),
            (vec![token, ("PLANSHIFT_OIDC_CLIENT_ID", "p")], "PLANSHIFT_PORTAL_URL"),
            (vec![token, ("PLANSHIFT_OIDC_CLIENT_ID", "p"), ("PLANSHIFT_PORTAL_URL", "https://p.example")], "PLANSHIFT_OIDC_ISSUER"),
            (vec![token, ("PLANSHIFT_ALLOW_REMOTE", "yes please")], "PLANSHIFT_ALLOW_REMOTE"),
            (vec![("PLANSHIFT_DATA", "/proc/nowhere")], "PLANSHIFT_DATA"),
        ] {
            let error = with(&variables, here).unwrap_err();
            assert!(error.contains(named) && !error.contains("hunter2") && !error.contains(token.1), "{error}");
        }
        assert!(with(&[("PLANSHIFT_REQUESTS_PER_MINUTE", "many")], settings).unwrap_err().contains("PLANSHIFT_REQUESTS_PER_MINUTE"));
        assert!(with(&[("PLANSHIFT_JAEGER_URL", "javascript:alert(1)")], settings).unwrap_err().contains("PLANSHIFT_JAEGER_URL"));
        assert_eq!(with(&[("PLANSHIFT_REQUEST_BURST", "7")], settings).unwrap().request_burst, 7);
        for (name, value) in [
            ("PLANSHIFT_PUBLIC_URL", "here"),
            ("PLANSHIFT_WEBHOOKS_ALLOW_INTERNAL", "perhaps"),
            ("PLANSHIFT_WEBHOOK_KEY_FILE", "/x"),
            ("PLANSHIFT_WEBHOOKS_KEEP_DAYS", "-1"),
        ] {
            assert!(with(&[(name, value)], settings).unwrap_err().contains("PLANSHIFT_WEBHOOK") || name == "PLANSHIFT_PUBLIC_URL");
        }
        let trial = [("PLANSHIFT_WEBHOOKS_ALLOW_INTERNAL", "true"), ("PLANSHIFT_PUBLIC_URL", "https://moves.example")];
        assert!(with(&trial, settings).unwrap().webhooks.allow_internal);
    }
}
