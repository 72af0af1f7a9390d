//! The runtime settings: what owners change while the service runs.
//!
//! A setting that nobody has changed has the value of its variable, or its default. From the first change on the stored
//! value counts, on every node: `SettingsChanged` in the feed makes each read all of them anew.

mod change;
mod listing;
mod runtime;

pub use change::{IfMatch, Proposed, SettingsError};
pub use listing::{ListedSetting, Listing};
pub use runtime::RuntimeSettings;

use crate::auth::Caller;
use crate::services::Core;
use doorward_domain::settings::SettingChange;
use doorward_domain::{Role, SettingChangeId};
use std::sync::Arc;

/// The runtime settings, for owners.
#[derive(Debug)]
pub struct SettingsService {
    core: Arc<Core>,
}

impl SettingsService {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Every setting, as the database has it.
    ///
    /// # Errors
    /// [`SettingsError::NotAllowed`] for all but owners.
    pub async fn list(&self, caller: &Caller) -> Result<Listing, SettingsError> {
        require_owner(caller)?;
        Ok(self.core.runtime.list().await?)
    }

    /// Gives settings other values, all of them or none. They are in force on this node when this returns, and within two
    /// seconds on every other.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`] with a message for every bad one; [`SettingsError::Stale`] when `seen` is not the
    /// present version.
    pub async fn change(
        &self,
        caller: &Caller,
        proposed: Vec<Proposed>,
        seen: IfMatch,
    ) -> Result<Listing, SettingsError> {
        require_owner(caller)?;
        let by = Some(caller.clone());
        self.core.runtime.change(proposed, seen, by).await
    }

    /// Takes one change back: what was stored before it is again, or the variable or the default counts again.
    ///
    /// # Errors
    /// [`SettingsError::NotFound`] when the change is not remembered; [`SettingsError::Stale`] when the setting was changed
    /// again since.
    pub async fn undo(
        &self,
        caller: &Caller,
        change: SettingChangeId,
    ) -> Result<Listing, SettingsError> {
        require_owner(caller)?;
        let by = Some(caller.clone());
        self.core.runtime.undo(change, by).await
    }

    /// Who has changed what: up to `limit` changes, the newest first and only those before `after`. They are kept for as
    /// long as the audit log.
    ///
    /// # Errors
    /// [`SettingsError::NotAllowed`] for all but owners.
    pub async fn changes(
        &self,
        caller: &Caller,
        after: Option<SettingChangeId>,
        limit: u32,
    ) -> Result<Vec<SettingChange>, SettingsError> {
        require_owner(caller)?;
        let store = &self.core.store;
        store
            .read(move |tx| Ok(tx.list_setting_changes(after, limit)?))
            .await
    }
}

fn require_owner(caller: &Caller) -> Result<(), SettingsError> {
    if caller.principal.role == Role::Owner {
        Ok(())
    } else {
        Err(SettingsError::NotAllowed)
    }
}

#[cfg(test)]
mod tests;
