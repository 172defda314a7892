//! A question before an act: what it will do, why it is done, and the way back. What is done is kept for ever with its reason.

use super::{
    finish::Page,
    frame::{Content, Place, page as framed},
    visit::Visit,
};
use maud::{Markup, html};

/// The longest reason, as the API has it.
const REASON_CHARS: u32 = 1_000;

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) place: Place,
    pub(super) title: &'a str,
    /// What it will do.
    pub(super) says: Markup,
    /// Fields beside the reason.
    pub(super) fields: Markup,
    /// Where the form goes.
    pub(super) action: &'a str,
    /// What the button says.
    pub(super) button: &'a str,
    /// What is done is not easily undone.
    pub(super) is_grave: bool,
    /// The API refuses it without one.
    pub(super) needs_reason: bool,
    /// Where it was asked for, by its name.
    pub(super) back: (&'a str, &'a str),
}

/// The page of the question.
pub(super) fn page(visit: &Visit, question: &Question<'_>) -> Page {
    page_again(visit, question, "")
}

/// The same once more, with the reason that was given.
pub(super) fn page_again(visit: &Visit, question: &Question<'_>, reason: &str) -> Page {
    let say = |en, fr| visit.say(en, fr);
    let (to, name) = question.back;
    let why = match question.needs_reason {
        true => say("Why (kept for ever)", "Pourquoi (gardé pour toujours)"),
        false => say("Why, if you like (kept for ever)", "Pourquoi, si vous voulez (gardé pour toujours)"),
    };
    let body = html! {
        p.path { a href=(to) { (name) } }
        h1 { (question.title) }
        (question.says)
        form.stack method="post" action=(question.action) {
            (visit.form_token()) (visit.key())
            (question.fields)
            label for="reason" { (why) }
            input id="reason" name="reason" value=[Some(reason).filter(|text| !text.is_empty())] maxlength=(REASON_CHARS) autocomplete="off" required[question.needs_reason];
            div.foot {
                button class=(if question.is_grave { "danger" } else { "primary" }) type="submit" { (question.button) }
                a.button href=(to) { (say("Back", "Retour")) }
            }
        }
    };
    framed(visit, &Content { title: question.title.to_owned(), place: question.place, is_live: false, body })
}
