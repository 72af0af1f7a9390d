//! Where the data is kept.

use super::reader::{Reader, quoted};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::path::{Path, PathBuf};

const NAME: &str = "DATABASE_URL";
const DEFAULT_PATH: &str = "data/doorward.db";
const POSTGRES_SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
const DEFAULT_POSTGRES_PORT: u16 = 5432;
/// What RFC 3986 leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The database. It prints without its password.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// The file of an SQLite database.
    Sqlite(PathBuf),
    /// The URL of a PostgreSQL database, as libpq takes it.
    Postgres(SecretString),
}

impl DatabaseUrl {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let Some(url) = reader.secret(NAME) else {
            return supabase(reader).unwrap_or_default();
        };
        match parse(url.trim()) {
            Ok(url) => url,
            Err(message) => {
                reader.refuse(NAME, message);
                Self::default()
            }
        }
    }

    /// The whole URL, password included.
    pub fn expose(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(url) => url.expose_secret().to_owned(),
        }
    }

    /// The file of an SQLite database.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl Default for DatabaseUrl {
    fn default() -> Self {
        Self::Sqlite(DEFAULT_PATH.into())
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(_) => f.write_str(&self.expose()),
            Self::Postgres(url) => f.write_str(&without_password(url.expose_secret())),
        }
    }
}

fn parse(url: &str) -> Result<DatabaseUrl, String> {
    if let Some(path) = url.strip_prefix("sqlite://") {
        return sqlite(path);
    }
    if POSTGRES_SCHEMES
        .iter()
        .any(|scheme| url.starts_with(scheme))
    {
        return postgres(url);
    }
    Err(match scheme(url) {
        Some(scheme) => format!(
            "must begin with sqlite:// or postgres://, not {}",
            quoted(scheme)
        ),
        None if url.is_empty() => {
            "is empty: give it a value that begins with sqlite:// or postgres://, or leave it out"
                .to_owned()
        }
        None => "must begin with sqlite:// or postgres://".to_owned(),
    })
}

/// `mysql://`, if the URL begins so; nothing else of it may be repeated.
fn scheme(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    is_scheme.then(|| url.get(..scheme.len() + "://".len()))?
}

fn sqlite(path: &str) -> Result<DatabaseUrl, String> {
    let names_no_file = path.is_empty() || path.ends_with('/') || path.starts_with(':');
    if names_no_file {
        return Err(
            "must name a file, as sqlite://data/doorward.db does; a database in memory forgets its users".to_owned(),
        );
    }
    if path.starts_with("file:") || path.contains('?') {
        return Err(format!(
            "must name a file and nothing else, as sqlite://data/doorward.db does, not {}",
            quoted(path)
        ));
    }
    Ok(DatabaseUrl::Sqlite(path.into()))
}

/// Refuses what libpq would split elsewhere than it was meant, since parts of a password would end up in messages.
fn postgres(url: &str) -> Result<DatabaseUrl, String> {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    let (authority, tail) = split_authority(rest);
    let (_, hosts) = split_user(authority);
    if rest.is_empty() {
        return Err(
            "must name a host and a database, as postgres://user:password@host:5432/name does"
                .to_owned(),
        );
    }
    let is_split_elsewhere = tail.contains('@') || hosts.contains('@') || !has_sound_ports(hosts);
    if is_split_elsewhere || !has_sound_escapes(rest) {
        return Err(
            "must have the form postgres://user:password@host:5432/name, with each @ : / ? and % inside a part \
             percent-encoded (@ as %40, : as %3A, / as %2F, ? as %3F, % as %25)"
                .to_owned(),
        );
    }
    if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("must not contain white space (percent-encode it as %20)".to_owned());
    }
    Ok(DatabaseUrl::Postgres(url.into()))
}

/// Up to the path or the query, and these.
fn split_authority(rest: &str) -> (&str, &str) {
    rest.find(['/', '?'])
        .and_then(|end| rest.split_at_checked(end))
        .unwrap_or((rest, ""))
}

/// The user with the password, and the hosts; libpq ends the former at the first `@`.
fn split_user(authority: &str) -> (Option<&str>, &str) {
    match authority.split_once('@') {
        Some((user, hosts)) => (Some(user), hosts),
        None => (None, authority),
    }
}

fn has_sound_ports(hosts: &str) -> bool {
    hosts.split(',').all(|host| {
        let after_address = host.rsplit_once(']').map_or(host, |(_, port)| port);
        after_address
            .split_once(':')
            .is_none_or(|(_, port)| port.chars().all(|c| c.is_ascii_digit()))
    })
}

fn has_sound_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|part| {
        part.get(..2)
            .is_some_and(|code| code.chars().all(|c| c.is_ascii_hexdigit()))
    })
}

/// The query goes too, since libpq takes a password there.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (authority, tail) = split_authority(rest);
    let (user, hosts) = split_user(authority);
    let (path, _) = tail.split_once('?').unwrap_or((tail, ""));
    match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
        Some((user, "")) => format!("{scheme}://{user}@{hosts}{path}"),
        Some((user, _)) => format!("{scheme}://{user}:***@{hosts}{path}"),
        None => format!("{scheme}://{hosts}{path}"),
    }
}

/// The five variables of the ancestors; `None` when none of them is set, or something is wrong.
fn supabase(reader: &mut Reader<'_>) -> Option<DatabaseUrl> {
    let names = ["NAME", "USER", "PASSWORD", "HOST"].map(|part| format!("SUPABASE_DB_{part}"));
    let values = names.clone().map(|name| reader.secret(&name));
    let port = reader.parsed("SUPABASE_DB_PORT", "a port such as 5432", |text| {
        text.parse::<u16>().ok().filter(|port| *port > 0)
    });
    let are_unset = values.iter().all(Option::is_none) && port.is_none();
    if are_unset {
        return None;
    }
    for (name, value) in names.iter().zip(&values) {
        if value.as_ref().is_none_or(String::is_empty) {
            reader.refuse(
                name,
                "is missing although other SUPABASE_DB_ variables are set; set it, or DATABASE_URL instead of all",
            );
        }
    }
    let [Some(name), Some(user), Some(password), Some(host)] = values else {
        return None;
    };
    let host = host.trim();
    let is_host = host
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if !is_host {
        reader.refuse(
            "SUPABASE_DB_HOST",
            format!(
                "must be a host name without scheme and port, not {}",
                quoted(host)
            ),
        );
        return None;
    }
    let [name, user, password] = [name.trim(), user.trim(), password.as_str()]
        .map(|part| utf8_percent_encode(part, ENCODED).to_string());
    let port = port.unwrap_or(DEFAULT_POSTGRES_PORT);
    let url = format!("postgres://{user}:{password}@{host}:{port}/{name}");
    Some(DatabaseUrl::Postgres(url.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_prints_without_its_password() {
        for (url, shown) in [
            ("sqlite://data/x.db", "sqlite://data/x.db"),
            ("sqlite:///var/x.db", "sqlite:///var/x.db"),
            ("postgres://h/db", "postgres://h/db"),
            ("postgres:///db", "postgres:///db"),
            ("postgres://u@h/db", "postgres://u@h/db"),
            (
                "postgres://u:hunter2@h:5432/db",
                "postgres://u:***@h:5432/db",
            ),
            (
                "postgresql://u:hun%40ter2@[::1]:1,b:2/db",
                "postgresql://u:***@[::1]:1,b:2/db",
            ),
            ("postgres://u:hunter2#x@h/db", "postgres://u:***@h/db"),
            (
                "postgres://h/db?password=hunter2&sslmode=require",
                "postgres://h/db",
            ),
            ("postgres://h?password=hunter2", "postgres://h"),
        ] {
            let parsed = parse(url).unwrap();
            assert_eq!(parsed.to_string(), shown);
            assert_eq!(parsed.expose(), url);
            assert!(!format!("{parsed:?}").contains("hun"), "{url}");
        }
    }

    #[test]
    fn a_wrong_url_is_refused_without_repeating_a_password() {
        for (url, message) in [
            ("", "is empty"),
            (
                "mysql://u:hunter2@h/db",
                r#"must begin with sqlite:// or postgres://, not "mysql://""#,
            ),
            ("hunter2", "must begin with sqlite:// or postgres://"),
            ("hun ter2://x", "must begin with sqlite:// or postgres://"),
            ("sqlite:x.db", "must begin with sqlite:// or postgres://"),
            ("sqlite://", "must name a file"),
            ("sqlite://data/", "must name a file"),
            ("sqlite://:memory:", "must name a file"),
            ("sqlite://x.db?mode=ro", "must name a file and nothing else"),
            ("sqlite://file:x.db", "must name a file and nothing else"),
            ("postgres://", "must name a host and a database"),
            ("postgres://u:hunt@er2@h/db", "must have the form"),
            ("postgres://u:hunt/er2@h/db", "must have the form"),
            ("postgres://u:hunt?er2@h/db", "must have the form"),
            ("postgres://u:hunt%er2@h/db", "must have the form"),
            ("postgres://u:hunter2", "must have the form"),
            ("postgres://h:hunter2/db", "must have the form"),
            ("postgres://u:hun ter2@h/db", "must not contain white space"),
        ] {
            let error = parse(url).unwrap_err();
            assert!(error.starts_with(message), "{url}: {error}");
            assert!(
                !error.contains("hun") && !error.contains("er2"),
                "{url}: {error}"
            );
        }
    }
}
