//! Whose billing, of which month, and the way between the pages of it.

use crate::{
    http::{ApiError, Parameters, whose},
    model::PartnerName,
    portal::{
        api::encoded,
        finish::Page,
        frame::{Content, Place, page as framed},
        partners,
        visit::Visit,
    },
    words::words,
};
use maud::{Markup, html};
use planshift_billing::month::Month;
use planshift_domain::ids::{CustomerId, PartnerId};

/// What a page of billing is asked with.
pub(super) struct Asked {
    pub(super) partner: PartnerId,
    /// It is named where an operator sees several.
    names_partner: bool,
    /// By their names, there.
    partners: Vec<PartnerName>,
    pub(super) customer: Option<CustomerId>,
    pub(super) month: Month,
    /// Where the list goes on.
    pub(super) after: Option<String>,
}

/// The pages, each with its address and its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Month,
    Credit,
    Invoices,
    Usage,
}

impl Part {
    const ALL: [Self; 4] = [Self::Month, Self::Credit, Self::Invoices, Self::Usage];

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Month => "/portal/billing",
            Self::Credit => "/portal/billing/credit",
            Self::Invoices => "/portal/billing/invoices",
            Self::Usage => "/portal/billing/usage",
        }
    }

    pub(super) const fn name(self, visit: &Visit) -> &'static str {
        match self {
            Self::Month => visit.say("Reconciliation", "Rapprochement"),
            Self::Credit => visit.say("Partner earned credit", "Crédit obtenu par le partenaire"),
            Self::Invoices => visit.say("Invoices", "Factures"),
            Self::Usage => visit.say("Usage records", "Consommation"),
        }
    }
}

impl Asked {
    /// As the page's address says it: the present month, unless another one is named. None where an operator has to say whose first.
    pub(super) async fn of(visit: &Visit, parameters: &Parameters) -> Result<Option<Self>, ApiError> {
        let partner = match whose(&visit.app, &visit.context, parameters).await {
            Ok(partner) => partner,
            Err(error) if error.name() == "PartnerRequired" => return Ok(None),
            Err(error) => return Err(error),
        };
        let wrong = |name: &str, expected: (&str, &str)| {
            let (en, fr) = expected;
            let text = words!("The parameter {name} must be {en}.", "Le paramètre {name} doit être {fr}.");
            ApiError::bad_input("InvalidParameter", text)
        };
        let given = |name: &str| parameters.get(name).map(str::trim).filter(|text| !text.is_empty());
        let customer = given("customerId").map(|text| text.parse().map_err(|_| wrong("customerId", ("a GUID", "un GUID")))).transpose()?;
        let month = given("month").map(|text| text.parse().map_err(|_| wrong("month", ("a month as 2026-09", "un mois comme 2026-09"))));
        let names_partner = given("partnerId").is_some() && visit.context.caller.sees_all();
        Ok(Some(Self {
            partner,
            names_partner,
            partners: if names_partner { partners::read(visit).await? } else { Vec::new() },
            customer,
            month: month.transpose()?.unwrap_or_else(|| visit.app.spendings.this_month()),
            after: given("after").map(str::to_owned),
        }))
    }

    /// What the API is asked with: the partner, and the customer where there is one.
    pub(super) fn query(&self) -> String {
        let customer = self.customer.map(|customer| format!("&customerId={customer}")).unwrap_or_default();
        format!("month={}&partnerId={}{customer}", self.month, self.partner)
    }

    /// Where the list goes on, as the API is told.
    pub(super) fn going_on(&self) -> String {
        self.after.as_ref().map(|after| format!("&continuationToken={}", encoded(after))).unwrap_or_default()
    }

    /// `partnerId=…`, where it is to be named.
    pub(super) fn named(&self, mark: char) -> String {
        if self.names_partner { format!("{mark}partnerId={}", self.partner) } else { String::new() }
    }

    /// A page of billing of the same customer, in that month.
    pub(super) fn to(&self, part: Part, month: Month) -> String {
        let customer = self.customer.map(|customer| format!("&customerId={customer}")).unwrap_or_default();
        format!("{}?month={month}{customer}{}", part.path(), self.named('&'))
    }

    /// This month, of that customer alone.
    pub(super) fn narrowed(&self, customer: &CustomerId) -> String {
        format!("{}?month={}&customerId={customer}{}", Part::Month.path(), self.month, self.named('&'))
    }

    /// This month of all customers.
    fn widened(&self, part: Part) -> String {
        format!("{}?month={}{}", part.path(), self.month, self.named('&'))
    }

    /// A table of it as CSV.
    pub(super) fn table(&self, of: &str) -> String {
        let customer = self.customer.map(|customer| format!("&customerId={customer}")).unwrap_or_default();
        format!("/portal/billing/table?of={of}&month={}{customer}{}", self.month, self.named('&'))
    }

    /// A page's own part beneath the way to the others.
    pub(super) fn page(&self, visit: &Visit, part: Part, body: &Markup) -> Page {
        let body = html! {
            div.title {
                h1 { (visit.say("Billing", "Facturation")) }
                @if self.names_partner {
                    span.count { (partners::name_of(&self.partners, self.partner)) }
                    span.push { a.button href=(part.path()) { (visit.say("Another partner…", "Un autre partenaire…")) } }
                }
            }
            nav.tabs aria-label=(visit.say("Pages of billing", "Pages de facturation")) {
                @for one in Part::ALL { a href=(self.to(one, self.month)) aria-current=[(one == part).then_some("page")] { (one.name(visit)) } }
            }
            (body)
        };
        let title = format!("{} – {}", part.name(visit), visit.say("Billing", "Facturation"));
        framed(visit, &Content { title, place: Place::Billing, is_live: false, body })
    }

    /// The month, the ones beside it, and the customer.
    pub(super) fn choice(&self, visit: &Visit, part: Part, customer: Option<&str>) -> Markup {
        let say = |en, fr| visit.say(en, fr);
        html! {
            form.filters method="get" action=(part.path()) {
                a.button rel="prev" href=(self.to(part, self.month.before())) aria-label=(say("The month before", "Le mois précédent")) { "←" }
                input.short type="month" name="month" value=(self.month) aria-label=(say("Month", "Mois")) required;
                a.button rel="next" href=(self.to(part, self.month.next())) aria-label=(say("The month after", "Le mois suivant")) { "→" }
                input.guid name="customerId" value=[self.customer] aria-label=(say("Customer's id", "ID du client")) placeholder=(say("Customer's id", "ID du client"));
                @if !self.named('?').is_empty() { input type="hidden" name="partnerId" value=(self.partner); }
                button type="submit" { (say("Show", "Afficher")) }
            }
            @if let Some(name) = customer {
                p { (say("Of ", "De ")) b { (name) } " · " a href=(self.widened(part)) { (say("all customers", "tous les clients")) } }
            }
        }
    }

    /// The name of the customer that is meant.
    pub(super) async fn customer_name(&self, visit: &Visit) -> Result<Option<String>, ApiError> {
        let Some(customer) = self.customer else { return Ok(None) };
        let name = visit.app.model.customer_name(self.partner, customer).await?;
        Ok(Some(name.unwrap_or_else(|| customer.to_string())))
    }
}

/// An operator has several partners: whose is meant?
pub(super) async fn choose(visit: &Visit, part: Part) -> Result<Page, ApiError> {
    let say = |en, fr| visit.say(en, fr);
    let known = partners::read(visit).await?;
    let body = html! {
        div.title { h1 { (say("Billing", "Facturation")) } }
        p { (say("There are several partners, and billing is of one of them.", "Il y a plusieurs partenaires, et la facturation est celle d’un seul.")) }
        form.stack method="get" action=(part.path()) {
            (partners::field(visit, &known, "partnerId", say("Partner", "Partenaire"), ""))
            button.primary type="submit" { (say("Show", "Afficher")) }
        }
    };
    Ok(framed(visit, &Content { title: say("Billing", "Facturation").to_owned(), place: Place::Billing, is_live: false, body }))
}
