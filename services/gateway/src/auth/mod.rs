//! Who asks: bearer tokens, and what each of them is good for.
//!
//! There are two kinds. The local token is made at the first start and is an operator's. Tokens that an OpenID provider has signed
//! say which partner somebody belongs to (`tid`) and in which role. Which right a path needs is in [`crate::http::RULES`].
//!
//! | file | holds |
//! |---|---|
//! | `local` | the local token, and the file that it lies in |
//! | `oidc`, `client` | settings of an OpenID provider, and of signing in there |
//! | `provider` | its documents, fetched, and its codes, exchanged |
//! | `signing_in` | the way to the provider and back, of whoever signs in |
//! | `keys` | its keys, kept fresh |
//! | `claims` | what a token says, and whether it counts |
//! | `caller` | who asks, with which right |
//! | `check` | from a request's headers to its caller |
//! | `pace` | how fast a partner may ask |

mod caller;
mod check;
mod claims;
mod client;
mod keys;
mod local;
mod oidc;
mod pace;
mod provider;
mod signing_in;

pub(crate) use caller::Caller;
pub use caller::Right;
pub(crate) use check::{Authenticator, NotSignedIn, Refused};
pub(crate) use claims::Rejected;
pub use client::{ClientOptions, ClientSecret};
pub use local::{LocalToken, LocalTokenError, Made, TOKEN_FILE};
pub use oidc::{InvalidOidc, OidcOptions, OidcSettings};
pub(crate) use pace::Pace;
pub(crate) use provider::told;
pub(crate) use signing_in::{Attempt, NoTokens};

use std::net::SocketAddr;

/// Whose tokens a gateway takes.
#[derive(Clone, Debug)]
pub struct Auth {
    /// The operator's own.
    pub local: LocalToken,
    /// An OpenID provider's, where one is configured.
    pub oidc: Option<OidcSettings>,
    /// It may listen where others than this machine reach it, though only the local token keeps them out.
    pub allow_remote: bool,
}

impl Auth {
    /// Nothing but this local token.
    pub const fn local(token: LocalToken) -> Self {
        Self { local: token, oidc: None, allow_remote: false }
    }

    /// May a gateway with these listen there?
    pub fn may_listen(&self, address: SocketAddr) -> bool {
        address.ip().is_loopback() || self.oidc.is_some() || self.allow_remote
    }
}
