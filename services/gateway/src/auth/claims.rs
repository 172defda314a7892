//! What a token says, once its signature holds: whether it counts, and who its bearer is.

use super::{
    caller::{Caller, Right},
    oidc::{OidcSettings, TENANT},
};
use crate::words::{Words, words};
use planshift_domain::{ids::PartnerId, time::Timestamp};
use serde::Deserialize;

/// How far the provider's clock and this one may be apart, in seconds.
const LEEWAY: f64 = 60.0;
/// The longest name that histories keep of somebody.
const ACTOR_CHARS: usize = 100;

/// Why a token does not count. None of these repeats anything of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    Malformed,
    Algorithm,
    UnknownKey,
    Signature,
    Issuer,
    Audience,
    Expired,
    NotYet,
    Tenant,
}

impl Rejected {
    /// Every one.
    pub(crate) const ALL: [Self; 9] = [
        Self::Malformed,
        Self::Algorithm,
        Self::UnknownKey,
        Self::Signature,
        Self::Issuer,
        Self::Audience,
        Self::Expired,
        Self::NotYet,
        Self::Tenant,
    ];

    /// As it is counted.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::Tenant => "tenant",
        }
    }

    /// As it is told to whoever has sent it.
    pub(crate) fn words(self) -> Words {
        match self {
            Self::Malformed => words!("it is no token of this installation", "ce n’est pas un jeton de cette installation"),
            Self::Algorithm => words!("it is signed in a way that is not accepted", "il est signé d’une façon qui n’est pas acceptée"),
            Self::UnknownKey => words!("the provider has no key of that name", "le fournisseur n’a pas de clé de ce nom"),
            Self::Signature => words!("its signature does not hold", "sa signature n’est pas valable"),
            Self::Issuer => words!("it is of another issuer", "il est d’un autre émetteur"),
            Self::Audience => words!("it is for another audience", "il est destiné à une autre audience"),
            Self::Expired => words!("it has expired", "il a expiré"),
            Self::NotYet => words!("it is not valid yet", "il n’est pas encore valide"),
            Self::Tenant => words!(
                "it is of a tenant that may not use this installation",
                "il est d’un locataire (tenant) qui ne peut pas utiliser cette installation"
            ),
        }
    }
}

/// The claims that are looked at.
#[derive(Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: OneOrMany,
    /// Seconds since 1970. Source: RFC 7519, section 2 (`NumericDate` may have a fraction).
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    tid: Option<String>,
    #[serde(default)]
    roles: Option<OneOrMany>,
    #[serde(default)]
    scp: Option<String>,
    #[serde(default)]
    idtyp: Option<String>,
    #[serde(default)]
    upn: Option<String>,
    #[serde(default)]
    preferred_username: Option<String>,
    #[serde(default)]
    oid: Option<String>,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    appid: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
}

impl Claims {
    /// Was the token made for this attempt to sign in?
    pub(super) fn is_of_attempt(&self, nonce: &str) -> bool {
        self.nonce.as_deref() == Some(nonce)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn any(&self, is_one: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::One(text) => is_one(text),
            Self::Many(texts) => texts.iter().any(|text| is_one(text)),
        }
    }
}

/// The bearer of a token whose signature holds.
pub(super) fn caller(claims: &Claims, settings: &OidcSettings, now: Timestamp) -> Result<Caller, Rejected> {
    let is_ours = claims.aud.any(|audience| settings.audiences.iter().any(|own| own == audience));
    let tenant = tenant_of(claims, settings, is_ours, now)?;
    let is_operators = settings.operator_tenant == Some(tenant);
    let (actor, app_only) = (actor(claims), is_app_only(claims));
    if is_operators && has_role(claims, "Operator") {
        return Ok(Caller::operator(actor, app_only));
    }
    let right = [("AdminAgent", Right::Manage), ("SalesAgent", Right::Sell), ("ReadOnlyAgent", Right::Read)];
    let right = right.into_iter().find(|(role, _)| has_role(claims, role)).map_or(Right::Open, |(_, right)| right);
    Ok(Caller::of_partner(tenant, right, actor, app_only))
}

/// Does an id token, whose signature holds, tell this client of somebody who may come in? Source: OpenID Connect Core 1.0, section
/// 3.1.3.7.
pub(super) fn identity(claims: &Claims, settings: &OidcSettings, client: &str, now: Timestamp) -> Result<(), Rejected> {
    // where others are meant as well, or somebody else has asked, it says so
    let is_alone = matches!(&claims.aud, OneOrMany::One(_)) || matches!(&claims.aud, OneOrMany::Many(all) if all.len() == 1);
    let is_asked_for = claims.azp.as_deref().map_or(is_alone, |asker| asker == client);
    let is_ours = is_asked_for && claims.aud.any(|audience| audience == client);
    tenant_of(claims, settings, is_ours, now).map(drop)
}

/// The tenant of a token that is for us, of our issuer, in its time, and of a tenant that may.
fn tenant_of(claims: &Claims, settings: &OidcSettings, is_ours: bool, now: Timestamp) -> Result<PartnerId, Rejected> {
    let tid = claims.tid.as_deref().unwrap_or_default();
    let tenant: Option<PartnerId> = tid.parse().ok();
    // without a tenant, an issuer that names one is never right
    let issuer = if settings.issuer.contains(TENANT) { tenant.map(|_| settings.issuer_of(tid)) } else { Some(settings.issuer.clone()) };
    if issuer.as_deref() != Some(claims.iss.as_str()) {
        return Err(Rejected::Issuer);
    }
    if !is_ours {
        return Err(Rejected::Audience);
    }
    let now = now.seconds_since(Timestamp::from_micros(0));
    // what is no number is never after now
    if !matches!((claims.exp + LEEWAY).partial_cmp(&now), Some(std::cmp::Ordering::Greater)) {
        return Err(Rejected::Expired);
    }
    if claims.nbf.is_some_and(|from| from - LEEWAY > now) {
        return Err(Rejected::NotYet);
    }
    let tenant = tenant.ok_or(Rejected::Tenant)?;
    let may = settings.operator_tenant == Some(tenant) || settings.tenants.is_empty() || settings.tenants.contains(&tenant);
    if may { Ok(tenant) } else { Err(Rejected::Tenant) }
}

fn has_role(claims: &Claims, role: &str) -> bool {
    claims.roles.as_ref().is_some_and(|roles| roles.any(|own| own == role))
}

/// Entra ID says it where it is asked to; else a token of a user has a scope, or says who the user is.
fn is_app_only(claims: &Claims) -> bool {
    match claims.idtyp.as_deref() {
        Some("app") => true,
        Some("user") => false,
        _ => claims.scp.is_none() && claims.upn.is_none() && claims.preferred_username.is_none(),
    }
}

/// Who, and through which app. The names are the provider's; they are kept short and on one line.
fn actor(claims: &Claims) -> String {
    let user = if is_app_only(claims) { None } else { [&claims.upn, &claims.preferred_username, &claims.oid].into_iter().flatten().next() };
    let app = [&claims.azp, &claims.appid].into_iter().flatten().next();
    let text = match (user, app) {
        (Some(user), Some(app)) => format!("{user} through {app}"),
        (Some(user), None) => user.clone(),
        (None, Some(app)) => format!("app {app}"),
        (None, None) => format!("app {}", claims.oid.as_deref().unwrap_or("without a name")),
    };
    text.chars().filter(|c| !c.is_control()).take(ACTOR_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{client::ClientOptions, oidc::OidcOptions};
    use super::*;
    use serde_json::{Value, json};

    const TENANT_A: &str = "c501c3c4-d776-40ef-9ecf-9cefb59442c1";
    const TENANT_B: &str = "20ec31de-ef82-4c2e-8f4b-25c63d0e5f5c";

    fn settings(issuer: &str, tenants: &[&str]) -> OidcSettings {
        let options = OidcOptions {
            issuer: Some(issuer.to_owned()),
            audiences: vec!["api".into(), "api://planshift".into()],
            tenants: tenants.iter().map(|text| (*text).to_owned()).collect(),
            operator_tenant: Some(TENANT_B.to_owned()),
            jwks_url: None,
            client: ClientOptions::default(),
        };
        OidcSettings::new(options).unwrap().unwrap()
    }

    /// A good one of an admin agent, with this changed; null takes a claim away. It is 1,000 seconds past the epoch.
    fn read(settings: &OidcSettings, change: &Value) -> Result<Caller, Rejected> {
        let mut claims = json!({
            "iss": "https://id.example", "aud": "api", "exp": 1_500, "nbf": 900, "tid": TENANT_A, "roles": ["AdminAgent"], "scp": "access",
            "upn": "maria@contoso.example", "oid": "o", "azp": "the-app",
        });
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        let claims: Claims = serde_json::from_value(claims).map_err(|_| Rejected::Malformed)?;
        caller(&claims, settings, Timestamp::from_micros(1_000_000_000))
    }

    #[test]
    fn each_claim_that_is_wrong_is_found() {
        let own = settings("https://id.example", &[TENANT_A]);
        assert!(read(&own, &json!({})).is_ok());
        for (change, why) in [
            (json!({ "iss": "https://id.example/" }), Rejected::Issuer),
            (json!({ "iss": null }), Rejected::Malformed),
            (json!({ "aud": "api2" }), Rejected::Audience),
            (json!({ "aud": [] }), Rejected::Audience),
            (json!({ "aud": null }), Rejected::Malformed),
            (json!({ "exp": 940 }), Rejected::Expired),
            (json!({ "exp": -1e300 }), Rejected::Expired),
            (json!({ "exp": null }), Rejected::Malformed),
            (json!({ "nbf": 1_061 }), Rejected::NotYet),
            (json!({ "tid": "70ec31de-ef82-4c2e-8f4b-25c63d0e5f5c" }), Rejected::Tenant),
            (json!({ "tid": "contoso" }), Rejected::Tenant),
            (json!({ "tid": null }), Rejected::Tenant),
        ] {
            assert_eq!(read(&own, &change).err(), Some(why), "{change}");
        }
        for fine in [json!({ "exp": 941 }), json!({ "nbf": 1_060 }), json!({ "nbf": null }), json!({ "aud": ["x", "api://planshift"] })] {
            assert!(read(&own, &fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn an_id_token_is_for_the_client_that_has_asked_and_of_its_attempt() {
        let own = settings("https://id.example", &[TENANT_A]);
        let of = |change: Value| -> Result<bool, Rejected> {
            let mut claims = json!({ "iss": "https://id.example", "aud": "portal", "exp": 1_500, "tid": TENANT_A, "nonce": "n" });
            claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let claims: Claims = serde_json::from_value(claims).unwrap();
            identity(&claims, &own, "portal", Timestamp::from_micros(1_000_000_000)).map(|()| claims.is_of_attempt("n"))
        };
        for fine in
            [json!({}), json!({ "aud": ["portal"] }), json!({ "aud": ["portal", "x"], "azp": "portal" }), json!({ "azp": "portal" })]
        {
            assert_eq!(of(fine.clone()), Ok(true), "{fine}");
        }
        for (change, why) in [
            (json!({ "aud": "api" }), Rejected::Audience),
            (json!({ "aud": ["portal", "x"] }), Rejected::Audience),
            (json!({ "azp": "x" }), Rejected::Audience),
            (json!({ "iss": "https://other.example" }), Rejected::Issuer),
            (json!({ "exp": 900 }), Rejected::Expired),
            (json!({ "tid": TENANT_B.replace('2', "3") }), Rejected::Tenant),
        ] {
            assert_eq!(of(change.clone()), Err(why), "{change}");
        }
        for other in [json!({ "nonce": "m" }), json!({ "nonce": null }), json!({ "nonce": "" })] {
            assert_eq!(of(other.clone()), Ok(false), "{other}");
        }
    }

    #[test]
    fn an_issuer_of_several_tenants_is_that_of_the_token_s_own() {
        let several = settings("https://id.example/{tenantid}/v2.0", &[TENANT_A]);
        assert!(read(&several, &json!({ "iss": format!("https://id.example/{TENANT_A}/v2.0") })).is_ok());
        for wrong in [json!(format!("https://id.example/{TENANT_B}/v2.0")), json!("https://id.example/{tenantid}/v2.0")] {
            assert_eq!(read(&several, &json!({ "iss": wrong })).err(), Some(Rejected::Issuer));
        }
        assert_eq!(read(&several, &json!({ "iss": "https://id.example//v2.0", "tid": "" })).err(), Some(Rejected::Issuer));
    }

    #[test]
    fn roles_give_rights_and_operators_are_of_their_own_tenant() {
        let any = settings("https://id.example", &[]);
        for (roles, right) in [
            (json!(["AdminAgent"]), Right::Manage),
            (json!(["ReadOnlyAgent", "SalesAgent"]), Right::Sell),
            (json!("ReadOnlyAgent"), Right::Read),
            (json!(["adminagent", "Operator"]), Right::Open),
            (json!([]), Right::Open),
            (json!(null), Right::Open),
        ] {
            let caller = read(&any, &json!({ "roles": roles })).unwrap();
            assert!(caller.may(right) && !caller.sees_all(), "{roles}");
            assert!([Right::Read, Right::Sell, Right::Manage, Right::Operate].into_iter().all(|more| more <= right || !caller.may(more)));
        }
        let operator = read(&any, &json!({ "roles": ["Operator"], "tid": TENANT_B })).unwrap();
        assert!(operator.sees_all() && operator.may(Right::Operate));
        let seller = read(&any, &json!({ "roles": ["SalesAgent"], "tid": TENANT_B })).unwrap();
        assert!(!seller.sees_all(), "only that role makes one");
    }

    #[test]
    fn who_acts_is_told_and_an_app_alone_is_known() {
        let any = settings("https://id.example", &[]);
        for (change, actor, alone) in [
            (json!({}), "maria@contoso.example through the-app", false),
            (json!({ "upn": null, "preferred_username": "m" }), "m through the-app", false),
            (json!({ "upn": null, "azp": null }), "o", false),
            (json!({ "idtyp": "app" }), "app the-app", true),
            (json!({ "scp": null, "upn": null }), "app the-app", true),
            (json!({ "scp": null, "upn": null, "idtyp": "user" }), "o through the-app", false),
            (json!({ "scp": null, "upn": null, "azp": null, "appid": "old" }), "app old", true),
            (json!({ "upn": "a\nb", "azp": null }), "ab", false),
        ] {
            let caller = read(&any, &change).unwrap();
            assert_eq!((caller.actor.as_str(), caller.is_app_only()), (actor, alone), "{change}");
        }
    }
}
