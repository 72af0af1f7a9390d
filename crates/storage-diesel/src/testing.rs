//! Throw-away databases for tests.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "tests are its only callers, and a panic is how they fail"
)]

use crate::config::StoreConfig;
use crate::database_url::DatabaseUrl;
use crate::store::DieselStore;
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, RunQueryDsl};
use std::path::PathBuf;
use std::process;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

const FILE: &str = "doorward.db";
const PREFIX: &str = "doorward_test_";

/// An empty database of its own for one test, which is removed when this is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Folder(TempDir),
    Schema(String),
    Database(String),
}

impl TestDatabase {
    /// A file that does not exist yet, in a folder of its own.
    ///
    /// # Panics
    /// When the folder cannot be made.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            url: format!("sqlite://{}", folder.path().join(FILE).display()),
            place: Place::Folder(folder),
        }
    }

    /// An empty schema on the server that `TEST_POSTGRES_URL` names, whose user may create schemas. Where
    /// `TEST_POSTGRES_VIA` names a pooler in front of that server, without a database
    /// (`postgres://USER:PASSWORD@HOST:PORT`), it is an empty database that is reached through the pooler. What earlier
    /// processes have left on the server is removed.
    ///
    /// # Panics
    /// When the variable is not set or the server does not answer.
    pub fn postgres() -> Self {
        match variable("TEST_POSTGRES_VIA") {
            Some(pooler) => Self::database_behind(&pooler),
            None => Self::postgres_itself(),
        }
    }

    /// An empty schema on the server itself, whether or not there is a pooler: for what is agreed with the server before
    /// the first statement, such as TLS.
    ///
    /// # Panics
    /// As [`postgres`](Self::postgres).
    pub fn postgres_itself() -> Self {
        let (mut server, schema) = new_name();
        server
            .batch_execute(&format!("CREATE SCHEMA {schema}"))
            .expect("TEST_POSTGRES_URL names a user who may create schemas");
        let url = server_url();
        let separator = if url.contains('?') { '&' } else { '?' };
        Self {
            url: format!("{url}{separator}options=-csearch_path%3D{schema}"),
            place: Place::Schema(schema),
        }
    }

    /// A pooler passes on no `options`, which would choose a schema.
    fn database_behind(pooler: &str) -> Self {
        let (mut server, database) = new_name();
        server
            .batch_execute(&format!("CREATE DATABASE {database} TEMPLATE template0"))
            .expect("TEST_POSTGRES_URL names a user who may create databases");
        Self {
            url: format!("{pooler}/{database}?connect_timeout=20"),
            place: Place::Database(database),
        }
    }

    /// Its URL, as an operator writes it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its URL, parsed.
    ///
    /// # Panics
    /// Never: the URL is our own.
    pub fn database_url(&self) -> DatabaseUrl {
        DatabaseUrl::parse(&self.url).expect("our own URL")
    }

    /// A store on it, migrated.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub fn open(&self) -> DieselStore {
        self.open_with(&StoreConfig::default())
    }

    /// As [`open`](Self::open), with another configuration.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub fn open_with(&self, config: &StoreConfig) -> DieselStore {
        DieselStore::open(&self.database_url(), config)
            .unwrap_or_else(|error| panic!("the test database cannot be opened: {error}"))
    }

    /// Runs SQL that no repository would, such as what damages a row.
    ///
    /// # Panics
    /// When the database refuses it.
    pub fn execute(&self, sql: &str) {
        let done = match self.database_url() {
            DatabaseUrl::Sqlite(file) => {
                diesel::SqliteConnection::establish(&file.to_string_lossy())
                    .expect("the file is there")
                    .batch_execute(sql)
            }
            DatabaseUrl::Postgres(_) => PgConnection::establish(&self.url)
                .expect("the server is there")
                .batch_execute(sql),
        };
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The SQLite file.
    ///
    /// # Panics
    /// When it is a PostgreSQL database.
    pub fn file(&self) -> PathBuf {
        match &self.place {
            Place::Folder(folder) => folder.path().join(FILE),
            Place::Schema(name) | Place::Database(name) => panic!("{name} is no file"),
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let sql = match &self.place {
            Place::Folder(_) => return,
            Place::Schema(schema) => drop_schema(schema),
            Place::Database(database) => drop_database(database),
        };
        // A panic here would hide the one of the test.
        let _ = connect().batch_execute(&sql);
    }
}

/// A connection to the server, and a name there that nobody else has.
fn new_name() -> (PgConnection, String) {
    static LEFTOVERS: Once = Once::new();
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut server = connect();
    LEFTOVERS.call_once(|| drop_leftovers(&mut server));
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    (server, format!("{PREFIX}{}_{number}", process::id()))
}

fn connect() -> PgConnection {
    PgConnection::establish(&server_url())
        .unwrap_or_else(|error| panic!("the server of TEST_POSTGRES_URL does not answer: {error}"))
}

fn server_url() -> String {
    variable("TEST_POSTGRES_URL")
        .unwrap_or_else(|| panic!("set TEST_POSTGRES_URL; ./run_tests.sh does it for you"))
}

fn variable(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests have no configuration: this is where they learn of the server"
    )]
    let value = std::env::var(name);
    value.ok().filter(|value| !value.is_empty())
}

/// Drops what processes that are gone have made: their tests were killed.
fn drop_leftovers(server: &mut PgConnection) {
    let mut drop_each = |names, drop: fn(&str) -> String| {
        let left: Vec<String> = sql::<Text>(names)
            .bind::<Text, _>(format!("{}%", PREFIX.replace('_', "\\_")))
            .load(server)
            .expect("the server lists what it has");
        for name in left.iter().filter(|name| !is_in_use(name)) {
            let _ = server.batch_execute(&drop(name));
        }
    };
    let (schemas, databases) = (
        "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE ",
        "SELECT datname::text FROM pg_database WHERE datname LIKE ",
    );
    drop_each(schemas, drop_schema);
    drop_each(databases, drop_database);
}

/// Whether the process that made it still runs.
fn is_in_use(name: &str) -> bool {
    let process = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split('_').next())
        .unwrap_or_default();
    PathBuf::from(format!("/proc/{process}")).exists()
}

/// Whoever is still connected, such as a store that a failed test has not closed, must not hold it up.
fn drop_schema(schema: &str) -> String {
    format!("SET lock_timeout = 2000; DROP SCHEMA IF EXISTS {schema} CASCADE")
}

/// The pooler is still connected.
fn drop_database(database: &str) -> String {
    format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")
}
