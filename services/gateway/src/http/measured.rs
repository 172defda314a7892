//! What is counted of each request: how many, how long, how many at once.

use axum::{extract::MatchedPath, http::Method, response::Response};
use planshift_worker::metrics::{HTTP_IN_FLIGHT, HTTP_REQUESTS, HTTP_TIME, Metrics};
use std::time::Instant;

/// A request that is being answered. One that is dropped unfinished, with its client, is under way no more and not counted.
pub(super) struct Measured {
    metrics: Metrics,
    method: &'static str,
    begun: Instant,
}

impl Measured {
    pub(super) fn begin(metrics: &Metrics, method: &Method) -> Self {
        metrics.change(HTTP_IN_FLIGHT, &[], 1.0);
        Self { metrics: metrics.clone(), method: name_of(method), begun: Instant::now() }
    }

    /// It is answered.
    pub(super) fn finish(self, response: &Response) {
        // the path as the router has it, never as it was asked for: what is in it would make series without end
        let route = response.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
        let labels = [("method", self.method), ("route", route)];
        self.metrics.observe(HTTP_TIME, &labels, self.begun.elapsed().as_secs_f64());
        let [method, route] = labels;
        self.metrics.add(HTTP_REQUESTS, &[method, route, ("status", class_of(response.status().as_u16()))], 1);
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        self.metrics.change(HTTP_IN_FLIGHT, &[], -1.0);
    }
}

fn name_of(method: &Method) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

const fn class_of(status: u16) -> &'static str {
    match status {
        0..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::StatusCode};

    #[test]
    fn methods_and_paths_that_somebody_makes_up_are_one_series() {
        let metrics = Metrics::new();
        for method in ["BREW", "GET", "PROPFIND"] {
            let measured = Measured::begin(&metrics, &Method::from_bytes(method.as_bytes()).unwrap());
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_FOUND;
            measured.finish(&response);
        }
        drop(Measured::begin(&metrics, &Method::GET));
        let of = |method| metrics.get(HTTP_REQUESTS, &[("method", method), ("route", "none"), ("status", "4xx")]);
        assert_eq!((of("other"), of("GET"), of("POST")), (2, 1, 0));
        assert!(metrics.text().contains("\nplanshift_http_in_flight 0\n"), "{}", metrics.text());
    }
}
