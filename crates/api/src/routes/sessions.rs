//! One's own sessions.

use super::{Answer, ok};
use crate::extract::CurrentUser;
use crate::problem::{Code, Problem};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_domain::{Session, SessionId};
use doorward_services::Services;
use serde::Serialize;
use std::net::IpAddr;
use uuid::Uuid;

#[derive(Serialize)]
struct SessionResponse<'a> {
    id: &'a Uuid,
    created_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    ip_address: Option<IpAddr>,
    user_agent: Option<&'a str>,
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
