//! A sentence with gaps, in English and in French.

use super::filling_in_french;
use crate::step::Step;
use std::{
    borrow::Cow,
    fmt::{self, Display},
};

/// A sentence. Its gaps are written `{0}`, `{1}` …: in English each once and in this order, in French wherever they belong. What may fill one is
/// said in English by a letter behind its number, so that the words of others are not taken for ours (`Kind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sentence {
    en: &'static str,
    fr: &'static str,
}

/// Something said, in English: made of a [`Sentence`], so that it can be said in another language.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Said(Cow<'static, str>);

/// What may fill a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `{0}`: something said, or anything.
    Said,
    /// `{0v}`: anything, which stays as it is in every language.
    Verbatim,
    /// `{0w}`: a word, without a space: a number, an id, a time, a code.
    Word,
    /// `{0s}`: the name of a step, or of another service.
    Service,
    /// `{0a}`: what a person does to a transition.
    Act,
    /// `{0r}`: somebody's reason, as [`because`](super::because) puts it behind a sentence; it stays as it is.
    Reason,
}

/// What a person does to a transition.
const ACTS: [&str; 3] = ["cancel", "resume", "close"];
/// What else than a step has a name.
const SERVICES: [&str; 2] = ["coordinator", "gateway"];

impl Kind {
    fn of(letter: &str) -> Self {
        match letter {
            "v" => Self::Verbatim,
            "w" => Self::Word,
            "s" => Self::Service,
            "a" => Self::Act,
            "r" => Self::Reason,
            _ => Self::Said,
        }
    }

    fn takes(self, filling: &str) -> bool {
        match self {
            Self::Said | Self::Verbatim => true,
            Self::Word => !filling.contains(char::is_whitespace),
            Self::Service => Step::ALL.iter().any(|step| step.name() == filling) || SERVICES.contains(&filling),
            Self::Act => ACTS.contains(&filling),
            Self::Reason => filling.is_empty() || filling.starts_with(": "),
        }
    }

    fn in_french(self, filling: &str) -> String {
        match self {
            Self::Said => filling_in_french(filling),
            // French has a space before the colon
            Self::Reason if !filling.is_empty() => format!(" {filling}"),
            _ => filling.to_owned(),
        }
    }
}

/// A part of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'t> {
    Text(&'t str),
    Gap { number: usize, kind: Kind },
}

impl Sentence {
    pub(super) const fn new(en: &'static str, fr: &'static str) -> Self {
        Self { en, fr }
    }

    /// It, in English, with its gaps filled in their order. A gap that nothing is given for stays empty.
    pub fn with(&self, fillings: &[&dyn Display]) -> Said {
        Said(Cow::Owned(filled(self.en, |gap| fillings.get(gap).map(ToString::to_string).unwrap_or_default())))
    }

    /// It, in French, with its gaps filled with what is French already.
    pub fn french_with(&self, fillings: &[&dyn Display]) -> String {
        filled(self.fr, |gap| fillings.get(gap).map(ToString::to_string).unwrap_or_default())
    }

    /// It, in English, with its gaps as they are written.
    pub const fn english(&self) -> &'static str {
        self.en
    }

    /// Is this one of it?
    pub fn is_said_by(&self, text: &str) -> bool {
        self.fillings(text).is_some()
    }

    /// A text that is this sentence, in French.
    pub(super) fn in_french(&self, text: &str) -> Option<String> {
        let fillings: Vec<String> = self.fillings(text)?.into_iter().map(|(kind, filling)| kind.in_french(filling)).collect();
        Some(filled(self.fr, |gap| fillings.get(gap).cloned().unwrap_or_default()))
    }

    /// What fills the gaps of a text that is this sentence: up to where the next words of the sentence come first, and at its end up to where
    /// they come last.
    fn fillings<'t>(&self, text: &'t str) -> Option<Vec<(Kind, &'t str)>> {
        let parts = parts(self.en);
        let (mut rest, mut fillings) = (text, Vec::new());
        for (place, part) in parts.iter().enumerate() {
            match part {
                Part::Text(words) => rest = rest.strip_prefix(words)?,
                Part::Gap { kind, .. } => {
                    let end = match (parts.get(place + 1), place + 2 == parts.len()) {
                        (Some(Part::Text(words)), false) => rest.find(words)?,
                        (Some(Part::Text(words)), true) => rest.strip_suffix(words)?.len(),
                        // a word, and somebody's reason behind it
                        (Some(Part::Gap { .. }), _) => rest.find(": ").unwrap_or(rest.len()),
                        (None, _) => rest.len(),
                    };
                    let filling = rest.get(..end).filter(|filling| kind.takes(filling))?;
                    fillings.push((*kind, filling));
                    rest = rest.get(end..)?;
                }
            }
        }
        rest.is_empty().then_some(fillings)
    }

    /// What may fill its gaps, where it is written as it must be.
    #[cfg(test)]
    pub(super) fn gaps(&self) -> Vec<Kind> {
        let gaps = |template| -> Vec<(usize, Kind)> {
            parts(template)
                .iter()
                .filter_map(|part| if let Part::Gap { number, kind } = part { Some((*number, *kind)) } else { None })
                .collect()
        };
        let (en, mut fr) = (gaps(self.en), gaps(self.fr));
        fr.sort_by_key(|(number, _)| *number);
        assert!(en.iter().enumerate().all(|(place, (number, _))| place == *number), "{}: each gap once, in order", self.en);
        assert!(fr.iter().enumerate().all(|(place, gap)| *gap == (place, Kind::Said)), "{}: the same gaps in French", self.en);
        assert_eq!(en.len(), fr.len(), "{}: the same gaps in French", self.en);
        en.into_iter().map(|(_, kind)| kind).collect()
    }
}

impl Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Sentence> for Said {
    /// One without gaps.
    fn from(sentence: Sentence) -> Self {
        Self(Cow::Borrowed(sentence.en))
    }
}

impl From<Said> for String {
    fn from(said: Said) -> Self {
        said.0.into_owned()
    }
}

impl From<Sentence> for String {
    fn from(sentence: Sentence) -> Self {
        sentence.en.to_owned()
    }
}

fn filled(template: &str, filling: impl Fn(usize) -> String) -> String {
    parts(template)
        .into_iter()
        .map(|part| match part {
            Part::Text(words) => Cow::Borrowed(words),
            Part::Gap { number, .. } => Cow::Owned(filling(number)),
        })
        .collect()
}

fn parts(template: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((words, behind)) = rest.split_once('{') {
        let Some((gap, after)) = behind.split_once('}') else { break };
        if !words.is_empty() {
            parts.push(Part::Text(words));
        }
        let (number, letter) = gap.split_at(gap.bytes().take_while(u8::is_ascii_digit).count());
        // a template is ours, and a test reads every one of them
        parts.push(Part::Gap { number: number.parse().unwrap_or_default(), kind: Kind::of(letter) });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// Sentences, and the list of all of them. What each says is its documentation.
macro_rules! sentences {
    ($($name:ident: $en:literal, $fr:literal;)+) => {
        $(
            #[doc = concat!("“", $en, "”")]
            pub const $name: $crate::said::Sentence = $crate::said::Sentence::new($en, $fr);
        )+
        /// All of them.
        pub(super) const ALL: &[$crate::said::Sentence] = &[$($name),+];
    };
}
pub(super) use sentences;
