//! What nodes share beside the database.

use super::reader::Reader;
use doorward_redis::{RedisConfig, RedisConfigError};
use secrecy::SecretString;
use std::num::NonZeroU16;
use std::path::PathBuf;

/// None without `REDIS_URL`.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<RedisConfig> {
    let url = reader.text("REDIS_URL");
    let password = reader
        .secret("REDIS_PASSWORD")
        .filter(|text| !text.is_empty());
    let port = reader.parsed("REDIS_PORT", "a port from 1 to 65535", |text| {
        text.parse::<NonZeroU16>().ok()
    });
    let ca_file = reader.text("REDIS_CA_FILE");
    let Some(url) = url else {
        let set = [
            ("REDIS_PASSWORD", password.is_some()),
            ("REDIS_PORT", port.is_some()),
            ("REDIS_CA_FILE", ca_file.is_some()),
        ];
        for (name, _) in set.into_iter().filter(|(_, is_set)| *is_set) {
            reader.warn(format!("{name} has no effect without REDIS_URL"));
        }
        return None;
    };
    let config = RedisConfig {
        password: password.map(SecretString::from),
        port: port.map(NonZeroU16::get),
        ca_file: ca_file.map(PathBuf::from),
        ..RedisConfig::new(url)
    };
    if let Err(error) = config.check() {
        let name = match error {
            RedisConfigError::CaWithoutTls | RedisConfigError::CaFile { .. } => "REDIS_CA_FILE",
            RedisConfigError::NoRedisUrl
            | RedisConfigError::Unencoded
            | RedisConfigError::Prefix
            | RedisConfigError::Thread(_) => "REDIS_URL",
        };
        reader.refuse(name, format!("cannot be used: {error}"));
        return None;
    }
    Some(config)
}
