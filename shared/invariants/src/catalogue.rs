//! All invariants: those of the domain (I), and the saga's own (S).

use Place::{Counters, Model, Simulation, Tests, Verify};

/// An invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invariant {
    /// `I1` to `I23`, `S1` to `S7`.
    pub id: &'static str,
    /// What must hold, in one line.
    pub statement: &'static str,
    /// The same in French.
    pub french: &'static str,
    /// Where it can be checked.
    pub places: &'static [Place],
}

impl Invariant {
    /// Can it be checked there?
    pub fn is_checked_in(&self, place: Place) -> bool {
        self.places.contains(&place)
    }
}

/// Where an invariant can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In the model of the saga, in every state that can be reached.
    Model,
    /// In the simulation of the whole system, after every step or at its end.
    Simulation,
    /// In a test of the code that upholds it, or of the whole system.
    Tests,
    /// On what is stored, by `planshift verify`.
    Verify,
    /// By a counter that must stay at 0 while the services run.
    Counters,
}

const fn invariant(id: &'static str, statement: &'static str, french: &'static str, places: &'static [Place]) -> Invariant {
    Invariant { id, statement, french, places }
}

/// Every invariant, in the order of the ids.
pub const CATALOGUE: &[Invariant] = &[
    invariant(
        "I1",
        "the right to use Azure is never interrupted",
        "le droit d’utiliser Azure n’est jamais interrompu",
        &[Simulation, Tests],
    ),
    invariant(
        "I2",
        "at each instant one owner is billed for an Azure subscription: its plan, or legacy",
        "à chaque instant, un seul propriétaire est facturé pour un abonnement Azure : son plan, ou l’ancienne offre",
        &[Simulation, Tests, Verify, Counters],
    ),
    invariant(
        "I3",
        "a commerce subscription is suspended only after its plan is active and its line is mapped",
        "un abonnement commercial n’est suspendu qu’une fois son plan actif et sa ligne rattachée",
        &[Model, Simulation, Verify, Counters],
    ),
    invariant(
        "I4",
        "after Completed each line is under its plan and its commerce subscription suspended",
        "après Completed, chaque ligne est sous son plan et son abonnement commercial est suspendu",
        &[Model, Simulation, Tests, Verify, Counters],
    ),
    invariant(
        "I5",
        "buying the legacy offer is refused while, and after, a customer moves",
        "l’achat de l’ancienne offre est refusé pendant et après la mise à niveau d’un client",
        &[Tests],
    ),
    invariant(
        "I6",
        "buying a plan elsewhere is refused while a legacy subscription is active",
        "l’achat d’un plan par ailleurs est refusé tant qu’un abonnement de l’ancienne offre est actif",
        &[Tests],
    ),
    invariant(
        "I7",
        "one plan for each reseller of the lines, and never two active ones",
        "un plan pour chaque revendeur des lignes, et jamais deux actifs",
        &[Model, Simulation, Tests, Verify, Counters],
    ),
    invariant(
        "I8",
        "a line's reseller on record is the reseller of its plan",
        "le revendeur enregistré d’une ligne est celui de son plan",
        &[Simulation, Tests, Verify],
    ),
    invariant(
        "I9",
        "Azure ids and role assignments are the same before and after",
        "les ID Azure et les attributions de rôles sont les mêmes avant et après",
        &[Simulation, Tests, Verify],
    ),
    invariant(
        "I10",
        "a customer has at most one transition that is not at an end",
        "un client a au plus une mise à niveau qui n’est pas terminée",
        &[Model, Simulation, Tests, Verify, Counters],
    ),
    invariant(
        "I11",
        "the same request or message again has no second effect and the same answer",
        "la même requête ou le même message n’a pas de second effet, et reçoit la même réponse",
        &[Model, Simulation, Tests, Counters],
    ),
    invariant(
        "I12",
        "each subscription in scope is exactly one line, and each line ends",
        "chaque abonnement concerné est exactement une ligne, et chaque ligne arrive à sa fin",
        &[Simulation, Tests, Verify, Counters],
    ),
    invariant(
        "I13",
        "a plan with something attached is not suspended",
        "un plan auquel quelque chose est rattaché n’est pas suspendu",
        &[Model, Simulation, Tests, Verify],
    ),
    invariant(
        "I14",
        "only legal moves: ends are final, and NeedsOperator goes back where it was left",
        "seuls les passages permis ont lieu : une fin est définitive, et NeedsOperator revient d’où il vient",
        &[Model, Simulation, Tests, Verify, Counters],
    ),
    invariant(
        "I15",
        "suspending a commerce subscription leaves the Azure subscription as it is",
        "suspendre un abonnement commercial laisse l’abonnement Azure tel quel",
        &[Simulation, Tests],
    ),
    invariant(
        "I16",
        "after Compensated everything is as it was",
        "après Compensated, tout est comme avant",
        &[Model, Simulation, Tests, Verify, Counters],
    ),
    invariant("I17", "a budget is never lost", "un budget n’est jamais perdu", &[Tests]),
    invariant("I18", "an Azure subscription's tenant is its customer", "le locataire d’un abonnement Azure est son client", &[Tests]),
    invariant(
        "I19",
        "the history has one entry for each change of state, and nobody has changed it",
        "l’historique a une entrée pour chaque changement d’état, et personne ne l’a modifié",
        &[Simulation, Tests, Verify, Counters],
    ),
    invariant(
        "I20",
        "usage before effectiveAt is legacy's and usage from then on the plan's, however late it is told",
        "l’utilisation d’avant effectiveAt revient à l’ancienne offre, celle d’après au plan, si tard qu’elle soit connue",
        &[Tests, Verify],
    ),
    invariant(
        "I21",
        "progress never goes back but in Compensating",
        "l’avancement ne recule jamais, sauf dans Compensating",
        &[Model, Simulation, Tests, Counters],
    ),
    invariant("I22", "each of a line's ids leads to its transition", "chacun des ID d’une ligne mène à sa mise à niveau", &[Tests]),
    invariant(
        "I23",
        "a plan that a compensation has put away is used again before another is bought",
        "un plan qu’une annulation a mis de côté est réutilisé avant qu’un autre soit acheté",
        &[Simulation, Tests, Verify, Counters],
    ),
    invariant(
        "S1",
        "no Compensated without each undo confirmed by the ledger",
        "pas de Compensated sans que chaque annulation soit confirmée par le registre",
        &[Model, Simulation, Verify, Counters],
    ),
    invariant("S2", "past the pivot nothing is undone", "après le pivot, rien n’est défait", &[Model, Simulation, Tests, Verify, Counters]),
    invariant(
        "S3",
        "the saga's counts of good answers only grow",
        "les nombres de bonnes réponses de la saga ne font que croître",
        &[Model, Simulation, Counters],
    ),
    invariant("S4", "what has come to an end stays as it is", "ce qui est arrivé à sa fin reste tel quel", &[Model, Simulation, Counters]),
    invariant(
        "S5",
        "two starts for one customer make one transition",
        "deux lancements pour un client font une seule mise à niveau",
        &[Model, Simulation, Tests],
    ),
    invariant(
        "S6",
        "no effect without the command of a transition",
        "pas d’effet sans la commande d’une mise à niveau",
        &[Model, Simulation, Verify, Counters],
    ),
    invariant(
        "S7",
        "no output is lost, wherever a crash comes",
        "aucun message à envoyer n’est perdu, où que survienne une panne",
        &[Model, Simulation, Tests],
    ),
];

/// The invariant of that id.
pub fn find(id: &str) -> Option<&'static Invariant> {
    CATALOGUE.iter().find(|invariant| invariant.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_stands_once_and_in_order() {
        let ids: Vec<String> = CATALOGUE.iter().map(|i| i.id.to_owned()).collect();
        let expected: Vec<String> = (1..=23).map(|n| format!("I{n}")).chain((1..=7).map(|n| format!("S{n}"))).collect();
        assert_eq!(ids, expected);
        assert_eq!(find("I7").map(|i| i.id), Some("I7"));
        assert_eq!(find("I24"), None);
    }

    #[test]
    fn each_is_one_line_and_checked_somewhere() {
        for invariant in CATALOGUE {
            assert!(!invariant.places.is_empty(), "{}", invariant.id);
            for text in [invariant.statement, invariant.french] {
                assert!(text.chars().count() <= 120 && !text.contains('\n'), "{}", invariant.id);
            }
            assert_ne!(invariant.statement, invariant.french);
        }
    }
}
