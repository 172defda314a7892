//! On which line a row of a table begins, whatever ends lines: a row may have several, and empty ones stand between rows.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, Read},
    rc::Rc,
};

/// Lines that have anything on them, as far as was read ahead: at which byte they begin, and their numbers. Clones share.
#[derive(Clone, Default)]
pub(super) struct Lines(Rc<RefCell<VecDeque<(u64, u64)>>>);

impl Lines {
    /// The line of the row that is read from this byte on: rows are asked for in their order.
    pub(super) fn at(&self, byte: u64) -> Option<u64> {
        let mut known = self.0.borrow_mut();
        while known.front().is_some_and(|(begins, _)| *begins < byte) {
            known.pop_front();
        }
        known.front().map(|(_, line)| *line)
    }
}

/// A reader that notes where lines begin.
pub(super) struct Numbered<R> {
    inner: R,
    lines: Lines,
    byte: u64,
    line: u64,
    last: u8,
}

impl<R> Numbered<R> {
    pub(super) fn new(inner: R, lines: Lines) -> Self {
        Self { inner, lines, byte: 0, line: 1, last: b'\n' }
    }
}

impl<R: Read> Read for Numbered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let mut known = self.lines.0.borrow_mut();
        for byte in &buffer[..count] {
            match (self.last, byte) {
                // one end, of two bytes
                (b'\r', b'\n') => {}
                (_, b'\r' | b'\n') => self.line += 1,
                (b'\r' | b'\n', _) => known.push_back((self.byte, self.line)),
                _ => {}
            }
            (self.last, self.byte) = (*byte, self.byte + 1);
        }
        Ok(count)
    }
}
