//! Idempotency: under one `MS-RequestId` a request has one answer.
//!
//! The key is taken before anyone is asked, and the answer is stored once whoever decides has decided. In between, the same
//! request again asks again, under the same request id, which is answered the same; a different request under the key is refused.

use super::{answer::Answer, context::Context, errors::ApiError};
use crate::{
    app::App,
    model::Reserved,
    words::{Locale, words},
};
use sha2::{Digest as _, Sha256};
use std::{fmt::Write as _, future::Future};

/// Gives the stored answer, or does `work` and stores its answer if it is one for good.
pub(crate) async fn once<F>(app: &App, context: &Context, target: &str, body_hash: &str, work: F) -> Result<Answer, ApiError>
where
    F: Future<Output = Result<Answer, ApiError>> + Send,
{
    let (caller, request) = (context.caller.key(), context.request_id);
    match app.model.reserve(caller, request, target, body_hash, app.ports.clock.now()).await? {
        // in the language of the request that was answered; before answers said so, that was English
        Reserved::Answered(answer) => return Ok(Answer::from(answer).in_language(Locale::English)),
        Reserved::Another => {
            let text = words!(
                "The MS-RequestId {} was used for another request. A new request needs a new one.",
                "Le MS-RequestId {} a servi pour une autre requête. Une nouvelle requête en demande un nouveau.",
                context.given_id
            );
            return Err(ApiError::bad_input("RequestIdReused", text));
        }
        Reserved::UnderWay => {}
    }
    let answer = match work.await {
        Ok(answer) => answer.in_language(context.locale),
        Err(error) if error.is_definite() => Answer::error(&error, context.correlation_id, context.locale),
        Err(error) => return Err(error),
    };
    Ok(app.model.answer(caller, request, answer.into_stored()).await?.into())
}

/// What a body is known by.
pub(crate) fn hash(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
