//! The command line: what may be typed. What it means is in [`crate::settings`] and [`crate::commands`].

mod api;
mod audit;
mod batches;
mod budgets;
mod doctor;
mod fault;
mod health;
mod hosting;
mod invoices;
mod letters;
mod portal;
mod run;
mod schedules;
mod simulator;
mod tokens;
mod tool;
mod usage;
mod verify;
mod webhooks;

pub use api::{
    ActArgs, ApiArgs, CustomerArg, ImportArgs, ListArgs, OneArgs, PartnerArg, PlanArgs, ReportArgs, StartArgs, StepArgs, StepCommand,
    StepsArgs, StuckArgs, WatchArgs, WhoArgs,
};
pub use audit::AuditArgs;
pub use batches::{
    ActOnBatchArgs, BatchArgs, BatchCommand, BatchRowsArgs, CancelBatchArgs, CreateBatchArgs, ExportBatchArgs, ExportFormat,
    ListBatchesArgs, OneBatchArgs, StartBatchArgs, WhichCustomers,
};
pub use budgets::{
    BudgetAcknowledgeArgs, BudgetArgs, BudgetCommand, BudgetDoneArgs, BudgetListArgs, BudgetOneArgs, BudgetSetArgs, BudgetShowArgs,
};
pub use doctor::{CompletionsArgs, DoctorArgs, ManArgs};
pub use fault::Fault;
pub use health::HealthArgs;
pub use hosting::{CoordinatorArgs, GatewayArgs, LineArgs, MigrateArgs, ServeArgs, ServiceArgs, StoreArgs};
pub use invoices::{
    ImportInvoiceArgs, InvoiceArgs, InvoiceCommand, InvoiceFindingsArgs, ListInvoicesArgs, OneInvoiceArgs, ReconcileArgs,
    WithdrawInvoiceArgs,
};
pub use letters::{
    CancelRedriveArgs, DeadLettersArgs, DropArgs, LetterArgs, LettersCommand, ManyArgs, MeantArgs, RedriveArgs, RedriveOneArgs, WhichArgs,
};
pub use portal::PortalArgs;
pub use run::RunArgs;
pub use schedules::{
    CancelScheduleArgs, CreateScheduleArgs, Hours, ListSchedulesArgs, MoveScheduleArgs, OneScheduleArgs, ScheduleArgs, ScheduleCommand,
    ShowScheduleArgs, WhenArgs,
};
pub use simulator::{SimulatorArgs, Time};
pub use tokens::AuthArgs;
pub use tool::SampleArgs;
pub use usage::{
    UsageArgs, UsageCommand, UsageFormat, UsageImportArgs, UsageImportsArgs, UsageKind, UsageListArgs, UsageOwnerArgs, UsageSampleArgs,
};
pub use verify::{Every, VerifyArgs};
pub use webhooks::{DeliveriesArgs, DeliveryArgs, RegisterArgs, ReplayArgs, SendingArgs, WebhooksArgs, WebhooksCommand, WhoseArgs};

use clap::{Args, Parser, Subcommand, builder::styling};
use planshift_telemetry::LogFormat;

/// Colours of the help, on a terminal.
const STYLES: styling::Styles = styling::Styles::styled()
    .header(styling::AnsiColor::Green.on_default().bold())
    .usage(styling::AnsiColor::Green.on_default().bold())
    .literal(styling::AnsiColor::Cyan.on_default())
    .placeholder(styling::AnsiColor::Cyan.on_default().dimmed());

/// Moves customers' Azure subscriptions from the legacy CSP offer to the Azure plan.
///
/// Without a command it shows a demonstration. People read standard error, programs standard output.
#[derive(Debug, Parser)]
#[command(name = "planshift", version, styles = STYLES, disable_help_subcommand = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Option<Command>,
    /// For every command
    #[command(flatten)]
    pub global: GlobalArgs,
}

const EXIT_CODES: &str = "Exit codes: 0 done, every transition Completed; 1 the program failed, or doctor found something wrong; 2 the input or the usage is wrong; \
3 some transition ended otherwise, or sums or invoices do not agree; 4 verify found a violation, or audit a dossier that is not intact; 130 interrupted (what was accepted goes on when it is started again).
Every option has an environment variable; PLANSHIFT_DATABASE_URL_FILE, PLANSHIFT_BROKER_URL_FILE, PLANSHIFT_TOKEN_FILE, PLANSHIFT_LOCAL_TOKEN_FILE and PLANSHIFT_OIDC_CLIENT_SECRET_FILE name files.";

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct GlobalArgs {
    /// How log lines look on standard error: text or json
    #[arg(long, global = true, value_name = "FORMAT", env = "PLANSHIFT_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole transition on sample customers, in one process and a temporary folder
    Demo,
    /// Move the customers of an account document, wait for all of them, print the outcome
    Run(RunArgs),
    /// Host gateway, coordinator and workers in this process until SIGTERM
    Serve(ServeArgs),
    /// Run the gateway alone: the public HTTP API
    Gateway(GatewayArgs),
    /// Run the coordinator alone: the saga
    Coordinator(CoordinatorArgs),
    /// Run an eligibility worker alone
    Eligibility(ServiceArgs),
    /// Run a purchasing worker alone
    Purchasing(ServiceArgs),
    /// Run a mapping worker alone
    Mapping(ServiceArgs),
    /// Run a suspension worker alone
    Suspension(ServiceArgs),
    /// Import an account document without moving anyone
    Import(ImportArgs),
    /// Show what the transition of a customer would do, without doing anything
    Plan(PlanArgs),
    /// Start the transition of a customer that was imported
    Start(StartArgs),
    /// Move many customers in one go: make a batch, plan it, start it, follow it
    Batch(BatchArgs),
    /// Have customers, or a batch, begin at a date, within hours, day by day
    Schedule(ScheduleArgs),
    /// List transitions
    List(ListArgs),
    /// Show a transition with its plans and lines
    Status(OneArgs),
    /// Print the failure report of a transition
    Report(ReportArgs),
    /// Follow a transition until it ends or needs an operator
    Watch(WatchArgs),
    /// Cancel a transition before its pivot: everything is undone
    Cancel(ActArgs),
    /// Let a transition that needs an operator go on, with a new attempt for what was refused
    Resume(ActArgs),
    /// Accept a compensated failure as it is
    Close(ActArgs),
    /// Show why a transition stands where it stands, and what it waits for
    Why(OneArgs),
    /// List transitions that have not moved for a while, with what they wait for
    Stuck(StuckArgs),
    /// Show the steps; pause one for everyone, or let it go on
    Steps(StepsArgs),
    /// List the processes that live, each with its service and version, and those that have gone
    Instances(ApiArgs),
    /// Show how much waits in each queue, and how many take from it
    Queues(ApiArgs),
    /// Fetch the dossier of a customer, or check one without any server
    Audit(AuditArgs),
    /// List dead letters by reason; show one, drop some, follow a redrive
    DeadLetters(DeadLettersArgs),
    /// Give dead letters another chance
    Redrive(RedriveArgs),
    /// Show what is registered for webhooks; register, test, list deliveries, have some again
    Webhooks(WebhooksArgs),
    /// What customers may spend, and whether it is set in the Azure portal too
    Budget(BudgetArgs),
    /// Bring usage records, list them, and see who owns them
    Usage(UsageArgs),
    /// Bring invoices, list them, and see what is wrong with them
    Invoice(InvoiceArgs),
    /// What belongs on which invoice, whether that is all that was metered, and what is wrong with those that came
    Reconcile(ReconcileArgs),
    /// Write a valid account document of a given size to standard output
    Sample(SampleArgs),
    /// Be an outside system that has effects, with the troubles asked for: for tests and trials
    ProvisionerSimulator(SimulatorArgs),
    /// Bring databases and broker to this version
    Migrate(MigrateArgs),
    /// Ask a service how it is: 0 where it is ready
    Health(HealthArgs),
    /// Check every invariant on what is stored
    Verify(VerifyArgs),
    /// Say what is wrong with a set-up and how to mend it: settings, servers, versions, what waits for somebody
    Doctor(DoctorArgs),
    /// Write completions for a shell to standard output
    Completions(CompletionsArgs),
    /// Write the manual page to standard output, or the pages of all commands to a folder
    Man(ManArgs),
}

impl Command {
    /// Does it run services until it is stopped? Those log what they do; the others only what is wrong.
    pub const fn is_service(&self) -> bool {
        if let Self::Verify(args) = self {
            return args.every.is_some();
        }
        matches!(
            self,
            Self::Serve(_)
                | Self::Gateway(_)
                | Self::Coordinator(_)
                | Self::Eligibility(_)
                | Self::Purchasing(_)
                | Self::Mapping(_)
                | Self::Suspension(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, error::ErrorKind};

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_a_person_does_to_a_transition_needs_no_reason() {
        for act in ["cancel", "resume", "close"] {
            let line = format!("planshift {act} 01a204fa-f9bc-71b5-b5a9-32cc283a2266");
            assert!(parse(&line).is_ok() && parse(&format!("{line} --reason mistaken")).is_ok(), "{act}");
        }
    }

    /// What has nothing that a program would read, or nothing else: services log (`--log-format json`), samples and completions are
    /// documents of their own kind, and the demonstration is for people.
    const WITHOUT_JSON: [&str; 14] = [
        "demo",
        "serve",
        "gateway",
        "coordinator",
        "eligibility",
        "purchasing",
        "mapping",
        "suspension",
        "sample",
        "sample of usage",
        "provisioner-simulator",
        "completions",
        "man",
        "planshift",
    ];

    #[test]
    fn every_command_with_something_to_tell_tells_it_to_programs_too() {
        fn look(command: &clap::Command, name: &str, without: &mut Vec<String>) {
            command.get_subcommands().for_each(|sub| look(sub, &format!("{name} {}", sub.get_name()), without));
            // one that only has others beneath it says nothing itself
            let is_silent = command.is_subcommand_required_set();
            if !is_silent && command.get_arguments().all(|argument| argument.get_id() != "json") {
                without.push(name.to_owned());
            }
        }
        let mut without = Vec::new();
        look(&Cli::command(), "planshift", &mut without);
        let told: Vec<_> = without
            .iter()
            .map(|name| if name.ends_with("usage sample") { "sample of usage" } else { name.rsplit(' ').next().unwrap() })
            .collect();
        let strange: Vec<_> = told.iter().filter(|name| !WITHOUT_JSON.contains(name)).collect();
        assert!(strange.is_empty(), "these have no --json: {strange:?}");
        assert_eq!(told.len(), WITHOUT_JSON.len(), "{told:?}");
    }

    #[test]
    fn no_argument_is_the_demonstration() {
        assert!(parse("planshift").unwrap().command.is_none());
    }

    #[test]
    fn usage_errors_end_with_two() {
        for wrong in [
            "planshift nonsense",
            "planshift run",
            "planshift run a.json --customer 17",
            "planshift run a.json --fail eligibility=4847383",
            "planshift run a.json --fail mapping",
            "planshift run a.json --fail mapping=none",
            "planshift run a.json --fail purchasing=abc",
            "planshift run a.json --api http://127.0.0.1:1 --fail purchasing=none",
            "planshift status 17",
            "planshift list --status Open",
            "planshift list --started-after yesterday",
            "planshift list --older-than long",
            "planshift list --id 17",
            "planshift list --size 501",
            "planshift sample --customers 0 --subscriptions 1",
            "planshift serve --listen here",
            "planshift audit",
            "planshift webhooks register",
            "planshift webhooks replay",
            "planshift webhooks replay --from yesterday",
            "planshift webhooks deliveries --state lost",
            "planshift webhooks redeliver 17",
            "planshift serve --webhook-key a.pem",
            "planshift provisioner-simulator --latency soon",
            "planshift provisioner-simulator --share-429 2",
            "planshift provisioner-simulator --rate-per-partner -1",
            "planshift batch",
            "planshift batch create",
            "planshift batch create a.csv --filter all",
            "planshift batch create a.csv --reseller 17",
            "planshift batch create --filter some",
            "planshift batch create a.csv --at-once 0",
            "planshift batch show 17",
            "planshift reconcile",
            "planshift reconcile --month 2026-09 --by hour",
            "planshift reconcile --month 2026-09 --csv --json",
            "planshift invoice import a.csv",
            "planshift invoice import a.csv --series X",
            "planshift invoice findings 17",
            "planshift audit --customer 17",
            "planshift audit --check a.json --customer 01a204fa-f9bc-71b5-b5a9-32cc283a2266",
        ] {
            let error = parse(wrong).expect_err(wrong);
            assert_eq!(error.exit_code(), 2, "{wrong}");
            assert!(error.use_stderr(), "{wrong}");
        }
        assert_eq!(parse("planshift --help").unwrap_err().kind(), ErrorKind::DisplayHelp);
    }

    #[test]
    fn run_takes_repeated_options_in_any_case() {
        let cli = parse(
            "planshift run a.json --json --data d --customer C501C3C4-D776-40EF-9ECF-9CEFB59442C1 \
             --customer 20ec31de-ef82-4c2e-8f4b-25c63d0e5f5c --fail MAPPING=B1BEB621-3CAD-4D7A-B360-62DB33CE0001 --fail purchasing=NONE",
        )
        .unwrap();
        let Some(Command::Run(run)) = cli.command else { panic!("not run") };
        assert!(run.json);
        assert_eq!(run.customer[0].to_string(), "c501c3c4-d776-40ef-9ecf-9cefb59442c1");
        assert_eq!(run.customer.len(), 2);
        assert_eq!(run.fail[0].item, "b1beb621-3cad-4d7a-b360-62db33ce0001");
        assert_eq!(run.fail[1].item, "none");
    }

    #[test]
    fn a_list_takes_every_filter_of_the_api() {
        let line = "planshift list --status inprogress --started-after 2026-11-22T16:00:00Z --started-before 2026-11-23T16:00:00Z \
                    --older-than 15m --id 01A204FA-F9BC-71B5-B5A9-32CC283A2266 --q contoso --size 500";
        let Some(Command::List(list)) = parse(line).unwrap().command else { panic!("not list") };
        assert_eq!((list.status.as_deref(), list.older_than, list.q.as_deref()), (Some("InProgress"), Some(900), Some("contoso")));
        assert_eq!(list.id.unwrap().to_string(), "01a204fa-f9bc-71b5-b5a9-32cc283a2266");
        assert_eq!(list.started_after.unwrap().to_string(), "2026-11-22T16:00:00Z");
        assert!(list.started_before > list.started_after && list.size == 500);
    }

    #[test]
    fn the_log_format_may_stand_anywhere() {
        assert_eq!(parse("planshift serve --log-format json").unwrap().global.log_format, LogFormat::Json);
        assert_eq!(parse("planshift --log-format json demo").unwrap().global.log_format, LogFormat::Json);
    }
}
