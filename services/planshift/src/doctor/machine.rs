//! Limits of this machine that a service would meet.

use super::Finding;
use rustix::process::{Resource, getrlimit};

/// What a gateway may need under load: a connection is a file.
const FILES: u64 = 4_096;

/// How many files a process may have open.
pub(super) fn look() -> Vec<Finding> {
    vec![of_files(getrlimit(Resource::Nofile).current)]
}

fn of_files(limit: Option<u64>) -> Finding {
    match limit {
        Some(limit) if limit < FILES => Finding::warning("machine", format!("a process may have {limit} files and connections open"))
            .mend(format!("`ulimit -n {FILES}` before a service is started; LimitNOFILE= in a systemd unit")),
        Some(limit) => Finding::ok("machine", format!("a process may have {limit} files and connections open")),
        None => Finding::ok("machine", "a process may have any number of files and connections open"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn few_files_are_told() {
        assert_eq!(of_files(Some(1_024)).level, Level::Warning);
        assert_eq!((of_files(Some(FILES)).level, of_files(None).level), (Level::Ok, Level::Ok));
    }
}
