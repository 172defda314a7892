//! Settings of an OpenID provider, checked.

use super::client::{ClientOptions, ClientSettings};
use planshift_domain::ids::PartnerId;
use reqwest::Url;

/// In an issuer, this stands for the token's own tenant. Source: the metadata of Microsoft Entra ID for several tenants.
pub(super) const TENANT: &str = "{tenantid}";
/// Where Microsoft Entra ID describes an issuer of several tenants.
const ORGANIZATIONS: &str = "organizations";

/// What is configured, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct OidcOptions {
    /// The issuer, as its tokens say it (`iss`); `{tenantid}` in it stands for the token's tenant.
    pub issuer: Option<String>,
    /// Whom tokens must be for (`aud`): one of these.
    pub audiences: Vec<String>,
    /// Where the keys are; where it is not given, the issuer's own description says so.
    pub jwks_url: Option<String>,
    /// The tenants whose tokens count; every tenant of the issuer where none is given.
    pub tenants: Vec<String>,
    /// The tenant in which the role `Operator` makes an operator of the whole installation.
    pub operator_tenant: Option<String>,
    /// Signing in to the portal there.
    pub client: ClientOptions,
}

/// Settings of an OpenID provider.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    pub(super) issuer: String,
    pub(super) audiences: Vec<String>,
    pub(super) jwks_url: Option<Url>,
    pub(super) tenants: Vec<PartnerId>,
    pub(super) operator_tenant: Option<PartnerId>,
    pub(super) client: Option<ClientSettings>,
}

/// What is configured cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidOidc(pub(super) String);

impl OidcSettings {
    /// The settings that were meant; none where nothing is configured.
    ///
    /// # Errors
    /// What is missing or is none of its kind, by the name of its variable.
    pub fn new(options: OidcOptions) -> Result<Option<Self>, InvalidOidc> {
        let wrong = |text: String| Err(InvalidOidc(text));
        let OidcOptions { issuer, audiences, jwks_url, tenants, operator_tenant, client } = options;
        // what is set to nothing is not set: compose files pass variables on that nobody has filled in
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let all = |texts: Vec<String>| texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
        let (audiences, tenants, jwks_url, operator_tenant) = (all(audiences), all(tenants), given(jwks_url), given(operator_tenant));
        let client = client.settings()?;
        let Some(issuer) = given(issuer) else {
            let is_nothing =
                audiences.is_empty() && jwks_url.is_none() && tenants.is_empty() && operator_tenant.is_none() && client.is_none();
            if is_nothing {
                return Ok(None);
            }
            return wrong("settings of an OpenID provider are given without its issuer (PLANSHIFT_OIDC_ISSUER)".to_owned());
        };
        if audiences.is_empty() {
            return wrong("PLANSHIFT_OIDC_AUDIENCE is missing: without it, a token for any other application would count".to_owned());
        }
        secure_url("PLANSHIFT_OIDC_ISSUER", &issuer.replace(TENANT, ORGANIZATIONS))?;
        let tenant = |name: &str, text: &str| -> Result<PartnerId, InvalidOidc> {
            text.parse().map_err(|_| InvalidOidc(format!("{name}: {text:?} is no tenant id: a GUID was expected")))
        };
        let tenants = tenants.iter().map(|text| tenant("PLANSHIFT_OIDC_TENANTS", text)).collect::<Result<Vec<_>, _>>()?;
        if issuer.contains(TENANT) && tenants.is_empty() {
            return wrong(format!("PLANSHIFT_OIDC_TENANTS is missing: with {TENANT} in the issuer, anybody's tenant would count"));
        }
        Ok(Some(Self {
            issuer,
            audiences,
            jwks_url: jwks_url.map(|text| secure_url("PLANSHIFT_OIDC_JWKS_URL", &text)).transpose()?,
            tenants,
            operator_tenant: operator_tenant.map(|text| tenant("PLANSHIFT_OIDC_OPERATOR_TENANT", &text)).transpose()?,
            client,
        }))
    }

    /// Where the issuer describes itself. Source: OpenID Connect Discovery 1.0, section 4.
    pub(super) fn description_url(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.issuer.replace(TENANT, ORGANIZATIONS).trim_end_matches('/'))
    }

    /// The issuer that a token of this tenant must name.
    pub(super) fn issuer_of(&self, tenant: &str) -> String {
        self.issuer.replace(TENANT, tenant)
    }
}

/// A URL that nobody on the way can answer in the place of its host: HTTPS, or this machine.
pub(super) fn secure_url(name: &str, text: &str) -> Result<Url, InvalidOidc> {
    let wrong = || InvalidOidc(format!("{name}: {text:?} is no https URL (http is for this machine alone)"));
    let url = Url::parse(text).map_err(|_| wrong())?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" if !host.is_empty() => Ok(url),
        "http" if is_here => Ok(url),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(issuer: &str) -> OidcOptions {
        OidcOptions { issuer: Some(issuer.to_owned()), audiences: vec!["api".into()], ..OidcOptions::default() }
    }

    fn portal() -> ClientOptions {
        ClientOptions { id: Some("portal".into()), portal_url: Some("https://moves.example".into()), ..ClientOptions::default() }
    }

    #[test]
    fn nothing_is_nothing_and_half_is_an_error_that_names_what_is_missing() {
        assert!(OidcSettings::new(OidcOptions::default()).unwrap().is_none());
        let empty = || Some(String::new());
        let client = ClientOptions { id: empty(), scopes: vec![String::new()], portal_url: empty(), secret: None };
        let unfilled = OidcOptions {
            issuer: empty(),
            audiences: vec![String::new()],
            jwks_url: empty(),
            tenants: vec![String::new()],
            operator_tenant: empty(),
            client,
        };
        assert!(OidcSettings::new(unfilled).unwrap().is_none());
        let tenant = "c501c3c4-d776-40ef-9ecf-9cefb59442c1";
        for (options, named) in [
            (OidcOptions { audiences: vec!["api".into()], ..OidcOptions::default() }, "PLANSHIFT_OIDC_ISSUER"),
            (OidcOptions { client: portal(), ..OidcOptions::default() }, "PLANSHIFT_OIDC_ISSUER"),
            (
                OidcOptions { client: ClientOptions { portal_url: None, ..portal() }, ..options("https://id.example") },
                "PLANSHIFT_PORTAL_URL",
            ),
            (OidcOptions { audiences: vec![String::new()], ..options("https://id.example") }, "PLANSHIFT_OIDC_AUDIENCE"),
            (options("http://id.example"), "PLANSHIFT_OIDC_ISSUER"),
            (options("id.example"), "PLANSHIFT_OIDC_ISSUER"),
            (OidcOptions { jwks_url: Some("http://id.example/keys".into()), ..options("https://id.example") }, "PLANSHIFT_OIDC_JWKS_URL"),
            (options("https://id.example/{tenantid}/v2.0"), "PLANSHIFT_OIDC_TENANTS"),
            (OidcOptions { tenants: vec!["contoso".into()], ..options("https://id.example") }, "PLANSHIFT_OIDC_TENANTS"),
            (OidcOptions { operator_tenant: Some("x".into()), ..options("https://id.example") }, "PLANSHIFT_OIDC_OPERATOR_TENANT"),
        ] {
            let error = OidcSettings::new(options).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
        let several = OidcOptions { tenants: vec![tenant.to_uppercase()], ..options("https://id.example/{tenantid}/v2.0/") };
        let several = OidcSettings::new(several).unwrap().unwrap();
        assert_eq!(several.description_url(), "https://id.example/organizations/v2.0/.well-known/openid-configuration");
        assert_eq!(several.issuer_of(tenant), format!("https://id.example/{tenant}/v2.0/"));
    }

    #[test]
    fn http_is_for_this_machine_alone() {
        for here in ["http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]:1/x", "https://id.example"] {
            assert!(secure_url("X", here).is_ok(), "{here}");
        }
        for elsewhere in ["http://127.0.0.1.example.org", "http://10.0.0.1", "ftp://localhost", "file:///keys", "http://localhost.example"]
        {
            assert!(secure_url("X", elsewhere).is_err(), "{elsewhere}");
        }
    }
}
