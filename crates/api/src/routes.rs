//! The routes.

mod accounts;
mod api_keys;
mod dialects;
mod endpoint;
mod jwks;
mod operations;
mod profile;
mod sessions;
mod simplejwt;
mod tokens;
mod users;

use crate::extract::MAX_BODY;
use crate::problem::{Code, Problem};
use actix_web::http::Method;
use actix_web::http::header::IF_NONE_MATCH;
use actix_web::web::{self, PayloadConfig, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use doorward_domain::Scope;
use doorward_services::Services;
use endpoint::Endpoint;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What the routes need beside the services.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// The version in `/api/v1/health`.
    pub version: &'static str,
    /// The environment in `/api/v1/health`.
    pub environment: String,
    /// Set when the server is about to stop: it is not ready any more.
    pub is_draining: Arc<AtomicBool>,
}

/// What a handler answers.
type Answer = Result<HttpResponse, Problem>;

/// Mounts all routes.
pub fn configure(
    services: web::Data<Services>,
    config: ApiConfig,
) -> impl FnOnce(&mut ServiceConfig) + Clone {
    move |app| {
        app.app_data(services)
            .app_data(web::Data::new(config))
            .app_data(PayloadConfig::new(MAX_BODY))
            .default_service(web::to(not_found));
        for endpoint in endpoints() {
            app.service(endpoint.into_resource());
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
            .get(profile::show)
            .scope(Scope::ProfileRead)
            .put(profile::update)
            .scope(Scope::ProfileWrite)
            .patch(profile::update)
            .scope(Scope::ProfileWrite)
            .delete(profile::delete),
        Endpoint::at("/api/v1/user/refresh").post(tokens::refresh),
        Endpoint::at("/api/v1/user/login").post(tokens::login),
        Endpoint::at("/api/v1/auth/forward")
            .get(api_keys::forward)
            .any_key(),
        Endpoint::at("/api/v1/api-keys/verify").post(api_keys::verify),
        Endpoint::at("/api/v1/users")
            .get(users::list)
            .scope(Scope::UsersRead),
        Endpoint::at("/api/v1/user/create").post(accounts::create),
        Endpoint::at("/api/v1/user/logout").post(tokens::logout),
        Endpoint::at("/api/v1/user/logout-all").post(tokens::logout_all),
        Endpoint::at("/api/v1/user/password").post(accounts::change_password),
        Endpoint::at("/api/v1/user/sessions").get(sessions::list),
        Endpoint::at("/api/v1/user/sessions/{id}").delete(sessions::end),
        Endpoint::at("/api/v1/users/{id}")
            .get(users::show)
            .scope(Scope::UsersRead)
            .patch(users::update)
            .delete(users::delete),
        Endpoint::at("/api/v1/users/{id}/api-keys").get(api_keys::list_of),
        Endpoint::at("/api/v1/users/{id}/api-keys/{key_id}").delete(api_keys::delete_of),
        Endpoint::at("/api/v1/api-keys")
            .get(api_keys::list)
            .post(api_keys::create),
        Endpoint::at("/api/v1/api-keys/{id}")
            .get(api_keys::show)
            .patch(api_keys::update)
            .delete(api_keys::delete),
        Endpoint::at("/api/v1/api-keys/{id}/regenerate").post(api_keys::regenerate),
        Endpoint::at("/api/v1/auth/token").post(simplejwt::obtain),
        Endpoint::at("/api/v1/auth/token/refresh").post(simplejwt::refresh),
        Endpoint::at("/api/v1/auth/token/verify").post(simplejwt::verify),
        Endpoint::at("/api/v1/auth/token/blacklist").post(simplejwt::blacklist),
        Endpoint::at("/api/v1/health").get(operations::health),
        Endpoint::at("/.well-known/jwks.json").get(jwks::show),
        Endpoint::at("/livez").get(operations::live),
        Endpoint::at("/readyz").get(operations::ready),
    ];
    endpoints.extend(dialects::endpoints());
    endpoints
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
#[derive(Serialize)]
struct Message {
    message: &'static str,
}
