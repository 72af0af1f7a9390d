//! API keys.

use crate::backend::on_backend;
use crate::rows::{inconsistent, readable};
use crate::schema::api_keys;
use crate::transaction::{DieselTransaction, unexpected_count};
use crate::types::{DbId, DbInstant};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use doorward_domain::api_key::{ApiKeyName, ApiKeyPrefix, PreviousSecret};
use doorward_domain::{ApiKey, ApiKeyDigest, ApiKeyId, Change, Scopes, UserId};
use doorward_storage::{ApiKeyRepository, StoreError};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys, treat_none_as_default_value = false)]
struct ApiKeyRow {
    id: DbId,
    user_id: DbId,
    name: String,
    prefix: String,
    digest: Vec<u8>,
    previous_digest: Option<Vec<u8>>,
    previous_until: Option<DbInstant>,
    scopes: String,
    created_at: DbInstant,
    expires_at: Option<DbInstant>,
    last_used_at: Option<DbInstant>,
}

impl From<&ApiKey> for ApiKeyRow {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.into(),
            user_id: key.user_id.into(),
            name: key.name.as_str().to_owned(),
            prefix: key.prefix.as_str().to_owned(),
            digest: key.digest.0.to_vec(),
            previous_digest: key.previous.map(|previous| previous.digest.0.to_vec()),
            previous_until: key.previous.map(|previous| previous.until.into()),
            scopes: key.scopes.to_string(),
            created_at: key.created_at.into(),
            expires_at: key.expires_at.map(DbInstant),
            last_used_at: key.last_used_at.map(DbInstant),
        }
    }
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = StoreError;

    fn try_from(row: ApiKeyRow) -> Result<Self, StoreError> {
        let previous = match (row.previous_digest, row.previous_until) {
            (None, None) => None,
            (Some(digest), Some(until)) => Some(PreviousSecret {
                digest: ApiKeyDigest::try_from(digest).map_err(bad("previous_digest"))?,
                until: until.0,
            }),
            (Some(_), None) | (None, Some(_)) => {
                return Err(inconsistent("api_keys", "previous_until"));
            }
        };
        Ok(Self {
            id: ApiKeyId::from_uuid(row.id.0),
            user_id: UserId::from_uuid(row.user_id.0),
            name: ApiKeyName::try_from(row.name).map_err(bad("name"))?,
            prefix: ApiKeyPrefix::try_from(row.prefix).map_err(bad("prefix"))?,
            digest: ApiKeyDigest::try_from(row.digest).map_err(bad("digest"))?,
            previous,
            scopes: Scopes::try_from(row.scopes).map_err(bad("scopes"))?,
            created_at: row.created_at.0,
            expires_at: row.expires_at.map(|at| at.0),
            last_used_at: row.last_used_at.map(|at| at.0),
        })
    }
}

fn bad<E>(column: &'static str) -> impl FnOnce(E) -> StoreError {
    move |_| inconsistent("api_keys", column)
}

impl ApiKeyRepository for DieselTransaction<'_> {
    fn insert_api_key(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        let row = ApiKeyRow::from(key);
        let count = on_backend!(self, |c| diesel::insert_into(api_keys::table)
            .values(&row)
            .execute(c))?;
        match count {
            1 => Ok(()),
            count => Err(unexpected_count(count, "api_keys")),
        }
    }

    fn api_key(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let wanted = api_keys::table.find(DbId::from(id));
        let row = on_backend!(self, |c| wanted
            .select(ApiKeyRow::as_select())
            .first(c)
            .optional())?;
        row.map(ApiKey::try_from).transpose()
    }

    fn lock_api_key(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let wanted = api_keys::table.find(DbId::from(id));
        let row = on_backend!(
            self,
            postgres = |c| wanted
                .select(ApiKeyRow::as_select())
                .for_no_key_update()
                .first(c)
                .optional(),
            sqlite = |c| wanted.select(ApiKeyRow::as_select()).first(c).optional() // there is one writer
        )?;
        row.map(ApiKey::try_from).transpose()
    }

    fn api_key_by_digest(&mut self, digest: ApiKeyDigest) -> Result<Option<ApiKey>, StoreError> {
        let digest = digest.0.as_slice();
        let is_present = api_keys::digest.eq(digest);
        let is_previous = api_keys::previous_digest.eq(digest);
        let wanted = api_keys::table.filter(is_present.nullable().or(is_previous));
        let row = on_backend!(self, |c| wanted
            .select(ApiKeyRow::as_select())
            .first(c)
            .optional())?;
        row.map(ApiKey::try_from).transpose()
    }

    fn count_api_keys_of(&mut self, user_id: UserId) -> Result<usize, StoreError> {
        let keys = api_keys::table.filter(api_keys::user_id.eq(DbId::from(user_id)));
        let count: i64 = on_backend!(self, |c| keys.count().get_result(c))?;
        usize::try_from(count).map_err(|error| StoreError::Backend(error.into()))
    }

    fn list_api_keys_of(
        &mut self,
        user_id: UserId,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, StoreError> {
        // No key has the nil id.
        let after = after.map_or(DbId(uuid::Uuid::nil()), DbId::from);
        let page = api_keys::table
            .filter(api_keys::user_id.eq(DbId::from(user_id)))
            .filter(api_keys::id.gt(after))
            .order(api_keys::id)
            .limit(limit.into());
        let rows = on_backend!(self, |c| page.select(ApiKeyRow::as_select()).load(c))?;
        Ok(readable(rows, |row: &ApiKeyRow| row.id.0))
    }

    fn update_api_key(&mut self, key: &ApiKey, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let row = ApiKeyRow::from(key);
        let fields = (
            api_keys::name.eq(row.name),
            api_keys::prefix.eq(row.prefix),
            api_keys::digest.eq(row.digest),
            api_keys::previous_digest.eq(row.previous_digest),
            api_keys::previous_until.eq(row.previous_until),
            api_keys::scopes.eq(row.scopes),
            api_keys::expires_at.eq(row.expires_at),
        );
        let target = api_keys::table.find(row.id);
        let count = on_backend!(self, |c| diesel::update(target).set(fields).execute(c))?;
        if count == 0 {
            return Ok(false);
        }
        self.record(Change::ApiKeyChanged(key.id), at)?;
        Ok(true)
    }

    fn delete_api_key(&mut self, id: ApiKeyId, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let target = api_keys::table.find(DbId::from(id));
        let count = on_backend!(self, |c| diesel::delete(target).execute(c))?;
        if count == 0 {
            return Ok(false);
        }
        self.record(Change::ApiKeyChanged(id), at)?;
        Ok(true)
    }

    fn note_api_key_use(
        &mut self,
        id: ApiKeyId,
        at: DateTime<Utc>,
        interval: TimeDelta,
    ) -> Result<bool, StoreError> {
        let is_due = api_keys::last_used_at
            .is_null()
            .or(api_keys::last_used_at.le(DbInstant(at - interval)));
        let target = api_keys::table.find(DbId::from(id)).filter(is_due);
        let used = api_keys::last_used_at.eq(Some(DbInstant(at)));
        let count = on_backend!(self, |c| diesel::update(target).set(used).execute(c))?;
        Ok(count == 1)
    }
}
