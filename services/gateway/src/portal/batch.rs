//! A batch is begun from the list of customers, and looked at. What the batch does is the API's; here is who is meant and how.

use super::{
    api::encoded,
    customer::Collection,
    finish::{Page, see},
    form::Form,
    frame::{Content, Place, page as framed},
    parts::{bar, number, time},
    selection::Selection,
    visit::Visit,
};
use crate::{
    auth::Right,
    http::{ApiError, Parameters},
    words::words,
};
use axum::{extract::Path, response::Response};
use maud::{Markup, html};
use planshift_domain::{ids::PartnerId, time::Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

/// How many customers a batch from here has at most: as many as the largest batch that was measured.
const MOST: u64 = 100_000;
/// How many are read at once while they are gathered.
const AT_ONCE: u32 = 500;
/// How many rows of a batch are shown.
const ROWS: u32 = 100;

/// What is done to a batch from its page, and from which states. Which are possible the API says once more.
const ACTS: [(&str, &[&str], Right, &str, &str); 7] = [
    ("plan", &["Draft"], Right::Sell, "Dry run", "Simuler"),
    ("start", &["Draft", "Planned"], Right::Sell, "Start", "Démarrer"),
    ("pause", &["Running"], Right::Manage, "Pause", "Suspendre"),
    ("resume", &["Paused", "Pausing", "Stopped"], Right::Manage, "Resume", "Reprendre"),
    ("retry", &["Completed", "Paused", "Stopped", "Running"], Right::Sell, "Retry the failed", "Réessayer les échecs"),
    ("recheck", &["Completed", "Planned", "Paused", "Stopped"], Right::Sell, "Check the blocked again", "Revérifier les bloqués"),
    (
        "cancel",
        &["Draft", "Planning", "Planned", "Running", "Pausing", "Paused", "Stopped"],
        Right::Manage,
        "Cancel the rest",
        "Annuler le reste",
    ),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    batch_id: String,
    external_reference_id: String,
    state: String,
    settled: bool,
    note: String,
    rows: u64,
    created_at: Timestamp,
    created_by: String,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    #[serde(default)]
    counts: serde_json::Map<String, Value>,
    percent: Option<u64>,
    expected_end: Option<Timestamp>,
    #[serde(default)]
    plan: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    row: u64,
    customer_id: String,
    company_name: Option<String>,
    state: String,
    transition_id: Option<String>,
    description: Option<String>,
    #[serde(default)]
    reasons: Vec<Value>,
}

/// `POST /portal/batches/new`: how the batch is to be.
pub(super) async fn prepare(visit: Visit, form: Form) -> Result<Page, ApiError> {
    let say = |en, fr| visit.say(en, fr);
    let (selection, all) = (Selection::read(|name| form.text(name).map(str::to_owned))?, form.text("all").is_some());
    let chosen: Vec<&str> = form.all("customer").collect();
    if chosen.is_empty() && !all {
        let text = words!("No customer is selected.", "Aucun client n’est choisi.");
        return Err(ApiError::bad_input("NothingSelected", text));
    }
    let count = if all { total_of(&visit, &selection).await? } else { chosen.len() as u64 };
    if count > MOST {
        let text = words!(
            "A batch from here has at most {MOST} customers. Narrow the list, or bring a file.",
            "Un lot d’ici a au plus {MOST} clients. Restreignez la liste, ou apportez un fichier."
        );
        return Err(ApiError::bad_input("TooManySelected", text));
    }
    // made once, with the form: sent twice, it is one batch
    let now = visit.app.ports.clock.now().to_string();
    let made = visit.app.ports.random.id().as_simple().to_string();
    let reference = format!("{}-{}", now.get(..10).unwrap_or_default(), made.get(26..).unwrap_or_default());
    let body = html! {
        p.path { a href=(selection.address()) { (say("Customers", "Clients")) } }
        h1 { (say("A batch of ", "Un lot de ")) (number(count, visit.locale())) (say(" customers", " clients")) }
        form.stack method="post" action="/portal/batches" {
            (visit.form_token()) (visit.key())
            @if all { input type="hidden" name="all" value="1"; (selection.hidden()) } @else { @for one in chosen { input type="hidden" name="customer" value=(one); } }
            @if let (false, Some(partner)) = (all, selection.partner) { input type="hidden" name="partner" value=(partner); }
            label for="reference" { (say("Your name of it", "Votre nom pour ce lot")) }
            input id="reference" name="reference" value=(reference) maxlength="100" required;
            label for="atonce" { (say("How many at once", "Combien à la fois")) }
            input.short id="atonce" name="atonce" type="number" min="1" max="10000" value="100";
            label for="stop" { (say("Stop by itself where more than so many of a hundred have failed", "S’arrêter de lui-même au-delà de tant d’échecs sur cent")) }
            input.short id="stop" name="stop" type="number" min="0" max="100" value="20";
            fieldset {
                legend { (say("What happens now", "Ce qui se passe maintenant")) }
                label { input type="radio" name="what" value="dry" checked; " " (say("A dry run first: nothing begins", "D’abord une simulation : rien ne commence")) }
                label { input type="radio" name="what" value="both"; " " (say("A dry run, and then what it has shown", "Une simulation, puis ce qu’elle a montré")) }
            }
            div.foot {
                button.primary type="submit" { (say("Make the batch", "Créer le lot")) }
                a.button href=(selection.address()) { (say("Back", "Retour")) }
            }
        }
    };
    let title = say("A batch", "Un lot").to_owned();
    Ok(framed(&visit, &Content { title, place: Place::Batches, is_live: false, body }))
}

/// `POST /portal/batches`: makes it, and leads to its page.
pub(super) async fn begin(visit: Visit, form: Form) -> Result<Response, ApiError> {
    let selection = Selection::read(|name| form.text(name).map(str::to_owned))?;
    let (customers, partner) = if form.text("all").is_some() {
        all_of(&visit, &selection).await?
    } else {
        (form.all("customer").map(str::to_owned).collect(), selection.partner)
    };
    let number = |name: &str| {
        let wrong =
            || ApiError::bad_input("InvalidForm", words!("The field {name} must be a number.", "Le champ {name} doit être un nombre."));
        form.text(name).map(|text| text.parse::<u32>().map_err(|_| wrong())).transpose()
    };
    let goes_on = form.text("what") == Some("both");
    let mut body = json!({
        "externalReferenceId": form.text("reference"),
        "rows": customers.iter().map(|customer| json!({ "customerId": customer })).collect::<Vec<_>>(),
        "dryRun": true,
        "start": goes_on,
        "keepToPlan": goes_on,
    });
    for (field, name) in [("atonce", "atOnce"), ("stop", "stopPercent")] {
        if let Some(number) = number(field)? {
            body[name] = json!(number);
        }
    }
    if let Some(partner) = partner {
        body["partnerId"] = json!(partner);
    }
    let answered = visit.api.post(&visit.context, Some(form.key()?), "/v1/productupgrades/batches", &body).await?;
    let made = answered.body["batchId"].as_str().unwrap_or_default();
    Ok(see(&format!("/portal/batches/{made}")))
}

async fn total_of(visit: &Visit, selection: &Selection) -> Result<u64, ApiError> {
    let only = visit.app.model.only_partner().await?;
    let page = visit.app.model.overview(&selection.filter(visit, only), (selection.by, selection.back), None, 1, None).await?;
    Ok(page.total)
}

/// Everybody that matches now, and whose they are.
async fn all_of(visit: &Visit, selection: &Selection) -> Result<(Vec<String>, Option<PartnerId>), ApiError> {
    let only = visit.app.model.only_partner().await?;
    let filter = selection.filter(visit, only);
    let (mut customers, mut after, mut partner) = (Vec::new(), None, None);
    while (customers.len() as u64) < MOST {
        let page = visit.app.model.overview(&filter, (selection.by, selection.back), after, AT_ONCE, Some(0)).await?;
        for row in page.rows {
            if partner.is_some_and(|partner| partner != row.partner_id) {
                let text = words!(
                    "A batch is of one partner, and these customers are of several: choose a partner first.",
                    "Un lot est d’un seul partenaire, et ces clients sont de plusieurs : choisissez d’abord un partenaire."
                );
                return Err(ApiError::bad_input("PartnerRequired", text));
            }
            partner = Some(row.partner_id);
            customers.push(row.customer_id.to_string());
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok((customers, partner))
}

/// `GET /portal/batches`.
pub(super) async fn list(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let say = |en, fr| visit.say(en, fr);
    let after = parameters.get("after").map(|token| format!("&continuationToken={}", encoded(token))).unwrap_or_default();
    let found: Collection<Batch> = visit.get(&format!("/v1/productupgrades/batches?size=50{after}")).await?;
    let body = html! {
        h1 { (say("Batches", "Lots")) }
        @if found.items.is_empty() {
            div.empty { p.lead { (say("None yet.", "Aucun.")) } p { (say("Select customers, and start one.", "Choisissez des clients, et lancez-en un.")) } p { a.button href="/portal/customers" { (say("Customers", "Clients")) } } }
        } @else {
            div.scroll tabindex="0" role="region" aria-label=(say("Batches", "Lots")) {
                table.list {
                    thead { tr { th scope="col" { (say("Batch", "Lot")) } th scope="col" { (say("State", "État")) } th.amount scope="col" { (say("Customers", "Clients")) } th scope="col" { (say("Made", "Créé")) } th scope="col" { (say("Ended", "Fin")) } th scope="col" { (say("By", "Par")) } } }
                    tbody { @for one in &found.items { tr {
                        td { a.name href={ "/portal/batches/" (one.batch_id) } { (one.external_reference_id) } }
                        td { (state_mark(&visit, &one.state)) }
                        td.amount { (number(one.rows, visit.locale())) }
                        td { (time(one.created_at)) }
                        td { @match one.ended_at { Some(at) => (time(at)), None => span.quiet { "–" } } }
                        td { (one.created_by) }
                    } } }
                }
            }
        }
        nav.pages aria-label=(say("Pages of the list", "Pages de la liste")) { @if let Some(next) = found.next() { a.button rel="next" href={ "/portal/batches?after=" (encoded(&next)) } { (say("Next page", "Page suivante")) } } }
    };
    let title = say("Batches", "Lots").to_owned();
    Ok(framed(&visit, &Content { title, place: Place::Batches, is_live: false, body }))
}

/// `GET /portal/batches/{batch}`.
pub(super) async fn page(visit: Visit, Path(batch): Path<String>) -> Result<Page, ApiError> {
    let base = format!("/v1/productupgrades/batches/{}", encoded(&batch));
    let known: Batch = visit.get(&base).await?;
    let rows: Collection<Row> = visit.get(&format!("{base}/rows?size={ROWS}")).await?;
    let say = |en, fr| visit.say(en, fr);
    let here = format!("/portal/batches/{}", known.batch_id);
    let body = html! {
        p.path { a href="/portal/batches" { (say("Batches", "Lots")) } }
        div data-poll=[(!known.settled).then_some(&here)] {
            div.title data-part="head" {
                h1 { (known.external_reference_id) } (state_mark(&visit, &known.state)) @if !known.note.is_empty() { span.quiet { (known.note) } }
                span.push { (acts(&visit, &known, &here)) }
            }
            div data-part="counts" { (counts(&visit, &known)) }
            div data-part="rows" { (table(&visit, &rows)) }
        }
    };
    let title = known.external_reference_id.clone();
    Ok(framed(&visit, &Content { title, place: Place::Batches, is_live: false, body }))
}

fn acts(visit: &Visit, known: &Batch, here: &str) -> Markup {
    let possible = ACTS.iter().filter(|(_, states, right, ..)| states.contains(&known.state.as_str()) && visit.may(*right));
    html! {
        @for (name, _, _, en, fr) in possible {
            form.inline method="post" action={ (here) "/act" } { (visit.form_token()) input type="hidden" name="act" value=(name); button type="submit" { (visit.say(en, fr)) } }
        }
    }
}

fn counts(visit: &Visit, known: &Batch) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    let count = |name: &str| known.counts.get(name).and_then(Value::as_u64).unwrap_or_default();
    let figures = [
        ("completed", say("on the Azure plan", "sur le plan Azure")),
        ("running", say("under way", "en cours")),
        ("waiting", say("waiting", "en attente")),
        ("ineligible", say("blocked", "bloqués")),
        ("failed", say("undone", "annulés")),
        ("needsOperator", say("need somebody", "attendent quelqu’un")),
        ("refused", say("refused", "refusés")),
    ];
    html! {
        (bar(say("Ended", "Terminés"), known.percent.unwrap_or_default(), 100))
        div.figures {
            div.figure { b { (number(known.rows, locale)) } span { (say("customers", "clients")) } }
            @for (name, text) in figures { @if count(name) > 0 { div.figure { b { (number(count(name), locale)) } span { (text) } } } }
            @if let Some(end) = known.expected_end { div.figure { b { (time(end)) } span { (say("expected end", "fin prévue")) } } }
        }
        @if let Some(plan) = known.plan.as_object() {
            @let of = |name: &str| number(plan.get(name).and_then(Value::as_u64).unwrap_or_default(), locale);
            p { (say("Dry run: ", "Simulation : ")) b { (of("eligible")) } (say(" may move with ", " peuvent passer avec ")) (of("subscriptions")) (say(" subscriptions, ", " abonnements, ")) (of("plansToBuy")) (say(" plans to buy; ", " plans à acheter ; ")) b { (of("refused")) } (say(" are blocked.", " sont bloqués.")) }
        }
        p.fine { (say("Made ", "Créé ")) (time(known.created_at)) ", " (known.created_by) @if let Some(at) = known.started_at { (say("; started ", " ; démarré ")) (time(at)) } @if let Some(at) = known.ended_at { (say("; ended ", " ; fini ")) (time(at)) } }
    }
}

fn table(visit: &Visit, rows: &Collection<Row>) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(say("Rows", "Lignes")) {
            table.list {
                thead { tr { th.amount scope="col" { "#" } th scope="col" { (say("Customer", "Client")) } th scope="col" { (say("State", "État")) } th scope="col" { (say("Why", "Pourquoi")) } } }
                tbody { @for row in &rows.items { tr {
                    td.amount { (row.row) }
                    td { a.name href={ "/portal/customers/" (row.customer_id) } { @match &row.company_name { Some(name) => (name), None => (row.customer_id) } } }
                    td { @match &row.transition_id { Some(transition) => a.plain href={ "/portal/transitions/" (transition) } { (state_mark(visit, &row.state)) }, None => (state_mark(visit, &row.state)) } }
                    td { @match (&row.description, row.reasons.first()) { (Some(text), _) => (text), (None, Some(reason)) => (reason["description"].as_str().unwrap_or_default()), _ => span.quiet { "–" } } }
                } } }
            }
        }
        @if rows.next().is_some() { p.fine { (say("The first ", "Les premières ")) (ROWS) "; " (say("all of them: ", "toutes : ")) code { "planshift batch export" } } }
    }
}

fn state_mark(visit: &Visit, state: &str) -> Markup {
    let (text, look) = match state {
        "Draft" => (visit.say("Draft", "Brouillon"), "idle"),
        "Planning" => (visit.say("Dry run", "Simulation"), "moving"),
        "Planned" => (visit.say("Planned", "Simulé"), "idle"),
        "Running" => (visit.say("Under way", "En cours"), "moving"),
        "Starting" => (visit.say("Starting", "Démarrage"), "moving"),
        "Waiting" => (visit.say("Waiting", "En attente"), "idle"),
        "Pausing" => (visit.say("Pausing", "Mise en pause"), "turning"),
        "Paused" => (visit.say("Paused", "En pause"), "held"),
        "Stopped" => (visit.say("Stopped", "Arrêté"), "bad"),
        "Cancelling" => (visit.say("Cancelling", "Annulation"), "turning"),
        "Cancelled" => (visit.say("Cancelled", "Annulé"), "held"),
        "Completed" => (visit.say("Completed", "Terminé"), "good"),
        "Ineligible" => (visit.say("Blocked", "Bloqué"), "held"),
        "Failed" => (visit.say("Undone", "Annulé"), "held"),
        "NeedsOperator" => (visit.say("Needs somebody", "Attend quelqu’un"), "bad"),
        "Refused" => (visit.say("Refused", "Refusé"), "bad"),
        other => (other, "idle"),
    };
    html! { span class={ "mark " (look) } { (text) } }
}

/// `POST /portal/batches/{batch}/act`.
pub(super) async fn act(visit: Visit, Path(batch): Path<String>, form: Form) -> Result<Response, ApiError> {
    let wanted = form.text("act").unwrap_or_default();
    let Some((name, ..)) = ACTS.iter().find(|(name, ..)| *name == wanted) else {
        return Err(ApiError::bad_input("InvalidForm", words!("There is no such act.", "Il n’y a pas de telle action.")));
    };
    let batch = encoded(&batch);
    // a key of its own each time: sent twice, the second is refused by the state that the first has led to
    visit
        .api
        .post(&visit.context, Some(visit.app.ports.random.id()), &format!("/v1/productupgrades/batches/{batch}/{name}"), &json!({}))
        .await?;
    Ok(see(&format!("/portal/batches/{batch}")))
}
