//! The bytes of a document: checked to be UTF-8, without the byte order mark that some editors put first.
//!
//! The JSON parser skips what nobody asks for without looking at its encoding; here every byte is looked at.

use std::io::{self, Read};

const BLOCK: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A byte that is not UTF-8, from line 1 and column 1 (in bytes, as the JSON parser counts).
#[derive(Debug, thiserror::Error)]
#[error("not UTF-8 at line {line}, column {column}")]
pub(super) struct NotUtf8 {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A reader that gives nothing but UTF-8.
pub(super) struct Input<R> {
    source: R,
    block: Vec<u8>,
    /// `block[given..good]` is checked and not yet given; `block[good..filled]` is the beginning of a character.
    given: usize,
    good: usize,
    filled: usize,
    begun: bool,
    line: usize,
    column: usize,
}

impl<R: Read> Input<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, block: vec![0; BLOCK], given: 0, good: 0, filled: 0, begun: false, line: 1, column: 1 }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.block.copy_within(self.good..self.filled, 0);
        self.filled -= self.good;
        (self.given, self.good) = (0, 0);
        while self.good == 0 {
            let read = match self.source.read(&mut self.block[self.filled..]) {
                Err(interrupted) if interrupted.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if read == 0 {
                return if self.filled == 0 { Ok(()) } else { Err(self.not_utf8(0)) };
            }
            self.filled += read;
            if !self.begun {
                let head = &self.block[..self.filled.min(BYTE_ORDER_MARK.len())];
                if head == BYTE_ORDER_MARK {
                    self.block.copy_within(BYTE_ORDER_MARK.len()..self.filled, 0);
                    self.filled -= BYTE_ORDER_MARK.len();
                } else if BYTE_ORDER_MARK.starts_with(head) {
                    continue;
                }
                self.begun = true;
            }
            match std::str::from_utf8(&self.block[..self.filled]) {
                Ok(text) => self.good = text.len(),
                Err(error) if error.error_len().is_some() => return Err(self.not_utf8(error.valid_up_to())),
                Err(error) => self.good = error.valid_up_to(),
            }
        }
        let text = &self.block[..self.good];
        self.line += text.iter().filter(|b| **b == b'\n').count();
        match text.iter().rposition(|b| *b == b'\n') {
            Some(newline) => self.column = text.len() - newline,
            None => self.column += text.len(),
        }
        Ok(())
    }

    fn not_utf8(&self, offset: usize) -> io::Error {
        let text = &self.block[..offset];
        let line = self.line + text.iter().filter(|b| **b == b'\n').count();
        let column = text.iter().rposition(|b| *b == b'\n').map_or(self.column + offset, |newline| offset - newline);
        io::Error::new(io::ErrorKind::InvalidData, NotUtf8 { line, column })
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.good {
            self.refill()?;
        }
        let count = out.len().min(self.good - self.given);
        out[..count].copy_from_slice(&self.block[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, as a slow connection does.
    struct Drip<'a>(&'a [u8]);
    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(1).min(out.len());
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn all(bytes: &[u8]) -> [io::Result<String>; 2] {
        [io::read_to_string(Input::new(bytes)), io::read_to_string(Input::new(Drip(bytes)))]
    }

    #[test]
    fn characters_survive_however_they_are_cut() {
        for text in ["", "a", "é€𝄞", "\u{feff}"] {
            for got in all(text.as_bytes()) {
                assert_eq!(got.unwrap(), text.trim_start_matches('\u{feff}'));
            }
        }
        for got in all("\u{feff}{}\u{feff}".as_bytes()) {
            assert_eq!(got.unwrap(), "{}\u{feff}");
        }
        let long = "aé".repeat(BLOCK);
        assert_eq!(io::read_to_string(Input::new(long.as_bytes())).unwrap(), long);
    }

    #[test]
    fn what_is_not_utf8_is_refused_with_its_place() {
        for (bytes, line, column) in
            [(&b"ab\n\xffc"[..], 2, 1), (b"abc\xe2\x82", 1, 4), (b"\xef\xbb", 1, 1), (b"\n\nx\xc3(", 3, 2), (b"\xef\xbb\xbf\xff", 1, 1)]
        {
            for got in all(bytes) {
                let error = got.unwrap_err();
                let place = error.get_ref().and_then(|e| e.downcast_ref::<NotUtf8>()).unwrap();
                assert_eq!((place.line, place.column), (line, column), "{bytes:?}");
            }
        }
    }
}
