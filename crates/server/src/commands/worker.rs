//! `doorward worker`

use super::{KEY_REPLACED, Made, join_others, offer_kinds, open, say};
use crate::cli::WorkerArgs;
use crate::config::Config;
use anyhow::bail;
use doorward_domain::task::TaskKind;
use doorward_services::Services;
use doorward_services::tasks::TaskKinds;
use doorward_storage_diesel::OnPending;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

/// The database is given this long to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Runs scheduled tasks until SIGTERM or SIGINT.
///
/// # Errors
/// One line that says why it runs none, or why it stopped.
pub async fn worker(config: &Config, args: WorkerArgs) -> anyhow::Result<()> {
    let on_pending = if args.no_migrate {
        OnPending::Refuse
    } else {
        OnPending::Migrate
    };
    let (mut services, made) = open(config, on_pending)?;
    join_others(config, &mut services)?;
    let options = offer_kinds(config, &mut services)?;
    let greeting = greeting(config, &options.kinds.names(), made);
    let (store, clock) = (Arc::clone(&services.store), Arc::clone(&services.clock));
    let services = Services::start(services).await?;
    let mut worker = options.start(&services, Arc::clone(&store), clock)?;
    // Before it says that it runs, since until then a signal ends it on the spot.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    say(&greeting)?;
    let ended = tokio::select! {
        () = services.feed.follow() => false,
        () = worker.ended() => true,
        _ = interrupt.recv() => false,
        _ = terminate.recv() => false,
    };
    if ended {
        bail!("the worker ended by itself");
    }
    tracing::info!("asked to end: no task begins any more");
    let again = "interrupted again: tasks that ran will be run again when their leases have ended";
    tokio::select! {
        () = worker.stop() => {}
        _ = interrupt.recv() => bail!(again),
        _ = terminate.recv() => bail!(again),
    }
    if timeout(CLOSE_WITHIN, store.close()).await.is_err() {
        tracing::warn!(within = ?CLOSE_WITHIN, "the database did not close in time: it is left to itself");
    }
    tracing::info!("stopped");
    Ok(())
}

fn greeting(config: &Config, kinds: &[TaskKind], made: Made) -> String {
    let names: Vec<_> = kinds.iter().map(TaskKind::as_str).collect();
    let mut lines = vec![
        format!(
            "Doorward {} runs tasks, up to {} at once",
            env!("CARGO_PKG_VERSION"),
            config.worker.concurrency
        ),
        format!("  kinds       {}", names.join(", ")),
        format!("  database    {}", config.database),
    ];
    if made.is_key_replaced() {
        lines.push(KEY_REPLACED.to_owned());
    }
    lines.join("\n")
}
