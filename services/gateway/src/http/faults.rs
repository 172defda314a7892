//! The faults of an account document in words. What they say comes from the domain in English, as the command line prints it; here is its
//! French, text by text. A text that is not in the table stays English.

use crate::words::Words;
use planshift_domain::account::Faults;
use std::fmt::Write as _;

/// What stands somewhere, or was expected there.
const TEXTS: &[(&str, &str)] = &[
    ("nothing", "rien"),
    ("no customer", "aucun client"),
    ("an object", "un objet"),
    ("a list", "une liste"),
    ("an empty list", "une liste vide"),
    ("a list of at least one customer", "une liste d’au moins un client"),
    ("at least one customer", "au moins un client"),
    ("a string", "une chaîne"),
    ("a string without the character U+0000", "une chaîne sans le caractère U+0000"),
    ("a string of digits", "une chaîne de chiffres"),
    ("true or false", "true ou false"),
    ("a GUID", "un GUID"),
    ("an RFC 3339 time", "une date et heure RFC 3339"),
    ("an ISO 3166 country code of two letters", "un code de pays ISO 3166 de deux lettres"),
    ("an ISO 4217 currency code of three letters", "un code de devise ISO 4217 de trois lettres"),
    ("a number that is not negative", "un nombre qui n’est pas négatif"),
    ("each property once, in one spelling", "chaque propriété une seule fois, dans une seule orthographe"),
    ("a second value", "une seconde valeur"),
    ("an object over several lines", "un objet sur plusieurs lignes"),
    ("one object a line", "un objet par ligne"),
    ("a line with the partner, then a customer a line", "une ligne avec le partenaire, puis un client par ligne"),
    ("bytes that are no character", "des octets qui ne forment pas un caractère"),
    ("JSON", "du JSON"),
    ("UTF-8", "de l’UTF-8"),
    ("the reseller as it was told of before, or another one", "le revendeur tel qu’il a été indiqué auparavant, ou un autre"),
];

/// The beginnings of texts that go on with a value.
const BEGINNINGS: &[(&str, &str)] = &[
    ("one of ", "l’une des valeurs "),
    ("once more, as ", "encore une fois, écrite "),
    ("another partner, ", "un autre partenaire, "),
    ("the partner of the first line, ", "le partenaire de la première ligne, "),
    ("the customer's id, ", "l’ID du client, "),
    ("an id that is not in the document already (", "un ID qui n’est pas déjà dans le document ("),
];

/// All faults as one text, as many of them as are listed.
pub(super) fn words_of(faults: &Faults) -> Words {
    Words::translated(faults, Some(in_french(faults)))
}

fn in_french(faults: &Faults) -> String {
    let word = if faults.total == 1 { "erreur" } else { "erreurs" };
    let mut text = format!("le document de comptes a {} {word}, et rien n’en a été pris :", faults.total);
    for fault in &faults.listed {
        // writing to a string does not fail
        let _ = write!(text, "\n  {} : {}, attendu : {}", fault.path, french(&fault.found), french(&fault.expected));
    }
    let more = faults.total.saturating_sub(faults.listed.len());
    if more > 0 {
        let _ = write!(text, "\n  et {more} de plus");
    }
    text
}

fn french(text: &str) -> String {
    let whole = TEXTS.iter().find(|(english, _)| *english == text).map(|(_, french)| (*french).to_owned());
    let begun = || BEGINNINGS.iter().find_map(|(english, french)| Some(format!("{french}{}", text.strip_prefix(english)?)));
    whole.or_else(begun).unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Locale;
    use planshift_domain::account::{DocumentError, Format, check_as};

    fn faults(document: &str, format: Format) -> Faults {
        match check_as(format, document.as_bytes()) {
            Err(DocumentError::Faults(faults)) => faults,
            other => panic!("{document}: {other:?}"),
        }
    }

    #[test]
    fn what_is_expected_is_said_in_french() {
        let id = "11111111-1111-1111-1111-111111111111";
        let customer = format!(
            r#"{{"id":"{id}","Id":"x","companyProfile":{{"tenantId":"22222222-2222-2222-2222-222222222222","domain":1}},
                "billingProfile":{{"defaultAddress":{{"country":"FRA"}}}},"currencyCode":"E","relationshipToPartner":"friend",
                "usageBudget":{{"amount":-1}},"isSharedServices":"no","subscriptions":[{{"id":"x","creationDate":"soon","partnerId":"a"}},7],
                "orders":{{}},"agreements":[]}}"#
        );
        let mut seen = 0;
        for (document, format) in [
            ("", Format::Json),
            ("[]", Format::Json),
            (r#"{"customers":[]}"#, Format::Json),
            (&format!(r#"{{"partner":{{}},"resellers":1,"customers":[{customer},{customer}]}}"#), Format::Json),
            ("", Format::Lines),
            ("{\"partner\":{}}\n{} {}", Format::Lines),
            ("{\"partner\":\n{}}", Format::Lines),
        ] {
            let faults = faults(document, format);
            for fault in &faults.listed {
                seen += 1;
                assert_ne!(french(&fault.expected), fault.expected, "{fault}");
            }
            let words = words_of(&faults);
            assert_eq!(words.text(Locale::English), faults.to_string());
            assert!(words.text(Locale::French).starts_with("le document de comptes a "), "{}", words.text(Locale::French));
        }
        assert!(seen > 20, "{seen}");
    }
}
