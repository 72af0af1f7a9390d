//! What clients of djangorestframework-simplejwt ask for, in its names and its words.

use super::tokens::read_login;
use super::{Answer, ok};
use crate::extract::{ClientOrigin, JsonBody};
use crate::problem::{Code, Problem, TokenClass};
use actix_web::web;
use doorward_services::Services;
use doorward_services::tokens::TokenPair;
use serde::Serialize;

/// A pair by simplejwt's names.
#[derive(Serialize)]
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

#[derive(Serialize)]
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
pub(super) async fn refresh(services: web::Data<Services>, body: JsonBody) -> Answer {
    let token = body.only("refresh")?;
    let pair = services.auth.refresh(&token).await;
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
pub(super) async fn blacklist(services: web::Data<Services>, body: JsonBody) -> Answer {
    let token = body.only("refresh")?;
    let ended = services.auth.logout_by_refresh_token(&token).await;
    ended.map_err(bad(TokenClass::Refresh))?;
    ok(&Empty {})
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
