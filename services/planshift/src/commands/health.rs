//! `health`: asks a service how it is, for a container that has neither a shell nor `curl`.

use crate::{
    cli::HealthArgs,
    exit::{Exit, Failure, Outcome},
    output::{self, json},
};
use reqwest::{Client, StatusCode};
use serde::Serialize;
use serde_json::Value;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

/// How long the answer may take: longer than a service gives its database, shorter than whoever probes waits.
const PATIENCE: Duration = Duration::from_secs(3);

/// What programs are told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HealthLine<'a> {
    url: &'a str,
    is_well: bool,
    /// As the service answers; nothing where nobody does.
    status: Option<u16>,
    answer: Option<Value>,
}

impl<'a> HealthLine<'a> {
    fn of(url: &'a str, heard: Option<&(StatusCode, String)>) -> Self {
        Self {
            url,
            is_well: heard.is_some_and(|(status, _)| status.is_success()),
            status: heard.map(|(status, _)| status.as_u16()),
            // what is no JSON is a text
            answer: heard.map(|(_, body)| serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.clone()))),
        }
    }
}

/// Prints what the service says, and ends with 0 where it is well.
///
/// # Errors
/// Program: nobody answers in time, or the answer is no.
pub async fn health(args: HealthArgs) -> Outcome {
    let url = format!("http://{}/{}", reachable(args.admin), if args.alive { "healthz" } else { "readyz" });
    let asked = ask(&url).await;
    if args.json {
        json::print_line(&HealthLine::of(&url, asked.as_ref().ok()))?;
    }
    let cannot = |error: reqwest::Error| Failure::program(format!("{url} does not answer")).because(error.without_url());
    let (status, body) = asked.map_err(cannot)?;
    if !args.json {
        output::print(&format!("{body}\n"))?;
    }
    if status.is_success() { Ok(Exit::Done) } else { Err(Failure::program(format!("{url} answers {status}"))) }
}

async fn ask(url: &str) -> Result<(StatusCode, String), reqwest::Error> {
    // plain HTTP on this machine: no proxy, and no certificate is looked for
    let client = Client::builder().no_proxy().tls_certs_only([]).timeout(PATIENCE).build()?;
    let answer = client.get(url).send().await?;
    Ok((answer.status(), answer.text().await?))
}

/// Who listens everywhere is found at home.
const fn reachable(address: SocketAddr) -> SocketAddr {
    let home = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(home, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use planshift_worker::{
        CancellationToken,
        health::{Admin, Readiness},
        metrics::Metrics,
    };

    #[tokio::test]
    async fn it_says_what_the_service_says() {
        let readiness = Readiness::new();
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let admin = Admin::bind(address, readiness.clone(), Metrics::new()).await.unwrap();
        let admin_address = SocketAddr::new(address.ip(), admin.address().unwrap().port());
        let stop = CancellationToken::new();
        let serving = tokio::spawn(admin.serve(stop.clone()));
        let ask = |alive| health(HealthArgs { admin: admin_address, alive, json: false });
        assert_eq!(ask(true).await.unwrap(), Exit::Done);
        let failure = ask(false).await.unwrap_err();
        assert!(failure.exit() == Exit::Failed && failure.to_string().contains("503"), "{failure}");
        readiness.says("it", None);
        assert_eq!(ask(false).await.unwrap(), Exit::Done);
        stop.cancel();
        serving.await.unwrap().unwrap();
        assert_eq!(ask(true).await.unwrap_err().exit(), Exit::Failed);
    }

    #[test]
    fn programs_are_told_also_where_nobody_answers() {
        let told = |heard: Option<(StatusCode, &str)>| {
            let heard = heard.map(|(status, body)| (status, body.to_owned()));
            serde_json::to_value(HealthLine::of("http://x/readyz", heard.as_ref())).unwrap()
        };
        let line = |is_well: bool, status: Value, answer: Value| serde_json::json!({ "url": "http://x/readyz", "isWell": is_well, "status": status, "answer": answer });
        assert_eq!(told(None), line(false, Value::Null, Value::Null));
        assert_eq!(told(Some((StatusCode::OK, "{\"ready\":true}"))), line(true, 200.into(), serde_json::json!({ "ready": true })));
        assert_eq!(told(Some((StatusCode::BAD_GATEWAY, "<p>"))), line(false, 502.into(), "<p>".into()));
    }

    #[test]
    fn who_listens_everywhere_is_asked_at_home() {
        let asked = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(
            (asked("0.0.0.0:8081"), asked("[::]:1"), asked("10.0.0.7:2")),
            ("127.0.0.1:8081".into(), "[::1]:1".into(), "10.0.0.7:2".into())
        );
    }
}
