//! The statements around every unit of work, prepared once a connection: to parse them each time costs as much as a
//! short unit itself.

use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};

#[derive(Debug, Clone, Copy)]
pub(super) enum Statement {
    BeginRead,
    BeginWrite,
    Savepoint,
    Release,
    RollbackToSavepoint,
    Commit,
    Rollback,
}

impl Statement {
    const fn as_str(self) -> &'static str {
        match self {
            Self::BeginRead => "BEGIN",
            // BEGIN alone would fail at the first write whenever another process has written meanwhile.
            Self::BeginWrite => "BEGIN IMMEDIATE",
            Self::Savepoint => "SAVEPOINT unit",
            Self::Release => "RELEASE unit",
            Self::RollbackToSavepoint => "ROLLBACK TO unit",
            Self::Commit => "COMMIT",
            Self::Rollback => "ROLLBACK",
        }
    }
}

impl QueryFragment<Sqlite> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(self.as_str());
        Ok(())
    }
}

/// Found in the connection's cache by its text.
impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<SqliteConnection> for Statement {}
