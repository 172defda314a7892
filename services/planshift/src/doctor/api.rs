//! The API: reached, of this version, with the right time, with a token that it takes; and what waits for somebody there.

use super::Finding;
use crate::{
    cli::ApiArgs,
    client::{Api, ApiError, Which},
    exit::Failure,
};
use planshift_domain::transition::State;
use std::time::SystemTime;

const ABOUT: &str = "api";
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
    fn many_are_at_least_so_many() {
        assert_eq!((at_least(1).as_str(), at_least(100).as_str()), ("1 transition", "at least 100 transitions"));
    }
}
