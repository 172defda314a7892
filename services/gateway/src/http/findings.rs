//! Reasons, warnings, refusals and failures in French. They come in English, with messages, from those who know the names of all that is
//! concerned. Of reasons and warnings, here is what each code says about the resource that it names; of what is one of the services' own
//! sentences ([`planshift_domain::said`]), its French.

use crate::words::Locale;
use planshift_domain::{
    account::codes::{Blocking, Warning},
    message::{plan::PLAN_CHANGED, request::RefusedCustomer},
    said::in_french,
    transition::{Failure, Finding},
    view::LineView,
};

/// Of a row of a batch: nobody knows the customer.
const UNKNOWN_CUSTOMER: &str = "UnknownCustomer";

/// In that language.
pub(super) fn translated(mut findings: Vec<Finding>, locale: Locale) -> Vec<Finding> {
    // as they come
    if locale == Locale::English {
        return findings;
    }
    for finding in &mut findings {
        finding.description = said(finding.clone(), locale);
    }
    findings
}

/// What a finding says, in that language.
pub(super) fn said(finding: Finding, locale: Locale) -> String {
    match locale {
        Locale::English => finding.description,
        Locale::French => french(&finding).unwrap_or_else(|| told(finding.description, locale)),
    }
}

/// A finding in French. A code that is none of the tables has none.
pub(super) fn french(finding: &Finding) -> Option<String> {
    let id = finding.resource_id.as_str();
    if finding.code == PLAN_CHANGED {
        return Some(format!("Ce qui serait fait du client {id} n’est plus ce que le plan a montré : demandez un nouveau plan."));
    }
    if finding.code == UNKNOWN_CUSTOMER {
        return Some(format!("Le client {id} n’est plus connu : importez-le de nouveau."));
    }
    let reason = Blocking::from_name(&finding.code).map(|rule| blocking(rule, id));
    reason.or_else(|| Warning::from_name(&finding.code).map(|rule| warning(rule, id)))
}

fn blocking(rule: Blocking, id: &str) -> String {
    match rule {
        Blocking::PartnerTypeNotAllowed => format!(
            "Le partenaire {id} est un revendeur indirect, qui ne peut pas mettre à niveau de clients : demandez au fournisseur indirect de le faire."
        ),
        Blocking::PartnerAgreementMissing => format!(
            "Le partenaire {id} n’a pas signé le Contrat Partenaire Microsoft : son administrateur général doit le signer dans l’Espace partenaires."
        ),
        Blocking::PartnerProgramInactive => format!(
            "L’inscription du partenaire {id} au programme Fournisseur de solutions Cloud n’est pas active : vérifiez les paramètres du compte dans l’Espace partenaires, ou demandez à son support."
        ),
        Blocking::ResellerRelationshipMissing => format!(
            "La relation du client {id} avec le partenaire n’est pas celle d’un revendeur : envoyez au client une demande de relation de revendeur et faites-la accepter."
        ),
        Blocking::CustomerAgreementMissing => format!(
            "Le client {id} n’a pas accepté le contrat client Microsoft : confirmez son acceptation dans l’Espace partenaires, ou faites-le signer directement par le client."
        ),
        Blocking::UpgradeInProgress => format!("Une mise à niveau du client {id} est en cours."),
        Blocking::UpgradeAlreadyCompleted => {
            format!("Une mise à niveau du client {id} est terminée, et il ne reste rien à mettre à niveau.")
        }
        Blocking::NoAzureSubscriptions => format!(
            "Le client {id} n’a aucun abonnement Azure de l’offre MS-AZR-0145P à mettre à niveau : il n’y a rien à faire. S’il devait en avoir un, exportez de nouveau le client."
        ),
        Blocking::PartnerSharedServices => format!(
            "Le client {id} est un locataire pour Azure Partner Shared Services, qui ne peut pas être mis à niveau : achetez plutôt un plan Azure pour lui."
        ),
        Blocking::CloudNotSupported => {
            format!("Le client {id} n’est pas dans le cloud public, le seul où il existe des plans Azure : il garde son offre actuelle.")
        }
        Blocking::CatalogItemNotFound => format!(
            "Le partenaire ne peut pas acheter de plan Azure dans le pays du client {id} : vérifiez le pays du client, ou attendez que le plan y soit proposé."
        ),
        Blocking::PendingOrder => {
            format!("Une commande du client {id} est encore en attente : attendez qu’elle soit exécutée, ou annulez-la.")
        }
        Blocking::SubscriptionStatusNotActive => format!("L’abonnement {id} n’est pas actif : réactivez-le, ou faites-le supprimer."),
        Blocking::SubscriptionTooRecent => format!("L’abonnement {id} a été acheté trop récemment : réessayez plus tard."),
        Blocking::SubscriptionNotProvisioned => format!(
            "L’abonnement {id} n’a pas encore d’abonnement Azure : attendez qu’il soit provisionné, puis exportez de nouveau le client."
        ),
        Blocking::TransferInProgress => format!(
            "L’abonnement {id} est en cours de transfert vers un autre partenaire : laissez le transfert se terminer, ou annulez-le."
        ),
        Blocking::TenantMismatch => {
            format!("L’abonnement Azure {id} est dans l’annuaire d’un autre locataire que celui du client : changez d’abord son annuaire.")
        }
        Blocking::PartnerIdOnRecordInvalid => format!(
            "Le revendeur enregistré de l’abonnement {id} n’est pas un revendeur actif du partenaire : enregistrez un revendeur actif, ou retirez le partenaire enregistré."
        ),
        Blocking::ResellerAgreementMissing => format!(
            "Le revendeur {id} n’a pas signé le Contrat Partenaire Microsoft : faites-le signer par son administrateur général dans l’Espace partenaires."
        ),
    }
}

fn warning(rule: Warning, id: &str) -> String {
    match rule {
        Warning::SegmentNotCommercial => format!(
            "Le client {id} n’est pas du segment commercial, pour lequel les plans Azure sont tarifés : vérifiez que ses prix spéciaux ne lui manqueront pas."
        ),
        Warning::SupportPlanPresent => format!(
            "Le client {id} a un plan de support, qui ne suit pas la mise à niveau : le support vient dès lors du partenaire. Résiliez ce plan s’il n’est plus nécessaire."
        ),
        Warning::BudgetWillNotCarryOver => {
            format!("Le budget du client {id} n’est pas repris : définissez-le de nouveau dans le portail Azure, avec son alerte.")
        }
        Warning::ReportingWillChange => format!(
            "Pour le client {id}, l’API d’utilisation et les données horaires s’arrêtent, et les listes montrent des plans Azure au lieu des abonnements : adaptez les rapports et les outils qui les lisent."
        ),
        Warning::AzurePlanAlreadyExists => format!(
            "Le client a déjà un plan Azure actif du revendeur {id} : ses abonnements y sont rattachés, et aucun plan n’est acheté. Il n’y a rien à faire."
        ),
        Warning::ReservationPresent => format!(
            "L’abonnement {id} a des réservations, dont le prix est différent sous un plan Azure : comparez les prix avant de les renouveler."
        ),
        Warning::AdminAccessMissing => format!(
            "Sur l’abonnement {id}, ni le partenaire ni son revendeur n’est Propriétaire ou Contributeur : le crédit obtenu par le partenaire sera de 0 %. Faites attribuer le rôle par le client."
        ),
    }
}

/// What a service has said, in that language, where it is one of its sentences.
pub(crate) fn told(text: String, locale: Locale) -> String {
    match locale {
        Locale::English => text,
        Locale::French => in_french(&text).unwrap_or(text),
    }
}

/// Why a transition fails, in that language.
pub(super) fn failure(failure: Option<Failure>, locale: Locale) -> Option<Failure> {
    failure.map(|it| Failure { description: told(it.description, locale), ..it })
}

/// Why lines have failed, in that language.
pub(super) fn of_lines(lines: &mut [LineView], locale: Locale) {
    for error in lines.iter_mut().filter_map(|line| line.error.as_mut()) {
        error.description = told(std::mem::take(&mut error.description), locale);
    }
}

/// Customers that an import did not take, in that language.
pub(super) fn refused(mut customers: Vec<RefusedCustomer>, locale: Locale) -> Vec<RefusedCustomer> {
    for customer in &mut customers {
        customer.description = told(std::mem::take(&mut customer.description), locale);
    }
    customers
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_says_something_of_its_own_in_french_about_what_it_names() {
        let codes = Blocking::ALL.iter().map(|code| code.name()).chain(Warning::ALL.iter().map(|code| code.name())).chain([PLAN_CHANGED]);
        let finding =
            |code: &str| Finding { code: code.to_owned(), resource_id: "4847383".to_owned(), description: "in English".to_owned() };
        let findings: Vec<Finding> = codes.map(finding).collect();
        let said: BTreeSet<String> = translated(findings.clone(), Locale::French).into_iter().map(|finding| finding.description).collect();
        assert_eq!(said.len(), findings.len());
        assert!(said.iter().all(|text| text.contains("4847383")), "{said:?}");
        assert_eq!(translated(findings.clone(), Locale::English), findings);
        let unknown = vec![finding("Else")];
        assert_eq!(translated(unknown.clone(), Locale::French), unknown);
    }
}
