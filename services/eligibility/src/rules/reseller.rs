//! What each reseller on record must be, and the plan that it may have already.

use super::{Found, Subject};
use planshift_domain::{
    account::{
        codes::{Blocking, Warning},
        facts::PartnerType,
        scope::is_active,
    },
    ids::Reseller,
};

pub(super) fn assess(subject: &Subject<'_>, reseller: &Reseller, subscriptions: u32, found: &mut Found) {
    let known = reseller.0.as_ref().and_then(|mpn_id| subject.resellers.get(mpn_id));
    if let Some(known) = known
        && subject.partner.kind != PartnerType::DirectBill
        && is_active(&known.state)
        && !known.is_agreement_signed
    {
        let what = format!(
            "The reseller {} ({reseller}) has not signed the Microsoft Partner Agreement: have its global admin sign it in Partner Center.",
            known.name
        );
        found.block(Blocking::ResellerAgreementMissing, reseller.key(), what);
    }
    if subject.active_plans.contains(reseller) {
        let whose = match (known, &reseller.0) {
            (Some(known), _) => format!(" by the reseller {} ({reseller})", known.name),
            (None, Some(mpn_id)) => format!(" by the reseller {mpn_id}"),
            (None, None) => " without a reseller".to_owned(),
        };
        let name = &subject.customer.company_name;
        let go = if subscriptions == 1 { "its subscription goes".to_owned() } else { format!("its {subscriptions} subscriptions go") };
        let what =
            format!("{name} has an active Azure plan{whose} already: {go} under that one, and none is bought. Nothing is to be done.");
        found.warn(Warning::AzurePlanAlreadyExists, reseller.key(), what);
    }
}
