//! Answers as pages, for browsers: the status, the headers and the JSON, with a form for each method of the route.

mod json;

use crate::openapi::{Operation, Shown};
use crate::routes::asset;
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderValue, IF_NONE_MATCH, LINK,
};
use askama::Template;
use percent_encoding::percent_decode_str;

/// Everything comes from this very server, and no script or style stands in the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html";

/// In which form a request's answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// There is but one.
    Fixed,
    /// As JSON, since no browser asks; it would be a page otherwise.
    Json,
    /// As a page.
    Page,
}

impl Form {
    /// What `request` asks for: reads of the API are pages for those that accept `text/html` first.
    pub(crate) fn of(request: &ServiceRequest) -> Self {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if !is_read || !is_shown(request.path()) {
            Self::Fixed
        } else if prefers_html(request.headers()) && !asks_for_json(request.query_string()) {
            Self::Page
        } else {
            Self::Json
        }
    }
}

/// A page has no version of its own, so none that the client has is compared.
pub(crate) fn prepare(request: &mut ServiceRequest) {
    request.headers_mut().remove(IF_NONE_MATCH);
}

fn is_shown(path: &str) -> bool {
    let below = |root: &str| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    // What is a page already, what is too long for one, and what a proxy asks, who shows a refusal to its own clients.
    let others = ["/api/docs", "/api/openapi.json", "/api/v1/auth/forward"];
    below("/api") && !others.into_iter().any(below)
}

/// Whether the first that is accepted is `text/html`, and it is accepted at all (RFC 9110, 12.4.2: `q=0` is "not").
fn prefers_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).map(HeaderValue::as_bytes);
    // Nearly all clients of the API end here.
    let Some((kind, rest)) = accepted.and_then(|it| it.split_at_checked(HTML.len())) else {
        return false;
    };
    let is_html = kind.eq_ignore_ascii_case(HTML.as_bytes());
    let mut parameters = rest.split(|byte| *byte == b',').next().unwrap_or_default();
    parameters = parameters.trim_ascii();
    is_html && (parameters.is_empty() || parameters.starts_with(b";")) && !is_refused(parameters)
}

fn is_refused(parameters: &[u8]) -> bool {
    parameters.split(|byte| *byte == b';').any(|parameter| {
        let weight = str::from_utf8(parameter).unwrap_or_default().trim();
        let weight = weight.strip_prefix("q=").or(weight.strip_prefix("Q="));
        weight.is_some_and(|weight| weight.parse() == Ok(0.0_f32))
    })
}

fn asks_for_json(query: &str) -> bool {
    query.split('&').any(|pair| pair == "format=json")
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    title: &'a str,
    method: &'a str,
    target: String,
    as_json: String,
    status: String,
    headers: Vec<(String, String)>,
    body: String,
    next: Option<String>,
    is_index: bool,
    forms: Vec<OperationForm<'a>>,
    style: &'static str,
    script: &'static str,
}

struct OperationForm<'a> {
    method: &'a str,
    path: &'a str,
    href: Option<String>,
    summary: &'static str,
    who: &'static str,
    parameters: Vec<Parameter>,
    example: Option<String>,
    rows: usize,
}

struct Parameter {
    place: &'static str,
    name: String,
    value: String,
}

/// The finished answer as a page; what is not JSON stays as it is.
pub(crate) fn render(
    request: &HttpRequest,
    response: HttpResponse,
    operations: &[(String, Method, Operation)],
) -> HttpResponse {
    let kind = response.headers().get(CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().ends_with(b"json")) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let body = match body.try_into_bytes() {
        Ok(body) => body,
        Err(stream) => return head.set_body(stream),
    };
    let page = page(request, &head, &body, operations).render();
    let Ok(page) = page else {
        return head.set_body(BoxBody::new(body));
    };
    let headers = head.headers_mut();
    for name in [CONTENT_LENGTH, ETAG] {
        headers.remove(name);
    }
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(CONTENT_TYPE, html);
    let policy = HeaderValue::from_static(POLICY);
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    head.set_body(BoxBody::new(page))
}

fn page<'a>(
    request: &'a HttpRequest,
    head: &HttpResponse<()>,
    body: &[u8],
    operations: &'a [(String, Method, Operation)],
) -> Page<'a> {
    let pattern = request.match_pattern();
    let is_index = pattern.as_deref() == Some("/api");
    let here = |path: &str| is_index || pattern.as_deref() == Some(path);
    let forms = operations
        .iter()
        .filter(|(path, _, _)| here(path))
        .map(|(path, method, operation)| form(request, path, method, operation.shown()));
    let own = operations
        .iter()
        .find(|(path, method, _)| pattern.as_deref() == Some(path) && *method == Method::GET);
    let path = request.path();
    let joint = if request.query_string().is_empty() {
        ""
    } else {
        "&"
    };
    Page {
        title: own.map_or(path, |(_, _, operation)| operation.shown().summary),
        method: request.method().as_str(),
        target: request.uri().to_string(),
        as_json: format!("{path}?{}{joint}format=json", request.query_string()),
        status: head.status().to_string(),
        headers: shown(head.headers()),
        body: json::indented(&String::from_utf8_lossy(body)),
        next: next_page(head.headers()),
        is_index,
        forms: forms.collect(),
        style: asset::path("page.css"),
        script: asset::path("page.js"),
    }
}

fn form<'a>(
    request: &HttpRequest,
    path: &'a str,
    method: &'a Method,
    shown: Shown,
) -> OperationForm<'a> {
    let parameters = shown.parameters.into_iter().map(|(place, name)| {
        let value = match place {
            "path" => request.match_info().get(&name).map(decoded),
            _ => None,
        };
        let value = value.unwrap_or_default();
        Parameter { place, name, value }
    });
    let is_plain = *method == Method::GET && !path.contains('{');
    OperationForm {
        method: method.as_str(),
        path,
        href: is_plain.then(|| path.to_owned()),
        summary: shown.summary,
        who: shown.who,
        parameters: parameters.collect(),
        rows: shown
            .example
            .as_ref()
            .map_or(0, |text| text.lines().count() + 1),
        example: shown.example,
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut shown: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect();
    shown.sort();
    shown
}

/// Where `Link` leads to, if that is a path of ours.
fn next_page(headers: &HeaderMap) -> Option<String> {
    let link = headers.get(LINK)?.to_str().ok()?;
    let target = link.strip_prefix('<')?.split_once(">; rel=\"next\"")?.0;
    target.starts_with("/api/").then(|| target.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_for_those_who_accept_one_first() {
        for (accept, expected) in [
            ("text/html", true),
            ("text/html,application/xhtml+xml,*/*;q=0.8", true),
            ("TEXT/HTML; charset=utf-8 ; q=0.9", true),
            ("text/html;q=0", false),
            ("text/html; Q=0.000, application/json", false),
            ("text/html;level=1;q=0,*/*", false),
            ("text/html5", false),
            ("text/htm", false),
            ("application/json, text/html", false),
            ("*/*", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
            assert_eq!(prefers_html(&headers), expected, "{accept}");
        }
    }
}
