//! Options of `provisioner-simulator`.

use clap::Args;
use std::{net::SocketAddr, str::FromStr, time::Duration};

/// A time like `100ms` or `2s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Duration);

impl FromStr for Time {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let read = |digits: &str, unit: fn(u64) -> Duration| digits.parse().ok().map(unit);
        let time = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(digits), _) => read(digits, Duration::from_millis),
            (None, Some(digits)) => read(digits, Duration::from_secs),
            (None, None) => None,
        };
        let time = time.filter(|time| *time <= Duration::from_secs(600));
        time.map(Self).ok_or_else(|| "a time like 100ms or 2s, up to 600s, was expected".to_owned())
    }
}

fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "a number from 0 to 1 was expected".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate >= 0.0);
    rate.ok_or_else(|| "calls a second were expected, 0 for no limit".to_owned())
}

/// Options of `provisioner-simulator`.
#[derive(Clone, Debug, Args)]
pub struct SimulatorArgs {
    /// Where it listens; it has no tokens: for this machine or a private network
    #[arg(long, value_name = "ADDRESS", env = "PLANSHIFT_SIMULATOR_LISTEN", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// How long each call takes
    #[arg(long, value_name = "TIME", env = "PLANSHIFT_SIMULATOR_LATENCY", default_value = "100ms")]
    pub latency: Time,
    /// So much more at most, by chance
    #[arg(long, value_name = "TIME", env = "PLANSHIFT_SIMULATOR_JITTER", default_value = "0ms")]
    pub jitter: Time,
    /// The share of calls that are answered 429
    #[arg(long, value_name = "SHARE", env = "PLANSHIFT_SIMULATOR_SHARE_429", default_value = "0", value_parser = share)]
    pub share_429: f64,
    /// The share of calls that have their effect and are answered 500
    #[arg(long, value_name = "SHARE", env = "PLANSHIFT_SIMULATOR_SHARE_5XX_AFTER_EFFECT", default_value = "0", value_parser = share)]
    pub share_5xx_after_effect: f64,
    /// The share of calls that are never answered, half of them after their effect
    #[arg(long, value_name = "SHARE", env = "PLANSHIFT_SIMULATOR_SHARE_SILENCE", default_value = "0", value_parser = share)]
    pub share_silence: f64,
    /// The share of calls that are answered 503 with Retry-After
    #[arg(long, value_name = "SHARE", env = "PLANSHIFT_SIMULATOR_SHARE_503", default_value = "0", value_parser = share)]
    pub share_503: f64,
    /// Calls a second that each partner may make, the others 429; 0: no limit
    #[arg(long, value_name = "RATE", env = "PLANSHIFT_SIMULATOR_RATE_PER_PARTNER", default_value = "0", value_parser = rate)]
    pub rate_per_partner: f64,
    /// The seed of all chance
    #[arg(long, value_name = "S", env = "PLANSHIFT_SIMULATOR_SEED", default_value_t = 1)]
    pub seed: u64,
}
