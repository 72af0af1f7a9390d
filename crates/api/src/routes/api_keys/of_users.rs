//! The keys of others, for admins. No secret is ever among it.

use super::respond;
use crate::extract::{CurrentUser, PageQuery};
use crate::problem::{Code, Problem};
use crate::routes::Answer;
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
