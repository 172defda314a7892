//! A batch of a file, or of all customers: taken whole with a dry run first, or told what is wrong with it by row and column.
//!
//! A table brings rows, and the form says the rest. A JSON document may say the rest itself; the form adds what it does not say.

use crate::{
    http::ApiError,
    portal::{
        api::{JSON, encoded},
        finish::{Page, see},
        form::Form,
        frame::{Content, Place, page as framed},
        partners,
        parts::number,
        upload::Held,
        visit::Visit,
    },
    words::words,
};
use axum::{
    body::Bytes,
    http::{Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Where batches are made.
const MAKE: &str = "/v1/productupgrades/batches";

/// `GET /portal/batches/new`.
pub(in crate::portal) async fn ask(visit: Visit) -> Result<Page, ApiError> {
    shown(&visit, None, None).await
}

/// `POST /portal/batches/upload`: makes it, and leads to its page; or shows what is wrong.
pub(in crate::portal) async fn upload(visit: Visit, Held { form, file }: Held) -> Result<Response, ApiError> {
    let options = options(&form);
    let (uri, kind, body) = match form.text("source") {
        Some("all" | "eligible") => {
            let mut body = options;
            let filter = json!({ "customers": form.text("source"), "reseller": form.text("reseller") });
            body.insert("filter".to_owned(), filter);
            (MAKE.to_owned(), JSON, Bytes::from(Value::Object(body).to_string()))
        }
        _ => {
            let Some(file) = file.filter(|file| !file.is_empty()) else {
                let text = words!("Choose a file, or all customers.", "Choisissez un fichier, ou tous les clients.");
                return wrong(&visit, &form, &ApiError::bad_input("NothingSelected", text)).await;
            };
            match with_options(&file, &options) {
                Some(document) => (MAKE.to_owned(), JSON, document),
                None => (format!("{MAKE}?{}", query(&options)), "text/csv", file),
            }
        }
    };
    let sent = visit.api.send(&visit.context, Some(form.key()?), (Method::POST, &uri), (kind, body)).await;
    match sent {
        Ok(answered) => Ok(see(&format!("/portal/batches/{}", answered.body["batchId"].as_str().unwrap_or_default()))),
        Err(error) if matches!(error.status(), StatusCode::BAD_REQUEST | StatusCode::CONFLICT) => wrong(&visit, &form, &error).await,
        Err(error) => Err(error),
    }
}

async fn wrong(visit: &Visit, form: &Form, error: &ApiError) -> Result<Response, ApiError> {
    let Page(_, text) = shown(visit, Some(form), Some(error)).await?;
    Ok(Page(error.status(), text).into_response())
}

/// What the form says beside the rows, as the API has it.
fn options(form: &Form) -> Map<String, Value> {
    let mut options = Map::new();
    for (field, name) in [("reference", "externalReferenceId"), ("partner", "partnerId"), ("reason", "reason")] {
        if let Some(text) = form.text(field) {
            options.insert(name.to_owned(), json!(text));
        }
    }
    for (field, name) in [("atonce", "atOnce"), ("stop", "stopPercent")] {
        if let Some(text) = form.text(field) {
            // what is no number the API tells
            options.insert(name.to_owned(), text.parse::<u32>().map_or_else(|_| json!(text), |number| json!(number)));
        }
    }
    let goes_on = form.text("what") == Some("both");
    for (name, is) in [("dryRun", true), ("start", goes_on), ("keepToPlan", goes_on)] {
        options.insert(name.to_owned(), json!(is));
    }
    options
}

fn query(options: &Map<String, Value>) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    options.iter().map(|(name, value)| format!("{name}={}", encoded(&text(value)))).collect::<Vec<_>>().join("&")
}

/// A JSON document with the options that it does not say itself; nothing where it is a table. What cannot be read stays as it is: the API
/// says what is wrong with it.
fn with_options(file: &Bytes, options: &Map<String, Value>) -> Option<Bytes> {
    let text = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file).trim_ascii_start();
    let written = |options: &Map<String, Value>| {
        let text = Value::Object(options.clone()).to_string();
        text.trim_matches(['{', '}']).as_bytes().to_vec()
    };
    match text.first()? {
        b'[' => Some([b"{".to_vec(), written(options), b",\"rows\":".to_vec(), text.to_vec(), b"}".to_vec()].concat().into()),
        b'{' => {
            let Ok(own) = serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(text) else { return Some(file.clone()) };
            let is_own = |name: &String| own.keys().any(|known| known.eq_ignore_ascii_case(name));
            let missing: Map<String, Value> = options.clone().into_iter().filter(|(name, _)| !is_own(name)).collect();
            let comma = if missing.is_empty() || own.is_empty() { "" } else { "," };
            Some([b"{".to_vec(), written(&missing), comma.into(), text[1..].to_vec()].concat().into())
        }
        _ => None,
    }
}

/// The form, with what was filled in before and what was wrong with it.
async fn shown(visit: &Visit, form: Option<&Form>, error: Option<&ApiError>) -> Result<Page, ApiError> {
    let say = |en, fr| visit.say(en, fr);
    let value = |name: &str| form.and_then(|form| form.text(name));
    let source = value("source").unwrap_or("file");
    // an operator of several partners says whose it is
    let several = visit.context.caller.sees_all() && visit.app.model.only_partner().await?.is_none();
    let partners = if several { partners::read(visit).await? } else { Vec::new() };
    let choice =
        |name: &str, text: &str| html! { label { input type="radio" name="source" value=(name) checked[source == name]; " " (text) } };
    let body = html! {
        p.path { a href="/portal/batches" { (say("Batches", "Lots")) } }
        h1 { (say("A new batch", "Un nouveau lot")) }
        @if let Some(error) = error { (faults(visit, error)) }
        form.stack method="post" action="/portal/batches/upload" enctype="multipart/form-data" {
            (visit.form_token()) (visit.key())
            fieldset {
                legend { (say("Which customers", "Quels clients")) }
                (choice("file", say("Those of a file", "Ceux d’un fichier")))
                input type="file" name="file" accept=".csv,.json,text/csv,application/json" aria-label=(say("The file, CSV or JSON", "Le fichier, CSV ou JSON")) aria-describedby="columns";
                p.fine id="columns" { (say("CSV with the columns ", "CSV avec les colonnes ")) code { "customerId" } ", " code { "externalReferenceId" } ", " code { "planHash" } (say("; the first is needed. Or JSON, as the API takes it.", " ; la première est requise. Ou JSON, comme le prend l’API.")) }
                (choice("eligible", say("All that may move", "Tous ceux qui peuvent passer")))
                (choice("all", say("All that have nothing under way, blocked ones too", "Tous ceux sans rien en cours, bloqués compris")))
                label for="reseller" { (say("of all, only those of a reseller (MPN id)", "de tous, seulement ceux d’un revendeur (ID MPN)")) }
                input.short id="reseller" name="reseller" inputmode="numeric" value=[value("reseller")];
            }
            label for="reference" { (say("Your name of it: the same name again is the same batch", "Votre nom pour ce lot : le même nom est le même lot")) }
            input id="reference" name="reference" value=[value("reference")] maxlength="100" required autocomplete="off";
            @if several {
                (partners::field(visit, &partners, "partner", say("Whose customers", "De quel partenaire"), value("partner").unwrap_or_default()))
            }
            label for="atonce" { (say("How many at once", "Combien à la fois")) }
            input.short id="atonce" name="atonce" type="number" min="1" max="10000" value=(value("atonce").unwrap_or("100"));
            label for="stop" { (say("Stop by itself where more than so many of a hundred have failed", "S’arrêter de lui-même au-delà de tant d’échecs sur cent")) }
            input.short id="stop" name="stop" type="number" min="0" max="100" value=(value("stop").unwrap_or("20"));
            fieldset {
                legend { (say("What happens now", "Ce qui se passe maintenant")) }
                label { input type="radio" name="what" value="dry" checked[value("what") != Some("both")]; " " (say("A dry run first: nothing begins", "D’abord une simulation : rien ne commence")) }
                label { input type="radio" name="what" value="both" checked[value("what") == Some("both")]; " " (say("A dry run, and then what it has shown", "Une simulation, puis ce qu’elle a montré")) }
            }
            label for="reason" { (say("Why, if you like (kept for ever)", "Pourquoi, si vous voulez (gardé pour toujours)")) }
            input id="reason" name="reason" value=[value("reason")] maxlength="1000" autocomplete="off";
            div.foot {
                button.primary type="submit" { (say("Make the batch", "Créer le lot")) }
                a.button href="/portal/batches" { (say("Back", "Retour")) }
            }
        }
    };
    let title = say("A new batch", "Un nouveau lot").to_owned();
    Ok(framed(visit, &Content { title, place: Place::Batches, is_live: false, body }))
}

/// What is wrong, each thing where it is.
fn faults(visit: &Visit, error: &ApiError) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let listed = error.details();
    let total = error.field("faults").and_then(Value::as_u64);
    let cell = |fault: &Value, name: &str| match &fault[name] {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    html! {
        div.notice.bad role="alert" {
            @match total {
                Some(total) => p { b { (number(total, visit.locale())) } (say(" faults. Nothing of it was taken: mend them, and bring the file again.", " erreurs. Rien n’en a été pris : corrigez-les, et rapportez le fichier.")) },
                None => p { (error.text(visit.locale())) },
            }
        }
        @if total.is_some() && !listed.is_empty() {
            div.scroll tabindex="0" role="region" aria-label=(say("Faults", "Erreurs")) {
                table.list {
                    thead { tr { th.amount scope="col" { (say("Row", "Ligne")) } th scope="col" { (say("Column", "Colonne")) } th scope="col" { (say("Found", "Trouvé")) } th scope="col" { (say("Expected", "Attendu")) } } }
                    tbody { @for fault in listed { tr {
                        td.amount { @if fault["row"].is_null() && !fault["line"].is_null() { (say("line ", "ligne n° ")) (cell(fault, "line")) } @else { (cell(fault, "row")) } }
                        td { (cell(fault, "column")) }
                        td { code { (cell(fault, "found")) } } td { (cell(fault, "expected")) }
                    } } }
                }
            }
            @if total > Some(listed.len() as u64) { p.fine { (say("The first ", "Les premières ")) (number(listed.len() as u64, visit.locale())) (say(" are listed.", " sont listées.")) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_says_itself_what_it_says_and_the_form_adds_the_rest() {
        let options = Map::from_iter([("atOnce".to_owned(), json!(7)), ("dryRun".to_owned(), json!(true))]);
        let of = |text: &str| {
            let made = with_options(&Bytes::from(text.to_owned()), &options)?;
            Some(String::from_utf8(made.to_vec()).unwrap())
        };
        let read = |text: &str| serde_json::from_str::<Value>(&of(text).unwrap()).unwrap();
        assert_eq!(read(" [{\"customerId\":\"x\"}]"), json!({ "atOnce": 7, "dryRun": true, "rows": [{ "customerId": "x" }] }));
        assert_eq!(read("\u{feff}{\"rows\":[],\"ATONCE\":3}"), json!({ "rows": [], "ATONCE": 3, "dryRun": true }));
        assert_eq!(read("{}"), json!({ "atOnce": 7, "dryRun": true }));
        assert_eq!(of("{\"rows\":[}").as_deref(), Some("{\"rows\":[}"), "what cannot be read is told by the API");
        for table in ["customerId\r\nx", "", " "] {
            assert_eq!(of(table), None, "{table:?}");
        }
        assert_eq!(
            query(&Map::from_iter([("reason".to_owned(), json!("a&b")), ("start".to_owned(), json!(false))])),
            "reason=a%26b&start=false"
        );
    }
}
