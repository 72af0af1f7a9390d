//! What traces are told of a request.

use actix_web::http::header::HeaderName;
use std::fmt;
use std::time::Duration;

/// In which trace a client is (W3C Trace Context).
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A request that was answered just now.
#[derive(Debug, Clone, Copy)]
pub struct RequestSpan<'a> {
    /// Its method.
    pub method: &'a str,
    /// The pattern of its route, never its path.
    pub route: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// The id that the answer has, too.
    pub request_id: &'a str,
    /// How long it took.
    pub took: Duration,
    /// The client's `traceparent`, as it came.
    pub parent: Option<&'a str>,
}

/// Somebody who gathers traces.
pub trait Spans: Send + Sync + fmt::Debug {
    /// Told of each request, on the thread that serves it: so it must be quick.
    fn ended(&self, span: &RequestSpan<'_>);
}
