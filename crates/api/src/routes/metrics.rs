//! What Prometheus reads.

mod figures;

use super::{Answer, ApiConfig};
use crate::openapi::{Operation, Reply, Tag, text};
use crate::problem::{Code, Problem, TokenClass};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    AUTHORIZATION, FORWARDED, HeaderMap, HeaderName, VIA, X_FORWARDED_FOR, X_FORWARDED_HOST,
    X_FORWARDED_PROTO,
};
use actix_web::{HttpRequest, HttpResponse, web};
use doorward_metrics::{Page, Requests};
use doorward_services::Services;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Counting reads many rows, so however often the page is read, it is done but so often.
const COUNTED_FOR: Duration = Duration::from_mins(1);

/// What a proxy adds, who stands between: then the peer is not whoever asks.
const OF_PROXIES: [HeaderName; 6] = [
    FORWARDED,
    VIA,
    X_FORWARDED_FOR,
    X_FORWARDED_HOST,
    X_FORWARDED_PROTO,
    HeaderName::from_static("x-real-ip"),
];

/// Writes figures that neither the API nor the services have.
pub type Source = Arc<dyn Fn(&mut Page) + Send + Sync>;

/// The page of figures, and who may read it.
#[derive(Clone, Default)]
pub struct Metrics {
    /// What has to be shown; without it the page is for this machine alone.
    pub token: Option<SecretString>,
    /// The requests of all routes.
    pub requests: Requests,
    /// What else there is to tell.
    pub sources: Vec<Source>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("has_token", &self.token.is_some())
            .finish_non_exhaustive()
    }
}

impl Metrics {
    /// A token may come from anywhere; without one, only who has made the connection on this machine for himself is
    /// answered.
    fn admit(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(token) = &self.token else {
            let is_local = peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback());
            let is_direct = !OF_PROXIES.iter().any(|name| headers.contains_key(name));
            return (is_local && is_direct)
                .then_some(())
                .ok_or_else(|| Problem::new(Code::PermissionDenied).detail(CLOSED));
        };
        let mut shown = headers.get_all(AUTHORIZATION);
        let (first, second) = (shown.next(), shown.next());
        let Some(first) = first else {
            return Err(Problem::new(Code::NotAuthenticated));
        };
        let text = first.to_str().ok().filter(|_| second.is_none());
        let bearer = text.and_then(|text| text.split_once(' '));
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let is_right = bearer.is_some_and(|(_, shown)| {
            let expected = token.expose_secret().as_bytes();
            shown.trim().as_bytes().ct_eq(expected).into()
        });
        is_right.then_some(()).ok_or_else(|| Problem {
            token: Some(TokenClass::Untyped),
            ..Problem::new(Code::TokenNotValid)
        })
    }
}

const CLOSED: &str = "Without METRICS_TOKEN the metrics are for the machine itself.";

/// `GET /metrics`
pub(super) async fn show(
    request: HttpRequest,
    services: web::Data<Services>,
    config: web::Data<ApiConfig>,
) -> Answer {
    let metrics = &config.metrics;
    metrics.admit(request.peer_addr(), request.headers())?;
    // The page is what one looks at in an outage: without the database it is only shorter.
    let totals = services.overview.totals(COUNTED_FOR).await.ok();
    let mut page = Page::default();
    metrics.requests.write(&mut page);
    figures::write(&mut page, &services, totals.as_ref());
    for source in &metrics.sources {
        source(&mut page);
    }
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(HttpResponse::Ok().content_type(kind).body(page.into_text()))
}

pub(super) fn show_described() -> Operation {
    Operation::new(Tag::Operations, "showMetrics", "Show the metrics")
        .about(
            "Prometheus's text format. With `METRICS_TOKEN` that is asked for as a bearer token; without it only the \
             machine itself is answered, and not through a proxy.",
        )
        .for_probes()
        .codes(&[Code::NotAuthenticated, Code::TokenNotValid, Code::PermissionDenied])
        .answer(Reply::of_type(StatusCode::OK, "The metrics.", "text/plain", text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn asked(token: Option<&str>, peer: &str, sent: &[(&str, &str)]) -> Option<Code> {
        let metrics = Metrics {
            token: token.map(|token| token.to_owned().into()),
            ..Metrics::default()
        };
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let peer = Some(peer.parse().unwrap());
        metrics
            .admit(peer, &headers)
            .err()
            .map(|problem| problem.code)
    }

    #[test]
    fn without_a_token_only_this_machine_is_answered_and_not_through_a_proxy() {
        for local in [
            "127.0.0.1:9",
            "127.8.8.8:9",
            "[::1]:9",
            "[::ffff:127.0.0.1]:9",
        ] {
            assert_eq!(asked(None, local, &[]), None, "{local}");
            for name in OF_PROXIES {
                let closed = asked(None, local, &[(name.as_str(), "127.0.0.1")]);
                assert_eq!(closed, Some(Code::PermissionDenied), "{name}");
            }
        }
        for other in ["10.0.0.1:9", "[2001:db8::1]:9", "0.0.0.0:9"] {
            let closed = asked(None, other, &[("authorization", "Bearer x")]);
            assert_eq!(closed, Some(Code::PermissionDenied), "{other}");
        }
    }

    #[test]
    fn a_token_that_is_asked_for_counts_wherever_it_comes_from_and_nothing_else_does() {
        let ask = |sent: &[(&str, &str)]| asked(Some("s3cret"), "203.0.113.5:9", sent);
        let shown = |text| ("authorization", text);
        assert_eq!(ask(&[shown("Bearer s3cret")]), None);
        assert_eq!(ask(&[shown("bearer  s3cret ")]), None);
        assert_eq!(ask(&[shown("Bearer s3cret"), ("via", "1.1 x")]), None);
        assert_eq!(ask(&[]), Some(Code::NotAuthenticated));
        for wrong in [
            "Bearer s3cre",
            "Bearer s3crets",
            "Bearer ",
            "Bearer",
            "Basic s3cret",
            "s3cret",
        ] {
            assert_eq!(ask(&[shown(wrong)]), Some(Code::TokenNotValid), "{wrong}");
        }
        let twice = [shown("Bearer s3cret"), shown("Bearer s3cret")];
        assert_eq!(ask(&twice), Some(Code::TokenNotValid));
        let local = asked(Some("s3cret"), "127.0.0.1:9", &[]);
        assert_eq!(local, Some(Code::NotAuthenticated));
    }
}
