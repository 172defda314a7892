//! Why a message is a dead letter.

use super::sentence::sentences;

sentences! {
    PROPERTIES: "a message needs the properties message_id and type", "un message a besoin des propriétés message_id et type";
    CONTENT_TYPE: "application/json is read here, and this is {0v}",
        "seul application/json est lu ici, et ceci est {0}";
    NO_PACK: "Pack.v1: not a list of whole messages",
        "Pack.v1 : ce n’est pas une liste de messages entiers";
    UNKNOWN_TYPE: "no service here reads {0v}",
        "aucun service ici ne lit {0}";
    UNKNOWN_TRANSITION: "there is no transition {0w} here", "il n’y a pas de mise à niveau {0} ici";
    UNKNOWN_SENDER: "nobody vouches for the sender of {0w}", "personne ne répond de l’expéditeur de {0}";
    NO_HOUR: "effectiveAt {0w} is not a whole hour", "effectiveAt {0} n’est pas une heure pleine";
    HOUR_MISSING: "a mapping needs effectiveAt", "un rattachement a besoin d’effectiveAt";
    NO_EVENT: "the gateway takes events, and {0w} is none", "la passerelle prend des événements, et {0} n’en est pas un";

    // last, since they begin with anything
    WRONG_SENDER: "{0s} may not send {1w}",
        "{0} ne peut pas envoyer {1}";
    NOT_READ: "{0s} does not read {1w}",
        "{0} ne lit pas {1}";
    NOT_ANSWERED: "{0s} does not answer {1w}",
        "{0} ne répond pas à {1}";
    NO_WORKER: "{0s} is no worker",
        "{0} n’est pas un service d’étape";
    NO_ANSWER: "{0w} is no answer", "{0} n’est pas une réponse";
}
