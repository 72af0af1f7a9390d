//! `doorward restored`

use super::{database_in_use, say};
use crate::cli::RestoredArgs;
use crate::config::Config;
use anyhow::Context;
use doorward_services::SystemClock;
use doorward_services::restored::end_all_sessions;
use doorward_storage::Store;
use doorward_storage_diesel::{DieselStore, OnPending, StoreConfig};
use std::time::Duration;

/// To empty the change feed of a busy hour takes longer than a request may.
const PATIENCE: Duration = Duration::from_mins(10);

/// Ends all sessions of a database that was restored, and of the time between its backup and now.
///
/// # Errors
/// One line that says why they have not all ended; then it has to be run again.
pub async fn restored(config: &Config, args: RestoredArgs) -> anyhow::Result<()> {
    let url = database_in_use(config, "restore the backup first")?;
    let on_pending = if args.no_migrate {
        OnPending::Refuse
    } else {
        OnPending::Migrate
    };
    let store = DieselStore::open(
        &url,
        &StoreConfig {
            on_pending,
            finish_within: PATIENCE,
            ..StoreConfig::default()
        },
    )?;
    let done = end_all_sessions(&store, &SystemClock::start()).await;
    store.close().await;
    let done = done.context("not all sessions have ended: run this again")?;
    say(&format!("{}\n{NEXT}", counted(done.sessions_ended)))?;
    Ok(())
}

fn counted(sessions_ended: usize) -> String {
    let sessions = if sessions_ended == 1 {
        "session"
    } else {
        "sessions"
    };
    format!(
        "{sessions_ended} {sessions} of the backup ended, and every session that was begun since."
    )
}

const NEXT: &str = "\
Next: start Doorward, and look through what the backup has brought back:
accounts, roles, passwords and API keys are as they were then.";
