//! One's own sessions.

use super::{Answer, ok};
use crate::extract::CurrentUser;
use crate::openapi::{Operation, Reply, Tag, id, path_parameter};
use crate::problem::{Code, Problem};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_domain::{Session, SessionId};
use doorward_services::Services;
use serde::Serialize;
use serde_json::json;
use std::net::IpAddr;
use utoipa::ToSchema;
use uuid::Uuid;

/// A session of the caller.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionResponse<'a> {
    id: &'a Uuid,
    /// When the login was.
    created_at: DateTime<Utc>,
    /// When it was last refreshed.
    last_used_at: DateTime<Utc>,
    /// When it ends at the latest.
    expires_at: DateTime<Utc>,
    /// From where the login came.
    #[schema(required = true, value_type = Option<String>)]
    ip_address: Option<IpAddr>,
    /// What the login came with as `User-Agent`.
    #[schema(required = true)]
    user_agent: Option<&'a str>,
    /// Whether this very request belongs to it.
    current: bool,
}

impl<'a> SessionResponse<'a> {
    fn new(session: &'a Session, current: Option<SessionId>) -> Self {
        Self {
            id: session.id.as_uuid(),
            created_at: session.created_at,
            last_used_at: session.rotated_at,
            expires_at: session.expires_at,
            ip_address: session.origin.ip_address,
            user_agent: session.origin.user_agent.as_deref(),
            current: Some(session.id) == current,
        }
    }
}

/// `GET /api/v1/user/sessions`
pub(super) async fn list(services: web::Data<Services>, caller: CurrentUser) -> Answer {
    let sessions = services.auth.sessions(&caller.0).await?;
    let shown = sessions
        .iter()
        .map(|session| SessionResponse::new(session, caller.0.session()));
    ok(&shown.collect::<Vec<_>>())
}

pub(super) fn list_described() -> Operation {
    Operation::new(Tag::Sessions, "listSessions", "List one's own sessions")
        .about("There are at most 50: a further login ends the oldest.")
        .for_users()
        .answer(Reply::list::<SessionResponse<'_>>(StatusCode::OK, "The sessions.").example(
            "One session",
            json!([{
                "id": "01a1fac8-789d-7c35-b3c5-8b7d2c0de0f4", "created_at": "2026-11-20T21:06:44.510866Z",
                "last_used_at": "2026-11-20T21:11:02.002117Z", "expires_at": "2026-12-20T21:06:44.510866Z",
                "ip_address": "192.0.2.7", "user_agent": "curl/8.16.0", "current": true,
            }]),
        ))
}

/// `DELETE /api/v1/user/sessions/{id}`
pub(super) async fn end(
    services: web::Data<Services>,
    caller: CurrentUser,
    id: web::Path<String>,
) -> Answer {
    let id = id
        .parse()
        .map_err(|_no_uuid| Problem::new(Code::NotFound))?;
    services.auth.end_session(&caller.0, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub(super) fn end_described() -> Operation {
    Operation::new(Tag::Sessions, "endSession", "End one of one's own sessions")
        .for_users()
        .parameter(path_parameter("id", "The id of the session.", id()))
        .answer(Reply::empty(
            StatusCode::NO_CONTENT,
            "The session has ended, with all its tokens.",
        ))
        .codes(&[Code::NotFound])
}
