//! The local token: 256 random bits, made at the first start, kept in the data folder, readable by its owner alone.
//!
//! It is an operator's: whoever can read the file may do everything, as whoever can read the databases beside it could.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use std::{
    fmt, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The file of the data folder that it lies in.
pub const TOKEN_FILE: &str = "token";
/// A shorter one could be guessed: 32 characters of base64 are 192 bits.
const LEAST_CHARS: usize = 32;
/// A longer one is some other file.
const MOST_CHARS: usize = 1024;

/// The local token. It is not printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct LocalToken(String);

impl fmt::Debug for LocalToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalToken(…)")
    }
}

/// Was the token made just now? Then somebody has to be told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// Now.
    Now,
    /// It was there.
    Before,
}

/// Why there is no local token.
#[derive(Debug, thiserror::Error)]
pub enum LocalTokenError {
    /// The text is none.
    #[error("a token has {LEAST_CHARS} to {MOST_CHARS} letters, digits and characters of -._~+/= and nothing else")]
    Malformed,
    /// What is in the file is none.
    #[error("{} holds no token (remove the file, and one is made)", file.display())]
    MalformedFile {
        /// Which.
        file: PathBuf,
    },
    /// The file cannot be read or made.
    #[error("the token's file {} cannot be used", file.display())]
    Io {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl LocalToken {
    /// A new one.
    pub fn random() -> Self {
        Self(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
    }

    /// One that was given.
    ///
    /// # Errors
    /// `Malformed`: too short to be a secret, or it cannot stand in a header. Source: RFC 6750, section 2.1.
    pub fn try_new(text: impl Into<String>) -> Result<Self, LocalTokenError> {
        let text = text.into();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
        if (LEAST_CHARS..=MOST_CHARS).contains(&text.len()) && text.chars().all(fits) {
            Ok(Self(text))
        } else {
            Err(LocalTokenError::Malformed)
        }
    }

    /// That of a data folder. Where there is none, one is made; of two processes that do so at once, both get the same.
    ///
    /// # Errors
    /// `MalformedFile`, `Io`.
    pub fn of_folder(folder: &Path) -> Result<(Self, Made), LocalTokenError> {
        if let Some(token) = Self::read(folder)? {
            return Ok((token, Made::Before));
        }
        let file = folder.join(TOKEN_FILE);
        let token = Self::random();
        match write(folder, &file, &token) {
            Ok(()) => Ok((token, Made::Now)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let other = Self::read(folder)?.ok_or(LocalTokenError::Io { file, source: error })?;
                Ok((other, Made::Before))
            }
            Err(source) => Err(LocalTokenError::Io { file, source }),
        }
    }

    /// That of a data folder, where there is one.
    ///
    /// # Errors
    /// `MalformedFile`, `Io`.
    pub fn read(folder: &Path) -> Result<Option<Self>, LocalTokenError> {
        let file = folder.join(TOKEN_FILE);
        match fs::read_to_string(&file) {
            Ok(text) => match Self::try_new(text.trim()) {
                Ok(token) => Ok(Some(token)),
                Err(_) => Err(LocalTokenError::MalformedFile { file }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LocalTokenError::Io { file, source }),
        }
    }

    /// The text, to be sent or shown once to its owner, and not to be logged.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What a token is compared by: how long the comparison of two digests takes says nothing of what they are of.
    pub(super) fn digest(text: &str) -> [u8; 32] {
        Sha256::digest(text.as_bytes()).into()
    }
}

/// Whole or not at all, and never over one that is there. Files for temporary use are made readable by their owner alone.
fn write(folder: &Path, file: &Path, token: &LocalToken) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let mut temporary = tempfile::Builder::new().prefix(".token-").tempfile_in(folder)?;
    writeln!(temporary, "{}", token.expose())?;
    temporary.as_file().sync_all()?;
    temporary.persist_noclobber(file).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn one_is_made_and_then_read_by_its_owner_alone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        assert!(LocalToken::read(&folder).unwrap().is_none());
        let (made, when) = LocalToken::of_folder(&folder).unwrap();
        assert_eq!((when, made.expose().len()), (Made::Now, 43), "256 bits");
        assert_eq!(LocalToken::of_folder(&folder).unwrap(), (made.clone(), Made::Before));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&folder.join(TOKEN_FILE)), mode(&folder)), (0o600, 0o700));
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left");
        assert!(!format!("{made:?}").contains(made.expose()));
        assert_ne!(LocalToken::random(), LocalToken::random());
    }

    #[test]
    fn all_who_make_one_at_once_get_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let got = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| LocalToken::of_folder(folder.path()).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(got.iter().filter(|(_, made)| *made == Made::Now).count(), 1);
        assert_eq!(got.iter().map(|(token, _)| token.expose()).collect::<BTreeSet<_>>().len(), 1);
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_repeated() {
        for wrong in ["", "short", &"a b".repeat(20), &"ü".repeat(40), &"x".repeat(2000)] {
            assert!(LocalToken::try_new(wrong).is_err(), "{wrong}");
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(TOKEN_FILE), "hunter2\n").unwrap();
        let error = LocalToken::of_folder(folder.path()).unwrap_err();
        assert!(matches!(error, LocalTokenError::MalformedFile { .. }) && !error.to_string().contains("hunter2"), "{error}");
    }
}
