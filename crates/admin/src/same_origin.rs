//! Whether a change comes from a page of ours.

use crate::failure::Failure;
use actix_web::HttpRequest;
use actix_web::http::header::{HOST, HeaderName, HeaderValue, ORIGIN};
use actix_web::http::uri::Authority;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The origin of the panel, as the browser sees it. Every browser of these days says at a change from where it comes; what
/// says nothing is none, or is hiding something.
pub(crate) fn check(request: &HttpRequest) -> Result<String, Failure> {
    let mut site = request.headers().get_all(SEC_FETCH_SITE);
    let is_ours_by_site = site.all(|site| site == "same-origin");
    let mut origins = request.headers().get_all(ORIGIN).peekable();
    let has_origin = origins.peek().is_some();
    let is_ours_by_origin = origins.all(|origin| is_own(request, origin));
    let is_told = has_origin || request.headers().contains_key(SEC_FETCH_SITE);
    if !(is_told && is_ours_by_site && is_ours_by_origin) {
        return Err(Failure::ForeignOrigin);
    }
    let origin = request.headers().get(ORIGIN);
    let origin = origin.and_then(|origin| origin.to_str().ok());
    Ok(origin.unwrap_or_default().to_owned())
}

/// The host is one that is served, which was checked before; its scheme a proxy may have changed.
fn is_own(request: &HttpRequest, origin: &HeaderValue) -> bool {
    let origin = origin.to_str().unwrap_or_default();
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(Authority::as_str));
    let named = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    match (named, host) {
        (Some(named), Some(host)) => named.eq_ignore_ascii_case(host),
        (None, _) | (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn is_ours(headers: &[(&str, &str)]) -> bool {
        let request = TestRequest::post().insert_header(("host", "door.example:8000"));
        let request = headers
            .iter()
            .fold(request, |request, header| request.append_header(*header));
        check(&request.to_http_request()).is_ok()
    }

    #[test]
    fn a_change_comes_from_a_page_of_ours_or_is_refused() {
        let own = ("origin", "http://door.example:8000");
        let same = ("sec-fetch-site", "same-origin");
        for headers in [
            &[own][..],
            &[("origin", "https://Door.example:8000")],
            &[same],
            &[own, same],
        ] {
            assert!(is_ours(headers), "{headers:?}");
        }
        for headers in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "")],
            &[("origin", "http://door.example")],
            &[("origin", "http://door.example:8000.evil.example")],
            &[("origin", "ftp://door.example:8000")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "none")],
            &[own, ("sec-fetch-site", "cross-site")],
            &[same, ("origin", "http://evil.example")],
            &[own, ("origin", "http://evil.example")],
        ] {
            assert!(!is_ours(headers), "{headers:?}");
        }
    }
}
