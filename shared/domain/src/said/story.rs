//! What a transition's history says, and what it waits for.

use super::sentence::sentences;

sentences! {
    // how it begins
    STARTED: "Accepted; the customer is locked for other transitions", "Acceptée ; le client est verrouillé pour toute autre mise à niveau";
    WAITS_IN_LINE: "Accepted; {0w} transitions are under way, as many as may be: it waits in line. The customer is locked",
        "Acceptée ; il y a autant de mises à niveau en cours qu’il peut y en avoir ({0}) : elle attend son tour. Le client est verrouillé";
    WAITS_IN_THE_BACKGROUND: "Accepted; at most {0w} may be under way in the background: it waits in line. The customer is locked",
        "Acceptée ; autant qu’il peut y en avoir en arrière-plan ({0}) sont en cours : elle attend son tour. Le client est verrouillé";
    MOVED_UP: "Started again while it waited in line in the background: it is moved up, before all that wait there",
        "Lancée de nouveau alors qu’elle attendait en arrière-plan : elle passe devant toutes celles qui y attendent";
    ASKED: "Eligibility is asked", "L’éligibilité est demandée";

    // how it goes on
    BLOCKED: "At least one rule blocks; nothing was changed", "Au moins une règle la bloque ; rien n’a été modifié";
    ELIGIBLE: "Eligible: {0} to move, under {1}", "Éligible : {0} à mettre à niveau, sous {1}";
    PLANS_ACTIVE: "Every plan is active; the plans own the usage from {0w}", "Tous les plans sont actifs ; l’utilisation leur revient à partir du {0}";
    MAPPED: "Every Azure subscription is under its plan: from here only forward",
        "Chaque abonnement Azure est sous son plan : il n’y a plus de retour possible";
    SUSPENDED: "Every commerce subscription is suspended", "Chaque abonnement commercial est suspendu";
    SUSPENSION_FAILED: "Suspension failed for good in {0}; all others have ended",
        "La suspension a échoué définitivement dans {0} ; tout le reste est terminé";

    // how it turns back
    TURNS_BACK: "{0w} in {1s}: everything that was commanded is undone, in reverse",
        "{0}, étape {1} : tout ce qui a été commandé est défait, à rebours";
    UNDONE: "Everything ever commanded is confirmed undone or fenced",
        "Tout ce qui avait été commandé est défait ou empêché, et c’est confirmé";
    UNDO_FAILED: "The undo of {0s} failed for good in {1}; all others have ended",
        "Défaire l’étape {0} a échoué définitivement dans {1} ; tout le reste est terminé";

    // what happens on the way
    RESENT: "No answer for a while: the unanswered commands were sent again",
        "Aucune réponse depuis un moment : les commandes sans réponse ont été renvoyées";
    HELD: "{0s} is paused: what it would send waits, and no deadline runs",
        "L’étape {0} est en pause : ce qui serait envoyé attend, et aucun délai ne court";
    RELEASED: "{0s} is not paused any more: it goes on",
        "L’étape {0} n’est plus en pause : la mise à niveau continue";
    RESUMED: "Resumed, attempt {0w}{1r}",
        "Reprise, essai {0}{1}";
    CLOSED: "The failure was accepted as it is{0r}",
        "L’échec a été accepté tel quel{0}";

    // the rule that it is at
    BEGINS: "a transition begins when there is room under the limit of those under way, the oldest of each partner first",
        "une mise à niveau commence dès que la limite de celles en cours le permet, la plus ancienne de chaque partenaire d’abord";
    CHECKS: "plans are had once every packet of the check is answered and no rule blocks",
        "les plans sont pris une fois que chaque paquet de la vérification a sa réponse et qu’aucune règle ne bloque";
    BUYS: "mapping begins once every packet of plans is answered and none is refused; a refusal turns back",
        "le rattachement commence une fois que chaque paquet des plans a sa réponse et qu’aucun n’est refusé ; un refus fait revenir en arrière";
    MAPS: "the pivot is passed once every packet of mappings is answered and every line is mapped; a refusal turns back",
        "le pivot est franchi une fois que chaque paquet de rattachements a sa réponse et que chaque ligne est rattachée ; un refus fait revenir en arrière";
    SUSPENDS: "it is completed once every packet of suspensions is answered; past the pivot nothing turns back",
        "elle est terminée une fois que chaque paquet de suspensions a sa réponse ; après le pivot, rien ne revient en arrière";
    UNDOES: "each step that was ever commanded is undone as a whole, in reverse, and every undo is confirmed",
        "chaque étape commandée est défaite en entier, à rebours, et pour chacune c’est confirmé";
    NEEDS_A_PERSON: "what was refused for good is tried again when a person resumes it; the customer stays locked until then",
        "ce qui a été refusé définitivement est réessayé quand une personne la reprend ; le client reste verrouillé jusque-là";
    HAS_ENDED: "it has come to its end", "elle est arrivée à sa fin";

    // what it waits for
    WAITS_WHILE_PAUSED: "{0s} is paused, and it is held there since {1w}",
        "l’étape {0} est en pause, et la mise à niveau y est retenue depuis le {1}";
    WAITS_FOR_ROOM_AMONG: "room under the limit of {0w} under way; {1w} of its partner are before it",
        "de la place sous la limite de {0} en cours ; du même partenaire, avant elle : {1}";
    WAITS_FOR_ROOM_IN_THE_BACKGROUND: "room under the limit of {0w} under way in the background; {1w} of its partner are before it",
        "de la place sous la limite de {0} en cours en arrière-plan ; du même partenaire, avant elle : {1}";
    WAITS_FOR_ROOM: "room under the limit of those under way", "de la place sous la limite de celles en cours";
    WAITS_FOR_AN_OPERATOR_ABOUT: "an operator who resumes it: {0s} {1w}: {2}",
        "un opérateur qui la reprenne : étape {0}, {1} : {2}";
    WAITS_FOR_AN_OPERATOR: "an operator who resumes it", "un opérateur qui la reprenne";
    WAITS_FOR_THE_RELEASE: "the release of the check: {0w} unanswered of {1}",
        "la libération de la vérification : {0} sans réponse sur {1}";
    WAITS_FOR_ANSWERS: "answers of {0s}: {1w} unanswered of {2}",
        "les réponses de l’étape {0} : {1} sans réponse sur {2}";
    WAITS_FOR_THE_UNDO: "the undo of {0s}: {1w} unanswered of {2}",
        "que l’étape {0} soit défaite : {1} sans réponse sur {2}";
    WAITS_FOR_NOTHING: "nothing", "rien";

    // last, since it begins with anything
    REFUSED: "{0s} refused {1v}: {2w}, {3}",
        "{0} a refusé {1} : {2}, {3}";
}
