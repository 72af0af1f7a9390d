//! Users.

use crate::backend::on_backend;
use crate::rows::{inconsistent, readable};
use crate::schema::users;
use crate::transaction::{DieselTransaction, unexpected_count};
use crate::types::{DbId, DbInstant};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use doorward_domain::{Change, EmailAddress, PasswordHash, Role, User, UserId, Username};
use doorward_storage::{StoreError, UserCounts, UserQuery, UserRepository};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(crate) struct UserRow {
    id: DbId,
    username: String,
    username_key: String,
    email: Option<String>,
    email_key: Option<String>,
    password: Option<String>,
    role: String,
    is_active: bool,
    date_joined: DbInstant,
    last_login: Option<DbInstant>,
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.into(),
            username: user.username.as_str().to_owned(),
            username_key: user.username.key(),
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            email_key: user.email.as_ref().map(EmailAddress::key),
            password: user.password.as_ref().map(|hash| hash.as_str().to_owned()),
            role: user.role.as_str().to_owned(),
            is_active: user.is_active,
            date_joined: user.date_joined.into(),
            last_login: user.last_login.map(DbInstant::from),
        }
    }
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let email = row.email.map(EmailAddress::try_from).transpose();
        let password = row.password.map(PasswordHash::try_from).transpose();
        Ok(Self {
            id: UserId::from_uuid(row.id.0),
            username: Username::try_from(row.username).map_err(bad("username"))?,
            email: email.map_err(bad("email"))?,
            password: password.map_err(bad("password"))?,
            role: Role::try_from(row.role).map_err(bad("role"))?,
            is_active: row.is_active,
            date_joined: row.date_joined.0,
            last_login: row.last_login.map(|at| at.0),
        })
    }
}

pub(crate) fn bad<E>(column: &'static str) -> impl FnOnce(E) -> StoreError {
    move |_| inconsistent("users", column)
}

/// What the public list of users shows of one.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct ListedAs {
    id: DbId,
    username: String,
    is_active: bool,
    date_joined: DbInstant,
}

impl From<&User> for ListedAs {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.into(),
            username: user.username.as_str().to_owned(),
            is_active: user.is_active,
            date_joined: user.date_joined.into(),
        }
    }
}

/// How the rows of a page are found. PostgreSQL decides by its statistics; SQLite keeps none and is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As the database thinks best.
    Free,
    /// SQLite, where few keys begin with the prefix: by the keys' indexes.
    ByKeys,
    /// SQLite, where there is no prefix or many keys begin with it: the users in the order of their ids, until a page is
    /// full. By the keys' indexes it would have to read and sort all who match.
    ById,
}

/// From so many keys on that begin with a prefix, users are searched by id, in SQLite. At a million users both ways cost
/// some milliseconds then.
const MANY_KEYS: i64 = 1000;

/// The query of a page; a macro, since its type is another one for each database.
macro_rules! matching {
    ($query:expr, $range:expr, $way:expr) => {{
        let mut users = users::table
            .select(UserRow::as_select())
            .order(users::id)
            .limit($query.limit.into())
            .into_boxed();
        match $range {
            // A unary plus keeps SQLite from using an index.
            Some((start, end)) if $way == Way::ById => {
                let username = sql::<Bool>("(+username_key >= ")
                    .bind::<Text, _>(start)
                    .sql(" AND +username_key < ")
                    .bind::<Text, _>(end.clone());
                let either = username
                    .sql(" OR +email_key >= ")
                    .bind::<Text, _>(start)
                    .sql(" AND +email_key < ")
                    .bind::<Text, _>(end);
                users = users.filter(either.sql(")"));
            }
            Some((start, end)) => {
                // Ranges of the keys' indexes, without anything to escape.
                let username = users::username_key
                    .ge(start)
                    .and(users::username_key.lt(end.clone()));
                let email = users::email_key.ge(start).and(users::email_key.lt(end));
                users = users.filter(username.nullable().or(email));
                // A literal keeps Diesel from preparing it once for all prefixes: PostgreSQL would choose one plan for
                // one letter and for twenty, and take a second for the wrong ones at a million users.
                users = users.filter(sql::<Bool>("TRUE"));
            }
            None => {}
        }
        match $query.role {
            // Nearly everybody is one, so the index of roles helps nobody to find him.
            Some(Role::User) if $way != Way::Free => {
                let role = sql::<Bool>("+role = ").bind::<Text, _>(Role::User.as_str());
                users = users.filter(role);
            }
            Some(role) => users = users.filter(users::role.eq(role.as_str())),
            None => {}
        }
        match $query.is_active {
            Some(true) => users = users.filter(users::is_active.eq(true)),
            // As the index of those few has it, which a value that is bound does not match.
            Some(false) => users = users.filter(is_inactive()),
            None => {}
        }
        if let Some(after) = $query.after {
            users = users.filter(users::id.gt(DbId::from(after)));
        }
        users
    }};
}

/// The condition of the index `users_inactive`, to the letter.
fn is_inactive() -> SqlLiteral<Bool> {
    sql::<Bool>("NOT is_active")
}

impl UserRepository for DieselTransaction<'_> {
    fn insert_user(&mut self, user: &User) -> Result<(), StoreError> {
        let row = UserRow::from(user);
        let count = on_backend!(self, |c| diesel::insert_into(users::table)
            .values(&row)
            .execute(c))?;
        if count != 1 {
            return Err(unexpected_count(count, "users"));
        }
        let at = made_at(user);
        self.record(Change::UserChanged(user.id), at)?;
        self.record(Change::UserListChanged, at)
    }

    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let wanted = users::table.find(DbId::from(id));
        let row = on_backend!(self, |c| wanted
            .select(UserRow::as_select())
            .first(c)
            .optional())?;
        row.map(User::try_from).transpose()
    }

    fn lock_user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let wanted = users::table.find(DbId::from(id));
        let row = on_backend!(
            self,
            postgres = |c| wanted
                .select(UserRow::as_select())
                .for_no_key_update()
                .first(c)
                .optional(),
            sqlite = |c| wanted.select(UserRow::as_select()).first(c).optional() // there is one writer
        )?;
        let user = row.map(User::try_from).transpose()?;
        self.locked_user = user.as_ref().map(ListedAs::from);
        Ok(user)
    }

    fn user_by_email(&mut self, email: &EmailAddress) -> Result<Option<User>, StoreError> {
        let wanted = users::table.filter(users::email_key.eq(email.key()));
        let row = on_backend!(self, |c| wanted
            .select(UserRow::as_select())
            .first(c)
            .optional())?;
        row.map(User::try_from).transpose()
    }

    fn user_by_username(&mut self, username: &Username) -> Result<Option<User>, StoreError> {
        let wanted = users::table.filter(users::username_key.eq(username.key()));
        let row = on_backend!(self, |c| wanted
            .select(UserRow::as_select())
            .first(c)
            .optional())?;
        row.map(User::try_from).transpose()
    }

    fn update_user(&mut self, user: &User, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let Some(before) = self.lock_listed(user.id)? else {
            return Ok(false);
        };
        let row = UserRow::from(user);
        let target = users::table.find(row.id);
        let count = on_backend!(self, |c| diesel::update(target).set(&row).execute(c))?;
        if count != 1 {
            return Err(unexpected_count(count, "users"));
        }
        let after = ListedAs::from(user);
        self.record(Change::UserChanged(user.id), at)?;
        if before != after {
            self.record(Change::UserListChanged, at)?;
        }
        self.locked_user = Some(after);
        Ok(true)
    }

    fn delete_user(&mut self, id: UserId, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let target = users::table.find(DbId::from(id));
        let count = on_backend!(self, |c| diesel::delete(target).execute(c))?;
        self.locked_user = None;
        if count == 0 {
            return Ok(false);
        }
        self.record(Change::UserChanged(id), at)?;
        self.record(Change::UserListChanged, at)?;
        Ok(true)
    }

    fn lock_active_owners(&mut self) -> Result<Vec<UserId>, StoreError> {
        let owners = users::table
            .filter(users::role.eq(Role::Owner.as_str()))
            .filter(users::is_active.eq(true))
            .order(users::id) // everybody locks in this order, so nobody waits in a circle
            .select(users::id);
        let ids: Vec<DbId> = on_backend!(
            self,
            postgres = |c| owners.for_no_key_update().load(c),
            sqlite = |c| owners.load(c) // there is one writer
        )?;
        Ok(ids.into_iter().map(|id| UserId::from_uuid(id.0)).collect())
    }

    fn count_users(&mut self) -> Result<UserCounts, StoreError> {
        let all: i64 = on_backend!(self, |c| users::table.count().get_result(c))?;
        let inactive = users::table.filter(is_inactive()).count();
        let inactive: i64 = on_backend!(self, |c| inactive.get_result(c))?;
        Ok(UserCounts {
            active: (all - inactive).try_into().unwrap_or_default(),
            inactive: inactive.try_into().unwrap_or_default(),
        })
    }

    fn list_users(&mut self, query: &UserQuery) -> Result<Vec<User>, StoreError> {
        let range = match query.prefix.as_deref().unwrap_or_default() {
            "" => None,
            prefix => match end_of_prefix(prefix) {
                Some(end) if !prefix.contains('\0') => Some((prefix, end)),
                // No key has such characters, and PostgreSQL takes no NUL.
                Some(_) | None => return Ok(Vec::new()),
            },
        };
        let way = match &range {
            Some((start, end)) => self.way_to_keys(start, end)?,
            None => Way::ById,
        };
        let rows = on_backend!(
            self,
            postgres = |c| matching!(query, range.clone(), Way::Free).load(c),
            sqlite = |c| matching!(query, range.clone(), way).load(c)
        )?;
        Ok(readable(rows, |row: &UserRow| row.id.0))
    }
}

impl DieselTransaction<'_> {
    /// How those are found whose keys are from `start` to before `end`.
    fn way_to_keys(&mut self, start: &str, end: &str) -> Result<Way, StoreError> {
        let usernames = users::table
            .filter(users::username_key.ge(start))
            .filter(users::username_key.lt(end))
            .select(users::username_key.nullable());
        let emails = users::table
            .filter(users::email_key.ge(start))
            .filter(users::email_key.lt(end))
            .select(users::email_key);
        let last = |found: Option<Option<String>>| found.is_some();
        let (usernames, emails) = (
            usernames.offset(MANY_KEYS - 1).limit(1),
            emails.offset(MANY_KEYS - 1).limit(1),
        );
        on_backend!(
            self,
            postgres = |_c| Ok(Way::Free),
            sqlite = |c| {
                let mut are_many = usernames.first(c).optional().map(last);
                if are_many == Ok(false) {
                    are_many = emails.first(c).optional().map(last);
                }
                are_many.map(|are_many| if are_many { Way::ById } else { Way::ByKeys })
            }
        )
    }

    /// What the list shows of a user, and nobody else changes him; a look in memory if he is locked already.
    fn lock_listed(&mut self, id: UserId) -> Result<Option<ListedAs>, StoreError> {
        if let Some(locked) = &self.locked_user
            && locked.id == DbId::from(id)
        {
            return Ok(Some(locked.clone()));
        }
        let wanted = users::table.find(DbId::from(id));
        on_backend!(
            self,
            postgres = |c| wanted
                .select(ListedAs::as_select())
                .for_no_key_update()
                .first(c)
                .optional(),
            sqlite = |c| wanted.select(ListedAs::as_select()).first(c).optional()
        )
    }
}

/// When the account was made here: an imported one joined long before, but its id is new.
fn made_at(user: &User) -> DateTime<Utc> {
    let by_id = user.id.as_uuid().get_timestamp().and_then(|timestamp| {
        let (seconds, nanoseconds) = timestamp.to_unix();
        DateTime::from_timestamp(seconds.try_into().ok()?, nanoseconds)
    });
    by_id.map_or(user.date_joined, |at| at.max(user.date_joined))
}

/// The first text, byte by byte, that is behind all that begin with `prefix`, if there is one.
fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        // The range steps over the surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_behind_all_that_begin_with_it() {
        for (prefix, end) in [
            ("", None),
            ("a", Some("b")),
            ("ad", Some("ae")),
            ("a\u{7f}", Some("a\u{80}")),
            ("a\u{d7ff}", Some("a\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
        ] {
            assert_eq!(end_of_prefix(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
