//! The login, and the end of it.

use crate::answer::{Answer, see_other};
use crate::assets::VERSION;
use crate::cookie::Cookie;
use crate::desk::Change;
use crate::failure::Failure;
use crate::stranger::{Stranger, StrangersForm};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use doorward_services::auth::{Login, LoginError};
use doorward_services::panel::EnterError;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    version: u64,
    form_token: String,
    next: String,
    username: String,
    problem: Option<&'static str>,
    is_farewell: bool,
}

const WRONG: &str = "The username or the password is not correct.";
const NOT_FOR_USERS: &str =
    "The panel is for admins and owners. Your account is neither, so you were not logged in.";

/// `GET /admin/login`
pub(crate) async fn show(stranger: Stranger) -> Answer {
    let next = safe_next(stranger.query.get("next"));
    if stranger.operator().await?.is_some() {
        return Ok(see_other(&next, &[]));
    }
    let page = LoginPage {
        version: VERSION,
        form_token: stranger.form_token(),
        next,
        username: String::new(),
        problem: None,
        is_farewell: stranger.query.get("done") == Some("logged-out"),
    };
    stranger.page(StatusCode::OK, &page)
}

/// `POST /admin/login`
pub(crate) async fn log_in(form: StrangersForm) -> Answer {
    let StrangersForm { stranger, fields } = form;
    let next = safe_next(fields.get("next"));
    let login = Login {
        username: fields.text("username"),
        email: None,
        password: fields.raw("password").unwrap_or_default().to_owned().into(),
        origin: stranger.origin.clone(),
    };
    // Whoever logs in begins anew: nothing of a session before goes on.
    let before = stranger.operator().await?;
    let services = &stranger.panel.services;
    let entered = match services.panel.log_in(login).await {
        Ok(operator) => operator,
        Err(EnterError::Login(LoginError::Internal(error))) => return Err(error.into()),
        Err(error @ (EnterError::NotAllowed | EnterError::Login(_))) => {
            let is_known = matches!(error, EnterError::NotAllowed);
            let page = LoginPage {
                version: VERSION,
                form_token: stranger.form_token(),
                next,
                username: fields.text("username").unwrap_or_default(),
                problem: Some(if is_known { NOT_FOR_USERS } else { WRONG }),
                is_farewell: false,
            };
            let status = if is_known {
                StatusCode::FORBIDDEN
            } else {
                StatusCode::UNAUTHORIZED
            };
            return stranger.page(status, &page);
        }
    };
    if let Some(before) = before {
        services.panel.log_out(&before).await?;
    }
    let config = &stranger.panel.config;
    let cookies = entered.cookie.iter();
    let cookies: Vec<_> = cookies.map(|it| Cookie::Session.set(it, config)).collect();
    Ok(see_other(&next, &cookies))
}

/// `POST /admin/logout`
pub(crate) async fn log_out(change: Change) -> Result<HttpResponse, Failure> {
    let desk = change.desk;
    desk.services().panel.log_out(&desk.operator).await?;
    let gone = Cookie::Session.unset(&desk.panel.config);
    Ok(see_other("/admin/login?done=logged-out", &[gone]))
}

/// A page of the panel, whatever somebody has written into a link.
fn safe_next(next: Option<&str>) -> String {
    let is_safe = |next: &&str| {
        let rest = next.strip_prefix("/admin");
        let is_below = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        is_below
            && next
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    next.filter(is_safe).unwrap_or("/admin/").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_pages_of_the_panel_alone() {
        for next in [
            "/admin",
            "/admin/",
            "/admin/users?role=admin",
            "/admin?done=x",
        ] {
            assert_eq!(safe_next(Some(next)), next);
        }
        for next in [
            "",
            "/",
            "//evil.example",
            "/administrator",
            "https://evil.example/admin",
            "/\\evil.example",
            "/admin\\evil",
            "/admin/\r\nset-cookie: x",
            "/admin/ü",
            "javascript:alert(1)",
        ] {
            assert_eq!(safe_next(Some(next)), "/admin/", "{next:?}");
        }
        assert_eq!(safe_next(None), "/admin/");
    }
}
