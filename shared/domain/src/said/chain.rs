//! What a customer's chain says.

use super::sentence::sentences;

sentences! {
    FOUND_AT_THE_BEGINNING: "The chain begins; this transition was there before it", "La chaîne commence ; cette mise à niveau existait avant elle";
    FOUND_LATER: "This transition was begun by a version that told the chain nothing of it",
        "Cette mise à niveau a été commencée par une version qui n’en a rien dit à la chaîne";
    STARTED: "The transition {0w} was accepted", "La mise à niveau {0} a été acceptée";
    MOVED_UP: "The transition {0w} waited in line in the background, and was moved up by a start",
        "La mise à niveau {0} attendait en arrière-plan, et un nouveau lancement l’a fait passer devant";
    START_REFUSED: "A start was refused: the transition {0w} is not at an end", "Un lancement a été refusé : la mise à niveau {0} n’est pas terminée";
    START_REFUSED_IN_AN_IMPORT: "A start was refused: an import of the customer is under way",
        "Un lancement a été refusé : une importation du client est en cours";
    ACCEPTED: "{0a} was accepted{1r}",
        "{0} a été accepté{1}";
    REFUSED_PAST_THE_PIVOT: "{0a} was refused in {1w}, past the pivot{2r}",
        "{0} a été refusé dans l’état {1}, après le pivot{2}";
    REFUSED_UNKNOWN: "{0a} was refused: there is no such transition{1r}",
        "{0} a été refusé : cette mise à niveau n’existe pas{1}";
    REFUSED_IN: "{0a} was refused in {1w}{2r}",
        "{0} a été refusé dans l’état {1}{2}";
    TAKEN: "Facts of version {0w} were taken: subscriptions {1w}",
        "Les données de la version {0} ont été prises ; abonnements : {1}";
    TAKEN_AS_A_PART: "Facts of version {0w} were taken (part {1w} of {2w}): subscriptions {3w}",
        "Les données de la version {0} ont été prises (partie {1} sur {2}) ; abonnements : {3}";
    NOT_TAKEN: "Not taken: {0}: {1}", "Refusé : {0} : {1}";
    NOT_TAKEN_AS_A_PART: "Not taken (part {0w} of {1w}): {2}: {3}", "Refusé (partie {0} sur {1}) : {2} : {3}";
    BUDGET_SET: "The budget was set to {0w}", "Le budget a été fixé à {0}";
    BUDGET_TAKEN_AWAY: "The budget was taken away", "Le budget a été retiré";
    CONFIRMED: "A confirmation of the Microsoft Customer Agreement was added",
        "Une confirmation du contrat client Microsoft a été ajoutée";
    ORDERED: "The order {0w} of {1w} lines was placed",
        "La commande {0} a été passée ; lignes : {1}";
    SUBSCRIPTION_CHANGED: "The subscription {0w} was changed{1r}",
        "L’abonnement {0} a été modifié{1}";
    FACTS: "Facts", "Données";
    NO_ROW: "the customer's row is gone", "la ligne du client n’est plus là";
    SUPERSEDED: "a newer import, or a transition, came between the parts; import the customer again",
        "une importation plus récente, ou une mise à niveau, est survenue entre les parties ; importez de nouveau le client";
    UNDER_WAY: "transition {0w} is not at an end; import the customer again after it",
        "la mise à niveau {0} n’est pas terminée ; importez de nouveau le client ensuite";
    HAS_COMPLETED: "transition {0w} has completed", "la mise à niveau {0} est terminée";
    HAS_FAILED: "transition {0w} has failed and is not closed", "la mise à niveau {0} a échoué et n’est pas close";
    FACTS_CHANGED: "the facts have version {0w} by now, and not {1w}", "les données ont désormais la version {0}, et non {1}";

    // last, since it begins with anything
    CHANGED: "{0}. Facts of version {1w} were taken: subscriptions {2w}",
        "{0}. Les données de la version {1} ont été prises ; abonnements : {2}";
}
