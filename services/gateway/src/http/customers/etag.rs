//! What Partner Center's resources have in common beside links: their ETags.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;
use std::fmt::Display;

/// The ETag of a resource of that id in that version. Source: the domain's section 5.1.
pub(super) fn etag(id: impl Display, version: u64) -> String {
    BASE64_STANDARD.encode(json!({ "id": id.to_string(), "version": version }).to_string())
}
