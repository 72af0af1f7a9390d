//! What the databases say, in the words of the ports. The one place that knows PostgreSQL's constraint names and the
//! messages of both.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};
use doorward_storage::{Constraint, Mode, StoreError};

/// PostgreSQL's messages for what passes by itself. Diesel does not hand on the SQLSTATE, so of a server that speaks
/// another language than English only what breaks the connection, or takes too long, is recognised.
const POSTGRES_PASSING: [&str; 11] = [
    "canceling statement due to statement timeout",
    "canceling statement due to lock timeout",
    "canceling statement due to user request",
    "deadlock detected",
    "terminating connection due to administrator command",
    "terminating connection due to idle-in-transaction timeout",
    "the database system is shutting down",
    "the database system is starting up",
    "sorry, too many clients already",
    "out of memory",
    "out of shared memory",
];

/// How the operating system's message for a full disk ends, whatever PostgreSQL says before it.
const DISK_IS_FULL: &str = "No space left on device";

/// In the names that Diesel gives to prepared statements, alike on every connection.
const PREPARED_STATEMENT: &str = "__diesel_stmt_";

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

/// When a statement failed: it decides what an error means that is told in a language which we do not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Before any limit of time.
    InTime,
    /// At or after the shortest limit of time: most likely because of it.
    Overdue,
}

/// The error of a statement in a transaction of `mode`.
pub(crate) fn from_diesel(error: Error, mode: Mode, moment: Moment) -> StoreError {
    let Error::DatabaseError(kind, information) = &error else {
        return StoreError::Backend(Box::new(error));
    };
    if let DatabaseErrorKind::UniqueViolation = kind
        && let Some(constraint) = broken_constraint(information.as_ref())
    {
        return StoreError::Conflict(constraint);
    }
    if confuses_statements(&error) {
        return StoreError::Backend(Box::new(ConfusedStatements(error)));
    }
    let is_overdue = moment == Moment::Overdue && matches!(kind, DatabaseErrorKind::Unknown);
    if is_overdue || passes_by_itself(*kind, information.message(), mode) {
        StoreError::Unavailable(Box::new(error))
    } else {
        StoreError::Backend(Box::new(error))
    }
}

/// Somebody between us and the server mixes up the prepared statements of several connections.
#[derive(Debug, thiserror::Error)]
#[error("{0}: {KEEP_STATEMENTS_APART}")]
struct ConfusedStatements(#[source] Error);

/// What an operator has to do then.
pub(crate) const KEEP_STATEMENTS_APART: &str = "what stands before PostgreSQL mixes up prepared statements; \
     PgBouncer must be 1.21 or later, and have max_prepared_statements above 0";

/// Whether the server has a prepared statement that we have not made, or lacks one that we have.
pub(crate) fn confuses_statements(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(DatabaseErrorKind::Unknown, information)
        if information.message().contains(PREPARED_STATEMENT))
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
        || message.ends_with(DISK_IS_FULL)
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
        from_diesel(error, mode, Moment::InTime)
    }

    #[test]
    fn what_is_told_in_another_language_is_an_outage_if_it_came_when_a_limit_was_reached() {
        let message = "storniere Anfrage wegen Zeitüberschreitung einer Sperre";
        let told = |kind, moment| {
            let error = Error::DatabaseError(kind, Box::new(message.to_owned()));
            from_diesel(error, Mode::Write, moment)
        };
        let late = told(DatabaseErrorKind::Unknown, Moment::Overdue);
        assert!(matches!(late, StoreError::Unavailable(_)), "{late:?}");
        for (kind, moment) in [
            (DatabaseErrorKind::Unknown, Moment::InTime),
            (DatabaseErrorKind::CheckViolation, Moment::Overdue),
        ] {
            let error = told(kind, moment);
            assert!(matches!(error, StoreError::Backend(_)), "{error:?}");
        }
    }

    #[test]
    fn a_full_disk_of_the_server_is_an_outage() {
        let message = "could not extend file \"base/5/16384\": wrote only 4096 bytes: No space left on device";
        let error = mapped(DatabaseErrorKind::Unknown, message, Mode::Write);
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }

    #[test]
    fn a_pooler_that_mixes_up_prepared_statements_is_named() {
        let message = "prepared statement \"__diesel_stmt_3\" does not exist";
        let StoreError::Backend(source) = mapped(DatabaseErrorKind::Unknown, message, Mode::Read)
        else {
            panic!("it does not pass by itself");
        };
        let text = source.to_string();
        assert!(text.starts_with(message), "{text}");
        assert!(text.contains("max_prepared_statements"), "{text}");
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
