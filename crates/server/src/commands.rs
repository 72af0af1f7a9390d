//! What the commands do.

mod audit;
mod check;
mod createsuperuser;
mod healthcheck;
mod import_django;
mod keys;
mod migrate;
mod openapi;
mod restored;
mod serve;
mod settings;
mod worker;

pub use audit::audit;
pub use check::check;
pub use createsuperuser::create_superuser;
pub use healthcheck::healthcheck;
pub use import_django::import_django;
pub use keys::keys;
pub use migrate::migrate;
pub use openapi::openapi;
pub use restored::restored;
pub use serve::serve;
pub use settings::settings;
pub use worker::worker;

use crate::application::{WorkerOptions, kinds};
use crate::config::{Config, KeyFileError, KeySource, TlsSource};
use crate::net::tls::Tls;
use anyhow::{Context, ensure};
use doorward_services::hashing::HashingLimits;
use doorward_services::ports::AnnouncementSeal;
use doorward_services::{ServicesConfig, SystemClock};
use doorward_storage::Store;
use doorward_storage_diesel::{DatabaseUrl, DieselStore, OnPending, StoreConfig, migration_status};
use secrecy::SecretString;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// What was made because it was not there.
#[derive(Debug, Default, Clone, Copy)]
struct Made {
    database: bool,
    secret_key: bool,
}

impl Made {
    /// A key was made for a database whose key is lost.
    fn is_key_replaced(self) -> bool {
        self.secret_key && !self.database
    }
}

const KEY_REPLACED: &str = "A new secret key was made for a database that was there before: sessions under another key have ended. \
                            If secret.key has a backup, stop, restore it and start again.";

/// Opens the database, making it first where it is a file that is not there, and says what the services need.
fn open(config: &Config, on_pending: OnPending) -> anyhow::Result<(ServicesConfig, Made)> {
    let mut made = Made::default();
    let url = database_url(config)?;
    // A key that is refused is no reason to make a database, nor a database that is refused to make a key.
    refuse_bad_key(config)?;
    if matches!(on_pending, OnPending::Migrate) {
        make_folder(&url)?;
    }
    made.database = url.file().is_some_and(is_missing_or_empty);
    let store: Arc<dyn Store> = Arc::new(DieselStore::open(
        &url,
        &StoreConfig {
            on_pending,
            ..StoreConfig::default()
        },
    )?);
    let secret_key = secret_key(config, &mut made)?;
    if made.is_key_replaced() {
        tracing::warn!("{KEY_REPLACED}");
    }
    let services = ServicesConfig {
        store,
        clock: Arc::new(SystemClock::start()),
        secret_key,
        secret_key_fallbacks: config
            .keys
            .fallbacks
            .iter()
            .map(|key| SecretString::from(key.expose()))
            .collect(),
        jwt_algorithm: config.keys.algorithm,
        bcrypt_cost: config.passwords.bcrypt_cost,
        hashing: HashingLimits::default(),
        password_policy: config.passwords.policy,
        settings: config.settings.clone(),
        accept_foreign_tokens: config.keys.accept_foreign_tokens,
        shared: None,
        task_kinds: Arc::new(doorward_services::tasks::NoopOnly),
    };
    Ok((services, made))
}

fn database_url(config: &Config) -> anyhow::Result<DatabaseUrl> {
    Ok(DatabaseUrl::parse(&config.database.expose())?)
}

/// What nodes share, for the commands that run on: what the others change, nodes learn from the feed.
fn join_others(config: &Config, services: &mut ServicesConfig) -> anyhow::Result<()> {
    if let Some(redis) = &config.redis {
        let clock = Arc::clone(&services.clock);
        let seal = AnnouncementSeal::derive(&services.secret_key, &services.secret_key_fallbacks);
        services.shared = Some(doorward_redis::connect(redis, clock, seal)?);
    }
    Ok(())
}

/// Lets the services offer the kinds of tasks that this program runs.
fn offer_kinds(config: &Config, services: &mut ServicesConfig) -> anyhow::Result<WorkerOptions> {
    let kinds = kinds(services, config.worker.webhook_allow.clone())?;
    services.task_kinds = Arc::new(kinds.clone());
    Ok(WorkerOptions {
        kinds,
        concurrency: config.worker.concurrency,
    })
}

/// The database, unless it has no tables: an empty one is most likely that of a wrong URL or folder.
fn database_in_use(config: &Config, advice: &str) -> anyhow::Result<DatabaseUrl> {
    let url = database_url(config)?;
    let has_tables = migration_status(&url)?.iter().any(|it| it.is_applied);
    ensure!(
        has_tables,
        "{}: there are no tables of Doorward; {advice}",
        config.database
    );
    Ok(url)
}

/// The folder of the file, if only that is missing. A longer path that is not there is more likely a typing error.
fn make_folder(url: &DatabaseUrl) -> anyhow::Result<()> {
    let Some(folder) = url.file().and_then(Path::parent) else {
        return Ok(());
    };
    if folder.as_os_str().is_empty() || folder.exists() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))
}

fn is_missing_or_empty(file: &Path) -> bool {
    std::fs::metadata(file).map_or(true, |found| found.len() == 0)
}

/// What HTTPS is served with, where it is.
fn tls(config: &Config) -> anyhow::Result<Option<Tls>> {
    Ok(match &config.http.tls {
        None => None,
        Some(TlsSource::Files(files)) => Some(Tls::of_files(files.clone())?),
        Some(TlsSource::SelfSigned) => Some(Tls::self_signed(config.http.certificate_names())?),
    })
}

fn refuse_bad_key(config: &Config) -> Result<(), KeyFileError> {
    match &config.keys.signing {
        KeySource::Given(_) => Ok(()),
        KeySource::File(file) => file.read().map(drop),
    }
}

fn secret_key(config: &Config, made: &mut Made) -> anyhow::Result<SecretString> {
    match &config.keys.signing {
        KeySource::Given(key) => Ok(SecretString::from(key.expose())),
        KeySource::File(file) => {
            let obtained = file.obtain()?;
            made.secret_key = obtained.is_new;
            Ok(SecretString::from(obtained.key.expose()))
        }
    }
}

/// Says something to the person at the terminal.
fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}
