//! The problem: the one place where a failure becomes a status code.
//!
//! A handler's error turns into a [`Problem`] by an exhaustive match on the use case's error, so a new failure does not
//! compile until somebody has picked its code. [`crate::edge`] renders it as RFC 9457 wants it, and logs it once.

#![expect(
    single_use_lifetimes,
    reason = "what derives ToSchema names each lifetime of its type once"
)]

mod of_use_cases;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use doorward_domain::Scope;
use doorward_services::FieldErrors;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

macro_rules! catalogue {
    ($($variant:ident = $status:ident $code:literal $title:literal),+ $(,)?) => {
        /// What can go wrong, by the names that clients may rely on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the title says it")]
        pub enum Code {
            $($variant),+
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code),+
                }
            }

            /// What it means, in a few words.
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title),+
                }
            }

            /// The status of the answer.
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$variant => StatusCode::$status),+
                }
            }
        }
    };
}

catalogue! {
    MalformedRequest = BAD_REQUEST "malformed_request" "The request cannot be understood",
    ValidationFailed = BAD_REQUEST "validation_failed" "Some fields are not valid",
    TooManyApiKeys = BAD_REQUEST "too_many_api_keys" "A user has at most 100 API keys",
    TooManyTasks = BAD_REQUEST "too_many_tasks" "A user has at most 10,000 tasks that have not ended",
    DifferentTokens = BAD_REQUEST "different_tokens" "Two tokens that do not belong together",
    InvalidRefreshToken = BAD_REQUEST "invalid_refresh_token" "The refresh token is not valid or has expired",
    HostNotValid = BAD_REQUEST "host_not_valid" "The Host header is missing or not usable",
    NotAuthenticated = UNAUTHORIZED "not_authenticated" "Authentication credentials were not provided",
    InvalidCredentials = UNAUTHORIZED "invalid_credentials" "Unknown user or wrong password",
    NoActiveAccount = UNAUTHORIZED "no_active_account" "No active account found with the given credentials",
    TokenNotValid = UNAUTHORIZED "token_not_valid" "The token is not valid or has expired",
    ApiKeyNotValid = UNAUTHORIZED "api_key_not_valid" "The API key is not valid or has expired",
    TwoCredentials = UNAUTHORIZED "two_credentials" "More than one credential was sent",
    PermissionDenied = FORBIDDEN "permission_denied" "You may not do this",
    InsufficientScope = FORBIDDEN "insufficient_scope" "The API key does not have the scope for this",
    ApiKeyNotAllowed = FORBIDDEN "api_key_not_allowed" "This is for people who have logged in, not for API keys",
    RegistrationClosed = FORBIDDEN "registration_closed" "Registration is closed",
    NotFound = NOT_FOUND "not_found" "There is nothing here",
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" "This route does not know the method",
    EditConflict = CONFLICT "edit_conflict" "Somebody else has changed this since",
    LastOwner = CONFLICT "last_owner" "There must be an active owner",
    TaskNotPending = CONFLICT "task_not_pending" "The task has begun or ended",
    TaskRunning = CONFLICT "task_running" "The task is running",
    PayloadTooLarge = PAYLOAD_TOO_LARGE "payload_too_large" "The body is longer than 64 KiB",
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "The body is not JSON",
    MisdirectedRequest = MISDIRECTED_REQUEST "misdirected_request" "This host is not served here",
    RequestTimeout = REQUEST_TIMEOUT "request_timeout" "The request did not come in time",
    HeadersTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE "headers_too_large" "The headers are longer than 16 KiB",
    Throttled = TOO_MANY_REQUESTS "throttled" "Too many attempts",
    InternalError = INTERNAL_SERVER_ERROR "internal_error" "Something went wrong here",
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "The service cannot answer now",
    Overloaded = SERVICE_UNAVAILABLE "overloaded" "Too many logins at once",
}

/// A kind of token, by simplejwt's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenClass {
    /// For requests.
    Access,
    /// For the next pair.
    Refresh,
    /// Either.
    Untyped,
}

/// One of simplejwt's `messages`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenMessage {
    token_class: &'static str,
    token_type: &'static str,
    message: &'static str,
}

/// simplejwt's words up to 5.4. Later versions tell "expired" from "invalid", which is nobody's business here.
const INVALID_OR_EXPIRED: &str = "Token is invalid or expired";

impl TokenMessage {
    /// The list for one kind.
    pub(crate) fn of(class: TokenClass) -> [Self; 1] {
        let (token_class, token_type) = match class {
            TokenClass::Access => ("AccessToken", "access"),
            TokenClass::Refresh => ("RefreshToken", "refresh"),
            TokenClass::Untyped => ("UntypedToken", "untyped"),
        };
        [Self {
            token_class,
            token_type,
            message: INVALID_OR_EXPIRED,
        }]
    }
}

/// A failure on its way to a client.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What it is.
    pub code: Code,
    /// What a person may want to know about this occurrence.
    pub detail: Option<&'static str>,
    /// What is wrong with which field.
    pub errors: FieldErrors,
    /// Which kind of token is not valid, where simplejwt would tell.
    pub token: Option<TokenClass>,
    /// Which scope is missing.
    pub scope: Option<Scope>,
    /// When it is worth another try.
    pub retry_after: Option<Duration>,
    /// What is logged and never sent.
    pub cause: Option<Arc<str>>,
}

impl Problem {
    /// A problem of which there is nothing more to say.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            detail: None,
            errors: FieldErrors::default(),
            token: None,
            scope: None,
            retry_after: None,
            cause: None,
        }
    }

    /// The same with something for people to read.
    #[must_use]
    pub fn detail(self, detail: &'static str) -> Self {
        Self {
            detail: Some(detail),
            ..self
        }
    }

    /// The same with something for the log alone.
    #[must_use]
    pub fn because(self, cause: &str) -> Self {
        Self {
            cause: Some(cause.into()),
            ..self
        }
    }

    /// The same under another code, where it is `from`: a dialect has a name of its own for it.
    #[must_use]
    pub(crate) fn renamed(self, from: Code, to: Code) -> Self {
        let code = if self.code == from { to } else { self.code };
        Self { code, ..self }
    }

    /// The same in the words in which simplejwt refuses a token of this kind, where that is what it is.
    #[must_use]
    pub(crate) fn about_token(self, class: TokenClass) -> Self {
        if self.code != Code::TokenNotValid {
            return self;
        }
        let detail = match class {
            TokenClass::Access => "Given token not valid for any token type",
            TokenClass::Refresh | TokenClass::Untyped => INVALID_OR_EXPIRED,
        };
        Self {
            detail: Some(detail),
            token: Some(class),
            ..self
        }
    }

    /// What is wrong with which field.
    pub fn invalid(errors: FieldErrors) -> Self {
        Self {
            errors,
            ..Self::new(Code::ValidationFailed)
        }
    }

    /// What this adds up to when a framework or a library has answered with a bare status.
    pub fn of_status(status: StatusCode) -> Self {
        let code = Code::ALL.iter().find(|code| code.status() == status);
        Self::new(match code {
            Some(code) => *code,
            None if status.is_client_error() => Code::MalformedRequest,
            None => Code::InternalError,
        })
    }

    /// What an error of the framework or of a middleware adds up to.
    pub fn of_error(error: &actix_web::Error) -> Self {
        match error.as_error::<Self>() {
            Some(problem) => problem.clone(),
            None => {
                Self::of_status(error.as_response_error().status_code()).because(&error.to_string())
            }
        }
    }

    /// The body of RFC 9457.
    pub fn body(&self, request_id: &str) -> Vec<u8> {
        let title = self.code.title();
        let body = ProblemBody {
            kind: format!("urn:doorward:problem:{}", self.code.as_str()),
            title,
            status: self.code.status().as_u16(),
            detail: self.detail.unwrap_or(title),
            code: self.code.as_str(),
            request_id,
            errors: self.errors.iter().collect(),
            // Only on simplejwt's own routes: elsewhere a problem has the same fields always.
            messages: self
                .token
                .filter(|class| *class != TokenClass::Access)
                .map(TokenMessage::of),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// A key without the scope that the route asks for.
    pub(crate) fn insufficient_scope(scope: Scope) -> Self {
        let detail = match scope {
            Scope::ProfileRead => "The API key needs the scope profile:read.",
            Scope::ProfileWrite => "The API key needs the scope profile:write.",
            Scope::UsersRead => "The API key needs the scope users:read.",
            Scope::TasksRead => "The API key needs the scope tasks:read.",
            Scope::TasksWrite => "The API key needs the scope tasks:write.",
        };
        Self {
            scope: Some(scope),
            ..Self::new(Code::InsufficientScope).detail(detail)
        }
    }

    /// What a 401 asks for, and a 403 for want of a scope: RFC 6750, section 3.
    pub fn challenge(&self) -> Option<Cow<'static, str>> {
        const REALM: &str = r#"Bearer realm="api""#;
        let error = match (self.code, self.scope) {
            (Code::TokenNotValid | Code::ApiKeyNotValid, _) => r#", error="invalid_token""#,
            (Code::TwoCredentials, _) => r#", error="invalid_request""#,
            (Code::InsufficientScope, Some(scope)) => {
                let challenge = format!(r#"{REALM}, error="insufficient_scope", scope="{scope}""#);
                return Some(challenge.into());
            }
            (code, _) if code.status() == StatusCode::UNAUTHORIZED => "",
            (_, _) => return None,
        };
        Some(format!("{REALM}{error}").into())
    }
}

/// What went wrong (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// A URN that ends with the code.
    #[serde(rename = "type")]
    kind: String,
    /// What the code means.
    title: &'a str,
    /// The status of the answer.
    status: u16,
    /// What there is to say about this occurrence, for people to read.
    detail: &'a str,
    /// What went wrong, by a name that stays.
    #[schema(schema_with = codes)]
    code: &'a str,
    /// The request's name in the log.
    request_id: &'a str,
    /// The messages about each bad field.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    errors: BTreeMap<&'a str, &'a [String]>,
    /// simplejwt's words about a token, on its routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<TokenMessage>, required = false)]
    messages: Option<[TokenMessage; 1]>,
}

fn codes() -> Object {
    let names = Code::ALL.iter().map(|code| code.as_str());
    let text = ObjectBuilder::new().schema_type(Type::String);
    text.enum_values(Some(names)).build()
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    /// Bare, with the problem beside it: [`crate::edge`] knows the request's id and finishes it.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.code.status());
        response.extensions_mut().insert(self.clone());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_body_has_the_fields_of_the_contract() {
        let problem = Problem::invalid(FieldErrors::one("email", "bad"));
        let body: Value = serde_json::from_slice(&problem.body("r-1")).unwrap();
        assert_eq!(
            body,
            json!({
                "type": "urn:doorward:problem:validation_failed", "title": "Some fields are not valid", "status": 400,
                "detail": "Some fields are not valid", "code": "validation_failed", "request_id": "r-1",
                "errors": { "email": ["bad"] },
            })
        );
    }

    #[test]
    fn a_cause_is_never_sent() {
        let error = doorward_services::Internal::from(doorward_services::hashing::Overloaded {
            retry_after: Duration::from_secs(3),
        });
        let problem = Problem::from(error);
        assert!(problem.cause.is_some());
        assert!(
            !String::from_utf8(problem.body("r"))
                .unwrap()
                .contains("cause")
        );
        assert_eq!(problem.retry_after, Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_401_asks_for_a_token_and_says_when_the_one_sent_is_bad() {
        assert_eq!(
            Problem::new(Code::NotAuthenticated).challenge().as_deref(),
            Some(r#"Bearer realm="api""#)
        );
        assert!(
            Problem::new(Code::TokenNotValid)
                .challenge()
                .unwrap()
                .contains("invalid_token")
        );
        assert_eq!(Problem::new(Code::NotFound).challenge(), None);
        assert_eq!(Problem::new(Code::PermissionDenied).challenge(), None);
    }

    #[test]
    fn a_403_for_want_of_a_scope_names_it() {
        for scope in Scope::ALL {
            let problem = Problem::insufficient_scope(scope);
            assert!(problem.detail.unwrap().contains(scope.as_str()));
            let expected =
                format!(r#"Bearer realm="api", error="insufficient_scope", scope="{scope}""#);
            assert_eq!(problem.challenge().as_deref(), Some(&*expected));
        }
    }

    #[test]
    fn every_code_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> =
            Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
