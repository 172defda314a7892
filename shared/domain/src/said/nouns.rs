//! Numbers of things, as they stand in the gaps of sentences, or are a sentence themselves.

/// A thing, one and many of it; where a verb goes with it, that too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noun {
    en: (&'static str, &'static str),
    fr: (&'static str, &'static str),
}

/// How French groups digits: a narrow space that does not break.
const NARROW_SPACE: &str = "\u{202f}";

macro_rules! nouns {
    ($($name:ident: $en:expr, $fr:expr;)+) => {
        $(
            #[doc = concat!("One and many: ", stringify!($en))]
            pub const $name: Noun = Noun { en: $en, fr: $fr };
        )+
        const ALL: &[Noun] = &[$($name),+];
    };
}

nouns! {
    PACKET: ("packet", "packets"), ("paquet", "paquets");
    PLAN: ("plan", "plans"), ("plan", "plans");
    AZURE_PLAN: ("Azure plan", "Azure plans"), ("plan Azure", "plans Azure");
    AZURE_PLAN_STILL_ACTIVE: ("Azure plan was active before and still.", "Azure plans were active before and still."),
        ("plan Azure était actif avant, et l’est toujours.", "plans Azure étaient actifs avant, et le sont toujours.");
    AZURE_SUBSCRIPTION: ("Azure subscription", "Azure subscriptions"), ("abonnement Azure", "abonnements Azure");
    AZURE_SUBSCRIPTION_IS: ("Azure subscription is", "Azure subscriptions are"), ("abonnement Azure est", "abonnements Azure sont");
    AZURE_SUBSCRIPTION_FREE: ("Azure subscription is under no plan, and billed as before.", "Azure subscriptions are under no plan, and billed as before."),
        ("abonnement Azure n’est sous aucun plan, et est facturé comme avant.", "abonnements Azure ne sont sous aucun plan, et sont facturés comme avant.");
    COMMERCE_SUBSCRIPTION: ("commerce subscription", "commerce subscriptions"), ("abonnement commercial", "abonnements commerciaux");
    COMMERCE_SUBSCRIPTION_ACTIVE: ("commerce subscription is active.", "commerce subscriptions are active."),
        ("abonnement commercial est actif.", "abonnements commerciaux sont actifs.");
    REASON_BLOCKS: ("reason blocks", "reasons block"), ("motif la bloque", "motifs la bloquent");
}

impl Noun {
    /// So many of it, in digits: `1 packet`, `2,000 packets`.
    pub fn of(&self, count: usize) -> String {
        format!("{} {}", grouped(count), if count == 1 { self.en.0 } else { self.en.1 })
    }

    /// So many of it within a sentence: `one packet`, `2000 packets`.
    pub fn in_words(&self, count: u32) -> String {
        if count == 1 { format!("one {}", self.en.0) } else { format!("{count} {}", self.en.1) }
    }
}

/// So many of a thing, in French, where the text is that.
pub(super) fn in_french(text: &str) -> Option<String> {
    let (number, thing) = text.split_once(' ')?;
    let noun = ALL.iter().find(|noun| noun.en.0 == thing || noun.en.1 == thing)?;
    if number == "one" {
        return Some(format!("un {}", noun.fr.0));
    }
    let digits = number.replace(',', "");
    let count: u64 = digits.parse().ok()?;
    // none of a thing is one of it, in French
    let thing = if count < 2 { noun.fr.0 } else { noun.fr.1 };
    Some(format!("{} {thing}", number.replace(',', NARROW_SPACE)))
}

/// 1950 as `1,950`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many_in_both_languages() {
        for (said, french) in [
            (PACKET.in_words(1), "un paquet"),
            (PACKET.in_words(2000), "2000 paquets"),
            (AZURE_PLAN.of(1), "1 plan Azure"),
            (AZURE_PLAN.of(0), "0 plan Azure"),
            (AZURE_SUBSCRIPTION_IS.of(1_950), "1\u{202f}950 abonnements Azure sont"),
        ] {
            assert_eq!(in_french(&said).as_deref(), Some(french), "{said}");
        }
        assert_eq!((AZURE_PLAN.of(0), REASON_BLOCKS.of(2_000_000)), ("0 Azure plans".into(), "2,000,000 reasons block".into()));
        for other in ["", "one", "two packets", "1 horse", "packets"] {
            assert_eq!(in_french(other), None, "{other}");
        }
    }
}
