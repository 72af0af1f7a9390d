//! The configuration: parsed once at the start, and the only part of Doorward that reads the environment.
//!
//! A value comes from a flag, else from the environment, else from `.env` in the working directory, else it has its
//! default; all of them go through one parser, and everything that is wrong is told at once, by name.
//!
//! ```
//! use doorward::config::Config;
//!
//! let config = Config::from_lookup(|name| (name == "BIND").then(|| "localhost:80".to_owned())).unwrap();
//! assert_eq!(config.http.bind.to_string(), "localhost:80");
//!
//! let errors = Config::from_lookup(|name| (name == "BCRYPT_COST").then(|| "9".to_owned())).unwrap_err();
//! assert_eq!(errors.to_string(), r#"BCRYPT_COST must be a whole number from 10 to 15, not "9""#);
//! ```

mod cors;
mod database;
mod dotenv;
mod environment;
mod http;
mod key_file;
mod keys;
mod log;
mod observed;
mod passwords;
mod reader;
mod redis;
mod settings;
mod tls;
mod unserved;
mod variables;
mod worker;

pub use database::DatabaseUrl;
pub use doorward_domain::JwtAlgorithm;
pub use environment::{Flags, environment};
pub use http::{Bind, Http};
pub use key_file::{KeyFile, KeyFileError, Obtained};
pub use keys::{KeySource, Keys, SecretKey, WeakKey};
pub use log::{Log, LogFormat};
pub use observed::Observed;
pub use passwords::Passwords;
pub use reader::{ConfigErrors, Problem};
pub use tls::TlsSource;
pub use variables::{Group, Variable};
pub use worker::WorkerLimits;

use doorward_redis::RedisConfig;
use dotenv::DotEnv;
use reader::Reader;
use secrecy::SecretString;

/// Everything that the operator decides before the start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where and for whom the server listens.
    pub http: Http,
    /// Where the data is kept.
    pub database: DatabaseUrl,
    /// What nodes share beside the database, where there is a Redis.
    pub redis: Option<RedisConfig>,
    /// What signs and verifies.
    pub keys: Keys,
    /// How passwords are hashed and which are refused.
    pub passwords: Passwords,
    /// How scheduled tasks are run.
    pub worker: WorkerLimits,
    /// What is logged, and how.
    pub log: Log,
    /// How the service is watched.
    pub observed: Observed,
    /// The values of the runtime settings until somebody changes them.
    pub settings: doorward_domain::Settings,
    /// The password for `createsuperuser`, where nobody is there to type it.
    pub superuser_password: Option<SecretString>,
    /// What the operator should know at the start although nothing is wrong, one sentence each.
    pub warnings: Vec<String>,
}

impl Config {
    /// The configuration of this process: `flags`, then the environment, then `.env` in the working directory.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong.
    pub fn load(flags: &Flags) -> Result<Self, ConfigErrors> {
        let file = DotEnv::read(".env".as_ref());
        Self::from_sources(flags, environment, &file)
    }

    /// The configuration out of any source of values; for tests, and for programs with a source of their own.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        Self::from_sources(&Flags::default(), lookup, &DotEnv::default())
    }

    fn from_sources(
        flags: &Flags,
        environment: impl Fn(&str) -> Option<String>,
        file: &DotEnv,
    ) -> Result<Self, ConfigErrors> {
        let lookup = |name: &str| {
            flags
                .get(name)
                .or_else(|| environment(name))
                .or_else(|| file.get(name))
        };
        let mut reader = Reader::new(&lookup);
        reader.extend(file);
        let database = DatabaseUrl::read(&mut reader);
        let config = Self {
            http: Http::read(&mut reader),
            keys: Keys::read(&mut reader, &database),
            database,
            redis: redis::read(&mut reader),
            passwords: Passwords::read(&mut reader),
            worker: WorkerLimits::read(&mut reader),
            log: Log::read(&mut reader),
            observed: Observed::read(&mut reader),
            settings: settings::read(&mut reader),
            superuser_password: reader
                .secret("DOORWARD_SUPERUSER_PASSWORD")
                .filter(|text| !text.is_empty())
                .map(SecretString::from),
            warnings: Vec::new(),
        };
        unserved::note(&mut reader);
        let warnings = reader.finish()?;
        Ok(Self { warnings, ..config })
    }
}

#[cfg(test)]
mod tests;
