//! What clients of djangorestframework-simplejwt ask for, in its names and its words.

use super::tokens::{ACCESS, REFRESH, login_body, read_login};
use super::{Answer, ok};
use crate::extract::{ClientOrigin, JsonBody};
use crate::openapi::{Body, Field, Operation, Reply, Tag};
use crate::problem::{Code, Problem, TokenClass};
use actix_web::http::StatusCode;
use actix_web::web;
use doorward_services::Services;
use doorward_services::tokens::TokenPair;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// A pair by simplejwt's names.
#[derive(Serialize, ToSchema)]
#[schema(as = SimplePair)]
pub(super) struct PairResponse<'a> {
    access: &'a str,
    refresh: &'a str,
}

impl<'a> From<&'a TokenPair> for PairResponse<'a> {
    fn from(pair: &'a TokenPair) -> Self {
        Self {
            access: &pair.access_token,
            refresh: &pair.refresh_token,
        }
    }
}

/// Nothing but the status.
#[derive(Serialize, ToSchema)]
struct Empty {}

/// `POST /api/v1/auth/token`
pub(super) async fn obtain(
    services: web::Data<Services>,
    client: ClientOrigin,
    body: JsonBody,
) -> Answer {
    let login = read_login(body, client.0, "username")?;
    let signed_in = services.auth.login(login).await.map_err(no_account)?;
    ok(&PairResponse::from(&signed_in.tokens))
}

/// `POST /api/v1/auth/token/refresh` and `/api/token/refresh`
pub(super) async fn refresh(
    services: web::Data<Services>,
    client: ClientOrigin,
    body: JsonBody,
) -> Answer {
    let token = body.only("refresh")?;
    let pair = services.auth.refresh(&token, client.0).await;
    ok(&PairResponse::from(
        &pair.map_err(bad(TokenClass::Refresh))?,
    ))
}

/// `POST /api/v1/auth/token/verify`
pub(super) async fn verify(services: web::Data<Services>, body: JsonBody) -> Answer {
    let token = body.only("token")?;
    let verified = services.auth.verify(&token).await;
    verified.map_err(bad(TokenClass::Untyped))?;
    ok(&Empty {})
}

/// `POST /api/v1/auth/token/blacklist`
pub(super) async fn blacklist(
    services: web::Data<Services>,
    client: ClientOrigin,
    body: JsonBody,
) -> Answer {
    let token = body.only("refresh")?;
    let ended = services.auth.logout_by_refresh_token(&token, client.0);
    ended.await.map_err(bad(TokenClass::Refresh))?;
    ok(&Empty {})
}

pub(super) fn obtain_described() -> Operation {
    Operation::new(Tag::Sessions, "obtainTokens", "Log in, as simplejwt does")
        .body(login_body())
        .answer(pair())
        .codes(&[Code::NoActiveAccount, Code::Overloaded, Code::Unavailable])
        .limited()
}

pub(super) fn refresh_described() -> Operation {
    refreshing(Tag::Sessions, "refreshTokens")
}

/// The same on another path.
pub(super) fn refreshing(tag: Tag, id: &'static str) -> Operation {
    Operation::new(tag, id, "Exchange a refresh token, as simplejwt does")
        .body(one("RefreshBySimplejwt", "refresh", "The refresh token."))
        .answer(pair())
        .codes(&[Code::TokenNotValid, Code::Unavailable])
        .limited()
}

pub(super) fn verify_described() -> Operation {
    Operation::new(Tag::Sessions, "verifyToken", "Tell whether a token is good")
        .body(one(
            "TokenToVerify",
            "token",
            "An access or a refresh token.",
        ))
        .answer(nothing("It is good."))
        .codes(&[Code::TokenNotValid, Code::Unavailable])
}

pub(super) fn blacklist_described() -> Operation {
    Operation::new(
        Tag::Sessions,
        "blacklistToken",
        "End the session of a refresh token",
    )
    .body(one("RefreshBySimplejwt", "refresh", "The refresh token."))
    .answer(nothing("The session has ended."))
    .codes(&[Code::TokenNotValid, Code::Unavailable])
}

fn one(name: &'static str, field: &'static str, about: &str) -> Body {
    let token =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl";
    Body::new(name, [Field::secret(field, about).required()])
        .example("A token", json!({ field: token }))
}

fn nothing(about: &'static str) -> Reply {
    Reply::json::<Empty>(StatusCode::OK, about).example("Nothing", json!({}))
}

fn pair() -> Reply {
    Reply::json::<PairResponse<'_>>(StatusCode::OK, "A pair.")
        .example("A pair", json!({ "access": ACCESS, "refresh": REFRESH }))
}

/// Bad credentials, by simplejwt's name.
pub(super) fn no_account<E: Into<Problem>>(error: E) -> Problem {
    let problem: Problem = error.into();
    problem.renamed(Code::InvalidCredentials, Code::NoActiveAccount)
}

fn bad<E: Into<Problem>>(class: TokenClass) -> impl FnOnce(E) -> Problem {
    move |error| {
        let problem: Problem = error.into();
        problem.about_token(class)
    }
}
