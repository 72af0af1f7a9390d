//! What is kept of the settings that somebody has changed.

use crate::ids::{SettingChangeId, UserId};
use chrono::{DateTime, Utc};

/// A setting that somebody has changed: its value counts, and no variable does any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSetting {
    /// Its name; a newer release may have written one that this one does not know.
    pub name: String,
    /// Its value, as text.
    pub value: String,
    /// When it was changed last.
    pub changed_at: DateTime<Utc>,
    /// By whom; none for the command line.
    pub changed_by: Option<UserId>,
}

/// One change of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingChange {
    /// Which.
    pub id: SettingChangeId,
    /// The version of all settings that came of it. Those that were changed together have the same.
    pub version: i64,
    /// The name of the setting.
    pub name: String,
    /// What was stored before, as text; none where the variable or the default counted.
    pub old: Option<String>,
    /// What is stored since, as text; none where the variable or the default counts again.
    pub new: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom; none for the command line.
    pub by: Option<UserId>,
}
