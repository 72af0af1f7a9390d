//! Registration and the password.

use super::{Answer, Message, json, ok};
use crate::extract::{CurrentUser, JsonBody, MaybeUser};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_domain::{EmailAddress, User};
use doorward_services::Services;
use doorward_services::accounts::{ChangePassword, Register};
use serde::Serialize;
use uuid::Uuid;

#[derive(Serialize)]
struct CreatedResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    email: Option<&'a str>,
    role: &'a str,
    date_joined: DateTime<Utc>,
}

impl<'a> From<&'a User> for CreatedResponse<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id.as_uuid(),
            username: user.username.as_str(),
            email: user.email.as_ref().map(EmailAddress::as_str),
            role: user.role.as_str(),
            date_joined: user.date_joined,
        }
    }
}

/// `POST /api/v1/user/create`
pub(super) async fn create(
    services: web::Data<Services>,
    caller: MaybeUser,
    mut body: JsonBody,
) -> Answer {
    let register = Register {
        username: body.text("username"),
        email: body.text("email"),
        password: body.secret("password"),
        role: body.text("role"),
        errors: body.finish(),
    };
    let user = services
        .accounts
        .register(caller.0.as_ref(), register)
        .await?;
    json(HttpResponse::Created(), &CreatedResponse::from(&user))
}

/// `POST /api/v1/user/password`
pub(super) async fn change_password(
    services: web::Data<Services>,
    caller: CurrentUser,
    mut body: JsonBody,
) -> Answer {
    let change = ChangePassword {
        current_password: body.secret("current_password"),
        new_password: body.secret("new_password"),
        errors: body.finish(),
    };
    services.accounts.change_password(&caller.0, change).await?;
    ok(&Message {
        message: "Password changed",
    })
}
