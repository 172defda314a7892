//! `demo`: sample customers through the whole transition, in one process and a temporary folder, each step as it happens.

mod story;

pub use story::FAILING_AZURE_SUBSCRIPTION;

use super::report;
use crate::{
    cli::Fault,
    client::Api,
    document::{Scope, Source},
    exit::{Exit, Failure, Outcome},
    host::{Host, HostOptions},
    moving::{Fleet, settled_view},
    output::{self, style::To, table, text},
    settings::Keeping,
};
use planshift_domain::{
    account::{Format, check, read},
    audit::EXCHANGED,
    ids::{CustomerId, TransitionId},
    step::Step,
    time::Timestamp,
    transition::State,
    view::TransitionView,
};
use std::{ops::ControlFlow, time::Instant};
use story::{DOCUMENT, SCENES};
use uuid::Uuid;

/// Everything ends with the folder.
///
/// # Errors
/// Program: the folder for temporary files cannot be written to.
pub async fn demo() -> Outcome {
    let begun = Instant::now();
    let interrupted = planshift_worker::host::stop_signal().map_err(|error| Failure::program("cannot listen to signals").because(error))?;
    let folder = tempfile::Builder::new()
        .prefix("planshift-demo-")
        .tempdir()
        .map_err(|error| Failure::program("cannot make a temporary folder").because(error))?;
    output::print(&introduction())?;
    let fault = Fault { step: Step::Mapping, item: FAILING_AZURE_SUBSCRIPTION.to_owned() };
    let host = Host::start(HostOptions::within_process(Keeping::Embedded(folder.path().to_owned()), vec![fault])).await?;
    let api = Api::new(&host.api_url(), Some(host.token().expose()))?;
    let outcome = tokio::select! {
        () = interrupted.cancelled() => Ok(Exit::Interrupted),
        outcome = Box::pin(play(&api, begun)) => outcome,
    };
    host.stop().await;
    outcome
}

fn introduction() -> String {
    let (out, width) = (To::Out, usize::from(To::Out.width()));
    let what = "planshift demo: customers move from the legacy Azure offer (MS-AZR-0145P) to the Azure plan";
    let how = "Gateway, coordinator and four workers run in this process, on SQLite files in a temporary folder.";
    format!("{}\n{}\n", out.heading(&text::wrapped(what, width, 0)), out.dim(&text::wrapped(how, width, 0)))
}

async fn play(api: &Api, begun: Instant) -> Outcome {
    let names = names()?;
    let document = Source::copy(&mut DOCUMENT.as_bytes(), Format::Json)
        .map_err(|error| Failure::program("cannot write a temporary file").because(error))?;
    let (_, imported) = Fleet::import(api.clone(), &document, None, None).await?;
    output::print(&format!("\nImported an account document with {imported} customers of an indirect provider.\n"))?;

    let (mut views, mut wrong) = (Vec::new(), Vec::new());
    for (number, scene) in (1..).zip(&SCENES) {
        let Some(customer) = scene.id() else { continue };
        let name = names.get(&customer).cloned().unwrap_or_default();
        let heading = format!("{number}  {name}: ");
        let about = text::wrapped(scene.about, To::Out.width().into(), heading.chars().count());
        output::print(&format!("\n{}{about}\n", To::Out.heading(&heading)))?;
        let view = show(api, customer).await?;
        if !(scene.ends_well)(&view) {
            wrong.push(name);
        }
        views.push(view);
    }
    let rows: Vec<_> = views.iter().map(table::Row::of).collect();
    output::print(&format!("\n{}\n{}", To::Out.heading("The result"), table::outcomes(&rows, &names)))?;
    for view in views.iter().filter(|view| view.state == State::Compensated) {
        let text = api.report(view.transition_id).await?;
        output::print(&format!("\n{}\n{}", To::Out.heading("The report of the one that failed"), report::with_newline(text)))?;
    }
    output::print(&farewell(begun))?;
    if wrong.is_empty() { Ok(Exit::Done) } else { Err(Failure::program(format!("not as it should have ended: {}", wrong.join(", ")))) }
}

fn names() -> Result<table::Names, Failure> {
    let failed = |error| Failure::program("the demonstration's document").because(error);
    let checked = check(DOCUMENT.as_bytes()).map_err(failed)?;
    let mut scope = Scope::default();
    let walked = read(DOCUMENT.as_bytes(), &checked, |parts| {
        scope.note(&parts, false);
        ControlFlow::<()>::Continue(())
    });
    walked.map(|_| scope.names).map_err(failed)
}

/// Moves one customer and shows its history as it grows.
async fn show(api: &Api, customer: CustomerId) -> Result<TransitionView, Failure> {
    let id = api.start(customer, None, Uuid::new_v4()).await?.id();
    let (told, mut steps) = tokio::sync::mpsc::unbounded_channel();
    let settled = async {
        // the sender goes with this future: the steps end when it does
        let told = told;
        let saw = |_: &_| {
            let _ = told.send(());
        };
        settled_view(api, id, Some(saw)).await
    };
    let lines = async {
        let mut shown = 0;
        while steps.recv().await.is_some() {
            shown = new_entries(api, id, shown).await?;
        }
        new_entries(api, id, shown).await
    };
    let (view, shown) = tokio::join!(settled, lines);
    shown?;
    let view = view?;
    output::print(&end(&view))?;
    Ok(view)
}

/// Prints the entries after the first `shown`, and says how many there are then.
async fn new_entries(api: &Api, id: TransitionId, shown: usize) -> Result<usize, Failure> {
    let entries = api.history(id).await?;
    let began = entries.first().map_or(Timestamp::from_micros(0), |entry| entry.at);
    // what was sent and got is for who checks
    for entry in entries.iter().skip(shown).filter(|entry| entry.event != EXCHANGED) {
        let time = format!("{:>6.0} ms  ", entry.at.seconds_since(began) * 1000.0);
        output::print(&format!("{}{}\n", To::Out.dim(&time), text::wrapped(&entry.text, To::Out.width().into(), time.len())))?;
    }
    Ok(entries.len().max(shown))
}

fn end(view: &TransitionView) -> String {
    /// Under the texts of the steps, behind their times.
    const INDENT: usize = 11;
    let width = usize::from(To::Out.width());
    let outcome = match view.state {
        // its reasons follow in full
        State::Ineligible => format!("{}: nothing was bought, mapped or suspended", view.state),
        _ => text::outcome(view),
    };
    let mut out = format!("{:INDENT$}{}\n", "", To::Out.state(view.state, &outcome));
    let mut item = |line: &str| out.push_str(&format!("{:INDENT$}- {}\n", "", text::wrapped(line, width, INDENT + 2)));
    for reason in &view.reasons {
        item(&format!("{}: {}", reason.code, reason.description));
    }
    for plan in &view.plans {
        let lines = view.lines.iter().filter(|line| line.plan_id == Some(plan.plan_id)).count();
        let whose = plan.partner_id.as_ref().map_or("without a reseller".to_owned(), |id| format!("of reseller {id}"));
        item(&format!("plan {whose}: {}, {} under it", plan.status, text::count(lines, "subscription")));
    }
    out
}

fn farewell(begun: Instant) -> String {
    let out = To::Out;
    let rows = [
        ("planshift run ACCOUNTS.json", "move your own customers"),
        ("planshift sample --customers 20 --subscriptions 5", "a document to try"),
        ("planshift serve --data DIR", "the API, until it is stopped"),
        ("planshift --help", "everything else"),
        ("README.md, docs/", "what it is, and how it works"),
    ];
    let mut text = format!(
        "\n{} {}\n",
        out.heading("Where to look next"),
        out.dim(&format!("(all of this took {:.1} s)", begun.elapsed().as_secs_f64()))
    );
    for (command, what) in rows {
        text.push_str(&format!("  {}{:pad$} {what}\n", out.command(command), "", pad = 49 - command.len().min(49)));
    }
    text
}
