//! For operators and their probes.

use super::{Answer, ApiConfig, json, ok};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_services::Services;
use doorward_services::health::HealthStatus;
use serde::Serialize;
use std::sync::atomic::Ordering;

#[derive(Serialize)]
struct HealthResponse<'a> {
    status: &'static str,
    timestamp: DateTime<Utc>,
    components: Components,
    info: Info<'a>,
}

#[derive(Serialize)]
struct Components {
    database: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    redis: Option<bool>,
}

#[derive(Serialize)]
struct Info<'a> {
    version: &'a str,
    environment: &'a str,
}

#[derive(Serialize)]
struct Status {
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
    json(response, &body)
}

/// `GET /livez`
pub(super) async fn live() -> Answer {
    ok(&Status { status: "ok" })
}

/// `GET /readyz`
pub(super) async fn ready(services: web::Data<Services>, config: web::Data<ApiConfig>) -> Answer {
    if config.is_draining.load(Ordering::Acquire) {
        json(
            HttpResponse::ServiceUnavailable(),
            &Status { status: "draining" },
        )
    } else if services.health.check().database {
        ok(&Status { status: "ok" })
    } else {
        json(
            HttpResponse::ServiceUnavailable(),
            &Status {
                status: "unavailable",
            },
        )
    }
}
