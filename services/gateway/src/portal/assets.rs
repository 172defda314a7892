//! Style and scripts: written by hand, in the program itself, compressed once, under names that change when they change. So a browser
//! keeps them for good, and never has an old one.

use crate::http::{ApiError, hex};
use axum::{
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};
use std::{io::Write as _, sync::LazyLock};

/// How hard a page is compressed, which is written once for one reader.
pub(super) const QUICK: u32 = 4;
/// How hard what is kept is compressed, once for all.
const THOROUGH: u32 = 9;
/// How many hexadecimal digits of its hash are in a name.
const DIGITS: usize = 12;

/// Something that pages load.
pub(super) struct Asset {
    /// Where it is.
    pub(super) path: String,
    etag: String,
    kind: &'static str,
    plain: &'static str,
    compressed: Vec<u8>,
}

impl Asset {
    fn new(name: &str, ending: &str, kind: &'static str, plain: &'static str) -> Self {
        let hash = &hex(&Sha256::digest(plain.as_bytes()))[..DIGITS];
        Self {
            path: format!("/portal/assets/{name}.{hash}.{ending}"),
            etag: format!("\"{hash}\""),
            kind,
            plain,
            compressed: gzip(plain.as_bytes(), THOROUGH),
        }
    }
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The style of every page.
pub(super) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("portal", "css", "text/css; charset=utf-8", include_str!("assets/portal.css")));
/// What every page does beyond what it does without.
pub(super) static COMMON: LazyLock<Asset> = LazyLock::new(|| Asset::new("portal", "js", SCRIPT, include_str!("assets/portal.js")));
/// A transition that moves.
pub(super) static LIVE: LazyLock<Asset> = LazyLock::new(|| Asset::new("live", "js", SCRIPT, include_str!("assets/live.js")));
/// The mark in the browser's tab.
pub(super) static MARK: LazyLock<Asset> = LazyLock::new(|| Asset::new("mark", "svg", "image/svg+xml", include_str!("assets/mark.svg")));

/// Compressed.
pub(super) fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::new(level));
    // what is written to memory does not fail
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// `GET /portal/assets/…`.
pub(super) async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let wanted = format!("/portal/assets/{file}");
    let asset = [&STYLE, &COMMON, &LIVE, &MARK].into_iter().find(|asset| asset.path == wanted);
    let asset = asset.ok_or_else(|| {
        let text = crate::words::words!("There is nothing under this path.", "Il n’y a rien à ce chemin d’accès.");
        ApiError::new(StatusCode::NOT_FOUND, "404", "NotFound", text)
    })?;
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let mut response = if text(header::IF_NONE_MATCH).split(',').any(|tag| tag.trim() == asset.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if text(header::ACCEPT_ENCODING).contains("gzip") {
        let mut response = Response::new(Body::from(asset.compressed.clone()));
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    } else {
        Response::new(Body::from(asset.plain))
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::try_from(&asset.etag) {
        headers.insert(header::ETAG, etag);
    }
    Ok(response)
}
