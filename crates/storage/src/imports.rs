//! Accounts that come from Django.

use crate::error::StoreError;
use chrono::{DateTime, Utc};
use doorward_domain::{EmailAddress, User, UserId, Username};

/// Accounts as they are taken over from Django, many at a time.
pub trait ImportRepository {
    /// Inserts those who clash with nobody, and tells how many they are; whoever wants all or none compares and returns
    /// an `Err`. Records `UserListChanged` once: of an account that is new nobody remembers anything.
    fn insert_imported(
        &mut self,
        users: &[ImportedUser],
        at: DateTime<Utc>,
    ) -> Result<usize, StoreError>;

    /// Every account that has something of what is claimed, once.
    fn holders(&mut self, claims: &Claims) -> Result<Vec<Holder>, StoreError>;

    /// The account whose primary key in Django this was.
    fn account_by_django_id(&mut self, id: &str) -> Result<Option<DjangoAccount>, StoreError>;

    /// From now on tokens that Django issued to this user before `from` are refused, and `UserChanged` is recorded.
    /// `false` when the user does not come from Django.
    fn refuse_foreign_tokens(
        &mut self,
        id: UserId,
        from: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
}

/// A person as he comes from Django.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedUser {
    /// The account.
    pub user: User,
    /// His primary key in Django as text; unique. A UUID is in lower case with hyphens.
    pub django_id: Option<String>,
    /// Kept for later; nothing shows it yet.
    pub first_name: Option<String>,
    /// Kept for later; nothing shows it yet.
    pub last_name: Option<String>,
}

/// What accounts that are to be inserted would take.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// Their ids.
    pub ids: Vec<UserId>,
    /// Their primary keys in Django.
    pub django_ids: Vec<String>,
    /// Compared by key.
    pub usernames: Vec<Username>,
    /// Compared by key.
    pub emails: Vec<EmailAddress>,
}

/// An account that has something of what is claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its id.
    pub id: UserId,
    /// Its primary key in Django.
    pub django_id: Option<String>,
    /// Its username.
    pub username: Username,
    /// Its email address.
    pub email: Option<EmailAddress>,
}

/// An account that comes from Django.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DjangoAccount {
    /// The account.
    pub user: User,
    /// Tokens that Django issued before are refused.
    pub foreign_tokens_from: Option<DateTime<Utc>>,
}
