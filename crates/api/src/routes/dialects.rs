//! What older services were asked for: the same use cases in other shapes. [`crate::dialect`] gives their failures
//! theirs.

mod accounts;
mod sessions;
mod users;

use super::endpoint::Endpoint;
use super::{accounts as canonical, operations, simplejwt};
use crate::openapi::role;
use doorward_domain::{EmailAddress, Scope, User};
use doorward_services::Principal;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Every route of theirs.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/api/me")
            .get(accounts::me, accounts::me_described)
            .scope(Scope::ProfileRead)
            .put(accounts::update_me, accounts::update_me_described)
            .scope(Scope::ProfileWrite),
        Endpoint::at("/api/profile")
            .get(accounts::profile, accounts::profile_described)
            .scope(Scope::ProfileRead),
        Endpoint::at("/api/refresh").post(sessions::refresh, sessions::refresh_described),
        Endpoint::at("/api/token/refresh")
            .post(simplejwt::refresh, sessions::refresh_pair_described),
        Endpoint::at("/api/login").post(sessions::login, sessions::login_described),
        Endpoint::at("/api/logout").post(sessions::logout, sessions::logout_described),
        Endpoint::at("/api/register").post(accounts::register, accounts::register_described),
        Endpoint::at("/api/account/create").post(canonical::create, accounts::create_described),
        Endpoint::at("/api/users")
            .get(users::list, users::list_described)
            .scope(Scope::UsersRead),
        Endpoint::at("/api/health").get(operations::health, operations::old_health_described),
    ]
}

/// A user where accounts were known by their address.
#[derive(Serialize, ToSchema)]
#[schema(as = AddressedUser)]
struct UserResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    #[schema(required = true)]
    email: Option<&'a str>,
}

/// A user where accounts had roles.
#[derive(Serialize, ToSchema)]
#[schema(as = UserWithRole)]
struct UserWithRoleResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    #[schema(required = true)]
    email: Option<&'a str>,
    #[schema(schema_with = role)]
    role: &'a str,
}

impl<'a> From<&'a User> for UserResponse<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id.as_uuid(),
            username: user.username.as_str(),
            email: user.email.as_ref().map(EmailAddress::as_str),
        }
    }
}

impl<'a> From<&'a Principal> for UserResponse<'a> {
    fn from(principal: &'a Principal) -> Self {
        Self {
            id: principal.id.as_uuid(),
            username: principal.username.as_str(),
            email: principal.email.as_ref().map(EmailAddress::as_str),
        }
    }
}

impl<'a> From<&'a User> for UserWithRoleResponse<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id.as_uuid(),
            username: user.username.as_str(),
            email: user.email.as_ref().map(EmailAddress::as_str),
            role: user.role.as_str(),
        }
    }
}

impl<'a> From<&'a Principal> for UserWithRoleResponse<'a> {
    fn from(principal: &'a Principal) -> Self {
        Self {
            id: principal.id.as_uuid(),
            username: principal.username.as_str(),
            email: principal.email.as_ref().map(EmailAddress::as_str),
            role: principal.role.as_str(),
        }
    }
}

/// What the examples show.
fn ada() -> serde_json::Value {
    serde_json::json!({
        "id": "01a1fac8-772b-76f8-8b87-aa860a220012", "username": "ada", "email": "ada@example.com",
    })
}

fn ada_with_role() -> serde_json::Value {
    serde_json::json!({
        "id": "01a1fac8-772b-76f8-8b87-aa860a220012", "username": "ada", "email": "ada@example.com", "role": "user",
    })
}
