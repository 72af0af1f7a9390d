//! One Diesel expression for two databases.

use diesel::{PgConnection, SqliteConnection};

/// The connection that an open transaction holds.
pub(crate) enum Backend<'c> {
    Postgres(&'c mut PgConnection),
    Sqlite(&'c mut SqliteConnection),
}

/// Runs one Diesel expression on the connection of a [`DieselTransaction`](crate::transaction::DieselTransaction),
/// stamped out for each database. The whole query language is available inside. With two closures each database gets
/// its own expression, for what only one of them has (`FOR UPDATE`).
macro_rules! on_backend {
    ($tx:expr, |$conn:ident| $query:expr) => {
        on_backend!($tx, postgres = |$conn| $query, sqlite = |$conn| $query)
    };
    ($tx:expr, postgres = |$pg:ident| $pg_query:expr, sqlite = |$lite:ident| $lite_query:expr $(,)?) => {{
        $tx.check_usable()?;
        let result = match &mut $tx.backend {
            $crate::backend::Backend::Postgres(connection) => {
                let $pg: &mut diesel::PgConnection = connection;
                $pg_query
            }
            $crate::backend::Backend::Sqlite(connection) => {
                let $lite: &mut diesel::SqliteConnection = connection;
                $lite_query
            }
        };
        $tx.noted(result)
    }};
}

pub(crate) use on_backend;
