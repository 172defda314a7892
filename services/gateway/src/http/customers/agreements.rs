//! The Microsoft Customer Agreement, which a partner confirms or the customer signs itself; and a reseller's partner agreement.
//! Source: the domain's section 6.2.

use super::{
    Whose,
    change::{Edited, Needs, change},
    profile::whose_resellers,
};
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{Fields, Parameters},
        once::{hash, once},
        pages::{again, whole},
    },
    words::{Words, words},
};
use axum::{Extension, extract::State, http::StatusCode};
use planshift_domain::{
    account::{
        self,
        facts::{AgreementFacts, Contact},
    },
    audit::{Change, Operation},
    ids::{MpnId, parse_guid},
    said::chain,
    time::Timestamp,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The one agreement that counts for a transition.
const CUSTOMER_AGREEMENT: &str = "MicrosoftCustomerAgreement";
/// What Partner Center lists where no type is given. Nobody has one here.
const CLOUD_AGREEMENT: &str = "MicrosoftCloudAgreement";
/// The agreement's text. Source: every sample of Partner Center's documentation.
const TEMPLATE: &str = "117a77b0-9360-443b-8795-c6dedc750cf9";
/// Where its text is.
const TEXT: &str = "https://aka.ms/customeragreement";
/// How many confirmations a customer may have: as many as an account document's are kept.
const CONFIRMATIONS: usize = account::KEPT_AGREEMENTS;
/// The longest part of a contact.
const CONTACT_CHARS: usize = 256;

/// `GET /v1/agreements?agreementType=`: which agreements there are.
pub(in crate::http) async fn metadata(parameters: Parameters) -> Result<Answer, ApiError> {
    let items = match wanted(&parameters) {
        CUSTOMER_AGREEMENT | "*" => vec![json!({
            "templateId": TEMPLATE, "agreementType": CUSTOMER_AGREEMENT, "type": CUSTOMER_AGREEMENT, "agreementLink": TEXT, "versionRank": 0,
            "attributes": { "objectType": "AgreementMetaData" },
        })],
        _ => Vec::new(),
    };
    whole(&format!("/agreements{}", as_asked(&parameters)), items)
}

/// `GET /v1/customers/{id}/agreements?agreementType=`: the confirmations. Without the parameter they are those of another agreement,
/// as at Partner Center.
pub(in crate::http) async fn agreements(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let wanted = wanted(&parameters);
    let confirmed = whose.head(&app, &context).await?.customer.agreements;
    let of_type = confirmed.iter().filter(|agreement| wanted == "*" || agreement.kind.eq_ignore_ascii_case(wanted));
    whole(&format!("/customers/{}/agreements{}", whose.customer, as_asked(&parameters)), of_type.map(resource).collect())
}

/// `GET /v1/customers/{id}/directSignedMicrosoftCustomerAgreementStatus`.
pub(in crate::http) async fn direct_signature(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
) -> Result<Answer, ApiError> {
    let signed = whose.head(&app, &context).await?.customer.has_signed_directly;
    Answer::json(&json!({ "isSigned": signed, "attributes": { "objectType": "DirectSignedCustomerAgreementStatus" } }))
}

/// `GET /v1/compliance/csp/agreementstatus?mpnId=…` or `?tenantId=…`: has this reseller signed the Microsoft Partner Agreement?
pub(in crate::http) async fn reseller_agreement(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let refused = |code, name: &str, text: Words| ApiError::new(StatusCode::BAD_REQUEST, code, name, text);
    let (mpn, tenant) = match (parameters.get("mpnId"), parameters.get("tenantId")) {
        (Some(mpn), None) => {
            let wrong = |_| {
                refused("2000", "InvalidMpnId", words!("The parameter mpnId must be a number.", "Le paramètre mpnId doit être un nombre."))
            };
            (Some(MpnId::try_new(mpn).map_err(wrong)?), None)
        }
        (None, Some(tenant)) => {
            let wrong = || {
                refused(
                    "2001",
                    "InvalidTenantId",
                    words!("The parameter tenantId must be a GUID.", "Le paramètre tenantId doit être un GUID."),
                )
            };
            (None, Some(parse_guid(tenant).ok_or_else(wrong)?))
        }
        _ => {
            return Err(refused(
                "2200",
                "OneOfMpnIdAndTenantId",
                words!("Give either mpnId or tenantId, and not both.", "Donnez soit mpnId, soit tenantId, et non les deux."),
            ));
        }
    };
    let partner = whose_resellers(&context, &parameters)?;
    let found = app.model.resellers(partner, (mpn.as_ref(), tenant), None, 1).await?.pop();
    let Some(row) = found else {
        let text = words!("No such reseller is known.", "Aucun revendeur de ce genre n’est connu.");
        return Err(ApiError::new(StatusCode::NOT_FOUND, "2203", "ResellerNotFound", text));
    };
    Answer::json(&json!({ "isAgreementSigned": row.facts.is_agreement_signed }))
}

/// `POST /v1/customers/{id}/agreements`: the partner confirms that the customer has accepted the agreement.
pub(in crate::http) async fn confirm(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let agreement = confirmation(&fields, app.ports.clock.now())?;
    let target = format!("POST /v1/customers/{}/agreements of {}", whose.customer, whose.partner);
    once(&app, &context, &target, &hash(&fields.raw), async {
        change(&app, &context, whose, Needs::default(), |facts| {
            let same = |known: &&AgreementFacts| known.kind == agreement.kind && known.primary_contact == agreement.primary_contact;
            if let Some(known) = facts.customer.agreements.iter().find(same) {
                let text = words!(
                    "The agreement was confirmed for this contact before: accepted at {}.",
                    "Le contrat a déjà été confirmé pour ce contact : accepté le {}.",
                    known.date_agreed
                );
                let error = ApiError::new(StatusCode::CONFLICT, "600061", "PartnerConfirmedAgreementAlreadyExists", text);
                return Err(error.definite());
            }
            if facts.customer.agreements.len() >= CONFIRMATIONS {
                let text = words!(
                    "A customer has at most {CONFIRMATIONS} confirmations here.",
                    "Un client a ici au plus {CONFIRMATIONS} confirmations."
                );
                return Err(ApiError::bad_input("TooManyConfirmations", text).definite());
            }
            facts.customer.agreements.push(agreement.clone());
            Ok(Some(Edited { words: chain::CONFIRMED.into(), record: record(&agreement) }))
        })
        .await?;
        Ok(Answer::json(&resource(&agreement))?.status(StatusCode::CREATED))
    })
    .await
}

/// The confirmation that a body holds.
fn confirmation(fields: &Fields, now: Timestamp) -> Result<AgreementFacts, ApiError> {
    let wrong = |text: Words| ApiError::bad_input("InvalidAgreement", text);
    let kind = fields.text("type")?.ok_or_else(|| wrong(words!("The property type is missing.", "La propriété type est absente.")))?;
    if !kind.eq_ignore_ascii_case(CUSTOMER_AGREEMENT) {
        return Err(wrong(words!(
            "Only a {CUSTOMER_AGREEMENT} is confirmed here, and not {kind:?}.",
            "Seul un {CUSTOMER_AGREEMENT} est confirmé ici, et non {kind:?}."
        )));
    }
    let template = fields
        .text("templateId")?
        .ok_or_else(|| wrong(words!("The property templateId is missing.", "La propriété templateId est absente.")))?;
    if !template.eq_ignore_ascii_case(TEMPLATE) {
        return Err(wrong(words!(
            "There is no agreement with the template {template:?}: GET /v1/agreements lists those that there are.",
            "Il n’existe pas de contrat avec le modèle {template:?} : GET /v1/agreements en donne la liste."
        )));
    }
    let date = fields
        .text("dateAgreed")?
        .ok_or_else(|| wrong(words!("The property dateAgreed is missing.", "La propriété dateAgreed est absente.")))?;
    let date_agreed: Timestamp = date.parse().map_err(|_| {
        wrong(words!(
            "The property dateAgreed must be an RFC 3339 time, and not {date:?}.",
            "La propriété dateAgreed doit être une date et heure RFC 3339, et non {date:?}."
        ))
    })?;
    if date_agreed > now {
        return Err(wrong(words!(
            "The property dateAgreed may not be in the future.",
            "La propriété dateAgreed ne peut pas être dans le futur."
        )));
    }
    let contact = fields
        .object("primaryContact")?
        .ok_or_else(|| wrong(words!("The property primaryContact is missing.", "La propriété primaryContact est absente.")))?;
    let part = |name: &str| {
        let text = contact.text(name)?.map(str::trim).unwrap_or_default();
        if text.is_empty() || text.chars().count() > CONTACT_CHARS || text.chars().any(char::is_control) {
            return Err(wrong(words!(
                "The property primaryContact.{name} must be a text of 1 to {CONTACT_CHARS} characters.",
                "La propriété primaryContact.{name} doit être un texte de 1 à {CONTACT_CHARS} caractères."
            )));
        }
        Ok(text.to_owned())
    };
    let phone_number = contact.text("phoneNumber")?.map(|_| part("phoneNumber")).transpose()?;
    let primary_contact = Contact { first_name: part("firstName")?, last_name: part("lastName")?, email: part("email")?, phone_number };
    if !primary_contact.email.contains('@') {
        return Err(wrong(words!(
            "The property primaryContact.email must be a mail address.",
            "La propriété primaryContact.email doit être une adresse de courriel."
        )));
    }
    Ok(AgreementFacts {
        kind: CUSTOMER_AGREEMENT.to_owned(),
        date_agreed,
        template_id: Some(TEMPLATE.to_owned()),
        primary_contact: Some(primary_contact),
    })
}

/// The confirmation as it is kept for ever: who has accepted, and not how to call them.
fn record(agreement: &AgreementFacts) -> Change {
    let mut kept = agreement.clone();
    if let Some(contact) = &mut kept.primary_contact {
        contact.phone_number = None;
    }
    let template = kept.template_id.clone().unwrap_or_default();
    let data = BTreeMap::from([("AgreementType".to_owned(), kept.kind.clone()), ("TemplateId".to_owned(), template)]);
    Change { operation: Operation::CreateAgreement, old_value: None, new_value: Some(resource(&kept).to_string()), data }
}

fn resource(agreement: &AgreementFacts) -> Value {
    json!({
        "primaryContact": agreement.primary_contact,
        "templateId": agreement.template_id.as_deref().unwrap_or(TEMPLATE),
        "dateAgreed": agreement.date_agreed,
        "type": agreement.kind,
        "agreementLink": TEXT,
        "attributes": { "objectType": "Agreement" },
    })
}

fn wanted(parameters: &Parameters) -> &str {
    match parameters.get("agreementType").unwrap_or(CLOUD_AGREEMENT) {
        kind if kind.eq_ignore_ascii_case(CUSTOMER_AGREEMENT) => CUSTOMER_AGREEMENT,
        kind => kind,
    }
}

fn as_asked(parameters: &Parameters) -> String {
    again(parameters, &["agreementType", "partnerId"]).replacen('&', "?", 1)
}
