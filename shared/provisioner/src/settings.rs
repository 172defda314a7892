//! Settings of an outside system: for each step a set of its own.
//!
//! `PLANSHIFT_MAPPING_PROVISIONER_URL` (likewise `PURCHASING`, `SUSPENSION`); without it the step has its effects here alone. The rest
//! are `_TOKEN`, `_IN_FLIGHT`, `_TIMEOUT`, `_RATE`, `_BURST` and `_ALLOW_HTTP` in the place of `_URL`; `_URL_FILE` and `_TOKEN_FILE`
//! name files.

use crate::client::{HttpProvisioner, InvalidClient};
use planshift_domain::step::Step;
use planshift_worker::provisioner::{Limits, Target};
use reqwest::Url;
use std::{env, error::Error, fmt, fs, ops::RangeInclusive, process::ExitCode, str::FromStr, sync::Arc, time::Duration};

/// The steps that can have one.
const STEPS: [Step; 3] = [Step::Purchasing, Step::Mapping, Step::Suspension];
const MOST_IN_FLIGHT: usize = 1_000;
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(300);

/// Where settings come from.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A setting is wrong. It names the variable, says what was expected, and never tells a secret.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: {expected}")]
pub struct InvalidSetting {
    variable: String,
    expected: String,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl InvalidSetting {
    fn new(variable: &str, expected: impl Into<String>) -> Self {
        Self { variable: variable.to_owned(), expected: expected.into(), source: None }
    }

    /// Tells it on standard error, and gives the exit code of wrong usage: for a `main`.
    pub fn report(&self) -> ExitCode {
        eprintln!("error: {self}{}", self.source.as_ref().map_or_else(String::new, |source| format!(": {source}")));
        ExitCode::from(2)
    }
}

/// What an outside system is called with.
#[derive(Clone)]
pub struct Settings {
    url: Url,
    token: Option<String>,
    /// Bounds of the calls.
    pub limits: Limits,
}

/// Without the URL and the token: either may be a secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Settings {
    /// Of a step, where it has an outside system.
    ///
    /// # Errors
    /// `InvalidSetting`: a value is wrong, a file cannot be read, or something is set without the URL.
    pub fn of(step: Step, variables: Variables<'_>) -> Result<Option<Self>, InvalidSetting> {
        let name = |what: &str| format!("PLANSHIFT_{}_PROVISIONER_{what}", step.name().to_uppercase());
        let given = |what: &str| variables(&name(what)).filter(|text| !text.is_empty());
        let url = secret(&name("URL"), variables)?;
        if !STEPS.contains(&step) {
            return url.map_or(Ok(None), |_| Err(InvalidSetting::new(&name("URL"), format!("{step} calls nobody outside"))));
        }
        let Some(url) = url else {
            let others = ["TOKEN", "TOKEN_FILE", "IN_FLIGHT", "TIMEOUT", "RATE", "BURST", "ALLOW_HTTP"];
            return match others.into_iter().find(|what| given(what).is_some()) {
                Some(what) => Err(InvalidSetting::new(&name(what), format!("is set, and {} is not", name("URL")))),
                None => Ok(None),
            };
        };
        let allow_http = match given("ALLOW_HTTP").as_deref() {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(_) => return Err(InvalidSetting::new(&name("ALLOW_HTTP"), "true or false was expected")),
        };
        let usual = Limits::default();
        let limits = Limits {
            in_flight: number(&name("IN_FLIGHT"), given("IN_FLIGHT"), 1..=MOST_IN_FLIGHT)?.unwrap_or(usual.in_flight),
            timeout: given("TIMEOUT").map_or(Ok(usual.timeout), |text| timeout(&name("TIMEOUT"), &text))?,
            rate: number(&name("RATE"), given("RATE"), 0.001..=1_000_000.0)?,
            burst: number(&name("BURST"), given("BURST"), 1..=1_000_000)?.unwrap_or(usual.burst),
        };
        Ok(Some(Self { url: read_url(&name("URL"), &url, allow_http)?, token: secret(&name("TOKEN"), variables)?, limits }))
    }

    /// The outside system, ready to be called.
    ///
    /// # Errors
    /// `InvalidClient`.
    pub fn target(&self) -> Result<Target, InvalidClient> {
        Ok(Target { provisioner: Arc::new(HttpProvisioner::new(&self.url, self.token.as_deref())?), limits: self.limits })
    }
}

/// The outside system of a step, where it has one, by the environment of this process.
///
/// # Errors
/// `InvalidSetting`.
pub fn from_process(step: Step) -> Result<Option<Target>, InvalidSetting> {
    from_variables(step, &|name| env::var(name).ok())
}

/// As [`from_process`], by these variables.
///
/// # Errors
/// `InvalidSetting`.
pub fn from_variables(step: Step, variables: Variables<'_>) -> Result<Option<Target>, InvalidSetting> {
    let Some(settings) = Settings::of(step, variables)? else { return Ok(None) };
    let variable = format!("PLANSHIFT_{}_PROVISIONER_TOKEN", step.name().to_uppercase());
    settings.target().map(Some).map_err(|error| InvalidSetting {
        variable,
        expected: error.to_string(),
        source: error.source().map(|source| source.to_string().into()),
    })
}

fn secret(name: &str, variables: Variables<'_>) -> Result<Option<String>, InvalidSetting> {
    let file = format!("{name}_FILE");
    let given = |name: &str| variables(name).filter(|text| !text.is_empty());
    match (given(name), given(&file)) {
        (Some(_), Some(_)) => Err(InvalidSetting::new(name, format!("is set, and so is {file}"))),
        (value, None) => Ok(value),
        (None, Some(path)) => match fs::read_to_string(&path) {
            Ok(text) if text.trim().is_empty() => Err(InvalidSetting::new(&file, format!("{path} is empty"))),
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) => {
                Err(InvalidSetting { source: Some(error.into()), ..InvalidSetting::new(&file, format!("{path} cannot be read")) })
            }
        },
    }
}

fn read_url(name: &str, text: &str, allow_http: bool) -> Result<Url, InvalidSetting> {
    let invalid = |expected: &str| InvalidSetting::new(name, expected);
    let url = Url::parse(text).map_err(|_| invalid("https://HOST/PATH was expected"))?;
    match url.scheme() {
        "https" => {}
        "http" if allow_http => {}
        "http" => return Err(invalid("it is not https; for trials, say so with …_PROVISIONER_ALLOW_HTTP=true")),
        _ => return Err(invalid("https://HOST/PATH was expected")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it holds a user or a password: give a token instead"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it holds a query or a fragment: effects are beneath its path"));
    }
    Ok(url)
}

fn number<T: FromStr + PartialOrd + fmt::Display + Copy>(
    name: &str,
    text: Option<String>,
    range: RangeInclusive<T>,
) -> Result<Option<T>, InvalidSetting> {
    let Some(text) = text else { return Ok(None) };
    match text.trim().parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(InvalidSetting::new(name, format!("{text:?}: a number from {} to {} was expected", range.start(), range.end()))),
    }
}

fn timeout(name: &str, text: &str) -> Result<Duration, InvalidSetting> {
    let read = |digits: &str, unit: fn(u64) -> Duration| digits.trim().parse().ok().map(unit);
    let duration = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(digits), _) => read(digits, Duration::from_millis),
        (None, Some(digits)) => read(digits, Duration::from_secs),
        (None, None) => None,
    };
    let expected = || InvalidSetting::new(name, format!("{text:?}: a time like 500ms or 10s, from 100ms to 300s, was expected"));
    duration.filter(|duration| TIMEOUTS.contains(duration)).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn read(step: Step, variables: &[(&str, &str)]) -> Result<Option<Settings>, InvalidSetting> {
        let all: HashMap<String, String> =
            variables.iter().map(|(name, value)| (format!("PLANSHIFT_{name}"), (*value).to_owned())).collect();
        Settings::of(step, &|name| all.get(name).cloned())
    }

    #[test]
    fn nothing_set_is_nobody_outside() {
        assert!(STEPS.into_iter().all(|step| read(step, &[]).unwrap().is_none()));
        assert!(read(Step::Mapping, &[("PURCHASING_PROVISIONER_URL", "https://h")]).unwrap().is_none());
    }

    #[test]
    fn everything_may_be_set_and_secrets_may_stand_in_files() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "s3cret\n").unwrap();
        let settings = read(
            Step::Mapping,
            &[
                ("MAPPING_PROVISIONER_URL", "http://127.0.0.1:8090/a"),
                ("MAPPING_PROVISIONER_ALLOW_HTTP", "true"),
                ("MAPPING_PROVISIONER_TOKEN_FILE", file.path().to_str().unwrap()),
                ("MAPPING_PROVISIONER_IN_FLIGHT", "4"),
                ("MAPPING_PROVISIONER_TIMEOUT", "1500ms"),
                ("MAPPING_PROVISIONER_RATE", "2.5"),
                ("MAPPING_PROVISIONER_BURST", "7"),
            ],
        );
        let settings = settings.unwrap().unwrap();
        assert_eq!((settings.url.path(), settings.token.as_deref()), ("/a", Some("s3cret")));
        let limits = Limits { in_flight: 4, timeout: Duration::from_millis(1_500), rate: Some(2.5), burst: 7 };
        assert_eq!(settings.limits, limits);
        assert!(!format!("{settings:?}").contains("s3cret"));
        assert!(settings.target().is_ok());
    }

    #[test]
    fn what_is_wrong_is_named_with_what_was_expected() {
        let url = ("MAPPING_PROVISIONER_URL", "https://h");
        for (variables, named, expected) in [
            (vec![("MAPPING_PROVISIONER_URL", "h")], "MAPPING_PROVISIONER_URL", "https://HOST/PATH"),
            (vec![("MAPPING_PROVISIONER_URL", "ftp://h")], "MAPPING_PROVISIONER_URL", "https://HOST/PATH"),
            (vec![("MAPPING_PROVISIONER_URL", "http://h")], "MAPPING_PROVISIONER_URL", "not https"),
            (vec![("MAPPING_PROVISIONER_URL", "https://u:p@h")], "MAPPING_PROVISIONER_URL", "a token instead"),
            (vec![("MAPPING_PROVISIONER_URL", "https://h/?a=b")], "MAPPING_PROVISIONER_URL", "query"),
            (vec![url, ("MAPPING_PROVISIONER_URL_FILE", "f")], "MAPPING_PROVISIONER_URL", "and so is"),
            (vec![("MAPPING_PROVISIONER_URL_FILE", "/nowhere/at/all")], "URL_FILE", "cannot be read"),
            (vec![url, ("MAPPING_PROVISIONER_ALLOW_HTTP", "yes")], "ALLOW_HTTP", "true or false"),
            (vec![url, ("MAPPING_PROVISIONER_IN_FLIGHT", "0")], "IN_FLIGHT", "from 1 to 1000"),
            (vec![url, ("MAPPING_PROVISIONER_TIMEOUT", "10")], "TIMEOUT", "10s"),
            (vec![url, ("MAPPING_PROVISIONER_TIMEOUT", "1h")], "TIMEOUT", "10s"),
            (vec![url, ("MAPPING_PROVISIONER_TIMEOUT", "301s")], "TIMEOUT", "300s"),
            (vec![url, ("MAPPING_PROVISIONER_RATE", "NaN")], "RATE", "a number"),
            (vec![url, ("MAPPING_PROVISIONER_BURST", "-1")], "BURST", "from 1"),
            (vec![("MAPPING_PROVISIONER_RATE", "5")], "RATE", "PROVISIONER_URL is not"),
        ] {
            let error = read(Step::Mapping, &variables).unwrap_err().to_string();
            assert!(error.contains(named) && error.contains(expected), "{error}");
        }
        let error = read(Step::Eligibility, &[("ELIGIBILITY_PROVISIONER_URL", "https://h")]).unwrap_err().to_string();
        assert!(error.contains("eligibility calls nobody"), "{error}");
    }
}
