//! Login, refresh, logout.

use crate::extract::{ClientOrigin, JsonBody};
use crate::problem::{Code, Problem};
use crate::routes::simplejwt::{PairResponse, no_account};
use crate::routes::{Answer, ok};
use actix_web::web;
use doorward_domain::Origin;
use doorward_services::Services;
use doorward_services::auth::{Login, SignedIn};
use doorward_services::tokens::TokenPair;
use serde::Serialize;
use uuid::Uuid;

#[derive(Serialize)]
struct LoginResponse<'a> {
    #[serde(flatten)]
    tokens: PairResponse<'a>,
    user: LoginUserResponse<'a>,
}

#[derive(Serialize)]
struct LoginUserResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    role: &'a str,
}

impl<'a> From<&'a SignedIn> for LoginResponse<'a> {
    fn from(signed_in: &'a SignedIn) -> Self {
        let principal = &signed_in.principal;
        Self {
            tokens: (&signed_in.tokens).into(),
            user: LoginUserResponse {
                id: principal.id.as_uuid(),
                username: principal.username.as_str(),
                role: principal.role.as_str(),
            },
        }
    }
}

/// A pair where refresh tokens were UUIDs.
#[derive(Serialize)]
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

#[derive(Serialize)]
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
pub(in crate::routes) async fn refresh(services: web::Data<Services>, body: JsonBody) -> Answer {
    let pair = services.auth.refresh(&read_refresh_token(body)).await;
    ok(&UuidPairResponse::from(&pair.map_err(bad_refresh_token)?))
}

/// `POST /api/logout`
pub(in crate::routes) async fn logout(services: web::Data<Services>, body: JsonBody) -> Answer {
    let token = read_refresh_token(body);
    let ended = services.auth.logout_by_refresh_token(&token).await;
    ended.map_err(bad_refresh_token)?;
    ok(&LogoutResponse {
        success: "User logged out.",
    })
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
