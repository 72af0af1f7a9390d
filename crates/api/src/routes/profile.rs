//! One's own account.

use super::{Answer, ok};
use crate::extract::{CurrentUser, JsonBody};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_domain::EmailAddress;
use doorward_services::accounts::ProfileUpdate;
use doorward_services::{Principal, Services};
use serde::Serialize;
use uuid::Uuid;

#[derive(Serialize)]
struct ProfileResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    email: Option<&'a str>,
    role: &'a str,
    date_joined: DateTime<Utc>,
    last_login: Option<DateTime<Utc>>,
}

impl<'a> From<&'a Principal> for ProfileResponse<'a> {
    fn from(principal: &'a Principal) -> Self {
        Self {
            id: principal.id.as_uuid(),
            username: principal.username.as_str(),
            email: principal.email.as_ref().map(EmailAddress::as_str),
            role: principal.role.as_str(),
            date_joined: principal.date_joined,
            last_login: principal.last_login,
        }
    }
}

/// `GET /api/v1/user/me`
pub(super) async fn show(caller: CurrentUser) -> Answer {
    ok(&ProfileResponse::from(&*caller.0.principal))
}

/// `PUT` and `PATCH /api/v1/user/me`
pub(super) async fn update(
    services: web::Data<Services>,
    caller: CurrentUser,
    body: JsonBody,
) -> Answer {
    let update = read_update(body);
    let principal = services.accounts.update_profile(&caller.0, update).await?;
    ok(&ProfileResponse::from(&principal))
}

/// `DELETE /api/v1/user/me`
pub(super) async fn delete(
    services: web::Data<Services>,
    caller: CurrentUser,
    mut body: JsonBody,
) -> Answer {
    let password = body.secret("current_password");
    services
        .accounts
        .delete_own(&caller.0, password, body.finish())
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

pub(super) fn read_update(mut body: JsonBody) -> ProfileUpdate {
    ProfileUpdate {
        username: body.text("username"),
        email: body.text("email"),
        current_password: body.secret("current_password"),
        errors: body.finish(),
    }
}
