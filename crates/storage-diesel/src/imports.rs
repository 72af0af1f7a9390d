//! Accounts that come from Django.

use crate::backend::on_backend;
use crate::schema::users;
use crate::transaction::{DieselTransaction, unexpected_count};
use crate::types::{DbId, DbInstant};
use crate::users::{UserRow, bad};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use doorward_domain::{Change, EmailAddress, User, UserId, Username};
use doorward_storage::{Claims, DjangoAccount, Holder, ImportRepository, ImportedUser, StoreError};
use std::collections::BTreeMap;

#[derive(Insertable)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
struct ImportedRow {
    #[diesel(embed)]
    user: UserRow,
    django_id: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

impl From<&ImportedUser> for ImportedRow {
    fn from(imported: &ImportedUser) -> Self {
        Self {
            user: UserRow::from(&imported.user),
            django_id: imported.django_id.clone(),
            first_name: imported.first_name.clone(),
            last_name: imported.last_name.clone(),
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct HolderRow {
    id: DbId,
    django_id: Option<String>,
    username: String,
    email: Option<String>,
}

impl TryFrom<HolderRow> for Holder {
    type Error = StoreError;

    fn try_from(row: HolderRow) -> Result<Self, StoreError> {
        let email = row.email.map(EmailAddress::try_from).transpose();
        Ok(Self {
            id: UserId::from_uuid(row.id.0),
            django_id: row.django_id,
            username: Username::try_from(row.username).map_err(bad("username"))?,
            email: email.map_err(bad("email"))?,
        })
    }
}

/// The holders of what is claimed of one column; a macro, since the type of the query is another one for each.
macro_rules! held {
    ($tx:expr, $column:expr, $claimed:expr) => {{
        let claimed: Vec<_> = $claimed.collect();
        if claimed.is_empty() {
            Vec::new()
        } else {
            on_backend!($tx, |c| users::table
                .filter($column.eq_any(&claimed))
                .select(HolderRow::as_select())
                .load(c))?
        }
    }};
}

impl ImportRepository for DieselTransaction<'_> {
    fn insert_imported(
        &mut self,
        users: &[ImportedUser],
        at: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        if users.is_empty() {
            return Ok(0);
        }
        let rows: Vec<_> = users.iter().map(ImportedRow::from).collect();
        let count = on_backend!(
            self,
            postgres = |c| diesel::insert_into(users::table)
                .values(&rows)
                .on_conflict_do_nothing()
                .execute(c),
            sqlite = |c| diesel::insert_or_ignore_into(users::table)
                .values(&rows)
                .execute(c)
        )?;
        self.record(Change::UserListChanged, at)?;
        Ok(count)
    }

    fn holders(&mut self, claims: &Claims) -> Result<Vec<Holder>, StoreError> {
        let ids: Vec<HolderRow> =
            held!(self, users::id, claims.ids.iter().copied().map(DbId::from));
        let django_ids = held!(self, users::django_id, claims.django_ids.iter());
        let usernames = held!(
            self,
            users::username_key,
            claims.usernames.iter().map(Username::key)
        );
        let emails = held!(
            self,
            users::email_key,
            claims.emails.iter().map(EmailAddress::key)
        );
        let rows = [ids, django_ids, usernames, emails].into_iter().flatten();
        let once: BTreeMap<_, _> = rows.map(|row| (row.id.0, row)).collect();
        once.into_values().map(Holder::try_from).collect()
    }

    fn account_by_django_id(&mut self, id: &str) -> Result<Option<DjangoAccount>, StoreError> {
        let wanted = users::table.filter(users::django_id.eq(id));
        let row: Option<(UserRow, Option<DbInstant>)> = on_backend!(self, |c| wanted
            .select((UserRow::as_select(), users::foreign_tokens_from))
            .first(c)
            .optional())?;
        row.map(|(user, from)| {
            Ok(DjangoAccount {
                user: User::try_from(user)?,
                foreign_tokens_from: from.map(|at| at.0),
            })
        })
        .transpose()
    }

    fn refuse_foreign_tokens(
        &mut self,
        id: UserId,
        from: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let target = users::table
            .filter(users::id.eq(DbId::from(id)))
            .filter(users::django_id.is_not_null());
        let set = users::foreign_tokens_from.eq(Some(DbInstant(from)));
        let count = on_backend!(self, |c| diesel::update(target).set(set).execute(c))?;
        match count {
            0 => Ok(false),
            1 => {
                self.record(Change::UserChanged(id), from)?;
                Ok(true)
            }
            count => Err(unexpected_count(count, "users")),
        }
    }
}
