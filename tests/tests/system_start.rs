//! Starting: folders in use, databases of another version, the demonstration.

use planshift_tests::{
    accounts,
    outcome::Ran,
    place::{Place, free_port},
    program::Program,
};
use std::time::{Duration, Instant};

#[test]
fn a_folder_in_use_is_told() {
    let place = Place::embedded();
    let served = place.serve();
    for command in [
        vec!["serve".to_owned(), format!("--listen=127.0.0.1:{}", free_port()), format!("--admin=127.0.0.1:{}", free_port())],
        vec!["run".to_owned(), accounts::sample("two-resellers").display().to_string()],
    ] {
        let outcome = Program::planshift(command).args(place.options()).run().expect(1);
        assert!(outcome.stderr.contains("in use"), "{outcome}");
        assert_eq!(outcome.stdout, "");
    }
    served.stop();
    Ran::of(&place.run(&accounts::sample("two-resellers"), &[]).expect(0));
}

fn migrate_is_harmless(place: &Place) {
    let first = place.planshift(&["migrate"]).expect(0).stdout;
    for service in ["gateway", "coordinator", "eligibility", "purchasing", "mapping", "suspension"] {
        assert!(first.contains(service), "{first}");
    }
    let second = place.planshift(&["migrate"]).expect(0).stdout;
    assert_ne!(first, second, "the second time there is nothing to do");
    let lines = place.planshift(&["migrate", "--json"]).expect(0).stdout;
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    let gateway = lines.iter().find(|line| line["service"] == "gateway").expect("a line for each service");
    assert!(gateway["version"].as_u64() > Some(1) && gateway["applied"] == serde_json::json!([]), "{gateway}");
    let brokers = lines.iter().filter(|line| line["broker"] == "declared").count();
    assert_eq!((lines.len() - brokers, brokers), (6, usize::from(matches!(place, Place::Distributed(_)))), "{lines:?}");
    Ran::of(&place.run(&accounts::sample("two-resellers"), &[]).expect(0));
}

#[test]
fn migrate_embedded() {
    migrate_is_harmless(&Place::embedded());
}

#[test]
fn migrate_distributed() {
    migrate_is_harmless(&Place::distributed());
}

#[test]
fn a_service_refuses_a_database_that_is_not_migrated() {
    let place = Place::distributed();
    let Place::Distributed(servers) = &place else { unreachable!() };
    for service in ["gateway", "coordinator", "eligibility", "purchasing", "mapping", "suspension"] {
        let common = |program: Program| {
            let program = program.env("PLANSHIFT_DATABASE_URL", &servers.database_url()).env("PLANSHIFT_BROKER_URL", &servers.broker_url());
            program
                .env("PLANSHIFT_ADMIN", &format!("127.0.0.1:{}", free_port()))
                .env("PLANSHIFT_LISTEN", &format!("127.0.0.1:{}", free_port()))
        };
        // its own program, and the command line's
        for program in [Program::new(&format!("planshift-{service}")), Program::planshift([service])] {
            let outcome = common(program).run().expect(1);
            assert!(outcome.stderr.contains("planshift migrate"), "{service} does not say what to do\n{outcome}");
        }
    }
}

#[test]
fn a_schema_that_is_newer_is_refused() {
    let place = Place::embedded();
    place.planshift(&["migrate"]).expect(0);
    place
        .stored()
        .change("mapping", "INSERT INTO schema_version (version, name, checksum, applied_at) VALUES (99, 'of a later program', 'x', 0)");
    let outcome = place.planshift(&["migrate"]).expect(1);
    assert!(outcome.stderr.contains("newer"), "{outcome}");
    place.program(&["run", &accounts::sample("two-resellers").display().to_string()]).run().expect(1);
}

/// In a folder of its own: it leaves nothing behind there.
#[test]
fn the_demonstration_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    for args in [vec![], vec!["demo"]] {
        let begun = Instant::now();
        let outcome = Program::planshift(args).within(folder.path()).run().expect(0);
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        assert!(!outcome.stdout.is_empty(), "{outcome}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "nothing is left behind");
    }
}
