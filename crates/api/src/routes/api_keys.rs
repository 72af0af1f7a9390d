//! API keys: one's own, those of others, and what other services ask about them.

mod forward;
mod of_users;

pub(super) use forward::{forward, forward_described, verify, verify_described};
pub(super) use of_users::{delete_of, delete_of_described, list_of, list_of_described};

use super::users::next_link;
use super::{Answer, json, ok};
use crate::extract::{CurrentUser, JsonBody, PageQuery};
use crate::openapi::{
    Body, Field, Header, Operation, Reply, Tag, id, path_parameter, scopes, time,
};
use crate::problem::{Code, Problem};
use actix_web::http::StatusCode;
use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_domain::{ApiKey, ApiKeyId};
use doorward_services::Services;
use doorward_services::api_keys::{
    ApiKeyPage, ApiKeyUpdate, Expiry, IssuedApiKey, NewApiKey, Regenerate,
};
use serde::Serialize;
use serde_json::{Value, json as value};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use uuid::Uuid;

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
struct ApiKeyResponse<'a> {
    id: &'a Uuid,
    name: &'a str,
    /// How the key begins, by which people know it again.
    prefix: &'a str,
    #[schema(schema_with = scopes)]
    scopes: Vec<&'static str>,
    created_at: DateTime<Utc>,
    #[schema(required = true)]
    expires_at: Option<DateTime<Utc>>,
    /// To the minute.
    #[schema(required = true)]
    last_used_at: Option<DateTime<Utc>>,
}

impl<'a> From<&'a ApiKey> for ApiKeyResponse<'a> {
    fn from(key: &'a ApiKey) -> Self {
        Self {
            id: key.id.as_uuid(),
            name: key.name.as_str(),
            prefix: key.prefix.as_str(),
            scopes: key
                .scopes
                .iter()
                .map(doorward_domain::Scope::as_str)
                .collect(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// An API key with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedApiKey)]
struct IssuedApiKeyResponse<'a> {
    id: &'a Uuid,
    name: &'a str,
    key: &'a str,
    /// How the key begins, by which people know it again.
    prefix: &'a str,
    #[schema(schema_with = scopes)]
    scopes: Vec<&'static str>,
    created_at: DateTime<Utc>,
    #[schema(required = true)]
    expires_at: Option<DateTime<Utc>>,
    /// To the minute.
    #[schema(required = true)]
    last_used_at: Option<DateTime<Utc>>,
}

impl<'a> From<&'a IssuedApiKey> for IssuedApiKeyResponse<'a> {
    fn from(issued: &'a IssuedApiKey) -> Self {
        let shown = ApiKeyResponse::from(&issued.key);
        Self {
            id: shown.id,
            name: shown.name,
            key: issued.secret.expose(),
            prefix: shown.prefix,
            scopes: shown.scopes,
            created_at: shown.created_at,
            expires_at: shown.expires_at,
            last_used_at: shown.last_used_at,
        }
    }
}

/// `GET /api/v1/api-keys`
pub(super) async fn list(
    services: web::Data<Services>,
    caller: CurrentUser,
    query: PageQuery<ApiKeyId>,
    request: HttpRequest,
) -> Answer {
    let page = services
        .api_keys
        .list(&caller.0, query.after, query.limit)
        .await?;
    respond(&request, &page)
}

pub(super) fn list_described() -> Operation {
    Operation::new(Tag::ApiKeys, "listApiKeys", "List one's own API keys")
        .for_users()
        .parameters(PageQuery::<ApiKeyId>::described())
        .answer(page_of_keys())
        .codes(&[Code::ValidationFailed])
}

/// `POST /api/v1/api-keys`
pub(super) async fn create(
    services: web::Data<Services>,
    caller: CurrentUser,
    mut body: JsonBody,
) -> Answer {
    let new = NewApiKey {
        name: body.text("name"),
        scopes: body.texts("scopes"),
        expiry: read_expiry(&mut body),
        errors: body.finish(),
    };
    let issued = services.api_keys.create(&caller.0, new).await?;
    json(
        HttpResponse::Created(),
        &IssuedApiKeyResponse::from(&issued),
    )
}

pub(super) fn create_described() -> Operation {
    let body = Body::new(
        "NewApiKey",
        [name_field().required(), scopes_field(), expiry_field()],
    );
    Operation::new(Tag::ApiKeys, "createApiKey", "Make an API key")
        .about(
            "The answer shows the key this once. It acts for its owner within its scopes, never beyond his role, and \
             manages neither keys nor sessions nor passwords.",
        )
        .for_users()
        .body(body.example(
            "A key for a report",
            value!({ "name": "report", "scopes": ["users:read"], "expires_at": "2027-01-01T00:00:00Z" }),
        ))
        .answer(
            Reply::json::<IssuedApiKeyResponse<'_>>(StatusCode::CREATED, "The key is made.")
                .example("A key", issued_example()),
        )
        .codes(&[Code::TooManyApiKeys])
}

/// `GET /api/v1/api-keys/{id}`
pub(super) async fn show(
    services: web::Data<Services>,
    caller: CurrentUser,
    id: web::Path<String>,
) -> Answer {
    let key = services.api_keys.show(&caller.0, parse(&id)?).await?;
    ok(&ApiKeyResponse::from(&key))
}

pub(super) fn show_described() -> Operation {
    of_one("showApiKey", "Show an API key").answer(key("The key, without its secret."))
}

/// `PATCH /api/v1/api-keys/{id}`
pub(super) async fn update(
    services: web::Data<Services>,
    caller: CurrentUser,
    id: web::Path<String>,
    mut body: JsonBody,
) -> Answer {
    let update = ApiKeyUpdate {
        name: body.text("name"),
        scopes: body.texts("scopes"),
        expiry: read_expiry(&mut body),
        errors: body.finish(),
    };
    let key = services
        .api_keys
        .update(&caller.0, parse(&id)?, update)
        .await?;
    ok(&ApiKeyResponse::from(&key))
}

pub(super) fn update_described() -> Operation {
    let body = Body::new(
        "ApiKeyUpdate",
        [name_field(), scopes_field(), expiry_field()],
    );
    of_one("updateApiKey", "Change an API key")
        .about("What is not sent stays. `expires_at: null` lets the key live until it is deleted.")
        .body(body.example("Other scopes", value!({ "scopes": ["profile:read"] })))
        .answer(key("The key as it is now."))
}

/// `POST /api/v1/api-keys/{id}/regenerate`
pub(super) async fn regenerate(
    services: web::Data<Services>,
    caller: CurrentUser,
    id: web::Path<String>,
    mut body: JsonBody,
) -> Answer {
    let regenerate = Regenerate {
        overlap_seconds: body.whole("overlap_seconds"),
        errors: body.finish(),
    };
    let issued = services
        .api_keys
        .regenerate(&caller.0, parse(&id)?, regenerate)
        .await?;
    ok(&IssuedApiKeyResponse::from(&issued))
}

pub(super) fn regenerate_described() -> Operation {
    let overlap = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .maximum(Some(86_400))
        .build();
    let about = "For how long the old key still works, in seconds; not at all without it.";
    let body = Body::new(
        "Regenerate",
        [Field::new("overlap_seconds", about, overlap)],
    );
    of_one("regenerateApiKey", "Give an API key another secret")
        .body(body.example("An hour to move", value!({ "overlap_seconds": 3600 })))
        .answer(
            Reply::json::<IssuedApiKeyResponse<'_>>(StatusCode::OK, "The key has a new secret.")
                .example("A key", issued_example()),
        )
}

/// `DELETE /api/v1/api-keys/{id}`
pub(super) async fn delete(
    services: web::Data<Services>,
    caller: CurrentUser,
    id: web::Path<String>,
) -> Answer {
    services.api_keys.delete(&caller.0, parse(&id)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub(super) fn delete_described() -> Operation {
    of_one("deleteApiKey", "Delete an API key")
        .about("It is refused with the next request here, and within a second on every node.")
        .answer(Reply::empty(StatusCode::NO_CONTENT, "The key is gone."))
}

fn of_one(name: &'static str, summary: &'static str) -> Operation {
    Operation::new(Tag::ApiKeys, name, summary)
        .for_users()
        .parameter(path_parameter("id", "The id of the key.", id()))
        .codes(&[Code::NotFound])
}

fn name_field() -> Field {
    Field::text("name", "What it is for, in 1 to 100 characters.")
}

fn scopes_field() -> Field {
    let about = "What it may be used for; without a word, everything that only reads.";
    Field::list("scopes", about, scopes())
}

fn expiry_field() -> Field {
    let about = "When it ends, with a zone; `null` or nothing is never.";
    Field::new("expires_at", about, time())
}

fn key(about: &'static str) -> Reply {
    Reply::json::<ApiKeyResponse<'_>>(StatusCode::OK, about).example("A key", key_example())
}

fn page_of_keys() -> Reply {
    Reply::list::<ApiKeyResponse<'_>>(StatusCode::OK, "A page of keys, without their secrets.")
        .example("One key", value!([key_example()]))
        .header(Header::Link)
}

fn key_example() -> Value {
    value!({
        "id": "01a1fac8-772b-76f8-8b87-aa860a220012", "name": "report", "prefix": "dwk_4Fh9", "scopes": ["users:read"],
        "created_at": "2026-11-20T21:06:44.139569Z", "expires_at": "2027-01-01T00:00:00Z", "last_used_at": null,
    })
}

fn issued_example() -> Value {
    let mut example = key_example();
    if let Some(fields) = example.as_object_mut() {
        let key = format!("dwk_4Fh9{}", "x".repeat(32));
        fields.insert("key".to_owned(), key.into());
    }
    example
}

fn parse(id: &str) -> Result<ApiKeyId, Problem> {
    id.parse().map_err(|_no_uuid| Problem::new(Code::NotFound))
}

fn read_expiry(body: &mut JsonBody) -> Expiry {
    if body.take_null("expires_at") {
        return Expiry::Never;
    }
    body.text("expires_at").map_or(Expiry::Unsaid, Expiry::At)
}

/// A page of a list of keys.
fn respond(request: &HttpRequest, page: &ApiKeyPage) -> Answer {
    let mut response = HttpResponse::Ok();
    if let Some(next) = page.next {
        response.insert_header((LINK, next_link(request, next)));
    }
    let keys: Vec<_> = page.keys.iter().map(ApiKeyResponse::from).collect();
    json(response, &keys)
}
