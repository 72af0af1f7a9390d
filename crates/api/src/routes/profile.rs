//! One's own account.

use super::{Answer, ok};
use crate::extract::{CurrentUser, JsonBody};
use crate::openapi::{Body, Field, Operation, Reply, Tag, role};
use crate::problem::Code;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_domain::EmailAddress;
use doorward_services::accounts::ProfileUpdate;
use doorward_services::{Principal, Services};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// One's own account.
#[derive(Serialize, ToSchema)]
#[schema(as = Profile)]
struct ProfileResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    #[schema(required = true)]
    email: Option<&'a str>,
    #[schema(schema_with = role)]
    role: &'a str,
    date_joined: DateTime<Utc>,
    #[schema(required = true)]
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

pub(super) fn show_described() -> Operation {
    Operation::new(Tag::Account, "showProfile", "Show one's own account")
        .for_users()
        .answer(profile("The account."))
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

pub(super) fn update_described() -> Operation {
    changing("updateProfile", "Change one's own account")
}

pub(super) fn replace_described() -> Operation {
    changing(
        "replaceProfile",
        "Change one's own account, as `PATCH` does",
    )
}

fn changing(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Tag::Account, id, summary)
        .about("What is not sent stays. A new email address needs the password, or a login within `STEP_UP_WINDOW`.")
        .for_users()
        .body(update_body())
        .answer(profile("The account as it is now."))
        .codes(&[Code::Overloaded])
        .limited()
}

pub(super) fn update_body() -> Body {
    Body::new(
        "ProfileUpdate",
        [
            Field::username("A new username."),
            Field::email("A new email address."),
            Field::password("current_password", "The password, for a new email address."),
        ],
    )
    .example("Another name", json!({ "username": "ada.lovelace" }))
    .example(
        "Another address",
        json!({ "email": "lovelace@example.com", "current_password": "correct horse 42" }),
    )
}

fn profile(about: &'static str) -> Reply {
    Reply::json::<ProfileResponse<'_>>(StatusCode::OK, about).example(
        "A user",
        json!({
            "id": "01a1fac8-772b-76f8-8b87-aa860a220012", "username": "ada", "email": "ada@example.com",
            "role": "user", "date_joined": "2026-11-20T21:06:44.139569Z", "last_login": "2026-11-20T21:06:44.510866Z",
        }),
    )
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

pub(super) fn delete_described() -> Operation {
    Operation::new(Tag::Account, "deleteProfile", "Delete one's own account")
        .about("Ends every session. The last active owner stays.")
        .for_users()
        .body(
            Body::new(
                "Farewell",
                [Field::password("current_password", "The password.").required()],
            )
            .example("Delete", json!({ "current_password": "correct horse 42" })),
        )
        .answer(Reply::empty(StatusCode::NO_CONTENT, "The account is gone."))
        .codes(&[Code::LastOwner, Code::Overloaded])
        .limited()
}

pub(super) fn read_update(mut body: JsonBody) -> ProfileUpdate {
    ProfileUpdate {
        username: body.text("username"),
        email: body.text("email"),
        current_password: body.secret("current_password"),
        errors: body.finish(),
    }
}
