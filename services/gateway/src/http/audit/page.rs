//! The dossier as a page to print: no script, nothing from elsewhere, every text escaped. Its one style is named by its hash in the
//! policy, which allows nothing else.

use planshift_domain::{
    audit::{Customer, CustomerEntry, EXCHANGED, Exported, TransitionPart, Whole},
    step::Step,
};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

const STYLE: &str = "body{font:10pt/1.4 system-ui,sans-serif;margin:2rem;color:#111;background:#fff}\
h1{font-size:16pt}h2{font-size:13pt;margin-top:2rem}h3{font-size:11pt}\
table{border-collapse:collapse;width:100%;margin:.5rem 0}\
th,td{border-bottom:1px solid #bbb;padding:.2rem .5rem .2rem 0;text-align:left;vertical-align:top}td:last-child{overflow-wrap:anywhere}\
code{font:8.5pt/1.3 ui-monospace,monospace;overflow-wrap:anywhere}dt{font-weight:600}dd{margin:0 0 .4rem}\
thead{display:table-header-group}tr{break-inside:avoid}\
@media screen and (max-width:46rem){th,td{overflow-wrap:anywhere}}\
@media print{body{margin:0}h2{break-before:page}a{color:inherit;text-decoration:none}}";

/// The policy of such a page.
pub(super) fn policy() -> String {
    let hash = base64(&Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
}

/// Standard alphabet, with padding. Source: RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_usize, |group, byte| group << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sextet = (group >> (18 - 6 * place)) & 0x3f;
            let shown = ALPHABET.get(sextet).copied().map_or('=', char::from);
            out.push(if place <= chunk.len() { shown } else { '=' });
        }
    }
    out
}

/// A text where markup may not be.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn row(out: &mut String, cells: &[&str]) {
    out.push_str("<tr>");
    for cell in cells {
        // writing to a string does not fail
        let _ = write!(out, "<td>{}</td>", escaped(cell));
    }
    out.push_str("</tr>\n");
}

fn head(out: &mut String, cells: &[&str]) {
    out.push_str("<table><thead><tr>");
    for cell in cells {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(cell));
    }
    out.push_str("</tr></thead><tbody>\n");
}

const END_OF_TABLE: &str = "</tbody></table>\n";

pub(super) fn begin(customer: &Customer, exported: &Exported) -> String {
    let name = escaped(&customer.company_name);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Dossier: {name}</title><style>{STYLE}</style></head><body><main>\n<h1>Dossier: {name}</h1>\n<dl>"
    );
    for (term, value) in [
        ("Customer", customer.customer_id.to_string()),
        ("Domain", customer.domain.clone()),
        ("Partner", customer.partner_id.to_string()),
        ("Exported at", exported.at.to_string()),
        ("Exported by", exported.by.clone()),
        ("Correlation id", exported.correlation_id.as_hyphenated().to_string()),
    ] {
        let _ = write!(out, "<dt>{term}</dt><dd>{}</dd>", escaped(&value));
    }
    out.push_str("</dl>\n<p>This page is for reading. What is checked is the same document as JSON: planshift audit --check FILE.</p>\n");
    out.push_str("<h2>What happened to the customer</h2>\n");
    head(&mut out, &["no.", "when", "what", "by", "in words", "transition", "hash"]);
    out
}

pub(super) fn entry(entry: &CustomerEntry) -> String {
    let mut out = String::new();
    let transition = entry.transition.as_ref().map(|seal| format!("{} (sealed at entry {})", seal.transition_id, seal.entries));
    let (number, at) = (entry.number.to_string(), entry.at.to_string());
    row(&mut out, &[&number, &at, &entry.event, &entry.actor, &entry.text, &transition.unwrap_or_default(), &entry.hash]);
    out
}

pub(super) fn end_of_chain() -> String {
    END_OF_TABLE.to_owned()
}

pub(super) fn transition(part: &TransitionPart) -> String {
    let it = &part.transition;
    let mut out = format!("<h2>Transition {}</h2>\n<dl>", it.id);
    let time = |at: Option<planshift_domain::time::Timestamp>| at.map_or_else(|| "none".to_owned(), |at| at.to_string());
    for (term, value) in [
        ("State", it.state.name().to_owned()),
        ("Started", format!("{} by {}", it.started_at, it.started_by)),
        ("Ended", time(it.ended_at)),
        ("Plans own the usage from", time(it.effective_at)),
        ("Lines", format!("{} ({} mapped, {} suspended)", it.lines, it.mapped, it.suspended)),
        ("Failure", it.failure.as_ref().map_or_else(|| "none".to_owned(), |f| format!("{} in {}: {}", f.code, f.step, f.description))),
    ] {
        let _ = write!(out, "<dt>{term}</dt><dd>{}</dd>", escaped(&value));
    }
    out.push_str("</dl>\n<h3>Plans</h3>\n");
    head(&mut out, &["reseller", "plan", "status", "reused", "undo", "error"]);
    for plan in &part.plans {
        let id = plan.plan_id.map_or_else(String::new, |id| id.to_string());
        let status = plan.status.map_or("", |status| status.text());
        let error = plan.error.as_ref().map_or_else(String::new, |error| format!("{}: {}", error.code, error.description));
        let reused = if plan.reused { "yes" } else { "no" };
        row(&mut out, &[plan.reseller.key(), &id, status, reused, plan.undo.map_or("", |undo| undo.name()), &error]);
    }
    out.push_str(END_OF_TABLE);
    findings(part, &mut out);
    out.push_str("<h3>Lines</h3>\n");
    head(&mut out, &["Azure subscription", "commerce subscription", "reseller", "undo", "error"]);
    for line in &part.lines {
        let error = line.error.as_ref().map_or_else(String::new, |(step, error)| format!("{step}, {}: {}", error.code, error.description));
        let (azure, commerce) = (line.azure_subscription_id.to_string(), line.commerce_subscription_id.to_string());
        row(&mut out, &[&azure, &commerce, line.reseller.key(), line.undo.map_or("", |undo| undo.name()), &error]);
    }
    out.push_str(END_OF_TABLE);
    out.push_str("<h3>History</h3>\n");
    head(&mut out, &["no.", "when", "state", "what", "by", "in words", "hash"]);
    for entry in &part.history {
        let (number, at) = (entry.number.to_string(), entry.at.to_string());
        let what = if entry.event == EXCHANGED { "Messages" } else { &entry.event };
        row(&mut out, &[&number, &at, entry.state.name(), what, &entry.actor, &entry.text, &entry.hash]);
    }
    out.push_str(END_OF_TABLE);
    out
}

fn findings(part: &TransitionPart, out: &mut String) {
    let packets = || part.packets.iter().filter(|packet| packet.step == Step::Eligibility);
    let found = packets().flat_map(|packet| {
        packet.findings.reasons.iter().map(|f| ("reason", f)).chain(packet.findings.warnings.iter().map(|f| ("warning", f)))
    });
    let mut found = found.peekable();
    if found.peek().is_none() {
        return;
    }
    out.push_str("<h3>Findings</h3>\n");
    head(out, &["kind", "code", "about", "in words"]);
    for (kind, finding) in found {
        row(out, &[kind, &finding.code, &finding.resource_id, &finding.description]);
    }
    out.push_str(END_OF_TABLE);
}

pub(super) fn end(whole: &Whole) -> String {
    let mut out = "<h2>The whole</h2>\n<dl>".to_owned();
    let chain = format!("{} entries, {}", whole.chain.entries, whole.chain.hash);
    let _ = write!(out, "<dt>The customer's chain</dt><dd><code>{}</code></dd>", escaped(&chain));
    for end in &whole.histories {
        let text = format!("{} entries, {}", end.entries, end.hash);
        let _ = write!(out, "<dt>Transition {}</dt><dd><code>{}</code></dd>", end.transition_id, escaped(&text));
    }
    let _ = write!(out, "<dt>SHA-256 of the document that was made at the same time</dt><dd><code>{}</code></dd>", escaped(&whole.sha256));
    out.push_str("</dl>\n</main></body></html>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_everybody_has_it() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("\u{fb}\u{ff}", "w7vDvw==")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escaped("<script>alert('&\"')</script>"), "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;");
    }
}
