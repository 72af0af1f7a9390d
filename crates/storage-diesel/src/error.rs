//! What the databases say, in the words of the ports. The one place that knows PostgreSQL's constraint names and the
//! messages of both.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};
use doorward_storage::{Constraint, Mode, StoreError};

/// PostgreSQL's messages for what passes by itself. Diesel does not hand on the SQLSTATE, so a server that speaks
/// another language than English has these reported as [`StoreError::Backend`].
const POSTGRES_PASSING: [&str; 9] = [
    "canceling statement due to statement timeout",
    "canceling statement due to lock timeout",
    "canceling statement due to user request",
    "deadlock detected",
    "terminating connection due to administrator command",
    "terminating connection due to idle-in-transaction timeout",
    "the database system is shutting down",
    "the database system is starting up",
    "sorry, too many clients already",
];

/// SQLite's messages for BUSY, LOCKED, FULL, IOERR and CANTOPEN.
const SQLITE_PASSING: [&str; 6] = [
    "database is locked",
    "database table is locked",
    "database schema is locked",
    "database or disk is full",
    "disk I/O error",
    "unable to open database file",
];

/// SQLite's message for READONLY: the file's mode, or a write in a read transaction.
const SQLITE_READ_ONLY: &str = "attempt to write a readonly database";

/// The error of a statement in a transaction of `mode`.
pub(crate) fn from_diesel(error: Error, mode: Mode) -> StoreError {
    let Error::DatabaseError(kind, information) = &error else {
        return StoreError::Backend(Box::new(error));
    };
    if let DatabaseErrorKind::UniqueViolation = kind
        && let Some(constraint) = broken_constraint(information.as_ref())
    {
        return StoreError::Conflict(constraint);
    }
    if passes_by_itself(*kind, information.message(), mode) {
        StoreError::Unavailable(Box::new(error))
    } else {
        StoreError::Backend(Box::new(error))
    }
}

fn broken_constraint(information: &dyn DatabaseErrorInformation) -> Option<Constraint> {
    match (information.constraint_name(), information.message()) {
        (Some("users_username_key"), _)
        | (None, "UNIQUE constraint failed: users.username_key") => Some(Constraint::Username),
        (Some("users_email_key"), _) | (None, "UNIQUE constraint failed: users.email_key") => {
            Some(Constraint::UserEmail)
        }
        (Some("signing_keys_active_key" | "signing_keys_prepared_key"), _)
        | (None, "UNIQUE constraint failed: signing_keys.algorithm") => {
            Some(Constraint::SigningKey)
        }
        (Some(_) | None, _) => None,
    }
}

fn passes_by_itself(kind: DatabaseErrorKind, message: &str, mode: Mode) -> bool {
    // What cannot be written in a write transaction is a standby, a failover or the mode of a file.
    let writes = mode == Mode::Write;
    matches!(
        kind,
        DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::SerializationFailure
    ) || POSTGRES_PASSING.contains(&message)
        || SQLITE_PASSING.contains(&message)
        || (writes && matches!(kind, DatabaseErrorKind::ReadOnlyTransaction))
        || (writes && message == SQLITE_READ_ONLY)
}

/// The store does not serve now.
pub(crate) fn unavailable(reason: &str) -> StoreError {
    StoreError::Unavailable(reason.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(kind: DatabaseErrorKind, message: &str, mode: Mode) -> StoreError {
        let error = Error::DatabaseError(kind, Box::new(message.to_owned()));
        from_diesel(error, mode)
    }

    #[test]
    fn what_passes_by_itself_is_unavailable() {
        for message in POSTGRES_PASSING.iter().chain(&SQLITE_PASSING) {
            let error = mapped(DatabaseErrorKind::Unknown, message, Mode::Read);
            assert!(matches!(error, StoreError::Unavailable(_)), "{message}");
        }
        for kind in [
            DatabaseErrorKind::ClosedConnection,
            DatabaseErrorKind::UnableToSendCommand,
            DatabaseErrorKind::SerializationFailure,
        ] {
            let error = mapped(kind, "whatever", Mode::Write);
            assert!(matches!(error, StoreError::Unavailable(_)));
        }
    }

    #[test]
    fn a_read_only_database_is_unavailable_to_writers_and_a_mistake_of_readers() {
        let error = |mode| mapped(DatabaseErrorKind::Unknown, SQLITE_READ_ONLY, mode);
        assert!(matches!(error(Mode::Write), StoreError::Unavailable(_)));
        assert!(matches!(error(Mode::Read), StoreError::Backend(_)));
    }

    #[test]
    fn a_constraint_is_recognised_by_its_exact_name() {
        let error = |message| mapped(DatabaseErrorKind::UniqueViolation, message, Mode::Write);
        assert!(matches!(
            error("UNIQUE constraint failed: users.email_key"),
            StoreError::Conflict(Constraint::UserEmail)
        ));
        assert!(matches!(
            error("UNIQUE constraint failed: users.id"),
            StoreError::Backend(_)
        ));
    }
}
