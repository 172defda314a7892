//! `health`: asks a service how it is, for a container that has neither a shell nor `curl`.

use crate::{
    cli::HealthArgs,
    exit::{Exit, Failure, Outcome},
    output,
};
use reqwest::Client;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

/// How long the answer may take: longer than a service gives its database, shorter than whoever probes waits.
const PATIENCE: Duration = Duration::from_secs(3);

/// Prints what the service says, and ends with 0 where it is well.
///
/// # Errors
/// Program: nobody answers in time, or the answer is no.
pub async fn health(args: HealthArgs) -> Outcome {
    let url = format!("http://{}/{}", reachable(args.admin), if args.alive { "healthz" } else { "readyz" });
    let cannot = |error: reqwest::Error| Failure::program(format!("{url} does not answer")).because(error.without_url());
    // plain HTTP on this machine: no proxy, and no certificate is looked for
    let client = Client::builder().no_proxy().tls_certs_only([]).timeout(PATIENCE).build().map_err(cannot)?;
    let answer = client.get(&url).send().await.map_err(cannot)?;
    let status = answer.status();
    let body = answer.text().await.map_err(cannot)?;
    output::print(&format!("{body}\n"))?;
    if status.is_success() { Ok(Exit::Done) } else { Err(Failure::program(format!("{url} answers {status}"))) }
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
        let ask = |alive| health(HealthArgs { admin: admin_address, alive });
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
    fn who_listens_everywhere_is_asked_at_home() {
        let asked = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(
            (asked("0.0.0.0:8081"), asked("[::]:1"), asked("10.0.0.7:2")),
            ("127.0.0.1:8081".into(), "[::1]:1".into(), "10.0.0.7:2".into())
        );
    }
}
