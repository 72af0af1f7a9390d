//! Where a request comes from.

use crate::edge::client_address;
use actix_web::dev::Payload;
use actix_web::http::header::{HeaderValue, USER_AGENT};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use doorward_domain::Origin;
use std::convert::Infallible;
use std::future::{Ready, ready};

/// The client's address and user agent, and the id of the request.
pub(crate) struct ClientOrigin(pub(crate) Origin);

/// The id that the edge has given the request; it gives one to those that may change something.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) HeaderValue);

impl FromRequest for ClientOrigin {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(origin(request))))
    }
}

/// Where a request comes from.
pub fn origin(request: &HttpRequest) -> Origin {
    let address = client_address(request);
    let user_agent = request
        .headers()
        .get(USER_AGENT)
        .map(|text| String::from_utf8_lossy(text.as_bytes()));
    let extensions = request.extensions();
    let id = extensions
        .get::<RequestId>()
        .and_then(|id| id.0.to_str().ok())
        .map(ToOwned::to_owned);
    Origin::new(address, user_agent.as_deref()).of_request(id)
}
