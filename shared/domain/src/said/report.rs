//! What the failure report says.

use super::sentence::{Sentence, sentences};

/// Who must do what. It is written, and not read back: any text with a colon is like it.
pub(crate) const WHO_DOES: Sentence = Sentence::new("{0}: {1}", "{0} : {1}");

sentences! {
    // its lines
    OF_CUSTOMER: "Transition {0w} of customer {1w}", "Mise à niveau {0} du client {1}";
    STARTED: "State {0w}, started {1w}", "État {0}, commencée le {1}";
    ENDED: "State {0w}, started {1w}, ended {2w}", "État {0}, commencée le {1}, terminée le {2}";
    WHAT_FAILED: "What failed", "Ce qui a échoué";
    FAILED_AT: "{0w} at {1v} ({2s}), in the words of {3}: {4}",
        "{0} pour {1} ({2}), selon {3} : {4}";
    WHAT_WAS_UNDONE: "What was undone", "Ce qui a été défait";
    SUBSCRIPTION_UNDONE: "Azure subscription {0w}: {1}", "Abonnement Azure {0} : {1}";
    AZURE_PLAN_UNDONE: "Azure plan {0w}: {1}", "Plan Azure {0} : {1}";
    WHAT_IS_AS_IT_WAS: "What is as it was", "Ce qui est comme avant";
    WHAT_IS_UNDER_A_PLAN: "What is under a plan now", "Ce qui est sous un plan à présent";
    IS_UNDER_PLAN: "Azure subscription {0w} is under plan {1w}; its commerce subscription {2w} is {3}",
        "L’abonnement Azure {0} est sous le plan {1} ; le statut de son abonnement commercial {2} : {3}";
    STILL_ACTIVE: "still active", "toujours actif";
    ACTIVE: "active", "actif";
    SUSPENDED: "suspended", "suspendu";
    DELETED: "deleted", "supprimé";
    LAST_OF_ITS_HISTORY: "The last of its history", "La fin de son historique";
    ENTRY: "{0w} at {1w}: {2} (SHA-256 {3w})", "{0}, le {1} : {2} (SHA-256 {3})";
    WHAT_TO_DO_NEXT: "What to do next", "Que faire ensuite";
    AND_MORE: "and {0w} more", "et {0} de plus";

    // the outcome
    ALL_WENT_WELL: "All went well: {0} under {1}, and the commerce subscriptions they came with are suspended.",
        "Tout s’est bien passé : {0} sous {1}, et les abonnements commerciaux dont ils venaient sont suspendus.";
    MAY_NOT_MOVE: "The customer may not move now: {0}.", "La mise à niveau du client n’est pas possible pour l’instant : {0}.";
    WAS_CANCELLED: "It was cancelled, and what it had done was undone.", "Elle a été annulée, et ce qu’elle avait fait a été défait.";
    FAILED: "It failed before the pivot, and what it had done was undone.", "Elle a échoué avant le pivot, et ce qu’elle avait fait a été défait.";
    FAILED_PAST_THE_PIVOT: "A step failed for good after the pivot: everything else has ended, and from here it only goes forward.",
        "Une étape a échoué définitivement après le pivot : tout le reste est terminé, et désormais elle ne peut qu’avancer.";
    NOT_UNDONE: "Something could not be undone: everything else has ended, and an operator is asked.",
        "Quelque chose n’a pas pu être défait : tout le reste est terminé, et un opérateur est attendu.";
    BEING_UNDONE: "It is being undone.", "Elle est en train d’être défaite.";
    UNDER_WAY: "It is under way, in the state {0w}.", "Elle est en cours, dans l’état {0}.";

    // in whose words
    RULES: "the eligibility rules", "les règles d’éligibilité";
    WHOEVER_CANCELLED: "the one who cancelled it", "la personne qui l’a annulée";
    COORDINATOR: "the coordinator", "le coordinateur";

    // what was undone
    LINE_UNDONE: "mapping's ledger says undone; it is under no plan, and its commerce subscription {0w} is {1}",
        "le registre des rattachements le dit défait ; il n’est sous aucun plan, et le statut de son abonnement commercial {0} : {1}";
    PLAN_UNDONE: "the plan of reseller {0w} is suspended; the next attempt makes it active again",
        "le plan du revendeur {0} est suspendu ; le prochain essai le réactivera";
    PLAN_WITHOUT_RESELLER_UNDONE: "the plan is suspended; the next attempt makes it active again",
        "le plan est suspendu ; le prochain essai le réactivera";

    // what is as it was
    NOTHING_DONE: "Nothing was bought, mapped or suspended.", "Rien n’a été acheté, rattaché ni suspendu.";
    USE_UNTOUCHED: "Nobody's use of Azure and nobody's admin rights were touched.",
        "L’utilisation d’Azure et les droits d’administration n’ont été touchés pour personne.";

    // who must do what
    NOBODY: "Nobody", "Personne";
    PARTNER: "The partner", "Le partenaire";
    OPERATOR: "The operator", "L’opérateur";
    NOTHING_LEFT: "There is nothing left to do.", "Il ne reste rien à faire.";
    PUT_RIGHT_WHAT_BLOCKS: "Put right what blocks, each reason as it says, and import the account again:",
        "Corriger ce qui bloque, comme chaque motif l’indique, et importer de nouveau le compte :";
    THEN_START: "Then start again:", "Puis relancer :";
    ACCEPT: "To leave it at that, accept it as it is (Azure can be bought for the customer again then):",
        "Pour en rester là, l’accepter telle quelle (Azure pourra alors de nouveau être acheté pour le client) :";
    START_WHEN_WANTED: "Start again when it is wanted:", "Relancer quand elle sera souhaitée :";
    PUT_RIGHT_AND_START: "Put right what failed, and start again:", "Corriger ce qui a échoué, et relancer :";
    PUT_RIGHT_SUSPENSIONS: "Put right why {0} could not be suspended, then let it go on:",
        "Corriger ce qui empêche de suspendre {0}, puis la laisser continuer :";
    PUT_RIGHT_UNDO: "Put right what could not be undone, then let it go on:", "Corriger ce qui n’a pas pu être défait, puis la laisser continuer :";
    GOES_ON: "It goes on by itself. To see it:", "Elle continue d’elle-même. Pour la suivre :";
}
