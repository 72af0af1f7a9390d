//! What may stand between us and the server: a pooler, which gives the connections of the server to one client after
//! the other. `PgBouncer` does that in transaction mode.

use crate::error::{KEEP_STATEMENTS_APART, confuses_statements};
use crate::open_error::{OpenError, on_one_line};
use crate::postgres::Server;
use diesel::connection::SimpleConnection;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{Integer, Text};
use diesel::{IntoSql, PgConnection, QueryResult, RunQueryDsl};

const NO_TRANSACTIONS: &str = "what stands before PostgreSQL takes no transactions; PgBouncer must have pool_mode = transaction, \
     or session";

/// Refuses a pooler that gives out connections for single statements, or that mixes up the statements which several
/// clients have prepared: with it, a client's statement may be another one than it believes.
///
/// Diesel gives the same names to the statements of every connection. The second connection is lent the one of the
/// server that the first has just given back, unless others use the pooler at the same moment.
///
/// # Errors
/// [`OpenError::Pooler`] for these; and as [`Server::connect`], or when the server answers with an error.
pub(crate) fn refuse_unsuitable(server: &Server) -> Result<(), OpenError> {
    let (mut first, mut second) = (server.connect()?, server.connect()?);
    prepare_number(&mut first).map_err(|error| refused(server, &error))?;
    if let Err(error) = second.batch_execute("BEGIN READ ONLY") {
        return Err(if is_closed(&error) {
            pooler(server, NO_TRANSACTIONS)
        } else {
            refused(server, &error)
        });
    }
    prepare_text(&mut second).map_err(|error| refused(server, &error))?;
    // That it is not closed within a transaction.
    let _ = second.batch_execute("ROLLBACK");
    Ok(())
}

fn prepare_number(connection: &mut PgConnection) -> QueryResult<i32> {
    diesel::select(1.into_sql::<Integer>()).get_result(connection)
}

fn prepare_text(connection: &mut PgConnection) -> QueryResult<String> {
    diesel::select("".into_sql::<Text>()).get_result(connection)
}

/// In place of an answer.
fn is_closed(error: &Error) -> bool {
    matches!(
        error,
        Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
    )
}

fn refused(server: &Server, error: &Error) -> OpenError {
    if confuses_statements(error) {
        return pooler(server, KEEP_STATEMENTS_APART);
    }
    OpenError::Unusable {
        database: server.name(),
        reason: on_one_line(error),
    }
}

fn pooler(server: &Server, reason: &'static str) -> OpenError {
    OpenError::Pooler {
        server: server.name(),
        reason,
    }
}
