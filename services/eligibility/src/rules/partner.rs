//! What the partner must be to move anyone.

use super::{Found, Subject};
use planshift_domain::account::{codes::Blocking, facts::PartnerType, scope::is_active};

pub(super) fn assess(subject: &Subject<'_>, found: &mut Found) {
    let partner = subject.partner;
    let (id, name) = (|| partner.id.to_string(), &partner.name);
    if partner.kind == PartnerType::IndirectReseller {
        let what = format!("{name} is an indirect reseller, which cannot move customers: ask the indirect provider to do it.");
        found.block(Blocking::PartnerTypeNotAllowed, id(), what);
    }
    if !partner.is_agreement_signed {
        let what = format!("{name} has not signed the Microsoft Partner Agreement: its global admin has to sign it in Partner Center.");
        found.block(Blocking::PartnerAgreementMissing, id(), what);
    }
    if !is_active(&partner.program_status) {
        let what = format!(
            "{name}'s enrolment in the Cloud Solution Provider program is \"{}\" and not Active: see to it in Partner Center's account settings, or ask Partner Center support.",
            partner.program_status
        );
        found.block(Blocking::PartnerProgramInactive, id(), what);
    }
}
