//! The list of users, and the accounts of others.

use super::{Answer, ok};
use crate::extract::{CurrentUser, JsonBody, ListQuery, MaybeUser};
use crate::problem::{Code, Problem};
use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, LINK};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_domain::{EmailAddress, User, UserId};
use doorward_services::Services;
use doorward_services::user_list::{ListKey, ListPage, View};
use doorward_services::users::UserUpdate;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use uuid::Uuid;

#[derive(Serialize)]
struct PublicUserResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    date_joined: DateTime<Utc>,
}

#[derive(Serialize)]
struct FullUserResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    email: Option<&'a str>,
    role: &'a str,
    date_joined: DateTime<Utc>,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
}

impl<'a> From<&'a User> for PublicUserResponse<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id.as_uuid(),
            username: user.username.as_str(),
            date_joined: user.date_joined,
        }
    }
}

impl<'a> From<&'a User> for FullUserResponse<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id.as_uuid(),
            username: user.username.as_str(),
            email: user.email.as_ref().map(EmailAddress::as_str),
            role: user.role.as_str(),
            date_joined: user.date_joined,
            last_login: user.last_login,
            is_active: user.is_active,
        }
    }
}

/// `GET /api/v1/users`
pub(super) async fn list(
    services: web::Data<Services>,
    caller: MaybeUser,
    query: ListQuery,
    request: HttpRequest,
) -> Answer {
    let view = services.users.view_of(caller.0.as_ref())?;
    let key = ListKey {
        view,
        shape: "canonical",
        query: query.0,
    };
    let page = services
        .users
        .list(key, move |users| render(view, users))
        .await?;
    Ok(respond(&request, view, &page))
}

/// `GET /api/v1/users/{id}`
pub(super) async fn show(
    services: web::Data<Services>,
    caller: CurrentUser,
    id: web::Path<String>,
) -> Answer {
    let user = services.users.user(&caller.0, parse(&id)?).await?;
    ok(&FullUserResponse::from(&user))
}

/// `PATCH /api/v1/users/{id}`
pub(super) async fn update(
    services: web::Data<Services>,
    caller: CurrentUser,
    id: web::Path<String>,
    mut body: JsonBody,
) -> Answer {
    let update = UserUpdate {
        username: body.text("username"),
        email: body.text("email"),
        role: body.text("role"),
        is_active: body.flag("is_active"),
        errors: body.finish(),
    };
    let user = services
        .users
        .update(&caller.0, parse(&id)?, update)
        .await?;
    ok(&FullUserResponse::from(&user))
}

/// `DELETE /api/v1/users/{id}`
pub(super) async fn delete(
    services: web::Data<Services>,
    caller: CurrentUser,
    id: web::Path<String>,
) -> Answer {
    services.users.delete(&caller.0, parse(&id)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn parse(id: &str) -> Result<UserId, Problem> {
    id.parse().map_err(|_no_uuid| Problem::new(Code::NotFound))
}

fn render(view: View, users: &[User]) -> Vec<u8> {
    let body = match view {
        View::Public => serde_json::to_vec(
            &users
                .iter()
                .map(PublicUserResponse::from)
                .collect::<Vec<_>>(),
        ),
        View::Full => {
            serde_json::to_vec(&users.iter().map(FullUserResponse::from).collect::<Vec<_>>())
        }
    };
    body.unwrap_or_default()
}

/// The page, or 304 where the client has it.
pub(super) fn respond(request: &HttpRequest, view: View, page: &ListPage) -> HttpResponse {
    let is_known = request.headers().get_all(IF_NONE_MATCH).any(|tags| {
        let tags = tags.to_str().unwrap_or_default();
        tags.split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || tag.trim_start_matches("W/") == page.etag)
    });
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response.insert_header((ETAG, page.etag.as_str()));
    if view == View::Public {
        response.insert_header((CACHE_CONTROL, "private, no-cache"));
    }
    if let Some(next) = page.next {
        response.insert_header((LINK, next_link(request, next)));
    }
    if is_known {
        response.finish()
    } else {
        response
            .content_type("application/json")
            .body(page.body.clone())
    }
}

/// The same query with another cursor (RFC 8288).
fn next_link(request: &HttpRequest, next: UserId) -> String {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let kept = query.map(web::Query::into_inner).unwrap_or_default();
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut link = format!("<{}?cursor={next}", request.path());
    for (name, value) in kept.iter().filter(|(name, _)| name != "cursor") {
        link = format!("{link}&{}={}", encode(name), encode(value));
    }
    link + ">; rel=\"next\""
}
