//! Somebody who is not logged in, at one of the pages that are for him.

use crate::answer::{Answer, page};
use crate::cookie::Cookie;
use crate::desk::{FORM_TOKEN, panel};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::same_origin;
use crate::site::Panel;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use askama::Template;
use doorward_domain::Origin;
use doorward_services::panel::{Operator, Visit};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use std::future::{Ready, ready};

/// A browser.
pub(crate) struct Stranger {
    pub(crate) panel: Data<Panel>,
    pub(crate) query: Fields,
    pub(crate) origin: Origin,
    /// The cookie of a session, good or not.
    session: Option<String>,
    visit: Visit,
    is_new: bool,
}

/// A form that a stranger sends.
pub(crate) struct StrangersForm {
    pub(crate) stranger: Stranger,
    pub(crate) fields: Fields,
}

impl Stranger {
    fn of(request: &HttpRequest) -> Result<Self, Failure> {
        let panel = panel(request)?;
        let known = Cookie::Visit.read(request, &panel.config);
        let known = known.as_deref().and_then(Visit::of_stranger);
        Ok(Self {
            query: Fields::of_query(request),
            origin: (panel.config.origin)(request),
            session: Cookie::Session.read(request, &panel.config),
            visit: known.unwrap_or_else(Visit::new_stranger),
            is_new: known.is_none(),
            panel,
        })
    }

    /// Who it is, if he is logged in after all.
    pub(crate) async fn operator(&self) -> Result<Option<Operator>, Failure> {
        match &self.session {
            Some(cookie) => {
                let operator = self.panel.services.panel.operator(cookie).await?;
                Ok(operator.map(|it| it.at(self.origin.clone())))
            }
            None => Ok(None),
        }
    }

    /// For the forms of the page.
    pub(crate) fn form_token(&self) -> String {
        let token = self.panel.services.panel.form_token(self.visit);
        token.as_str().to_owned()
    }

    pub(crate) fn page<T: Template>(&self, status: StatusCode, template: &T) -> Answer {
        let cookie = self.visit.cookie();
        let set = Cookie::Visit.set(&cookie, &self.panel.config);
        let cookies: &[String] = if self.is_new { &[set] } else { &[] };
        page(status, template, cookies)
    }
}

impl FromRequest for Stranger {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl FromRequest for StrangersForm {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        async move {
            same_origin::check(&request)?;
            let stranger = Stranger::of(&request)?;
            let fields = Fields::sent(&request, &mut payload).await?;
            let token = fields.raw(FORM_TOKEN).unwrap_or_default();
            let services = &stranger.panel.services;
            if stranger.is_new || !services.panel.is_form_token(stranger.visit, token) {
                return Err(Failure::ForeignForm);
            }
            Ok(Self { stranger, fields })
        }
        .boxed_local()
    }
}
