//! Logs go to standard error: lines for people, or JSON for programs.

use crate::json::Json;
use std::{io::IsTerminal, str::FromStr};
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("{text:?} is no log format: text or json was expected")),
        }
    }
}

/// Starts logging for this process. `RUST_LOG` says what is logged; without it, `default_filter` does.
/// Each line of JSON says whose it is: `service`, unless it names another. Does nothing where logging was started before.
pub fn init(format: LogFormat, default_filter: &str, service: &'static str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_filter));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.event_format(Json { service }).try_init(),
    };
}
