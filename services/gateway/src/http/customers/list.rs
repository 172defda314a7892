//! `GET /v1/customers?size=&filter=`: in the order of their names, by key. Source: the domain's section 6.3.

use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Fields, Parameters},
        pages::{Asked, LARGEST_PAGE, Page, again, link},
    },
    model::{CustomerFilter, ListKey, Pattern},
    words::{Words, words},
};
use axum::{Extension, body::Bytes, extract::State, http::HeaderMap};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use planshift_domain::ids::{CustomerId, PartnerId, parse_guid};
use serde_json::{Value, json};
use uuid::Uuid;

pub(in crate::http) async fn customers(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let partner = parameters.parse("partnerId", A_GUID, |text| text.parse::<PartnerId>().ok())?;
    // a caller that is a partner sees its own, whatever it asks for
    let mut filter = CustomerFilter { partner: context.caller.partner.or(partner), ..CustomerFilter::default() };
    let condition = parameters.get("filter");
    if let Some(condition) = condition {
        narrow(&mut filter, condition)?;
    }
    let asked = Asked::read(&headers, &parameters, LARGEST_PAGE)?;
    let after = asked.after(key)?;
    let page = app.model.customers(&filter, after, asked.size, asked.counted).await?;
    let items = page.rows.iter().map(|row| {
        json!({
            "id": row.customer_id,
            "companyProfile": {
                "tenantId": row.customer_id, "domain": row.domain, "companyName": row.company_name,
                "attributes": { "objectType": "CustomerCompanyProfile" },
            },
            "billingProfile": { "defaultAddress": { "country": row.country }, "attributes": { "objectType": "CustomerBillingProfile" } },
            "relationshipToPartner": row.relationship,
            "partnerId": row.partner_id,
            "links": { "self": link(format!("/customers/{}", row.customer_id)) },
            "attributes": { "objectType": "Customer" },
        })
    });
    let (items, next) = (items.collect(), page.next.map(|key| Asked::counted(page.total, token(&key))));
    let page = Page { items, total: Some(page.total), next, ..Page::default() };
    asked.answer("/customers", &again(&parameters, &["partnerId", "filter"]), page)
}

/// Adds the condition of a `filter`: a JSON object with `Field`, `Value` and `Operator`.
fn narrow(filter: &mut CustomerFilter, condition: &str) -> Result<(), ApiError> {
    let wrong = |text: Words| ApiError::bad_input("InvalidFilter", text);
    let fields = Fields::read(Bytes::copy_from_slice(condition.as_bytes())).map_err(|_| {
        wrong(words!(
            "The filter must be a JSON object with Field, Value and Operator.",
            "Le filtre doit être un objet JSON avec Field, Value et Operator."
        ))
    })?;
    let text = |name: &str| fields.text(name)?.ok_or_else(|| wrong(words!("The filter has no {name}.", "Le filtre n’a pas de {name}.")));
    let (field, value, operator) = (text("Field")?, text("Value")?, text("Operator")?);
    match field.to_lowercase().as_str() {
        "companyname" => filter.name = Some(pattern(value, operator)?),
        "domain" => filter.domain = Some(pattern(value, operator)?),
        "indirectreseller" => {
            // Microsoft's own sample asks for a whole GUID that it starts with
            if !["equals", "starts_with"].contains(&operator.to_lowercase().as_str()) {
                return Err(wrong(words!(
                    "IndirectReseller is compared with equals or starts_with, and not with {operator:?}.",
                    "IndirectReseller se compare avec equals ou starts_with, et non avec {operator:?}."
                )));
            }
            let tenant = parse_guid(value).ok_or_else(|| {
                wrong(words!(
                    "{value:?} is no tenant of a reseller: a GUID was expected.",
                    "{value:?} n’est pas le locataire d’un revendeur : un GUID était attendu."
                ))
            })?;
            filter.reseller = Some(tenant);
        }
        _ => {
            return Err(wrong(words!(
                "Customers are not filtered by {field:?}, but by CompanyName, Domain or IndirectReseller.",
                "Les clients ne se filtrent pas par {field:?}, mais par CompanyName, Domain ou IndirectReseller."
            )));
        }
    }
    Ok(())
}

fn pattern(value: &str, operator: &str) -> Result<Pattern, ApiError> {
    Ok(match operator.to_lowercase().as_str() {
        "equals" => Pattern::new("", value, "", false),
        "not_equals" => Pattern::new("", value, "", true),
        "substring" => Pattern::new("%", value, "%", false),
        "starts_with" => Pattern::new("", value, "%", false),
        "not_starts_with" => Pattern::new("", value, "%", true),
        _ => {
            let text = words!(
                "Texts are compared with equals, not_equals, substring, starts_with or not_starts_with, and not with {operator:?}.",
                "Les textes se comparent avec equals, not_equals, substring, starts_with ou not_starts_with, et non avec {operator:?}."
            );
            return Err(ApiError::bad_input("InvalidFilter", text));
        }
    })
}

pub(super) fn token((name, customer, partner): &ListKey) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Value::from(vec![name.clone(), customer.to_string(), partner.to_string()]).to_string())
}

pub(super) fn key(token: &str) -> Option<ListKey> {
    let text = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    let (name, customer, partner): (String, Uuid, Uuid) = serde_json::from_slice(&text).ok()?;
    (!name.contains('\0')).then_some((name, CustomerId(customer), PartnerId(partner)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Locale;

    #[test]
    fn a_token_leads_back_to_its_key_and_another_text_to_none() {
        let at = ("contoso \"é\" ".to_owned(), CustomerId(Uuid::from_u128(1)), PartnerId(Uuid::from_u128(2)));
        assert_eq!(key(&token(&at)), Some(at));
        for wrong in ["", "x", "W10", "bnVsbA"] {
            assert_eq!(key(wrong), None);
        }
    }

    #[test]
    fn a_filter_says_what_is_wrong_with_it() {
        for (condition, said) in [
            ("x", "JSON object"),
            ("[]", "JSON object"),
            (r#"{"Field":"CompanyName","Value":"x"}"#, "Operator"),
            (r#"{"Field":"Size","Value":"x","Operator":"equals"}"#, "by CompanyName"),
            (r#"{"Field":"Domain","Value":"x","Operator":"greater_than"}"#, "greater_than"),
            (r#"{"Field":"IndirectReseller","Value":"x","Operator":"equals"}"#, "GUID"),
        ] {
            let error = narrow(&mut CustomerFilter::default(), condition).unwrap_err();
            let body = error.body(Uuid::nil(), Locale::English);
            assert!(body.contains(said), "{condition}: {body}");
        }
        let mut filter = CustomerFilter::default();
        narrow(&mut filter, r#"{"field":"companyName","value":"50%_","operator":"STARTS_WITH"}"#).unwrap();
        assert_eq!(filter.name, Some(Pattern::new("", "50%_", "%", false)));
    }
}
