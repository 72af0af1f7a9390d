//! What the API says of itself.

use super::{Answer, asset, ok, operations, versioned};
use crate::openapi::{Header, Operation, Reply, Tag, path_parameter, text};
use crate::problem::{Code, Problem};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::json;
use std::sync::LazyLock;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// What Swagger UI needs: it sets styles on its elements.
const SWAGGER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                              connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
                              frame-ancestors 'none'";

/// The routes of the API.
#[derive(Serialize, ToSchema)]
#[schema(as = Index)]
struct IndexResponse {
    name: &'static str,
    version: &'static str,
    /// Where Swagger UI is.
    documentation: &'static str,
    /// Where the OpenAPI document is.
    openapi: &'static str,
    routes: Vec<RouteResponse>,
}

/// A route with one of its methods.
#[derive(Serialize, ToSchema)]
#[schema(as = Route)]
struct RouteResponse {
    path: &'static str,
    method: &'static str,
    /// What it does.
    summary: &'static str,
    /// Who may ask for it.
    access: &'static str,
}

/// `GET /api`
pub(super) async fn index() -> Answer {
    let routes = operations().iter().map(|(path, method, operation)| {
        let shown = operation.shown();
        RouteResponse {
            path,
            method: method.as_str(),
            summary: shown.summary,
            access: shown.who,
        }
    });
    ok(&IndexResponse {
        name: "Doorward",
        version: env!("CARGO_PKG_VERSION"),
        documentation: "/api/docs/",
        openapi: "/api/openapi.json",
        routes: routes.collect(),
    })
}

pub(super) fn index_described() -> Operation {
    Operation::new(Tag::Documentation, "listRoutes", "List the routes")
        .about(
            "A browser, which accepts `text/html` first, gets the answer of this and of every other `GET` of the API as a \
             page; `?format=json` gives it the JSON.",
        )
        .answer(
            Reply::json::<IndexResponse>(StatusCode::OK, "The routes.").example(
                "One route",
                json!({
                    "name": "Doorward", "version": env!("CARGO_PKG_VERSION"), "documentation": "/api/docs/",
                    "openapi": "/api/openapi.json",
                    "routes": [
                        { "path": "/api/v1/user/login", "method": "POST", "summary": "Log in", "access": "anyone" },
                    ],
                }),
            ),
        )
}

/// `GET /api/docs`
pub(super) async fn swagger() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_SECURITY_POLICY, SWAGGER_POLICY))
        .content_type("text/html; charset=utf-8")
        .body(asset::with_paths(include_str!("../../assets/swagger.html")))
}

pub(super) fn swagger_described() -> Operation {
    Operation::new(Tag::Documentation, "showSwaggerUi", "Show Swagger UI").answer(Reply::of_type(
        StatusCode::OK,
        "The page.",
        "text/html",
        text(),
    ))
}

/// `GET /api/docs/{file}`
pub(super) async fn file(name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let (asset, is_versioned) = asset::find(&name).ok_or_else(|| Problem::new(Code::NotFound))?;
    let caching = if is_versioned {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, caching));
    if asset.is_gzipped {
        response.insert_header((CONTENT_ENCODING, "gzip"));
    }
    Ok(response
        .content_type(asset.content_type)
        .body(asset.body.clone()))
}

pub(super) fn file_described() -> Operation {
    Operation::new(Tag::Documentation, "showFile", "Give a file of the pages")
        .about("The scripts and the styles of Swagger UI and of the pages for browsers. Pages name them with a version, as in \
             `page.0123456789abcdef.css`: so named they never change, and may be kept for good.")
        .parameter(path_parameter("file", "The name of the file.", text()))
        .answer(
            Reply::of_type(StatusCode::OK, "The file.", "text/css", text())
                .or_type("text/javascript"),
        )
        .codes(&[Code::NotFound])
}

/// `GET /api/openapi.json`
pub(super) async fn openapi(request: HttpRequest) -> HttpResponse {
    static TAG: LazyLock<String> =
        LazyLock::new(|| format!("\"{}\"", asset::version(&super::openapi())));
    let caching = (CACHE_CONTROL, "no-cache".to_owned());
    versioned(&request, &TAG, &super::openapi(), [caching])
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
            Reply::of_type(StatusCode::OK, "This document.", "application/json", object)
                .header(Header::ETag),
        )
        .answer(
            Reply::empty(StatusCode::NOT_MODIFIED, "The client has this document.")
                .header(Header::ETag),
        )
}
