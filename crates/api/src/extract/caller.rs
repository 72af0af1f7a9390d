//! Who makes the request.

use crate::problem::{Code, Problem};
use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use doorward_services::Services;
use doorward_services::auth::{AuthenticateError, Caller};
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, Ready, ready};

/// The caller; without one the request is refused with 401.
pub(crate) struct CurrentUser(pub(crate) Caller);

/// The caller, if the request has a token. A bad token is refused and does not count as none.
pub(crate) struct MaybeUser(pub(crate) Option<Caller>);

type Found<T> = Either<Ready<Result<T, Problem>>, LocalBoxFuture<'static, Result<T, Problem>>>;

impl FromRequest for CurrentUser {
    type Error = Problem;
    type Future = Found<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        match access_token(request) {
            Ok(Some(token)) => authenticate(request, token, Self),
            Ok(None) => refuse(Problem::new(Code::NotAuthenticated)),
            Err(problem) => refuse(problem),
        }
    }
}

impl FromRequest for MaybeUser {
    type Error = Problem;
    type Future = Found<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        match access_token(request) {
            Ok(Some(token)) => authenticate(request, token, |caller| Self(Some(caller))),
            Ok(None) => Either::Left(ready(Ok(Self(None)))),
            Err(problem) => refuse(problem),
        }
    }
}

/// The bearer token of the request (RFC 6750, section 2.1); two headers, or another scheme, are refused.
fn access_token(request: &HttpRequest) -> Result<Option<&str>, Problem> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let Some(header) = headers.next() else {
        return Ok(None);
    };
    let token = header.to_str().ok().and_then(|text| text.split_once(' '));
    match token {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer") && headers.next().is_none() =>
        {
            Ok(Some(token.trim()))
        }
        Some(_) | None => Err(AuthenticateError::InvalidToken.into()),
    }
}

/// From memory where that is enough: then nothing is awaited and nothing allocated.
fn authenticate<T: 'static>(
    request: &HttpRequest,
    token: &str,
    found: impl FnOnce(Caller) -> T + 'static,
) -> Found<T> {
    let Some(services) = request.app_data::<web::Data<Services>>() else {
        return refuse(Problem::new(Code::InternalError).because("the services are not mounted"));
    };
    if let Some(known) = services.auth.authenticate_from_memory(token) {
        return Either::Left(ready(known.map(found).map_err(Problem::from)));
    }
    let (services, token) = (web::Data::clone(services), token.to_owned());
    let asked = async move {
        let caller: Result<Caller, AuthenticateError> = services.auth.authenticate(&token).await;
        Ok(found(caller?))
    };
    Either::Right(asked.boxed_local())
}

fn refuse<T>(problem: Problem) -> Found<T> {
    Either::Left(ready(Err(problem)))
}
