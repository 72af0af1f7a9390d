//! The list of users, for admins.

use super::UserWithRoleResponse;
use crate::extract::{CurrentUser, ListQuery, MAX_LIMIT};
use crate::routes::Answer;
use crate::routes::users::respond;
use actix_web::{HttpRequest, web};
use doorward_domain::User;
use doorward_services::Services;
use doorward_services::user_list::ListKey;
use doorward_services::users::UserQuery;

/// `GET /api/users`: all at once, as it was; but of very many the first, and a link to the rest.
pub(in crate::routes) async fn list(
    services: web::Data<Services>,
    caller: CurrentUser,
    query: ListQuery,
    request: HttpRequest,
) -> Answer {
    let view = services.users.full_view(&caller.0)?;
    let key = ListKey {
        view,
        shape: "with role",
        query: UserQuery {
            after: query.0.after,
            limit: MAX_LIMIT,
            ..UserQuery::default()
        },
    };
    let page = services.users.list(key, render).await?;
    Ok(respond(&request, view, &page))
}

fn render(users: &[User]) -> Vec<u8> {
    let users: Vec<_> = users.iter().map(UserWithRoleResponse::from).collect();
    serde_json::to_vec(&users).unwrap_or_default()
}
