//! What happens before and after every handler: ids, who asks, the path in lower case, a time limit, errors written out.

use super::{answer::Answer, bearer, context::Context, errors::ApiError, measured::Measured, spans};
use crate::{
    app::App,
    portal,
    words::{Locale, words},
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{
        HeaderMap, HeaderValue, Uri,
        header::{AUTHORIZATION, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE},
        uri::PathAndQuery,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use planshift_telemetry::under;
use tokio::sync::oneshot;

/// The paths that take documents may take longer.
const DOCUMENTS: [&str; 7] = [
    "/v1/accounts",
    "/v1/productupgrades/batches",
    "/v1/usage",
    "/v1/invoices",
    "/portal/batches/upload",
    "/portal/billing/usage",
    "/portal/billing/invoices",
];

/// An invoice of the portal that a corrected file replaces.
const REPLACED: (&str, &str) = ("/portal/billing/invoices/", "/replace");

/// Does a document come with a request to this path?
fn takes_a_document(path: &str) -> bool {
    DOCUMENTS.contains(&path) || (path.starts_with(REPLACED.0) && path.ends_with(REPLACED.1))
}

pub(crate) async fn surround(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let (mut context, wrong) = Context::new(request.method(), request.headers(), &app.ports);
    let method = request.method().clone();
    let measured = Measured::begin(&app.metrics, &method);
    let mut span = spans::begin(&app.ports.tracer, &request, &context.trace);
    context.trace = span.context().clone();
    *request.uri_mut() = in_lower_case(request.uri());
    let signs_in_elsewhere = app.authenticator.sign_in().is_some();
    let asked = || portal::Asked::new(&method, request.uri(), request.headers(), signs_in_elsewhere);
    let page = portal::is_here(request.uri().path()).then(asked);
    if let Some(page) = &page {
        context.locale = page.locale();
    }
    let caller = bearer::caller(&app, request.method(), request.uri().path(), request.headers()).await;
    // nothing behind this needs the secret, so nothing can give it away
    request.headers_mut().remove(AUTHORIZATION);
    let refused = match caller {
        Ok(caller) => {
            context.set_caller(caller);
            wrong
        }
        Err(error) => Some(error),
    };
    let response = match refused {
        Some(error) => error.into_response(),
        None => {
            request.extensions_mut().insert(context.clone());
            handle(&app, &context, request, next).await
        }
    };
    let response = finish(&context, page.as_ref(), response);
    spans::finish(&mut span, &method, &context, &response);
    measured.finish(&response);
    response
}

/// Runs the handler on its own: a client that goes away must not cut a transaction in two.
async fn handle(app: &App, context: &Context, request: Request, next: Next) -> Response {
    let limit = if takes_a_document(request.uri().path()) { app.settings.import_time } else { app.settings.request_time };
    let (done, response) = oneshot::channel();
    let (under_way, trace) = (app.under_way.clone(), context.trace.clone());
    let work = app.ports.spawn.spawn(Box::pin(async move {
        // nobody may be there any more to take the response
        let _ = done.send(under(trace, next.run(request)).await);
        drop(under_way);
    }));
    drop(work); // it goes on
    let _tells_that_the_client_is_gone = context.gone.clone().drop_guard();
    tokio::select! {
        response = response => response.unwrap_or_else(|_| ApiError::internal(&"a handler ended without an answer").into_response()),
        () = app.ports.clock.sleep(limit) => {
            let text = words!(
                "It takes longer than a request may. It goes on: ask again with the same MS-RequestId.",
                "Le traitement dépasse la durée permise à une requête. Il se poursuit : redemandez avec le même MS-RequestId."
            );
            ApiError::unavailable(text).into_response()
        }
    }
}

/// Writes out an error, says in which language the answer is, and hands the ids back.
fn finish(context: &Context, page: Option<&portal::Asked>, mut response: Response) -> Response {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let as_page = page.and_then(|page| page.error(&error, context));
        let mut written = as_page.unwrap_or_else(|| Answer::error(&error, context.correlation_id, context.locale).into_response());
        for (name, value) in response.headers() {
            // `Allow` of a 405, for example; the body's own headers are those of the written one
            if !written.headers().contains_key(name) && name != CONTENT_LENGTH {
                written.headers_mut().append(name.clone(), value.clone());
            }
        }
        // it says which path of the router it was, for the span and the series of the request
        if let Some(path) = response.extensions_mut().remove::<MatchedPath>() {
            written.extensions_mut().insert(path);
        }
        response = written;
    }
    if let Some(page) = page {
        response = page.finish(response);
    }
    name_language(response.headers_mut(), context.locale);
    context.stamp(response.headers_mut());
    response
}

/// What is JSON is in the language that was asked for; pages and plain texts are in English. Where an answer says otherwise, it knows better.
fn name_language(headers: &mut HeaderMap, locale: Locale) {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let language = match kind.split('/').next() {
        Some("application") if kind.starts_with("application/json") => locale,
        Some("text") => Locale::English,
        _ => return,
    };
    headers.entry(CONTENT_LANGUAGE).or_insert(HeaderValue::from_static(language.tag()));
}

/// Partner Center's paths are without regard to case, and what is in ours are GUIDs. The query stays as it is.
fn in_lower_case(uri: &Uri) -> Uri {
    let path = uri.path().to_ascii_lowercase();
    let path = path.strip_suffix('/').unwrap_or(&path);
    let path = if path.is_empty() { "/" } else { path };
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    // what was a path is one in lower case too
    parts.path_and_query = PathAndQuery::try_from(path_and_query).ok().or(parts.path_and_query);
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corrected_invoice_has_the_time_of_one_that_is_brought() {
        let id = "c4454b3d-f2ff-58f0-bde1-e95b93510e22";
        for path in ["/v1/invoices", "/portal/billing/invoices", &format!("/portal/billing/invoices/{id}/replace")] {
            assert!(takes_a_document(path), "{path}");
        }
        for path in ["/portal/billing", &format!("/portal/billing/invoices/{id}"), &format!("/portal/billing/invoices/{id}/withdraw")] {
            assert!(!takes_a_document(path), "{path}");
        }
    }
}
