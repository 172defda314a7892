//! The most memory that a process has had at once, as the kernel keeps it: the peak of its resident set, whatever happens between
//! two looks. (Pages that several processes share count for each of them.)

use super::memory::field;
use std::fs;

/// Begins anew with what it has now.
///
/// # Panics
/// Where this is not allowed.
pub fn forget(process: u32) {
    let file = format!("/proc/{process}/clear_refs");
    fs::write(&file, "5").unwrap_or_else(|error| panic!("{file}: {error}"));
}

/// Since its start, or since it was begun anew, in MB; none where it has ended.
pub fn mb(process: u32) -> Option<f64> {
    field(process, "status", "VmHWM:").map(|kb| kb as f64 / 1024.0)
}

/// Of several, by name, in whole MB.
pub fn of(processes: &[(String, u32)]) -> Vec<(String, f64)> {
    processes.iter().map(|(name, id)| (name.clone(), mb(*id).unwrap_or_default().ceil())).collect()
}
