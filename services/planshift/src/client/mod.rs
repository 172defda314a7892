//! The client of the HTTP API: everything that acts on transitions goes through here, whether the services are hosted in
//! this process or far away.

mod batches;
mod budgets;
mod error;
mod installation;
mod invariants;
mod invoices;
mod letters;
mod plan;
mod retry;
mod schedules;
mod streamed;
mod types;
mod usage;
mod webhooks;

pub use batches::{Batch, BatchItems, BatchPlan, BatchReason, BatchRow};
pub use budgets::Budget;
pub use error::{ApiError, Refusal};
pub use installation::{Instance, Instances, QueueShown, Queues};
pub use invariants::{BrokenTold, InvariantTold, PassTold};
pub use letters::{DeadLetter, DeadLetters, DiedAgain, Dropped, Items, LetterGroup, Redrive};
pub use plan::{Plan, PlanGroup};
pub use retry::Patience;
pub use schedules::{Schedule, ScheduleDay, ScheduleWindow};
pub use streamed::streamed;
pub use types::{Imported, List, Progress, RefusedCustomer, Started, Steps, Stuck, Summary};
pub use webhooks::{Registration, Replay, TestResult, Tested, WebhookDelivery};

use crate::{
    cli::{ApiArgs, WhoArgs},
    document::Source,
    exit::Failure,
    settings, tokens,
};
use planshift_domain::{
    history::HistoryEntry,
    ids::{CustomerId, PartnerId, TransitionId},
    message::operator::{Explanation, StepActKind},
    step::Step,
    time::Timestamp,
    transition::State,
    view::TransitionView,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};
use types::History;
use uuid::Uuid;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection is kept that nothing is asked on.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long an answer may take that is given at once.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long an import may take: it is answered when all four workers have every customer of the document.
const IMPORT_TIMEOUT: Duration = Duration::from_secs(3600);
/// How long a look at the progress waits for a change, in seconds.
pub const LONG_POLL_SECONDS: u32 = 25;
/// Partner Center's header for what must be done only once.
const REQUEST_ID: &str = "MS-RequestId";

/// Who acts and why, as a body.
fn said(who: &WhoArgs) -> Value {
    json!({ "reason": who.reason, "actor": who.actor() })
}

/// What an API says of itself.
#[derive(Clone, Debug)]
pub struct Itself {
    /// Its version.
    pub version: String,
    /// Its time, to the second.
    pub date: Option<SystemTime>,
}

/// The API at one address.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    client: Client,
}

impl Api {
    /// The API at `base`, with a bearer token where there is one.
    ///
    /// # Errors
    /// Usage: `base` is no HTTP URL, or the token cannot stand in a header.
    pub fn new(base: &str, token: Option<&str>) -> Result<Self, Failure> {
        let url = Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url =
            url.ok_or_else(|| Failure::usage(format!("{base:?} is no URL of an API: http://HOST:PORT or https://HOST was expected")))?;
        let mut headers = header::HeaderMap::new();
        if let Some(token) = token {
            let mut value = header::HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|error| Failure::usage("the token cannot be sent in a header").because(error))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let mut builder = Client::builder().connect_timeout(CONNECT_TIMEOUT).default_headers(headers).tcp_nodelay(true);
        // less than the API keeps a connection that nothing is asked on, so that none is used that is just being closed
        builder = builder.pool_idle_timeout(IDLE_TIMEOUT);
        if url.scheme() == "http" {
            // no certificate is looked at: a system that has none will do
            builder = builder.tls_certs_only([]);
        }
        if url.host_str().is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]") {
            // a proxy of the environment is for far hosts: this one is here
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| Failure::program("cannot make an HTTP client").because(error))?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), client })
    }

    /// The API that the options of a command name.
    ///
    /// # Errors
    /// As [`Api::new`].
    pub fn from_args(args: &ApiArgs) -> Result<Self, Failure> {
        let token = tokens::sent(args.token.as_deref(), &args.data, &settings::process_environment)?;
        Self::new(&args.api, token.as_ref().map(settings::Secret::expose))
    }

    /// What the API says of itself, to whoever asks.
    ///
    /// # Errors
    /// Any.
    pub async fn itself(&self) -> Result<Itself, ApiError> {
        #[derive(Deserialize)]
        struct Document {
            info: Info,
        }
        #[derive(Deserialize)]
        struct Info {
            version: String,
        }
        let response = self.send(self.client.get(format!("{}/openapi.json", self.base))).await?;
        let date = response.headers().get(header::DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let document: Document = self.read(response).await?;
        Ok(Itself { version: document.info.version, date })
    }

    /// Imports a document. The same `request` again is the same import.
    ///
    /// # Errors
    /// A refusal with the document's faults; any other.
    pub async fn import(&self, document: &Source, request: Uuid) -> Result<Imported, ApiError> {
        let (body, length) = document.body().map_err(ApiError::Body)?;
        let request = self
            .client
            .post(format!("{}/v1/accounts", self.base))
            .header(header::CONTENT_TYPE, document.content_type())
            .header(header::CONTENT_LENGTH, length)
            .header(REQUEST_ID, request.to_string())
            .timeout(IMPORT_TIMEOUT)
            .body(body);
        self.json(request).await
    }

    /// Starts the transition of a customer; `partner` says whose it is where several partners have it. The same `request`
    /// again gives the same transition.
    ///
    /// # Errors
    /// A refusal that names no transition; any other.
    pub async fn start(&self, customer: CustomerId, partner: Option<PartnerId>, request: Uuid) -> Result<Started, ApiError> {
        self.start_as_planned(customer, partner, None, request).await
    }

    /// The same, keeping to the plan of this hash.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_as_planned(
        &self,
        customer: CustomerId,
        partner: Option<PartnerId>,
        plan_hash: Option<&str>,
        request: Uuid,
    ) -> Result<Started, ApiError> {
        let request = self
            .client
            .post(format!("{}/v1/productUpgrades", self.base))
            .header(REQUEST_ID, request.to_string())
            .json(&StartBody { customer_id: customer, product_family: "Azure", partner_id: partner, plan_hash });
        match self.send(request).await {
            Ok(response) => started_id(&response).map(Started::Accepted).ok_or_else(|| self.garbled("its Location names no transition")),
            Err(ApiError::Refused(refusal)) => match refused_start(&refusal) {
                Some(started) => Ok(started),
                None => Err(ApiError::Refused(refusal)),
            },
            Err(other) => Err(other),
        }
    }

    /// What the customer is called. Nothing where that cannot be told: a name is never needed.
    pub async fn company_name(&self, customer: CustomerId) -> Option<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Known {
            company_profile: Profile,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Profile {
            company_name: String,
        }
        let known: Known = self.json(self.client.get(format!("{}/v1/customers/{customer}", self.base))).await.ok()?;
        Some(crate::output::text::printable(&known.company_profile.company_name))
    }

    /// A transition and everything beneath it.
    ///
    /// # Errors
    /// Any.
    pub async fn get(&self, id: TransitionId) -> Result<TransitionView, ApiError> {
        self.json(self.client.get(self.one(id, ""))).await
    }

    /// How far a transition is: answered when its version is above `after`, or after `wait_seconds`.
    ///
    /// # Errors
    /// Any.
    pub async fn progress(&self, id: TransitionId, after: Option<u32>, wait_seconds: u32) -> Result<Progress, ApiError> {
        let mut request = self.client.get(self.one(id, "/progress"));
        if let Some(after) = after {
            request = request.query(&[("afterVersion", after), ("waitSeconds", wait_seconds)]);
        }
        self.json(request.timeout(ANSWER_TIMEOUT + Duration::from_secs(wait_seconds.into()))).await
    }

    /// How far a transition is once nothing more happens to it by itself, or after that many seconds.
    ///
    /// # Errors
    /// Any.
    pub async fn settled(&self, id: TransitionId, wait_seconds: u32) -> Result<Progress, ApiError> {
        let request = self.client.get(self.one(id, "/progress")).query(&[("until", "settled")]).query(&[("waitSeconds", wait_seconds)]);
        self.json(request.timeout(ANSWER_TIMEOUT + Duration::from_secs(wait_seconds.into()))).await
    }

    /// What happened to a transition, in order.
    ///
    /// # Errors
    /// Any.
    pub async fn history(&self, id: TransitionId) -> Result<Vec<HistoryEntry>, ApiError> {
        Ok(self.json::<History>(self.client.get(self.one(id, "/history"))).await?.entries())
    }

    /// The failure report of a transition.
    ///
    /// # Errors
    /// Any.
    pub async fn report(&self, id: TransitionId) -> Result<String, ApiError> {
        let response = self.send(self.client.get(self.one(id, "/report"))).await?;
        response.text().await.map_err(|source| self.unreachable(source))
    }

    /// Transitions, newest first. A search for a text goes on page by page until it has as many as are wanted, or has looked through all.
    ///
    /// # Errors
    /// Any.
    pub async fn list(&self, which: Which) -> Result<List, ApiError> {
        let request = self.client.get(format!("{}/v1/productUpgrades", self.base)).query(&which.query());
        let mut list: List = self.json(request).await?;
        while let Some(next) = list.next().filter(|_| which.text.is_some() && list.items.len() < which.size as usize) {
            let page = self.json(self.client.get(format!("{}/v1{next}", self.base))).await?;
            list.go_on(page);
        }
        list.items.truncate(which.size as usize);
        Ok(list)
    }

    /// Cancels, resumes or closes a transition (`act` is the last part of the path).
    ///
    /// # Errors
    /// A refusal with the name `PastThePivot` or `NotAllowedInState`; any other.
    pub async fn act(&self, id: TransitionId, act: &str, who: &WhoArgs) -> Result<(), ApiError> {
        let request = self.client.post(self.one(id, &format!("/{act}"))).json(&said(who));
        self.send(request.header(REQUEST_ID, Uuid::new_v4().to_string())).await.map(drop)
    }

    /// Why a transition stands where it stands.
    ///
    /// # Errors
    /// Any.
    pub async fn why(&self, id: TransitionId) -> Result<Explanation, ApiError> {
        self.json(self.client.get(self.one(id, "/why"))).await
    }

    /// Transitions that have not moved for so many seconds.
    ///
    /// # Errors
    /// Any.
    pub async fn stuck(&self, longer_than: i64, partner: Option<PartnerId>, size: u32) -> Result<Stuck, ApiError> {
        let mut request = self.client.get(format!("{}/v1/productUpgrades/stuck", self.base));
        request = request.query(&[("longerThan", longer_than)]).query(&[("size", size)]);
        if let Some(partner) = partner {
            request = request.query(&[("partnerId", partner)]);
        }
        self.json(request).await
    }

    /// The dossier of a customer, written as it comes.
    ///
    /// # Errors
    /// A refusal where the customer is not known; where it cannot be written; any other.
    pub async fn dossier(&self, customer: CustomerId, partner: Option<PartnerId>, out: &mut dyn std::io::Write) -> Result<(), ApiError> {
        let mut request = self.client.get(format!("{}/v1/customers/{customer}/dossier", self.base)).timeout(IMPORT_TIMEOUT);
        if let Some(partner) = partner {
            request = request.query(&[("partnerId", partner)]);
        }
        let mut response = self.send(request).await?;
        while let Some(piece) = response.chunk().await.map_err(|source| self.unreachable(source))? {
            out.write_all(&piece).map_err(ApiError::Written)?;
        }
        Ok(())
    }

    /// How the steps are.
    ///
    /// # Errors
    /// Any.
    pub async fn steps(&self) -> Result<Steps, ApiError> {
        self.json(self.client.get(format!("{}/v1/steps", self.base))).await
    }

    /// Pauses or resumes a step for everyone.
    ///
    /// # Errors
    /// Any.
    pub async fn act_on_step(&self, step: Step, act: StepActKind, who: &WhoArgs) -> Result<Steps, ApiError> {
        let request = self.client.post(format!("{}/v1/steps/{step}/{}", self.base, act.name())).json(&said(who));
        self.json(request.header(REQUEST_ID, Uuid::new_v4().to_string())).await
    }

    fn one(&self, id: TransitionId, rest: &str) -> String {
        format!("{}/v1/productUpgrades/{id}{rest}", self.base)
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ApiError> {
        let response = self.send(request).await?;
        self.read(response).await
    }

    async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<T, ApiError> {
        let url = response.url().to_string();
        let body = response.bytes().await.map_err(|source| self.unreachable(source))?;
        serde_json::from_slice(&body).map_err(|source| ApiError::Garbled { url, source: source.into() })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ApiError> {
        let (client, request) = request.build_split();
        let mut request = request.map_err(|source| ApiError::Garbled { url: self.base.clone(), source: source.into() })?;
        request.timeout_mut().get_or_insert(ANSWER_TIMEOUT);
        let response = client.execute(request).await.map_err(|source| self.unreachable(source))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(|source| self.unreachable(source))?;
        Err(ApiError::Refused(Box::new(read_refusal(status, &body))))
    }

    fn unreachable(&self, source: reqwest::Error) -> ApiError {
        ApiError::Unreachable { url: self.base.clone(), not_sent: source.is_connect(), source }
    }

    fn garbled(&self, what: &str) -> ApiError {
        ApiError::Garbled { url: self.base.clone(), source: what.into() }
    }
}

fn read_refusal(status: StatusCode, body: &[u8]) -> Refusal {
    let mut refusal: Refusal = serde_json::from_slice(body).unwrap_or_else(|_| Refusal {
        // not from this API: a proxy, perhaps; its words are all there is
        description: String::from_utf8_lossy(body).trim().chars().take(300).collect(),
        ..Refusal::default()
    });
    refusal.status = status.as_u16();
    refusal
}

/// Partner Center's body, and the partner, which its tokens tell.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StartBody<'a> {
    customer_id: CustomerId,
    product_family: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    partner_id: Option<PartnerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_hash: Option<&'a str>,
}

/// Which transitions a list is to have, and how many of them.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Of this partner alone.
    pub partner: Option<PartnerId>,
    /// Of this customer alone.
    pub customer: Option<CustomerId>,
    /// In this state alone.
    pub state: Option<State>,
    /// With this of Partner Center's statuses alone.
    pub status: Option<String>,
    /// Accepted after this.
    pub started_after: Option<Timestamp>,
    /// Accepted before this.
    pub started_before: Option<Timestamp>,
    /// Accepted longer ago than so many seconds.
    pub older_than: Option<i64>,
    /// With this id, of whatever it is.
    pub id: Option<Uuid>,
    /// With this text.
    pub text: Option<String>,
    /// At most so many.
    pub size: u32,
}

impl Which {
    fn query(&self) -> Vec<(&'static str, String)> {
        let given = [
            ("partnerId", self.partner.map(|id| id.to_string())),
            ("customerId", self.customer.map(|id| id.to_string())),
            ("state", self.state.map(|state| state.name().to_owned())),
            ("status", self.status.clone()),
            ("startedAfter", self.started_after.map(|at| at.to_string())),
            ("startedBefore", self.started_before.map(|at| at.to_string())),
            ("olderThan", self.older_than.map(|seconds| format!("{seconds}s"))),
            ("id", self.id.map(|id| id.as_hyphenated().to_string())),
            ("q", self.text.clone()),
            ("size", Some(self.size.to_string())),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// The id in `Location: productUpgrades/{id}`.
fn started_id(response: &Response) -> Option<TransitionId> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    location.rsplit('/').next()?.parse().ok()
}

/// A refusal of a start that is an answer all the same: it names the transition that ended at once, or the one under way.
fn refused_start(refusal: &Refusal) -> Option<Started> {
    let id = refusal.transition_id?;
    let under_way = refusal.code == json!(900_109) || refusal.code == json!("900109");
    // an ineligible customer's refusal lists why; without reasons only the code of the one under way is known to be an answer
    if !refusal.reasons.is_empty() { Some(Started::Ineligible(id)) } else { under_way.then_some(Started::UnderWay(id)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> Refusal {
        read_refusal(StatusCode::CONFLICT, body.as_bytes())
    }
    const ID: &str = "42d075a4-bfe7-43e7-af6d-7c68a57edcb4";

    #[test]
    fn a_refused_start_may_be_an_answer() {
        let id = ID.parse().unwrap();
        for code in ["900109", "\"900109\""] {
            let body = format!(r#"{{"code":{code},"errorName":"UpgradeInProgress","transitionId":"{ID}"}}"#);
            assert_eq!(refused_start(&refusal(&body)), Some(Started::UnderWay(id)));
        }
        let body = format!(
            r#"{{"code":900108,"transitionId":"{ID}","reasons":[{{"code":"NoAzureSubscriptions","resourceId":"x","description":"y"}}]}}"#
        );
        assert_eq!(refused_start(&refusal(&body)), Some(Started::Ineligible(id)));
        assert_eq!(refused_start(&refusal(r#"{"code":900118}"#)), None);
    }

    #[test]
    fn what_is_no_json_is_quoted() {
        let refusal = refusal("<html>no</html>");
        assert_eq!(refusal.summary(), "HTTP 409: <html>no</html>");
    }

    #[test]
    fn an_api_needs_a_url() {
        for wrong in ["", "localhost:8080", "ftp://x", "http://"] {
            assert!(Api::new(wrong, None).is_err(), "{wrong}");
        }
        assert!(Api::new("http://127.0.0.1:8080/", Some("t")).is_ok());
        assert!(Api::new("http://127.0.0.1:8080", Some("a\nb")).is_err());
    }
}
