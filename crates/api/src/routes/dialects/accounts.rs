//! Registration and one's own account.

use super::{UserResponse, UserWithRoleResponse, ada, ada_with_role};
use crate::extract::{ClientOrigin, CurrentUser, JsonBody, MaybeUser};
use crate::openapi::{Body, Field, Operation, Reply, Tag};
use crate::problem::Code;
use crate::routes::accounts::creating;
use crate::routes::profile::{read_update, update_body};
use crate::routes::{Answer, ok};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use doorward_services::Services;
use doorward_services::accounts::Register;
use serde_json::json;

/// `POST /api/register`: with a username from those who knew roles, else from those who knew only addresses.
pub(in crate::routes) async fn register(
    services: web::Data<Services>,
    client: ClientOrigin,
    caller: MaybeUser,
    mut body: JsonBody,
) -> Answer {
    let is_named = body.has("username");
    let register = Register {
        username: body.text("username"),
        email: body.text("email"),
        password: body.secret("password"),
        role: is_named.then(|| body.text("role")).flatten(),
        origin: client.0,
        errors: body.finish(),
    };
    let caller = caller.0.as_ref();
    let user = services.accounts.register(caller, register).await?;
    if is_named {
        crate::routes::json(HttpResponse::Created(), &UserWithRoleResponse::from(&user))
    } else {
        crate::routes::json(HttpResponse::Created(), &UserResponse::from(&user))
    }
}

/// `GET /api/profile`
pub(in crate::routes) async fn profile(caller: CurrentUser) -> Answer {
    ok(&UserWithRoleResponse::from(&*caller.0.principal))
}

/// `GET /api/me`
pub(in crate::routes) async fn me(caller: CurrentUser) -> Answer {
    ok(&UserResponse::from(&*caller.0.principal))
}

/// `PUT /api/me`
pub(in crate::routes) async fn update_me(
    services: web::Data<Services>,
    caller: CurrentUser,
    body: JsonBody,
) -> Answer {
    let update = read_update(body);
    let principal = services.accounts.update_profile(&caller.0, update).await?;
    ok(&UserResponse::from(&principal))
}

pub(in crate::routes) fn create_described() -> Operation {
    creating(Tag::Ancestors, "createAccount")
}

pub(in crate::routes) fn register_described() -> Operation {
    Operation::new(Tag::Ancestors, "register", "Register")
        .about("With a `username` the answer has a role, without one it has none.")
        .for_anyone_or_users()
        .body(
            Body::new(
                "Registration",
                [
                    Field::username("One is made from the email address when there is none."),
                    Field::email("The address.").required(),
                    Field::password("password", "It must pass the validators.").required(),
                    Field::role("Only an owner may give another than `user`."),
                ],
            )
            .ignoring_others()
            .example("Without a username", json!({ "email": "ada@example.com", "password": "correct horse 42" }))
            .example(
                "With a username",
                json!({ "username": "ada", "email": "ada@example.com", "password": "correct horse 42" }),
            ),
        )
        .answer(
            Reply::json::<UserResponse<'_>>(StatusCode::CREATED, "The account is there.")
                .or::<UserWithRoleResponse<'_>>()
                .example("Without a username", ada())
                .example("With a username", ada_with_role()),
        )
        .codes(&[Code::RegistrationClosed, Code::PermissionDenied, Code::Overloaded])
        .limited()
}

pub(in crate::routes) fn profile_described() -> Operation {
    Operation::new(
        Tag::Ancestors,
        "showProfileWithRole",
        "Show one's own account",
    )
    .for_users()
    .answer(
        Reply::json::<UserWithRoleResponse<'_>>(StatusCode::OK, "The account.")
            .example("A user", ada_with_role()),
    )
}

pub(in crate::routes) fn me_described() -> Operation {
    Operation::new(Tag::Ancestors, "showMe", "Show one's own account")
        .for_users()
        .answer(
            Reply::json::<UserResponse<'_>>(StatusCode::OK, "The account.")
                .example("A user", ada()),
        )
}

pub(in crate::routes) fn update_me_described() -> Operation {
    Operation::new(Tag::Ancestors, "updateMe", "Change one's own account")
        .about("What is not sent stays. A new email address needs the password, or a login within `STEP_UP_WINDOW`.")
        .for_users()
        .body(update_body())
        .answer(
            Reply::json::<UserResponse<'_>>(StatusCode::OK, "The account as it is now.").example("A user", ada()),
        )
        .codes(&[Code::Overloaded])
        .limited()
}
