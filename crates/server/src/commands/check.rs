//! `doorward check`

use super::{database_url, say};
use crate::config::{Config, KeySource, TlsSource};
use anyhow::ensure;
use doorward_redis::RedisConfig;
use doorward_services::SystemClock;
use doorward_services::ports::{AnnouncementSeal, LinkState};
use doorward_storage_diesel::migration_status;
use secrecy::SecretString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// A Redis that has not answered by then does not.
const REDIS_WITHIN: Duration = Duration::from_secs(3);

/// Tells how the configuration, the database and the Redis stand, and changes nothing.
///
/// # Errors
/// One line for each thing that is wrong.
pub async fn check(config: &Config) -> anyhow::Result<()> {
    say("configuration  ok")?;
    let mut wrong = Vec::new();
    let mut report = |what: &str, found: Result<String, String>| match found {
        Ok(text) => say(&format!("{what:<13}  {text}")),
        Err(text) => {
            wrong.push(format!("{what}: {text}"));
            Ok(())
        }
    };
    report("secret key", secret_key(config))?;
    report("https", https(config))?;
    report("database", database(config))?;
    if let Some(config) = &config.redis {
        report("redis", redis(config).await)?;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn secret_key(config: &Config) -> Result<String, String> {
    match &config.keys.signing {
        KeySource::Given(_) => Ok("ok, from SECRET_KEY".to_owned()),
        KeySource::File(file) => match file.read() {
            Ok(Some(_)) => Ok(format!("ok, from {}", file.path().display())),
            Ok(None) => Ok(format!(
                "will be made at the first start, in {}",
                file.path().display()
            )),
            Err(error) => Err(error.to_string()),
        },
    }
}

fn https(config: &Config) -> Result<String, String> {
    match &config.http.tls {
        None => Ok("not served: a proxy has to stand in front".to_owned()),
        Some(TlsSource::SelfSigned) => {
            super::tls(config).map_err(|error| error.to_string())?;
            Ok("ok, with a certificate that is made at each start, for development".to_owned())
        }
        Some(TlsSource::Files(files)) => {
            files.check().map_err(|error| error.to_string())?;
            Ok(format!("ok, from {}", files.certificate.display()))
        }
    }
}

/// Whether the folder of the file is there, or is the only one that the first start would have to make.
fn has_folder_or_can(file: &Path) -> bool {
    let is_folder = |path: &Path| path.as_os_str().is_empty() || path.is_dir();
    file.parent().is_none_or(|folder| {
        is_folder(folder) || (!folder.exists() && folder.parent().is_none_or(is_folder))
    })
}

fn database(config: &Config) -> Result<String, String> {
    let url = database_url(config).map_err(|error| error.to_string())?;
    if let Some(file) = url.file().filter(|file| !file.exists()) {
        if !has_folder_or_can(file) {
            return Err(format!("{}: its folder does not exist", file.display()));
        }
        return Ok(format!(
            "will be made at the first start, {}",
            config.database
        ));
    }
    let status = migration_status(&url).map_err(|error| error.to_string())?;
    let pending = status
        .iter()
        .filter(|migration| !migration.is_applied)
        .count();
    Ok(match pending {
        0 => format!("ok, {}", config.database),
        _ => format!("ok, {}, {pending} pending migration(s)", config.database),
    })
}

async fn redis(config: &RedisConfig) -> Result<String, String> {
    // It announces nothing, and whatever it might hear means nothing to it.
    let seal = AnnouncementSeal::derive(&SecretString::default(), &[]);
    let ports = doorward_redis::connect(config, Arc::new(SystemClock::start()), seal)
        .map_err(|error| error.to_string())?;
    let place = config.place().map_err(|error| error.to_string())?;
    let unreachable = |reason: &str| format!("{place}: {reason}");
    match timeout(REDIS_WITHIN, ports.health.up()).await {
        Ok(()) => Ok(format!("ok, {place}")),
        Err(_elapsed) => Err(match ports.health.state() {
            LinkState::Down(reason) => unreachable(&reason),
            LinkState::Connecting | LinkState::Up => unreachable("it does not answer"),
        }),
    }
}
