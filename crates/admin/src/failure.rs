//! What goes wrong, as pages. The one place of the panel that picks the status of a failure, and logs its cause.

use crate::answer::{page, see_other};
use crate::assets::VERSION;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use askama::Template;
use doorward_services::Internal;
use doorward_services::settings::SettingsError;
use doorward_services::tasks::ManageTaskError;
use doorward_services::users::AdministerError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody is logged in; afterwards this page is wanted.
    NotLoggedIn { next: Option<String> },
    /// The person's role does not go so far.
    NotAllowed,
    /// It would leave nobody who may do everything.
    LastOwner,
    /// Somebody else was quicker.
    Stale,
    /// There is no such page, or nothing that it could be about.
    NotFound,
    /// The page is there, the method is not.
    MethodNotAllowed(String),
    /// A change that comes from elsewhere.
    ForeignOrigin,
    /// A change whose form this server did not make for this browser.
    ForeignForm,
    /// No form at all.
    NoForm,
    /// A form that is too large.
    TooLarge,
    /// Too many attempts; there may be another one after so many seconds.
    Throttled { retry_after: u64 },
    /// The same may succeed later.
    Unavailable,
    /// A mistake of ours.
    Internal,
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    version: u64,
    title: &'static str,
    text: &'static str,
}

impl Failure {
    pub(crate) fn internal(cause: &dyn fmt::Display) -> Self {
        tracing::error!(%cause, "a page of the panel");
        Self::Internal
    }

    fn said(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NotLoggedIn { .. } => (StatusCode::SEE_OTHER, "Log in", "Please log in first."),
            Self::NotAllowed => (
                StatusCode::FORBIDDEN,
                "Not allowed",
                "Your role does not allow this. Ask an owner.",
            ),
            Self::LastOwner => (
                StatusCode::CONFLICT,
                "The last owner",
                "There must always be an active owner. Make somebody else one first.",
            ),
            Self::Stale => (
                StatusCode::CONFLICT,
                "Somebody was quicker",
                "This was changed again since you opened the page. Nothing was changed: load the page anew.",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Not found",
                "There is no such page, or what it was about is gone.",
            ),
            Self::MethodNotAllowed(_) => (
                StatusCode::METHOD_NOT_ALLOWED,
                "Not like this",
                "This address does not take such a request.",
            ),
            Self::ForeignOrigin => (
                StatusCode::FORBIDDEN,
                "Refused",
                "This change did not come from a page of this panel. Nothing was changed.",
            ),
            Self::ForeignForm => (
                StatusCode::FORBIDDEN,
                "Refused",
                "This form is not valid any more, perhaps because you have logged in again since. Nothing was changed: go \
                 back, load the page anew, and try again.",
            ),
            Self::NoForm => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "No form",
                "This address takes what a form of this panel sends.",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "Too large",
                "The form has more than 64 KiB.",
            ),
            Self::Throttled { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many attempts",
                "This has been tried too often. Wait a moment, and try again.",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Try again in a moment",
                "The service is busy, or its database does not answer. Whether your change was made, the page will show.",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "A mistake of ours",
                "The log of the server says more.",
            ),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.said().1)
    }
}

/// What a query has to be escaped of; the rest keeps the address readable.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_');

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.said().0
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::NotLoggedIn { next } = self {
            return match next {
                Some(next) => {
                    let next = utf8_percent_encode(next, IN_QUERY);
                    see_other(&format!("/admin/login?next={next}"), &[])
                }
                None => see_other("/admin/login", &[]),
            };
        }
        let (status, title, text) = self.said();
        let shown = FailurePage {
            version: VERSION,
            title,
            text,
        };
        let mut response = page(status, &shown, &[])
            .unwrap_or_else(|_no_page| HttpResponse::InternalServerError().body(title));
        let headers = response.headers_mut();
        if let Self::MethodNotAllowed(allow) = self
            && let Ok(allow) = allow.parse()
        {
            headers.insert(ALLOW, allow);
        }
        let retry_after = if let Self::Throttled { retry_after } = self {
            Some(*retry_after)
        } else {
            matches!(self, Self::Unavailable).then_some(1)
        };
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl Responder for Failure {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}

impl From<Internal> for Failure {
    fn from(error: Internal) -> Self {
        match error {
            Internal::Unavailable(_) | Internal::Overloaded(_) | Internal::Stale(_) => {
                tracing::error!(cause = %error, "a page of the panel");
                Self::Unavailable
            }
            Internal::Throttled(throttled) => Self::Throttled {
                retry_after: throttled.retry_after.as_secs().saturating_add(1),
            },
            Internal::Failed(_) => Self::internal(&error),
        }
    }
}

impl From<AdministerError> for Failure {
    fn from(error: AdministerError) -> Self {
        match error {
            AdministerError::NotAllowed => Self::NotAllowed,
            AdministerError::NotFound => Self::NotFound,
            AdministerError::LastOwner => Self::LastOwner,
            // Whoever has fields shows what is wrong with them; without any nothing can be.
            AdministerError::Invalid(_) => Self::internal(&error),
            AdministerError::Internal(internal) => internal.into(),
        }
    }
}

impl From<ManageTaskError> for Failure {
    fn from(error: ManageTaskError) -> Self {
        match error {
            ManageTaskError::NotAllowed => Self::NotAllowed,
            ManageTaskError::NotFound => Self::NotFound,
            ManageTaskError::WrongStatus => Self::Stale,
            ManageTaskError::Internal(internal) => internal.into(),
        }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::NotAllowed => Self::NotAllowed,
            SettingsError::NotFound => Self::NotFound,
            SettingsError::Stale => Self::Stale,
            SettingsError::Invalid(_) => Self::internal(&error),
            SettingsError::Internal(internal) => internal.into(),
        }
    }
}
