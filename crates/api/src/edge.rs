//! What every request and every answer passes: the host is checked, a trailing slash taken off, a request id given,
//! the headers of security set, a problem rendered, a page made for a browser, a panic caught, and one line logged.

mod cors;
mod host;
mod limits;
mod proxies;
mod span;

pub use cors::Cors;
pub use host::AllowedHosts;
pub(crate) use limits::whole_seconds;
pub use proxies::TrustedProxies;
pub(crate) use proxies::client_address;
pub use span::{RequestSpan, Spans};

use crate::dialect::{Asked, Dialect};
use crate::extract::RequestId;
use crate::pages::{self, Form};
use crate::problem::{Code, Problem};
use crate::routes::operations;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, VARY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::uri::{PathAndQuery, Uri};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use cors::Shared;
use doorward_domain::UserId;
use doorward_metrics::{Requests, Route, UNMATCHED};
use doorward_services::throttle::{Budget, told};
use futures_util::FutureExt;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use uuid::Uuid;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest that all header fields may be together, in bytes.
const MAX_HEADERS: usize = 16 * 1024;

/// Paths that probes ask by address, with whatever `Host`.
const PROBED: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// The edge of the service: wrap it around the application, outside of everything else.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Which hosts are served.
    pub allowed_hosts: Arc<AllowedHosts>,
    /// Which pages of others may call.
    pub cors: Arc<Cors>,
    /// Whether clients come over HTTPS; they are then told to stay there.
    pub is_tls: bool,
    /// Set when the server is about to stop: every answer then closes its connection, so that no request meets a
    /// connection that is being closed.
    pub is_draining: Arc<AtomicBool>,
    /// Where requests are counted.
    pub requests: Requests,
    /// Who is told of each request, where somebody is.
    pub spans: Option<Arc<dyn Spans>>,
}

impl Edge {
    /// The middleware, for `actix_web::middleware::from_fn`.
    ///
    /// # Errors
    /// None but a panic of a handler, which is answered with 500 instead of a closed connection.
    pub async fn around(
        self: Rc<Self>,
        mut request: ServiceRequest,
        next: Next<BoxBody>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let mut line = Line::begin(&request, Rc::clone(&self));
        if !request.method().is_safe() {
            // Only what changes something is asked where it came from.
            let id = RequestId(line.request_id.clone());
            request.extensions_mut().insert(id);
        }
        if let Err(problem) = check(&self.allowed_hosts, &request) {
            let refused = finish(problem.error_response(), &line, Some(request.request()));
            return Ok(request.into_response(refused));
        }
        trim_trailing_slash(&mut request);
        if line.form == Form::Page {
            pages::prepare(&mut request);
        }
        let is_reading = request.method().is_safe();
        let called = AssertUnwindSafe(next.call(request)).catch_unwind();
        // What only reads has no budget, and pays nothing for those of others.
        let called = if is_reading {
            called.await
        } else {
            let (called, budgets) = told(called).await;
            line.budgets = budgets;
            called
        };
        match called {
            Ok(Ok(response)) => {
                let (request, response) = response.into_parts();
                let mut response = finish(response, &line, Some(&request));
                if line.form == Form::Page {
                    response = pages::render(&request, response, operations());
                }
                Ok(ServiceResponse::new(request, response))
            }
            Ok(Err(error)) => Err(Unanswered::new(Problem::of_error(&error), line).into()),
            Err(_panic) => {
                let problem = Problem::new(Code::InternalError).because("a handler panicked");
                Err(Unanswered::new(problem, line).into())
            }
        }
    }
}

fn check(allowed_hosts: &AllowedHosts, request: &ServiceRequest) -> Result<(), Problem> {
    let length = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
    if request.headers().iter().map(length).sum::<usize>() > MAX_HEADERS {
        return Err(Problem::new(Code::HeadersTooLarge));
    }
    if PROBED.contains(&request.path().trim_end_matches('/')) {
        return Ok(());
    }
    allowed_hosts.check(request.headers(), request.uri())
}

/// What is kept of a request for its answer and for the log.
#[derive(Debug, Clone)]
struct Line {
    edge: Rc<Edge>,
    method: Method,
    path: String,
    form: Form,
    dialect: Dialect,
    content_type: Option<HeaderValue>,
    request_id: HeaderValue,
    began: Instant,
    cors: Option<Shared>,
    /// In which trace the client is, where anybody is told.
    trace: Option<HeaderValue>,
    /// What the use case has drawn on.
    budgets: Vec<Budget>,
}

impl Line {
    fn begin(request: &ServiceRequest, edge: Rc<Edge>) -> Self {
        let trace = edge.spans.as_ref();
        let trace = trace.and_then(|_| request.headers().get(span::TRACEPARENT));
        Self {
            method: request.method().clone(),
            path: request.path().to_owned(),
            form: Form::of(request),
            dialect: Dialect::of(request.match_info()),
            content_type: request.headers().get(CONTENT_TYPE).cloned(),
            request_id: request_id(request.headers()),
            began: Instant::now(),
            cors: edge.cors.shared(request.method(), request.headers()),
            trace: trace.cloned(),
            budgets: Vec::new(),
            edge,
        }
    }

    fn request_id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }

    /// What a failure says in the shape that is read on this path, and that shape's media type.
    fn render(&self, problem: &Problem) -> (HeaderValue, Vec<u8>) {
        let content_type = self.content_type.as_ref();
        let asked = Asked {
            method: self.method.as_str(),
            content_type: content_type.map_or("", |kind| kind.to_str().unwrap_or_default()),
            request_id: self.request_id(),
        };
        self.dialect.render(problem, asked)
    }

    /// Counts the request and tells of it: in the log, and where traces are gathered. The path stays out, since it may hold
    /// ids and what somebody has pasted there.
    fn tell(
        &self,
        status: StatusCode,
        problem: Option<&Problem>,
        route: Option<&Arc<Route>>,
        user: Option<UserId>,
    ) {
        let took = self.began.elapsed();
        let (method, request_id, status) =
            (self.method.as_str(), self.request_id(), status.as_u16());
        if let Some(counted) = route {
            counted.answered(method, status, took);
        }
        let route = route.map_or(UNMATCHED, |route| route.pattern());
        if let Some(spans) = &self.edge.spans {
            spans.ended(&RequestSpan {
                method,
                route,
                status,
                request_id,
                took,
                parent: self.trace.as_ref().and_then(|trace| trace.to_str().ok()),
            });
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let code = problem.map(|problem| problem.code.as_str());
        let cause = problem.and_then(|problem| problem.cause.as_deref());
        let user_id = user.as_ref().map(tracing::field::display);
        if status >= 500 {
            tracing::error!(
                method, route, status, micros, request_id, user_id, code, cause, "request"
            );
        } else {
            tracing::info!(
                method, route, status, micros, request_id, user_id, code, cause, "request"
            );
        }
    }
}

/// The caller's own id where it is harmless, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_harmless = |id: &&HeaderValue| {
        let bytes = id.as_bytes();
        (1..=64).contains(&bytes.len())
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
    };
    headers
        .get(X_REQUEST_ID)
        .filter(is_harmless)
        .cloned()
        .unwrap_or_else(|| {
            let mut text = Uuid::encode_buffer();
            let id = Uuid::new_v4().simple().encode_lower(&mut text);
            HeaderValue::from_str(id).unwrap_or_else(|_hex_is_ascii| HeaderValue::from_static("-"))
        })
}

/// Both forms of every path are one route, and no redirect loses a body.
fn trim_trailing_slash(request: &mut ServiceRequest) {
    let path = request.path();
    if path.len() < 2 || !path.ends_with('/') {
        return;
    }
    let mut parts = request.uri().clone().into_parts();
    let Some(target) = parts.path_and_query.as_ref() else {
        return;
    };
    let path = target.path().strip_suffix('/').unwrap_or_default();
    let trimmed = match target.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    parts.path_and_query = PathAndQuery::try_from(trimmed).ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

/// Renders a problem, sets the headers, counts the request and logs the line. Without a request it is found out by the path
/// how it was routed.
fn finish(mut response: HttpResponse, line: &Line, request: Option<&HttpRequest>) -> HttpResponse {
    let status = response.status();
    let reported = response.extensions_mut().remove::<Problem>();
    let problem =
        reported.or_else(|| is_bare_failure(&response).then(|| Problem::of_status(status)));
    if let Some(problem) = &problem {
        response = render(response, problem, line);
    }
    set_headers(response.headers_mut(), status, line);
    if line.edge.is_draining.load(Ordering::Acquire) {
        let close = ConnectionType::Close;
        response.head_mut().set_connection_type(close);
    }
    if let Some(request) = request {
        let user = request.extensions().get::<UserId>().copied();
        line.tell(status, problem.as_ref(), request.app_data(), user);
    } else {
        let requests = &line.edge.requests;
        let route = requests.matching(&line.path);
        let route = route.or_else(|| requests.matching(UNMATCHED));
        line.tell(status, problem.as_ref(), route.as_ref(), None);
    }
    response
}

/// The framework's own refusals say nothing; an answer with a body has said what it means.
fn is_bare_failure(response: &HttpResponse) -> bool {
    let is_empty = matches!(response.body().size(), BodySize::None | BodySize::Sized(0));
    response.status().as_u16() >= 400 && is_empty
}

fn render(mut response: HttpResponse, problem: &Problem, line: &Line) -> HttpResponse {
    let (kind, body) = line.render(problem);
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, kind);
    let challenge = problem.challenge();
    if let Some(Ok(challenge)) = challenge.map(|text| HeaderValue::from_str(&text)) {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(wait) = problem.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    }
    response.set_body(BoxBody::new(body))
}

/// What an answer does not say otherwise is for nobody's cache.
fn set_headers(headers: &mut HeaderMap, status: StatusCode, line: &Line) {
    headers.insert(X_REQUEST_ID, line.request_id.clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(REFERRER_POLICY) {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        headers.insert(CONTENT_SECURITY_POLICY, nothing);
    }
    if line.edge.is_tls {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    if let Some(shared) = &line.cors {
        shared.set_headers(headers);
    }
    limits::tell(headers, &line.budgets);
    if line.form != Form::Fixed {
        headers.append(VARY, HeaderValue::from_static("Accept"));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE && !headers.contains_key(RETRY_AFTER) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// A failure that left no response to finish.
#[derive(Debug)]
struct Unanswered {
    problem: Problem,
    line: Line,
}

impl Unanswered {
    fn new(problem: Problem, line: Line) -> Self {
        Self { problem, line }
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl ResponseError for Unanswered {
    fn status_code(&self) -> StatusCode {
        self.problem.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        finish(self.problem.error_response(), &self.line, None)
    }
}
