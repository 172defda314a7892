//! Where an account document's bytes come from. It is read more than once (checked, looked through, sent, perhaps sent
//! again), so what is no regular file is copied to one first.

use crate::exit::Failure;
use bytes::Bytes;
use planshift_domain::account::Format;
use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// How much of a document is read at a time when it is sent.
const BLOCK: usize = 64 * 1024;

/// A document's file. It is opened once, so that what was checked is what is sent, also where its name is given to another
/// file meanwhile.
#[derive(Debug)]
pub struct Source {
    file: File,
    format: Format,
}

impl Source {
    /// The document of that name; `-` is standard input. It is in lines where the name ends in `.ndjson` or `.jsonl`.
    ///
    /// # Errors
    /// Usage: it cannot be read.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let cannot = |error| Failure::usage(format!("cannot read the account document {}", path.display())).because(error);
        if path == Path::new("-") {
            return Self::copy(&mut io::stdin().lock(), Format::Json).map_err(cannot);
        }
        let mut file = File::open(path).map_err(cannot)?;
        let kind = file.metadata().map_err(cannot)?;
        if kind.is_dir() {
            return Err(Failure::usage(format!("{} is a folder, not an account document", path.display())));
        }
        let format = format_of(path);
        if kind.is_file() { Ok(Self { file, format }) } else { Self::copy(&mut file, format).map_err(cannot) }
    }

    /// A document from whatever can be read once.
    ///
    /// # Errors
    /// What reading it or the temporary folder says.
    pub fn copy(from: &mut dyn Read, format: Format) -> io::Result<Self> {
        let mut file = tempfile::tempfile()?;
        io::copy(from, &mut file)?;
        Ok(Self { file, format })
    }

    /// A document in this file.
    pub const fn from_file(file: File, format: Format) -> Self {
        Self { file, format }
    }

    /// How it is written down.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// What a request says that it is.
    pub const fn content_type(&self) -> &'static str {
        match self.format {
            Format::Json => "application/json",
            Format::Lines => "application/x-ndjson",
        }
    }

    /// The document from its beginning. Only one reader at a time: they share the file's position.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn reader(&self) -> io::Result<BufReader<&File>> {
        (&self.file).seek(SeekFrom::Start(0))?;
        Ok(BufReader::with_capacity(BLOCK, &self.file))
    }

    /// The document as the body of a request, and its length.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn body(&self) -> io::Result<(reqwest::Body, u64)> {
        let length = self.file.metadata()?.len();
        let file = tokio::fs::File::from_std(self.file.try_clone()?);
        let blocks = futures::stream::try_unfold((file, false), |(mut file, begun)| async move {
            if !begun {
                file.seek(SeekFrom::Start(0)).await?;
            }
            let mut block = vec![0; BLOCK];
            let read = file.read(&mut block).await?;
            block.truncate(read);
            Ok::<_, io::Error>((read > 0).then(|| (Bytes::from(block), (file, true))))
        });
        Ok((reqwest::Body::wrap_stream(blocks), length))
    }
}

fn format_of(path: &Path) -> Format {
    let is = |wanted: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted));
    if is("ndjson") || is("jsonl") { Format::Lines } else { Format::Json }
}
