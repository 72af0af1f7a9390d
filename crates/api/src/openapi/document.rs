//! The whole document.

use super::operation::{API_KEY, BEARER, Operation, Tag};
use super::problems;
use super::shared::Header;
use crate::dialect::Dialect;
use crate::problem::{Code, ProblemBody};
use actix_web::http::Method;
use bytes::Bytes;
use utoipa::openapi::info::{InfoBuilder, LicenseBuilder};
use utoipa::openapi::path::{HttpMethod, PathItem, PathsBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Components, ComponentsBuilder, OpenApi, OpenApiBuilder, Server};
use utoipa::{PartialSchema, ToSchema};

const ABOUT: &str = "\
People register, log in, stay logged in and log out; admins and owners manage the accounts.

- Requests and answers are JSON in UTF-8; times are RFC 3339 in UTC; ids are UUIDs.
- Every path is answered with and without a trailing slash and never redirects. `HEAD` goes with `GET`, and `OPTIONS` \
names the methods in `Allow`, as does the 405 for any other.
- Every error is `application/problem+json` (RFC 9457). Its `code` is stable, its `detail` for people. Where fields are \
bad, `errors` has the messages of all of them at once.
- A browser, which accepts `text/html` first, gets the answer of a `GET` below `/api/` as a page; `?format=json` gives \
it the JSON.
- A body is at most 64 KiB long. A field that is not known is refused below `/api/v1`, and ignored elsewhere.
- What the clients of several Django services ask for has the tag *Ancestors*. Its errors have the shapes of Django REST \
framework.";

/// Bytes of the document for these operations.
pub(crate) fn document(operations: &[(String, Method, Operation)]) -> Bytes {
    let described = describe(operations);
    Bytes::from(described.to_pretty_json().unwrap_or_default() + "\n")
}

fn describe(operations: &[(String, Method, Operation)]) -> OpenApi {
    let mut paths = PathsBuilder::new();
    for (path, method, operation) in operations {
        if let Some(method) = known(method) {
            paths = paths.path(
                path,
                PathItem::new(method, operation.described(Dialect::of_route(path))),
            );
        }
    }
    let tags = Tag::ALL.map(|tag| {
        TagBuilder::new()
            .name(tag.name())
            .description(Some(tag.about()))
            .build()
    });
    let info = InfoBuilder::new()
        .title("Doorward")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT OR Apache-2.0")
                .identifier(Some("MIT OR Apache-2.0"))
                .build(),
        ));
    OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([Server::new("/")]))
        .tags(Some(tags))
        .paths(paths)
        .components(Some(components(operations)))
        .build()
}

fn components(operations: &[(String, Method, Operation)]) -> Components {
    let bearer = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The access token of a login or of a refresh."));
    let key = ApiKeyValue::with_description(
        "X-API-Key",
        "An API key; it may come as `Authorization: Api-Key …`, too.",
    );
    let mut components = ComponentsBuilder::new()
        .security_scheme(BEARER, SecurityScheme::Http(bearer.build()))
        .security_scheme(API_KEY, SecurityScheme::ApiKey(ApiKey::Header(key)))
        .schema(problems::SCHEMA, ProblemBody::schema())
        .schema(problems::DJANGO_SCHEMA, problems::django());
    let mut schemas = Vec::new();
    ProblemBody::schemas(&mut schemas);
    schemas.extend(
        operations
            .iter()
            .flat_map(|(_, _, operation)| operation.components()),
    );
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    for header in Header::ALL {
        components = components.header(header.name(), header.described());
    }
    for code in Code::ALL {
        let (name, example) = problems::example(*code);
        components = components.example(name, example);
    }
    components.build()
}

fn known(method: &Method) -> Option<HttpMethod> {
    match method.as_str() {
        "GET" => Some(HttpMethod::Get),
        "POST" => Some(HttpMethod::Post),
        "PUT" => Some(HttpMethod::Put),
        "PATCH" => Some(HttpMethod::Patch),
        "DELETE" => Some(HttpMethod::Delete),
        _ => None,
    }
}
