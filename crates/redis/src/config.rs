//! Where the Redis is, and how to get in.

use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, TlsCertificates, parse_redis_url,
};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What an operator says of the Redis.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://` or `rediss://`, with `[user][:password]@host[:port][/database]`; of `REDIS_URL`.
    pub url: SecretString,
    /// Where the URL has no password; of `REDIS_PASSWORD`.
    pub password: Option<SecretString>,
    /// Where the URL has no port; of `REDIS_PORT`.
    pub port: Option<u16>,
    /// With `rediss://`: the authorities that may have signed the server's certificate, in PEM, in place of those that
    /// the system trusts.
    pub ca_file: Option<PathBuf>,
    /// What all keys and channels begin with: letters, digits, `-`, `_`, `.` and `:`.
    pub prefix: String,
    /// How long one command may take.
    pub deadline: Duration,
}

impl RedisConfig {
    /// What `url` says, and the defaults.
    pub fn new(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            password: None,
            port: None,
            ca_file: None,
            prefix: "doorward:".to_owned(),
            deadline: Duration::from_millis(50),
        }
    }

    /// Says what is wrong with it, without connecting.
    ///
    /// # Errors
    /// [`RedisConfigError`]
    pub fn check(&self) -> Result<(), RedisConfigError> {
        self.target().map(|_| ())
    }

    /// Where it is, without secrets: `host:port/database`.
    ///
    /// # Errors
    /// [`RedisConfigError`]
    pub fn place(&self) -> Result<String, RedisConfigError> {
        self.target().map(|target| target.to_string())
    }

    pub(crate) fn target(&self) -> Result<Target, RedisConfigError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if !self.prefix.chars().all(is_plain) {
            return Err(RedisConfigError::Prefix);
        }
        let mut url =
            parse_redis_url(self.url.expose_secret()).ok_or(RedisConfigError::NoRedisUrl)?;
        if !matches!(url.scheme(), "redis" | "rediss") {
            return Err(RedisConfigError::NoRedisUrl);
        }
        // A `#`, `?` or `/` in a password that is not encoded ends up here, too.
        if url.fragment().is_some() || url.query().is_some() || url.host().is_none() {
            return Err(RedisConfigError::Unencoded);
        }
        if url.port().is_none() && url.set_port(self.port).is_err() {
            return Err(RedisConfigError::NoRedisUrl);
        }
        let mut info = url
            .into_connection_info()
            .map_err(|_source| RedisConfigError::Unencoded)?;
        if let (None, Some(password)) = (info.redis_settings().password(), &self.password) {
            let settings = info.redis_settings().clone();
            info = info.set_redis_settings(settings.set_password(password.expose_secret()));
        }
        // Redis before 7.2 does not know the command by which a library tells its name.
        let settings = info.redis_settings().clone();
        let info = info.set_redis_settings(settings.set_skip_set_lib_name());
        self.with_tls(info)
    }

    fn with_tls(&self, info: ConnectionInfo) -> Result<Target, RedisConfigError> {
        let Some(file) = &self.ca_file else {
            return Ok(Target { info });
        };
        if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            return Err(RedisConfigError::CaWithoutTls);
        }
        let unusable = |reason: String| RedisConfigError::CaFile {
            file: file.clone(),
            reason,
        };
        let pem = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
        if !pem.windows(11).any(|bytes| bytes == b"CERTIFICATE") {
            return Err(unusable("no certificate in PEM is there".to_owned()));
        }
        let certificates = TlsCertificates {
            client_tls: None,
            root_cert: Some(pem),
        };
        let client = Client::build_with_tls(info, certificates)
            .map_err(|error| unusable(error.to_string()))?;
        Ok(Target {
            info: client.get_connection_info().clone(),
        })
    }
}

/// A server and the key to it. Shown as `host:port/database`.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) info: ConnectionInfo,
}

impl Target {
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self.info.addr(), ConnectionAddr::TcpTls { .. })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self.info.redis_settings().db();
        write!(f, "{}/{database}", self.info.addr())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

/// What is said of the Redis cannot be meant. It echoes nothing of the URL.
#[derive(Debug, thiserror::Error)]
pub enum RedisConfigError {
    /// The URL is none of Redis.
    #[error("not a URL of the form redis://[user][:password]@host[:port][/database], or rediss://")]
    NoRedisUrl,
    /// Something is where it does not belong.
    #[error(
        "only user, password, host, port and the number of a database may be in the URL of a Redis; \
         special characters in a password are written as %XX there, or as they are in REDIS_PASSWORD"
    )]
    Unencoded,
    /// Characters that mean something in patterns.
    #[error("a key prefix has letters, digits and -_.: only")]
    Prefix,
    /// Authorities for a connection that is not encrypted.
    #[error("a CA file belongs to a rediss:// URL")]
    CaWithoutTls,
    /// The authorities cannot be used.
    #[error("the CA file {} cannot be used: {reason}", file.display())]
    CaFile {
        /// Which file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The thread that keeps the connections cannot be started.
    #[error("a thread cannot be started")]
    Thread(#[from] std::io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(
        url: &str,
        password: Option<&str>,
        port: Option<u16>,
    ) -> Result<Target, RedisConfigError> {
        RedisConfig {
            password: password.map(Into::into),
            port,
            ..RedisConfig::new(url)
        }
        .target()
    }

    fn parts(target: &Target) -> (String, Option<&str>, Option<&str>) {
        let settings = target.info.redis_settings();
        (target.to_string(), settings.username(), settings.password())
    }

    #[test]
    fn variables_complete_the_url_and_do_not_replace_what_it_says() {
        for (url, password, port, expected) in [
            ("redis://cache", None, None, ("cache:6379/0", None, None)),
            (
                "redis://cache/",
                Some("pw"),
                Some(7000),
                ("cache:7000/0", None, Some("pw")),
            ),
            (
                "redis://:a%40b@cache:7001/3",
                Some("pw"),
                Some(7000),
                ("cache:7001/3", None, Some("a@b")),
            ),
            (
                "rediss://ada@cache",
                Some("p@s#w/?"),
                None,
                ("cache:6379/0", Some("ada"), Some("p@s#w/?")),
            ),
            ("redis://[::1]:6380", None, None, ("::1:6380/0", None, None)),
        ] {
            let target = of(url, password, port).unwrap();
            let (name, user, pass) = parts(&target);
            assert_eq!((name.as_str(), user, pass), expected, "{url}");
        }
        assert!(of("rediss://cache", None, None).unwrap().is_tls());
        assert!(!of("redis://cache", None, None).unwrap().is_tls());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for url in [
            "",
            "cache:6379",
            "http://cache",
            "unix:///run/redis.sock",
            "redis://",
            "redis://:pa#ss@cache",
            "redis://:pa?ss@cache",
            "redis://:pa/ss@cache",
            "rediss://cache/#insecure",
            "redis://cache/zero",
            "redis://cache:99999",
            "redis://0.0.0.0",
        ] {
            assert!(of(url, None, None).is_err(), "{url}");
        }
        let config = RedisConfig {
            prefix: "door*".to_owned(),
            ..RedisConfig::new("redis://cache")
        };
        assert!(matches!(config.check(), Err(RedisConfigError::Prefix)));
    }

    #[test]
    fn a_ca_file_is_read_and_needs_tls() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let with = |url: &str| RedisConfig {
            ca_file: Some(file.clone()),
            ..RedisConfig::new(url)
        };
        let unusable =
            |config: RedisConfig| matches!(config.check(), Err(RedisConfigError::CaFile { .. }));
        assert!(unusable(with("rediss://cache")), "it is not there");
        std::fs::write(&file, "nothing of use").unwrap();
        assert!(unusable(with("rediss://cache")));
        let pem = rcgen::generate_simple_self_signed(["cache".to_owned()])
            .unwrap()
            .cert
            .pem();
        std::fs::write(&file, pem).unwrap();
        with("rediss://cache").check().unwrap();
        assert!(matches!(
            with("redis://cache").check(),
            Err(RedisConfigError::CaWithoutTls)
        ));
    }

    #[test]
    fn nothing_shows_a_password() {
        let secret = "hunter2";
        let url = format!("redis://ada:{secret}@cache");
        let config = RedisConfig {
            password: Some(secret.into()),
            ..RedisConfig::new(url)
        };
        let target = config.target().unwrap();
        for shown in [
            format!("{config:?}"),
            format!("{target:?}"),
            target.to_string(),
        ] {
            assert!(!shown.contains(secret), "{shown}");
        }
        for url in [
            "redis://:hunter2#@cache",
            "http://:hunter2@cache",
            "redis://:hunter2@cache:x",
            "hunter2",
        ] {
            let error = of(url, None, None).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(secret));
        }
    }
}
