//! The API: reached, of this version, with the right time, with a token that it takes; and what waits for somebody there.

use super::Finding;
use crate::{
    cli::ApiArgs,
    client::{Api, ApiError, Instances, Queues, Which},
    exit::Failure,
};
use planshift_domain::transition::State;
use planshift_messaging::Service;
use std::time::SystemTime;

const ABOUT: &str = "api";
const PROCESSES: &str = "processes";
const WORK: &str = "work";
/// Clocks may differ by so many seconds: whole hours are what bills are made of.
const CLOCKS: i64 = 5;
/// What has not moved for so long is stuck, in seconds.
const STUCK: i64 = 900;
/// How many are looked for: more is "at least so many".
const SOME: u32 = 100;

pub(super) async fn look(args: &ApiArgs) -> Vec<Finding> {
    let api = match Api::from_args(args) {
        Ok(api) => api,
        Err(failure) => return vec![Finding::wrong(ABOUT, failure.to_string())],
    };
    let mut findings = match api.itself().await {
        Ok(itself) => of_itself(&args.api, &itself.version, itself.date.map(|date| ahead(date, SystemTime::now()))),
        Err(ApiError::Unreachable { url, source, .. }) => {
            let why = Failure::program(format!("the API at {url} is not reached")).because(source);
            return vec![Finding::warning(ABOUT, why.to_string()).mend("`planshift serve` starts one; --api URL names another")];
        }
        Err(error) => {
            return vec![Finding::wrong(ABOUT, format!("{} is not Planshift's: {error}", args.api)).mend("name the API with --api URL")];
        }
    };
    match api.steps().await {
        Ok(steps) => {
            let paused: Vec<String> = steps.items.iter().filter(|step| step.paused).map(|step| step.step.to_string()).collect();
            if !paused.is_empty() {
                let found = format!("paused for everybody: {}", paused.join(", "));
                findings.push(Finding::warning(WORK, found).mend("`planshift steps` says since when; `planshift steps resume STEP`"));
            }
        }
        Err(ApiError::Refused(refusal)) => {
            let found = format!("it does not take this token: {}", refusal.summary());
            findings.push(
                Finding::wrong(ABOUT, found).mend("--token, PLANSHIFT_TOKEN or PLANSHIFT_TOKEN_FILE; or --data with the services' folder"),
            );
            return findings;
        }
        Err(error) => findings.push(Finding::wrong(ABOUT, error.to_string())),
    }
    findings.extend(of_processes(&api).await);
    findings.extend(of_work(&api).await);
    findings
}

/// By how many seconds a time is ahead of another one; negative where it is behind.
fn ahead(time: SystemTime, of: SystemTime) -> i64 {
    let seconds = |length: std::time::Duration| i64::try_from(length.as_secs()).unwrap_or(i64::MAX);
    time.duration_since(of).map_or_else(|error| -seconds(error.duration()), seconds)
}

fn of_itself(url: &str, version: &str, ahead: Option<i64>) -> Vec<Finding> {
    let ours = env!("CARGO_PKG_VERSION");
    let mut findings = vec![if version == ours {
        Finding::ok(ABOUT, format!("{url} answers, version {version}"))
    } else {
        Finding::warning(ABOUT, format!("{url} is of version {version}, this program of {ours}"))
            .mend("bring the older one to the newer one's version")
    }];
    if let Some(ahead) = ahead.filter(|ahead| ahead.abs() > CLOCKS) {
        let found = format!("its clock is {} s {} this machine's", ahead.abs(), if ahead > 0 { "before" } else { "behind" });
        findings.push(Finding::warning(ABOUT, found).mend("set both by NTP: whole hours decide who is billed"));
    }
    findings
}

/// Who lives, and in which version. Said to operators alone, and by an API of this version: anybody else's has nothing to say.
async fn of_processes(api: &Api) -> Vec<Finding> {
    match (api.instances().await, api.queues().await) {
        (Ok(instances), Ok(queues)) => of_living(&instances, &queues),
        _ => Vec::new(),
    }
}

fn of_living(instances: &Instances, queues: &Queues) -> Vec<Finding> {
    let mut findings = Vec::new();
    if instances.versions.len() > 1 {
        let found = format!("services of more than one version are at work: {}", instances.versions.join(", "));
        findings
            .push(Finding::warning(PROCESSES, found).mend("`planshift instances` says which; bring the older ones to the newer version"));
    }
    for service in Service::ALL {
        let lives = instances.items.iter().any(|one| one.service == service.name() && one.is_living());
        // a process that is older than this does not tell that it lives, and takes from its queue all the same
        let queue = queues.items.iter().find(|queue| queue.service.as_deref() == Some(service.name()));
        if let (false, Some((waiting, 0))) = (lives, queue.and_then(|queue| queue.waiting.zip(queue.consumers))) {
            let found = format!("no process of {} lives; {waiting} messages wait for one", service.name());
            findings.push(
                Finding::warning(PROCESSES, found).mend(format!("start one: `planshift {}`; its log says why it ended", service.name())),
            );
        }
    }
    if findings.is_empty() && instances.complete {
        let living = instances.items.iter().filter(|one| one.is_living()).count();
        findings.push(Finding::ok(PROCESSES, format!("{living} processes are heard, of one version")));
    }
    findings
}

/// What waits for somebody.
async fn of_work(api: &Api) -> Vec<Finding> {
    let mut findings = Vec::new();
    let needs = Which { state: Some(State::NeedsOperator), size: SOME, ..Which::default() };
    match api.list(needs).await {
        Ok(list) if !list.items.is_empty() => {
            let found = format!("{} need an operator", at_least(list.items.len()));
            findings.push(Finding::warning(WORK, found).mend("`planshift list --state NeedsOperator`, then `planshift why ID`"));
        }
        Ok(_) => {}
        Err(error) => findings.push(Finding::wrong(WORK, error.to_string())),
    }
    match api.stuck(STUCK, None, SOME).await {
        Ok(stuck) if !stuck.items.is_empty() => {
            let found = format!("{} have not moved for a quarter of an hour", at_least(stuck.items.len()));
            findings.push(Finding::warning(WORK, found).mend("`planshift stuck` says what they wait for"));
        }
        Ok(_) => {}
        Err(error) => findings.push(Finding::wrong(WORK, error.to_string())),
    }
    if findings.is_empty() {
        findings.push(Finding::ok(WORK, "no transition waits for an operator, and none is stuck"));
    }
    findings
}

fn at_least(count: usize) -> String {
    let more = if count >= SOME as usize { "at least " } else { "" };
    format!("{more}{count} transition{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn another_version_and_another_time_are_told() {
        let levels = |version: &str, ahead| of_itself("http://h", version, ahead).iter().map(|finding| finding.level).collect::<Vec<_>>();
        assert_eq!(levels(env!("CARGO_PKG_VERSION"), Some(2)), [Level::Ok]);
        assert_eq!(levels("0.0.1", None), [Level::Warning]);
        assert_eq!(levels(env!("CARGO_PKG_VERSION"), Some(-60)), [Level::Ok, Level::Warning]);
    }

    #[test]
    fn several_versions_and_a_service_without_a_process_are_told() {
        let one = |service: &str, state: &str| {
            serde_json::json!({ "service": service, "instanceId": uuid::Uuid::nil(), "host": "h", "process": 1, "version": "1", "state": state,
                "since": "2026-11-22T15:12:00Z", "lastSeen": "2026-11-22T15:12:00Z", "inHand": 0 })
        };
        let told = |versions: &[&str], mapping: &str, consumers: u64| {
            let mut items: Vec<_> = Service::ALL.iter().map(|service| one(service.name(), "alive")).collect();
            items[2] = one("mapping", mapping);
            let instances = serde_json::json!({ "items": items, "versions": versions, "complete": true, "tooMany": [] });
            let queue = serde_json::json!({ "name": "planshift.mapping", "kind": "service", "service": "mapping", "state": "seen",
                "waiting": 7, "consumers": consumers });
            let queues = serde_json::json!({ "items": [queue] });
            of_living(&serde_json::from_value(instances).unwrap(), &serde_json::from_value(queues).unwrap())
        };
        assert_eq!(told(&["1"], "alive", 1)[0].level, Level::Ok);
        let gone = told(&["1", "2"], "gone", 0);
        assert!(gone.iter().all(|finding| finding.level == Level::Warning) && gone.len() == 2, "{gone:?}");
        assert!(gone[0].found.contains("1, 2") && gone[1].found.contains("no process of mapping lives; 7 messages"), "{gone:?}");
        assert_eq!(told(&["1"], "gone", 1)[0].level, Level::Ok, "one of an older version does not tell, and takes");
    }

    #[test]
    fn many_are_at_least_so_many() {
        assert_eq!((at_least(1).as_str(), at_least(100).as_str()), ("1 transition", "at least 100 transitions"));
    }
}
