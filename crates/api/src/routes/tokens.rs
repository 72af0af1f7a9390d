//! Login, refresh, logout.

use super::{Answer, Message, ok};
use crate::extract::{ClientOrigin, CurrentUser, JsonBody};
use crate::problem::{Code, Problem};
use actix_web::{HttpRequest, web};
use doorward_domain::{EmailAddress, Origin};
use doorward_services::auth::{Login, SignedIn};
use doorward_services::fields::REQUIRED;
use doorward_services::tokens::TokenPair;
use doorward_services::{FieldErrors, Services};
use serde::Serialize;
use uuid::Uuid;

#[derive(Serialize)]
struct LoginResponse<'a> {
    message: &'a str,
    #[serde(flatten)]
    tokens: TokenResponse<'a>,
    user: UserResponse<'a>,
}

#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a str,
    refresh_token: &'a str,
    token_type: &'a str,
    expires_in: i64,
}

#[derive(Serialize)]
struct UserResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    email: Option<&'a str>,
    role: &'a str,
}

impl<'a> From<&'a TokenPair> for TokenResponse<'a> {
    fn from(pair: &'a TokenPair) -> Self {
        Self {
            access_token: &pair.access_token,
            refresh_token: &pair.refresh_token,
            token_type: "Bearer",
            expires_in: pair.expires_in.num_seconds(),
        }
    }
}

impl<'a> From<&'a SignedIn> for LoginResponse<'a> {
    fn from(signed_in: &'a SignedIn) -> Self {
        let principal = &signed_in.principal;
        Self {
            message: "Login successful",
            tokens: (&signed_in.tokens).into(),
            user: UserResponse {
                id: principal.id.as_uuid(),
                username: principal.username.as_str(),
                email: principal.email.as_ref().map(EmailAddress::as_str),
                role: principal.role.as_str(),
            },
        }
    }
}

#[derive(Serialize)]
struct LogoutAllResponse {
    message: &'static str,
    sessions_ended: usize,
}

/// `POST /api/v1/user/login`
pub(super) async fn login(
    services: web::Data<Services>,
    client: ClientOrigin,
    body: JsonBody,
) -> Answer {
    let login = read_login(body, client.0, "email")?;
    let signed_in = services.auth.login(login).await?;
    ok(&LoginResponse::from(&signed_in))
}

/// `POST /api/v1/user/refresh`
pub(super) async fn refresh(
    services: web::Data<Services>,
    request: HttpRequest,
    body: JsonBody,
) -> Answer {
    let pair = services
        .auth
        .refresh(&read_refresh_token(&request, body)?)
        .await?;
    ok(&TokenResponse::from(&pair))
}

/// `POST /api/v1/user/logout`
pub(super) async fn logout(
    services: web::Data<Services>,
    caller: CurrentUser,
    request: HttpRequest,
    body: JsonBody,
) -> Answer {
    services
        .auth
        .logout(&caller.0, &read_refresh_token(&request, body)?)
        .await?;
    ok(&Message {
        message: "Logout successful",
    })
}

/// `POST /api/v1/user/logout-all`
pub(super) async fn logout_all(services: web::Data<Services>, caller: CurrentUser) -> Answer {
    let sessions_ended = services.auth.logout_all(&caller.0).await?;
    ok(&LogoutAllResponse {
        message: "Logout successful",
        sessions_ended,
    })
}

/// With an address or a username; `name` is asked for where there is neither.
pub(super) fn read_login(mut body: JsonBody, origin: Origin, name: &str) -> Result<Login, Problem> {
    let (username, email) = (body.text("username"), body.text("email"));
    let password = body.secret("password");
    let mut errors = body.finish();
    let is_named = username.is_some() || email.is_some();
    if !is_named && !errors.mentions("username") && !errors.mentions("email") {
        errors.require::<()>(name, None);
    }
    match errors.require("password", password) {
        Some(password) if errors.is_empty() => Ok(Login {
            username,
            email,
            password,
            origin,
        }),
        Some(_) | None => Err(Problem::invalid(errors)),
    }
}

/// From the header `X-Refresh-Token`, or from the body as `refresh_token` or `refresh`; the same one where it is sent
/// more than once.
fn read_refresh_token(request: &HttpRequest, mut body: JsonBody) -> Result<String, Problem> {
    let headers = request.headers().get_all("x-refresh-token");
    let headers = headers.map(|text| String::from_utf8_lossy(text.as_bytes()).into_owned());
    let fields = [body.text("refresh_token"), body.text("refresh")];
    body.finish_or_refuse()?;
    let mut sent = headers.chain(fields.into_iter().flatten());
    let Some(token) = sent.next() else {
        return Err(Problem::invalid(FieldErrors::one(
            "refresh_token",
            REQUIRED,
        )));
    };
    if sent.all(|other| other == token) {
        Ok(token)
    } else {
        Err(Problem::new(Code::DifferentTokens)
            .detail("The header and the body hold different refresh tokens."))
    }
}
