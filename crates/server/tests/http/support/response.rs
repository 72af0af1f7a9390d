//! An answer, and what is asserted of it. A failed assertion shows the whole answer.

use super::fields;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::fmt;

/// An answer.
#[derive(Clone)]
pub(crate) struct Response {
    /// The method and the path that were asked.
    pub(crate) request: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Response {
    /// The same, if it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// The body.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// A text of the body.
    #[track_caller]
    pub(crate) fn text(&self, field: &str) -> String {
        match self.json().get(field) {
            Some(Value::String(text)) => text.clone(),
            Some(_) | None => panic!("no text {field} in {self}"),
        }
    }

    /// The items of the body, which is an array.
    #[track_caller]
    pub(crate) fn items(&self) -> Vec<Value> {
        let body = self.json();
        let items = body.as_array();
        items.unwrap_or_else(|| panic!("no array: {self}")).clone()
    }

    /// The header, or nothing; it must not be there twice.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(values.next().is_none(), "{name} is there twice in {self}");
        Some(value.to_str().expect("a header of ASCII"))
    }

    /// The body of a problem with this status and code; everything that RFC 9457 and the contract ask for is there.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self}");
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self}"
        );
        let body = self.json();
        let mut names = vec!["code", "detail", "request_id", "status", "title", "type"];
        if code == "validation_failed" {
            names.push("errors");
        }
        let expected: std::collections::BTreeSet<_> = names.into_iter().collect();
        assert_eq!(fields(&body), expected, "{self}");
        assert_eq!(body["code"], code, "{self}");
        assert_eq!(body["status"], status, "{self}");
        assert_eq!(
            body["request_id"].as_str(),
            self.header("x-request-id"),
            "{self}"
        );
        body
    }

    /// The detail of a failure of this kind in the shape of Django REST framework.
    #[track_caller]
    pub(crate) fn detail(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{self}");
        let kind = self.header("content-type");
        assert_eq!(kind, Some("application/json"), "{self}");
        let body = self.json();
        let expected = ["detail", "code"].into_iter().collect();
        assert_eq!(fields(&body), expected, "{self}");
        assert_eq!(body["code"], code, "{self}");
        self.text("detail")
    }

    /// A failure of this kind, in the shape that belongs to the path.
    #[track_caller]
    pub(crate) fn refusal(&self, status: u16, code: &str) {
        let path = self.request.split(' ').nth(1).unwrap_or_default();
        let is_below = |root: &str| path == root || path.starts_with(&format!("{root}/"));
        let ours = ["/api/v1", "/api/docs", "/api/openapi.json"];
        let is_ours = path.trim_end_matches('/') == "/api" || ours.into_iter().any(is_below);
        if is_below("/api") && !is_ours {
            self.detail(status, code);
        } else {
            self.problem(status, code);
        }
    }

    /// The messages about each bad field.
    #[track_caller]
    pub(crate) fn errors(&self) -> Value {
        self.problem(400, "validation_failed")["errors"].clone()
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", self.request, self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        write!(f, "\n{}", self.body)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
