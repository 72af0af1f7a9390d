//! `doorward audit`

use super::{database_in_use, open, say};
use crate::cli::{AuditArgs, AuditTask};
use crate::config::Config;
use doorward_services::audit::verify::{Verified, Verifier};
use doorward_services::{Clock, ServicesConfig};
use doorward_storage::Store;
use doorward_storage_diesel::OnPending;
use std::sync::Arc;

/// Verifies the audit log, or begins its chain anew.
///
/// # Errors
/// One line that names the first event that is not as it was sealed.
pub async fn audit(config: &Config, args: AuditArgs) -> anyhow::Result<()> {
    database_in_use(config, "start Doorward first")?;
    let (services, _) = open(config, OnPending::Refuse)?;
    let store = Arc::clone(&services.store);
    let done = run(&services, &*store, &*services.clock, args.task).await;
    store.close().await;
    done
}

async fn run(
    services: &ServicesConfig,
    store: &dyn Store,
    clock: &dyn Clock,
    task: AuditTask,
) -> anyhow::Result<()> {
    let verifier = Verifier::new(&services.secret_key, &services.secret_key_fallbacks);
    match task {
        AuditTask::Verify => {
            say(&told(&verifier.verify(store).await?))?;
        }
        AuditTask::Restart => {
            let up_to = verifier.restart(store, clock).await?;
            say(&format!(
                "The chain begins anew after number {up_to}. What stands before cannot be verified any more."
            ))?;
        }
    }
    Ok(())
}

fn told(verified: &Verified) -> String {
    let Verified {
        sealed,
        unsealed,
        swept,
        last_sequence,
        last_mac,
    } = verified;
    let mut lines = vec![format!("{sealed} sealed events are as they were sealed.")];
    if *swept > 0 {
        lines.push(format!(
            "Those up to number {swept} were swept or stand before the chain was begun anew."
        ));
    }
    if *unsealed > 0 {
        lines.push(format!(
            "{unsealed} are not sealed yet, and nothing can be said of them: a running server seals within seconds."
        ));
    }
    if *last_sequence > 0 {
        lines.push(format!(
            "The chain ends with number {last_sequence}, {last_mac}: a later run that ends before it looks at an older \
             database."
        ));
    }
    lines.join("\n")
}
