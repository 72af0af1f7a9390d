//! What older services were asked for: the same use cases in other shapes. [`crate::dialect`] gives their failures
//! theirs.

mod accounts;
mod sessions;
mod users;

use super::endpoint::Endpoint;
use super::{accounts as canonical, operations, simplejwt};
use doorward_domain::{EmailAddress, User};
use doorward_services::Principal;
use serde::Serialize;
use uuid::Uuid;

/// Every route of theirs.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/api/me")
            .get(accounts::me)
            .put(accounts::update_me),
        Endpoint::at("/api/profile").get(accounts::profile),
        Endpoint::at("/api/refresh").post(sessions::refresh),
        Endpoint::at("/api/token/refresh").post(simplejwt::refresh),
        Endpoint::at("/api/login").post(sessions::login),
        Endpoint::at("/api/logout").post(sessions::logout),
        Endpoint::at("/api/register").post(accounts::register),
        Endpoint::at("/api/account/create").post(canonical::create),
        Endpoint::at("/api/users").get(users::list),
        Endpoint::at("/api/health").get(operations::health),
    ]
}

/// A user where accounts were known by their address.
#[derive(Serialize)]
struct UserResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    email: Option<&'a str>,
}

/// A user where accounts had roles.
#[derive(Serialize)]
struct UserWithRoleResponse<'a> {
    #[serde(flatten)]
    user: UserResponse<'a>,
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
            user: user.into(),
            role: user.role.as_str(),
        }
    }
}

impl<'a> From<&'a Principal> for UserWithRoleResponse<'a> {
    fn from(principal: &'a Principal) -> Self {
        Self {
            user: principal.into(),
            role: principal.role.as_str(),
        }
    }
}
