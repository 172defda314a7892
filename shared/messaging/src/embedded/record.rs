//! A message as a row: how text, bytes and names become columns and come back.

use crate::Message;
use bytes::Bytes;
use std::time::{SystemTime, UNIX_EPOCH};

/// The body is the column's text itself.
pub(crate) const BODY_TEXT: i64 = 0;
/// The body is no text (or holds a NUL, which SQL text does not carry reliably): hexadecimal.
pub(crate) const BODY_HEX: i64 = 1;

/// What a message takes in memory, about.
pub(crate) fn size(message: &Message) -> usize {
    /// The struct, its place in a queue, the allocator's share.
    const OVERHEAD: usize = 400;
    OVERHEAD + message.body.len() + message.message_id.len() + message.traceparent.len() + message.tracestate.len()
}

/// The body as text, and which kind of text.
pub(crate) fn encode_body(body: &Bytes) -> (String, i64) {
    match std::str::from_utf8(body) {
        Ok(text) if !text.contains('\0') => (text.to_owned(), BODY_TEXT),
        _ => (body.iter().map(|byte| format!("{byte:02x}")).collect(), BODY_HEX),
    }
}

/// The body back from its column.
pub(crate) fn decode_body(text: String, encoding: i64) -> Bytes {
    if encoding != BODY_HEX {
        return Bytes::from(text);
    }
    let nibble = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
    text.as_bytes().chunks(2).map(|pair| (nibble(pair[0]) << 4) | pair.get(1).map_or(0, |digit| nibble(*digit))).collect()
}

/// Microseconds since 1970: due times must mean the same after a restart.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_body_comes_back_as_it_was() {
        for body in [&b"{}"[..], b"", b"\xff\x00\x10", b"a\0b", "\u{e9}".as_bytes()] {
            let body = Bytes::copy_from_slice(body);
            let (text, encoding) = encode_body(&body);
            assert_eq!(decode_body(text, encoding), body);
        }
    }
}
