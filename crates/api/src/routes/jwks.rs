//! The public keys.

use super::versioned;
use crate::openapi::text;
use crate::openapi::{Header, Operation, Reply, Tag};
use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use doorward_services::Services;
use doorward_services::signing_keys::JWKS_MAX_AGE;
use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder};

/// `GET /.well-known/jwks.json`
pub(super) async fn show(services: web::Data<Services>, request: HttpRequest) -> HttpResponse {
    let jwks = services.signing_keys.jwks();
    let max_age = format!("public, max-age={}", JWKS_MAX_AGE.num_seconds());
    versioned(&request, &jwks.etag, &jwks.body, [(CACHE_CONTROL, max_age)])
}

pub(super) fn show_described() -> Operation {
    let key = ["kid", "alg", "use", "kty"]
        .into_iter()
        .fold(ObjectBuilder::new(), |key, name| {
            key.property(name, text()).required(name)
        })
        .additional_properties(Some(AdditionalProperties::FreeForm(true)));
    let set = ObjectBuilder::new()
        .property("keys", ArrayBuilder::new().items(key))
        .required("keys");
    let example = json!({ "keys": [{
        "kid": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx", "alg": "EdDSA", "use": "sig", "kty": "OKP",
        "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }] });
    Operation::new(
        Tag::Sessions,
        "showPublicKeys",
        "Show the public keys that verify tokens",
    )
    .about("A JWK set (RFC 7517); empty with `HS256` alone. It may be kept for five minutes.")
    .header(
        "If-None-Match",
        "The `ETag` of the answer that the client has.",
    )
    .answer(
        Reply::of_type(StatusCode::OK, "The keys.", "application/json", set)
            .example("One key", example)
            .header(Header::ETag),
    )
    .answer(
        Reply::empty(StatusCode::NOT_MODIFIED, "The client has these keys.").header(Header::ETag),
    )
}
