//! Who makes the request.

use super::client::origin;
use super::credential::{Presented, presented};
use crate::problem::{Code, Problem};
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use doorward_domain::{Origin, Scope};
use doorward_services::Services;
use doorward_services::auth::{AuthenticateError, Caller, Credential};
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, Ready, ready};

/// The caller; without one the request is refused with 401.
pub(crate) struct CurrentUser(pub(crate) Caller);

/// The caller, if the request has a token or a key. A bad one is refused and does not count as none.
pub(crate) struct MaybeUser(pub(crate) Option<Caller>);

type Found<T> = Either<Ready<Result<T, Problem>>, LocalBoxFuture<'static, Result<T, Problem>>>;

impl FromRequest for CurrentUser {
    type Error = Problem;
    type Future = Found<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        match presented(request) {
            Ok(Some(credential)) => authenticate(request, credential, Self),
            Ok(None) => refuse(Problem::new(Code::NotAuthenticated)),
            Err(problem) => refuse(problem),
        }
    }
}

impl FromRequest for MaybeUser {
    type Error = Problem;
    type Future = Found<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        match presented(request) {
            Ok(Some(credential)) => authenticate(request, credential, |caller| Self(Some(caller))),
            Ok(None) => Either::Left(ready(Ok(Self(None)))),
            Err(problem) => refuse(problem),
        }
    }
}

/// What a route asks of an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyAccess {
    /// That it is none.
    Never,
    /// This scope.
    With(Scope),
    /// Nothing.
    Any,
}

/// What the methods of a path ask of an API key; those that are not among them ask that it is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyRules(pub(crate) Vec<(Method, KeyAccess)>);

impl KeyRules {
    fn of(request: &HttpRequest) -> KeyAccess {
        let method = match *request.method() {
            Method::HEAD => &Method::GET,
            ref method => method,
        };
        let rules = request.app_data::<Self>();
        rules.map_or(KeyAccess::Never, |rules| rules.for_method(method))
    }

    pub(crate) fn for_method(&self, method: &Method) -> KeyAccess {
        let rule = self.0.iter().find(|(known, _)| known == method);
        rule.map_or(KeyAccess::Never, |(_, access)| *access)
    }
}

impl KeyAccess {
    fn check(self, caller: Caller) -> Result<Caller, Problem> {
        let Credential::ApiKey { scopes, .. } = caller.credential else {
            return Ok(caller);
        };
        match self {
            Self::Never => Err(Problem::new(Code::ApiKeyNotAllowed)),
            Self::With(scope) if !scopes.contains(scope) => Err(Problem::insufficient_scope(scope)),
            Self::With(_) | Self::Any => Ok(caller),
        }
    }
}

/// From memory where that is enough: then nothing is awaited and nothing allocated.
fn authenticate<T: 'static>(
    request: &HttpRequest,
    credential: Presented<'_>,
    found: impl FnOnce(Caller) -> T + 'static,
) -> Found<T> {
    let Some(services) = request.app_data::<web::Data<Services>>() else {
        return refuse(Problem::new(Code::InternalError).because("the services are not mounted"));
    };
    let rule = KeyRules::of(request);
    let known = match credential {
        Presented::Token(token) => services.auth.authenticate_from_memory(token),
        Presented::Key(key) => services.auth.authenticate_key_from_memory(key),
    };
    if let Some(known) = known {
        let caller = known.map_err(Problem::from);
        let caller = caller.and_then(|it| rule.check(it));
        let caller = caller.map(|it| it.at(acting(request)));
        if let Ok(caller) = &caller {
            tell(request, caller);
        }
        return Either::Left(ready(caller.map(found)));
    }
    let services = web::Data::clone(services);
    let (is_key, text) = match credential {
        Presented::Token(token) => (false, token.to_owned()),
        Presented::Key(key) => (true, key.to_owned()),
    };
    let (origin, request) = (origin(request), request.clone());
    let asked = async move {
        let caller: Result<Caller, AuthenticateError> = if is_key {
            services.auth.authenticate_key(&text, &origin).await
        } else {
            services.auth.authenticate(&text).await
        };
        let caller = rule.check(caller?)?;
        tell(&request, &caller);
        Ok(found(caller.at(origin)))
    };
    Either::Right(asked.boxed_local())
}

/// Who makes the request, for the line in the log.
fn tell(request: &HttpRequest, caller: &Caller) {
    request.extensions_mut().insert(caller.principal.id);
}

/// Where a request comes from that may change something. Of one that only reads nobody asks it, and it costs nothing.
fn acting(request: &HttpRequest) -> Origin {
    if request.method().is_safe() {
        Origin::default()
    } else {
        origin(request)
    }
}

fn refuse<T>(problem: Problem) -> Found<T> {
    Either::Left(ready(Err(problem)))
}
