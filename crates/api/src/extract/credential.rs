//! By what a request says who makes it.

use crate::problem::{Code, Problem};
use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderName};
use doorward_services::auth::AuthenticateError;
use std::fmt;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What came with a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Presented<'a> {
    /// An access token (RFC 6750, section 2.1).
    Token(&'a str),
    /// An API key, as `X-API-Key: …` or as `Authorization: Api-Key …`.
    Key(&'a str),
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(…)",
            Self::Key(_) => "Key(…)",
        })
    }
}

/// The one credential of the request. Of two nobody could say which one counts; and what is neither a token nor a key is
/// refused like a bad token.
pub(super) fn presented(request: &HttpRequest) -> Result<Option<Presented<'_>>, Problem> {
    let mut authorizations = request.headers().get_all(AUTHORIZATION);
    let mut keys = request.headers().get_all(X_API_KEY);
    let (authorization, key) = (authorizations.next(), keys.next());
    if keys.next().is_some() || (authorization.is_some() && key.is_some()) {
        return Err(Problem::new(Code::TwoCredentials));
    }
    if let Some(key) = key {
        return Ok(Some(Presented::Key(
            key.to_str().unwrap_or_default().trim(),
        )));
    }
    let Some(authorization) = authorization else {
        return Ok(None);
    };
    let text = authorization.to_str().ok();
    match text.and_then(|text| text.split_once(' ')) {
        Some(_) | None if authorizations.next().is_some() => {
            Err(AuthenticateError::InvalidToken.into())
        }
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Some(Presented::Token(token.trim())))
        }
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("api-key") => {
            Ok(Some(Presented::Key(key.trim())))
        }
        Some(_) | None => Err(AuthenticateError::InvalidToken.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn shown(found: Presented<'_>) -> String {
        match found {
            Presented::Token(token) => format!("Token({token:?})"),
            Presented::Key(key) => format!("Key({key:?})"),
        }
    }

    fn read(headers: &[(&str, &str)]) -> Result<Option<String>, Code> {
        let request = headers.iter().fold(TestRequest::get(), |request, header| {
            request.append_header(*header)
        });
        let request = request.to_http_request();
        presented(&request)
            .map(|found| found.map(shown))
            .map_err(|problem| problem.code)
    }

    #[test]
    fn a_token_has_one_form_and_a_key_has_two() {
        let found = |text: &str| Ok(Some(text.to_owned()));
        for (header, expected) in [
            (("authorization", "Bearer a.b.c"), found("Token(\"a.b.c\")")),
            (("authorization", "bEARER  a"), found("Token(\"a\")")),
            (("authorization", "Api-Key dwk_x"), found("Key(\"dwk_x\")")),
            (("authorization", "api-key dwk_x "), found("Key(\"dwk_x\")")),
            (("x-api-key", "dwk_x"), found("Key(\"dwk_x\")")),
            (("x-api-key", ""), found("Key(\"\")")),
            (("x-api-keys", "dwk_x"), Ok(None)),
            (("authorization", "Basic eDp5"), Err(Code::TokenNotValid)),
            (("authorization", "dwk_x"), Err(Code::TokenNotValid)),
            (("authorization", ""), Err(Code::TokenNotValid)),
        ] {
            assert_eq!(read(&[header]), expected, "{header:?}");
        }
        assert_eq!(read(&[]), Ok(None));
    }

    #[test]
    fn two_credentials_are_refused_also_where_they_are_the_same() {
        let (bearer, key) = (
            ("authorization", "Bearer a"),
            ("authorization", "Api-Key a"),
        );
        let header = ("x-api-key", "a");
        for (headers, code) in [
            ([bearer, header], Code::TwoCredentials),
            ([key, header], Code::TwoCredentials),
            (
                [("authorization", "Basic eDp5"), header],
                Code::TwoCredentials,
            ),
            ([header, header], Code::TwoCredentials),
            ([bearer, bearer], Code::TokenNotValid),
            ([bearer, key], Code::TokenNotValid),
            ([key, key], Code::TokenNotValid),
        ] {
            assert_eq!(read(&headers), Err(code), "{headers:?}");
        }
    }
}
