//! What other nodes have to learn of a write: the rows of the change feed.

use crate::ids::{ApiKeyId, SessionId, UserId};
use chrono::{DateTime, Utc};

/// A change that makes something wrong which a node may keep in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// The session has ended: its access tokens are refused.
    SessionEnded {
        /// The session.
        session: SessionId,
        /// When the last of its access tokens expires anyway, and the change may be forgotten.
        until: DateTime<Utc>,
    },
    /// A field of the user has changed, or the account is gone.
    UserChanged(UserId),
    /// The list of users shows something else now, to strangers and to admins.
    UserListChanged,
    /// A key pair that signs or verifies tokens is new, signs now, or is retired.
    SigningKeysChanged,
    /// An API key has another secret, another name, other scopes or another end, or is gone.
    ApiKeyChanged(ApiKeyId),
    /// A runtime setting has another value.
    SettingsChanged,
    /// A task is due then, which may be earlier than anything that a worker waits for.
    TaskDue(DateTime<Utc>),
}
