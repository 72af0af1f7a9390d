//! For operators and their probes.

use super::{Answer, ApiConfig, ok};
use crate::openapi::{Operation, Reply, Tag};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_services::Services;
use doorward_services::health::HealthStatus;
use serde::Serialize;
use serde_json::json;
use std::sync::atomic::Ordering;
use utoipa::ToSchema;

/// How the service fares.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
struct HealthResponse<'a> {
    /// `ok`, or `unavailable` when the database does not answer.
    status: &'static str,
    /// When that was so.
    timestamp: DateTime<Utc>,
    components: Components,
    info: Info<'a>,
}

/// What the service needs.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthComponents)]
struct Components {
    /// Whether the database answers.
    database: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    redis: Option<bool>,
}

/// What runs there.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthInfo)]
struct Info<'a> {
    version: &'a str,
    /// The name that the operator has given it.
    environment: &'a str,
}

/// What probes want to know; the status of the answer says it too.
#[derive(Serialize, ToSchema)]
struct Status {
    /// `ok`, `draining` before the end, or `unavailable`.
    status: &'static str,
}

/// `GET /api/v1/health`
pub(super) async fn health(services: web::Data<Services>, config: web::Data<ApiConfig>) -> Answer {
    let health = services.health.check();
    let (response, status) = match health.status() {
        HealthStatus::Ok => (HttpResponse::Ok(), "ok"),
        HealthStatus::Degraded => (HttpResponse::Ok(), "degraded"),
        HealthStatus::Unavailable => (HttpResponse::ServiceUnavailable(), "unavailable"),
    };
    let body = HealthResponse {
        status,
        timestamp: health.at,
        components: Components {
            database: health.database,
            redis: health.shared,
        },
        info: Info {
            version: config.version,
            environment: &config.environment,
        },
    };
    super::json(response, &body)
}

pub(super) fn health_described() -> Operation {
    with_health(Operation::new(
        Tag::Operations,
        "showHealth",
        "Tell how the service fares",
    ))
}

/// The same on the path of an older service.
pub(super) fn old_health_described() -> Operation {
    with_health(Operation::new(
        Tag::Ancestors,
        "showOldHealth",
        "Tell how the service fares",
    ))
}

fn with_health(operation: Operation) -> Operation {
    let example = |status: &str, database: bool| {
        json!({
            "status": status, "timestamp": "2026-11-20T21:06:44.139569Z", "components": { "database": database },
            "info": { "version": env!("CARGO_PKG_VERSION"), "environment": "production" },
        })
    };
    let (well, ill) = (StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE);
    operation
        .answer(
            Reply::json::<HealthResponse<'_>>(well, "All is well.")
                .example("Well", example("ok", true)),
        )
        .answer(
            Reply::json::<HealthResponse<'_>>(ill, "The database does not answer.")
                .example("No database", example("unavailable", false)),
        )
}

/// `GET /livez`
pub(super) async fn live() -> Answer {
    ok(&Status { status: "ok" })
}

pub(super) fn live_described() -> Operation {
    Operation::new(
        Tag::Operations,
        "showLiveness",
        "Tell that the process runs",
    )
    .for_probes()
    .answer(status(StatusCode::OK, "It runs.", "ok"))
}

/// `GET /readyz`
pub(super) async fn ready(services: web::Data<Services>, config: web::Data<ApiConfig>) -> Answer {
    if config.is_draining.load(Ordering::Acquire) {
        super::json(
            HttpResponse::ServiceUnavailable(),
            &Status { status: "draining" },
        )
    } else if services.health.check().database {
        ok(&Status { status: "ok" })
    } else {
        super::json(
            HttpResponse::ServiceUnavailable(),
            &Status {
                status: "unavailable",
            },
        )
    }
}

pub(super) fn ready_described() -> Operation {
    let unready = StatusCode::SERVICE_UNAVAILABLE;
    Operation::new(
        Tag::Operations,
        "showReadiness",
        "Tell whether requests are welcome",
    )
    .for_probes()
    .answer(status(StatusCode::OK, "They are.", "ok"))
    .answer(
        status(
            unready,
            "The database does not answer, or the server is about to stop.",
            "draining",
        )
        .example("No database", json!({ "status": "unavailable" })),
    )
}

fn status(status: StatusCode, about: &'static str, word: &str) -> Reply {
    let name = if status == StatusCode::OK {
        "Well"
    } else {
        "Draining"
    };
    Reply::json::<Status>(status, about).example(name, json!({ "status": word }))
}
