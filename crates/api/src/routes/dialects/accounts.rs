//! Registration and one's own account.

use super::{UserResponse, UserWithRoleResponse};
use crate::extract::{CurrentUser, JsonBody, MaybeUser};
use crate::routes::profile::read_update;
use crate::routes::{Answer, json, ok};
use actix_web::{HttpResponse, web};
use doorward_services::Services;
use doorward_services::accounts::Register;

/// `POST /api/register`: with a username from those who knew roles, else from those who knew only addresses.
pub(in crate::routes) async fn register(
    services: web::Data<Services>,
    caller: MaybeUser,
    mut body: JsonBody,
) -> Answer {
    let is_named = body.has("username");
    let register = Register {
        username: body.text("username"),
        email: body.text("email"),
        password: body.secret("password"),
        role: is_named.then(|| body.text("role")).flatten(),
        errors: body.finish(),
    };
    let caller = caller.0.as_ref();
    let user = services.accounts.register(caller, register).await?;
    if is_named {
        json(HttpResponse::Created(), &UserWithRoleResponse::from(&user))
    } else {
        json(HttpResponse::Created(), &UserResponse::from(&user))
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
