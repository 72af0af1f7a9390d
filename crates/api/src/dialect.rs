//! In which shape a failure is told: there is one problem, and each family of clients reads it in its own bytes.

use crate::edge::whole_seconds;
use crate::problem::{Code, Problem, TokenClass, TokenMessage};
use actix_web::dev::{Path, Url};
use actix_web::http::header::HeaderValue;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Whose shape it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// RFC 9457, below `/api/v1`, where the API tells of itself, and outside of `/api`.
    Canonical,
    /// Django REST framework 3 and simplejwt 5, on the other paths below `/api`: those of older services.
    Django,
}

/// What a body repeats of its request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The method.
    pub(crate) method: &'a str,
    /// The media type of the body, empty where there was none.
    pub(crate) content_type: &'a str,
    /// The request's id.
    pub(crate) request_id: &'a str,
}

/// Django REST framework's words, where they are not ours.
const DETAILS: [(Code, &str); 6] = [
    (Code::MalformedRequest, "Malformed request."),
    (
        Code::NotAuthenticated,
        "Authentication credentials were not provided.",
    ),
    (
        Code::PermissionDenied,
        "You do not have permission to perform this action.",
    ),
    (Code::NotFound, "Not found."),
    (Code::TokenNotValid, "Token is invalid or expired"),
    (Code::InternalError, "A server error occurred."),
];

/// What the services without simplejwt answered with a shape of their own.
const ERRORS: [(Code, &str); 2] = [
    (Code::InvalidCredentials, "Invalid credentials"),
    (Code::InvalidRefreshToken, "Invalid refresh token"),
];

impl Dialect {
    /// That of the clients which ask for this path, as routes are matched with it: percent-encoded letters are decoded.
    pub(crate) fn of(path: &Path<Url>) -> Self {
        Self::of_route(path.as_str())
    }

    /// The same for a path without such letters.
    pub(crate) fn of_route(path: &str) -> Self {
        let is_below = |root: &str| {
            let rest = path.strip_prefix(root);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let ours = ["/api/v1", "/api/docs", "/api/openapi.json"];
        let is_ours = path.trim_end_matches('/') == "/api" || ours.into_iter().any(is_below);
        if is_below("/api") && !is_ours {
            Self::Django
        } else {
            Self::Canonical
        }
    }

    /// The body of a failure and its media type.
    pub(crate) fn render(self, problem: &Problem, asked: Asked<'_>) -> (HeaderValue, Vec<u8>) {
        let (kind, body) = match self {
            Self::Canonical => ("application/problem+json", problem.body(asked.request_id)),
            Self::Django => ("application/json", django(problem, asked)),
        };
        (HeaderValue::from_static(kind), body)
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum DjangoBody<'a> {
    Fields(BTreeMap<&'a str, &'a [String]>),
    Error {
        error: &'a str,
    },
    Detail {
        detail: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        messages: Option<[TokenMessage; 1]>,
    },
}

fn django(problem: &Problem, asked: Asked<'_>) -> Vec<u8> {
    let body = if !problem.errors.is_empty() {
        DjangoBody::Fields(problem.errors.iter().collect())
    } else if let Some(error) = words(&ERRORS, problem.code) {
        DjangoBody::Error { error }
    } else {
        DjangoBody::Detail {
            detail: detail(problem, asked),
            // simplejwt tells everything else by a code, and this by its words.
            code: (problem.code != Code::NoActiveAccount).then_some(problem.code.as_str()),
            // It tells of the kinds of tokens only where it looked for one in the header.
            messages: problem
                .token
                .filter(|class| *class == TokenClass::Access)
                .map(TokenMessage::of),
        }
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

fn detail<'a>(problem: &Problem, asked: Asked<'a>) -> Cow<'a, str> {
    if problem.code == Code::MethodNotAllowed {
        return format!("Method \"{}\" not allowed.", asked.method).into();
    }
    if let (Code::Throttled, Some(wait)) = (problem.code, problem.retry_after) {
        let seconds = whole_seconds(wait);
        let plural = if seconds == 1 { "" } else { "s" };
        return format!("Request was throttled. Expected available in {seconds} second{plural}.")
            .into();
    }
    if problem.code == Code::UnsupportedMediaType {
        return format!(
            "Unsupported media type \"{}\" in request.",
            asked.content_type
        )
        .into();
    }
    let own = problem.detail.or_else(|| words(&DETAILS, problem.code));
    own.unwrap_or_else(|| problem.code.title()).into()
}

fn words(table: &[(Code, &'static str)], code: Code) -> Option<&'static str> {
    let row = table.iter().find(|(known, _)| *known == code);
    row.map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_services::FieldErrors;
    use serde_json::{Value, json};
    use std::time::Duration;

    fn told(problem: &Problem) -> Value {
        let asked = Asked {
            method: "PATCH",
            content_type: "text/plain",
            request_id: "r-1",
        };
        let (kind, body) = Dialect::Django.render(problem, asked);
        assert_eq!(kind, "application/json");
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn the_path_tells_the_dialect() {
        for path in [
            "/api/v1",
            "/api/v1/",
            "/api/v1/users",
            "/api",
            "/api/",
            "/api/docs/nothing",
            "/api/openapi.json",
            "/livez",
            "/",
            "",
            "/apis",
            "/admin/api/x",
        ] {
            assert_eq!(Dialect::of_route(path), Dialect::Canonical, "{path}");
        }
        for path in [
            "/api/users",
            "/api/docsx",
            "/api/v10/users",
            "/api/v2",
            "/api//v1",
        ] {
            assert_eq!(Dialect::of_route(path), Dialect::Django, "{path}");
        }
    }

    #[test]
    fn bad_fields_are_a_map() {
        let problem = Problem::invalid(FieldErrors::one("email", "bad"));
        assert_eq!(told(&problem), json!({ "email": ["bad"] }));
    }

    #[test]
    fn everything_else_has_a_detail_in_djangos_words_and_a_code() {
        for (code, detail) in [
            (
                Code::NotAuthenticated,
                "Authentication credentials were not provided.",
            ),
            (
                Code::PermissionDenied,
                "You do not have permission to perform this action.",
            ),
            (Code::NotFound, "Not found."),
            (Code::MethodNotAllowed, "Method \"PATCH\" not allowed."),
            (
                Code::UnsupportedMediaType,
                "Unsupported media type \"text/plain\" in request.",
            ),
            (Code::TokenNotValid, "Token is invalid or expired"),
            (Code::MalformedRequest, "Malformed request."),
            (Code::Unavailable, "The service cannot answer now"),
        ] {
            let expected = json!({ "detail": detail, "code": code.as_str() });
            assert_eq!(told(&Problem::new(code)), expected);
        }
        let own = Problem::new(Code::PermissionDenied).detail("Only an owner may give this role.");
        assert_eq!(told(&own)["detail"], "Only an owner may give this role.");
    }

    #[test]
    fn who_has_to_wait_is_told_for_how_long_and_never_too_short() {
        for (millis, said) in [
            (1, "1 second."),
            (1001, "2 seconds."),
            (60_000, "60 seconds."),
        ] {
            let problem = Problem {
                retry_after: Some(Duration::from_millis(millis)),
                ..Problem::new(Code::Throttled)
            };
            let detail = format!("Request was throttled. Expected available in {said}");
            assert_eq!(
                told(&problem),
                json!({ "detail": detail, "code": "throttled" })
            );
        }
    }

    #[test]
    fn a_cause_is_never_sent() {
        for code in Code::ALL {
            let body = told(&Problem::new(*code).because("SELECT secret"));
            assert!(!body.to_string().contains("SELECT"), "{body}");
        }
    }

    #[test]
    fn what_the_older_services_answered_with_another_shape_has_it() {
        for (code, body) in [
            (
                Code::NoActiveAccount,
                json!({ "detail": "No active account found with the given credentials" }),
            ),
            (
                Code::InvalidCredentials,
                json!({ "error": "Invalid credentials" }),
            ),
            (
                Code::InvalidRefreshToken,
                json!({ "error": "Invalid refresh token" }),
            ),
        ] {
            assert_eq!(told(&Problem::new(code)), body);
        }
    }
}
