//! What happened, when, to whom, and who did it; and a customer's dossier, to be printed or kept.
//!
//! The API narrows its records by one thing at a time, and what is more is looked for here, in a bounded number of them: where that was not
//! all, the page says so and goes on from there.

use super::{
    api::encoded,
    customer::{Collection, whose},
    finish::Page,
    frame::{Content, Place, page as framed},
    parts::{recorded, time},
    visit::Visit,
};
use crate::{
    http::{ApiError, Parameters, told},
    words::Locale,
};
use axum::{
    body::Body,
    extract::Path,
    http::{HeaderValue, Request, header},
    response::Response,
};
use maud::{Markup, html};
use planshift_domain::time::Timestamp;
use serde::Deserialize;
use serde_json::json;

/// How many records a page has, about.
const SHOWN: usize = 50;
/// How many are read at once while they are looked through.
const AT_ONCE: u32 = 250;
/// How many times: two thousand records are looked through for a page.
const LOOKS: u32 = 8;

/// What records are of, as the API names it.
const KINDS: [(&str, &str, &str); 8] = [
    ("product_upgrade", "transitions", "mises à niveau"),
    ("azure_entitlement", "mapping", "rattachements"),
    ("subscription", "subscriptions", "abonnements"),
    ("customer", "imports", "importations"),
    ("agreement", "agreements", "contrats"),
    ("order", "orders", "commandes"),
    ("spending_limit", "budgets", "budgets"),
    ("product_upgrade_batch", "batches", "lots"),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    customer_id: Option<String>,
    customer_name: Option<String>,
    user_principal_name: String,
    resource_type: String,
    operation_type: String,
    operation_date: Timestamp,
    operation_status: String,
    customized_data: Vec<Datum>,
}

#[derive(Deserialize)]
struct Datum {
    key: String,
    value: String,
}

impl Record {
    fn datum(&self, key: &str) -> Option<&str> {
        self.customized_data.iter().find(|datum| datum.key == key).map(|datum| datum.value.as_str()).filter(|value| !value.is_empty())
    }
}

/// What is looked for.
#[derive(Default)]
struct Search {
    who: Option<String>,
    what: Option<String>,
    kind: Option<String>,
    name: Option<String>,
    customer: Option<String>,
    from: Option<String>,
    to: Option<String>,
    partner: Option<String>,
}

impl Search {
    fn of(parameters: &Parameters) -> Self {
        let given = |name: &str| parameters.get(name).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            who: given("who"),
            what: given("what"),
            kind: given("kind"),
            name: given("name"),
            customer: given("customerId"),
            from: given("from"),
            to: given("to"),
            partner: given("partnerId"),
        }
    }

    /// What the API is asked: of what narrows, that which leaves least.
    fn query(&self) -> String {
        let filter = match (&self.customer, &self.kind, &self.name) {
            (Some(customer), ..) => Some(json!({ "Field": "CustomerId", "Value": customer, "Operator": "equals" })),
            (None, Some(kind), _) => Some(json!({ "Field": "ResourceType", "Value": kind, "Operator": "equals" })),
            (None, None, Some(name)) => Some(json!({ "Field": "CompanyName", "Value": name, "Operator": "substring" })),
            (None, None, None) => None,
        };
        let filter = filter.map(|filter| filter.to_string());
        [("filter", &filter), ("startDate", &self.from), ("endDate", &self.to), ("partnerId", &self.partner)]
            .into_iter()
            .filter_map(|(name, value)| Some(format!("&{name}={}", encoded(value.as_ref()?))))
            .collect()
    }

    /// Is anything left to look for in what the API gives?
    fn is_more(&self) -> bool {
        let narrowed = [self.customer.is_some(), self.kind.is_some(), self.name.is_some()];
        self.who.is_some() || self.what.is_some() || narrowed.into_iter().filter(|is| *is).count() > 1
    }

    /// Is it one of those that are looked for? In any case.
    fn fits(&self, record: &Record, locale: Locale) -> bool {
        let has = |text: &str, part: &Option<String>| part.as_ref().is_none_or(|part| text.to_lowercase().contains(&part.to_lowercase()));
        let text = record.datum("Text").unwrap_or_default();
        // as it was recorded, and as the page shows it
        let said = format!("{} {text} {}", record.operation_type, told(text.to_owned(), locale));
        has(&record.user_principal_name, &self.who)
            && has(&said, &self.what)
            && has(record.customer_name.as_deref().unwrap_or_default(), &self.name)
            && self.kind.as_ref().is_none_or(|kind| *kind == record.resource_type)
            && self.customer.as_ref().is_none_or(|id| record.customer_id.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(id)))
    }

    /// The address that finds the same.
    fn address(&self, more: Option<&str>) -> String {
        let given = [
            ("who", self.who.as_deref()),
            ("what", self.what.as_deref()),
            ("kind", self.kind.as_deref()),
            ("name", self.name.as_deref()),
            ("customerId", self.customer.as_deref()),
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
            ("partnerId", self.partner.as_deref()),
            ("after", more),
        ];
        let query: Vec<_> = given.iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded((*value)?)))).collect();
        if query.is_empty() { "/portal/audit".to_owned() } else { format!("/portal/audit?{}", query.join("&")) }
    }
}

/// `GET /portal/audit`.
pub(super) async fn page(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let search = Search::of(&parameters);
    let mut after = parameters.get("after").map(str::to_owned);
    let is_later = after.is_some();
    let (size, looks) = if search.is_more() { (AT_ONCE, LOOKS) } else { (SHOWN as u32, 1) };
    let (mut records, mut next) = (Vec::new(), None);
    for _ in 0..looks {
        let token = after.as_ref().map(|after| format!("&continuationToken={}", encoded(after))).unwrap_or_default();
        let found: Collection<Record> = visit.get(&format!("/v1/auditrecords?size={size}{}{token}", search.query())).await?;
        next = found.next();
        records.extend(found.items.into_iter().filter(|record| search.fits(record, visit.locale())));
        if next.is_none() || records.len() >= SHOWN {
            break;
        }
        after.clone_from(&next);
    }
    let say = |en, fr| visit.say(en, fr);
    let body = html! {
        div.title {
            h1 { (say("Audit", "Audit")) }
            @if let Some(customer) = &search.customer { span.push { (dossiers(&visit, customer, &whose(&parameters, '?'), &whose(&parameters, '&'))) } }
        }
        (form(&visit, &search))
        @if records.is_empty() && next.is_none() {
            div.empty { p.lead { (say("Nothing was found.", "Rien n’a été trouvé.")) } @if search.from.is_none() { p { (say("Without a date the list goes 30 days back.", "Sans date, la liste remonte à 30 jours.")) } } }
        } @else { (table(&visit, &records, &whose(&parameters, '?'))) }
        nav.pages aria-label=(say("Pages of the list", "Pages de la liste")) {
            @if is_later { a.button href=(search.address(None)) { (say("First page", "Première page")) } }
            @if let Some(next) = &next { a.button rel="next" href=(search.address(Some(next))) { @if records.len() < SHOWN { (say("Look further back", "Chercher plus loin")) } @else { (say("Next page", "Page suivante")) } } }
        }
        @if next.is_some() && records.len() < SHOWN && search.is_more() { p.fine role="status" { (say("The newest two thousand records were looked through. There are more.", "Les deux mille enregistrements les plus récents ont été parcourus. Il y en a d’autres.")) } }
    };
    let title = say("Audit", "Audit").to_owned();
    Ok(framed(&visit, &Content { title, place: Place::Audit, is_live: false, body }))
}

fn form(visit: &Visit, search: &Search) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        form.filters method="get" action="/portal/audit" role="search" {
            input type="search" name="name" value=[search.name.as_deref()] data-key="/" aria-label=(say("Customer's name", "Nom du client")) placeholder=(say("Customer's name", "Nom du client"));
            input name="who" value=[search.who.as_deref()] aria-label=(say("Who", "Qui")) placeholder=(say("Who", "Qui"));
            input name="what" value=[search.what.as_deref()] aria-label=(say("What, in words", "Quoi, en mots")) placeholder=(say("What, in words", "Quoi, en mots"));
            select name="kind" aria-label=(say("Kind", "Genre")) {
                option value="" { (say("Everything", "Tout")) }
                @for (kind, en, fr) in KINDS { option value=(kind) selected[search.kind.as_deref() == Some(kind)] { (visit.say(en, fr)) } }
            }
            label { (say("From", "Du")) " " input type="date" name="from" value=[search.from.as_deref()]; }
            label { (say("to", "au")) " " input type="date" name="to" value=[search.to.as_deref()]; }
            input.guid name="customerId" value=[search.customer.as_deref()] aria-label=(say("Customer's id", "ID du client")) placeholder=(say("Customer's id", "ID du client"));
            @if let Some(partner) = &search.partner { input type="hidden" name="partnerId" value=(partner); }
            button type="submit" { (say("Find", "Chercher")) }
            @if search.address(None) != "/portal/audit" { a href="/portal/audit" { (say("Clear", "Effacer")) } }
        }
    }
}

/// A customer's dossier: to print, and to keep.
pub(super) fn dossiers(visit: &Visit, customer: &str, first: &str, more: &str) -> Markup {
    let here = format!("/portal/customers/{}/dossier", encoded(customer));
    html! {
        a.button href={ (here) (first) } { (visit.say("Dossier to print", "Dossier à imprimer")) }
        a.button href={ (here) "?format=json" (more) } download { (visit.say("Download (JSON)", "Télécharger (JSON)")) }
    }
}

fn table(visit: &Visit, records: &[Record], first: &str) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(say("Audit", "Audit")) {
            table.list {
                thead { tr { th scope="col" { (say("When", "Quand")) } th scope="col" { (say("What", "Quoi")) } th scope="col" { (say("Customer", "Client")) } th scope="col" { (say("Who", "Qui")) } } }
                tbody { @for one in records { tr {
                    td { (time(one.operation_date)) }
                    td {
                        @match one.datum("Text") { Some(text) => (recorded(visit, text)), None => (one.operation_type) }
                        @if one.operation_status == "failed" { " " span.mark.bad { (say("refused", "refusé")) } }
                        span.under { code { (one.operation_type) } @if let Some(upgrade) = one.datum("ProductUpgradeId") { " · " a href={ "/portal/transitions/" (upgrade) } { (say("transition", "mise à niveau")) } } @if let Some(batch) = one.datum("BatchId") { " · " a href={ "/portal/batches/" (batch) } { (one.datum("ExternalReferenceId").unwrap_or_else(|| say("batch", "lot"))) } } }
                    }
                    td { @match &one.customer_id { Some(customer) => a href={ "/portal/customers/" (customer) (first) } { (one.customer_name.as_deref().unwrap_or(customer)) }, None => span.quiet { "–" } } }
                    td { (one.user_principal_name) }
                } } }
            }
        }
    }
}

/// `GET /portal/customers/{customer}/dossier`: the API's page to print, or with `format=json` its document, to be kept. Both are passed on as
/// they are made: a dossier may be long.
pub(super) async fn dossier(visit: Visit, Path(customer): Path<String>, parameters: Parameters) -> Result<Response, ApiError> {
    let customer = encoded(&customer);
    let is_kept = parameters.get("format") == Some("json");
    let kind = if is_kept { "application/json" } else { "text/html" };
    let uri = format!("/v1/customers/{customer}/dossier{}", whose(&parameters, '?'));
    let request =
        Request::builder().uri(uri).header(header::ACCEPT, kind).body(Body::empty()).map_err(|error| ApiError::internal(&error))?;
    let mut response = visit.api.pass(&visit.context, request).await?;
    if is_kept
        && response.status().is_success()
        && let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"dossier-{customer}.json\""))
    {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let record = json!({
            "customerId": "A1", "customerName": "Contoso", "userPrincipalName": "nadia@own.example", "resourceType": "product_upgrade",
            "operationType": "create_product_upgrade", "operationDate": "2026-09-18T10:00:00Z", "operationStatus": "succeeded",
            "customizedData": [{ "key": "Text", "value": "A transition was accepted" }],
        });
        serde_json::from_value::<Record>(record).unwrap()
    }

    #[test]
    fn all_that_is_looked_for_must_be_there_in_any_case() {
        let of = |name: &str, value: &str| {
            let value = Some(value.to_owned());
            match name {
                "who" => Search { who: value, ..Search::default() },
                "what" => Search { what: value, ..Search::default() },
                "kind" => Search { kind: value, ..Search::default() },
                "name" => Search { name: value, ..Search::default() },
                _ => Search { customer: value, ..Search::default() },
            }
        };
        for (name, good, bad) in [
            ("who", "NADIA", "omar"),
            ("what", "accepted", "undone"),
            ("what", "create_", "close_"),
            ("kind", "product_upgrade", "product"),
            ("name", "tos", "fabrikam"),
            ("customer", "a1", "a2"),
        ] {
            assert!(of(name, good).fits(&record(), Locale::English) && !of(name, bad).fits(&record(), Locale::English), "{name}");
        }
        let recorded = |text: String| {
            let mut record = record();
            record.customized_data[0].value = text;
            record
        };
        // as it was recorded, and as the page shows it
        let undone = recorded(planshift_domain::said::story::UNDONE.into());
        assert!(of("what", "confirmé").fits(&undone, Locale::French) && of("what", "confirmed").fits(&undone, Locale::French));
        assert!(!of("what", "confirmé").fits(&undone, Locale::English));
        let both = Search { who: Some("nadia".into()), ..of("name", "fabrikam") };
        assert!(!both.fits(&record(), Locale::English) && both.is_more() && !of("name", "x").is_more());
    }
}
