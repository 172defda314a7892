//! `PATCH /v1/customers/{id}/subscriptions/{id}`: the whole resource comes back, with another status or name. Source: the domain's
//! sections 3.3, 3.4 and 6.4.

use super::{
    Whose,
    change::{Edited, Needs, change, subscription_data},
    facts::{Facts, One},
    subscriptions::{Merged, PLAN_NAME, read_one, unknown},
};
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::Fields,
        once::{hash, once},
    },
    words::{Words, words},
};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
};
use planshift_domain::{
    account::facts::{PlanStatus, SubscriptionStatus},
    audit::{Change, Operation},
    ids::{MpnId, PlanId},
    said::{because, chain},
};
use serde_json::Value;
use uuid::Uuid;

/// The longest name of a subscription.
const NAME_CHARS: usize = 256;

/// What is wanted of a subscription.
struct Wanted {
    id: Uuid,
    status: Option<SubscriptionStatus>,
    friendly_name: Option<String>,
    /// The ETag that it must have.
    etag: Option<String>,
}

pub(in crate::http) async fn update(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let Ok(id) = Uuid::try_parse(&id) else { return Err(unknown(&id)) };
    let wanted = Wanted::read(id, &headers, &fields)?;
    let target = format!("PATCH /v1/customers/{}/subscriptions/{id} of {}", whose.customer, whose.partner);
    once(&app, &context, &target, &hash(&fields.raw), async {
        // what is to be active again is as if it were bought
        let purchase = wanted.status == Some(SubscriptionStatus::Active);
        let needs = Needs { standing_of: Some(id), looks_around: purchase, ..Needs::default() };
        match change(&app, &context, whose, needs, |facts| apply(&wanted, facts)).await? {
            Some(made) => Ok(Answer::written(made)),
            None => Answer::json(&read_one(&app, &context, whose, id).await?),
        }
    })
    .await
}

impl Wanted {
    fn read(id: Uuid, headers: &HeaderMap, fields: &Fields) -> Result<Self, ApiError> {
        let wrong = |text: Words| ApiError::bad_input("InvalidSubscription", text);
        if let Some(other) = fields.text("id")?.filter(|text| Uuid::try_parse(text) != Ok(id)) {
            return Err(wrong(words!(
                "The property id is {other:?}, and the path says {id}.",
                "La propriété id est {other:?}, et le chemin d’accès dit {id}."
            )));
        }
        let status = fields.text("status")?.map(|text| {
            SubscriptionStatus::from_text(text).ok_or_else(|| {
                wrong(words!(
                    "{text:?} is no status: {} are.",
                    "{text:?} n’est pas un statut ; en sont : {}.",
                    SubscriptionStatus::TEXTS.join(", ")
                ))
            })
        });
        let friendly_name = fields.text("friendlyName")?.map(str::to_owned);
        let is_name = |name: &String| name.chars().count() <= NAME_CHARS && !name.chars().any(char::is_control);
        if friendly_name.as_ref().is_some_and(|name| !is_name(name)) {
            return Err(wrong(words!(
                "The property friendlyName may have {NAME_CHARS} characters, and no control characters.",
                "La propriété friendlyName peut avoir {NAME_CHARS} caractères, et aucun caractère de contrôle."
            )));
        }
        let given =
            headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok()).map(|text| text.trim().trim_matches('"').to_owned());
        let inside =
            fields.object("attributes")?.map(|attributes| attributes.text("etag").map(|text| text.map(str::to_owned))).transpose()?;
        let etag = given.or(inside.flatten()).filter(|etag| etag != "*");
        Ok(Self { id, status: status.transpose()?, friendly_name, etag })
    }
}

impl Wanted {
    /// The whole resource comes back: with the name that it was given out with.
    fn is_name_of_plan(&self) -> bool {
        self.friendly_name.as_deref().is_none_or(|name| name == PLAN_NAME)
    }
}

/// Makes the change of the facts, or says why it cannot be.
fn apply(wanted: &Wanted, facts: &mut Facts) -> Result<Option<Edited>, ApiError> {
    let Some(One { mut merged, under }) = facts.one.take() else { return Err(unknown(&wanted.id.to_string())) };
    if wanted.etag.as_ref().is_some_and(|etag| *etag != merged.etag(wanted.id)) {
        let text = words!(
            "The subscription has changed since it was read: read it again, and send what is to be changed of it.",
            "L’abonnement a changé depuis sa lecture : relisez-le, et envoyez ce qui est à en modifier."
        );
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "2055", "StaleETag", text).definite());
    }
    let has_plan = !facts.active_plans.is_empty();
    match facts.subscriptions.iter_mut().find(|facts| facts.commerce_subscription_id.0 == wanted.id) {
        Some(facts) => {
            let (now, by_transition) = merged.status(facts);
            let next = wanted.status.unwrap_or(now);
            let renamed = wanted.friendly_name.as_ref().filter(|name| **name != facts.friendly_name);
            if renamed.is_some() && now != SubscriptionStatus::Active {
                let text = words!(
                    "The subscription is {now}: its name cannot be changed.",
                    "L’abonnement est {now} : son nom ne peut pas être modifié."
                );
                return Err(refused("800091", "SubscriptionNotActive", text));
            }
            if next == now && renamed.is_none() {
                return Ok(None);
            }
            let allowed =
                [(SubscriptionStatus::Active, SubscriptionStatus::Suspended), (SubscriptionStatus::Suspended, SubscriptionStatus::Active)];
            if next != now && (by_transition || !allowed.contains(&(now, next))) {
                let text = if by_transition {
                    words!(
                        "The subscription is {now} and cannot become {next}: its Azure subscription is under an Azure plan.",
                        "L’abonnement est {now} et ne peut pas devenir {next} : son abonnement Azure est rattaché à un plan Azure."
                    )
                } else {
                    words!("The subscription is {now} and cannot become {next}.", "L’abonnement est {now} et ne peut pas devenir {next}.")
                };
                return Err(refused("800096", "StatusChangeNotAllowed", text));
            }
            if next != now && next == SubscriptionStatus::Active && has_plan {
                let text = words!(
                    "The customer has an Azure plan: legacy Azure cannot be made active beside it.",
                    "Le client a un plan Azure : l’offre Azure héritée ne peut pas être réactivée à côté."
                );
                return Err(not_again(text));
            }
            let old = merged.legacy(facts);
            facts.status = next;
            if let Some(name) = renamed {
                facts.friendly_name.clone_from(name);
            }
            merged.count_up();
            Ok(Some(edited(wanted, &old, &merged.legacy(facts), facts.reseller.0.as_ref())))
        }
        None if merged.is_left(wanted.id) => {
            let text = words!(
                "The subscription was suspended by an upgrade, and no import tells of it any more: it stays as it is.",
                "L’abonnement a été suspendu par une mise à niveau, et aucune importation ne l’indique plus : il reste tel quel."
            );
            Err(refused("800096", "StatusChangeNotAllowed", text))
        }
        None => apply_to_plan(wanted, facts, merged, under),
    }
}

/// A plan may be suspended when no Azure subscription is under it, and be made active again.
fn apply_to_plan(wanted: &Wanted, facts: &mut Facts, mut merged: Merged, under: u64) -> Result<Option<Edited>, ApiError> {
    let id = PlanId(wanted.id);
    let Some(now) = merged.plan_status(id) else { return Err(unknown(&wanted.id.to_string()).definite()) };
    let next = match wanted.status {
        None => now,
        Some(SubscriptionStatus::Active) => PlanStatus::Active,
        Some(SubscriptionStatus::Suspended) => PlanStatus::Suspended,
        Some(other) => {
            return Err(refused(
                "800096",
                "StatusChangeNotAllowed",
                words!("An Azure plan cannot become {other}.", "Un plan Azure ne peut pas devenir {other}."),
            ));
        }
    };
    if wanted.friendly_name.is_some() && !wanted.is_name_of_plan() {
        let text = words!(
            "The name of an Azure plan is not kept here: leave friendlyName as it is.",
            "Le nom d’un plan Azure n’est pas gardé ici : laissez friendlyName tel quel."
        );
        return Err(ApiError::bad_input("InvalidSubscription", text).definite());
    }
    if next == now {
        return Ok(None);
    }
    if now == PlanStatus::Deleted {
        return Err(refused("800096", "StatusChangeNotAllowed", words!("The plan is deleted.", "Le plan est supprimé.")));
    }
    if next == PlanStatus::Suspended && under > 0 {
        let text = words!(
            "{under} Azure subscriptions are active under the plan: it cannot be suspended.",
            "{under} abonnements Azure sont actifs sous le plan : il ne peut pas être suspendu."
        );
        return Err(ApiError::new(StatusCode::FORBIDDEN, "900115", "AzurePlanHasActiveSubscriptions", text).definite());
    }
    if merged.is_own(id) {
        // what an upgrade did to a plan is never overwritten: the next one makes it active, or its undo puts it away
        let text = words!(
            "The plan belongs to an upgrade: it is {now}, and only an upgrade makes it {next}.",
            "Le plan appartient à une mise à niveau : il est {now}, et seule une mise à niveau le rend {next}."
        );
        return Err(refused("800096", "StatusChangeNotAllowed", text));
    }
    if next == PlanStatus::Active
        && let Some(legacy) = facts.legacy_in_use.first()
    {
        return Err(not_again(words!(
            "The legacy Azure subscription {legacy} is in use: an Azure plan cannot be made active beside it.",
            "L’abonnement Azure hérité {legacy} est utilisé : un plan Azure ne peut pas être réactivé à côté."
        )));
    }
    match facts.plans.iter_mut().find(|plan| plan.id == id) {
        Some(plan) if next == PlanStatus::Active && facts.active_plans.contains(&plan.reseller) => Err(not_again(words!(
            "The customer has an active plan of that reseller: there is never a second one.",
            "Le client a un plan actif de ce revendeur : il n’y en a jamais un second."
        ))),
        Some(plan) => {
            let old = merged.plan(plan, None);
            plan.status = next;
            merged.count_up();
            Ok(Some(edited(wanted, &old, &merged.plan(plan, None), plan.reseller.0.as_ref())))
        }
        None => Err(unknown(&wanted.id.to_string()).definite()),
    }
}

/// The change as it is recorded, and as it is answered.
fn edited(wanted: &Wanted, old: &Value, new: &Value, reseller: Option<&MpnId>) -> Edited {
    let status = wanted.status.map(|status| status.to_string()).unwrap_or_default();
    let words = chain::SUBSCRIPTION_CHANGED.with(&[&wanted.id, &because(&status)]).into();
    let text = |name: &str| new[name].as_str().unwrap_or_default();
    let data = subscription_data(0, text("offerId"), text("id"), text("friendlyName"), reseller).collect();
    let (old_value, new_value) = (Some(old.to_string()), Some(new.to_string()));
    Edited { words, record: Change { operation: Operation::UpdateSubscription, old_value, new_value, data } }
}

fn not_again(text: Words) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "900337", "ReactivationRefused", text).definite()
}

fn refused(code: &'static str, name: &str, text: Words) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, code, name, text).definite()
}
