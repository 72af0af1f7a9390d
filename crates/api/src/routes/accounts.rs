//! Registration and the password.

use super::{Answer, Message, ok};
use crate::extract::{ClientOrigin, CurrentUser, JsonBody, MaybeUser};
use crate::openapi::{Body, Field, Operation, Reply, Tag, role};
use crate::problem::Code;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_domain::{EmailAddress, User};
use doorward_services::Services;
use doorward_services::accounts::{ChangePassword, Register};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// A new account.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedUser)]
struct CreatedResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    #[schema(required = true)]
    email: Option<&'a str>,
    #[schema(schema_with = role)]
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
    client: ClientOrigin,
    caller: MaybeUser,
    mut body: JsonBody,
) -> Answer {
    let register = Register {
        username: body.text("username"),
        email: body.text("email"),
        password: body.secret("password"),
        role: body.text("role"),
        origin: client.0,
        errors: body.finish(),
    };
    let user = services
        .accounts
        .register(caller.0.as_ref(), register)
        .await?;
    super::json(HttpResponse::Created(), &CreatedResponse::from(&user))
}

pub(super) fn create_described() -> Operation {
    creating(Tag::Account, "createUser")
}

/// The same on another path.
pub(super) fn creating(tag: Tag, id: &'static str) -> Operation {
    Operation::new(tag, id, "Register")
        .about("Without a `username` one is made from the email address. A `role` above `user` is for owners to give.")
        .for_anyone_or_users()
        .body(
            Body::new(
                "NewUser",
                [
                    Field::username("One is made from the email address when there is none."),
                    Field::email("The address.").required(),
                    Field::password("password", "It must pass the validators.").required(),
                    Field::role("Only an owner may give another than `user`."),
                ],
            )
            .example("Shortest", json!({ "email": "ada@example.com", "password": "correct horse 42" }))
            .example(
                "With a username",
                json!({ "username": "ada", "email": "ada@example.com", "password": "correct horse 42" }),
            ),
        )
        .answer(
            Reply::json::<CreatedResponse<'_>>(StatusCode::CREATED, "The account is there.").example(
                "Created",
                json!({
                    "id": "01a1fac8-772b-76f8-8b87-aa860a220012", "username": "ada", "email": "ada@example.com",
                    "role": "user", "date_joined": "2026-11-20T21:06:44.139569Z",
                }),
            ),
        )
        .codes(&[Code::RegistrationClosed, Code::PermissionDenied, Code::Overloaded])
        .limited()
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

pub(super) fn change_password_described() -> Operation {
    Operation::new(Tag::Account, "changePassword", "Change one's password")
        .about("Ends all other sessions of the user.")
        .for_users()
        .body(
            Body::new(
                "NewPassword",
                [
                    Field::password("current_password", "The present one.").required(),
                    Field::password("new_password", "It must pass the validators.").required(),
                ],
            )
            .example(
                "Change",
                json!({ "current_password": "correct horse 42", "new_password": "battery staple 43" }),
            ),
        )
        .answer(
            Reply::json::<Message>(StatusCode::OK, "The password is changed.")
                .example("Changed", json!({ "message": "Password changed" })),
        )
        .codes(&[Code::Overloaded])
        .limited()
}
