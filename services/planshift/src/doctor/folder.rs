//! The embedded store: a folder of files that are this version's, that nobody else may read, with room on the disk.

use super::Finding;
use crate::host;
use planshift_storage::Database;
use planshift_worker::Service;
use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

const ABOUT: &str = "store";
/// Less room than this is told.
const LITTLE_ROOM: u64 = 1 << 30;

pub(super) async fn look(folder: &Path) -> Vec<Finding> {
    let shown = folder.display();
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return vec![
                Finding::ok(ABOUT, format!("there is no folder {shown} yet"))
                    .mend("`planshift serve` makes it; name another one with --data, or servers with --database and --broker"),
            ];
        }
        Err(error) => return vec![Finding::wrong(ABOUT, format!("the folder {shown} cannot be looked at: {error}"))],
        Ok(found) if !found.is_dir() => return vec![Finding::wrong(ABOUT, format!("{shown} is no folder")).mend("name one with --data")],
        Ok(_) => {}
    }
    let mut findings = of_files(folder).await;
    findings.extend(of_rights(folder));
    findings.extend(of_room(folder));
    if findings.is_empty() {
        findings.push(Finding::ok(ABOUT, format!("the folder {shown} is at this version, and nobody else may read it")));
    }
    findings
}

/// Each service's file: there, readable, at this version.
async fn of_files(folder: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in Service::ALL {
        let file = folder.join(format!("{}.db", service.name()));
        if !file.is_file() {
            findings.push(
                Finding::warning(ABOUT, format!("{} is missing", file.display()))
                    .mend("`planshift migrate` or `serve` makes what is missing; is this the right --data?"),
            );
            continue;
        }
        let checked = match Database::open_sqlite_to_read(&file).await {
            Ok(database) => {
                let checked = database.check(host::migrations(service)).await;
                database.close().await;
                checked
            }
            Err(error) => Err(error),
        };
        if let Err(error) = checked {
            findings.push(Finding::wrong(ABOUT, format!("{}: {error}", file.display())).mend("`planshift migrate` where it is older"));
        }
    }
    findings
}

/// The folder has tokens and customers' data in it.
fn of_rights(folder: &Path) -> Option<Finding> {
    let mode = fs::metadata(folder).ok()?.permissions().mode() & 0o077;
    let told = || Finding::warning(ABOUT, format!("others on this machine may look into {}", folder.display()));
    (mode != 0).then(|| told().mend(format!("chmod 700 {}", folder.display())))
}

fn of_room(folder: &Path) -> Option<Finding> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    let room = disk.f_bavail.saturating_mul(disk.f_frsize);
    let told = || Finding::warning(ABOUT, format!("the disk of {} has {} MB left", folder.display(), room >> 20));
    (room < LITTLE_ROOM).then(|| told().mend("make room: a store that cannot grow stops taking anything"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{doctor::Level, settings::Keeping};

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_no_fault() {
        let parent = tempfile::tempdir().unwrap();
        let findings = look(&parent.path().join("none")).await;
        assert!(findings.len() == 1 && findings[0].level == Level::Ok, "{findings:?}");
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_folder_is_told() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        host::migrate(&Keeping::Embedded(folder.clone())).await.unwrap();
        let well = look(&folder).await;
        assert!(well.iter().all(|finding| finding.level == Level::Ok || finding.found.contains("left")), "{well:?}");

        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        fs::remove_file(folder.join("mapping.db")).unwrap();
        fs::write(folder.join("purchasing.db"), "this is no database, as anybody sees").unwrap();
        let told = |level: Level, text: &str, findings: &[Finding]| {
            findings.iter().any(|finding| finding.level == level && finding.found.contains(text) && finding.mend.is_some())
        };
        let findings = look(&folder).await;
        assert!(told(Level::Warning, "others on this machine", &findings), "{findings:?}");
        assert!(told(Level::Warning, "mapping.db is missing", &findings), "{findings:?}");
        assert!(told(Level::Wrong, "purchasing.db", &findings), "{findings:?}");
    }
}
