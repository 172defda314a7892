//! What people read, in English and in French: both texts stand side by side where something is said, with the same parameters, and the
//! one is chosen when an answer is written. What programs read (codes, names, ids) is the same in every language.

use axum::http::HeaderMap;
use std::{
    borrow::Cow,
    fmt::{Arguments, Display},
};

/// The header by which a client says in which language it wants to be told. Source: the domain's section 5.1.
const LOCALE: &str = "x-locale";

/// The language of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Locale {
    #[default]
    English,
    French,
}

impl Locale {
    /// What `X-Locale` asks for: `fr` and `fr-…` for French. Anything else, and nothing, is answered in English: a language that is not
    /// spoken here is no reason to refuse a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let asked = headers.get(LOCALE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let language = asked.trim().split(['-', '_']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("fr") { Self::French } else { Self::English }
    }

    /// As the header `Content-Language` names it.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en-US",
            Self::French => "fr-FR",
        }
    }
}

/// One text in every language. Made by [`words!`], or by [`Words::both`] where it is a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    en: Cow<'static, str>,
    fr: Cow<'static, str>,
}

impl Words {
    /// A text without parameters.
    pub(crate) const fn both(en: &'static str, fr: &'static str) -> Self {
        Self { en: Cow::Borrowed(en), fr: Cow::Borrowed(fr) }
    }

    /// What [`words!`] makes of its two texts.
    pub(crate) fn of(en: Arguments<'_>, fr: Arguments<'_>) -> Self {
        let text = |text: Arguments<'_>| text.as_str().map_or_else(|| Cow::Owned(text.to_string()), Cow::Borrowed);
        Self { en: text(en), fr: text(fr) }
    }

    /// What is written anew for each language.
    pub(crate) fn each(text: impl Fn(Locale) -> String) -> Self {
        Self { en: Cow::Owned(text(Locale::English)), fr: Cow::Owned(text(Locale::French)) }
    }

    /// A text that comes from elsewhere: its French, where there is one.
    pub(crate) fn translated(en: impl Display, fr: Option<String>) -> Self {
        let en = en.to_string();
        Self { fr: fr.map_or_else(|| Cow::Owned(en.clone()), Cow::Owned), en: Cow::Owned(en) }
    }

    /// The text in that language.
    pub(crate) fn text(&self, locale: Locale) -> &str {
        match locale {
            Locale::English => &self.en,
            Locale::French => &self.fr,
        }
    }
}

/// A text in English and in French. Both have the same parameters: variables that are named in them, or arguments that follow. Variables
/// behind a semicolon are [`Words`] themselves.
macro_rules! words {
    ($en:literal, $fr:literal; $($inner:ident),+ $(,)?) => {
        $crate::words::Words::each(|locale| {
            $(let $inner = $inner.text(locale);)+
            match locale {
                $crate::words::Locale::English => format!($en),
                $crate::words::Locale::French => format!($fr),
            }
        })
    };
    ($en:literal, $fr:literal $(, $argument:expr)* $(,)?) => {
        $crate::words::Words::of(format_args!($en $(, $argument)*), format_args!($fr $(, $argument)*))
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn french_is_spoken_to_those_who_ask_for_it() {
        let of =
            |value: &'static [u8]| Locale::of(&HeaderMap::from_iter([(LOCALE.parse().unwrap(), HeaderValue::from_bytes(value).unwrap())]));
        for french in ["fr", "fr-FR", "FR-fr", "fr-CA", "fr_FR", " fr-FR "] {
            assert_eq!(of(french.as_bytes()), Locale::French, "{french}");
        }
        for english in ["", "en-US", "en", "de-DE", "frx", "x-fr", "*", "f", "fr;q=1"] {
            assert_eq!(of(english.as_bytes()), Locale::English, "{english}");
        }
        assert_eq!((of(b"\xe9\xff"), Locale::of(&HeaderMap::new())), (Locale::English, Locale::English));
    }

    #[test]
    fn both_texts_have_the_same_parameters() {
        let (id, count) = ("7", 2);
        let said = words!("There are {count} of {id}: {}.", "Il y en a {count} de {id} : {}.", 1 + 1);
        assert_eq!(said.text(Locale::English), "There are 2 of 7: 2.");
        assert_eq!(said.text(Locale::French), "Il y en a 2 de 7 : 2.");
        let what = words!("a GUID", "un GUID");
        let nested = words!("{id} is {what}.", "{id} est {what}."; what);
        assert_eq!((nested.text(Locale::English), nested.text(Locale::French)), ("7 is a GUID.", "7 est un GUID."));
        assert_eq!(words!("Yes.", "Oui."), Words::both("Yes.", "Oui."));
        assert_eq!(Words::translated("only here", None).text(Locale::French), "only here");
    }
}
