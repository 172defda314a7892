//! Options of `schedule`.

use super::{ApiArgs, WhoArgs};
use clap::{Args, Subcommand};
use planshift_domain::ids::{CustomerId, PartnerId};
use uuid::Uuid;

/// Options of `schedule`.
#[derive(Clone, Debug, Args)]
pub struct ScheduleArgs {
    /// What to do
    #[command(subcommand)]
    pub what: ScheduleCommand,
}

/// What may be done with schedules.
#[derive(Clone, Debug, Subcommand)]
pub enum ScheduleCommand {
    /// Have customers, or a batch, begin at a time; the same external reference again is the same schedule
    Create(Box<CreateScheduleArgs>),
    /// List schedules, the newest first
    List(ListSchedulesArgs),
    /// Show a schedule: its days, and what became of its rows
    Show(ShowScheduleArgs),
    /// Move what has not begun to another time
    Move(Box<MoveScheduleArgs>),
    /// Cancel a schedule: what has begun goes to its end
    Cancel(CancelScheduleArgs),
}

/// A schedule.
#[derive(Clone, Debug, Args)]
pub struct OneScheduleArgs {
    /// The schedule
    #[arg(value_name = "SCHEDULE")]
    pub id: Uuid,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// When it is to be.
#[derive(Clone, Debug, Args)]
pub struct WhenArgs {
    /// A date or a time, as clocks of the time zone show it: 2027-01-09 or 2027-01-09T22:00
    #[arg(long, value_name = "TIME", env = "PLANSHIFT_AT")]
    pub at: String,
    /// The time zone, Europe/Paris for example
    #[arg(long, value_name = "NAME", env = "PLANSHIFT_TIME_ZONE")]
    pub time_zone: String,
    /// The hours in which something may begin, as 22:00-05:00: they may reach into the next day
    #[arg(long, value_name = "FROM-TO", env = "PLANSHIFT_WINDOW", value_parser = window)]
    pub window: Option<Hours>,
    /// Days of the week on which hours may begin, Saturday,Sunday for example
    #[arg(long, value_name = "DAYS", env = "PLANSHIFT_DAYS", value_delimiter = ',')]
    pub days: Vec<String>,
    /// Over how many days the customers are spread
    #[arg(long, value_name = "DAYS", env = "PLANSHIFT_SPREAD", value_parser = clap::value_parser!(u32).range(1..=366))]
    pub spread: Option<u32>,
}

/// Hours of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    /// When they begin.
    pub from: String,
    /// When they end.
    pub to: String,
}

/// Options of `schedule create`.
#[derive(Clone, Debug, Args)]
pub struct CreateScheduleArgs {
    /// A customer; more than one may be given. Any number comes as a batch
    #[arg(long = "customer", value_name = "ID", required_unless_present = "batch", conflicts_with = "batch")]
    pub customers: Vec<CustomerId>,
    /// Instead of customers: a batch of which nothing has begun
    #[arg(long, value_name = "ID", env = "PLANSHIFT_BATCH")]
    pub batch: Option<Uuid>,
    /// When
    #[command(flatten)]
    pub when: WhenArgs,
    /// Your own name of the schedule: the same again is the same schedule
    #[arg(long, value_name = "TEXT", env = "PLANSHIFT_REFERENCE")]
    pub reference: Option<String>,
    /// Whose schedule it is, where there are several partners
    #[arg(long, value_name = "ID", env = "PLANSHIFT_PARTNER")]
    pub partner: Option<PartnerId>,
    /// Who, and why
    #[command(flatten)]
    pub who: WhoArgs,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `schedule list`.
#[derive(Clone, Debug, Args)]
pub struct ListSchedulesArgs {
    /// Only those in this state, Waiting for example
    #[arg(long, value_name = "STATE", env = "PLANSHIFT_STATE")]
    pub state: Option<String>,
    /// Only those of this customer
    #[arg(long, value_name = "ID")]
    pub customer: Option<CustomerId>,
    /// Only those of this partner
    #[arg(long, value_name = "ID", env = "PLANSHIFT_PARTNER")]
    pub partner: Option<PartnerId>,
    /// Only those that have a day which begins at this instant or later (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only those that have a day which begins before this instant (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", env = "PLANSHIFT_SIZE", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub size: u32,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `schedule show`.
#[derive(Clone, Debug, Args)]
pub struct ShowScheduleArgs {
    /// How many rows at most
    #[arg(long, value_name = "N", env = "PLANSHIFT_SIZE", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub size: u32,
    /// The schedule and the API
    #[command(flatten)]
    pub one: OneScheduleArgs,
}

/// Options of `schedule move`.
#[derive(Clone, Debug, Args)]
pub struct MoveScheduleArgs {
    /// When
    #[command(flatten)]
    pub when: WhenArgs,
    /// Who, and why
    #[command(flatten)]
    pub who: WhoArgs,
    /// The schedule and the API
    #[command(flatten)]
    pub one: OneScheduleArgs,
}

/// Options of `schedule cancel`.
#[derive(Clone, Debug, Args)]
pub struct CancelScheduleArgs {
    /// Who, and why
    #[command(flatten)]
    pub who: WhoArgs,
    /// The schedule and the API
    #[command(flatten)]
    pub one: OneScheduleArgs,
}

fn window(text: &str) -> Result<Hours, String> {
    let (from, to) = text.split_once('-').ok_or_else(|| "two times of day were expected, as 22:00-05:00".to_owned())?;
    Ok(Hours { from: from.trim().to_owned(), to: to.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_two_times_of_day() {
        assert_eq!(window("22:00 - 05:00"), Ok(Hours { from: "22:00".to_owned(), to: "05:00".to_owned() }));
        assert!(window("22:00").is_err());
    }
}
