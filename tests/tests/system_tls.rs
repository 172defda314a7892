//! TLS to both servers, with certificates that are made here: whoever names the right authority and the right host gets through, and
//! nobody else.

use planshift_tests::{
    accounts,
    outcome::Ran,
    program::{Outcome, Program},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};
use std::{
    collections::HashMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// Servers of this test's own, that speak TLS and ask for certificates. They are stopped when this is dropped.
struct Servers {
    folder: PathBuf,
    addresses: HashMap<String, String>,
    files: TempDir,
}

impl Servers {
    fn start() -> Self {
        let files = tempfile::tempdir().expect("a folder for certificates");
        let ca = authority("ca", files.path());
        issue(&ca, "server", "localhost", ExtendedKeyUsagePurpose::ServerAuth, files.path());
        issue(&ca, "client", "planshift", ExtendedKeyUsagePurpose::ClientAuth, files.path());
        let other = authority("other", files.path());
        issue(&other, "stranger", "planshift", ExtendedKeyUsagePurpose::ClientAuth, files.path());
        // the server's own user has to get to it
        for file in fs::read_dir(files.path()).unwrap() {
            readable(&file.unwrap().path());
        }
        // tests/run knows names that begin so: it stops what was left of a run that was killed
        let folder = env::temp_dir().join("servers-tls");
        let started = script("start", &folder).env("PLANSHIFT_TEST_SERVERS_TLS", files.path()).status();
        assert!(started.is_ok_and(|status| status.success()), "the servers do not start");
        let text = fs::read_to_string(folder.join("env")).expect("the servers' addresses");
        let addresses = text.lines().filter_map(|line| line.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned()));
        Self { addresses: addresses.collect(), folder, files }
    }

    fn file(&self, name: &str) -> String {
        self.files.path().join(name).display().to_string()
    }

    fn database(&self, host: &str, ca: &str, own: Option<&str>) -> String {
        let port = self.addresses["PLANSHIFT_TEST_POSTGRES_URL"].split([':', '/']).nth(4).unwrap().to_owned();
        let own = own.map_or_else(String::new, |own| {
            format!("&sslcert={}&sslkey={}", self.file(&format!("{own}.pem")), self.file(&format!("{own}.key")))
        });
        format!("postgres://postgres@{host}:{port}/planshift?sslmode=verify-full&sslrootcert={}{own}", self.file(ca))
    }

    fn broker(&self, host: &str, ca: &str, own: Option<&str>) -> String {
        let url = self.addresses["PLANSHIFT_TEST_RABBITMQ_TLS_URL"].replace("localhost", host);
        let own = own.map_or_else(String::new, |own| {
            format!("&certfile={}&keyfile={}", self.file(&format!("{own}.pem")), self.file(&format!("{own}.key")))
        });
        format!("{url}?cacertfile={}{own}", self.file(ca))
    }

    fn migrate(&self, database: &str, broker: &str) -> Outcome {
        Program::planshift(["migrate", "--database", database, "--broker", broker]).run()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = script("stop", &self.folder).status();
    }
}

fn script(command: &str, folder: &Path) -> Command {
    let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("servers"));
    script.arg(command).arg(folder);
    script
}

fn readable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
}

/// An authority of one's own: its certificate is `NAME.pem`.
fn authority(name: &str, folder: &Path) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(folder.join(format!("{name}.pem")), issuer.pem()).unwrap();
    issuer
}

/// A certificate for a host or a client, `NAME.pem`, and its key, `NAME.key`.
fn issue(by: &CertifiedIssuer<'_, KeyPair>, name: &str, of: &str, usage: ExtendedKeyUsagePurpose, folder: &Path) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![of.to_owned()]).unwrap();
    params.extended_key_usages = vec![usage];
    params.distinguished_name.push(rcgen::DnType::CommonName, of);
    fs::write(folder.join(format!("{name}.pem")), params.signed_by(&key, by).unwrap().pem()).unwrap();
    fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

#[test]
fn both_servers_are_reached_over_tls_and_nobody_who_pretends_to_be_one() {
    let servers = Servers::start();
    let postgres = &servers.addresses["PLANSHIFT_TEST_POSTGRES_URL"];
    let made = Command::new("psql").args(["-X", "-q", "-d", postgres, "-c", "CREATE DATABASE planshift"]).status();
    assert!(made.is_ok_and(|status| status.success()), "a database");
    let database = servers.database("localhost", "ca.pem", Some("client"));
    let broker = servers.broker("localhost", "ca.pem", Some("client"));
    servers.migrate(&database, &broker).expect(0);

    // whole transitions, with each connection over TLS: neither server has another way for them
    let sample = accounts::sample("two-resellers").display().to_string();
    let ran = Program::planshift(["run", &sample, "--json", "--database", &database, "--broker", &broker]).run().expect(0);
    assert_eq!(Ran::of(&ran).count("Completed"), 1);
    Program::planshift(["verify", "--database", &database]).run().expect(0);

    let wrong = [
        // whose authority is another one; who is another host; who asks for a certificate that is not shown, or is a stranger's
        ("the database's authority", servers.database("localhost", "other.pem", Some("client")), broker.clone(), "UnknownIssuer"),
        ("the database's name", servers.database("127.0.0.1", "ca.pem", Some("client")), broker.clone(), "not valid for name"),
        ("no certificate for the database", servers.database("localhost", "ca.pem", None), broker.clone(), "certificate"),
        ("the broker's authority", database.clone(), servers.broker("localhost", "other.pem", Some("client")), "UnknownIssuer"),
        ("the broker's name", database.clone(), servers.broker("127.0.0.1", "ca.pem", Some("client")), "not valid for name"),
        ("no certificate for the broker", database.clone(), servers.broker("localhost", "ca.pem", None), "broker is not reached"),
        ("a stranger's", database.clone(), servers.broker("localhost", "ca.pem", Some("stranger")), "broker is not reached"),
    ];
    // all at once: each of them waits for a server that might come
    std::thread::scope(|scope| {
        for (what, database, broker, said) in &wrong {
            let servers = &servers;
            scope.spawn(move || {
                let outcome = servers.migrate(database, broker).expect(1);
                assert!(outcome.stderr.contains(said), "{what}: {outcome}");
            });
        }
    });
}
