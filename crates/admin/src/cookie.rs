//! The two cookies: that of a session, and that of a browser before the login, which ties forms to it.

use crate::site::AdminConfig;
use actix_web::HttpRequest;
use actix_web::http::header::COOKIE;

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Of somebody who is logged in.
    Session,
    /// Of a stranger.
    Visit,
}

impl Cookie {
    /// `__Host-` keeps neighbours under the same domain from setting it, and is for TLS alone (RFC 6265bis, 4.1.3.2).
    fn name(self, config: &AdminConfig) -> &'static str {
        match (self, config.is_secure) {
            (Self::Session, false) => "doorward_admin",
            (Self::Session, true) => "__Host-doorward_admin",
            (Self::Visit, false) => "doorward_visit",
            (Self::Visit, true) => "__Host-doorward_visit",
        }
    }

    /// What the browser sends, if it sends it.
    pub(crate) fn read(self, request: &HttpRequest, config: &AdminConfig) -> Option<String> {
        let name = self.name(config);
        let headers = request.headers().get_all(COOKIE);
        let pairs = headers.filter_map(|header| header.to_str().ok());
        pairs
            .flat_map(|pairs| pairs.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value.to_owned())
    }

    /// What sets it until the browser ends.
    pub(crate) fn set(self, value: &str, config: &AdminConfig) -> String {
        let (name, place) = (self.name(config), place(config));
        format!("{name}={value}; {place}; HttpOnly; SameSite=Strict")
    }

    /// What takes it away.
    pub(crate) fn unset(self, config: &AdminConfig) -> String {
        let (name, place) = (self.name(config), place(config));
        format!("{name}=; {place}; HttpOnly; SameSite=Strict; Max-Age=0")
    }
}

fn place(config: &AdminConfig) -> &'static str {
    if config.is_secure {
        "Path=/; Secure"
    } else {
        "Path=/admin"
    }
}
