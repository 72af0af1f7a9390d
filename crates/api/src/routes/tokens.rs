//! Login, refresh, logout.

use super::{Answer, Message, ok};
use crate::extract::{ClientOrigin, CurrentUser, JsonBody};
use crate::openapi::{Body, Field, Operation, Reply, Tag, role};
use crate::problem::{Code, Problem};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use doorward_domain::{EmailAddress, Origin};
use doorward_services::auth::{Login, SignedIn};
use doorward_services::fields::REQUIRED;
use doorward_services::tokens::TokenPair;
use doorward_services::{FieldErrors, Services};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// A new session.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedIn)]
struct LoginResponse<'a> {
    /// What was done, for people to read.
    message: &'a str,
    /// What authenticates requests: `Authorization: Bearer …`.
    access_token: &'a str,
    /// What gets the next pair, once.
    refresh_token: &'a str,
    /// How the access token is sent: `Bearer`.
    token_type: &'a str,
    /// For how many seconds the access token is good.
    expires_in: i64,
    user: UserResponse<'a>,
}

/// A pair of tokens.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenPair)]
struct TokenResponse<'a> {
    /// What authenticates requests: `Authorization: Bearer …`.
    access_token: &'a str,
    /// What gets the next pair, once.
    refresh_token: &'a str,
    /// How the access token is sent: `Bearer`.
    token_type: &'a str,
    /// For how many seconds the access token is good.
    expires_in: i64,
}

/// Who has logged in.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedInUser)]
struct UserResponse<'a> {
    id: &'a Uuid,
    username: &'a str,
    #[schema(required = true)]
    email: Option<&'a str>,
    #[schema(schema_with = role)]
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
        let tokens = TokenResponse::from(&signed_in.tokens);
        Self {
            message: "Login successful",
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            token_type: tokens.token_type,
            expires_in: tokens.expires_in,
            user: UserResponse {
                id: principal.id.as_uuid(),
                username: principal.username.as_str(),
                email: principal.email.as_ref().map(EmailAddress::as_str),
                role: principal.role.as_str(),
            },
        }
    }
}

/// How many sessions have ended.
#[derive(Serialize, ToSchema)]
#[schema(as = LoggedOutEverywhere)]
struct LogoutAllResponse {
    /// What was done, for people to read.
    message: &'static str,
    /// How many, the caller's own among them.
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

pub(super) fn login_described() -> Operation {
    Operation::new(Tag::Sessions, "login", "Log in")
        .about("Takes the email address or the username. A user has at most 50 sessions: a further login ends the oldest.")
        .body(login_body())
        .answer(
            Reply::json::<LoginResponse<'_>>(StatusCode::OK, "A new session.").example(
                "A user",
                json!({
                    "message": "Login successful", "access_token": ACCESS, "refresh_token": REFRESH,
                    "token_type": "Bearer", "expires_in": 300,
                    "user": {
                        "id": "01a1fac8-772b-76f8-8b87-aa860a220012", "username": "ada", "email": "ada@example.com",
                        "role": "user",
                    },
                }),
            ),
        )
        .codes(&[Code::InvalidCredentials, Code::Overloaded, Code::Unavailable])
        .limited()
}

pub(super) fn login_body() -> Body {
    Body::new(
        "Login",
        [
            Field::text("username", "The username, or the email address."),
            Field::text(
                "email",
                "The email address; it or the username must be there.",
            ),
            Field::secret("password", "The password.").required(),
        ],
    )
    .example(
        "By email address",
        json!({ "email": "ada@example.com", "password": "correct horse 42" }),
    )
    .example(
        "By username",
        json!({ "username": "ada", "password": "correct horse 42" }),
    )
}

/// `POST /api/v1/user/refresh`
pub(super) async fn refresh(
    services: web::Data<Services>,
    client: ClientOrigin,
    request: HttpRequest,
    body: JsonBody,
) -> Answer {
    let token = read_refresh_token(&request, body)?;
    let pair = services.auth.refresh(&token, client.0).await?;
    ok(&TokenResponse::from(&pair))
}

pub(super) fn refresh_described() -> Operation {
    let operation = Operation::new(Tag::Sessions, "refresh", "Exchange a refresh token for a new pair").about(
        "The token is used up. Requests with the same one, in parallel or repeated within `REFRESH_GRACE_PERIOD`, get \
         the same next one; when it comes later, the session ends.",
    );
    with_refresh_token(operation)
        .answer(Reply::json::<TokenResponse<'_>>(StatusCode::OK, "The next pair.").example(
            "A pair",
            json!({ "access_token": ACCESS, "refresh_token": REFRESH, "token_type": "Bearer", "expires_in": 300 }),
        ))
        .codes(&[Code::TokenNotValid, Code::DifferentTokens, Code::Unavailable])
        .limited()
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

pub(super) fn logout_described() -> Operation {
    let operation = Operation::new(Tag::Sessions, "logout", "Log out")
        .about("Ends the session with its refresh and access tokens. Both tokens must be of one session.")
        .for_users();
    with_refresh_token(operation)
        .answer(
            Reply::json::<Message>(StatusCode::OK, "The session has ended.")
                .example("Logged out", json!({ "message": "Logout successful" })),
        )
        .codes(&[Code::DifferentTokens])
}

/// `POST /api/v1/user/logout-all`
pub(super) async fn logout_all(services: web::Data<Services>, caller: CurrentUser) -> Answer {
    let sessions_ended = services.auth.logout_all(&caller.0).await?;
    ok(&LogoutAllResponse {
        message: "Logout successful",
        sessions_ended,
    })
}

pub(super) fn logout_all_described() -> Operation {
    Operation::new(Tag::Sessions, "logoutAll", "Log out everywhere")
        .about("Ends every session of the user.")
        .for_users()
        .answer(
            Reply::json::<LogoutAllResponse>(StatusCode::OK, "The sessions have ended.").example(
                "Logged out",
                json!({ "message": "Logout successful", "sessions_ended": 3 }),
            ),
        )
}

pub(super) const ACCESS: &str =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.c2lnbmF0dXJl";
pub(super) const REFRESH: &str =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl";

fn with_refresh_token(operation: Operation) -> Operation {
    let body = Body::new(
        "RefreshToken",
        [
            Field::secret(
                "refresh_token",
                "The refresh token, where the header does not have it.",
            ),
            Field::secret("refresh", "The same by simplejwt's name."),
        ],
    );
    operation
        .header(
            "X-Refresh-Token",
            "The refresh token, where the body does not have it.",
        )
        .body(body.example("In the body", json!({ "refresh_token": REFRESH })))
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
