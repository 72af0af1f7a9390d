//! One path with its methods, each with what describes it. `HEAD` goes with `GET`, `OPTIONS` and the 405 name what is allowed.

use crate::extract::{KeyAccess, KeyRules};
use crate::openapi::Operation;
use crate::problem::{Code, Problem};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{FromRequest, Handler, HttpResponse, Resource, ResponseError, guard, web};
use doorward_domain::Scope;
use doorward_metrics::Requests;
use std::future::ready;

pub(super) struct Endpoint {
    path: String,
    resource: Resource,
    methods: Vec<Method>,
    keys: KeyRules,
    described: Vec<(Method, Describe)>,
}

/// What makes the description of a handler.
pub(super) type Describe = fn() -> Operation;

impl Endpoint {
    pub(super) fn at(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            resource: web::resource(path),
            methods: Vec::new(),
            keys: KeyRules::default(),
            described: Vec::new(),
        }
    }

    pub(super) fn get<H, A>(self, handler: H, describe: Describe) -> Self
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: actix_web::Responder + 'static,
    {
        let is_read = guard::Any(guard::Get()).or(guard::Head());
        let resource = self.resource.route(web::route().guard(is_read).to(handler));
        Self { resource, ..self }
            .allowing(&[Method::GET, Method::HEAD])
            .describing(Method::GET, describe)
    }

    pub(super) fn post<H, A>(self, handler: H, describe: Describe) -> Self
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: actix_web::Responder + 'static,
    {
        self.on(Method::POST, handler, describe)
    }

    pub(super) fn put<H, A>(self, handler: H, describe: Describe) -> Self
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: actix_web::Responder + 'static,
    {
        self.on(Method::PUT, handler, describe)
    }

    pub(super) fn patch<H, A>(self, handler: H, describe: Describe) -> Self
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: actix_web::Responder + 'static,
    {
        self.on(Method::PATCH, handler, describe)
    }

    pub(super) fn delete<H, A>(self, handler: H, describe: Describe) -> Self
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: actix_web::Responder + 'static,
    {
        self.on(Method::DELETE, handler, describe)
    }

    /// The path with each method and its description.
    pub(super) fn operations(self) -> impl Iterator<Item = (String, Method, Operation)> {
        let Self {
            path,
            described,
            keys,
            ..
        } = self;
        described.into_iter().map(move |(method, describe)| {
            let operation = describe().keys(keys.for_method(&method));
            (path.clone(), method, operation)
        })
    }

    /// What is got last is open to API keys with this scope. Without a word keys are refused wherever a caller is asked
    /// for.
    pub(super) fn scope(self, scope: Scope) -> Self {
        self.open_to_keys(KeyAccess::With(scope))
    }

    /// What is got last is open to every API key.
    pub(super) fn any_key(self) -> Self {
        self.open_to_keys(KeyAccess::Any)
    }

    /// The path, and each method that has an answer of its own.
    pub(super) fn route(self) -> (String, Vec<Method>) {
        (self.path, self.methods)
    }

    /// To be mounted in one thread, which counts the route's requests there.
    pub(super) fn into_resource(self, requests: &Requests) -> Resource {
        let counted = requests.route(&self.path);
        let this = self.allowing(&[Method::OPTIONS]);
        let names: Vec<_> = this.methods.iter().map(Method::as_str).collect();
        let allow = HeaderValue::from_str(&names.join(", "))
            .unwrap_or_else(|_method_names_are_ascii| HeaderValue::from_static(""));
        let options = allow.clone();
        this.resource
            .app_data(this.keys)
            .app_data(counted)
            .route(web::method(Method::OPTIONS).to(move || ready(allowed(options.clone()))))
            .default_service(web::to(move || ready(not_allowed(allow.clone()))))
    }

    fn on<H, A>(self, method: Method, handler: H, describe: Describe) -> Self
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: actix_web::Responder + 'static,
    {
        let resource = self.resource.route(web::method(method.clone()).to(handler));
        Self { resource, ..self }
            .allowing(std::slice::from_ref(&method))
            .describing(method, describe)
    }

    fn describing(mut self, method: Method, describe: Describe) -> Self {
        self.described.push((method, describe));
        self
    }

    fn open_to_keys(mut self, access: KeyAccess) -> Self {
        let last = self.methods.iter().rfind(|method| **method != Method::HEAD);
        if let Some(method) = last {
            self.keys.0.push((method.clone(), access));
        }
        self
    }

    fn allowing(mut self, methods: &[Method]) -> Self {
        self.methods.extend_from_slice(methods);
        self
    }
}

fn allowed(allow: HeaderValue) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((ALLOW, allow))
        .finish()
}

fn not_allowed(allow: HeaderValue) -> HttpResponse {
    let mut response = Problem::new(Code::MethodNotAllowed).error_response();
    response.headers_mut().insert(ALLOW, allow);
    response
}
