//! A router that knows its paths, so that a test can walk all of them.

use crate::app::App;
use axum::{Router, routing::MethodRouter};

/// Routes, in the order in which they were added.
#[derive(Default)]
pub(super) struct Routes {
    router: Router<App>,
    paths: Vec<&'static str>,
}

impl Routes {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// As [`Router::route`].
    pub(super) fn route(mut self, path: &'static str, methods: MethodRouter<App>) -> Self {
        self.paths.push(path);
        self.router = self.router.route(path, methods);
        self
    }

    /// Where there are routes.
    pub(super) fn paths(self) -> Vec<&'static str> {
        self.paths
    }

    /// All of them, for requests.
    pub(super) fn into_router(self) -> Router<App> {
        self.router
    }
}
