//! `doorward keys`

use super::{database_in_use, open, say};
use crate::cli::{KeysAction, KeysArgs};
use crate::config::Config;
use chrono::{DateTime, SecondsFormat, Utc};
use doorward_domain::{JwtAlgorithm, KeyState};
use doorward_services::settings::RuntimeSettings;
use doorward_services::signing_keys::{ListedKey, SigningKeys};
use doorward_storage_diesel::OnPending;
use std::sync::Arc;

/// Lists, prepares, rotates or retires the key pairs that sign tokens. A pair may be prepared before the first start;
/// whatever else there is to do needs an installation, and makes or changes no tables.
///
/// # Errors
/// One line that says why nothing was done.
pub async fn keys(config: &Config, args: KeysArgs) -> anyhow::Result<()> {
    let on_pending = if matches!(args.action, KeysAction::Prepare) {
        OnPending::Migrate
    } else {
        database_in_use(config, "start Doorward first")?;
        OnPending::Refuse
    };
    let (services, _) = open(config, on_pending)?;
    let store = Arc::clone(&services.store);
    let settings = RuntimeSettings::new(&services);
    let keys = SigningKeys::new(&services, &settings);
    let done = match settings.reload().await {
        Ok(()) => run(&keys, config.keys.algorithm, args.action).await,
        Err(error) => Err(error.into()),
    };
    store.close().await;
    done
}

async fn run(
    keys: &SigningKeys,
    algorithm: JwtAlgorithm,
    action: KeysAction,
) -> anyhow::Result<()> {
    match action {
        KeysAction::List => say(&table(&keys.list().await?, algorithm))?,
        KeysAction::Prepare => {
            let kid = keys.prepare().await?;
            say(&format!(
                "{kid} is prepared: it is published, and signs after `doorward keys rotate`."
            ))?;
        }
        KeysAction::Rotate { now } => {
            let kid = keys.rotate(now).await?;
            say(&format!(
                "{kid} signs from now on, and the next one is prepared."
            ))?;
        }
        KeysAction::Retire { kids, active } => {
            for kid in kids {
                let retired = keys.retire(&kid, active).await?;
                say(&format!("{kid} is retired: its tokens are refused."))?;
                if let Some(until) = retired.tokens_until {
                    let until = time(until);
                    say(&format!(
                        "Warning: refresh tokens of it might have lived until {until}. Who held one logs in again."
                    ))?;
                }
            }
        }
    }
    Ok(())
}

fn table(keys: &[ListedKey], algorithm: JwtAlgorithm) -> String {
    if keys.is_empty() {
        return match algorithm {
            JwtAlgorithm::Hs256 => {
                "There are no key pairs: JWT_ALGORITHM is HS256, and SECRET_KEY signs.".to_owned()
            }
            JwtAlgorithm::KeyPair(algorithm) => {
                format!(
                    "There are no key pairs yet. The next start of the server makes one for {algorithm}."
                )
            }
        };
    }
    let head = format!(
        "{:<43}  {:<9}  {:<8}  {:<20}  TOKENS UNTIL",
        "KID", "ALGORITHM", "STATE", "CREATED"
    );
    let rows = keys.iter().map(|key| {
        format!(
            "{:<43}  {:<9}  {:<8}  {:<20}  {}",
            key.kid.as_str(),
            key.algorithm.as_str(),
            key.state.as_str(),
            time(key.created_at),
            tokens(key, algorithm),
        )
    });
    std::iter::once(head)
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\n")
}

fn tokens(key: &ListedKey, algorithm: JwtAlgorithm) -> String {
    match (key.state, key.tokens_until) {
        (KeyState::Retired, _) => "refused".to_owned(),
        (_, _) if !key.is_usable => "SECRET_KEY does not open it".to_owned(),
        (KeyState::Prepared, _) => "none yet".to_owned(),
        (KeyState::Active, _) if algorithm == JwtAlgorithm::KeyPair(key.algorithm) => {
            "it signs".to_owned()
        }
        (KeyState::Active, _) => format!("does not sign: JWT_ALGORITHM is {algorithm}"),
        (KeyState::Retiring, until) => until.map(time).unwrap_or_default(),
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
