//! The dossier as a page to print, in English or French: no script, nothing from elsewhere, every text escaped. Its one style is named by
//! its hash in the policy, which allows nothing else. What was recorded stands as it was recorded, in English, and the hashes are of that.

use crate::words::Locale;
use planshift_domain::{
    audit::{Customer, CustomerEntry, EXCHANGED, Exported, TransitionPart, Whole},
    step::Step,
};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

const STYLE: &str = "body{font:10pt/1.4 system-ui,sans-serif;margin:2rem;color:#111;background:#fff}\
h1{font-size:16pt}h2{font-size:13pt;margin-top:2rem}h3{font-size:11pt}\
main{max-width:78rem;margin:auto}table{border-collapse:collapse;width:100%;margin:.5rem 0}\
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

/// The one of two texts.
const fn say(locale: Locale, en: &'static str, fr: &'static str) -> &'static str {
    match locale {
        Locale::English => en,
        Locale::French => fr,
    }
}

/// A cell: what is the same in every language, or what was recorded in English.
enum Cell<'a> {
    Same(&'a str),
    Recorded(&'a str),
}
use Cell::{Recorded, Same};

fn row(out: &mut String, cells: &[Cell<'_>]) {
    out.push_str("<tr>");
    for cell in cells {
        // writing to a string does not fail
        let _ = match cell {
            Same(text) => write!(out, "<td>{}</td>", escaped(text)),
            Recorded(text) => write!(out, "<td lang=\"en\">{}</td>", escaped(text)),
        };
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

pub(super) fn begin(locale: Locale, customer: &Customer, exported: &Exported) -> String {
    let say = |en, fr| say(locale, en, fr);
    let (name, title) = (escaped(&customer.company_name), say("Dossier", "Dossier"));
    let language = say("en", "fr");
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}: {name}</title><style>{STYLE}</style></head><body><main>\n<h1>{title}: {name}</h1>\n<dl>"
    );
    for (term, value) in [
        (say("Customer", "Client"), customer.customer_id.to_string()),
        (say("Domain", "Domaine"), customer.domain.clone()),
        (say("Partner", "Partenaire"), customer.partner_id.to_string()),
        (say("Exported at", "Exporté le"), exported.at.to_string()),
        (say("Exported by", "Exporté par"), exported.by.clone()),
        (say("Correlation id", "ID de corrélation"), exported.correlation_id.as_hyphenated().to_string()),
    ] {
        let _ = write!(out, "<dt>{term}</dt><dd>{}</dd>", escaped(&value));
    }
    let for_reading = say(
        "This page is for reading. What is checked is the same document as JSON: planshift audit --check FILE.",
        "Cette page est faite pour être lue. Ce qui se vérifie est le même document en JSON : planshift audit --check FICHIER. \
         Ce qui a été enregistré l’a été en anglais, et reste tel quel.",
    );
    let _ = write!(out, "</dl>\n<p>{for_reading}</p>\n<h2>{}</h2>\n", say("What happened to the customer", "Ce qui est arrivé au client"));
    let (words, transition) = (say("in words", "en mots"), say("transition", "mise à niveau"));
    head(
        &mut out,
        &[say("no.", "n°"), say("when", "quand"), say("what", "quoi"), say("by", "par"), words, transition, say("hash", "empreinte")],
    );
    out
}

pub(super) fn entry(locale: Locale, entry: &CustomerEntry) -> String {
    let mut out = String::new();
    let sealed = say(locale, "sealed at entry", "scellée à l’entrée");
    let transition = entry.transition.as_ref().map(|seal| format!("{} ({sealed} {})", seal.transition_id, seal.entries));
    let (number, at, transition) = (entry.number.to_string(), entry.at.to_string(), transition.unwrap_or_default());
    let (what, by, text) = (Recorded(&entry.event), Same(&entry.actor), Recorded(&entry.text));
    row(&mut out, &[Same(&number), Same(&at), what, by, text, Same(&transition), Same(&entry.hash)]);
    out
}

pub(super) fn end_of_chain() -> String {
    END_OF_TABLE.to_owned()
}

pub(super) fn transition(locale: Locale, part: &TransitionPart) -> String {
    let say = |en, fr| say(locale, en, fr);
    let it = &part.transition;
    let mut out = format!("<h2>{} {}</h2>\n<dl>", say("Transition", "Mise à niveau"), it.id);
    let none = || say("none", "aucun").to_owned();
    let time = |at: Option<planshift_domain::time::Timestamp>| at.map_or_else(none, |at| at.to_string());
    let lines = format!("{} ({} {}, {} {})", it.lines, it.mapped, say("mapped", "rattachés"), it.suspended, say("suspended", "suspendus"));
    for (term, value) in [
        (say("State", "État"), it.state.name().to_owned()),
        (say("Started", "Début"), format!("{} {} {}", it.started_at, say("by", "par"), it.started_by)),
        (say("Ended", "Fin"), time(it.ended_at)),
        (say("Plans own the usage from", "Les plans ont la consommation dès"), time(it.effective_at)),
        (say("Lines", "Lignes"), lines),
        (
            say("Failure", "Échec"),
            it.failure.as_ref().map_or_else(none, |f| format!("{} {} {}: {}", f.code, say("in", "dans"), f.step, f.description)),
        ),
    ] {
        let _ = write!(out, "<dt>{term}</dt><dd>{}</dd>", escaped(&value));
    }
    let _ = write!(out, "</dl>\n<h3>{}</h3>\n", say("Plans", "Plans"));
    let (reseller, undo, error) = (say("reseller", "revendeur"), say("undo", "annulation"), say("error", "erreur"));
    head(&mut out, &[reseller, say("plan", "plan"), say("status", "statut"), say("reused", "repris"), undo, error]);
    for plan in &part.plans {
        let id = plan.plan_id.map_or_else(String::new, |id| id.to_string());
        let status = plan.status.map_or("", |status| status.text());
        let error = plan.error.as_ref().map_or_else(String::new, |error| format!("{}: {}", error.code, error.description));
        let reused = if plan.reused { say("yes", "oui") } else { say("no", "non") };
        let undo = plan.undo.map_or("", |undo| undo.name());
        row(&mut out, &[Same(plan.reseller.key()), Same(&id), Recorded(status), Same(reused), Recorded(undo), Recorded(&error)]);
    }
    out.push_str(END_OF_TABLE);
    findings(locale, part, &mut out);
    let _ = writeln!(out, "<h3>{}</h3>", say("Lines", "Lignes"));
    let (azure, commerce) = (say("Azure subscription", "abonnement Azure"), say("commerce subscription", "abonnement commercial"));
    head(&mut out, &[azure, commerce, reseller, undo, error]);
    for line in &part.lines {
        let error = line.error.as_ref().map_or_else(String::new, |(step, error)| format!("{step}, {}: {}", error.code, error.description));
        let (azure, commerce) = (line.azure_subscription_id.to_string(), line.commerce_subscription_id.to_string());
        let undo = line.undo.map_or("", |undo| undo.name());
        row(&mut out, &[Same(&azure), Same(&commerce), Same(line.reseller.key()), Recorded(undo), Recorded(&error)]);
    }
    out.push_str(END_OF_TABLE);
    let _ = writeln!(out, "<h3>{}</h3>", say("History", "Historique"));
    let words = say("in words", "en mots");
    head(
        &mut out,
        &[
            say("no.", "n°"),
            say("when", "quand"),
            say("state", "état"),
            say("what", "quoi"),
            say("by", "par"),
            words,
            say("hash", "empreinte"),
        ],
    );
    for entry in &part.history {
        let (number, at) = (entry.number.to_string(), entry.at.to_string());
        let what = if entry.event == EXCHANGED { "Messages" } else { &entry.event };
        let (state, what, by, text) = (Recorded(entry.state.name()), Recorded(what), Same(&entry.actor), Recorded(&entry.text));
        row(&mut out, &[Same(&number), Same(&at), state, what, by, text, Same(&entry.hash)]);
    }
    out.push_str(END_OF_TABLE);
    out
}

fn findings(locale: Locale, part: &TransitionPart, out: &mut String) {
    let say = |en, fr| say(locale, en, fr);
    let packets = || part.packets.iter().filter(|packet| packet.step == Step::Eligibility);
    let (reason, warning) = (say("reason", "motif"), say("warning", "avertissement"));
    let found = packets().flat_map(|packet| {
        packet.findings.reasons.iter().map(move |f| (reason, f)).chain(packet.findings.warnings.iter().map(move |f| (warning, f)))
    });
    let mut found = found.peekable();
    if found.peek().is_none() {
        return;
    }
    let _ = writeln!(out, "<h3>{}</h3>", say("Findings", "Constats"));
    head(out, &[say("kind", "genre"), say("code", "code"), say("about", "sur"), say("in words", "en mots")]);
    for (kind, finding) in found {
        row(out, &[Same(kind), Same(&finding.code), Same(&finding.resource_id), Recorded(&finding.description)]);
    }
    out.push_str(END_OF_TABLE);
}

pub(super) fn end(locale: Locale, whole: &Whole) -> String {
    let say = |en, fr| say(locale, en, fr);
    let mut out = format!("<h2>{}</h2>\n<dl>", say("The whole", "Le tout"));
    let entries = say("entries", "entrées");
    let chain = format!("{} {entries}, {}", whole.chain.entries, whole.chain.hash);
    let _ = write!(out, "<dt>{}</dt><dd><code>{}</code></dd>", say("The customer's chain", "La chaîne du client"), escaped(&chain));
    for end in &whole.histories {
        let text = format!("{} {entries}, {}", end.entries, end.hash);
        let _ =
            write!(out, "<dt>{} {}</dt><dd><code>{}</code></dd>", say("Transition", "Mise à niveau"), end.transition_id, escaped(&text));
    }
    let of_document = say("SHA-256 of the document that was made at the same time", "SHA-256 du document établi au même moment");
    let _ = write!(out, "<dt>{of_document}</dt><dd><code>{}</code></dd>", escaped(&whole.sha256));
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
