//! Small things that several pages show.

use super::visit::Visit;
use crate::{http::told, words::Locale};
use maud::{Markup, html};
use planshift_domain::time::Timestamp;

/// An id that is copied with a click or a key; all of it is there to be read.
pub(super) fn id(visit: &Visit, id: &str) -> Markup {
    html! {
        span.id { code { (id) } button.copy type="button" data-copy=(id) aria-label={ (visit.say("Copy", "Copier")) " " (id) } {} }
    }
}

/// What was recorded, in English. In French it is said once more; the words that were written down, over which hashes are, are its title.
pub(super) fn recorded(visit: &Visit, text: &str) -> Markup {
    let shown = told(text.to_owned(), visit.locale());
    html! { span.what title=[(shown != text).then_some(text)] lang=[(shown == text && visit.locale() != Locale::English).then_some("en")] { (shown) } }
}

/// A time in UTC, which a script turns into that of the reader, with UTC in the title.
pub(super) fn time(at: Timestamp) -> Markup {
    let text = at.to_string();
    // to the second: nobody reads more
    let short = text.get(..19).map_or_else(|| text.clone(), |short| short.replace('T', " ") + " UTC");
    html! { time datetime=(text) { (short) } }
}

/// A number in groups of three, as its readers write it.
pub(super) fn number(number: u64, locale: Locale) -> String {
    let digits = number.to_string();
    let separator = if locale == Locale::French { '\u{202f}' } else { ',' };
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// So many of something, one or many of it in each language. None of a thing is one of it in French.
pub(super) fn counted(visit: &Visit, count: u64, one: (&'static str, &'static str), many: (&'static str, &'static str)) -> String {
    format!("{} {}", number(count, visit.locale()), noun(visit, count, one, many))
}

/// The word for so many of something.
pub(super) fn noun(visit: &Visit, count: u64, one: (&'static str, &'static str), many: (&'static str, &'static str)) -> &'static str {
    let is_one = count == 1 || (count == 0 && visit.locale() == Locale::French);
    let (en, fr) = if is_one { one } else { many };
    visit.say(en, fr)
}

/// A length of time in its two largest units, as far as anybody wants to know it before it has passed.
pub(super) fn span(seconds: u64, locale: Locale) -> String {
    let day = if locale == Locale::French { "j" } else { "d" };
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        // seconds count while there are but a few minutes
        (0, 0, 1..5) => format!("{minutes} min {} s", seconds % 60),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} {day} {hours} h"),
    }
}

/// When something ends that goes on as fast as lately: how long that still is, and when.
pub(super) fn expected(visit: &Visit, end: Timestamp) -> Markup {
    let left = end.seconds_since(visit.app.ports.clock.now()).max(0.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and far below 2^52")]
    let left = left.round() as u64;
    html! {
        div.figure {
            b { "≈ " (span(left, visit.locale())) }
            span { (visit.say("left at this pace, until ", "encore à ce rythme, jusqu’au ")) (time(end)) }
        }
    }
}

/// How much of something is done.
pub(super) fn bar(label: &str, done: u64, total: u64) -> Markup {
    html! { progress aria-label=(label) value=(done) max=(total.max(1)) {} }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_as_finely_as_matters() {
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (299, "4 min 59 s"), (300, "5 min"), (3_660, "1 h 1 min"), (90_061, "1 d 1 h")]
        {
            assert_eq!(span(seconds, Locale::English), text);
        }
        assert_eq!(span(90_061, Locale::French), "1 j 1 h");
    }

    #[test]
    fn numbers_are_in_groups_of_three() {
        for (given, en, fr) in
            [(0, "0", "0"), (999, "999", "999"), (1_000, "1,000", "1\u{202f}000"), (1_234_567, "1,234,567", "1\u{202f}234\u{202f}567")]
        {
            assert_eq!((number(given, Locale::English).as_str(), number(given, Locale::French).as_str()), (en, fr));
        }
    }
}
