//! Where a request comes from.

use crate::edge::client_address;
use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::{FromRequest, HttpRequest};
use doorward_domain::Origin;
use std::convert::Infallible;
use std::future::{Ready, ready};

/// The client's address and user agent.
pub(crate) struct ClientOrigin(pub(crate) Origin);

impl FromRequest for ClientOrigin {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let address = client_address(request);
        let user_agent = request
            .headers()
            .get(USER_AGENT)
            .map(|text| String::from_utf8_lossy(text.as_bytes()));
        ready(Ok(Self(Origin::new(address, user_agent.as_deref()))))
    }
}
