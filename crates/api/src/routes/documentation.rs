//! What the API says of itself.

use super::is_known;
use crate::openapi::{Answer, Header, Operation, Tag};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::{HttpRequest, HttpResponse};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// `GET /api/openapi.json`
pub(super) async fn openapi(request: HttpRequest) -> HttpResponse {
    static TAG: LazyLock<String> = LazyLock::new(|| version(&super::openapi()));
    let mut response = if is_known(&request, &TAG) {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((ETAG, TAG.as_str()))
        .insert_header((CACHE_CONTROL, "no-cache"));
    if is_known(&request, &TAG) {
        response.finish()
    } else {
        response
            .content_type("application/json")
            .body(super::openapi())
    }
}

pub(super) fn openapi_described() -> Operation {
    let object = ObjectBuilder::new().schema_type(Type::Object);
    Operation::new(Tag::Documentation, "showOpenApi", "Give this document")
        .about("The same bytes that `doorward openapi` prints.")
        .header(
            "If-None-Match",
            "The `ETag` of the answer that the client has.",
        )
        .answer(
            Answer::of_type(StatusCode::OK, "This document.", "application/json", object)
                .header(Header::ETag),
        )
        .answer(
            Answer::empty(StatusCode::NOT_MODIFIED, "The client has this document.")
                .header(Header::ETag),
        )
}

/// The same for the same bytes, on every node.
fn version(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}
