//! Who is at work, and what he sends.

use crate::answer::{Answer, page, see_other};
use crate::cookie::Cookie;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::same_origin;
use crate::shell::{Section, Shell};
use crate::site::Panel;
use actix_web::dev::Payload;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use askama::Template;
use doorward_domain::Role;
use doorward_services::Services;
use doorward_services::auth::Caller;
use doorward_services::panel::Operator;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

/// Somebody who is logged in, and the request that he has made.
pub(crate) struct Desk {
    pub(crate) panel: Data<Panel>,
    pub(crate) operator: Operator,
    /// What the address says behind the question mark.
    pub(crate) query: Fields,
}

/// A change that somebody makes who is logged in: it comes from a form of ours.
pub(crate) struct Change {
    pub(crate) desk: Desk,
    pub(crate) fields: Fields,
    /// What stands before the paths of the panel, where the browser says it.
    pub(crate) origin: String,
}

/// The name of the form's token among the fields.
pub(crate) const FORM_TOKEN: &str = "form_token";

/// The page that is asked for, without the host, which HTTP/2 has before it.
fn here(request: &HttpRequest) -> String {
    let page = request.uri().path_and_query();
    page.map_or_else(String::new, ToString::to_string)
}

impl Desk {
    async fn of(request: HttpRequest) -> Result<Self, Failure> {
        let panel = panel(&request)?;
        let cookie = Cookie::Session.read(&request, &panel.config);
        let operator = match cookie {
            Some(cookie) => panel.services.panel.operator(&cookie).await?,
            None => None,
        };
        let is_read = request.method() != Method::POST;
        let next = || is_read.then(|| here(&request));
        let operator = operator.ok_or_else(|| Failure::NotLoggedIn { next: next() })?;
        request
            .extensions_mut()
            .insert(operator.caller.principal.id);
        let origin = (panel.config.origin)(&request);
        Ok(Self {
            operator: operator.at(origin),
            query: Fields::of_query(&request),
            panel,
        })
    }

    pub(crate) fn services(&self) -> &Services {
        &self.panel.services
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.operator.caller
    }

    pub(crate) fn role(&self) -> Role {
        self.caller().principal.role
    }

    /// What stands around a page.
    pub(crate) fn shell(&self, section: Section, title: impl Into<String>) -> Shell {
        Shell::new(self, section, title.into())
    }

    pub(crate) fn page<T: Template>(&self, template: &T) -> Answer {
        page(StatusCode::OK, template, &self.cookies())
    }

    /// The form again, with what is wrong with it.
    pub(crate) fn refused<T: Template>(&self, status: StatusCode, template: &T) -> Answer {
        page(status, template, &self.cookies())
    }

    /// To another page, after a change.
    pub(crate) fn to(&self, target: &str) -> HttpResponse {
        see_other(target, &self.cookies())
    }

    pub(crate) fn cookies(&self) -> Vec<String> {
        let renewed = self.operator.cookie.iter();
        renewed
            .map(|cookie| Cookie::Session.set(cookie, &self.panel.config))
            .collect()
    }
}

impl FromRequest for Desk {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Self::of(request.clone()).boxed_local()
    }
}

impl FromRequest for Change {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        async move {
            let origin = same_origin::check(&request)?;
            let desk = Desk::of(request.clone()).await?;
            let fields = Fields::sent(&request, &mut payload).await?;
            let token = fields.raw(FORM_TOKEN).unwrap_or_default();
            let panel = &desk.services().panel;
            if !panel.is_form_token(desk.operator.visit, token) {
                return Err(Failure::ForeignForm);
            }
            Ok(Self {
                desk,
                fields,
                origin,
            })
        }
        .boxed_local()
    }
}

pub(crate) fn panel(request: &HttpRequest) -> Result<Data<Panel>, Failure> {
    let panel = request.app_data::<Data<Panel>>().cloned();
    panel.ok_or_else(|| Failure::internal(&"the panel is not mounted"))
}
