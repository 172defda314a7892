//! A reader that gives up on a row without an end: what is read is looked at row by row, and one row must not become all of the memory.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The longest row, with what is read ahead of it.
pub(super) const ROW_BYTES: u64 = 1024 * 1024;

/// Reads on, until too much was read since the last row.
pub(super) struct Bounded<R> {
    inner: R,
    since_row: Arc<AtomicU64>,
}

/// Told of each row that is at its end. Clones tell the same reader.
#[derive(Clone)]
pub(super) struct RowEnds(Arc<AtomicU64>);

impl<R> Bounded<R> {
    pub(super) fn new(inner: R) -> (Self, RowEnds) {
        let since_row = Arc::new(AtomicU64::new(0));
        (Self { inner, since_row: since_row.clone() }, RowEnds(since_row))
    }
}

impl RowEnds {
    pub(super) fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        if self.since_row.fetch_add(read as u64, Ordering::Relaxed) + read as u64 > ROW_BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a row is longer than 1 MiB"));
        }
        Ok(read)
    }
}
