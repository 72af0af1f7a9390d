//! Which hosts are served.

use crate::problem::{Code, Problem};
use actix_web::http::header::{HOST, HeaderMap};
use actix_web::http::uri::{Authority, Uri};

/// An exact list of hosts: one with a port counts for that port alone, one without for every port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// Names are compared without regard to case; IPv6 addresses stand in brackets.
    pub fn new<I, S>(hosts: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Self(hosts.into_iter().map(Into::into).collect())
    }

    /// There is exactly one host (RFC 9112, section 3.2), and a foreign one is misdirected (RFC 9110, section 7.4).
    pub(super) fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
        let mut sent = headers.get_all(HOST);
        let header = match (sent.next(), sent.next()) {
            (Some(host), None) => Some(host.to_str().map_err(|_unreadable| host_not_valid())?),
            (None, _) => None,
            (Some(_), Some(_)) => return Err(host_not_valid()),
        };
        let authority = uri.authority().map(Authority::as_str);
        if header.is_none() && authority.is_none() {
            return Err(host_not_valid());
        }
        let mut named = [header, authority].into_iter().flatten();
        if named.all(|host| self.contains(host)) {
            Ok(())
        } else {
            Err(Problem::new(Code::MisdirectedRequest)
                .detail("This host is not served here; ALLOWED_HOSTS names those that are."))
        }
    }

    fn contains(&self, host: &str) -> bool {
        let name = without_port(host);
        self.0
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(name) || allowed.eq_ignore_ascii_case(host))
    }
}

fn host_not_valid() -> Problem {
    Problem::new(Code::HostNotValid)
}

/// `name:80` and `[::1]:80` lose the port; anything odd stays as it is, and matches nothing.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn check(hosts: &[&str], uri: &str) -> Result<(), Code> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_str(host).unwrap());
        }
        AllowedHosts::new([
            "localhost",
            "127.0.0.1",
            "[::1]",
            "Auth.example",
            "only.example:8443",
        ])
        .check(&headers, &uri.parse().unwrap())
        .map_err(|problem| problem.code)
    }

    #[test]
    fn a_listed_host_is_served_with_any_port_and_in_any_case() {
        for host in [
            "localhost",
            "LOCALHOST:8000",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:8000",
            "auth.example:443",
        ] {
            assert_eq!(check(&[host], "/"), Ok(()), "{host}");
        }
    }

    #[test]
    fn a_missing_or_double_host_is_400_and_a_foreign_one_421() {
        assert_eq!(check(&[], "/"), Err(Code::HostNotValid));
        assert_eq!(
            check(&["localhost", "localhost"], "/"),
            Err(Code::HostNotValid)
        );
        for host in [
            "evil.example",
            "localhost.evil.example",
            "",
            "[::1",
            "localhost:80:80",
            "::1",
        ] {
            assert_eq!(check(&[host], "/"), Err(Code::MisdirectedRequest), "{host}");
        }
    }

    #[test]
    fn a_host_that_is_listed_with_a_port_is_served_on_that_port_alone() {
        assert_eq!(check(&["only.example:8443"], "/"), Ok(()));
        for host in ["only.example", "only.example:443"] {
            assert_eq!(check(&[host], "/"), Err(Code::MisdirectedRequest), "{host}");
        }
    }

    #[test]
    fn the_authority_of_the_target_counts_too() {
        assert_eq!(check(&[], "http://localhost:8000/x"), Ok(()));
        assert_eq!(
            check(&["localhost"], "http://evil.example/x"),
            Err(Code::MisdirectedRequest)
        );
    }
}
