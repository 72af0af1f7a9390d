//! What can go wrong in a store.

use std::error::Error;
use std::fmt;

/// A cause that callers only log.
pub type Source = Box<dyn Error + Send + Sync>;

/// Why a unit of work was not done. Whatever it had written is undone.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row breaks a rule of the database that callers answer for.
    #[error("{0} is taken")]
    Conflict(Constraint),
    /// The database does not answer in time; the same call may succeed later.
    #[error("the database does not answer: {0}")]
    Unavailable(#[source] Source),
    /// A row holds what no version of ours has written.
    #[error("{table}.{column} holds an unusable value")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// Anything else that the database refuses: a mistake of ours.
    #[error("the database refuses: {0}")]
    Backend(#[source] Source),
}

/// The rules of the database that a caller's input can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Constraint {
    /// Two users with one username.
    Username,
    /// Two users with one email address.
    UserEmail,
    /// Two signing keys of one algorithm that are active, or prepared.
    SigningKey,
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Username => "the username",
            Self::UserEmail => "the email address",
            Self::SigningKey => "the place of the signing key",
        })
    }
}
