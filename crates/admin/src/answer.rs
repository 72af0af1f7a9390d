//! How a page is sent.

use crate::failure::Failure;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, SET_COOKIE,
};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;

/// What a handler answers.
pub(crate) type Answer = Result<HttpResponse, Failure>;

/// No script, no picture but our own, nothing from elsewhere; forms go nowhere but here.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// A page with the cookies that are to be set.
pub(crate) fn page<T: Template>(status: StatusCode, template: &T, cookies: &[String]) -> Answer {
    let html = template
        .render()
        .map_err(|error| Failure::internal(&error))?;
    Ok(begin(status, cookies)
        .content_type("text/html; charset=utf-8")
        .body(html))
}

/// Go and get that page (RFC 9110, 15.4.4).
pub(crate) fn see_other(target: &str, cookies: &[String]) -> HttpResponse {
    begin(StatusCode::SEE_OTHER, cookies)
        .insert_header((LOCATION, target))
        .finish()
}

fn begin(status: StatusCode, cookies: &[String]) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        // With `no-referrer` browsers would call the origin of our own forms null.
        .insert_header((REFERRER_POLICY, "same-origin"))
        .insert_header((CACHE_CONTROL, "no-store"));
    for cookie in cookies {
        response.append_header((SET_COOKIE, cookie.as_str()));
    }
    response
}
