//! A change that somebody makes of a customer's facts: read, changed, and imported again, if they are still what they were.
//!
//! So a change through the API is an import of that one customer by itself: the coordinator gives the facts a version, all four workers
//! have them before it is answered, and while a transition is under way none is taken. Whether it may be is decided under the customer's
//! lock, and not here.

use super::{
    Whose,
    facts::{Facts, One},
    unknown,
};
use crate::{
    app::App,
    http::{context::Context, errors::ApiError},
    import::{self, ImportError},
    words::{Words, words},
};
use axum::http::StatusCode;
use planshift_domain::{
    account::{self, facts::PART_SUBSCRIPTIONS},
    audit::Change,
    ids::{ImportId, MpnId, TransitionId},
    message::request::{FindImport, ImportedBy, OnlyIf, RefusedCustomer, TakenImport},
    transition::State,
};
use uuid::Uuid;

/// How often a change is tried again because somebody else's came first.
const TRIES: u32 = 5;

/// A change that is to be made.
pub(super) struct Edited {
    /// What it is, in words, in the customer's chain of records.
    pub(super) words: String,
    /// The same as audit records have it.
    pub(super) record: Change,
}

/// What a record says of a subscription or plan, the one of that number in it. Source of the names: the domain's section 6.7.
pub(super) fn subscription_data(
    number: u32,
    offer: &str,
    id: &str,
    name: &str,
    reseller: Option<&MpnId>,
) -> impl Iterator<Item = (String, String)> {
    let told = [("OfferId", offer), ("SubscriptionId", id), ("SubscriptionName", name), ("Quantity", "1")];
    let told = told.into_iter().chain(reseller.map(|mpn| ("PartnerOnRecord", mpn.as_str())));
    told.map(move |(key, value)| (format!("{key}-{number}"), value.to_owned())).collect::<Vec<_>>().into_iter()
}

/// What a change needs to be allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// The customer may buy the legacy Azure offer.
    pub(super) legacy_azure: bool,
    /// Something is bought.
    pub(super) purchase: bool,
    /// It is to be known what is in use beside it.
    pub(super) looks_around: bool,
    /// It is to be known how this subscription or plan stands.
    pub(super) standing_of: Option<Uuid>,
    /// What the change makes, where that has an id that nothing else has: if it is there, the change was made before.
    pub(super) made: Option<Uuid>,
}

const CHANGED: Words = Words::both(
    "The customer is being changed by somebody else. Try again.",
    "Quelqu’un d’autre modifie le client en ce moment. Réessayez.",
);

/// A change must be one message, so that it is taken whole or not at all.
pub(super) fn too_large() -> ApiError {
    let text = words!(
        "The customer has more than {PART_SUBSCRIPTIONS} subscriptions: it is changed by an import of its account document.",
        "Le client a plus de {PART_SUBSCRIPTIONS} abonnements : il se modifie par une importation de son document de comptes."
    );
    ApiError::new(StatusCode::CONFLICT, "409", "CustomerTooLarge", text).definite()
}

/// Changes the customer: `edit` makes the change of what is there and says what it is, that there is nothing to change, or why it cannot be.
/// It may be called more than once; where the same request has been carried out before, it is not called. Gives the resource as the change
/// has made it, now or when the request came first: other changes in between do not show.
pub(super) async fn change(
    app: &App,
    context: &Context,
    whose: Whose,
    needs: Needs,
    mut edit: impl FnMut(&mut Facts) -> Result<Option<Edited>, ApiError> + Send,
) -> Result<Option<String>, ApiError> {
    for attempt in 0..TRIES {
        let mut facts = Facts::read(app, context, whose).await?;
        let version = facts.version;
        // The same request may have been here before, and its answer was lost. Asked after the facts were read: what is not known to have
        // been done by then is not in them. Where the facts are older than it, not everybody has them yet, and it is handed on once more.
        match done_before(app, context, whose).await?.filter(|taken| taken.facts_version <= version) {
            Some(TakenImport { resource, .. }) => return Ok(resource),
            None if needs.made.is_some_and(|id| facts.has(id)) => return Ok(None),
            None => {}
        }
        if needs.purchase {
            seen_here(app, whose, needs).await?;
        }
        if needs.purchase || needs.looks_around {
            facts.look_around(app, whose).await?;
        }
        if let Some(id) = needs.standing_of {
            facts.one = Some(One::look(app, whose, &facts, id).await?);
        }
        let Some(Edited { words, record }) = edit(&mut facts)? else { return Ok(None) };
        let made = record.new_value.clone();
        let Facts { partner, customer, resellers, subscriptions, plans, .. } = facts;
        let mut parts = account::parts_of(whose.customer, customer, subscriptions, plans, &resellers);
        let Some(changed) = parts.pop().filter(|_| parts.is_empty()) else { return Err(too_large()) };
        let import_id = import_id(context, attempt);
        let only_if = OnlyIf { facts_version: version, may_buy_legacy_azure: needs.legacy_azure };
        let by = ImportedBy { actor: context.caller.actor.clone(), document: String::new(), change: words, made: Some(record) };
        let refused = import::import_change(app, &context.trace, (import_id, by), partner, only_if, changed).await.map_err(failed)?;
        match refused {
            None => return Ok(made),
            Some(refused) if refused.code == "FactsChanged" || refused.code == "ImportSuperseded" => {}
            Some(refused) => return Err(barred(app, whose, needs, &refused).await?),
        }
    }
    Err(ApiError::new(StatusCode::CONFLICT, "900278", "CustomerChanged", CHANGED).after(1))
}

/// Of the attempt, and not of the version: when the request comes again, the coordinator knows it.
fn import_id(context: &Context, attempt: u32) -> ImportId {
    Uuid::new_v5(&context.request_id, format!("change/{attempt}").as_bytes()).into()
}

/// What this request has changed already.
async fn done_before(app: &App, context: &Context, whose: Whose) -> Result<Option<TakenImport>, ApiError> {
    let import_ids = (0..TRIES).map(|attempt| import_id(context, attempt)).collect();
    let (partner_id, customer_id) = (whose.partner, whose.customer);
    // a question of its own each time: what it is told is as things are now
    let question = FindImport { request_id: app.ports.random.id(), partner_id, customer_id, import_ids };
    Ok(app.ask(&question, &context.trace).await?.taken)
}

/// What the read model knows to stand in the way of a purchase says so before anything else does. It may be late; the coordinator is not.
async fn seen_here(app: &App, whose: Whose, needs: Needs) -> Result<(), ApiError> {
    let refused = |code: &str, id| RefusedCustomer {
        customer_id: whose.customer,
        code: code.to_owned(),
        description: String::new(),
        transition_id: Some(id),
    };
    let found = match app.model.open_of(whose.partner, whose.customer).await? {
        Some(open) => Some(refused("UpgradeInProgress", open.row.id)),
        None if needs.legacy_azure => {
            let completed = app.model.completed_of(whose.partner, whose.customer).await?;
            completed.map(|known| refused("UpgradeAlreadyCompleted", known.row.id))
        }
        None => None,
    };
    match found {
        Some(refused) => Err(barred(app, whose, needs, &refused).await?),
        None => Ok(()),
    }
}

fn failed(error: ImportError) -> ApiError {
    match error {
        ImportError::Ask(error) => error.into(),
        ImportError::Storage(error) => error.into(),
        other => ApiError::internal(&other),
    }
}

/// Why the coordinator has not taken it, in Microsoft's terms. Source: the domain's section 5.3, and I5 of its section 9.
async fn barred(app: &App, whose: Whose, needs: Needs, refused: &RefusedCustomer) -> Result<ApiError, ApiError> {
    let by = refused.transition_id;
    let named = by.map_or(Words::both("an upgrade", "une mise à niveau"), |id| words!("the upgrade {id}", "la mise à niveau {id}"));
    let conflict = |code, name: &str, text: Words| ApiError::new(StatusCode::CONFLICT, code, name, text);
    let error = match refused.code.as_str() {
        "UpgradeInProgress" if needs.purchase => match state(app, by).await? {
            Some(State::Requested | State::CheckingEligibility) => conflict(
                "900112",
                "PurchaseBlockedUpgradePending",
                words!(
                "Azure cannot be bought while {named} is pending.",
                "Azure ne peut pas être acheté tant que {named} est en attente."; named
                ),
            ),
            Some(State::NeedsOperator) => conflict(
                "900114",
                "PurchaseBlockedUpgradeFailed",
                words!(
                "Azure cannot be bought while {named} has failed.",
                "Azure ne peut pas être acheté tant que {named} est en échec."; named
                ),
            ),
            _ => conflict(
                "900113",
                "PurchaseBlockedUpgradeInProgress",
                words!(
                "Azure cannot be bought while {named} is in progress.",
                "Azure ne peut pas être acheté tant que {named} est en cours."; named
                ),
            ),
        },
        "UpgradeInProgress" => {
            let text = words!(
            "The customer cannot be changed while {named} is not at an end.",
            "Le client ne peut pas être modifié tant que {named} n’est pas terminée."; named
            );
            conflict("900109", "UpgradeInProgress", text)
        }
        "UpgradeFailed" => {
            let text = words!(
            "Azure cannot be bought while {named} has failed: start another, or close it.",
            "Azure ne peut pas être acheté tant que {named} est en échec : lancez-en une autre, ou clôturez-la."; named
            );
            conflict("900114", "PurchaseBlockedUpgradeFailed", text)
        }
        "UpgradeAlreadyCompleted" => {
            let text = words!(
            "Legacy Azure cannot be bought any more: {named} has moved the customer to the Azure plan.",
            "L’offre Azure héritée ne peut plus être achetée : {named} a fait passer le client au plan Azure."; named
            );
            ApiError::new(StatusCode::FORBIDDEN, "500600", "LegacyOfferNotEligibleForPurchase", text)
        }
        _ => return Err(unknown(&whose.customer.to_string())),
    };
    Ok(match by {
        Some(id) => error.with("transitionId", id).definite(),
        None => error.definite(),
    })
}

async fn state(app: &App, id: Option<TransitionId>) -> Result<Option<State>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    Ok(app.model.transition(id).await?.map(|known| known.row.state))
}
