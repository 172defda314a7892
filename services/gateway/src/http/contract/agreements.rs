//! Agreements. Source: the domain's section 6.2.

use super::{
    api::Api,
    operation::Operation,
    shapes::{Object, Schema, always, collection, count, flag, guid, mpn_id, object, optional, or_null, pattern, plain, text, time},
};

/// The agreement's text that there is.
const TEMPLATE: &str = "117a77b0-9360-443b-8795-c6dedc750cf9";
const WHICH: &str = "Which agreement; `*` is all. Without it Partner Center lists another one than that which counts, and so does this.";

pub(super) fn describe(api: &Api) {
    let metadata = object()
        .has("templateId", guid())
        .has("agreementType", text())
        .has("type", text())
        .has("agreementLink", text())
        .has("versionRank", count())
        .of_type("AgreementMetaData");
    api.add(
        Operation::get("/v1/agreements", "listAgreementTexts", "Which agreements there are.").query("agreementType", plain(), WHICH).json(
            200,
            "All of them.",
            collection(metadata),
        ),
    );
    let agreement = api.named("Agreement", agreement());
    const PATH: &str = "/v1/customers/{customer}/agreements";
    api.add(
        Operation::get(PATH, "listAgreements", "Confirmations that the customer has accepted an agreement.")
            .query("agreementType", plain(), WHICH)
            .of_partner()
            .json(200, "All of them.", collection(agreement.clone()))
            .fails(&[409]),
    );
    api.add(
        Operation::post(PATH, "confirmAgreement", "The partner confirms that the customer has accepted the agreement.")
            .of_partner()
            .body(confirmation())
            .json(201, "The confirmation.", agreement)
            .fails(&[409]),
    );
    let signed = object().has("isSigned", flag()).of_type("DirectSignedCustomerAgreementStatus");
    api.add(
        Operation::get(
            "/v1/customers/{customer}/directSignedMicrosoftCustomerAgreementStatus",
            "getDirectSignature",
            "Has the customer signed the Microsoft Customer Agreement itself?",
        )
        .of_partner()
        .json(200, "Whether it has.", signed)
        .fails(&[409]),
    );
    api.add(
        Operation::get("/v1/compliance/csp/agreementstatus", "getResellerAgreement", "Has this reseller signed the partner agreement?")
            .says("Either `mpnId` or `tenantId`, and not both.")
            .query("mpnId", mpn_id(), "The reseller's MPN id.")
            .query("tenantId", guid(), "The reseller's tenant.")
            .of_partner()
            .json(200, "Whether it has.", object().has("isAgreementSigned", flag()))
            .fails(&[404]),
    );
}

fn agreement() -> Object {
    let contact = object().has("firstName", text()).has("lastName", text()).has("email", text()).may_have("phoneNumber", text());
    object()
        .has("primaryContact", or_null(contact))
        .has("templateId", text())
        .has("dateAgreed", time())
        .has("type", text())
        .has("agreementLink", text())
        .of_type("Agreement")
}

/// The body of a confirmation.
fn confirmation() -> Object {
    let contact =
        object().has("firstName", part("")).has("lastName", part("")).has("email", part("@")).may_have("phoneNumber", optional(part("")));
    object()
        .has("type", pattern("^[Mm]icrosoft[Cc]ustomer[Aa]greement$"))
        .has("templateId", always(TEMPLATE))
        .has("dateAgreed", time())
        .has("primaryContact", contact)
}

/// A part of a contact: not blank, without control characters, with this within.
fn part(within: &str) -> Schema {
    let plain = r"[^\u0000-\u001F\u007F-\u009F]*";
    let solid = r"[^\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]";
    let mut schema =
        if within.is_empty() { pattern(&format!("^{plain}{solid}{plain}$")) } else { pattern(&format!("^{solid}{plain}{within}{plain}$")) };
    schema["maxLength"] = 256.into();
    schema
}
