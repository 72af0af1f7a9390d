//! The list of users, and the accounts of others.

use super::{Answer, ok, versioned};
use crate::extract::{CurrentUser, JsonBody, ListQuery, MaybeUser};
use crate::openapi::{Body, Field, Header, Operation, Reply, Tag, id, path_parameter, role};
use crate::problem::{Code, Problem};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LINK};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_domain::{EmailAddress, User, UserId};
use doorward_services::Services;
use doorward_services::user_list::{ListKey, ListPage, View};
use doorward_services::users::UserUpdate;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Display;
use utoipa::ToSchema;
use uuid::Uuid;

/// A user, as strangers see him.
#[derive(Serialize, ToSchema)]
#[schema(as = PublicUser)]
struct PublicUserResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    date_joined: DateTime<Utc>,
}

/// A user, as admins see him.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
struct FullUserResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    #[schema(required = true)]
    email: Option<&'a str>,
    #[schema(schema_with = role)]
    role: &'a str,
    date_joined: DateTime<Utc>,
    #[schema(required = true)]
    last_login: Option<DateTime<Utc>>,
    /// Whether he may log in.
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

pub(super) fn list_described() -> Operation {
    let public = json!([{
        "id": "01a1fac8-772b-76f8-8b87-aa860a220012", "username": "ada", "date_joined": "2026-11-20T21:06:44.139569Z",
    }]);
    Operation::new(Tag::Users, "listUsers", "List the users")
        .about(
            "Active users alone, by name and date; admins see all users with all fields, and may search. An owner can \
             close the list to strangers.",
        )
        .for_anyone_or_users()
        .parameters(ListQuery::described())
        .header("If-None-Match", "The `ETag` of the answer that the client has.")
        .answer(
            Reply::list::<PublicUserResponse<'_>>(StatusCode::OK, "A page of the list.")
                .or_list::<FullUserResponse<'_>>()
                .example("For everybody", public)
                .example("For admins", json!([full_example()]))
                .header(Header::ETag)
                .header(Header::Link),
        )
        .answer(
            Reply::empty(StatusCode::NOT_MODIFIED, "The client has this page.")
                .header(Header::ETag)
                .header(Header::Link),
        )
        .codes(&[Code::ValidationFailed, Code::NotAuthenticated])
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

pub(super) fn show_described() -> Operation {
    of_one("showUser", "Show an account").answer(full("The account."))
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

pub(super) fn update_described() -> Operation {
    of_one("updateUser", "Change an account")
        .about(
            "What is not sent stays. Admins change plain users; admins, owners and roles are for owners to change. Who is \
             deactivated loses every session at once.",
        )
        .body(
            Body::new(
                "UserUpdate",
                [
                    Field::username("A new username."),
                    Field::email("A new email address."),
                    Field::role("A new role; owners alone give one."),
                    Field::flag("is_active", "Whether the account may log in."),
                ],
            )
            .example("Deactivate", json!({ "is_active": false }))
            .example("Make an admin", json!({ "role": "admin" })),
        )
        .answer(full("The account as it is now."))
        .codes(&[Code::LastOwner])
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

pub(super) fn delete_described() -> Operation {
    of_one("deleteUser", "Delete an account")
        .about("With all that belongs to it. Admins and owners are for owners to delete, and the last active owner stays.")
        .answer(Reply::empty(StatusCode::NO_CONTENT, "The account is gone."))
        .codes(&[Code::LastOwner])
}

fn of_one(name: &'static str, summary: &'static str) -> Operation {
    Operation::new(Tag::Users, name, summary)
        .for_users()
        .parameter(path_parameter("id", "The id of the user.", id()))
        .codes(&[Code::PermissionDenied, Code::NotFound])
}

fn full(about: &'static str) -> Reply {
    Reply::json::<FullUserResponse<'_>>(StatusCode::OK, about).example("A user", full_example())
}

fn full_example() -> Value {
    json!({
        "id": "01a1fac8-772b-76f8-8b87-aa860a220012", "username": "ada", "email": "ada@example.com", "role": "user",
        "date_joined": "2026-11-20T21:06:44.139569Z", "last_login": "2026-11-20T21:06:44.510866Z", "is_active": true,
    })
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
    let caching = (view == View::Public).then(|| (CACHE_CONTROL, "private, no-cache".to_owned()));
    let next = page.next.map(|next| (LINK, next_link(request, next)));
    let headers = caching.into_iter().chain(next);
    versioned(request, &page.etag, &page.body, headers)
}

/// The same query with another cursor (RFC 8288).
pub(super) fn next_link(request: &HttpRequest, next: impl Display) -> String {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let kept = query.map(web::Query::into_inner).unwrap_or_default();
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut link = format!("<{}?cursor={next}", request.path());
    for (name, value) in kept.iter().filter(|(name, _)| name != "cursor") {
        link = format!("{link}&{}={}", encode(name), encode(value));
    }
    link + ">; rel=\"next\""
}
