//! The settings that are in force on this node.

use super::listing::{Listing, Stored};
use crate::clock::Clock;
use crate::error::Internal;
use crate::services::ServicesConfig;
use arc_swap::ArcSwap;
use doorward_domain::Settings;
use doorward_storage::{Store, StoreError};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The settings that are in force, and where they come from. Whoever is no owner by a login, as the command line, uses
/// it as it is.
#[derive(Debug)]
pub struct RuntimeSettings {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    /// What counts of a setting that nobody has changed.
    pub(super) variables: Settings,
    present: Arc<ArcSwap<Settings>>,
    /// The version that they have. One learns at a time, so that what is newer stays.
    known: Mutex<i64>,
}

impl RuntimeSettings {
    /// Those of the configuration. What is stored counts after the first [`reload`](Self::reload).
    pub fn new(config: &ServicesConfig) -> Self {
        Self::over(
            Arc::clone(&config.store),
            Arc::clone(&config.clock),
            config.settings.clone(),
        )
    }

    /// Those of this store; `variables` are the values of those that nobody has changed.
    pub fn over(store: Arc<dyn Store>, clock: Arc<dyn Clock>, variables: Settings) -> Self {
        Self {
            store,
            clock,
            present: Arc::new(ArcSwap::from_pointee(variables.clone())),
            variables,
            known: Mutex::default(),
        }
    }

    /// The values that are in force, now and after every change.
    pub(crate) fn present(&self) -> Arc<ArcSwap<Settings>> {
        Arc::clone(&self.present)
    }

    /// Learns what is stored. A value that no release of ours has written does not count and is logged, as is a name that
    /// only a newer one knows.
    ///
    /// # Errors
    /// The store's; what was in force stays so.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let mut known = self.known.lock().await;
        let stored = self.store.read(|tx| Stored::read(tx)).await?;
        *known = stored.version; // after a restore from a backup it is an older one
        self.put_in_force(&stored);
        Ok(())
    }

    /// Learns what this node has written itself, unless it knows of something newer already.
    pub(super) async fn learn(&self, stored: &Stored) {
        let mut known = self.known.lock().await;
        if stored.version > *known {
            *known = stored.version;
            self.put_in_force(stored);
        }
    }

    fn put_in_force(&self, stored: &Stored) {
        let (settings, ignored) = stored.over(&self.variables);
        for it in ignored {
            let (name, reason) = (&it.row.name, it.reason);
            tracing::warn!(name, reason, "a stored setting is ignored");
        }
        if settings != **self.present.load() {
            tracing::info!(version = stored.version, "settings have changed");
            self.present.store(Arc::new(settings));
        }
    }

    /// Every setting, as the database has it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(&self) -> Result<Listing, Internal> {
        let stored = self.store.read(|tx| Stored::read(tx)).await;
        Ok(stored.map(|stored| stored.listing(&self.variables))?)
    }
}
