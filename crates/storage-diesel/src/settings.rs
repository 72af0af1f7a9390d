//! The runtime settings that somebody has changed.

use crate::backend::on_backend;
use crate::schema::{setting_changes, settings, settings_version};
use crate::transaction::{DieselTransaction, unexpected_count};
use crate::types::{DbId, DbInstant};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use doorward_domain::settings::{SettingChange, StoredSetting};
use doorward_domain::{Change, SettingChangeId, UserId};
use doorward_storage::{SettingRepository, StoreError};

/// Far more than there are.
const MOST_SETTINGS: i64 = 1000;
/// The only row of `settings_version`.
const ROW: i64 = 1;

#[derive(Queryable, Selectable)]
#[diesel(table_name = settings)]
struct SettingRow {
    name: String,
    value: String,
    changed_at: DbInstant,
    changed_by: Option<DbId>,
}

impl From<SettingRow> for StoredSetting {
    fn from(row: SettingRow) -> Self {
        Self {
            name: row.name,
            value: row.value,
            changed_at: row.changed_at.0,
            changed_by: row.changed_by.map(|id| UserId::from_uuid(id.0)),
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = setting_changes, treat_none_as_default_value = false)]
struct SettingChangeRow {
    id: DbId,
    version: i64,
    name: String,
    old_value: Option<String>,
    new_value: Option<String>,
    changed_at: DbInstant,
    changed_by: Option<DbId>,
}

impl From<&SettingChange> for SettingChangeRow {
    fn from(change: &SettingChange) -> Self {
        Self {
            id: change.id.into(),
            version: change.version,
            name: change.name.clone(),
            old_value: change.old.clone(),
            new_value: change.new.clone(),
            changed_at: change.at.into(),
            changed_by: change.by.map(DbId::from),
        }
    }
}

impl From<SettingChangeRow> for SettingChange {
    fn from(row: SettingChangeRow) -> Self {
        Self {
            id: SettingChangeId::from_uuid(row.id.0),
            version: row.version,
            name: row.name,
            old: row.old_value,
            new: row.new_value,
            at: row.changed_at.0,
            by: row.changed_by.map(|id| UserId::from_uuid(id.0)),
        }
    }
}

impl SettingRepository for DieselTransaction<'_> {
    fn settings_version(&mut self) -> Result<i64, StoreError> {
        let row = settings_version::table.find(ROW);
        let version: Option<i64> = on_backend!(self, |c| row
            .select(settings_version::version)
            .first(c)
            .optional())?;
        Ok(version.unwrap_or_default())
    }

    fn advance_settings(&mut self, from: i64, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let next = settings_version::version.eq(from + 1);
        let count = if from == 0 {
            let first = (settings_version::id.eq(ROW), next);
            on_backend!(self, |c| diesel::insert_into(settings_version::table)
                .values(first)
                .on_conflict_do_nothing()
                .execute(c))?
        } else {
            let seen = settings_version::table
                .find(ROW)
                .filter(settings_version::version.eq(from));
            on_backend!(self, |c| diesel::update(seen).set(next).execute(c))?
        };
        if count == 1 {
            self.record(Change::SettingsChanged, at)?;
        }
        Ok(count == 1)
    }

    fn stored_settings(&mut self) -> Result<Vec<StoredSetting>, StoreError> {
        let wanted = settings::table.order(settings::name).limit(MOST_SETTINGS);
        let rows = on_backend!(self, |c| wanted.select(SettingRow::as_select()).load(c))?;
        Ok(rows.into_iter().map(StoredSetting::from).collect())
    }

    fn change_setting(&mut self, change: &SettingChange) -> Result<(), StoreError> {
        let who = change.by.map(DbId::from);
        if let Some(value) = &change.new {
            let fields = (
                settings::value.eq(value),
                settings::changed_at.eq(DbInstant(change.at)),
                settings::changed_by.eq(who),
            );
            let row = (settings::name.eq(&change.name), fields);
            on_backend!(self, |c| diesel::insert_into(settings::table)
                .values(row)
                .on_conflict(settings::name)
                .do_update()
                .set(fields)
                .execute(c))?;
        } else {
            let row = settings::table.find(&change.name);
            on_backend!(self, |c| diesel::delete(row).execute(c))?;
        }
        let row = SettingChangeRow::from(change);
        let count = on_backend!(self, |c| diesel::insert_into(setting_changes::table)
            .values(&row)
            .execute(c))?;
        match count {
            1 => Ok(()),
            count => Err(unexpected_count(count, "setting_changes")),
        }
    }

    fn setting_change(&mut self, id: SettingChangeId) -> Result<Option<SettingChange>, StoreError> {
        let row = setting_changes::table.find(DbId::from(id));
        let found: Option<SettingChangeRow> = on_backend!(self, |c| row
            .select(SettingChangeRow::as_select())
            .first(c)
            .optional())?;
        Ok(found.map(SettingChange::from))
    }

    fn list_setting_changes(
        &mut self,
        after: Option<SettingChangeId>,
        limit: u32,
    ) -> Result<Vec<SettingChange>, StoreError> {
        let newest = setting_changes::table
            .order(setting_changes::id.desc())
            .limit(limit.into());
        let rows = match after {
            Some(after) => {
                let older = newest.filter(setting_changes::id.lt(DbId::from(after)));
                on_backend!(self, |c| older
                    .select(SettingChangeRow::as_select())
                    .load(c))?
            }
            None => on_backend!(self, |c| newest
                .select(SettingChangeRow::as_select())
                .load(c))?,
        };
        Ok(rows.into_iter().map(SettingChange::from).collect())
    }

    fn sweep_setting_changes(
        &mut self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<usize, StoreError> {
        let old = setting_changes::table
            .filter(setting_changes::changed_at.lt(DbInstant(before)))
            .limit(limit.into())
            .select(setting_changes::id);
        let ids: Vec<DbId> = on_backend!(
            self,
            postgres = |c| old.for_update().skip_locked().load(c), // other nodes sweep, too
            sqlite = |c| old.load(c)
        )?;
        if ids.is_empty() {
            return Ok(0);
        }
        let target = setting_changes::table.filter(setting_changes::id.eq_any(ids));
        on_backend!(self, |c| diesel::delete(target).execute(c))
    }
}
