//! The routes.

mod accounts;
mod dialects;
mod endpoint;
mod operations;
mod profile;
mod sessions;
mod simplejwt;
mod tokens;
mod users;

use crate::extract::MAX_BODY;
use crate::problem::{Code, Problem};
use actix_web::http::Method;
use actix_web::web::{self, PayloadConfig, ServiceConfig};
use actix_web::{HttpResponse, ResponseError};
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
            .put(profile::update)
            .patch(profile::update)
            .delete(profile::delete),
        Endpoint::at("/api/v1/user/refresh").post(tokens::refresh),
        Endpoint::at("/api/v1/user/login").post(tokens::login),
        Endpoint::at("/api/v1/users").get(users::list),
        Endpoint::at("/api/v1/user/create").post(accounts::create),
        Endpoint::at("/api/v1/user/logout").post(tokens::logout),
        Endpoint::at("/api/v1/user/logout-all").post(tokens::logout_all),
        Endpoint::at("/api/v1/user/password").post(accounts::change_password),
        Endpoint::at("/api/v1/user/sessions").get(sessions::list),
        Endpoint::at("/api/v1/user/sessions/{id}").delete(sessions::end),
        Endpoint::at("/api/v1/users/{id}")
            .get(users::show)
            .patch(users::update)
            .delete(users::delete),
        Endpoint::at("/api/v1/auth/token").post(simplejwt::obtain),
        Endpoint::at("/api/v1/auth/token/refresh").post(simplejwt::refresh),
        Endpoint::at("/api/v1/auth/token/verify").post(simplejwt::verify),
        Endpoint::at("/api/v1/auth/token/blacklist").post(simplejwt::blacklist),
        Endpoint::at("/api/v1/health").get(operations::health),
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

/// An answer that only says that it was done.
#[derive(Serialize)]
struct Message {
    message: &'static str,
}
