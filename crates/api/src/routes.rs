//! The routes.
#![expect(
    single_use_lifetimes,
    reason = "what derives ToSchema names each lifetime of its type once"
)]

mod accounts;
mod api_keys;
pub(crate) mod asset;
mod audit;
mod dialects;
mod documentation;
mod endpoint;
mod jwks;
mod metrics;
mod operations;
mod profile;
mod sessions;
mod settings;
mod simplejwt;
mod tasks;
mod tokens;
mod users;
mod webhook_secret;

use crate::edge::TrustedProxies;
use crate::extract::MAX_BODY;
use crate::openapi::{Operation, document};
use crate::problem::{Code, Problem};
use actix_web::http::Method;
use actix_web::http::header::{ETAG, HeaderName, IF_NONE_MATCH};
use actix_web::web::{self, PayloadConfig, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use bytes::Bytes;
use doorward_domain::Scope;
use doorward_metrics::UNMATCHED;
use doorward_services::Services;
use endpoint::Endpoint;
pub use metrics::{Metrics, Source};
use serde::Serialize;
pub use settings::settings_json;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};
use utoipa::ToSchema;

/// What the routes need beside the services.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// The version in `/api/v1/health`.
    pub version: &'static str,
    /// The environment in `/api/v1/health`.
    pub environment: String,
    /// Set when the server is about to stop: it is not ready any more.
    pub is_draining: Arc<AtomicBool>,
    /// Whether clients come over HTTPS: cookies are `Secure` then.
    pub is_tls: bool,
    /// The proxies whose words count on where a request comes from.
    pub trusted_proxies: TrustedProxies,
    /// The page of figures, and who may read it.
    pub metrics: Metrics,
}

/// What a handler answers.
type Answer = Result<HttpResponse, Problem>;

/// Mounts all routes.
pub fn configure(
    services: web::Data<Services>,
    config: ApiConfig,
) -> impl FnOnce(&mut ServiceConfig) + Clone {
    move |app| {
        let requests = config.metrics.requests.clone();
        app.app_data(services)
            .app_data(requests.route(UNMATCHED))
            .app_data(config.trusted_proxies.clone())
            .app_data(web::Data::new(config))
            .app_data(PayloadConfig::new(MAX_BODY))
            .default_service(web::to(not_found));
        for endpoint in endpoints() {
            app.service(endpoint.into_resource(&requests));
        }
    }
}

/// Every route: its path, and each method that has an answer of its own.
pub fn routes() -> Vec<(String, Vec<Method>)> {
    endpoints().into_iter().map(Endpoint::route).collect()
}

/// Every route; those that are asked most often first, since they are tried in this order.
fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        Endpoint::at("/api/v1/user/me")
            .get(profile::show, profile::show_described)
            .scope(Scope::ProfileRead)
            .put(profile::update, profile::replace_described)
            .scope(Scope::ProfileWrite)
            .patch(profile::update, profile::update_described)
            .scope(Scope::ProfileWrite)
            .delete(profile::delete, profile::delete_described),
        Endpoint::at("/api/v1/user/refresh").post(tokens::refresh, tokens::refresh_described),
        Endpoint::at("/api/v1/user/login").post(tokens::login, tokens::login_described),
        Endpoint::at("/api/v1/auth/forward")
            .get(api_keys::forward, api_keys::forward_described)
            .any_key(),
        Endpoint::at("/api/v1/api-keys/verify").post(api_keys::verify, api_keys::verify_described),
        Endpoint::at("/api/v1/users")
            .get(users::list, users::list_described)
            .scope(Scope::UsersRead),
        Endpoint::at("/api/v1/user/create").post(accounts::create, accounts::create_described),
        Endpoint::at("/api/v1/user/logout").post(tokens::logout, tokens::logout_described),
        Endpoint::at("/api/v1/user/logout-all")
            .post(tokens::logout_all, tokens::logout_all_described),
        Endpoint::at("/api/v1/user/password").post(
            accounts::change_password,
            accounts::change_password_described,
        ),
        Endpoint::at("/api/v1/user/sessions").get(sessions::list, sessions::list_described),
        Endpoint::at("/api/v1/user/sessions/{id}").delete(sessions::end, sessions::end_described),
        Endpoint::at("/api/v1/users/{id}")
            .get(users::show, users::show_described)
            .scope(Scope::UsersRead)
            .patch(users::update, users::update_described)
            .delete(users::delete, users::delete_described),
        Endpoint::at("/api/v1/users/{id}/api-keys")
            .get(api_keys::list_of, api_keys::list_of_described),
        Endpoint::at("/api/v1/users/{id}/api-keys/{key_id}")
            .delete(api_keys::delete_of, api_keys::delete_of_described),
        Endpoint::at("/api/v1/api-keys")
            .get(api_keys::list, api_keys::list_described)
            .post(api_keys::create, api_keys::create_described),
        Endpoint::at("/api/v1/api-keys/{id}")
            .get(api_keys::show, api_keys::show_described)
            .patch(api_keys::update, api_keys::update_described)
            .delete(api_keys::delete, api_keys::delete_described),
        Endpoint::at("/api/v1/api-keys/{id}/regenerate")
            .post(api_keys::regenerate, api_keys::regenerate_described),
        Endpoint::at("/api/v1/tasks")
            .get(tasks::list, tasks::list_described)
            .scope(Scope::TasksRead)
            .post(tasks::create, tasks::create_described)
            .scope(Scope::TasksWrite),
        Endpoint::at("/api/v1/tasks/{id}")
            .get(tasks::show, tasks::show_described)
            .scope(Scope::TasksRead)
            .delete(tasks::delete, tasks::delete_described)
            .scope(Scope::TasksWrite),
        Endpoint::at("/api/v1/tasks/{id}/status")
            .get(tasks::status, tasks::status_described)
            .scope(Scope::TasksRead),
        Endpoint::at("/api/v1/tasks/{id}/cancel")
            .post(tasks::cancel, tasks::cancel_described)
            .scope(Scope::TasksWrite),
        Endpoint::at("/api/v1/webhook-secret")
            .get(webhook_secret::show, webhook_secret::show_described)
            .post(webhook_secret::rotate, webhook_secret::rotate_described),
        Endpoint::at("/api/v1/settings")
            .get(settings::list, settings::list_described)
            .patch(settings::update, settings::update_described),
        Endpoint::at("/api/v1/audit").get(audit::list, audit::list_described),
        Endpoint::at("/api/v1/auth/token").post(simplejwt::obtain, simplejwt::obtain_described),
        Endpoint::at("/api/v1/auth/token/refresh")
            .post(simplejwt::refresh, simplejwt::refresh_described),
        Endpoint::at("/api/v1/auth/token/verify")
            .post(simplejwt::verify, simplejwt::verify_described),
        Endpoint::at("/api/v1/auth/token/blacklist")
            .post(simplejwt::blacklist, simplejwt::blacklist_described),
        Endpoint::at("/api/v1/health").get(operations::health, operations::health_described),
        Endpoint::at("/.well-known/jwks.json").get(jwks::show, jwks::show_described),
        Endpoint::at("/livez").get(operations::live, operations::live_described),
        Endpoint::at("/readyz").get(operations::ready, operations::ready_described),
        Endpoint::at("/metrics").get(metrics::show, metrics::show_described),
        Endpoint::at("/api").get(documentation::index, documentation::index_described),
        Endpoint::at("/api/docs").get(documentation::swagger, documentation::swagger_described),
        Endpoint::at("/api/docs/{file}").get(documentation::file, documentation::file_described),
        Endpoint::at("/api/openapi.json")
            .get(documentation::openapi, documentation::openapi_described),
    ];
    endpoints.extend(dialects::endpoints());
    endpoints
}

/// The OpenAPI document, as `/api/openapi.json` has it.
pub fn openapi() -> Bytes {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document(operations()));
    DOCUMENT.clone()
}

/// Every operation of every route, as it describes itself.
pub(crate) fn operations() -> &'static [(String, Method, Operation)] {
    static OPERATIONS: LazyLock<Vec<(String, Method, Operation)>> = LazyLock::new(|| {
        let endpoints = endpoints().into_iter();
        endpoints.flat_map(Endpoint::operations).collect()
    });
    &OPERATIONS
}

async fn not_found() -> HttpResponse {
    Problem::new(Code::NotFound).error_response()
}

/// An answer with a JSON body.
fn json<T: Serialize>(mut response: actix_web::HttpResponseBuilder, body: &T) -> Answer {
    let body = serde_json::to_vec(body)
        .map_err(|error| Problem::new(Code::InternalError).because(&error.to_string()))?;
    Ok(response.content_type("application/json").body(body))
}

fn ok<T: Serialize>(body: &T) -> Answer {
    json(HttpResponse::Ok(), body)
}

/// JSON with its `ETag` and these headers, or 304 where the client has this version.
fn versioned(
    request: &HttpRequest,
    etag: &str,
    body: &Bytes,
    headers: impl IntoIterator<Item = (HeaderName, String)>,
) -> HttpResponse {
    let is_known = has_version(request, etag);
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response.insert_header((ETAG, etag));
    for header in headers {
        response.insert_header(header);
    }
    if is_known {
        response.finish()
    } else {
        response.content_type("application/json").body(body.clone())
    }
}

/// Whether the client has the version with this `ETag` already (RFC 9110, 13.1.2).
fn has_version(request: &HttpRequest, etag: &str) -> bool {
    request.headers().get_all(IF_NONE_MATCH).any(|tags| {
        let tags = tags.to_str().unwrap_or_default();
        tags.split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
    })
}

/// An answer that only says that it was done.
#[derive(Serialize, ToSchema)]
struct Message {
    /// What was done, for people to read.
    message: &'static str,
}
