//! What is wrong with a form that was sent: said at its top, and each thing at its field, where somebody looks and where it is read out.

use super::visit::Visit;
use crate::http::ApiError;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// What is wrong, by the property of the API that a field stands for.
#[derive(Default)]
pub(super) struct Faults {
    said: Option<String>,
    of: BTreeMap<&'static str, Vec<String>>,
}

impl Faults {
    /// What the API has refused; the rows that it names are of the field that it is about.
    pub(super) fn of(visit: &Visit, error: &ApiError) -> Self {
        let text = error.text(visit.locale()).to_owned();
        let Some(property) = error.property() else { return Self { said: Some(text), of: BTreeMap::new() } };
        let rows = error.details().iter().filter_map(|row| {
            let (found, expected) = (row["found"].as_str()?, row["expected"].as_str()?);
            Some(format!("{found}{}{expected}", visit.colon()))
        });
        let rows: Vec<String> = rows.collect();
        Self { said: None, of: BTreeMap::from([(property, if rows.is_empty() { vec![text] } else { rows })]) }
    }

    /// Something more, unless this field is known to be wrong.
    pub(super) fn add(&mut self, property: &'static str, text: String) {
        self.of.entry(property).or_insert_with(|| vec![text]);
    }

    /// What is wrong with this field, in the words of the form.
    pub(super) fn put(&mut self, property: &'static str, text: String) {
        self.of.insert(property, vec![text]);
    }

    /// Is this field wrong?
    pub(super) fn has(&self, property: &str) -> bool {
        self.of.contains_key(property)
    }

    /// What a field is described by, where it is wrong.
    pub(super) fn id(&self, property: &str) -> Option<String> {
        self.has(property).then(|| format!("{}-fault", property.to_lowercase()))
    }

    /// What is wrong with a field, beneath it.
    pub(super) fn at(&self, property: &str) -> Markup {
        html! {
            @if let (Some(id), Some(texts)) = (self.id(property), self.of.get(property)) {
                p.fault.lines id=(id) { (texts.join("\n")) }
            }
        }
    }

    /// All of it, for the top of the form. `fields` are the properties in the order of the form, each with the id of its field; what is wrong
    /// with another one is said here alone.
    pub(super) fn top(&self, visit: &Visit, fields: &[(&str, &str)]) -> Markup {
        let wrong = || fields.iter().filter(|(property, _)| self.has(property));
        let others = self.of.iter().filter(|(property, _)| !fields.iter().any(|(known, _)| known == *property));
        html! {
            @if self.said.is_some() || !self.of.is_empty() {
                div.notice.bad role="alert" {
                    p { (visit.say("Nothing was taken of it.", "Rien n’en a été pris.")) }
                    @if let Some(text) = &self.said { p.lines { (text) } }
                    @for (_, texts) in others { p.lines { (texts.join("\n")) } }
                    @if wrong().next().is_some() {
                        ul { @for (property, id) in wrong() { li { a href={ "#" (id) } { (self.of[*property].first().map_or("", String::as_str)) } } } }
                    }
                }
            }
        }
    }
}
