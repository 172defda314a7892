//! `GET /v1/customers/{id}/dossier`: everything that a third party needs to check what happened to a customer.
//!
//! It is streamed, a transition at a time: what is held is the customer's chain and the largest of its transitions. Nothing is sent
//! before it is known that all of it is here: where an event is late, the answer is that, and the same request a moment later
//! succeeds.

use super::page;
use crate::{
    app::App,
    http::{
        answer::accepts,
        context::Context,
        errors::ApiError,
        fields::{Fields, Parameters},
        upgrades::{no_customer_id, partner_of},
    },
    model::{Chain, CustomerKey, Told},
    words::{Locale, Words, words},
};
use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::stream;
use planshift_domain::{
    audit::{Customer, DossierWriter, Exported, TransitionPart, faults},
    ids::{CustomerId, TransitionId},
    time::Timestamp,
    transition::TransitionRow,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// How many pieces are made ahead of a client that reads slowly.
const AHEAD: usize = 2;
/// A piece that is sent has about so many bytes, but for a large transition's.
const PIECE_BYTES: usize = 64 * 1024;
/// How often a transition is read again whose rows have come and whose history has not, or the other way round.
const TRIES: u32 = 20;
/// The pause in between.
const PAUSE: Duration = Duration::from_millis(50);

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Page,
}

pub(in crate::http) async fn dossier(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let customer_id: CustomerId = id.parse().map_err(|_| no_customer_id(&id))?;
    let partner_id = partner_of(&app, &context, customer_id, &Fields::default(), &parameters).await?;
    let room = app.dossiers.clone().try_acquire_owned();
    let room = room.map_err(|_| {
        ApiError::unavailable(words!(
            "As many dossiers are being made as may be at once. Try again.",
            "Autant de dossiers que possible sont en cours d’établissement. Veuillez réessayer."
        ))
    })?;
    let of = (partner_id, customer_id);
    let not_known = || ApiError::not_imported(customer_id);
    let begun = app.ports.clock.now();
    let (chain, transitions) = loop {
        let chain = app.model.chain(of).await?.ok_or_else(not_known)?;
        match transitions_of(&app, of, &chain).await {
            Ok(transitions) => break (chain, transitions),
            // as a rule an event is late by moments
            Err(error) if error.status() == StatusCode::SERVICE_UNAVAILABLE && patient(&app, begun) => app.ports.clock.sleep(PAUSE).await,
            Err(error) => return Err(error),
        }
    };

    let exported = Exported { at: app.ports.clock.now(), by: context.caller.actor.clone(), correlation_id: context.correlation_id };
    let customer = Customer { partner_id, customer_id, company_name: chain.company_name.clone(), domain: chain.domain.clone() };
    let form = if accepts(&headers, "text/html") { Form::Page } else { Form::Json };
    let (give, take) = mpsc::channel(AHEAD);
    let maker = Maker { app: app.clone(), give, form, locale: context.locale, out: String::new(), _room: room };
    drop(app.ports.spawn.spawn(Box::pin(async move {
        if let Err(broken) = maker.make(chain, customer, exported, transitions).await {
            tracing::warn!(error = %broken, "a dossier was broken off");
        }
    })));
    let pieces =
        stream::unfold(take, async |mut take: mpsc::Receiver<Result<Bytes, io::Error>>| take.recv().await.map(|piece| (piece, take)));
    // the document is the same in every language
    let (kind, ending, language) = match form {
        Form::Json => ("application/json; charset=utf-8", "json", Locale::English),
        Form::Page => ("text/html; charset=utf-8", "html", context.locale),
    };
    let name = format!("inline; filename=\"dossier-{customer_id}.{ending}\"");
    let mut response = (StatusCode::OK, Body::from_stream(pieces)).into_response();
    let headers = response.headers_mut();
    for (header, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, &name),
        (header::CONTENT_LANGUAGE, language.tag()),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, &page::policy()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(header, value.parse().map_err(|error| ApiError::internal(&error))?);
    }
    Ok(response)
}

/// Is there time to wait a little?
fn patient(app: &App, begun: Timestamp) -> bool {
    app.ports.clock.now().seconds_since(begun) < app.settings.act_wait.as_secs_f64()
}

/// The customer's transitions, where all that the chain tells of is here.
async fn transitions_of(app: &App, of: CustomerKey, chain: &Chain) -> Result<Vec<TransitionId>, ApiError> {
    let late = |what: Words| {
        let text = words!("{what} has not come yet. Try again.", "{what} : pas encore arrivé. Réessayez."; what);
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "503", "DossierIncomplete", text).after(2)
    };
    if !chain.whole {
        return Err(late(words!("An entry of the customer's chain", "Une entrée de la chaîne du client")));
    }
    let mut sealed: BTreeMap<TransitionId, u32> = BTreeMap::new();
    for seal in chain.entries.iter().filter_map(|entry| entry.transition.as_ref()) {
        let entries = sealed.entry(seal.transition_id).or_default();
        *entries = (*entries).max(seal.entries);
    }
    let rows = app.model.transitions_of(of).await?;
    let here: BTreeSet<TransitionId> = rows.iter().map(|(row, _)| row.id).collect();
    if let Some(missing) = sealed.keys().find(|id| !here.contains(id)) {
        return Err(late(words!("The transition {missing}", "La mise à niveau {missing}")));
    }
    // one that was begun after the chain was read belongs to the next dossier
    let is_later = |row: &TransitionRow| chain.entries.last().is_some_and(|last| !sealed.contains_key(&row.id) && row.started_at > last.at);
    let mut ids = Vec::with_capacity(rows.len());
    for (row, whole) in rows.iter().filter(|(row, _)| !is_later(row)) {
        if !whole || sealed.get(&row.id).is_some_and(|entries| row.history < *entries) {
            return Err(late(words!("Something of the transition {}", "Une partie de la mise à niveau {}", row.id)));
        }
        ids.push(row.id);
    }
    Ok(ids)
}

/// Why a dossier could not be finished: the client sees that it was cut off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Storage(#[from] planshift_storage::StorageError),
    #[error("the client is gone, or takes nothing")]
    Client,
    #[error("the transition {0} is gone")]
    Gone(TransitionId),
}

struct Maker {
    app: App,
    give: mpsc::Sender<Result<Bytes, io::Error>>,
    form: Form,
    locale: Locale,
    out: String,
    _room: OwnedSemaphorePermit,
}

impl Maker {
    async fn make(mut self, chain: Chain, customer: Customer, exported: Exported, transitions: Vec<TransitionId>) -> Result<(), Broken> {
        let under_way = self.app.under_way.clone();
        let made = self.pieces(&chain, &customer, &exported, &transitions).await;
        if let Err(broken) = &made {
            // what has an error at its end is not taken for whole
            let _ = self.give.send(Err(io::Error::other(broken.to_string()))).await;
        }
        drop(under_way);
        made
    }

    async fn pieces(
        &mut self,
        chain: &Chain,
        customer: &Customer,
        exported: &Exported,
        transitions: &[TransitionId],
    ) -> Result<(), Broken> {
        let (mut writer, locale) = (DossierWriter::new(), self.locale);
        self.page(|| page::begin(locale, customer, exported));
        for entry in &chain.entries {
            writer.entry(entry);
            self.page(|| page::entry(locale, entry));
            self.send(writer.take(), false).await?;
        }
        writer.customer(customer, exported);
        self.page(page::end_of_chain);
        for id in transitions {
            let part = self.part(*id).await?;
            writer.transition(&part);
            self.page(|| page::transition(locale, &part));
            self.send(writer.take(), false).await?;
        }
        let (rest, whole) = writer.finish();
        self.page(|| page::end(locale, &whole));
        self.send(rest, true).await
    }

    /// A page is made beside the document, whose hashes it shows.
    fn page(&mut self, text: impl FnOnce() -> String) {
        if self.form == Form::Page {
            self.out.push_str(&text());
        }
    }

    /// A transition whose rows fit its history: an event of several parts may be in between.
    async fn part(&self, id: TransitionId) -> Result<TransitionPart, Broken> {
        let mut tries = 0;
        loop {
            let Told { row, lines, plans, packets, history } = self.app.model.told(id).await?.ok_or(Broken::Gone(id))?;
            let part = TransitionPart { history, lines, packets, plans, transition: row };
            tries += 1;
            // where they never fit, the dossier is made all the same: who checks it is told what does not
            if tries >= TRIES || faults(&part).is_empty() {
                return Ok(part);
            }
            self.app.ports.clock.sleep(PAUSE).await;
        }
    }

    async fn send(&mut self, document: String, last: bool) -> Result<(), Broken> {
        if self.form == Form::Json {
            self.out.push_str(&document);
        }
        if self.out.len() < PIECE_BYTES && !last {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.out));
        tokio::select! {
            given = self.give.send(Ok(piece)) => given.map_err(|_| Broken::Client),
            () = self.app.ports.clock.sleep(self.app.settings.piece_time) => Err(Broken::Client),
        }
    }
}
