//! A transition, live: how far it is, what it waits for, what happened, what comes next.
//!
//! The page is whole when it comes, and stays right without a script (it is loaded anew then). With one it reads the API's own events; each
//! of them says no more than that something has changed, and the parts of the page that are other than before are exchanged. So there is
//! one rendering, and a reload in the middle shows the same.
//!
//! | file | holds |
//! |---|---|
//! | `steps` | the steps as a line, with the pivot |
//! | `cells` | every subscription as a cell |
//! | `story` | the history, and the messages |
//! | `outcome` | what comes next, or what failed and what to do |
//! | `acts` | cancel, resume, close |
//! | `list` | all transitions |

mod acts;
mod cells;
mod list;
mod outcome;
mod steps;
mod story;

pub(super) use acts::{ask_cancel, cancel, close, resume};
pub(super) use cells::read as cells;
pub(super) use list::list;

use super::{
    finish::Page,
    frame::{Content, Place, page as framed},
    parts::{bar, expected, id as shown_id, number, time},
    states,
    visit::Visit,
};
use crate::{
    http::{ApiError, find_parts, told},
    model::{expected_end, percent},
    view::assemble,
};
use axum::{
    body::Body,
    extract::{Path, Request},
    http::{HeaderMap, HeaderName},
    response::Response,
};
use maud::{Markup, html};
use planshift_domain::{
    time::Timestamp,
    transition::{State, TransitionRow},
    view::{LineState, TransitionView},
};
use serde_json::Value;

/// How many subscriptions the table lists: those that failed first, and then the first of the others. The cells show all.
const LISTED: usize = 100;

/// Everything that the page is made of.
struct Shown {
    row: TransitionRow,
    view: TransitionView,
    messages: Vec<story::Messages>,
    name: String,
    percent: Option<u32>,
    expected_end: Option<Timestamp>,
}

impl Shown {
    async fn read(visit: &Visit, id: &str) -> Result<Self, ApiError> {
        let parts = find_parts(&visit.app, &visit.context, id).await?;
        let (row, now) = (parts.known.row.clone(), visit.app.ports.clock.now());
        let messages = story::messages_of(&parts.packets);
        let expected_end = expected_end(&row, &visit.app.model.pace(&row).await?, now);
        let name = visit.app.model.customer_name(row.partner_id, row.customer_id).await?.unwrap_or_else(|| row.customer_id.to_string());
        Ok(Self { percent: percent(&row), expected_end, messages, name, view: assemble(parts, now), row })
    }
}

/// `GET /portal/transitions/{id}`.
pub(super) async fn page(visit: Visit, Path(id): Path<String>) -> Result<Page, ApiError> {
    let shown = Shown::read(&visit, &id).await?;
    let (row, say) = (&shown.row, |en, fr| visit.say(en, fr));
    let here = format!("/portal/transitions/{}", row.id);
    let (story, outcome) = (story::read(&visit, row).await?, outcome::of(&visit, &shown).await?);
    let trace = trace_of(&visit, row);
    let body = html! {
        p.path { a href="/portal/transitions" { (say("Transitions", "Mises à niveau")) } " › " a href={ "/portal/customers/" (row.customer_id) } { (shown.name) } }
        div.live data-live=(here) data-over=[row.state.is_end().then_some("1")]
            data-lost=(say("The connection is lost. It is tried again …", "La connexion est perdue. Nouvel essai …"))
            data-back=(say("Connected again: nothing was missed.", "De nouveau connecté : rien n’a été manqué.")) {
            p.notice.held.lost role="status" hidden data-connection="" {}
            div.title data-part="head" {
                h1 { (shown.name) }
                (states::mark(row.state, visit.locale()))
                @if row.closed_at.is_some() { span.mark.idle { (say("closed", "close")) } }
                span.push { (acts::buttons(&visit, &shown)) }
            }
            div data-part="steps" { (steps::line(&visit, row)) }
            div data-part="outcome" { (outcome) }
            div data-part="counts" { (counts(&visit, &shown)) }
            (cells::canvas(&visit, &here))
            div data-part="plans" { (plans(&visit, &shown)) }
            div data-part="lines" { (lines(&visit, &shown)) }
            div data-part="story" { (story) }
            div data-part="messages" { (story::diagram(&visit, &shown.messages)) }
            section {
                h2 { (say("For whoever looks into it", "Pour qui l’examine")) }
                dl.wide-list {
                    dt { (say("Transition", "Mise à niveau")) } dd { (shown_id(&visit, &row.id.to_string())) }
                    dt { (say("Customer", "Client")) } dd { (shown_id(&visit, &row.customer_id.to_string())) }
                    dt { (say("Started by", "Commencée par")) } dd { (row.started_by) ", " (time(row.started_at)) }
                    (trace)
                }
            }
        }
    };
    // who follows several sees in the tabs how each is
    let title = format!("{}{}{}", shown.name, visit.colon(), states::of(row.state, visit.locale()).0);
    Ok(framed(&visit, &Content { title, place: Place::Transitions, is_live: true, body }))
}

/// `GET /portal/transitions/{id}/events`: the API's own events, for a browser, which cannot send a token with them.
pub(super) async fn events(visit: Visit, Path(id): Path<String>, headers: HeaderMap, request: Request) -> Result<Response, ApiError> {
    const LAST: HeaderName = HeaderName::from_static("last-event-id");
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut asked = axum::http::Request::builder().uri(format!("/v1/productupgrades/{}/events{query}", super::api::encoded(&id)));
    if let Some(last) = headers.get(LAST) {
        asked = asked.header(LAST, last);
    }
    let asked = asked.body(Body::empty()).map_err(|error| ApiError::internal(&error))?;
    visit.api.pass(&visit.context, asked).await
}

fn trace_of(visit: &Visit, row: &TransitionRow) -> Markup {
    let mut pieces = row.traceparent.split('-').skip(1);
    let trace = pieces.next().filter(|trace| trace.len() == 32);
    html! {
        @if let Some(trace) = trace {
            dt { (visit.say("Trace", "Trace")) }
            dd {
                (shown_id(visit, trace)) " "
                @if let Some(jaeger) = &visit.app.settings.jaeger_url {
                    a href={ (jaeger.trim_end_matches('/')) "/trace/" (trace) } rel="noreferrer noopener" target="_blank" { (visit.say("Open in Jaeger", "Ouvrir dans Jaeger")) }
                }
            }
        }
    }
}

fn counts(visit: &Visit, shown: &Shown) -> Markup {
    let (row, say) = (&shown.row, |en, fr| visit.say(en, fr));
    let locale = visit.locale();
    let of = |count: u32| html! { (number(count.into(), locale)) " / " (number(row.lines.into(), locale)) };
    let (mapped, suspended) = (say("mapped", "rattachés"), say("suspended", "suspendus"));
    html! {
        @if row.lines > 0 {
            div.figures {
                div.figure { b { (of(row.mapped)) } span { (mapped) } (bar(mapped, row.mapped.into(), row.lines.into())) }
                div.figure { b { (of(row.suspended)) } span { (suspended) } (bar(suspended, row.suspended.into(), row.lines.into())) }
                @if let Some(percent) = shown.percent { div.figure { b { (percent) " %" } span { (say("done", "fait")) } } }
                @if let Some(end) = shown.expected_end { (expected(visit, end)) }
                @if let Some(at) = row.effective_at.filter(|_| is_under_plans(row)) { div.figure { b { (time(at)) } span { (say("the plan is billed from", "le plan est facturé dès")) } } }
                @if let Some(at) = row.ended_at { div.figure { b { (time(at)) } span { (say("ended", "fin")) } } }
            }
        }
    }
}

fn plans(visit: &Visit, shown: &Shown) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let under = |plan| shown.view.lines.iter().filter(|line| line.plan_id == Some(plan)).count() as u64;
    html! {
        @if !shown.view.plans.is_empty() {
            section {
                h2 { (say("Azure plans", "Plans Azure")) }
                div.scroll tabindex="0" role="region" aria-label=(say("Azure plans", "Plans Azure")) {
                    table.list {
                        thead { tr { th scope="col" { (say("Plan", "Plan")) } th scope="col" { (say("Reseller", "Revendeur")) } th scope="col" { (say("Came from", "Provenance")) } th scope="col" { (say("Status", "Statut")) } th.amount scope="col" { (say("Subscriptions", "Abonnements")) } } }
                        tbody { @for plan in &shown.view.plans { tr {
                            td { (shown_id(visit, &plan.plan_id.to_string())) }
                            td { @match &plan.partner_id { Some(mpn) => (mpn), None => span.quiet { (say("none", "aucun")) } } }
                            td { (if plan.reused { say("was there", "existait") } else { say("bought", "acheté") }) }
                            td { (states::status(&text_of(&plan.status), visit.locale())) }
                            td.amount { (number(under(plan.plan_id), visit.locale())) }
                        } } }
                    }
                }
            }
        }
    }
}

fn lines(visit: &Visit, shown: &Shown) -> Markup {
    let (say, all) = (|en, fr| visit.say(en, fr), &shown.view.lines);
    let failed = all.iter().filter(|line| line.state == LineState::Failed);
    let others = all.iter().filter(|line| line.state != LineState::Failed);
    html! {
        @if !all.is_empty() {
            details.group open[all.len() <= 20] {
                summary { b { (say("Subscriptions", "Abonnements")) } " " span.quiet { (number(all.len() as u64, visit.locale())) } }
                div.scroll tabindex="0" role="region" aria-label=(say("Subscriptions", "Abonnements")) {
                    table.list {
                        thead { tr { th scope="col" { (say("Its two parts", "Ses deux parts")) } th scope="col" { (say("State", "État")) } th scope="col" { (say("Azure plan", "Plan Azure")) } th scope="col" { (say("Commerce status", "Statut commercial")) } th scope="col" { (say("What failed", "Ce qui a échoué")) } } }
                        tbody { @for line in failed.chain(others).take(LISTED) {
                            @let (text, look) = states::of_line(line.state, line.plan_id.is_some(), visit.locale());
                            tr {
                                td { div.parts {
                                    span.quiet { "Azure" } span { (shown_id(visit, &line.azure_subscription_id.to_string())) }
                                    span.quiet { (say("Commerce", "Commercial")) } span { (shown_id(visit, &line.commerce_subscription_id.to_string())) }
                                } }
                                td { span class={ "mark " (look) } { (text) } }
                                td { @match line.plan_id { Some(plan) => (shown_id(visit, &plan.to_string())), None => span.quiet { "–" } } }
                                td { (states::status(&text_of(&line.commerce_status), visit.locale())) }
                                td { @match &line.error { Some(error) => { (told(error.description.clone(), visit.locale())) " " code.fine { (error.code) } }, None => span.quiet { "–" } } }
                            }
                        } }
                    }
                }
                @if all.len() > LISTED { p.fine { (say("The first ", "Les premiers ")) (LISTED) (say(", those that failed before the others.", ", ceux en échec d’abord.")) } }
            }
        }
    }
}

/// A status as the API spells it.
fn text_of(status: &impl serde::Serialize) -> String {
    match serde_json::to_value(status) {
        Ok(Value::String(text)) => text,
        _ => String::new(),
    }
}

/// Is anything of it under its plans, or about to be? What turns back is not.
fn is_under_plans(row: &TransitionRow) -> bool {
    match row.state {
        State::NeedsOperator => row.left_state != Some(State::Compensating),
        state => !matches!(state, State::Compensating | State::Compensated | State::Ineligible),
    }
}

/// Is it before its pivot, so that it can be cancelled?
const fn can_be_cancelled(state: State) -> bool {
    matches!(state, State::Requested | State::CheckingEligibility | State::PurchasingPlans | State::MappingSubscriptions)
}
