//! What a URL says about TLS, in the words of libpq.

use crate::database_url::PostgresUrl;
use std::path::PathBuf;

const DEFAULT_PORT: u16 = 5432;

/// A server that is to be reached by TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) check: Check,
    pub(super) roots: Roots,
}

/// What is asked of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Nothing: `require`.
    Nothing,
    /// That a trusted authority made it: `verify-ca`.
    Authority,
    /// That a trusted authority made it for this host: `verify-full`.
    AuthorityAndName,
}

/// Who is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// Whom the machine trusts.
    System,
    /// `sslrootcert`.
    File(PathBuf),
}

impl Target {
    /// None where `sslmode` is `disable`, `allow`, `prefer` or missing, and where the server is a socket.
    pub(super) fn of(url: &PostgresUrl) -> Result<Option<Self>, String> {
        let roots = match url.parameter("sslrootcert").as_deref() {
            None | Some("system") => Roots::System,
            Some(file) => Roots::File(file.into()),
        };
        let check = match url.parameter("sslmode").as_deref() {
            None | Some("disable" | "allow" | "prefer") => return Ok(None),
            // libpq's rule: whoever names a root wants it to be looked at.
            Some("require") if roots == Roots::System => Check::Nothing,
            Some("require" | "verify-ca") => Check::Authority,
            Some("verify-full") => Check::AuthorityAndName,
            Some(_) => {
                return Err(
                    "sslmode is one of disable, allow, prefer, require, verify-ca and verify-full"
                        .to_owned(),
                );
            }
        };
        if url.parameter("sslcert").is_some() {
            return Err("client certificates (sslcert) are not supported".to_owned());
        }
        let (host, port) = place(url)?;
        let is_socket = host.is_empty() || host.starts_with('/');
        Ok((!is_socket).then_some(Self {
            host,
            port,
            check,
            roots,
        }))
    }
}

fn place(url: &PostgresUrl) -> Result<(String, u16), String> {
    let authority = url.authority();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.to_owned())),
        Some(_) | None => (authority.as_str(), None),
    };
    let host = url.parameter("host").unwrap_or_else(|| host.to_owned());
    let port = url
        .parameter("port")
        .or(port)
        .filter(|port| !port.is_empty());
    if host.contains(',') {
        return Err("several hosts in one URL are not supported together with TLS".to_owned());
    }
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let port = port.map_or(Ok(DEFAULT_PORT), |port| port.parse());
    Ok((
        host,
        port.map_err(|_number| "the port is not a number".to_owned())?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database_url::DatabaseUrl;

    fn url(text: &str) -> PostgresUrl {
        match DatabaseUrl::parse(text).unwrap() {
            DatabaseUrl::Postgres(url) => url,
            DatabaseUrl::Sqlite(path) => panic!("{path:?}"),
        }
    }

    fn target(text: &str) -> Result<Option<Target>, String> {
        Target::of(&url(text))
    }

    #[test]
    fn tls_is_used_where_the_url_demands_it() {
        for (query, check) in [
            ("", None),
            ("?sslmode=disable", None),
            ("?sslmode=prefer", None),
            ("?sslmode=require", Some(Check::Nothing)),
            (
                "?sslmode=require&sslrootcert=ca.pem",
                Some(Check::Authority),
            ),
            (
                "?sslmode=verify-ca&sslrootcert=ca.pem",
                Some(Check::Authority),
            ),
            (
                "?connect_timeout=3&sslmode=verify-full",
                Some(Check::AuthorityAndName),
            ),
        ] {
            let found = target(&format!("postgres://ada:pw@db.example/d{query}")).unwrap();
            assert_eq!(found.map(|target| target.check), check, "{query}");
        }
    }

    #[test]
    fn host_and_port_come_from_the_authority_or_the_parameters() {
        for (url, host, port) in [
            (
                "postgres://db.example/d?sslmode=require",
                "db.example",
                5432,
            ),
            (
                "postgres://a:b@db.example:6543/d?sslmode=require",
                "db.example",
                6543,
            ),
            ("postgres://a@[::1]:6543/d?sslmode=require", "::1", 6543),
            (
                "postgres:///d?host=db.example&port=6543&sslmode=require",
                "db.example",
                6543,
            ),
        ] {
            let found = target(url).unwrap().unwrap();
            assert_eq!((found.host.as_str(), found.port), (host, port), "{url}");
        }
        assert_eq!(
            target("postgres:///d?host=/run/postgresql&sslmode=require"),
            Ok(None)
        );
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_a_reason() {
        for query in ["sslmode=strict", "sslmode=require&sslcert=me.pem"] {
            assert!(
                target(&format!("postgres://db/d?{query}")).is_err(),
                "{query}"
            );
        }
        assert!(target("postgres://one,two/d?sslmode=require").is_err());
    }
}
