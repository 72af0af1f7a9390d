//! The public keys.

use super::has_version;
use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::{HttpRequest, HttpResponse, web};
use doorward_services::Services;
use doorward_services::signing_keys::JWKS_MAX_AGE;

/// `GET /.well-known/jwks.json`
pub(super) async fn show(services: web::Data<Services>, request: HttpRequest) -> HttpResponse {
    let jwks = services.signing_keys.jwks();
    let is_known = has_version(&request, &jwks.etag);
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    let max_age = JWKS_MAX_AGE.num_seconds();
    response
        .insert_header((ETAG, jwks.etag.as_str()))
        .insert_header((CACHE_CONTROL, format!("public, max-age={max_age}")));
    if is_known {
        response.finish()
    } else {
        response
            .content_type("application/json")
            .body(jwks.body.clone())
    }
}
