//! The keys of others, for admins. No secret is ever among it.

use super::{page_of_keys, respond};
use crate::extract::{CurrentUser, PageQuery};
use crate::openapi::{Operation, Reply, Tag, id, path_parameter};
use crate::problem::{Code, Problem};
use crate::routes::Answer;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use doorward_domain::ApiKeyId;
use doorward_services::Services;

/// `GET /api/v1/users/{id}/api-keys`
pub(in crate::routes) async fn list_of(
    services: web::Data<Services>,
    caller: CurrentUser,
    user: web::Path<String>,
    query: PageQuery<ApiKeyId>,
    request: HttpRequest,
) -> Answer {
    let user = user
        .parse()
        .map_err(|_no_uuid| Problem::new(Code::NotFound))?;
    let page = services
        .api_keys
        .list_of(&caller.0, user, query.after, query.limit)
        .await?;
    respond(&request, &page)
}

pub(in crate::routes) fn list_of_described() -> Operation {
    of_user("listApiKeysOfUser", "List the API keys of a user")
        .parameters(PageQuery::<ApiKeyId>::described())
        .answer(page_of_keys())
        .codes(&[Code::ValidationFailed])
}

/// `DELETE /api/v1/users/{id}/api-keys/{key_id}`
pub(in crate::routes) async fn delete_of(
    services: web::Data<Services>,
    caller: CurrentUser,
    path: web::Path<(String, String)>,
) -> Answer {
    let (user, key) = path.into_inner();
    let (Ok(user), Ok(key)) = (user.parse(), key.parse()) else {
        return Err(Problem::new(Code::NotFound));
    };
    services.api_keys.delete_of(&caller.0, user, key).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub(in crate::routes) fn delete_of_described() -> Operation {
    of_user("deleteApiKeyOfUser", "Delete an API key of a user")
        .parameter(path_parameter("key_id", "The id of the key.", id()))
        .answer(Reply::empty(StatusCode::NO_CONTENT, "The key is gone."))
}

fn of_user(name: &'static str, summary: &'static str) -> Operation {
    Operation::new(Tag::ApiKeys, name, summary)
        .about("For admins; the keys of admins and owners are for owners to delete.")
        .for_users()
        .parameter(path_parameter("id", "The id of the user.", id()))
        .codes(&[Code::PermissionDenied, Code::NotFound])
}
