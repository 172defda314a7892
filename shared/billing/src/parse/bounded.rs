//! A reader under which no row is longer than it may be: a quote that is never closed would otherwise be a cell of the whole file. For
//! files of usage, and for whoever else reads a document row by row.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

/// How many bytes a row may have, and what is read ahead with it.
pub const LONGEST_ROW: usize = 1024 * 1024;

/// How much was read since the last row ended. Clones share.
#[derive(Clone, Default)]
pub struct Bound {
    read: Rc<Cell<usize>>,
    over: Rc<Cell<bool>>,
}

impl Bound {
    /// A row has ended.
    pub fn reset(&self) {
        self.read.set(0);
    }

    /// Did reading end because of a row that is too long?
    pub fn is_over(&self) -> bool {
        self.over.get()
    }
}

/// Reads on, until too much was read since the last row.
pub struct Bounded<R> {
    inner: R,
    bound: Bound,
}

impl<R> Bounded<R> {
    /// Whoever reads rows tells `bound` of each that has ended.
    pub fn new(inner: R, bound: Bound) -> Self {
        Self { inner, bound }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let so_far = self.bound.read.get();
        if so_far > LONGEST_ROW {
            self.bound.over.set(true);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a row is too long"));
        }
        let count = self.inner.read(buffer)?;
        self.bound.read.set(so_far + count);
        Ok(count)
    }
}
