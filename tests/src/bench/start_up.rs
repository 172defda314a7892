//! How long each program takes from its start until it is ready, and how large it is.

use super::{
    cpu,
    figures::rounded,
    markdown::table,
    printed::{Printed, Void, progress},
    settings::SystemName,
    store::Store,
    tables::SERVICES,
};
use crate::{
    place::{READY_WITHIN, free_port},
    program::Program,
};
use serde::Serialize;
use std::{
    env, fs,
    io::{Read, Write},
    net::TcpStream,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How often each is started.
const READINGS: usize = 5;
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Between two looks whether a program has ended.
const LOOK_FOR_END_EVERY: Duration = Duration::from_micros(200);
/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// One program's time.
#[derive(Clone, Debug, Serialize)]
struct Line {
    system: String,
    part: &'static str,
    /// The command line, but for addresses.
    program: String,
    /// Until what.
    until: &'static str,
    /// The median.
    ms: f64,
    readings_ms: Vec<f64>,
}

/// One program's size.
#[derive(Clone, Debug, Serialize)]
struct Size {
    part: &'static str,
    program: String,
    bytes: u64,
    mb: f64,
}

/// Everything.
///
/// # Errors
/// There are no programs.
pub fn all() -> Result<(), String> {
    let folder = env::var_os("PLANSHIFT_BIN_DIR").map(PathBuf::from).ok_or("PLANSHIFT_BIN_DIR is not set: the folder of the programs")?;
    let mut printed = Printed::default();
    let mut lines = Vec::new();
    for name in [SystemName::Distributed, SystemName::Embedded] {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| measure(name, &folder, &mut printed, &mut lines)));
        if outcome.is_err() {
            let (of, void) = ("any".to_owned(), "it broke off; see above".to_owned());
            printed.json(&Void { system: &name.to_string(), part: "start-up", of, void });
        }
    }
    let sizes = sizes(&folder)?;
    sizes.iter().for_each(|size| printed.json(size));
    println!("{}", told(&lines, &sizes));
    Ok(())
}

fn measure(name: SystemName, folder: &Path, printed: &mut Printed, lines: &mut Vec<Line>) {
    progress(format!("{name}: how long programs take to start"));
    let store = Store::migrated(name);
    let mut note = |program: &str, until, reading: &dyn Fn() -> Duration| {
        cpu::wait_for_quiet();
        let readings_ms: Vec<f64> = (0..READINGS).map(|_| rounded(reading().as_secs_f64() * 1e3)).collect();
        let line =
            Line { system: name.to_string(), part: "start-up", program: program.to_owned(), until, ms: median(&readings_ms), readings_ms };
        printed.json(&line);
        lines.push(line);
    };
    if let Some(servers) = store.servers() {
        for service in SERVICES {
            note(&format!("planshift {service}"), "ready", &|| until_ready(&store, service, hosted(&store, service)));
            let own = format!("planshift-{service}");
            if folder.join(&own).is_file() {
                let program = || {
                    let program = Program::new(&own).env("PLANSHIFT_DATABASE_URL", &servers.database_url());
                    program.env("PLANSHIFT_BROKER_URL", servers.broker_url())
                };
                note(&own, "ready", &|| until_ready(&store, service, program()));
            }
        }
    }
    note("planshift serve", "ready", &|| until_ready(&store, "serve", hosted(&store, "serve")));
    if name == SystemName::Embedded {
        note("planshift demo", "its end", &|| until_end("demo"));
        note("planshift --version", "its end", &|| until_end("--version"));
    }
}

fn hosted(store: &Store, command: &str) -> Program {
    Program::planshift([command]).args(store.options())
}

/// Starts a service, waits until it says that it is ready, and stops it.
fn until_ready(store: &Store, service: &str, program: Program) -> Duration {
    let (admin, listen) = (free_port(), free_port());
    let program = program.env("PLANSHIFT_ADMIN", &format!("127.0.0.1:{admin}"));
    let program = program.env("PLANSHIFT_LISTEN", &format!("127.0.0.1:{listen}"));
    let begun = Instant::now();
    let mut running = program.start_logging_to(&store.folder().join(format!("start-up-{service}.log")));
    while !is_ready(admin) {
        assert!(running.is_running(), "{service} ended by itself\n{}", running.stderr());
        assert!(begun.elapsed() < READY_WITHIN, "{service} does not get ready\n{}", running.stderr());
        thread::sleep(LOOK_EVERY);
    }
    let took = begun.elapsed();
    running.terminate();
    took
}

fn until_end(command: &str) -> Duration {
    let begun = Instant::now();
    let mut running = Program::planshift([command]).start();
    while running.is_running() {
        thread::sleep(LOOK_FOR_END_EVERY);
    }
    let took = begun.elapsed();
    running.finish().expect(0);
    took
}

/// Past any client, which would take time of its own to set up.
fn is_ready(admin: u16) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(("127.0.0.1", admin))?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer.starts_with("HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}

fn median(readings: &[f64]) -> f64 {
    let mut readings = readings.to_vec();
    readings.sort_unstable_by(f64::total_cmp);
    readings.get(readings.len() / 2).copied().unwrap_or_default()
}

/// Of the programs in a folder, as they were built.
fn sizes(folder: &Path) -> Result<Vec<Size>, String> {
    let services = SERVICES.map(|service| format!("planshift-{service}"));
    let programs = ["planshift".to_owned()].into_iter().chain(services).filter(|program| folder.join(program).is_file());
    let size = |program: String| {
        let bytes = fs::metadata(folder.join(&program)).map_err(|error| format!("{program}: {error}"))?.len();
        Ok(Size { part: "start-up", program, bytes, mb: rounded(bytes as f64 / f64::from(1 << 20)) })
    };
    programs.map(size).collect()
}

fn told(lines: &[Line], sizes: &[Size]) -> String {
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let readings = line.readings_ms.iter().map(|ms| format!("{ms:.0}")).collect::<Vec<_>>().join(", ");
            vec![line.program.clone(), line.system.clone(), line.until.to_owned(), format!("**{:.0}** ({readings})", line.ms)]
        })
        .collect();
    let sized: Vec<Vec<String>> = sizes.iter().map(|size| vec![size.program.clone(), format!("{:.1}", size.mb)]).collect();
    let (times, sizes) = (table(&["program", "system", "until", "ms"], &rows), table(&["program", "MB"], &sized));
    format!("\nFrom a program's start until it is ready, on databases that are migrated\n\n{times}\nPrograms as they are built\n\n{sizes}")
}
