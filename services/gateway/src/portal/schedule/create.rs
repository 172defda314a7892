//! A schedule is made: of a customer, of several, or of a batch of which nothing has begun.

use super::when::{FIELDS, Filled, fields};
use crate::{
    http::{ApiError, Parameters},
    portal::{
        faults::Faults,
        finish::{Page, see},
        form::Form,
        frame::{Content, Place, page as framed},
        partners,
        visit::Visit,
    },
};
use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use maud::html;
use planshift_domain::ids::CustomerId;
use serde_json::{Value, json};

/// Who is meant, and when.
#[derive(Default)]
struct Asked {
    customers: String,
    batch: String,
    reference: String,
    partner: String,
    reason: String,
    when: Filled,
}

impl Asked {
    fn customers(&self) -> Vec<&str> {
        self.customers.split([',', ';', ' ', '\r', '\n']).filter(|text| !text.is_empty()).collect()
    }

    /// What the API has refused, and what it would refuse next.
    fn faults(&self, visit: &Visit, error: &ApiError) -> Faults {
        let mut faults = self.when.faults(visit, error);
        let none = self.customers().into_iter().filter(|text| text.parse::<CustomerId>().is_err());
        let none: Vec<String> =
            none.map(|text| format!("{text}{}", visit.say(": a tenant id was expected", " : un ID de locataire était attendu"))).collect();
        if !none.is_empty() {
            faults.add("customerIds", none.join("\n"));
        }
        faults
    }
}

/// `GET /portal/schedules/new?customer=&batch=`.
pub(in crate::portal) async fn ask(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let text = |name: &str| parameters.get(name).unwrap_or_default().to_owned();
    let asked = Asked { customers: text("customer"), batch: text("batch"), partner: text("partner"), ..Asked::default() };
    shown(&visit, &asked, &Faults::default()).await
}

/// `POST /portal/schedules`: makes it, and leads to its page; or says what is wrong.
pub(in crate::portal) async fn create(visit: Visit, form: Form) -> Result<Response, ApiError> {
    let text = |name: &str| form.text(name).unwrap_or_default().to_owned();
    let asked = Asked {
        customers: text("customers"),
        batch: text("batch"),
        reference: text("reference"),
        partner: text("partner"),
        reason: text("reason"),
        when: Filled::of_form(&form),
    };
    let mut body = asked.when.properties();
    let given =
        [("batchId", &asked.batch), ("externalReferenceId", &asked.reference), ("partnerId", &asked.partner), ("reason", &asked.reason)];
    for (name, text) in given.into_iter().filter(|(_, text)| !text.is_empty()) {
        body.insert(name.to_owned(), json!(text));
    }
    let customers = asked.customers();
    if !customers.is_empty() {
        body.insert("customerIds".to_owned(), json!(customers));
    }
    let sent = visit.api.post(&visit.context, Some(form.key()?), "/v1/productupgrades/schedules", &Value::Object(body)).await;
    match sent {
        Ok(answered) => Ok(see(&format!("/portal/schedules/{}", answered.body["scheduleId"].as_str().unwrap_or_default()))),
        Err(error) if matches!(error.status(), StatusCode::BAD_REQUEST | StatusCode::CONFLICT) => {
            let Page(_, text) = shown(&visit, &asked, &asked.faults(&visit, &error)).await?;
            Ok(Page(error.status(), text).into_response())
        }
        Err(error) => Err(error),
    }
}

async fn shown(visit: &Visit, asked: &Asked, faults: &Faults) -> Result<Page, ApiError> {
    let say = |en, fr| visit.say(en, fr);
    // an operator of several partners says whose it is
    let several = visit.context.caller.sees_all() && visit.app.model.only_partner().await?.is_none();
    let partners = if several { partners::read(visit).await? } else { Vec::new() };
    let wrong = |property: &str| faults.has(property).then_some("true");
    // what is wrong with something that has no field here is said at the top
    let mut order = Vec::new();
    if asked.batch.is_empty() {
        order.push(("customerIds", "customers"));
        order.extend(several.then_some(("partnerId", "partner")));
    }
    order.push(("externalReferenceId", "reference"));
    order.extend(FIELDS);
    order.push(("reason", "reason"));
    let body = html! {
        p.path { a href="/portal/schedules" { (say("Schedules", "Planifications")) } }
        h1 { (say("A new schedule", "Une nouvelle planification")) }
        (faults.top(visit, &order))
        form.stack method="post" action="/portal/schedules" {
            (visit.form_token()) (visit.key())
            @if asked.batch.is_empty() {
                label for="customers" { (say("Which customers: their tenant ids, each on a line", "Quels clients : leurs ID de locataire, un par ligne")) }
                textarea id="customers" name="customers" rows="3" required aria-invalid=[wrong("customerIds")] aria-describedby=[faults.id("customerIds")] { (asked.customers) }
                (faults.at("customerIds"))
            } @else {
                input type="hidden" name="batch" value=(asked.batch);
                p { (say("A batch: ", "Un lot : ")) a href={ "/portal/batches/" (asked.batch) } { (say("look at it", "le regarder")) } }
            }
            @if several && asked.batch.is_empty() {
                (partners::field(visit, &partners, "partner", say("Whose customers", "De quel partenaire"), &asked.partner))
                (faults.at("partnerId"))
            }
            label for="reference" { (say("Your name of it, if you like", "Votre nom pour elle, si vous voulez")) }
            input id="reference" name="reference" value=(asked.reference) maxlength="100" autocomplete="off" aria-invalid=[wrong("externalReferenceId")] aria-describedby=[faults.id("externalReferenceId")];
            (faults.at("externalReferenceId"))
            (fields(visit, &asked.when, faults))
            label for="reason" { (say("Why, if you like (kept for ever)", "Pourquoi, si vous voulez (gardé pour toujours)")) }
            input id="reason" name="reason" value=(asked.reason) maxlength="1000" autocomplete="off" aria-invalid=[wrong("reason")] aria-describedby=[faults.id("reason")];
            (faults.at("reason"))
            div.foot {
                button.primary type="submit" { (say("Make the schedule", "Créer la planification")) }
                a.button href="/portal/schedules" { (say("Back", "Retour")) }
            }
        }
    };
    let title = say("A new schedule", "Une nouvelle planification").to_owned();
    Ok(framed(visit, &Content { title, place: Place::Schedules, is_live: false, body }))
}
