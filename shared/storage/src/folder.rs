//! One process at a time in a folder of database files.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The file that is locked. It stays when the lock is gone: to remove it would let two processes lock two files of one name.
const LOCK_FILE: &str = "planshift.lock";

/// The folder is this process's own until this is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub struct FolderLock {
    folder: PathBuf,
    /// Holds the lock: the system releases it when the file is closed.
    _file: File,
}

impl FolderLock {
    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Why a folder could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FolderLockError {
    /// Another process has it.
    #[error("the data folder {} is in use by another process{}: stop it, or use another folder", folder.display(), process.map(|id| format!(" (process {id})")).unwrap_or_default())]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The other process, where it told.
        process: Option<u32>,
    },
    /// The folder cannot be made or written to.
    #[error("the data folder {} cannot be used", folder.display())]
    Io {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Makes the folder if there is none, readable by its owner alone, and takes it for this process.
///
/// # Errors
/// `InUse` where another process (or another lock in this one) has it; `Io` where it cannot be made or written to.
pub fn lock_data_folder(folder: impl AsRef<Path>) -> Result<FolderLock, FolderLockError> {
    let folder = folder.as_ref();
    let failed = |source| FolderLockError::Io { folder: folder.to_owned(), source };
    create(folder).map_err(failed)?;
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(folder.join(LOCK_FILE)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(FolderLockError::InUse { folder: folder.to_owned(), process: owner(&mut file) }),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // For the other one's message; the lock does not depend on it.
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(FolderLock { folder: folder.to_owned(), _file: file })
}

fn create(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn owner(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b");
        let lock = lock_data_folder(&folder).unwrap();
        assert_eq!(lock.folder(), folder);
        let error = lock_data_folder(&folder).unwrap_err();
        assert!(matches!(&error, FolderLockError::InUse { process: Some(id), .. } if *id == std::process::id()), "{error:?}");
        assert!(error.to_string().contains("in use by another process"), "{error}");
        drop(lock);
        lock_data_folder(&folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        let _lock = lock_data_folder(&folder).unwrap();
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_file_in_the_way_is_told() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("file");
        std::fs::write(&path, "").unwrap();
        assert!(matches!(lock_data_folder(&path), Err(FolderLockError::Io { .. })));
    }
}
