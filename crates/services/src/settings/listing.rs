//! All settings with their values, and the version that they have together.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use doorward_domain::settings::{ALL, Setting, SettingValue, StoredSetting};
use doorward_domain::{Settings, UserId};
use doorward_storage::{StoreError, Transaction};

/// Every setting, in the order of the table.
#[derive(Debug, Clone)]
pub struct Listing {
    /// How often settings were changed.
    pub version: i64,
    /// Changes with every value; in quotation marks.
    pub etag: String,
    /// The settings.
    pub settings: Vec<ListedSetting>,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct ListedSetting {
    /// What it is.
    pub setting: &'static Setting,
    /// Its value.
    pub value: SettingValue,
    /// What it is without a variable and without a change.
    pub default: SettingValue,
    /// When it was changed last; none while the variable or the default counts.
    pub changed_at: Option<DateTime<Utc>>,
    /// By whom; none for the command line.
    pub changed_by: Option<UserId>,
}

/// What the database says of settings.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) version: i64,
    pub(super) rows: Vec<StoredSetting>,
}

impl Stored {
    pub(super) fn read(tx: &mut dyn Transaction) -> Result<Self, StoreError> {
        Ok(Self {
            version: tx.settings_version()?,
            rows: tx.stored_settings()?,
        })
    }

    /// What counts: the stored values over those of `variables`. What cannot be read does not count, and is complained
    /// of.
    pub(super) fn over(&self, variables: &Settings) -> (Settings, Vec<Ignored<'_>>) {
        let (mut settings, mut ignored) = (variables.clone(), Vec::new());
        for row in &self.rows {
            let reason = match Setting::named(&row.name) {
                None => Some("this release has no such setting".to_owned()),
                Some(setting) => setting
                    .set(&mut settings, &row.value)
                    .err()
                    .map(|error| error.to_string()),
            };
            ignored.extend(reason.map(|reason| Ignored { row, reason }));
        }
        (settings, ignored)
    }

    pub(super) fn of(&self, name: &str) -> Option<&StoredSetting> {
        self.rows.iter().find(|row| row.name == name)
    }

    pub(super) fn listing(&self, variables: &Settings) -> Listing {
        let (present, ignored) = self.over(variables);
        let defaults = Settings::default();
        let counts = |row: &&StoredSetting| !ignored.iter().any(|it| it.row.name == row.name);
        let settings: Vec<_> = ALL
            .iter()
            .map(|setting| {
                let row = self.of(setting.name).filter(counts);
                ListedSetting {
                    setting,
                    value: setting.value(&present),
                    default: setting.value(&defaults),
                    changed_at: row.map(|row| row.changed_at),
                    changed_by: row.and_then(|row| row.changed_by),
                }
            })
            .collect();
        Listing {
            version: self.version,
            etag: etag(self.version, &settings),
            settings,
        }
    }
}

/// A row that does not count.
#[derive(Debug)]
pub(super) struct Ignored<'a> {
    pub(super) row: &'a StoredSetting,
    pub(super) reason: String,
}

/// The values belong to it too: those of nodes with different variables are not the same.
fn etag(version: i64, settings: &[ListedSetting]) -> String {
    let values: Vec<_> = settings.iter().map(|it| it.value.to_string()).collect();
    let digest = digest(&SHA256, values.join("\n").as_bytes());
    let digest = digest.as_ref().get(..9).unwrap_or_default();
    format!("\"{version}-{}\"", URL_SAFE_NO_PAD.encode(digest))
}
