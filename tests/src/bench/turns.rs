//! Every system in turn, as often as wanted, and what comes of it.

use super::{
    cpu, document,
    measure::{Order, measure},
    printed::{Printed, Void, progress},
    settings::{Load, PLANS, SUBSCRIPTIONS, Settings, SystemName},
    summary,
    system::System,
    textbook::Textbook,
};
use std::{
    ops::Range,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    time::Duration,
};
use tempfile::TempDir;

/// Where looking at every invariant takes longer than this, it is done once.
const LONG_TO_VERIFY: Duration = Duration::from_secs(60);

/// Everything.
pub fn all(settings: &Settings) {
    let customers = Customers::of(settings);
    let mut printed = Printed::default();
    let mut verified: Vec<(SystemName, Duration)> = Vec::new();
    for repetition in 1..=settings.repetitions {
        if let Some(folder) = &settings.textbook {
            Textbook::at(folder).run(settings, &mut printed);
        }
        for name in &settings.systems {
            let verify = verified.iter().all(|(system, took)| system != name || *took <= LONG_TO_VERIFY);
            let turn = Turn { settings, name: *name, repetition, customers: &customers, verify };
            // what goes wrong there is no reason to do without the others
            match panic::catch_unwind(AssertUnwindSafe(|| turn.run(&mut printed))) {
                Ok(took) => verified.extend(took.map(|took| (*name, took))),
                Err(_) => void(&mut printed, *name, "any", "it broke off; see above", repetition),
            }
        }
    }
    println!("\n{}", summary::of(printed.lines()));
}

fn void(printed: &mut Printed, system: SystemName, load: &str, why: &str, repetition: usize) {
    printed.json(&Void {
        system: &system.to_string(),
        part: "loads",
        of: format!("{load}, repetition {repetition}"),
        void: why.to_owned(),
    });
}

/// Who moves in which load. All are in one document.
struct Customers {
    _folder: TempDir,
    document: PathBuf,
    warm_up: Range<usize>,
    loads: Vec<(Load, Range<usize>)>,
}

impl Customers {
    fn of(settings: &Settings) -> Self {
        let warm_up = 0..settings.warm_up();
        let mut next = warm_up.end;
        let mut range = |load| {
            let first = next;
            next += settings.sagas(load);
            (load, first..next)
        };
        let loads = settings.loads.iter().copied().map(&mut range).collect();
        let folder = tempfile::tempdir().expect("a folder for the document");
        let document = document::file(folder.path(), 0..next, PLANS, SUBSCRIPTIONS);
        Self { _folder: folder, document, warm_up, loads }
    }
}

/// One repetition of one system.
struct Turn<'a> {
    settings: &'a Settings,
    name: SystemName,
    repetition: usize,
    customers: &'a Customers,
    verify: bool,
}

impl Turn<'_> {
    /// Runs it, and says how long it took to look at every invariant.
    fn run(&self, printed: &mut Printed) -> Option<Duration> {
        let mut system = System::start(self.name);
        system.import(&self.customers.document);
        system.checkpoint();
        let loads = self.loads(&system, printed);
        system.stop_services();
        if let Err((load, why)) = loads {
            void(printed, self.name, &load, &why, self.repetition);
            return None;
        }
        self.verify.then(|| {
            let took = system.verify();
            progress(format!("{} {}: `planshift verify` found nothing wrong ({:.1} s)", self.name, self.repetition, took.as_secs_f64()));
            took
        })
    }

    /// All loads; where one is void, the rest would be on a system that may still be busy with it.
    fn loads(&self, system: &System, printed: &mut Printed) -> Result<(), (String, String)> {
        let Self { settings, name, repetition, .. } = *self;
        let through = settings.through.of(name);
        let mut counts = system.counts();
        let order = |load, customers: &Range<usize>| Order { name, through, load, customers: customers.clone(), repetition };
        let warm_up = order(Load::Burst, &self.customers.warm_up);
        measure(system, &mut counts, &warm_up).map_err(|why| ("the burst at the beginning".to_owned(), why))?;
        for (load, customers) in &self.customers.loads {
            cpu::wait_for_quiet();
            let figures = measure(system, &mut counts, &order(*load, customers)).map_err(|why| (load.to_string(), why))?;
            printed.json(&figures);
        }
        Ok(())
    }
}
