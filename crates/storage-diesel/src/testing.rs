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
const SCHEMA_PREFIX: &str = "doorward_test_";

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

    /// An empty schema on the server that `TEST_POSTGRES_URL` names, whose user may create schemas. Schemas that earlier
    /// processes have left there are removed.
    ///
    /// # Panics
    /// When the variable is not set or the server does not answer.
    pub fn postgres() -> Self {
        static LEFTOVERS: Once = Once::new();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut server = connect();
        LEFTOVERS.call_once(|| drop_leftovers(&mut server));
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let schema = format!("{SCHEMA_PREFIX}{}_{number}", process::id());
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
            Place::Schema(schema) => panic!("the schema {schema} is no file"),
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Place::Schema(schema) = &self.place {
            // A panic here would hide the one of the test.
            let _ = connect().batch_execute(&drop_schema(schema));
        }
    }
}

fn connect() -> PgConnection {
    PgConnection::establish(&server_url())
        .unwrap_or_else(|error| panic!("the server of TEST_POSTGRES_URL does not answer: {error}"))
}

fn server_url() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests have no configuration: this is where they learn of the server"
    )]
    let url = std::env::var("TEST_POSTGRES_URL");
    url.unwrap_or_else(|_| panic!("set TEST_POSTGRES_URL; ./run_tests.sh does it for you"))
}

/// Drops the schemas of processes that are gone: their tests were killed.
fn drop_leftovers(server: &mut PgConnection) {
    let query = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE ";
    let schemas: Vec<String> = sql::<Text>(query)
        .bind::<Text, _>(format!("{}%", SCHEMA_PREFIX.replace('_', "\\_")))
        .load(server)
        .expect("the server lists its schemas");
    for schema in schemas {
        let process = schema
            .strip_prefix(SCHEMA_PREFIX)
            .and_then(|rest| rest.split('_').next())
            .unwrap_or_default();
        let is_running = PathBuf::from(format!("/proc/{process}")).exists();
        if !is_running {
            let _ = server.batch_execute(&drop_schema(&schema));
        }
    }
}

/// Whoever is still connected, such as a store that a failed test has not closed, must not hold it up.
fn drop_schema(schema: &str) -> String {
    format!("SET lock_timeout = 2000; DROP SCHEMA IF EXISTS {schema} CASCADE")
}
