//! Where a database is.

use percent_encoding::percent_decode_str;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where a database is: `sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. It prints without the
/// password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file of SQLite. What follows `sqlite://` is the path as it is, relative unless it begins with `/`.
    Sqlite(PathBuf),
    /// A PostgreSQL server, in the notation of libpq with all its parameters.
    Postgres(PostgresUrl),
}

/// The URL of a PostgreSQL server. It prints without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// The text is no URL of a database. It is not repeated, since it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseUrlError {
    /// It begins with none of the schemes that we know.
    #[error("a database URL begins with sqlite://, postgres:// or postgresql://")]
    Scheme,
    /// There is no path behind `sqlite://`.
    #[error(
        "a sqlite:// URL names a file: sqlite://data/doorward.db, or sqlite:///var/lib/doorward.db"
    )]
    Path,
    /// There is a NUL in it.
    #[error("a database URL has no NUL in it")]
    Nul,
}

impl DatabaseUrl {
    /// # Errors
    /// [`ParseUrlError`] when the scheme is another one or no file is named.
    pub fn parse(text: &str) -> Result<Self, ParseUrlError> {
        if text.contains('\0') {
            return Err(ParseUrlError::Nul);
        }
        match text.split_once("://") {
            Some(("sqlite", "" | ":memory:")) => Err(ParseUrlError::Path),
            Some(("sqlite", path)) => Ok(Self::Sqlite(PathBuf::from(path))),
            Some(("postgres" | "postgresql", _)) => {
                Ok(Self::Postgres(PostgresUrl(text.to_owned())))
            }
            Some(_) | None => Err(ParseUrlError::Scheme),
        }
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = ParseUrlError;

    fn from_str(text: &str) -> Result<Self, ParseUrlError> {
        Self::parse(text)
    }
}

impl PostgresUrl {
    /// The URL with the password in it, for libpq, and with `defaults` for the parameters that it does not set.
    pub(crate) fn with_defaults(&self, defaults: &[(&str, &str)]) -> String {
        let mut url = self.0.clone();
        let set = self.parameters();
        let mut separator = if set.is_empty() { '?' } else { '&' };
        for (name, value) in defaults {
            let is_set = set
                .split('&')
                .any(|pair| pair.split('=').next() == Some(name));
            if !is_set {
                url.push(separator);
                url.push_str(name);
                url.push('=');
                url.push_str(value);
                separator = '&';
            }
        }
        url
    }

    /// `text` with everything in it hidden that may be a password of this URL.
    pub(crate) fn redact(&self, text: &str) -> String {
        let in_authority = self
            .user_info()
            .split_once(':')
            .map(|(_, password)| password);
        let in_parameters = self
            .parameters()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, _)| name.contains("password"))
            .map(|(_, value)| value);
        in_authority
            .into_iter()
            .chain(in_parameters)
            .filter(|secret| !secret.is_empty())
            .fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }

    /// The last value of a parameter, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let value = self.parameters().split('&').rev().find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        })?;
        Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
    }

    /// Host and port, as they stand before the path.
    pub(crate) fn authority(&self) -> String {
        let place = self.place();
        let authority = place.split('/').next().unwrap_or(place);
        percent_decode_str(authority)
            .decode_utf8_lossy()
            .into_owned()
    }

    fn place(&self) -> &str {
        let behind_user = self
            .after_scheme()
            .rsplit_once('@')
            .map_or(self.after_scheme(), |(_, rest)| rest);
        behind_user
            .split_once('?')
            .map_or(behind_user, |(place, _)| place)
    }

    fn after_scheme(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, rest)| rest)
    }

    fn parameters(&self) -> &str {
        // A password may have a question mark in it: the parameters follow the host.
        let behind_user = self
            .after_scheme()
            .rsplit_once('@')
            .map_or(self.after_scheme(), |(_, rest)| rest);
        behind_user.split_once('?').map_or("", |(_, query)| query)
    }

    fn user_info(&self) -> &str {
        self.after_scheme()
            .rsplit_once('@')
            .map_or("", |(user_info, _)| user_info)
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        match self.user_info().split(':').next() {
            Some(user) if !user.is_empty() => write!(f, "postgres://{user}@{place}"),
            Some(_) | None => write!(f, "postgres://{place}"),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(text: &str) -> PostgresUrl {
        match DatabaseUrl::parse(text).unwrap() {
            DatabaseUrl::Postgres(url) => url,
            DatabaseUrl::Sqlite(path) => panic!("{path:?}"),
        }
    }

    #[test]
    fn the_scheme_decides_and_others_are_refused() {
        assert_eq!(
            DatabaseUrl::parse("sqlite://data/a.db"),
            Ok(DatabaseUrl::Sqlite("data/a.db".into()))
        );
        assert_eq!(
            DatabaseUrl::parse("sqlite:///srv/a b?.db"),
            Ok(DatabaseUrl::Sqlite("/srv/a b?.db".into()))
        );
        assert!(
            DatabaseUrl::parse("postgresql://h/d")
                .unwrap()
                .file()
                .is_none()
        );
        for (text, error) in [
            ("mysql://h/d", ParseUrlError::Scheme),
            ("data/a.db", ParseUrlError::Scheme),
            ("", ParseUrlError::Scheme),
            ("sqlite://", ParseUrlError::Path),
            ("sqlite://:memory:", ParseUrlError::Path),
            ("sqlite://a\0b", ParseUrlError::Nul),
        ] {
            assert_eq!(DatabaseUrl::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn it_prints_without_the_password() {
        for text in [
            "postgres://ada:s3cr?t@db:5432/doorward?sslmode=require",
            "postgresql://ada:s3@cr?t@db:5432/doorward",
            "postgres://ada@db:5432/doorward?password=s3cr%3Ft",
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), "postgres://ada@db:5432/doorward");
            assert_eq!(format!("{url:?}"), url.to_string());
        }
        assert_eq!(
            postgres("postgres:///d?host=/tmp").to_string(),
            "postgres:///d"
        );
    }

    #[test]
    fn a_password_is_hidden_in_messages_of_others() {
        let url = postgres("postgres://ada:pa%zz@db/d?sslpassword=other");
        assert_eq!(
            url.redact("invalid token: \"pa%zz\", other"),
            "invalid token: \"***\", ***"
        );
        assert_eq!(postgres("postgres://db/d").redact("as it is"), "as it is");
    }

    #[test]
    fn defaults_are_added_where_nothing_is_set() {
        let defaults = [("connect_timeout", "5"), ("application_name", "doorward")];
        for (text, completed) in [
            (
                "postgres://db/d",
                "postgres://db/d?connect_timeout=5&application_name=doorward",
            ),
            (
                "postgres://a:?@db/d",
                "postgres://a:?@db/d?connect_timeout=5&application_name=doorward",
            ),
            (
                "postgres://a:?@db/d?connect_timeout=1",
                "postgres://a:?@db/d?connect_timeout=1&application_name=doorward",
            ),
        ] {
            assert_eq!(postgres(text).with_defaults(&defaults), completed);
        }
    }
}
