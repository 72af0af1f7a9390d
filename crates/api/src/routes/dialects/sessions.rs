//! Login, refresh, logout.

use crate::extract::{ClientOrigin, JsonBody};
use crate::openapi::{Body, Field, Operation, Reply, Tag, role};
use crate::problem::{Code, Problem};
use crate::routes::simplejwt::{no_account, refreshing};
use crate::routes::tokens::{ACCESS, REFRESH};
use crate::routes::{Answer, ok};
use actix_web::http::StatusCode;
use actix_web::web;
use doorward_domain::Origin;
use doorward_services::Services;
use doorward_services::auth::{Login, SignedIn};
use doorward_services::tokens::TokenPair;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// A new session in the way of simplejwt.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedInWithRole)]
struct LoginResponse<'a> {
    access: &'a str,
    refresh: &'a str,
    user: LoginUserResponse<'a>,
}

/// Who has logged in.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedInUserWithRole)]
struct LoginUserResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    #[schema(schema_with = role)]
    role: &'a str,
}

impl<'a> From<&'a SignedIn> for LoginResponse<'a> {
    fn from(signed_in: &'a SignedIn) -> Self {
        let principal = &signed_in.principal;
        Self {
            access: &signed_in.tokens.access_token,
            refresh: &signed_in.tokens.refresh_token,
            user: LoginUserResponse {
                id: principal.id.as_uuid(),
                username: principal.username.as_str(),
                role: principal.role.as_str(),
            },
        }
    }
}

/// A pair where refresh tokens were UUIDs.
#[derive(Serialize, ToSchema)]
#[schema(as = UuidPair)]
struct UuidPairResponse<'a> {
    access_token: &'a str,
    refresh_token: Uuid,
}

impl<'a> From<&'a TokenPair> for UuidPairResponse<'a> {
    fn from(pair: &'a TokenPair) -> Self {
        Self {
            access_token: &pair.access_token,
            refresh_token: pair.refresh_uuid,
        }
    }
}

/// That it was done.
#[derive(Serialize, ToSchema)]
#[schema(as = LoggedOut)]
struct LogoutResponse {
    success: &'static str,
}

/// `POST /api/login`: with a username in the way of simplejwt, else for UUIDs.
pub(in crate::routes) async fn login(
    services: web::Data<Services>,
    client: ClientOrigin,
    body: JsonBody,
) -> Answer {
    if body.has("username") {
        let login = read_named(body, client.0)?;
        let signed_in = services.auth.login(login).await.map_err(no_account)?;
        ok(&LoginResponse::from(&signed_in))
    } else {
        let signed_in = services.auth.login(read_addressed(body, client.0)).await?;
        ok(&UuidPairResponse::from(&signed_in.tokens))
    }
}

/// `POST /api/refresh`
pub(in crate::routes) async fn refresh(
    services: web::Data<Services>,
    client: ClientOrigin,
    body: JsonBody,
) -> Answer {
    let token = read_refresh_token(body);
    let pair = services.auth.refresh(&token, client.0).await;
    ok(&UuidPairResponse::from(&pair.map_err(bad_refresh_token)?))
}

/// `POST /api/logout`
pub(in crate::routes) async fn logout(
    services: web::Data<Services>,
    client: ClientOrigin,
    body: JsonBody,
) -> Answer {
    let token = read_refresh_token(body);
    let ended = services.auth.logout_by_refresh_token(&token, client.0);
    ended.await.map_err(bad_refresh_token)?;
    ok(&LogoutResponse {
        success: "User logged out.",
    })
}

pub(in crate::routes) fn login_described() -> Operation {
    Operation::new(Tag::Ancestors, "loginByEither", "Log in")
        .about("With a `username` in the way of simplejwt, without one for a refresh token that is a UUID.")
        .body(
            Body::new(
                "LoginByEither",
                [
                    Field::text("username", "The username."),
                    Field::text("email", "The email address, where there is no username."),
                    Field::secret("password", "The password."),
                ],
            )
            .ignoring_others()
            .example("By username", json!({ "username": "ada", "password": "correct horse 42" }))
            .example("By email address", json!({ "email": "ada@example.com", "password": "correct horse 42" })),
        )
        .answer(
            Reply::json::<LoginResponse<'_>>(StatusCode::OK, "A new session.")
                .or::<UuidPairResponse<'_>>()
                .example(
                    "By username",
                    json!({
                        "access": ACCESS, "refresh": REFRESH,
                        "user": { "id": "01a1fac8-772b-76f8-8b87-aa860a220012", "username": "ada", "role": "user" },
                    }),
                )
                .example("By email address", uuid_pair()),
        )
        .codes(&[Code::InvalidCredentials, Code::NoActiveAccount])
        .codes(&[Code::Overloaded, Code::Unavailable])
        .limited()
}

pub(in crate::routes) fn refresh_described() -> Operation {
    Operation::new(
        Tag::Ancestors,
        "refreshUuid",
        "Exchange a refresh token for a new pair",
    )
    .about("The token is used up.")
    .body(token_body())
    .answer(
        Reply::json::<UuidPairResponse<'_>>(StatusCode::OK, "The next pair.")
            .example("A pair", uuid_pair()),
    )
    .codes(&[Code::InvalidRefreshToken, Code::Unavailable])
    .limited()
}

pub(in crate::routes) fn refresh_pair_described() -> Operation {
    refreshing(Tag::Ancestors, "refreshPair")
}

pub(in crate::routes) fn logout_described() -> Operation {
    Operation::new(Tag::Ancestors, "logoutByRefreshToken", "Log out")
        .about("Ends the session with its refresh and access tokens.")
        .body(token_body())
        .without(&[Code::ValidationFailed])
        .answer(
            Reply::json::<LogoutResponse>(StatusCode::OK, "The session has ended.")
                .example("Logged out", json!({ "success": "User logged out." })),
        )
        .codes(&[Code::InvalidRefreshToken, Code::Unavailable])
}

fn token_body() -> Body {
    Body::new(
        "AnyRefreshToken",
        [Field::secret(
            "refresh_token",
            "The refresh token, a UUID or a JWT.",
        )],
    )
    .ignoring_others()
    .example(
        "A UUID",
        json!({ "refresh_token": "6f1c2f5e-6a3b-4d0e-9d3a-1b2c3d4e5f60" }),
    )
}

fn uuid_pair() -> Value {
    json!({ "access_token": ACCESS, "refresh_token": "6f1c2f5e-6a3b-4d0e-9d3a-1b2c3d4e5f60" })
}

/// simplejwt asks for both and looks at nothing else.
fn read_named(mut body: JsonBody, origin: Origin) -> Result<Login, Problem> {
    let (username, password) = (body.text("username"), body.secret("password"));
    let mut errors = body.finish();
    match errors.require("password", password) {
        Some(password) if errors.is_empty() => Ok(Login {
            username,
            email: None,
            password,
            origin,
        }),
        Some(_) | None => Err(Problem::invalid(errors)),
    }
}

/// What is missing or malformed is nobody's address and nobody's password.
fn read_addressed(mut body: JsonBody, origin: Origin) -> Login {
    Login {
        username: None,
        email: body.text("email"),
        password: body.secret("password").unwrap_or_default(),
        origin,
    }
}

/// What is missing or malformed is nobody's token.
fn read_refresh_token(mut body: JsonBody) -> String {
    body.text("refresh_token").unwrap_or_default()
}

fn bad_refresh_token<E: Into<Problem>>(error: E) -> Problem {
    let problem: Problem = error.into();
    problem.renamed(Code::TokenNotValid, Code::InvalidRefreshToken)
}
