//! The key pairs that sign tokens.

use crate::backend::on_backend;
use crate::rows::{inconsistent, readable};
use crate::schema::signing_keys;
use crate::transaction::{DieselTransaction, unexpected_count};
use crate::types::DbInstant;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use doorward_domain::{Change, KeyId, KeyState, SigningKey};
use doorward_storage::{SigningKeyRepository, StoreError};

/// Far more than there ever are, since retired ones are swept; the newest count.
const MOST_KEYS: i64 = 1000;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys, treat_none_as_default_value = false)]
struct SigningKeyRow {
    kid: String,
    algorithm: String,
    public_key: String,
    sealed_key: Option<Vec<u8>>,
    state: String,
    created_at: DbInstant,
    activated_at: Option<DbInstant>,
    deactivated_at: Option<DbInstant>,
    retired_at: Option<DbInstant>,
}

impl From<&SigningKey> for SigningKeyRow {
    fn from(key: &SigningKey) -> Self {
        Self {
            kid: key.kid.to_string(),
            algorithm: key.algorithm.to_string(),
            public_key: key.public_key.clone(),
            sealed_key: key.sealed_key.clone(),
            state: key.state.to_string(),
            created_at: key.created_at.into(),
            activated_at: key.activated_at.map(DbInstant),
            deactivated_at: key.deactivated_at.map(DbInstant),
            retired_at: key.retired_at.map(DbInstant),
        }
    }
}

impl TryFrom<SigningKeyRow> for SigningKey {
    type Error = StoreError;

    fn try_from(row: SigningKeyRow) -> Result<Self, StoreError> {
        let instant = |at: Option<DbInstant>| at.map(|at| at.0);
        Ok(Self {
            kid: KeyId::parse(row.kid).map_err(bad("kid"))?,
            algorithm: row.algorithm.parse().map_err(bad("algorithm"))?,
            public_key: row.public_key,
            sealed_key: row.sealed_key,
            state: row.state.parse().map_err(bad("state"))?,
            created_at: row.created_at.0,
            activated_at: instant(row.activated_at),
            deactivated_at: instant(row.deactivated_at),
            retired_at: instant(row.retired_at),
        })
    }
}

fn bad<E>(column: &'static str) -> impl FnOnce(E) -> StoreError {
    move |_| inconsistent("signing_keys", column)
}

impl SigningKeyRepository for DieselTransaction<'_> {
    fn insert_signing_key(
        &mut self,
        key: &SigningKey,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let row = SigningKeyRow::from(key);
        let count = on_backend!(self, |c| diesel::insert_into(signing_keys::table)
            .values(&row)
            .execute(c))?;
        match count {
            1 => self.record(Change::SigningKeysChanged, at),
            count => Err(unexpected_count(count, "signing_keys")),
        }
    }

    fn signing_keys(&mut self) -> Result<Vec<SigningKey>, StoreError> {
        let wanted = signing_keys::table
            .order((signing_keys::created_at.desc(), signing_keys::kid.desc()))
            .limit(MOST_KEYS);
        let mut rows = on_backend!(self, |c| wanted.select(SigningKeyRow::as_select()).load(c))?;
        rows.reverse();
        Ok(readable(rows, |row: &SigningKeyRow| row.kid.clone()))
    }

    fn update_signing_key(
        &mut self,
        key: &SigningKey,
        from: KeyState,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let target = signing_keys::table
            .find(key.kid.as_str())
            .filter(signing_keys::state.eq(from.as_str()));
        let fields = (
            signing_keys::sealed_key.eq(key.sealed_key.as_deref()),
            signing_keys::state.eq(key.state.as_str()),
            signing_keys::activated_at.eq(key.activated_at.map(DbInstant)),
            signing_keys::deactivated_at.eq(key.deactivated_at.map(DbInstant)),
            signing_keys::retired_at.eq(key.retired_at.map(DbInstant)),
        );
        let count = on_backend!(self, |c| diesel::update(target).set(fields).execute(c))?;
        if count == 1 {
            self.record(Change::SigningKeysChanged, at)?;
        }
        Ok(count == 1)
    }

    fn sweep_signing_keys(
        &mut self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<usize, StoreError> {
        let old = signing_keys::table
            .filter(signing_keys::retired_at.lt(DbInstant(before)))
            .limit(limit.into())
            .select(signing_keys::kid);
        let kids: Vec<String> = on_backend!(
            self,
            postgres = |c| old.for_update().skip_locked().load(c), // other nodes sweep, too
            sqlite = |c| old.load(c)
        )?;
        if kids.is_empty() {
            return Ok(0);
        }
        let target = signing_keys::table.filter(signing_keys::kid.eq_any(kids));
        on_backend!(self, |c| diesel::delete(target).execute(c))
    }
}
