//! A batch of customers that were selected in their list. What the batch does is the API's; here is who is meant and how.

use crate::{
    http::ApiError,
    portal::{
        finish::{Page, see},
        form::Form,
        frame::{Content, Place, page as framed},
        parts::number,
        selection::Selection,
        visit::Visit,
    },
    words::words,
};
use axum::response::Response;
use maud::html;
use planshift_domain::ids::PartnerId;
use serde_json::json;

/// How many customers a batch from here has at most: as many as the largest batch that was measured.
const MOST: u64 = 100_000;
/// How many are read at once while they are gathered.
const AT_ONCE: u32 = 500;

/// `POST /portal/batches/new`: how the batch is to be.
pub(in crate::portal) async fn prepare(visit: Visit, form: Form) -> Result<Page, ApiError> {
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
pub(in crate::portal) async fn begin(visit: Visit, form: Form) -> Result<Response, ApiError> {
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
