//! A database on the store that `TEST_STORE` names.

use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use doorward_redis::RedisConfig;
use doorward_storage_diesel::DatabaseUrl;
use doorward_storage_diesel::testing::TestDatabase;
use uuid::Uuid;

/// On which store the tests run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    /// With a Redis beside it.
    Postgres,
}

impl Database {
    /// What `TEST_STORE` names.
    pub(crate) fn of_this_run() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "tests have no configuration: this is where they learn of the store"
        )]
        let store = std::env::var("TEST_STORE").unwrap_or_default();
        match store.as_str() {
            "" | "sqlite" => Self::Sqlite,
            "postgres" => Self::Postgres,
            other => panic!("TEST_STORE is sqlite or postgres, not {other}"),
        }
    }

    /// What its nodes share beside it: with a prefix of their own, on the server of `TEST_REDIS_URL`.
    pub(crate) fn redis(self) -> Option<RedisConfig> {
        #[expect(
            clippy::disallowed_methods,
            reason = "tests have no configuration: this is where they learn of the server"
        )]
        let url = || std::env::var("TEST_REDIS_URL");
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(RedisConfig {
                prefix: format!("doorward-test:{}:", Uuid::new_v4().simple()),
                ..RedisConfig::new(url().expect(
                    "TEST_STORE=postgres asks for TEST_REDIS_URL too; ./run_tests.sh sets it",
                ))
            }),
        }
    }

    /// An empty one.
    pub(crate) fn create(self) -> TestDatabase {
        match self {
            Self::Sqlite => TestDatabase::sqlite(),
            Self::Postgres => TestDatabase::postgres(),
        }
    }
}

/// How many rows `query` counts.
pub(crate) fn count(database: &TestDatabase, from: &str) -> i64 {
    let query = sql::<BigInt>(&format!("SELECT COUNT(*) FROM {from}"));
    let counted = match database.database_url() {
        DatabaseUrl::Sqlite(file) => SqliteConnection::establish(&file.to_string_lossy())
            .map(|mut connection| query.get_result(&mut connection)),
        DatabaseUrl::Postgres(_) => PgConnection::establish(database.url())
            .map(|mut connection| query.get_result(&mut connection)),
    };
    counted.expect("the database is there").expect("a number")
}
