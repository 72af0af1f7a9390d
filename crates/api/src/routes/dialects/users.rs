//! The list of users, for admins.

use super::{UserWithRoleResponse, ada_with_role};
use crate::extract::{CurrentUser, ListQuery, MAX_LIMIT};
use crate::openapi::{Header, Operation, Reply, Tag, id, query_parameter};
use crate::problem::Code;
use crate::routes::Answer;
use crate::routes::users::respond;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use doorward_domain::User;
use doorward_services::Services;
use doorward_services::user_list::ListKey;
use doorward_services::users::UserQuery;
use serde_json::json;

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

pub(in crate::routes) fn list_described() -> Operation {
    let after = "Where the page begins, as the header `Link` has it.";
    Operation::new(Tag::Ancestors, "listUsersWithRoles", "List the users")
        .about("The first 1000 at once, and a `Link` to the rest.")
        .for_users()
        .parameter(query_parameter("cursor", after, id()))
        .header(
            "If-None-Match",
            "The `ETag` of the answer that the client has.",
        )
        .answer(
            Reply::list::<UserWithRoleResponse<'_>>(StatusCode::OK, "The list.")
                .example("One user", json!([ada_with_role()]))
                .header(Header::ETag)
                .header(Header::Link),
        )
        .answer(
            Reply::empty(StatusCode::NOT_MODIFIED, "The client has this page.")
                .header(Header::ETag)
                .header(Header::Link),
        )
        .codes(&[Code::ValidationFailed, Code::PermissionDenied])
}

fn render(users: &[User]) -> Vec<u8> {
    let users: Vec<_> = users.iter().map(UserWithRoleResponse::from).collect();
    serde_json::to_vec(&users).unwrap_or_default()
}
