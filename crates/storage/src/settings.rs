//! The runtime settings that somebody has changed.

use crate::error::StoreError;
use chrono::{DateTime, Utc};
use doorward_domain::SettingChangeId;
use doorward_domain::settings::{SettingChange, StoredSetting};

/// Stored settings. A unit of work that changes any of them [advances](Self::advance_settings) their version first, so
/// that of two who have seen the same version one changes nothing.
pub trait SettingRepository {
    /// How many units of work have changed settings; 0 before the first.
    fn settings_version(&mut self) -> Result<i64, StoreError>;

    /// Compare and set: counts the version on and records `SettingsChanged`, if it is still `from`. `false` when it is
    /// not; then nothing is written. Until the end of the transaction nobody else advances it.
    fn advance_settings(&mut self, from: i64, at: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Every setting that has a stored value, by name.
    fn stored_settings(&mut self) -> Result<Vec<StoredSetting>, StoreError>;

    /// Stores the new value, or none any more, and remembers the change.
    fn change_setting(&mut self, change: &SettingChange) -> Result<(), StoreError>;

    /// The change, if it is remembered.
    fn setting_change(&mut self, id: SettingChangeId) -> Result<Option<SettingChange>, StoreError>;

    /// Up to `limit` changes, the newest first and only those before `after`.
    fn list_setting_changes(
        &mut self,
        after: Option<SettingChangeId>,
        limit: u32,
    ) -> Result<Vec<SettingChange>, StoreError>;

    /// Forgets up to `limit` changes from before `before`. How many it were.
    fn sweep_setting_changes(
        &mut self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<usize, StoreError>;
}
