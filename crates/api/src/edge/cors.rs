//! Which pages of others may call (the Fetch standard's CORS protocol).
//!
//! Credentials in its sense, cookies, are not allowed: the API knows none, and its tokens travel in headers that a page
//! sets itself.

use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW,
    HeaderMap, HeaderValue, ORIGIN, VARY,
};

/// What a page may send.
const REQUEST_HEADERS: &str = "Authorization, Content-Type, If-Match, If-None-Match, X-API-Key, X-Refresh-Token, X-Request-ID";
/// What a page may read of an answer, beside what every page may.
const RESPONSE_HEADERS: &str =
    "ETag, Link, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-ID";
/// For so many seconds a browser need not ask again.
const MAX_AGE: &str = "600";

/// An exact list of origins, as browsers write them; an empty one allows none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cors(Vec<String>);

/// What an answer says of it.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    /// The caller's, where it is in the list.
    origin: Option<HeaderValue>,
    is_preflight: bool,
}

impl Cors {
    /// Origins such as `https://app.example.com`.
    pub fn new(origins: Vec<String>) -> Self {
        Self(origins)
    }

    /// What the answer to this request has to say: without a list, nothing.
    pub(super) fn shared(&self, method: &Method, headers: &HeaderMap) -> Option<Shared> {
        if self.0.is_empty() {
            return None;
        }
        let listed =
            |origin: &&HeaderValue| self.0.iter().any(|it| it.as_bytes() == origin.as_bytes());
        let mut sent = headers.get_all(ORIGIN);
        let origin = match (sent.next(), sent.next()) {
            (Some(origin), None) => Some(origin),
            (None | Some(_), _) => None,
        };
        Some(Shared {
            origin: origin.filter(listed).cloned(),
            is_preflight: *method == Method::OPTIONS
                && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD),
        })
    }
}

impl Shared {
    /// On every answer, failures too, so that the page learns what is wrong.
    pub(super) fn set_headers(&self, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = &self.origin else {
            return;
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if !self.is_preflight {
            let exposed = HeaderValue::from_static(RESPONSE_HEADERS);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
            return;
        }
        if let Some(methods) = headers.get(ALLOW).cloned() {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
            (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
