//! A rolling restart: the processes of a released version are replaced one after the other while customers move, so that both versions
//! run side by side in every service. Nothing is lost, nothing happens twice.

use planshift_tests::{
    accounts::Document,
    cluster::{Cluster, SERVICES},
    outcome::Ran,
    place::Place,
    program::{Program, Running},
    upgrade::kept::Kept,
};

const CUSTOMERS: usize = 25;
const SUBSCRIPTIONS: usize = 4;
/// Processes of each service.
const REPLICAS: usize = 2;

fn replaced_one_by_one(kept: &Kept) {
    let (place, old) = (Place::distributed(), kept.programs());
    let migrated = Program::of(&old, "planshift").args(["migrate"]).args(place.options()).run().expect(0);
    let mut cluster = Cluster::of(&place, Some(&old), |_| REPLICAS, &[]);
    let seeds = 701..;
    let mut runs: Vec<Running> = Vec::new();
    let documents: Vec<Document> =
        seeds.take(REPLICAS * SERVICES.len() + 2).map(|seed| Document::generated(CUSTOMERS, SUBSCRIPTIONS, seed)).collect();
    let mut documents = documents.iter();
    let mut begin = |cluster: &Cluster<'_>| {
        // an old client, too
        let document = documents.next().expect("a document for each step");
        let run = ["run", &document.path().display().to_string(), "--json", "--api", &cluster.api()].map(str::to_owned);
        runs.push(Program::of(&old, "planshift").args(run).start());
    };
    begin(&cluster);
    place.planshift(&["migrate"]).expect(0);
    for number in 0..REPLICAS {
        for service in SERVICES {
            begin(&cluster);
            cluster.upgrade(service, number);
        }
    }
    begin(&cluster);
    let ran: Vec<Ran> = runs.into_iter().map(|run| Ran::of(&run.finish().expect(0))).collect();
    for ran in &ran {
        assert_eq!((ran.count("Completed"), ran.lines()), (CUSTOMERS, CUSTOMERS * SUBSCRIPTIONS), "{migrated}");
    }
    place.stored().assert_exactly_once(&ran);
    place.assert_verified();
}

#[test]
fn both_versions_side_by_side() {
    // the one that the next release is reached from; older ones go through it
    replaced_one_by_one(Kept::all().last().expect("a version"));
}
