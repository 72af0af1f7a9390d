//! What other services ask: whether a key is good, and who makes a request.

use crate::extract::{ClientOrigin, CurrentUser, JsonBody};
use crate::openapi::{Body, Field, Header, Operation, Reply, Tag, scopes};
use crate::problem::{Code, Problem};
use crate::routes::{Answer, ok};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_domain::Scope;
use doorward_services::Services;
use doorward_services::api_keys::VerifiedApiKey;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// What a good key is good for.
#[derive(Serialize, ToSchema)]
#[schema(as = GoodApiKey)]
struct GoodKeyResponse {
    valid: bool,
    user_id: Uuid,
    #[schema(schema_with = scopes)]
    scopes: Vec<&'static str>,
    #[schema(required = true)]
    expires_at: Option<DateTime<Utc>>,
}

/// Of a bad key nothing is told but that it is bad.
#[derive(Serialize, ToSchema)]
#[schema(as = BadApiKey)]
struct BadKeyResponse {
    valid: bool,
}

impl From<VerifiedApiKey> for GoodKeyResponse {
    fn from(key: VerifiedApiKey) -> Self {
        Self {
            valid: true,
            user_id: *key.user_id.as_uuid(),
            scopes: key.scopes.iter().map(Scope::as_str).collect(),
            expires_at: key.expires_at,
        }
    }
}

/// `POST /api/v1/api-keys/verify`
pub(in crate::routes) async fn verify(
    services: web::Data<Services>,
    client: ClientOrigin,
    body: JsonBody,
) -> Answer {
    let key = body.only("key")?;
    let verified = services.api_keys.verify(key.trim(), &client.0).await;
    match verified.map_err(Problem::from)? {
        Some(key) => ok(&GoodKeyResponse::from(key)),
        None => ok(&BadKeyResponse { valid: false }),
    }
}

pub(in crate::routes) fn verify_described() -> Operation {
    let body = Body::new(
        "ApiKeyToVerify",
        [Field::secret("key", "The key that somebody has sent.").required()],
    );
    let good = json!({
        "valid": true, "user_id": "01a1fac8-772b-76f8-8b87-aa860a220012", "scopes": ["users:read"], "expires_at": null,
    });
    Operation::new(
        Tag::ApiKeys,
        "verifyApiKey",
        "Ask whether an API key is good, and for what",
    )
    .about(
        "For another service that is sent a key. Of a bad key nothing is told but that it is bad.",
    )
    .body(body.example(
        "A key",
        json!({ "key": format!("dwk_4Fh9{}", "x".repeat(32)) }),
    ))
    .answer(
        Reply::json::<GoodKeyResponse>(StatusCode::OK, "What there is to say of the key.")
            .or::<BadKeyResponse>()
            .example("A good key", good)
            .example("A bad key", json!({ "valid": false })),
    )
    .codes(&[Code::Unavailable, Code::Throttled])
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

pub(in crate::routes) fn forward_described() -> Operation {
    Operation::new(Tag::ApiKeys, "forwardAuth", "Ask who makes a request, as a proxy does")
        .about("For nginx (`auth_request`) and Traefik (ForwardAuth): 200 with headers that say who it is, or 401.")
        .for_users()
        .answer(
            Reply::empty(StatusCode::OK, "Somebody who is known.")
                .header(Header::UserId)
                .header(Header::UserRole)
                .header(Header::Scopes),
        )
}
