//! A form that brings a file, as browsers send it (`multipart/form-data`). It has been read whole: a file of a form is bounded, and larger
//! ones come by the API.
//!
//! What breaks the format is refused: nothing is guessed.

use axum::http::{HeaderMap, header};

/// How many parts a form may have: more than any form of ours.
const MOST_PARTS: usize = 64;
/// How long what is said about a part may be.
const HEAD_BYTES: usize = 4 * 1024;
/// The longest boundary. Source: RFC 2046, section 5.1.1.
const BOUNDARY_CHARS: usize = 70;

/// A part: a field, or a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) name: String,
    /// A file's name, as it was on the other machine; empty where none was chosen.
    pub(super) file: Option<String>,
    pub(super) body: &'a [u8],
}

/// What stands between the parts, where the request is such a form.
pub(super) fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (name, rest) = kind.split_once(';')?;
    if !name.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let found = rest.split(';').find_map(|one| {
        let (name, value) = one.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"').to_owned())
    });
    found.filter(|text| (1..=BOUNDARY_CHARS).contains(&text.len()))
}

/// Its parts in their order; nothing where it is none.
pub(super) fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<Part<'a>>> {
    let (first, next) = (format!("--{boundary}").into_bytes(), format!("\r\n--{boundary}").into_bytes());
    let mut rest = body.strip_prefix(&first[..])?;
    let mut parts = Vec::new();
    while let Some(after) = rest.strip_prefix(b"\r\n") {
        let end = find(after, b"\r\n\r\n").filter(|end| *end <= HEAD_BYTES)?;
        let (name, file) = said(std::str::from_utf8(&after[..end]).ok()?)?;
        let after = &after[end + 4..];
        let end = find(after, &next)?;
        if parts.len() == MOST_PARTS {
            return None;
        }
        parts.push(Part { name, file, body: &after[..end] });
        rest = &after[end + next.len()..];
    }
    rest.starts_with(b"--").then_some(parts)
}

/// A part's name, and that of its file.
fn said(head: &str) -> Option<(String, Option<String>)> {
    let line = head.split("\r\n").find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let value = |name: &str| {
        // browsers write quotes within a name as %22, so that a quote ends it
        let from = line.find(&format!("; {name}=\""))? + name.len() + 4;
        line[from..].split_once('"').map(|(value, _)| value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
    };
    Some((value("name")?, value("filename")))
}

/// Where it stands for the first time. The first byte is looked for alone, which is quick: a file is long, and has few line ends that are
/// followed by two hyphens.
fn find(within: &[u8], wanted: &[u8]) -> Option<usize> {
    let (first, mut from) = (*wanted.first()?, 0);
    while let Some(at) = within.get(from..)?.iter().position(|byte| *byte == first) {
        if within[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const FORM: &[u8] = b"--xx\r\nContent-Disposition: form-data; name=\"reference\"\r\n\r\nmay\r\n--xx\r\n\
        content-disposition: form-data; name=\"file\"; filename=\"a %22b%22.csv\"\r\nContent-Type: text/csv\r\n\r\n\
        customerId\r\n--x\r\n\r\n--xx--\r\n";

    #[test]
    fn fields_and_files_are_told_apart_and_a_file_may_have_anything_in_it() {
        let parts = parts(FORM, "xx").unwrap();
        assert_eq!(parts[0], Part { name: "reference".into(), file: None, body: b"may" });
        assert_eq!(parts[1], Part { name: "file".into(), file: Some("a \"b\".csv".into()), body: b"customerId\r\n--x\r\n" });
        assert_eq!(parts.len(), 2);
    }

    #[test]
    fn what_breaks_off_or_is_no_form_is_refused() {
        for end in 0..FORM.len() - 4 {
            assert_eq!(parts(&FORM[..end], "xx"), None, "{end}");
        }
        for wrong in ["", "--yy\r\n", "--xx\r\nContent-Type: text/csv\r\n\r\na\r\n--xx--", "--xx\r\nno head"] {
            assert_eq!(parts(wrong.as_bytes(), "xx"), None, "{wrong}");
        }
        let many = "--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n".repeat(MOST_PARTS + 1) + "--xx--";
        assert_eq!(parts(many.as_bytes(), "xx"), None);
    }

    #[test]
    fn the_boundary_is_read_from_the_content_type() {
        let of = |text: &'static str| boundary(&HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(text))]));
        assert_eq!(of("multipart/form-data; boundary=----Web1").as_deref(), Some("----Web1"));
        assert_eq!(of("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"").as_deref(), Some("a b"));
        for wrong in ["multipart/form-data", "multipart/form-data; boundary=", "application/json; boundary=x"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
