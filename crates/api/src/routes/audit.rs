//! The audit log.

use super::users::next_link;
use super::{Answer, json};
use crate::extract::{AuditListQuery, CurrentUser};
use crate::openapi::{Header, Operation, Reply, Tag};
use crate::problem::Code;
use actix_web::http::StatusCode;
use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_domain::{AuditEvent, UserId};
use doorward_services::Services;
use serde::Serialize;
use serde_json::{Map, Value, json as value};
use utoipa::ToSchema;
use uuid::Uuid;

/// An event of the audit log.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEvent)]
struct EventResponse<'a> {
    id: &'a Uuid,
    at: DateTime<Utc>,
    /// What happened.
    action: &'a str,
    /// Who did it; null where it was nobody who was logged in.
    #[schema(required = true)]
    actor_id: Option<&'a Uuid>,
    /// Whom it concerns, who may be gone by now.
    #[schema(required = true)]
    subject_id: Option<&'a Uuid>,
    #[schema(required = true)]
    ip_address: Option<&'a str>,
    #[schema(required = true)]
    user_agent: Option<&'a str>,
    /// Under which name the log of the server has the request.
    #[schema(required = true)]
    request_id: Option<&'a str>,
    /// What else there is to say of this action.
    #[schema(value_type = Object)]
    details: Map<String, Value>,
}

impl<'a> From<&'a AuditEvent> for EventResponse<'a> {
    fn from(event: &'a AuditEvent) -> Self {
        Self {
            id: event.id.as_uuid(),
            at: event.at,
            action: &event.action,
            actor_id: event.actor_id.as_ref().map(UserId::as_uuid),
            subject_id: event.subject_id.as_ref().map(UserId::as_uuid),
            ip_address: event.ip_address.as_deref(),
            user_agent: event.user_agent.as_deref(),
            request_id: event.request_id.as_deref(),
            // What is no object was not written by us: `doorward audit verify` says so.
            details: serde_json::from_str(&event.details).unwrap_or_default(),
        }
    }
}

/// `GET /api/v1/audit`
pub(super) async fn list(
    services: web::Data<Services>,
    caller: CurrentUser,
    query: AuditListQuery,
    request: HttpRequest,
) -> Answer {
    let page = services.audit.list(&caller.0, query.0).await?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = page.next {
        response.insert_header((LINK, next_link(&request, next)));
    }
    let events: Vec<_> = page.events.iter().map(EventResponse::from).collect();
    json(response, &events)
}

pub(super) fn list_described() -> Operation {
    Operation::new(Tag::Operations, "listAuditEvents", "Read the audit log")
        .about("Who did what to whom, when and from where, the newest first.")
        .for_users()
        .parameters(AuditListQuery::described())
        .answer(
            Reply::list::<EventResponse<'_>>(StatusCode::OK, "A page of the log.")
                .example("A failed login", value!([example()]))
                .header(Header::Link),
        )
        .codes(&[Code::ValidationFailed, Code::PermissionDenied])
}

fn example() -> Value {
    value!({
        "id": "01a1fac8-772b-76f8-8b87-aa860a220013", "at": "2026-11-20T21:06:44.510866Z", "action": "login.failed",
        "actor_id": null, "subject_id": "01a1fac8-772b-76f8-8b87-aa860a220012", "ip_address": "203.0.113.7",
        "user_agent": "curl/8.5.0", "request_id": "6963beb455ef45e88b01725e6f77a030",
        "details": { "reason": "wrong_password" },
    })
}
