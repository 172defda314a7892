//! What the services say of what they refuse, and why a transition fails.

use super::sentence::sentences;

sentences! {
    FAULT_INJECTED: "refused because the fault option names this item", "refusé parce que l’option de panne nomme cet élément";
    NO_AZURE_SUBSCRIPTION: "the customer has no Azure subscription {0w} any more (Microsoft 800111)",
        "le client n’a plus d’abonnement Azure {0} (Microsoft 800111)";
    NO_COMMERCE_SUBSCRIPTION: "the customer has no commerce subscription {0w} any more (Microsoft 20003)",
        "le client n’a plus d’abonnement commercial {0} (Microsoft 20003)";
    ALREADY_ATTACHED: "the Azure subscription {0w} is under the plan {1w} already", "l’abonnement Azure {0} est déjà sous le plan {1}";
    ATTACHMENT_LOST: "the Azure subscription {0w} is not where this transition put it",
        "l’abonnement Azure {0} n’est pas là où cette mise à niveau l’a mis";
    PLAN_UNKNOWN: "the ledger has kept no plan with the purchase", "le registre n’a gardé aucun plan avec l’achat";
    NOT_COMPENSATABLE: "a suspension is not undone: it comes after the pivot", "une suspension ne s’annule pas : elle vient après le pivot";
    NOT_HANDLED: "it could not be handled: {0}", "l’élément n’a pas pu être traité : {0}";
    ATTEMPTS_USED_UP: "after {0w} attempts: {1}",
        "à l’essai {0} : {1}";
    TIMED_OUT: "The time for it ({0w} hours) is used up",
        "Le temps qui lui était donné ({0} h) est écoulé";
    NO_REASON: "The worker gave no reason", "Le service n’a donné aucun motif";

    // last, since it begins with anything
    CANCELLED: "{0v} cancelled it{1r}",
        "{0} l’a annulée{1}";
}
