//! `GET /v1/auditrecords`: as Partner Center does it, but for its 90 days: ours are kept.

use super::batches::{BATCH, acts};
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Parameters},
        pages::{Asked, Page, again},
    },
    model::{RecordFilter, RecordKey},
    records::audit_record,
    words::{Words, words},
};
use axum::{Extension, extract::State, http::HeaderMap};
use planshift_domain::{ids::parse_guid, time::Timestamp};
use serde_json::Value;
use uuid::Uuid;

/// What a bound must be.
const A_DATE: &Words = &Words::both("a date as 2026-11-30, or a time", "une date comme 2026-11-30, ou une date et heure");
/// How many it has unless asked otherwise.
const PAGE: u32 = 100;
/// Seconds of a day.
const DAY: i64 = 24 * 3600;
/// How far back a list begins unless asked otherwise. Source: the domain's section 6.7.
const DAYS_BACK: i64 = 30;
/// How far back it may begin: as long as records are kept, seven years and two leap days. Source: I19.
const DAYS_KEPT: i64 = 7 * 365 + 2;

/// `GET /v1/auditrecords?startDate=2026-11-01&endDate=2026-11-30&filter={…}&size=100`, newest first.
pub(in crate::http) async fn records(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let filter = filter(&context, &parameters, app.ports.clock.now())?;
    let asked = Asked::read(&headers, &parameters, PAGE)?;
    let query = again(&parameters, &["partnerId", "startDate", "endDate", "filter"]);
    if filter.resource_type.as_deref() == Some(BATCH) {
        return acts(&app, &filter, &asked, &query).await;
    }
    let (records, more) = app.model.records(&filter, asked.after(key)?, asked.size).await?;
    let next = records.last().filter(|_| more).map(|last| {
        let entry = &last.entry;
        let (partner, customer) = (entry.partner_id.0.as_simple(), entry.customer_id.0.as_simple());
        format!("{:x}-{partner}-{customer}-{:x}", entry.at.as_micros(), entry.number)
    });
    // of this page, as Partner Center counts here: a count over years would cost more than the page
    let total = Some(records.len() as u64);
    let page = Page { items: records.iter().map(audit_record).collect(), total, next, ..Page::default() };
    asked.answer("/auditrecords", &query, page)
}

fn filter(context: &Context, parameters: &Parameters, now: Timestamp) -> Result<RecordFilter, ApiError> {
    let date = |name: &str| parameters.parse(name, A_DATE, time_of);
    let wrong = |text: Words| ApiError::bad_input("InvalidDateRange", text);
    let until = match date("endDate")? {
        None => Timestamp::from_micros(now.as_micros().saturating_add(1)),
        // the whole of the last day
        Some((day, true)) => day.plus_seconds(DAY),
        Some((time, false)) => time,
    };
    let from = date("startDate")?.map_or(now.plus_seconds(-DAYS_BACK * DAY), |(from, _)| from);
    if from < now.plus_seconds(-DAYS_KEPT * DAY) {
        return Err(wrong(words!(
            "startDate may be seven years back: so long are records kept.",
            "startDate peut remonter à sept ans : c’est la durée de conservation des enregistrements."
        )));
    }
    if until < from {
        return Err(wrong(words!("endDate is before startDate.", "endDate précède startDate.")));
    }
    let partner = parameters.parse("partnerId", A_GUID, parse_guid)?.map(Into::into);
    let mut filter = RecordFilter {
        // a caller that is a partner sees its own, whatever it asks for
        partner: context.caller.partner.or(partner),
        customer: None,
        resource_type: None,
        company: None,
        from,
        until,
    };
    if let Some(text) = parameters.get("filter") {
        narrow(&mut filter, text)?;
    }
    Ok(filter)
}

/// `{"Field":"CustomerId","Value":"…","Operator":"equals"}`, its names and words in any case.
fn narrow(filter: &mut RecordFilter, text: &str) -> Result<(), ApiError> {
    let wrong = |why: Words| {
        let text = words!(
            "The filter {why}. {{\"Field\":\"CustomerId\",\"Value\":\"…\",\"Operator\":\"equals\"}} was expected.",
            "Le filtre {why}. {{\"Field\":\"CustomerId\",\"Value\":\"…\",\"Operator\":\"equals\"}} était attendu.";
            why
        );
        ApiError::bad_input("InvalidFilter", text)
    };
    let Ok(Value::Object(members)) = serde_json::from_str(text) else {
        return Err(wrong(words!("is no JSON object", "n’est pas un objet JSON")));
    };
    let member = |name: &str| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str());
    let (field, value) = (member("Field").unwrap_or_default().to_lowercase(), member("Value").unwrap_or_default());
    let operator = member("Operator").unwrap_or_default().to_lowercase();
    if value.is_empty() || value.contains('\0') {
        return Err(wrong(words!("has no Value", "n’a pas de Value")));
    }
    match (field.as_str(), operator.as_str()) {
        ("customerid", "equals") => {
            filter.customer = Some(
                parse_guid(value).ok_or_else(|| wrong(words!("has a Value that is no GUID", "a une Value qui n’est pas un GUID")))?.into(),
            );
        }
        ("resourcetype", "equals") => filter.resource_type = Some(value.to_lowercase()),
        ("companyname", "substring") => filter.company = Some(value.to_owned()),
        ("customerid" | "resourcetype", _) => {
            return Err(wrong(words!("must have the Operator equals for this Field", "doit avoir l’Operator equals pour ce Field")));
        }
        ("companyname", _) => {
            return Err(wrong(words!("must have the Operator substring for this Field", "doit avoir l’Operator substring pour ce Field")));
        }
        _ => {
            return Err(wrong(words!(
                "must have one of the Fields CompanyName, CustomerId, ResourceType",
                "doit avoir l’un des Field CompanyName, CustomerId, ResourceType"
            )));
        }
    }
    Ok(())
}

/// A time; true: it is a day, from its first moment.
fn time_of(text: &str) -> Option<(Timestamp, bool)> {
    match text.len() {
        10 => format!("{text}T00:00:00Z").parse().ok().map(|day| (day, true)),
        _ => text.parse().ok().map(|time| (time, false)),
    }
}

fn key(token: &str) -> Option<RecordKey> {
    let mut parts = token.split('-');
    let at = i64::from_str_radix(parts.next()?, 16).ok()?;
    let mut guid = || Uuid::try_parse(parts.next()?).ok();
    let (partner, customer) = (guid()?, guid()?);
    let number = u32::from_str_radix(parts.next()?, 16).ok()?;
    parts.next().is_none().then_some((Timestamp::from_micros(at), partner.into(), customer.into(), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_key_or_nothing() {
        let (one, two) = (Uuid::from_u128(1).as_simple().to_string(), Uuid::from_u128(2).as_simple().to_string());
        let token = format!("ff-{one}-{two}-1f");
        let expected = (Timestamp::from_micros(255), Uuid::from_u128(1).into(), Uuid::from_u128(2).into(), 31);
        assert_eq!(key(&token), Some(expected));
        for wrong in ["", "x", "ff-1-2-3", &format!("{token}-1"), &format!("ff-{one}-{two}")] {
            assert_eq!(key(wrong), None, "{wrong}");
        }
    }
}
