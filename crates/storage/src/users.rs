//! Users.

use crate::error::StoreError;
use chrono::{DateTime, Utc};
use doorward_domain::{EmailAddress, Role, User, UserId, Username};

/// Accounts. Every write records the [`Change`](doorward_domain::Change)s that follow from it in the same transaction:
/// `UserChanged` always, `UserListChanged` where an id, a username, a joining date or the active flag changes.
pub trait UserRepository {
    /// # Errors
    /// `Conflict(Username)` or `Conflict(UserEmail)` when another account has it, compared by key. The transaction is
    /// of no use after that: the unit of work returns `Err`.
    fn insert_user(&mut self, user: &User) -> Result<(), StoreError>;

    /// The user, if there is one.
    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user, and nobody else changes him before this transaction ends.
    fn lock_user(&mut self, id: UserId) -> Result<Option<User>, StoreError>;

    /// Looked up by [`EmailAddress::key`].
    fn user_by_email(&mut self, email: &EmailAddress) -> Result<Option<User>, StoreError>;

    /// Looked up by [`Username::key`].
    fn user_by_username(&mut self, username: &Username) -> Result<Option<User>, StoreError>;

    /// Writes every field. `false` when there is no such user.
    ///
    /// # Errors
    /// As [`insert_user`](Self::insert_user).
    fn update_user(&mut self, user: &User, at: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Removes the user and all that is his; his live sessions must have been ended before. `false` when there is no
    /// such user.
    fn delete_user(&mut self, id: UserId, at: DateTime<Utc>) -> Result<bool, StoreError>;

    /// The active owners, and none of them is changed by others before this transaction ends.
    fn lock_active_owners(&mut self) -> Result<Vec<UserId>, StoreError>;

    /// How many users there are.
    fn count_users(&mut self) -> Result<UserCounts, StoreError>;

    /// A page of users in the order of their ids.
    fn list_users(&mut self, query: &UserQuery) -> Result<Vec<User>, StoreError>;
}

/// How many users there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserCounts {
    /// Those who may log in.
    pub active: u64,
    /// Those whose accounts are deactivated.
    pub inactive: u64,
}

/// Which users a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct UserQuery {
    /// Only those whose username or email key begins with this, which is folded like a key.
    pub prefix: Option<String>,
    /// Only those of this role.
    pub role: Option<Role>,
    /// Only active ones, or only those that are not.
    pub is_active: Option<bool>,
    /// Only those after this id.
    pub after: Option<UserId>,
    /// At most so many.
    pub limit: u32,
}
