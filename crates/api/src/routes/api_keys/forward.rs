//! What other services ask: whether a key is good, and who makes a request.

use crate::extract::{CurrentUser, JsonBody};
use crate::problem::Problem;
use crate::routes::{Answer, ok};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_domain::Scope;
use doorward_services::Services;
use doorward_services::api_keys::VerifiedApiKey;
use serde::Serialize;
use uuid::Uuid;

/// Of a bad key nothing is told but that it is bad.
#[derive(Serialize)]
#[serde(untagged)]
enum VerifyResponse {
    Good {
        valid: bool,
        user_id: Uuid,
        scopes: Vec<&'static str>,
        expires_at: Option<DateTime<Utc>>,
    },
    Bad {
        valid: bool,
    },
}

impl From<Option<VerifiedApiKey>> for VerifyResponse {
    fn from(verified: Option<VerifiedApiKey>) -> Self {
        match verified {
            Some(key) => Self::Good {
                valid: true,
                user_id: *key.user_id.as_uuid(),
                scopes: key.scopes.iter().map(Scope::as_str).collect(),
                expires_at: key.expires_at,
            },
            None => Self::Bad { valid: false },
        }
    }
}

/// `POST /api/v1/api-keys/verify`
pub(in crate::routes) async fn verify(services: web::Data<Services>, body: JsonBody) -> Answer {
    let key = body.only("key")?;
    let verified = services.api_keys.verify(key.trim()).await;
    ok(&VerifyResponse::from(verified.map_err(Problem::from)?))
}

/// `GET /api/v1/auth/forward`: for a proxy that asks before it lets a request through.
pub(in crate::routes) async fn forward(caller: CurrentUser) -> HttpResponse {
    let (principal, scopes) = (&caller.0.principal, caller.0.scopes());
    HttpResponse::Ok()
        .insert_header(("X-User-Id", principal.id.to_string()))
        .insert_header(("X-User-Role", principal.role.as_str()))
        .insert_header(("X-Scopes", scopes.to_string()))
        .finish()
}
