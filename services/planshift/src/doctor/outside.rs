//! Systems outside that are to be called: provisioners, and the receiver of traces. Reached is all that is asked; nothing is called.

use super::Finding;
use crate::{host::Provisioners, settings::Environment};
use planshift_domain::step::Step;
use reqwest::Url;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);
const TRACES: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

pub(super) async fn look(environment: Environment<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(failure) = Provisioners::by(environment) {
        findings.push(Finding::wrong("provisioner", failure.to_string()));
    }
    for step in Step::ALL {
        if let Some(url) = environment(&format!("PLANSHIFT_{}_PROVISIONER_URL", step.name().to_uppercase())) {
            findings.push(reached("provisioner", &format!("the outside system of {step}"), &url).await);
        }
    }
    if let Some(url) = environment(TRACES).filter(|url| !url.is_empty()) {
        findings.push(reached("traces", &format!("the receiver of traces ({TRACES})"), &url).await);
    }
    findings
}

async fn reached(about: &'static str, what: &str, url: &str) -> Finding {
    let place = Url::parse(url).ok().and_then(|url| Some((url.host_str()?.to_owned(), url.port_or_known_default()?)));
    let Some((host, port)) = place else { return Finding::wrong(about, format!("{what}: {url:?} is no URL of a host")) };
    let problem = match tokio::time::timeout(PATIENCE, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => return Finding::ok(about, format!("{what} is reached at {host}:{port}")),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer in time".to_owned(),
    };
    Finding::wrong(about, format!("{what} is not reached at {host}:{port}: {problem}")).mend("is it running, and is the way to it open?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn who_listens_is_reached() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let environment = |name: &str| (name == TRACES).then(|| url.clone());
        let findings = look(&environment).await;
        assert!(findings.len() == 1 && findings[0].level == Level::Ok, "{findings:?}");
        drop(listener);
        let findings = look(&environment).await;
        assert!(findings.len() == 1 && findings[0].level == Level::Wrong, "{findings:?}");
        let wrong = look(&|name| (name == TRACES).then(|| "here".to_owned())).await;
        assert_eq!(wrong[0].level, Level::Wrong);
        assert!(look(&|_| None).await.is_empty());
    }
}
