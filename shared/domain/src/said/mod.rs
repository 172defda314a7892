//! What is said of a transition and of a customer, and kept in English: as sentences that can be read back, so that they can be told in
//! another language.
//!
//! A history is chained by hashes over its words, and a failure travels in a message in the words of the service that it comes from. So each
//! of these words is stored as it was said, and nothing is stored beside it. Whoever says one takes its [`Sentence`] from here, where its
//! French stands beside it; whoever shows one asks [`in_french`], which finds the sentence, takes what fills its gaps, and says it
//! again. What is no sentence of these (the words of an outside system, of a person, of another version) has no French, and is shown as it is.
//!
//! | file | holds the sentences of |
//! |---|---|
//! | `story` | a transition's history, and what it waits for |
//! | `chain` | a customer's chain |
//! | `failures` | what a worker says of what it refuses |
//! | `letters` | why a message is a dead letter |
//! | `report` | the failure report |
//! | `nouns` | numbers of things, within sentences |
//! | `sentence` | how one is written, and read back |

pub mod chain;
pub mod failures;
pub mod letters;
pub mod nouns;
pub mod report;
mod sentence;
pub mod story;

#[cfg(test)]
use sentence::Kind;
pub use sentence::{Said, Sentence};

/// Every sentence: those that begin with anything last, since the first that fits is taken.
fn all() -> impl Iterator<Item = &'static Sentence> {
    [report::ALL, story::ALL, chain::ALL, failures::ALL, letters::ALL].into_iter().flatten()
}

/// A text in French, where it is one of the sentences. What fills its gaps is said in French too, as far as it is a sentence or a number of
/// things; the words of others stay as they are.
pub fn in_french(text: &str) -> Option<String> {
    nouns::in_french(text).or_else(|| all().find_map(|sentence| sentence.in_french(text)))
}

/// What fills a gap, in French.
fn filling_in_french(text: &str) -> String {
    in_french(text).unwrap_or_else(|| text.to_owned())
}

/// Somebody's reason, to be put behind a sentence: nothing where none was given.
pub fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Something that may fill such a gap, and is no sentence, and how it is said in French.
    fn filling(kind: Kind, turn: usize) -> (&'static str, &'static str) {
        let any = [("4847383", "4847383"), ("a-b-c", "a-b-c"), ("2026-11-28T14:00:00Z", "2026-11-28T14:00:00Z")][turn % 3];
        match kind {
            Kind::Said | Kind::Word => any,
            Kind::Verbatim => [any, ("nothing", "nothing")][turn % 2],
            Kind::Service => [("mapping", "mapping"), ("gateway", "gateway")][turn % 2],
            Kind::Act => [("cancel", "cancel"), ("close", "close")][turn % 2],
            Kind::Reason => [("", ""), (": nothing", " : nothing"), (": because of it: so", " : because of it: so")][turn % 3],
        }
    }

    #[test]
    fn every_sentence_is_read_back_and_said_in_french() {
        let mut names = BTreeSet::new();
        for sentence in all() {
            let gaps = sentence.gaps();
            for turn in 0..6 {
                let (english, french): (Vec<_>, Vec<_>) = (0..).zip(&gaps).map(|(place, kind)| filling(*kind, place + turn)).unzip();
                fn shown<'t>(texts: &'t [&'static str]) -> Vec<&'t dyn std::fmt::Display> {
                    texts.iter().map(|text| text as &dyn std::fmt::Display).collect()
                }
                let (said, french) = (sentence.with(&shown(&english)).to_string(), sentence.french_with(&shown(&french)));
                assert_ne!(said, french);
                assert_eq!(in_french(&said).as_deref(), Some(french.as_str()), "{said}");
            }
            assert!(names.insert(sentence.english()), "twice: {}", sentence.english());
        }
        assert!(names.len() > 60, "{}", names.len());
    }

    #[test]
    fn what_fills_a_gap_is_said_in_french_too() {
        let eligible = story::ELIGIBLE.with(&[&nouns::AZURE_SUBSCRIPTION.in_words(3), &nouns::PLAN.in_words(1)]).to_string();
        assert_eq!(eligible, "Eligible: 3 Azure subscriptions to move, under one plan");
        assert_eq!(in_french(&eligible).as_deref(), Some("Éligible : 3 abonnements Azure à mettre à niveau, sous un plan"));
        let refused = failures::NO_COMMERCE_SUBSCRIPTION.with(&[&"b1"]);
        let waits = story::WAITS_FOR_AN_OPERATOR_ABOUT.with(&[&"suspension", &"SubscriptionNotFound", &refused]).to_string();
        assert!(in_french(&waits).is_some_and(|text| text.ends_with("le client n’a plus d’abonnement commercial b1 (Microsoft 20003)")));
    }

    #[test]
    fn the_words_of_others_stay_as_they_are() {
        for text in [
            "",
            "The quota is used up",
            "one",
            "12",
            "nothing at all",
            "The customer cancelled its order",
            "Payment was accepted by the bank",
            "Microsoft refused the call: Quota, retry",
            "Payment was refused in Europe",
        ] {
            assert_eq!(in_french(text), None, "{text}");
        }
        let refused = story::REFUSED.with(&[&"mapping", &"a1", &"Quota", &"The quota is used up"]).to_string();
        assert_eq!(in_french(&refused).as_deref(), Some("mapping a refusé a1 : Quota, The quota is used up"));
        let cancelled = failures::CANCELLED.with(&[&"maria", &because("wrong customer")]).to_string();
        assert_eq!(cancelled, "maria cancelled it: wrong customer");
        assert_eq!(in_french(&cancelled).as_deref(), Some("maria l’a annulée : wrong customer"));
        let reason = "the customer cancelled its order";
        for (said, french) in [
            (story::CLOSED.with(&[&because(reason)]), "L’échec a été accepté tel quel : the customer cancelled its order"),
            (chain::ACCEPTED.with(&[&"close", &because(reason)]), "close a été accepté : the customer cancelled its order"),
            (story::RESUMED.with(&[&2, &because("nothing")]), "Reprise, essai 2 : nothing"),
        ] {
            assert_eq!(in_french(&said.to_string()).as_deref(), Some(french));
        }
    }
}
