//! Migrations: embedded in the binary, and run in one transaction which others wait for, so that several nodes or
//! processes may start at once.

use crate::database_url::DatabaseUrl;
use crate::open_error::{OpenError, on_one_line};
use crate::pooler;
use crate::postgres::Server;
use crate::sqlite;
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::migration::{Migration, MigrationSource};
use diesel::result::Error;
use diesel::sql_types::{Bool, Text};
use diesel::{Connection, PgConnection, QueryResult, RunQueryDsl, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use doorward_storage::Mode;
use std::collections::BTreeSet;
use std::path::Path;

/// One node migrates a schema at a time; the others give up after a minute.
const POSTGRES_LOCK: &str = "SET LOCAL lock_timeout = 60000; \
     SELECT pg_advisory_xact_lock(1148286820, hashtext(coalesce(current_schema(), '')))";

/// A migration that this release has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// The name of its folder.
    pub name: String,
    /// Whether the database has it.
    pub is_applied: bool,
}

/// Runs all pending migrations, or none if one fails, and returns the names of those that were run. A SQLite file is
/// made if there is none; its folder must exist. Blocks the thread.
///
/// # Errors
/// [`OpenError`], when the database cannot be used, has a migration that this release does not know and may not work
/// with, or refuses one.
pub fn migrate(url: &DatabaseUrl) -> Result<Vec<String>, OpenError> {
    match url {
        DatabaseUrl::Sqlite(file) => {
            sqlite::open_or_create(file)?;
            run_pending(url, &mut connect_to_file(file)?)
        }
        DatabaseUrl::Postgres(server) => {
            let server = Server::at(server)?;
            pooler::refuse_unsuitable(&server)?;
            run_pending(url, &mut server.connect()?)
        }
    }
}

/// Every migration of this release and whether the database has it, in order. No SQLite file is made or
/// changed. Blocks the thread.
///
/// # Errors
/// As [`migrate`].
pub fn migration_status(url: &DatabaseUrl) -> Result<Vec<MigrationStatus>, OpenError> {
    match url {
        DatabaseUrl::Sqlite(file) => {
            if sqlite::is_ours(file)? {
                status(url, &mut sqlite::connect(file, Mode::Read)?)
            } else {
                Ok(compared(&embedded::<SqliteConnection>(url)?, &[]))
            }
        }
        DatabaseUrl::Postgres(server) => {
            let server = Server::at(server)?;
            pooler::refuse_unsuitable(&server)?;
            status(url, &mut server.connect()?)
        }
    }
}

/// # Errors
/// [`OpenError::PendingMigrations`] when there are any, and as [`migrate`].
pub(crate) fn refuse_pending(url: &DatabaseUrl) -> Result<(), OpenError> {
    let pending = names_of_pending(migration_status(url)?);
    if !pending.is_empty() {
        return Err(OpenError::PendingMigrations {
            database: url.to_string(),
            migrations: pending,
        });
    }
    match url {
        // A restored backup may have lost the WAL mode.
        DatabaseUrl::Sqlite(file) => sqlite::open_or_create(file),
        DatabaseUrl::Postgres(_) => Ok(()),
    }
}

/// What migrating needs of a database.
trait Database: Connection + MigrationHarness<Self::Backend> {
    const MIGRATIONS: EmbeddedMigrations;

    /// One transaction that nobody else migrates beside.
    fn exclusively<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure>;

    fn has_table(&mut self, name: &str) -> QueryResult<bool>;

    /// The rows of a query with one column of text.
    fn texts(&mut self, query: &str) -> QueryResult<Vec<String>>;
}

impl Database for SqliteConnection {
    const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

    fn exclusively<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.immediate_transaction(run)
    }

    fn has_table(&mut self, name: &str) -> QueryResult<bool> {
        let query = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ";
        sql::<Bool>(query)
            .bind::<Text, _>(name)
            .sql(")")
            .get_result(self)
    }

    fn texts(&mut self, query: &str) -> QueryResult<Vec<String>> {
        sql::<Text>(query).load(self)
    }
}

impl Database for PgConnection {
    const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

    fn exclusively<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.transaction(|connection| {
            connection.batch_execute(POSTGRES_LOCK)?;
            run(connection)
        })
    }

    fn has_table(&mut self, name: &str) -> QueryResult<bool> {
        // Not to_regclass, which may remember from before the lock that there is none.
        let query =
            "SELECT EXISTS (SELECT 1 FROM pg_class WHERE pg_table_is_visible(oid) AND relname = ";
        sql::<Bool>(query)
            .bind::<Text, _>(name)
            .sql(")")
            .get_result(self)
    }

    fn texts(&mut self, query: &str) -> QueryResult<Vec<String>> {
        sql::<Text>(query).load(self)
    }
}

/// Why migrating stops inside a transaction.
enum Failure {
    Database(Error),
    Refused(OpenError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl Failure {
    fn at(self, url: &DatabaseUrl) -> OpenError {
        match (self, url) {
            (Self::Refused(error), _) => error,
            (Self::Database(error), DatabaseUrl::Sqlite(file)) => sqlite::unusable(file, &error),
            (Self::Database(error), DatabaseUrl::Postgres(_)) => OpenError::Unusable {
                database: url.to_string(),
                reason: on_one_line(&error),
            },
        }
    }
}

/// A migration of this release.
struct Embedded<C: Connection> {
    name: String,
    version: String,
    migration: Box<dyn Migration<C::Backend>>,
}

fn embedded<C: Database>(url: &DatabaseUrl) -> Result<Vec<Embedded<C>>, OpenError> {
    let migrations = MigrationSource::<C::Backend>::migrations(&C::MIGRATIONS);
    let migrations = migrations.map_err(|error| OpenError::Unusable {
        database: url.to_string(),
        reason: on_one_line(&error),
    })?;
    Ok(migrations
        .into_iter()
        .map(|migration| Embedded {
            name: migration.name().to_string(),
            version: migration.name().version().to_string(),
            migration,
        })
        .collect())
}

fn run_pending<C: Database>(
    url: &DatabaseUrl,
    connection: &mut C,
) -> Result<Vec<String>, OpenError> {
    // Most starts find nothing to do, and need no lock to see that.
    if names_of_pending(status(url, connection)?).is_empty() {
        return Ok(Vec::new());
    }
    connection
        .exclusively(|connection| {
            let pending = names_of_pending(status(url, connection).map_err(Failure::Refused)?);
            let embedded = embedded::<C>(url).map_err(Failure::Refused)?;
            // Makes Diesel's own table.
            let _ = connection.applied_migrations().map_err(|error| {
                Failure::Refused(OpenError::Unusable {
                    database: url.to_string(),
                    reason: on_one_line(&error),
                })
            })?;
            for step in embedded.iter().filter(|step| pending.contains(&step.name)) {
                connection.run_migration(&step.migration).map_err(|error| {
                    Failure::Refused(OpenError::Migration {
                        database: url.to_string(),
                        migration: step.name.clone(),
                        reason: on_one_line(&error),
                    })
                })?;
            }
            Ok(pending)
        })
        .map_err(|failure| failure.at(url))
}

fn status<C: Database>(
    url: &DatabaseUrl,
    connection: &mut C,
) -> Result<Vec<MigrationStatus>, OpenError> {
    let embedded = embedded::<C>(url)?;
    let applied = applied(connection).map_err(|error| Failure::Database(error).at(url))?;
    let known: BTreeSet<_> = embedded.iter().map(|step| step.version.as_str()).collect();
    let unknown = applied
        .iter()
        .filter(|version| !known.contains(version.as_str()));
    let compatible = unknown.clone().next().map_or(Ok(Vec::new()), |_| {
        compatible(connection, &known).map_err(|error| Failure::Database(error).at(url))
    })?;
    for version in unknown {
        if !compatible.contains(version) {
            return Err(OpenError::UnknownMigration {
                database: url.to_string(),
                migration: version.clone(),
            });
        }
    }
    Ok(compared(&embedded, &applied))
}

/// The versions in the database, without making Diesel's table.
fn applied<C: Database>(connection: &mut C) -> QueryResult<Vec<String>> {
    if connection.has_table("__diesel_schema_migrations")? {
        connection.texts("SELECT version FROM __diesel_schema_migrations ORDER BY version")
    } else {
        Ok(Vec::new())
    }
}

/// The versions of newer releases that this one may work with, by what those releases have left.
fn compatible<C: Database>(connection: &mut C, known: &BTreeSet<&str>) -> QueryResult<Vec<String>> {
    if !connection.has_table("compatible_migrations")? {
        return Ok(Vec::new());
    }
    let rows =
        connection.texts("SELECT version || ' ' || oldest_known FROM compatible_migrations")?;
    Ok(rows
        .iter()
        .filter_map(|row| row.split_once(' '))
        .filter(|(_, oldest_known)| known.contains(oldest_known))
        .map(|(version, _)| version.to_owned())
        .collect())
}

fn compared<C: Database>(embedded: &[Embedded<C>], applied: &[String]) -> Vec<MigrationStatus> {
    embedded
        .iter()
        .map(|step| MigrationStatus {
            name: step.name.clone(),
            is_applied: applied.contains(&step.version),
        })
        .collect()
}

fn names_of_pending(status: Vec<MigrationStatus>) -> Vec<String> {
    status
        .into_iter()
        .filter(|migration| !migration.is_applied)
        .map(|migration| migration.name)
        .collect()
}

/// Without foreign keys: a migration that rebuilds a table would otherwise empty those that refer to it.
fn connect_to_file(file: &Path) -> Result<SqliteConnection, OpenError> {
    let mut connection = sqlite::connect(file, Mode::Write)?;
    connection
        .batch_execute("PRAGMA foreign_keys = OFF")
        .map_err(|error| sqlite::unusable(file, &error))?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDatabase;

    const SQLITE_SCHEMA: &str = "SELECT coalesce(sql, '') || name FROM sqlite_schema ORDER BY name";
    const POSTGRES_SCHEMA: &str = "SELECT table_name || column_name || data_type || is_nullable \
         || coalesce(collation_name, '') FROM information_schema.columns \
         WHERE table_schema = current_schema() \
         UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() \
         UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint \
         WHERE connamespace = current_schema()::regnamespace ORDER BY 1";

    /// Undoes and does again all migrations, and compares the schemas.
    fn redo<C: Database>(url: &DatabaseUrl, mut connection: C, schema: &str) {
        let empty = connection.texts(schema).unwrap();
        migrate(url).unwrap();
        let migrated = connection.texts(schema).unwrap();
        assert_ne!(empty, migrated);
        connection.revert_all_migrations(C::MIGRATIONS).unwrap();
        let reverted = connection.texts(schema).unwrap();
        let is_left = |name: &str| reverted.iter().any(|text| text.contains(name));
        assert!(!is_left("users") && !is_left("sessions") && !is_left("changes"));
        migrate(url).unwrap();
        assert_eq!(connection.texts(schema).unwrap(), migrated);
    }

    #[test]
    fn every_migration_can_be_undone_and_done_again_on_sqlite() {
        let database = TestDatabase::sqlite();
        sqlite::open_or_create(&database.file()).unwrap();
        let connection = connect_to_file(&database.file()).unwrap();
        redo(&database.database_url(), connection, SQLITE_SCHEMA);
    }

    #[test]
    fn every_migration_can_be_undone_and_done_again_on_postgres() {
        let database = TestDatabase::postgres();
        let connection = PgConnection::establish(database.url()).unwrap();
        redo(&database.database_url(), connection, POSTGRES_SCHEMA);
    }
}
