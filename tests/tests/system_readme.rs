//! The README's script moves a customer from import to dossier, as it stands there.

use planshift_tests::{http::TOKEN, place::Place, program::bin_dir};
use std::{env, fs, process::Command};

#[test]
fn the_script_of_the_readme_moves_a_customer_from_import_to_dossier() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("the README");
    let (_, after) = readme.split_once("A customer from import to dossier").expect("the script's title");
    let (_, script) = after.split_once("```sh\n").expect("the script");
    let (script, _) = script.split_once("```").expect("its end");

    let place = Place::embedded();
    let served = place.serve();
    let folder = tempfile::tempdir().expect("a folder");
    // the folder in which the README's reader has started `planshift serve`
    fs::create_dir(folder.path().join("planshift-data")).expect("a data folder");
    fs::write(folder.path().join("planshift-data/token"), TOKEN).expect("a token");
    let script = script.replace("http://127.0.0.1:8080", &served.api);
    let path = format!("{}:{}", bin_dir().display(), env::var("PATH").unwrap_or_default());
    let ran = Command::new("sh").args(["-euc", &script]).current_dir(folder.path()).env("PATH", path).output().expect("a shell");
    let said = format!("{}\n{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{said}");
    for part in
        ["{\"imported\":1,\"refused\":[]}", "event: end", "\"state\":\"Completed\"", "TransitionedToAzurePlan", "dossier.json is intact"]
    {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
    served.stop();
}
