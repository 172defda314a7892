//! `PATCH /v1/customers/{id}/subscriptions/{id}`: the whole resource comes back, with another status or name. Source: the domain's
//! sections 3.3, 3.4 and 6.4.

use super::{
    Whose,
    change::{Facts, Needs, One, change},
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
};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
};
use planshift_domain::{
    account::facts::{PlanStatus, SubscriptionStatus},
    ids::PlanId,
};
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
        let mut what = format!("The subscription {id} was changed");
        if let Some(status) = wanted.status {
            what.push_str(&format!(": {status}"));
        }
        change(&app, &context, whose, needs, &what, |facts| apply(&wanted, facts)).await?;
        Answer::json(&read_one(&app, &context, whose, id).await?)
    })
    .await
}

impl Wanted {
    fn read(id: Uuid, headers: &HeaderMap, fields: &Fields) -> Result<Self, ApiError> {
        let wrong = |text: String| ApiError::bad_input("InvalidSubscription", text);
        if let Some(other) = fields.text("id")?.filter(|text| Uuid::try_parse(text) != Ok(id)) {
            return Err(wrong(format!("The property id is {other:?}, and the path says {id}.")));
        }
        let status = fields.text("status")?.map(|text| {
            SubscriptionStatus::from_text(text)
                .ok_or_else(|| wrong(format!("{text:?} is no status: {} are.", SubscriptionStatus::TEXTS.join(", "))))
        });
        let friendly_name = fields.text("friendlyName")?.map(str::to_owned);
        let is_name = |name: &String| name.chars().count() <= NAME_CHARS && !name.chars().any(char::is_control);
        if friendly_name.as_ref().is_some_and(|name| !is_name(name)) {
            return Err(wrong(format!("The property friendlyName may have {NAME_CHARS} characters, and no control characters.")));
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
fn apply(wanted: &Wanted, facts: &mut Facts) -> Result<bool, ApiError> {
    let Some(One { merged, under }) = facts.one.take() else { return Err(unknown(&wanted.id.to_string())) };
    if wanted.etag.as_ref().is_some_and(|etag| *etag != merged.etag(wanted.id)) {
        let text = "The subscription has changed since it was read: read it again, and send what is to be changed of it.";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "2055", "StaleETag", text).definite());
    }
    let has_plan = !facts.active_plans.is_empty();
    match facts.subscriptions.iter_mut().find(|facts| facts.commerce_subscription_id.0 == wanted.id) {
        Some(facts) => {
            let (now, by_transition) = merged.status(facts);
            let next = wanted.status.unwrap_or(now);
            let renamed = wanted.friendly_name.as_ref().filter(|name| **name != facts.friendly_name);
            if renamed.is_some() && now != SubscriptionStatus::Active {
                let text = format!("The subscription is {now}: its name cannot be changed.");
                return Err(refused("800091", "SubscriptionNotActive", text));
            }
            if next == now && renamed.is_none() {
                return Ok(false);
            }
            let allowed =
                [(SubscriptionStatus::Active, SubscriptionStatus::Suspended), (SubscriptionStatus::Suspended, SubscriptionStatus::Active)];
            if next != now && (by_transition || !allowed.contains(&(now, next))) {
                let why = if by_transition { ": its Azure subscription is under an Azure plan" } else { "" };
                return Err(refused(
                    "800096",
                    "StatusChangeNotAllowed",
                    format!("The subscription is {now} and cannot become {next}{why}."),
                ));
            }
            if next != now && next == SubscriptionStatus::Active && has_plan {
                let text = "The customer has an Azure plan: legacy Azure cannot be made active beside it.".to_owned();
                return Err(not_again(text));
            }
            facts.status = next;
            if let Some(name) = renamed {
                facts.friendly_name.clone_from(name);
            }
            Ok(true)
        }
        None => apply_to_plan(wanted, facts, &merged, under),
    }
}

/// A plan may be suspended when no Azure subscription is under it, and be made active again.
fn apply_to_plan(wanted: &Wanted, facts: &mut Facts, merged: &Merged, under: u64) -> Result<bool, ApiError> {
    let id = PlanId(wanted.id);
    let Some(now) = merged.plan_status(id) else { return Err(unknown(&wanted.id.to_string()).definite()) };
    let next = match wanted.status {
        None => now,
        Some(SubscriptionStatus::Active) => PlanStatus::Active,
        Some(SubscriptionStatus::Suspended) => PlanStatus::Suspended,
        Some(other) => return Err(refused("800096", "StatusChangeNotAllowed", format!("An Azure plan cannot become {other}."))),
    };
    if wanted.friendly_name.is_some() && !wanted.is_name_of_plan() {
        return Err(ApiError::bad_input("InvalidSubscription", "The name of an Azure plan is not kept here: leave friendlyName as it is.")
            .definite());
    }
    if next == now {
        return Ok(false);
    }
    if now == PlanStatus::Deleted {
        return Err(refused("800096", "StatusChangeNotAllowed", "The plan is deleted.".to_owned()));
    }
    if next == PlanStatus::Suspended && under > 0 {
        let text = format!("{under} Azure subscriptions are active under the plan: it cannot be suspended.");
        return Err(ApiError::new(StatusCode::FORBIDDEN, "900115", "AzurePlanHasActiveSubscriptions", text).definite());
    }
    if merged.is_own(id) {
        // what an upgrade did to a plan is never overwritten: the next one makes it active, or its undo puts it away
        let text = format!("The plan belongs to an upgrade: it is {now}, and only an upgrade makes it {next}.");
        return Err(refused("800096", "StatusChangeNotAllowed", text));
    }
    if next == PlanStatus::Active
        && let Some(legacy) = facts.legacy_in_use.first()
    {
        return Err(not_again(format!("The legacy Azure subscription {legacy} is in use: an Azure plan cannot be made active beside it.")));
    }
    match facts.plans.iter_mut().find(|plan| plan.id == id) {
        Some(plan) if next == PlanStatus::Active && facts.active_plans.contains(&plan.reseller) => {
            return Err(not_again("The customer has an active plan of that reseller: there is never a second one.".to_owned()));
        }
        Some(plan) => plan.status = next,
        None => return Err(unknown(&wanted.id.to_string()).definite()),
    }
    Ok(true)
}

fn not_again(text: String) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "900337", "ReactivationRefused", text).definite()
}

fn refused(code: &'static str, name: &str, text: String) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, code, name, text).definite()
}
