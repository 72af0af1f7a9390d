//! The pages and where they are.

use crate::assets::{STYLESHEET, stylesheet};
use crate::failure::Failure;
use crate::pages::{
    audit, export, login, overview, password, settings, tasks, user, user_actions, users,
};
use actix_web::http::Method;
use actix_web::web::{self, Data, PayloadConfig, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, Resource, Responder, guard};
use doorward_domain::Origin;
use doorward_metrics::Requests;
use doorward_services::Services;
use std::future::ready;

/// A form is never larger, in bytes.
const MAX_FORM: usize = 64 * 1024;

/// What the panel needs beside the services.
#[derive(Debug, Clone)]
pub struct AdminConfig {
    /// The version that the panel shows.
    pub version: &'static str,
    /// The environment that it shows.
    pub environment: String,
    /// Tells where a request comes from.
    pub origin: fn(&HttpRequest) -> Origin,
    /// Whether browsers reach it over TLS alone: its cookies are then for that alone.
    pub is_secure: bool,
    /// Where requests are counted.
    pub requests: Requests,
}

/// What every page has at hand.
#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) services: Data<Services>,
    pub(crate) config: AdminConfig,
}

/// Mounts all pages, below `/admin`.
pub fn configure(
    services: Data<Services>,
    config: AdminConfig,
) -> impl FnOnce(&mut ServiceConfig) + Clone {
    let panel = Data::new(Panel { services, config });
    move |app| {
        let requests = panel.config.requests.clone();
        let mut scope = web::scope("/admin")
            .app_data(panel)
            .app_data(PayloadConfig::new(MAX_FORM))
            .default_service(web::to(|| ready(Failure::NotFound)));
        for page in pages() {
            scope = scope.service(page.into_resource(&requests));
        }
        app.service(scope);
    }
}

/// Every page: its path, and each method that has an answer of its own.
pub fn routes() -> Vec<(String, Vec<Method>)> {
    let below = |page: Page| (format!("/admin{}", page.path), page.methods);
    pages().into_iter().map(below).collect()
}

fn pages() -> Vec<Page> {
    vec![
        Page::at("").get(overview::show),
        Page::at("/login").get(login::show).post(login::log_in),
        Page::at("/logout").post(login::log_out),
        Page::at("/password")
            .get(password::show)
            .post(password::set),
        Page::at("/users").get(users::list),
        Page::at("/users/new").get(users::new).post(users::create),
        Page::at("/users/{id}").get(user::show).post(user::update),
        Page::at("/users/{id}/activate").post(user_actions::activate),
        Page::at("/users/{id}/deactivate").post(user_actions::deactivate),
        Page::at("/users/{id}/password-link").post(user_actions::password_link),
        Page::at("/users/{id}/sessions/end").post(user_actions::end_sessions),
        Page::at("/users/{id}/sessions/{session}/end").post(user_actions::end_session),
        Page::at("/users/{id}/api-keys/{key}/delete").post(user_actions::delete_key),
        Page::at("/settings")
            .get(settings::show)
            .post(settings::update),
        Page::at("/settings/undo").post(settings::undo),
        Page::at("/constance/config").get(settings::moved),
        Page::at("/tasks").get(tasks::list),
        Page::at("/tasks/{id}").get(tasks::show),
        Page::at("/tasks/{id}/cancel").post(tasks::cancel),
        Page::at("/tasks/{id}/run-again").post(tasks::run_again),
        Page::at("/audit").get(audit::list),
        Page::at("/audit.csv").get(export::csv),
        Page::at(STYLESHEET).get(stylesheet),
    ]
}

/// One path with its methods.
struct Page {
    path: &'static str,
    resource: Resource,
    methods: Vec<Method>,
}

impl Page {
    fn at(path: &'static str) -> Self {
        Self {
            path,
            resource: web::resource(path),
            methods: Vec::new(),
        }
    }

    fn get<H, A>(mut self, handler: H) -> Self
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        let is_read = guard::Any(guard::Get()).or(guard::Head());
        self.methods.extend([Method::GET, Method::HEAD]);
        let resource = self.resource.route(web::route().guard(is_read).to(handler));
        Self { resource, ..self }
    }

    fn post<H, A>(mut self, handler: H) -> Self
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.methods.push(Method::POST);
        let resource = self.resource.route(web::post().to(handler));
        Self { resource, ..self }
    }

    /// To be mounted in one thread, which counts the page's requests there.
    fn into_resource(self, requests: &Requests) -> Resource {
        let counted = requests.route(&format!("/admin{}", self.path));
        let names: Vec<_> = self.methods.iter().map(Method::as_str).collect();
        let allow = names.join(", ");
        let refuse = move || ready(Failure::MethodNotAllowed(allow.clone()));
        let resource = self.resource.app_data(counted);
        resource.default_service(web::to(refuse))
    }
}
