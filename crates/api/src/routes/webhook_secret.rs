//! The secret with which one's own webhooks are signed.

use super::{Answer, json, ok};
use crate::extract::CurrentUser;
use crate::openapi::{Operation, Reply, Tag};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_services::Services;
use doorward_services::webhook_secrets::WebhookSecretInfo;
use serde::Serialize;
use serde_json::json as value;
use utoipa::ToSchema;

/// When the secret was made.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookSecret)]
struct WebhookSecretResponse {
    /// `null` where there is none.
    #[schema(required = true)]
    created_at: Option<DateTime<Utc>>,
    /// Until when the one before signs beside it; `null` where it does not.
    #[schema(required = true)]
    previous_valid_until: Option<DateTime<Utc>>,
}

/// The secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedWebhookSecret)]
struct IssuedWebhookSecretResponse {
    /// `whsec_` and a key of 32 bytes in base64, as the Standard Webhooks specification wants it.
    secret: String,
    created_at: DateTime<Utc>,
}

impl From<Option<WebhookSecretInfo>> for WebhookSecretResponse {
    fn from(secret: Option<WebhookSecretInfo>) -> Self {
        Self {
            created_at: secret.map(|secret| secret.created_at),
            previous_valid_until: secret.and_then(|secret| secret.previous_until),
        }
    }
}

/// `GET /api/v1/webhook-secret`
pub(super) async fn show(services: web::Data<Services>, caller: CurrentUser) -> Answer {
    let secret = services.webhook_secrets.show(&caller.0).await?;
    ok(&WebhookSecretResponse::from(secret))
}

pub(super) fn show_described() -> Operation {
    let reply = Reply::json::<WebhookSecretResponse>(StatusCode::OK, "When it was made.");
    Operation::new(
        Tag::Tasks,
        "showWebhookSecret",
        "Tell when one's webhook secret was made",
    )
    .for_users()
    .answer(
        reply
            .example(
                "An hour after a rotation",
                value!({
                    "created_at": "2026-11-20T21:06:44.139569Z",
                    "previous_valid_until": "2026-11-21T21:06:44.139569Z",
                }),
            )
            .example(
                "None was made yet",
                value!({ "created_at": null, "previous_valid_until": null }),
            ),
    )
}

/// `POST /api/v1/webhook-secret`
pub(super) async fn rotate(services: web::Data<Services>, caller: CurrentUser) -> Answer {
    let issued = services.webhook_secrets.rotate(&caller.0).await?;
    json(
        HttpResponse::Created(),
        &IssuedWebhookSecretResponse {
            secret: issued.key.expose(),
            created_at: issued.created_at,
        },
    )
}

pub(super) fn rotate_described() -> Operation {
    let about = "The secret is made.";
    Operation::new(
        Tag::Tasks,
        "rotateWebhookSecret",
        "Make or rotate one's webhook secret",
    )
    .about(
        "The answer shows the secret this once. For 24 hours the one before signs beside it, so that receivers can take \
         over the new one; who rotates a second time is rid of the first at once.",
    )
    .for_users()
    .answer(
        Reply::json::<IssuedWebhookSecretResponse>(StatusCode::CREATED, about).example(
            "A secret",
            value!({
                "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
                "created_at": "2026-11-20T21:06:44.139569Z",
            }),
        ),
    )
}
