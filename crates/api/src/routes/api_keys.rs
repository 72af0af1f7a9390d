//! API keys: one's own, those of others, and what other services ask about them.

mod forward;
mod of_users;

pub(super) use forward::{forward, verify};
pub(super) use of_users::{delete_of, list_of};

use super::users::next_link;
use super::{Answer, json, ok};
use crate::extract::{CurrentUser, JsonBody, PageQuery};
use crate::problem::{Code, Problem};
use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_domain::{ApiKey, ApiKeyId};
use doorward_services::Services;
use doorward_services::api_keys::{
    ApiKeyPage, ApiKeyUpdate, Expiry, IssuedApiKey, NewApiKey, Regenerate,
};
use serde::Serialize;
use uuid::Uuid;

#[derive(Serialize)]
struct ApiKeyResponse<'a> {
    id: &'a Uuid,
    name: &'a str,
    prefix: &'a str,
    scopes: Vec<&'static str>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
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

#[derive(Serialize)]
struct IssuedApiKeyResponse<'a> {
    #[serde(flatten)]
    shown: ApiKeyResponse<'a>,
    key: &'a str,
}

impl<'a> From<&'a IssuedApiKey> for IssuedApiKeyResponse<'a> {
    fn from(issued: &'a IssuedApiKey) -> Self {
        Self {
            shown: (&issued.key).into(),
            key: issued.secret.expose(),
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

/// `GET /api/v1/api-keys/{id}`
pub(super) async fn show(
    services: web::Data<Services>,
    caller: CurrentUser,
    id: web::Path<String>,
) -> Answer {
    let key = services.api_keys.show(&caller.0, parse(&id)?).await?;
    ok(&ApiKeyResponse::from(&key))
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

/// `DELETE /api/v1/api-keys/{id}`
pub(super) async fn delete(
    services: web::Data<Services>,
    caller: CurrentUser,
    id: web::Path<String>,
) -> Answer {
    services.api_keys.delete(&caller.0, parse(&id)?).await?;
    Ok(HttpResponse::NoContent().finish())
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
