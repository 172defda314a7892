//! What is around every page: title, the way to the other pages, language and colours, who is signed in.

use super::{
    assets::{COMMON, LIVE, MARK, STYLE},
    visit::{Theme, Visit},
};
use crate::{http::ApiError, words::Locale};
use axum::http::StatusCode;
use maud::{DOCTYPE, Markup, html};
use uuid::Uuid;

/// How many of what is wrong with a request are listed.
const DETAILS: usize = 20;

/// Where a page belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Customers,
    Transitions,
    Batches,
    Schedules,
    Operations,
    Billing,
    Audit,
}

/// A page's own part.
pub(super) struct Content {
    pub(super) title: String,
    pub(super) place: Place,
    /// It moves by itself.
    pub(super) is_live: bool,
    pub(super) body: Markup,
}

/// The whole page.
pub(super) fn page(visit: &Visit, content: &Content) -> super::finish::Page {
    let say = |en, fr| visit.say(en, fr);
    let tab = |place, to: &str, name: &str| html! { a href=(to) aria-current=[(place == content.place).then_some("page")] { (name) } };
    super::finish::Page::new(html! {
        (head(&content.title, visit.locale(), visit.theme, content.is_live))
        body {
            a.skip href="#main" { (say("Skip to the content", "Aller au contenu")) }
            header.bar {
                a.brand href="/portal/customers" { "Planshift" }
                nav aria-label=(say("Pages", "Pages")) {
                    (tab(Place::Customers, "/portal/customers", say("Customers", "Clients")))
                    (tab(Place::Transitions, "/portal/transitions", say("Transitions", "Mises à niveau")))
                    (tab(Place::Batches, "/portal/batches", say("Batches", "Lots")))
                    (tab(Place::Schedules, "/portal/schedules", say("Schedules", "Planifications")))
                    (tab(Place::Operations, "/portal/operations", say("Operations", "Exploitation")))
                    (tab(Place::Billing, "/portal/billing", say("Billing", "Facturation")))
                    (tab(Place::Audit, "/portal/audit", say("Audit", "Audit")))
                }
                (switches(visit))
            }
            main id="main" tabindex="-1" { (content.body) }
            p.visually-hidden id="said" role="status" aria-live="polite" {}
        }
    })
}

/// Language, colours, who is here and the way out.
fn switches(visit: &Visit) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let option = |name: &str, value: &str, current: bool, text: &str, title: &str| {
        html! { button type="submit" name=(name) value=(value) aria-pressed=(current) title=(title) { (text) } }
    };
    let (theme, locale) = (visit.theme, visit.locale());
    html! {
        div.switches {
            form method="post" action="/portal/preferences" {
                (visit.form_token())
                input type="hidden" name="back" value=(visit.here);
                span.choice role="group" aria-label=(say("Language", "Langue")) {
                    (option("language", "en", locale == Locale::English, "EN", "English"))
                    (option("language", "fr", locale == Locale::French, "FR", "Français"))
                }
                span.choice role="group" aria-label=(say("Colours", "Couleurs")) {
                    (option("theme", "system", theme == Theme::System, "Auto", say("As the system has it", "Comme le système")))
                    (option("theme", "light", theme == Theme::Light, say("Light", "Clair"), say("Light", "Clair")))
                    (option("theme", "dark", theme == Theme::Dark, say("Dark", "Sombre"), say("Dark", "Sombre")))
                }
            }
            @if visit.session().is_some() {
                form method="post" action="/portal/sign-out" {
                    (visit.form_token())
                    span.who title=(visit.context.caller.actor) { (visit.context.caller.actor) }
                    button type="submit" { (say("Sign out", "Se déconnecter")) }
                }
            }
        }
    }
}

fn head(title: &str, locale: Locale, theme: Theme, is_live: bool) -> Markup {
    let language = if locale == Locale::French { "fr" } else { "en" };
    html! {
        (DOCTYPE)
        html lang=(language) data-theme=(theme.name());
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · Planshift" }
            link rel="icon" href=(MARK.path);
            link rel="stylesheet" href=(STYLE.path);
            script type="module" src=(COMMON.path) {}
            @if is_live {
                script type="module" src=(LIVE.path) {}
                // without scripts a page that moves is loaded anew
                noscript { meta http-equiv="refresh" content="5"; }
            }
        }
    }
}

/// A page without the way to others: signing in.
pub(super) fn bare(title: &str, locale: Locale, theme: Theme, body: &Markup) -> super::finish::Page {
    super::finish::Page::new(html! { (head(title, locale, theme, false)) body.bare { main id="main" { (body) } } })
}

/// Something went wrong: what, and what to do.
pub(super) fn error(error: &ApiError, correlation: Uuid, locale: Locale, theme: Theme) -> Markup {
    let say = |en: &'static str, fr: &'static str| if locale == Locale::French { fr } else { en };
    let title = match error.status() {
        StatusCode::NOT_FOUND => say("There is nothing here", "Il n’y a rien ici"),
        StatusCode::FORBIDDEN => say("You may not do this", "Vous n’y avez pas droit"),
        StatusCode::BAD_REQUEST => say("That was not understood", "Cela n’a pas été compris"),
        StatusCode::CONFLICT => say("That is not possible now", "Ce n’est pas possible maintenant"),
        StatusCode::TOO_MANY_REQUESTS => say("Too fast", "Trop vite"),
        StatusCode::SERVICE_UNAVAILABLE => say("Not now", "Pas maintenant"),
        _ => say("That did not work", "Cela n’a pas marché"),
    };
    html! {
        (head(title, locale, theme, false))
        body.bare {
            main id="main" {
                h1 { (title) }
                p.lead { (error.text(locale)) }
                @if !error.details().is_empty() {
                    ul { @for detail in error.details().iter().take(DETAILS) { li { code { (detail["found"].as_str().unwrap_or_default()) } " – " (detail["expected"].as_str().unwrap_or_default()) } } }
                }
                p {
                    a.button href="/portal/customers" { (say("To the customers", "Vers les clients")) }
                    // whoever may nothing at all has no page with a way out
                    @if error.status() == StatusCode::FORBIDDEN { " " a.button href="/portal/sign-in" { (say("Sign in as somebody else", "Se connecter autrement")) } }
                }
                p.fine { (say("For whoever looks into it: ", "Pour qui l’examine : ")) code { (error.name()) } " " code { (correlation) } }
            }
        }
    }
}
