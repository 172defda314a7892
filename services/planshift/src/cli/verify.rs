//! Options of `verify`.

use clap::{Args, builder::FalseyValueParser};
use planshift_domain::time::seconds_of;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// The shortest time between two passes: a pass reads everything.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest: a day is 24 hours, and more than a month is a mistake.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

/// Options of `verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// Folder of the embedded store; may be in use
    #[arg(long, value_name = "DIR", env = "PLANSHIFT_DATA", default_value = "planshift-data")]
    pub data: PathBuf,
    /// PostgreSQL instead of files (PLANSHIFT_MAPPING_DATABASE_URL and so on give one service its own); may be in use
    #[arg(long, value_name = "URL", env = "PLANSHIFT_DATABASE_URL", hide_env_values = true)]
    pub database: Option<String>,
    /// Not needed: messages are not looked at
    #[arg(long, value_name = "URL", env = "PLANSHIFT_BROKER_URL", hide_env_values = true)]
    pub broker: Option<String>,
    /// Print one JSON object a line, one for each invariant
    #[arg(long, env = "PLANSHIFT_JSON", value_parser = FalseyValueParser::new())]
    pub json: bool,
    /// Stay, check again after this time (90s, 15m, 6h), print nothing, and count in /metrics
    #[arg(long, value_name = "TIME", env = "PLANSHIFT_VERIFY_EVERY", value_parser = every)]
    pub every: Option<Duration>,
    /// Tell the gateway at this URL what each pass has found: the portal's page of operations shows it
    #[arg(long, value_name = "URL", env = "PLANSHIFT_VERIFY_TELL")]
    pub tell: Option<String>,
    /// With --tell: bearer token of an operator; without it, the data folder's
    #[arg(long, value_name = "TOKEN", env = "PLANSHIFT_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// With --tell: who tells, where there are several
    #[arg(long, value_name = "NAME", env = "PLANSHIFT_VERIFY_REPORTER", default_value = "verify", value_parser = reporter)]
    pub reporter: String,
    /// With --every: address of /healthz, /readyz and /metrics; never public
    #[arg(long, value_name = "ADDRESS", env = "PLANSHIFT_ADMIN", default_value = "127.0.0.1:8087")]
    pub admin: SocketAddr,
}

/// The longest name of who tells, as the API takes it.
const REPORTER_CHARS: usize = 100;

fn reporter(text: &str) -> Result<String, String> {
    let is_one = (1..=REPORTER_CHARS).contains(&text.chars().count()) && !text.contains('\0');
    if is_one { Ok(text.to_owned()) } else { Err(format!("a name of 1 to {REPORTER_CHARS} characters was expected")) }
}

/// How often a process that does other work verifies beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// After this time.
    After(Duration),
    /// Not at all.
    Never,
}

impl std::str::FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("never") {
            return Ok(Self::Never);
        }
        every(text).map(Self::After).map_err(|wrong| format!("{wrong}; or never"))
    }
}

fn every(text: &str) -> Result<Duration, String> {
    let seconds = seconds_of(text).and_then(|seconds| u64::try_from(seconds).ok());
    let time = seconds.map(Duration::from_secs).ok_or_else(|| "a time like 90s, 15m or 6h was expected".to_owned())?;
    if (SHORTEST..=LONGEST).contains(&time) { Ok(time) } else { Err("from 1s to 744h".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_other_work_it_may_be_left_out() {
        assert_eq!("Never".parse(), Ok(Every::Never));
        assert_eq!("15m".parse(), Ok(Every::After(Duration::from_secs(900))));
        assert!("sometimes".parse::<Every>().unwrap_err().contains("never"));
    }

    #[test]
    fn times_have_units_and_bounds() {
        let seconds = |text| every(text).map(|time| time.as_secs());
        assert_eq!((seconds("90s"), seconds("15m"), seconds("6h")), (Ok(90), Ok(900), Ok(21_600)));
        assert_eq!((seconds("1.5h"), seconds("2h 30m"), seconds("60")), (Ok(5_400), Ok(9_000), Ok(60)));
        for wrong in ["", "m", "soon", "-1s", "0s", "745h", "99999999999999999999h"] {
            assert!(every(wrong).is_err(), "{wrong:?}");
        }
    }
}
